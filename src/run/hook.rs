//! `portcullis hook install|uninstall|run`: the gate before a push. A hook is advice to its owner: `git push
//! --no-verify` goes past it, so the gate that counts is the one in CI.

#![expect(clippy::disallowed_methods, reason = "I/O edge: writes and removes the hook, reads its input")]

use super::check::{self, Outcome};
use super::gather::Wanted;
use super::{RunError, exit, publish};
use crate::change::git::Git;
use crate::change::select::{Candidate, Surroundings, for_push, is_zero};
use crate::path::visible;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What tells our hook from others.
const MARK: &str = "# portcullis pre-push hook, version 1";
/// Largest input of a hook, in bytes.
const MAX_INPUT: u64 = 4 << 20;

/// One line of a pre-push hook's input (githooks(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Local reference, or an expression.
    pub local_ref: String,
    /// Object that is pushed; zeros for a deletion.
    pub local_oid: String,
    /// Reference on the remote.
    pub remote_ref: String,
    /// What the remote has; zeros for a new reference.
    pub remote_oid: String,
}

/// Reads a hook's input.
///
/// # Errors
/// [`RunError::Usage`] for a line that does not have four words with two object ids.
pub fn parse(input: &str) -> Result<Vec<Push>, RunError> {
    let is_oid = |s: &str| matches!(s.len(), 40 | 64) && s.bytes().all(|b| b.is_ascii_hexdigit());
    let mut pushes = Vec::new();
    for (number, line) in input.lines().enumerate().filter(|(_, l)| !l.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [local_ref, local_oid, remote_ref, remote_oid] if is_oid(local_oid) && is_oid(remote_oid) => {
                pushes.push(Push {
                    local_ref: (*local_ref).to_owned(),
                    local_oid: (*local_oid).to_owned(),
                    remote_ref: (*remote_ref).to_owned(),
                    remote_oid: (*remote_oid).to_owned(),
                });
            }
            _ => {
                let line = visible(line);
                return Err(RunError::Usage(format!(
                    "line {} of the hook's input is not `<local ref> <local oid> <remote ref> <remote oid>`: {line}",
                    number + 1
                )));
            }
        }
    }
    Ok(pushes)
}

/// Checks every reference of a push, and returns one outcome for each with what it is about.
///
/// # Errors
/// [`RunError`] where no verdict can be given for one of them.
pub fn run(remote: &str, options: &check::Options, around: &Surroundings) -> Result<Vec<(String, Outcome)>, RunError> {
    let mut input = String::new();
    let path = PathBuf::from("standard input");
    std::io::stdin()
        .lock()
        .take(MAX_INPUT + 1)
        .read_to_string(&mut input)
        .map_err(|source| RunError::Read { path, source })?;
    if input.len() as u64 > MAX_INPUT {
        return Err(RunError::Usage(format!("the hook's input is larger than {MAX_INPUT} bytes")));
    }
    let mut outcomes = Vec::new();
    for push in parse(&input)?.into_iter().filter(|p| !is_zero(&p.local_oid)) {
        let git = Git::open(&options.wanted.directory)?;
        if git.commit(&push.local_oid)?.is_none() {
            if git.has(&push.local_oid)? {
                // A tag of a tree or a blob: there is no history to compare.
                continue;
            }
            return Err(RunError::Usage(format!("{} is pushed and is not in this repository", push.local_oid)));
        }
        let wanted = Wanted {
            head: Some(push.local_oid.clone()),
            candidates: Some(for_push(remote_name(remote), &push.remote_oid)),
            ..options.wanted.clone()
        };
        let one = check::Options { wanted, ..options.clone() };
        outcomes.push((visible(&push.remote_ref), check::run(&one, around)?));
    }
    Ok(outcomes)
}

/// Returns head and bases where pre-commit runs the hook: it has read git's lines itself and names both ends in the
/// environment. The push of a whole history, from its root on, names neither: then only the remote's branches are left.
/// `None` outside pre-commit.
pub fn under_pre_commit(around: &Surroundings) -> Option<(Option<String>, Option<Vec<Candidate>>)> {
    let var = |name: &str| around.variables.get(name).filter(|v| !v.is_empty()).cloned();
    let (from, to) = (var("PRE_COMMIT_FROM_REF"), var("PRE_COMMIT_TO_REF"));
    if from.is_none() && to.is_none() && var("PRE_COMMIT").is_none() {
        return None;
    }
    let pushed_whole = from.is_none().then(|| var("PRE_COMMIT_REMOTE_NAME")).flatten();
    let candidates = pushed_whole.map(|remote| for_push(remote_name(&remote), &"0".repeat(40)));
    Some((to.or_else(|| var("PRE_COMMIT_LOCAL_BRANCH")), candidates))
}

/// A push by URL has no remote of its own: the default remote's branches are the best there is.
fn remote_name(remote: &str) -> &str {
    let plain = remote.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if plain && !remote.starts_with(['-', '.']) { remote } else { "origin" }
}

/// Returns the status of several verdicts: blocked beats inconclusive beats pass.
pub fn worst(statuses: impl IntoIterator<Item = u8>) -> u8 {
    let rank = |status: &u8| match *status {
        exit::BLOCKED => 3,
        exit::INCONCLUSIVE => 2,
        exit::PASS => 0,
        _ => 1,
    };
    statuses.into_iter().max_by_key(rank).unwrap_or(exit::PASS)
}

/// Installs the hook; returns what was done, in a sentence.
///
/// # Errors
/// [`RunError`] where another hook is in the way (unless `force`), or the file cannot be written.
pub fn install(directory: &Path, force: bool) -> Result<String, RunError> {
    let file = hook_file(directory)?;
    match hook_text(&file)? {
        Some(text) if text.contains(MARK) || force => {}
        Some(_) => {
            return Err(RunError::Usage(format!(
                "{} exists and is not ours; call `portcullis hook run \"$@\"` from it, or use --force to replace it",
                file.display()
            )));
        }
        None => {}
    }
    let write = |source| RunError::Write { path: file.clone(), source };
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).map_err(write)?;
    }
    publish::replace(&file, script().as_bytes()).map_err(write)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).map_err(write)?;
    }
    Ok(format!("installed {}; `git push --no-verify` or PORTCULLIS_SKIP=1 goes past it", file.display()))
}

/// Removes the hook, where it is ours.
///
/// # Errors
/// [`RunError`] where the hook is not ours or cannot be removed.
pub fn uninstall(directory: &Path) -> Result<String, RunError> {
    let file = hook_file(directory)?;
    match hook_text(&file)? {
        Some(text) if text.contains(MARK) => {
            std::fs::remove_file(&file).map_err(|source| RunError::Write { path: file.clone(), source })?;
            Ok(format!("removed {}", file.display()))
        }
        Some(_) => Err(RunError::Usage(format!("{} is not ours; it was left alone", file.display()))),
        None => Ok(format!("there is no hook at {}", file.display())),
    }
}

/// Reads a hook, whatever it is made of; `None` where there is none.
fn hook_text(file: &Path) -> Result<Option<String>, RunError> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RunError::Read { path: file.to_owned(), source }),
    }
}

fn hook_file(directory: &Path) -> Result<PathBuf, RunError> {
    Ok(Git::open(directory)?.hooks_directory()?.join("pre-push"))
}

fn script() -> String {
    let program = std::env::current_exe().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
    let quoted = program.replace('\'', "'\\''");
    format!(
        "#!/bin/sh\n{MARK}\n# Advisory: `git push --no-verify` goes past it. Remove with `portcullis hook uninstall`.\n\
         [ -n \"$PORTCULLIS_SKIP\" ] && exit 0\n\
         if [ -x '{quoted}' ]; then exec '{quoted}' hook run \"$@\"; fi\n\
         command -v portcullis >/dev/null 2>&1 || {{ echo 'portcullis is not installed; no verdict was given' >&2; exit 2; }}\n\
         exec portcullis hook run \"$@\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{parse, remote_name, worst};

    #[test]
    fn hook_input_is_four_words_a_line() {
        let oid = "a".repeat(64);
        let zero = "0".repeat(64);
        let pushes = parse(&format!("HEAD~0 {oid} refs/heads/-x;echo$IFS {zero}\n")).expect("valid");
        assert_eq!(pushes[0].remote_ref, "refs/heads/-x;echo$IFS");
        assert!(parse("").expect("empty input is legal").is_empty());
        assert!(parse("one two\n").is_err());
    }

    #[test]
    fn blocked_beats_inconclusive_beats_pass() {
        assert_eq!(worst([0, 3, 1, 3]), 1);
        assert_eq!(worst([0, 3]), 3);
        assert_eq!(worst([]), 0);
        assert_eq!(remote_name("../x.git"), "origin");
    }
}
