//! I/O: asks the `git` program for commits, differences and blobs. The only file that starts git.
//!
//! A repository is untrusted: hooks, file-system monitors, external diff drivers, text conversion, replacement objects
//! and lazy fetches are switched off, revisions are passed after `--end-of-options`, nothing goes through a shell.

#![expect(clippy::disallowed_methods, reason = "I/O edge: runs git")]

pub use super::blob::{Blob, Blobs};
pub use super::entries::{Entry, Mode};
use super::entries::{mode_of, parse_raw};
use super::objects::{self, Header, Object, Session, Trees};
use crate::path::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// Commits that are read in search of an ancestor before git itself is asked.
const NEAR: usize = 16;

/// Why git could not answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program is missing or cannot be started: the environment's fault.
    #[error("git cannot be run")]
    Start(#[source] std::io::Error),
    /// There is no repository here: the caller decides whether that is a fault.
    #[error("{} is not inside a git repository", .0.display())]
    NoRepository(PathBuf),
    /// Git refused: usually a broken repository or one owned by another user.
    #[error("`git {command}` failed: {message}")]
    Failed {
        /// The sub-command.
        command: String,
        /// What git wrote, first line.
        message: String,
    },
    /// Git's answer does not have the documented shape: a bug here or in git.
    #[error("`git {command}` answered in an unknown form")]
    Protocol {
        /// The sub-command.
        command: String,
    },
}

/// A repository.
#[derive(Debug, Clone)]
pub struct Git {
    root: PathBuf,
    /// `cat-file --batch-check`, kept open.
    names: Arc<Mutex<Option<Session>>>,
    /// `cat-file --batch`, kept open.
    contents: Arc<Mutex<Option<Session>>>,
    /// Trees that were read: imports are looked for in the same folders again and again.
    trees: Arc<Mutex<Trees>>,
}

impl Git {
    /// Finds the repository that holds `directory`.
    ///
    /// # Errors
    /// [`GitError::NoRepository`] where there is none, [`GitError::Start`] without git.
    pub fn open(directory: &Path) -> Result<Self, GitError> {
        let root = directory.to_owned();
        let probe = Self { root, names: Arc::default(), contents: Arc::default(), trees: Arc::default() };
        // Both will be asked soon, and start while the first command runs.
        for (slot, how) in [(&probe.names, "--batch-check"), (&probe.contents, "--batch")] {
            *lock(slot) = probe.session(how).ok();
        }
        match probe.line(&["rev-parse", "--show-toplevel"]) {
            Ok(root) if !root.is_empty() => Ok(Self { root: PathBuf::from(root), ..probe }),
            Ok(_) => Err(GitError::NoRepository(directory.to_owned())),
            Err(GitError::Failed { message, .. }) if message.contains("not a git repository") => {
                Err(GitError::NoRepository(directory.to_owned()))
            }
            Err(GitError::Failed { message, .. }) if message.contains("must be run in a work tree") => Ok(probe),
            Err(error) => Err(error),
        }
    }

    /// Returns the directory that paths are relative to.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Resolves a revision to a commit, peeling tags. `None` where there is no such commit here.
    ///
    /// # Errors
    /// [`GitError`] where git cannot be run.
    pub fn commit(&self, revision: &str) -> Result<Option<String>, GitError> {
        if revision.is_empty() || revision.contains('\0') {
            return Ok(None);
        }
        let peeled = format!("{revision}^{{commit}}");
        if let Some(answers) = self.headers(std::slice::from_ref(&peeled)) {
            return Ok(answers.into_iter().flatten().find(|(_, kind, _)| kind == "commit").map(|(oid, ..)| oid));
        }
        match self.line(&["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled]) {
            Ok(oid) if is_oid(&oid) => Ok(Some(oid)),
            Ok(_) | Err(GitError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says whether this clone has an object, of whatever kind.
    ///
    /// # Errors
    /// [`GitError`] where git cannot be run.
    pub fn has(&self, oid: &str) -> Result<bool, GitError> {
        match self.run(&["cat-file", "-e", "--end-of-options", oid], &[]) {
            Ok(_) => Ok(true),
            Err(GitError::Failed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the parents of a commit, as far as this clone has them.
    ///
    /// # Errors
    /// [`GitError`] where git cannot be run or the commit is missing.
    pub fn parents(&self, commit: &str) -> Result<Vec<String>, GitError> {
        let line = self.line(&["rev-list", "--parents", "--max-count=1", "--end-of-options", commit])?;
        Ok(line.split_whitespace().skip(1).map(str::to_owned).collect())
    }

    /// Returns the best common ancestor, or `None` where this clone has none.
    ///
    /// # Errors
    /// [`GitError`] where git cannot be run.
    pub fn merge_base(&self, a: &str, b: &str) -> Result<Option<String>, GitError> {
        if is_oid(a) && self.commit(a)?.is_some_and(|found| found == a) && self.is_near_ancestor(a, b) {
            return Ok(Some(a.to_owned()));
        }
        match self.line(&["merge-base", "--end-of-options", a, b]) {
            Ok(oid) if is_oid(&oid) => Ok(Some(oid)),
            Ok(_) | Err(GitError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says whether the history is cut off.
    ///
    /// # Errors
    /// [`GitError`] where git cannot be run.
    pub fn is_shallow(&self) -> Result<bool, GitError> {
        Ok(self.line(&["rev-parse", "--is-shallow-repository"])? == "true")
    }

    /// Ends the processes that are kept open: what they know of the repository may be out of date.
    pub(super) fn forget(&self) {
        (*lock(&self.names), *lock(&self.contents)) = (None, None);
    }

    /// Returns what differs between two commits, renames found.
    ///
    /// # Errors
    /// [`GitError`] where git fails or answers in an unknown form.
    pub fn diff_commits(&self, base: &str, head: &str) -> Result<Vec<Entry>, GitError> {
        let diff = |more: &[&str]| {
            self.run(&[&["diff-tree", "-r"], &DIFF_FLAGS[..], more, &["--end-of-options", base, head]].concat(), &[])
        };
        // Renames are told by contents, which a partial clone may lack; the difference itself is not.
        let raw = match diff(&[]) {
            Err(GitError::Failed { .. }) => diff(&["--no-renames"])?,
            other => other?,
        };
        parse_raw(&raw).ok_or_else(|| GitError::Protocol { command: "diff-tree".into() })
    }

    /// Returns what differs between a commit and the index.
    ///
    /// # Errors
    /// [`GitError`] where git fails or answers in an unknown form.
    pub fn diff_index(&self, base: &str) -> Result<Vec<Entry>, GitError> {
        let raw =
            self.run(&[&["diff-index", "--cached"], &DIFF_FLAGS[..], &["--end-of-options", base]].concat(), &[])?;
        parse_raw(&raw).ok_or_else(|| GitError::Protocol { command: "diff-index".into() })
    }

    /// Returns mode and object of one path in a commit, or `None` where the commit does not have it.
    ///
    /// # Errors
    /// [`GitError`] where git fails.
    pub fn entry(&self, commit: &str, path: &str) -> Result<Option<(Mode, String)>, GitError> {
        if let Some(found) = self.look_up(commit, path) {
            return Ok(found.filter(|(mode, _)| mode != TREE).map(|(mode, oid)| (mode_of(&mode), oid)));
        }
        let raw = self.run(&["ls-tree", "-z", "--full-tree", commit, "--", path], &[])?;
        let Some(line) = raw.split(|b| *b == 0).find(|l| !l.is_empty()) else { return Ok(None) };
        let text = String::from_utf8_lossy(line);
        let mut parts = text.split([' ', '\t']);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(mode), Some("blob" | "commit"), Some(oid)) => Ok(Some((mode_of(mode), oid.to_owned()))),
            _ => Ok(None),
        }
    }

    /// Returns which of the paths a commit has, whatever is there.
    ///
    /// # Errors
    /// [`GitError`] where git fails.
    pub fn present(&self, commit: &str, paths: &[&str]) -> Result<Vec<String>, GitError> {
        let known: Option<Vec<bool>> = paths.iter().map(|p| self.look_up(commit, p).map(|e| e.is_some())).collect();
        if let Some(known) = known {
            return Ok(paths.iter().zip(known).filter(|(_, known)| *known).map(|(p, _)| (*p).to_owned()).collect());
        }
        let raw = self.run(&[&["ls-tree", "-z", "--name-only", "--full-tree", commit, "--"], paths].concat(), &[])?;
        let names = raw.split(|b| *b == 0).filter(|n| !n.is_empty());
        Ok(names.map(|n| String::from_utf8_lossy(n).into_owned()).collect())
    }

    /// Says whether a commit has a file or directory at a path.
    ///
    /// # Errors
    /// [`GitError`] where git fails.
    pub fn exists(&self, commit: &str, path: &str) -> Result<bool, GitError> {
        Ok(!self.run(&["ls-tree", "-z", "--full-tree", commit, "--", path], &[])?.is_empty())
    }

    /// Returns the files below a directory of a commit, or of all of it where none is named, links and submodules left out.
    ///
    /// # Errors
    /// [`GitError`] where git fails.
    pub fn files_under(&self, commit: &str, directory: &str) -> Result<Vec<(RepoPath, String)>, GitError> {
        // An empty name would be no path to git, and not the root.
        let below = [directory];
        let below = if directory.is_empty() { &[][..] } else { &below };
        let raw = self.run(&[&["ls-tree", "-r", "-z", "--full-tree", commit, "--"], below].concat(), &[])?;
        let mut files = Vec::new();
        for line in raw.split(|b| *b == 0).filter(|l| !l.is_empty()) {
            let Some(tab) = line.iter().position(|b| *b == b'\t') else { continue };
            let head = String::from_utf8_lossy(&line[..tab]).into_owned();
            let mut parts = head.split(' ');
            if let (Some(mode), Some("blob"), Some(oid)) = (parts.next(), parts.next(), parts.next())
                && mode_of(mode).is_file()
            {
                files.push((RepoPath::from_bytes(&line[tab + 1..]), oid.to_owned()));
            }
        }
        Ok(files)
    }

    /// Reads blobs. Those over `max_bytes` are not read, only measured; those that this clone lacks are unreadable.
    /// Where the rest is over `max_total`, each counted as often as it is asked for, none is read.
    ///
    /// # Errors
    /// [`GitError`] where git fails.
    pub fn blobs(&self, oids: &[String], max_bytes: u64, max_total: u64) -> Result<Blobs, GitError> {
        let mut blobs = BTreeMap::new();
        if oids.is_empty() {
            return Ok(Blobs::Read(blobs));
        }
        let headers = self.headers(oids).ok_or_else(|| GitError::Protocol { command: "cat-file".into() })?;
        let (mut wanted, mut total) = (BTreeSet::new(), 0u64);
        for (oid, header) in oids.iter().zip(headers) {
            match header {
                Some((_, kind, size)) if kind == "blob" && size > max_bytes => {
                    drop(blobs.insert(oid.clone(), Blob::TooLarge(size)))
                }
                Some((_, kind, size)) if kind == "blob" => {
                    total = total.saturating_add(size);
                    wanted.insert(oid.clone());
                }
                _ => drop(blobs.insert(oid.clone(), Blob::Missing)),
            }
        }
        if total > max_total {
            return Ok(Blobs::OverLimit { bytes: total });
        }
        let wanted: Vec<String> = wanted.into_iter().collect();
        let contents = self.objects(&wanted).ok_or_else(|| GitError::Protocol { command: "cat-file".into() })?;
        blobs.extend(wanted.into_iter().zip(contents).map(|(oid, object)| match object {
            Some((_, bytes)) => (oid, Blob::Bytes(bytes)),
            None => (oid, Blob::Missing),
        }));
        Ok(Blobs::Read(blobs))
    }

    /// Reads one blob.
    ///
    /// # Errors
    /// [`GitError`] where git fails.
    pub fn blob(&self, oid: &str, max_bytes: u64) -> Result<Blob, GitError> {
        match self.blobs(&[oid.to_owned()], max_bytes, max_bytes)? {
            Blobs::OverLimit { bytes } => Ok(Blob::TooLarge(bytes)),
            Blobs::Read(mut blobs) => Ok(blobs.remove(oid).unwrap_or(Blob::Missing)),
        }
    }

    /// Returns name, kind and size of objects; `None` where git does not answer.
    fn headers(&self, names: &[String]) -> Option<Vec<Option<Header>>> {
        self.ask(&self.names, "--batch-check", |session| {
            session.ask(names, |output| objects::line(output).map(|line| objects::header(&line)))
        })
    }

    /// Returns kind and content of objects; `None` where git does not answer.
    fn objects(&self, names: &[String]) -> Option<Vec<Option<Object>>> {
        self.ask(&self.contents, "--batch", |session| session.ask(names, objects::object))
    }

    /// Asks a process that is kept open; one that fails is not asked again.
    fn ask<R>(
        &self,
        slot: &Mutex<Option<Session>>,
        how: &str,
        question: impl FnOnce(&mut Session) -> std::io::Result<R>,
    ) -> Option<R> {
        let mut slot = lock(slot);
        if slot.is_none() {
            *slot = self.session(how).ok();
        }
        let answer = question(slot.as_mut()?);
        if answer.is_err() {
            *slot = None;
        }
        answer.ok()
    }

    fn session(&self, how: &str) -> Result<Session, GitError> {
        let mut command = self.command(&["cat-file", how]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        Session::new(child.map_err(GitError::Start)?).ok_or_else(|| GitError::Protocol { command: "cat-file".into() })
    }

    /// Returns mode and object of a path in a commit; `None` where it has to be asked of `ls-tree`.
    pub(super) fn look_up(&self, commit: &str, path: &str) -> Option<Option<(String, String)>> {
        if !is_oid(commit) || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return None;
        }
        let mut found = (TREE.to_owned(), format!("{commit}^{{tree}}"));
        for part in path.split('/') {
            if found.0 != TREE {
                return Some(None);
            }
            let tree = self.tree(found.1)?;
            match objects::entry_of_tree(&tree, part, commit.len() / 2) {
                Some(entry) => found = entry,
                None => return Some(None),
            }
        }
        Some(Some(found))
    }

    /// Returns the raw form of a tree by a name that always stands for the same.
    pub(super) fn tree(&self, name: String) -> Option<Arc<[u8]>> {
        if let Some(known) = lock(&self.trees).get(&name) {
            return Some(known);
        }
        let (_, tree) = self.objects(std::slice::from_ref(&name))?.pop()?.filter(|(kind, _)| kind == "tree")?;
        let tree: Arc<[u8]> = tree.into();
        lock(&self.trees).keep(name, &tree);
        Some(tree)
    }

    /// Says whether a commit is seen to be an ancestor of another, or the same, by reading the last few commits.
    fn is_near_ancestor(&self, ancestor: &str, commit: &str) -> bool {
        let mut open = vec![commit.to_owned()];
        for read in 0..NEAR {
            match open.get(read) {
                Some(commit) if commit == ancestor => return true,
                Some(commit) if is_oid(commit) => {
                    let object = self.objects(std::slice::from_ref(commit)).and_then(|mut found| found.pop().flatten());
                    let content = object.filter(|(kind, _)| kind == "commit").map(|(_, content)| content);
                    open.extend(objects::parents_of_commit(&content.unwrap_or_default()));
                }
                _ => return false,
            }
        }
        open.iter().any(|commit| commit == ancestor)
    }

    /// Returns where git keeps hooks of this repository.
    ///
    /// # Errors
    /// [`GitError`] where git fails.
    pub fn hooks_directory(&self) -> Result<PathBuf, GitError> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.root).args(["rev-parse", "--git-path", "hooks"]);
        let output = command.output().map_err(GitError::Start)?;
        let path = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        if path.is_empty() {
            return Err(GitError::Protocol { command: "rev-parse".into() });
        }
        Ok(self.root.join(path))
    }

    pub(super) fn line(&self, args: &[&str]) -> Result<String, GitError> {
        let out = self.run(args, &[])?;
        Ok(String::from_utf8_lossy(&out).trim_end_matches(['\n', '\r']).to_owned())
    }

    pub(super) fn run(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, GitError> {
        let mut child = self
            .command(args)
            .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(GitError::Start)?;
        let writer = child.stdin.take().map(|mut stdin| {
            let bytes = [input, b"\n"].concat();
            std::thread::spawn(move || stdin.write_all(&bytes))
        });
        let output = child.wait_with_output().map_err(GitError::Start)?;
        if let Some(writer) = writer {
            // A write cut short shows as a failed command or a short answer, both handled by the caller.
            drop(writer.join());
        }
        if output.status.success() {
            return Ok(output.stdout);
        }
        let message = String::from_utf8_lossy(&output.stderr);
        let mut lines = message.lines().filter(|l| !l.trim().is_empty());
        let fatal = lines.clone().find(|l| l.starts_with("fatal: ") || l.starts_with("error: "));
        let message = fatal.or_else(|| lines.next()).unwrap_or("no message");
        Err(GitError::Failed {
            command: args.first().copied().unwrap_or_default().to_owned(),
            message: crate::path::visible(&with_short_ids(message)),
        })
    }

    fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new("git");
        command.arg("--no-pager").arg("--literal-pathspecs").arg("--no-replace-objects");
        for setting in HARDENED {
            command.args(["-c", setting]);
        }
        command.arg("-C").arg(&self.root).args(args);
        for name in ["GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_TRACE", "GIT_TRACE2", "GIT_TRACE2_EVENT"] {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_ATTR_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1").env("LC_ALL", "C");
        command
    }
}

const HARDENED: [&str; 8] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "diff.external=",
    "diff.renameLimit=2000",
    "submodule.recurse=false",
    "protocol.ext.allow=never",
    "gc.auto=0",
];

const DIFF_FLAGS: [&str; 7] =
    ["-z", "--raw", "--no-abbrev", "--find-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none"];

/// The mode of a directory in a tree.
pub(super) const TREE: &str = "40000";

fn lock<T>(slot: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Returns a text with the ids of objects cut short, as people write them: whole, they would be masked like secrets.
pub fn with_short_ids(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        out.push_str(if is_oid(word) { &word[..12] } else { word });
        out.push_str(&part[word.len()..]);
    }
    out
}

/// Says whether a text has the form of a whole object id.
pub fn is_oid(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::with_short_ids;

    #[test]
    fn ids_in_messages_are_cut_short() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        let message = with_short_ids(&format!("fatal: not our ref {id}: no '{id}'"));
        assert_eq!(message, "fatal: not our ref 0123456789ab: no '0123456789ab'");
    }
}
