//! I/O: the other files of one side of a change, for following data into what a file imports. A file is read, parsed and
//! lowered when it is first asked for; so is that there is none.

#![expect(clippy::disallowed_methods, reason = "I/O edge: reads imported files")]

use super::gather::Gathered;
use super::worker::is_risky_text;
use crate::change::git::Git;
use crate::change::text::{Text, decode};
use crate::config::Config;
use crate::detect::flow::{Loaded, SourceProvider, lower};
use crate::path::RepoPath;
use crate::policy::plural;
use crate::syntax::language::Language;
use crate::syntax::{Limits, parse};
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Files that are followed into from one analysed file; a limit of the whole run would make its result depend on which
/// thread is faster.
const MAX_FILES: usize = 200;
/// Files of one side that are kept in memory; the oldest make room.
const MAX_KEPT: usize = 500;

/// Bytes of a file that says something of a project.
const MAX_TEXT: u64 = 1 << 20;

/// The other files of one side.
pub struct Side<'a> {
    place: Option<Place<'a>>,
    /// Whether what differs from the commit is that of the index.
    of_index: bool,
    limits: Limits,
    max_bytes: u64,
    seen: Mutex<Seen>,
    /// Analysed files that import more than is followed.
    beyond: AtomicUsize,
    /// Files that are too risky to be read in this process.
    risky: Mutex<HashSet<RepoPath>>,
}

enum Place<'a> {
    /// A commit, and what is known of the change's own files on this side.
    Commit { git: &'a Git, commit: &'a str, changed: HashMap<&'a RepoPath, Option<&'a Text>> },
    /// A directory.
    Directory(PathBuf),
}

#[derive(Default)]
struct Seen {
    files: HashMap<RepoPath, Option<Arc<Loaded>>>,
    /// Files that say something of a project.
    texts: HashMap<RepoPath, Option<Arc<str>>>,
    /// Those of `files` that are held in memory, the oldest first.
    kept: VecDeque<RepoPath>,
}

impl<'a> Side<'a> {
    /// Returns base and head of a change. Those of a patch, and of a change without a base, hold nothing.
    pub fn of_change(gathered: &'a Gathered) -> (Self, Self) {
        let change = &gathered.change;
        let place = |commit: Option<&'a String>, after: bool| {
            let (git, base) = gathered.git.as_ref().zip(change.base.commit.as_ref())?;
            let mut changed: HashMap<&RepoPath, Option<&Text>> = HashMap::new();
            if commit.is_none() {
                // The index is as the base is, but for what the change touches, be it asked for or not.
                changed.extend(gathered.changed_paths.iter().map(|path| (path, None)));
            }
            for file in &change.files {
                let before = (file.old_path.as_ref().unwrap_or(&file.path), &file.before);
                let (path, content) = if after { (&file.path, &file.after) } else { before };
                changed.insert(path, content.text());
            }
            Some(Place::Commit { git, commit: commit.unwrap_or(base), changed })
        };
        let config = &gathered.config;
        let before = Self::new(place(change.base.commit.as_ref(), false), config);
        let after = Self::new(place(change.head.commit.as_ref(), true), config);
        (before, Self { of_index: change.head.commit.is_none(), ..after })
    }

    /// Returns the files below a directory.
    pub fn of_directory(root: PathBuf, config: &Config) -> Self {
        Self::new(Some(Place::Directory(root)), config)
    }

    fn new(place: Option<Place<'a>>, config: &Config) -> Self {
        let (time, depth) = (Duration::from_millis(config.analysis.time_ms), config.analysis.depth);
        Self {
            place,
            of_index: false,
            limits: Limits { time, depth },
            max_bytes: config.file_bytes,
            seen: Mutex::default(),
            beyond: AtomicUsize::new(0),
            risky: Mutex::default(),
        }
    }

    /// Says what was not followed.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let beyond = self.beyond.load(Ordering::Relaxed);
        if beyond > 0 {
            let files = plural(beyond, "file", "files");
            notes.push(format!("data was followed into the first {MAX_FILES} imports only of {files}"));
        }
        let risky = self.risky.lock().unwrap_or_else(PoisonError::into_inner).len();
        if risky > 0 {
            let files = plural(risky, "imported file", "imported files");
            notes.push(format!("{files} too large or too deep to follow data into"));
        }
        notes
    }

    fn read(&self, path: &RepoPath) -> Option<Loaded> {
        let language = Language::of_path(path)?;
        let text = self.source(path)?;
        if is_risky_text(&text.text) {
            self.risky.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
            return None;
        }
        let file = parse(path, language, &text, &self.limits).ok()?;
        let module = lower::lower(&file);
        Some(Loaded { file, module })
    }

    /// Reads a file that is no source, as this side has it: a change must not hide behind its own `tsconfig.json`.
    fn read_text(&self, path: &RepoPath) -> Option<Text> {
        match self.place.as_ref()? {
            Place::Commit { git, commit, changed } if changed.contains_key(path) => {
                let name = if self.of_index { format!(":{path}") } else { format!("{commit}:{path}") };
                git.blob(&name, MAX_TEXT).ok()?.into_content(true).text().cloned()
            }
            _ => self.source(path),
        }
    }

    fn source(&self, path: &RepoPath) -> Option<Text> {
        match self.place.as_ref()? {
            Place::Commit { changed, .. } if changed.contains_key(path) => changed.get(path)?.cloned(),
            Place::Commit { git, commit, .. } => {
                let (mode, oid) = git.entry(commit, path.as_str()).ok()??;
                let content = git.blob(&oid, self.max_bytes).ok().filter(|_| mode.is_file())?.into_content(true);
                content.text().cloned()
            }
            Place::Directory(root) => {
                let mut disk = root.clone();
                for part in path.as_str().split('/') {
                    disk.push(part);
                    // A link may lead anywhere.
                    if std::fs::symlink_metadata(&disk).ok()?.is_symlink() {
                        return None;
                    }
                }
                let size = std::fs::metadata(&disk).ok().filter(std::fs::Metadata::is_file)?.len();
                let bytes = std::fs::read(&disk).ok().filter(|_| size <= self.max_bytes)?;
                decode(&bytes, true).ok()
            }
        }
    }
}

impl SourceProvider for Side<'_> {
    fn load(&self, path: &RepoPath) -> Option<Arc<Loaded>> {
        if self.place.is_none() || !is_plain(path) {
            return None;
        }
        let lock = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().files.get(path) {
            return known.clone();
        }
        // Not under the lock: two threads may read the same file, to the same effect.
        let loaded = self.read(path).map(Arc::new);
        let mut seen = lock();
        if loaded.is_some() && !matches!(seen.files.get(path), Some(Some(_))) {
            seen.kept.push_back(path.clone());
            if seen.kept.len() > MAX_KEPT
                && let Some(oldest) = seen.kept.pop_front()
            {
                seen.files.remove(&oldest);
            }
        }
        seen.files.insert(path.clone(), loaded.clone());
        loaded
    }

    fn text(&self, path: &RepoPath) -> Option<Arc<str>> {
        if self.place.is_none() || !is_plain(path) {
            return None;
        }
        let lock = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().texts.get(path) {
            return known.clone();
        }
        let text: Option<Arc<str>> = self.read_text(path).map(|text| text.text.into());
        lock().texts.insert(path.clone(), text.clone());
        text
    }
}

/// Says whether a path leads from the root of a repository straight down.
fn is_plain(path: &RepoPath) -> bool {
    !path.as_str().split('/').any(|part| matches!(part, "" | "." | "..") || part.contains(['\\', '\0']))
}

/// One side as one analysed file sees it: no more than a number of files.
pub struct Share<'a> {
    side: Option<&'a Side<'a>>,
    loaded: Mutex<HashSet<RepoPath>>,
}

impl<'a> Share<'a> {
    /// Returns the share of one analysed file.
    pub fn of(side: Option<&'a Side<'a>>) -> Self {
        Self { side, loaded: Mutex::default() }
    }
}

impl SourceProvider for Share<'_> {
    fn text(&self, path: &RepoPath) -> Option<Arc<str>> {
        self.side?.text(path)
    }

    fn load(&self, path: &RepoPath) -> Option<Arc<Loaded>> {
        let side = self.side?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.len() < MAX_FILES || loaded.contains(path) {
            let found = side.load(path)?;
            loaded.insert(path.clone());
            return Some(found);
        }
        if loaded.len() == MAX_FILES {
            // Counted once: the set is full, and one more than full from here on.
            loaded.insert(RepoPath::from(""));
            side.beyond.fetch_add(1, Ordering::Relaxed);
        }
        None
    }
}
