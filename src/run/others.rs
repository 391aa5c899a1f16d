//! I/O: the other files of one side of a change, for following data into what a file imports. A file is read, parsed and
//! lowered when it is first asked for; so is that there is none.

#![expect(clippy::disallowed_methods, reason = "I/O edge: reads imported files")]

use super::gather::Gathered;
use super::worker::is_risky_text;
use crate::change::git::Git;
use crate::change::text::{Text, decode};
use crate::config::Config;
use crate::detect::Options;
use crate::detect::flow::{Loaded, SourceProvider, lower};
use crate::path::RepoPath;
use crate::policy::plural;
use crate::syntax::language::Language;
use crate::syntax::{Limits, parse};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Files that are followed into from one analysed file; a limit of the whole run would make its result depend on which
/// thread is faster.
const MAX_FILES: usize = 200;
/// Files of one side that are kept in memory; the oldest make room. A worker has less of it.
const MAX_KEPT: [usize; 2] = [500, 100];

/// Answers of either kind, of which those that nothing is there are remembered up to here.
const MAX_ANSWERS: usize = 50_000;
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
    /// Analysed files of which not all names were looked for.
    cut: AtomicUsize,
    /// Files that are too risky to be read in this process.
    risky: Mutex<HashSet<RepoPath>>,
    /// Files of the change among those: what leads into one is followed in a worker.
    large: HashSet<RepoPath>,
}

/// Asks the process that a worker works for: for the text of a path, on the side at head or not, as source or whatever
/// it is.
pub type Ask<'a> = dyn Fn(&RepoPath, bool, bool) -> Option<Text> + Sync + 'a;

enum Place<'a> {
    /// A commit, and what is known of the change's own files on this side.
    Commit { git: &'a Git, commit: &'a str, changed: HashMap<&'a RepoPath, Option<&'a Text>> },
    /// A directory.
    Directory(PathBuf),
    /// What the gate reads for this worker, at head or not.
    Gate(&'a Ask<'a>, bool),
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
        let side = |commit, after| Self::new(place(commit, after), &config.analysis, config.file_bytes).with_large();
        let (before, after) = (side(change.base.commit.as_ref(), false), side(change.head.commit.as_ref(), true));
        (before, Self { of_index: change.head.commit.is_none(), ..after })
    }

    /// Returns base and head as a worker sees them.
    pub fn of_gate(ask: &'a Ask<'a>, options: &Options) -> (Self, Self) {
        // The gate has measured what it gives.
        let side = |after| Self::new(Some(Place::Gate(ask, after)), options, u64::MAX);
        (side(false), side(true))
    }

    /// Notes which files of the change are left to workers.
    fn with_large(mut self) -> Self {
        if let Some(Place::Commit { changed, .. }) = &self.place {
            let is_large = |text: &Option<&Text>| text.is_some_and(|text| is_risky_text(&text.text));
            let large = changed.iter().filter(|(path, text)| Language::of_path(path).is_some() && is_large(text));
            self.large = large.map(|(path, _)| (*path).clone()).collect();
        }
        self
    }

    /// Says whether a worker follows data into files of this side: into those of a change.
    pub fn serves_workers(&self) -> bool {
        matches!(self.place, Some(Place::Commit { .. }))
    }

    /// Returns the text of a path for a worker.
    pub fn for_worker(&self, path: &RepoPath, is_source: bool) -> Option<Text> {
        if !is_plain(path) {
            return None;
        }
        if is_source { self.source(path) } else { self.read_text(path) }
    }

    fn is_worker(&self) -> bool {
        matches!(self.place, Some(Place::Gate(..)))
    }

    /// Returns the files below a directory.
    pub fn of_directory(root: PathBuf, config: &Config) -> Self {
        Self::new(Some(Place::Directory(root)), &config.analysis, config.file_bytes)
    }

    fn new(place: Option<Place<'a>>, options: &Options, max_bytes: u64) -> Self {
        let (time, depth) = (Duration::from_millis(options.time_ms), options.depth);
        Self {
            place,
            of_index: false,
            limits: Limits { time, depth },
            max_bytes,
            seen: Mutex::default(),
            beyond: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
            risky: Mutex::default(),
            large: HashSet::new(),
        }
    }

    /// Notes what a worker has left out for one analysed file.
    pub fn tell(&self, left_out: LeftOut) {
        self.beyond.fetch_add(usize::from(left_out.files), Ordering::Relaxed);
        self.cut.fetch_add(usize::from(left_out.names), Ordering::Relaxed);
    }

    /// Says what was not followed.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let beyond = self.beyond.load(Ordering::Relaxed);
        if beyond > 0 {
            let files = plural(beyond, "file", "files");
            notes.push(format!("data was followed into the first {MAX_FILES} imports only of {files}"));
        }
        let cut = self.cut.load(Ordering::Relaxed);
        if cut > 0 {
            let files = plural(cut, "file imports", "files import");
            notes.push(format!("{files} too many names that may be aliases: data was followed into the first only"));
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
        if !self.is_worker() && self.large.contains(path) {
            return None;
        }
        if !self.is_worker() && is_risky_text(&text.text) {
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
            Place::Gate(ask, after) => ask(path, *after, false),
            Place::Commit { git, commit, changed } if changed.contains_key(path) => {
                let name = if self.of_index { format!(":{path}") } else { format!("{commit}:{path}") };
                git.blob(&name, MAX_TEXT).ok()?.into_content(true).text().cloned()
            }
            _ => self.source(path),
        }
    }

    fn source(&self, path: &RepoPath) -> Option<Text> {
        match self.place.as_ref()? {
            Place::Gate(ask, after) => ask(path, *after, true),
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
            if seen.kept.len() > MAX_KEPT[usize::from(self.is_worker())]
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
        let mut seen = lock();
        if text.is_some() || seen.texts.len() < MAX_ANSWERS {
            seen.texts.insert(path.clone(), text.clone());
        }
        text
    }
}

/// Says whether a path leads from the root of a repository straight down.
fn is_plain(path: &RepoPath) -> bool {
    !path.as_str().split('/').any(|part| matches!(part, "" | "." | "..") || part.contains(['\\', '\0']))
}

/// What was left out for one analysed file. Travels from worker processes.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct LeftOut {
    /// Whether it imports more files than are followed.
    files: bool,
    /// Whether it imports more names than are looked for.
    names: bool,
}

/// One side as one analysed file sees it: no more than a number of files.
pub struct Share<'a> {
    side: Option<&'a Side<'a>>,
    loaded: Mutex<HashSet<RepoPath>>,
    /// Whether it was asked for a file of the change that only a worker may read.
    met_large: AtomicBool,
    /// Whether names were not looked for.
    is_cut: AtomicBool,
}

impl<'a> Share<'a> {
    /// Returns the share of one analysed file.
    pub fn of(side: Option<&'a Side<'a>>) -> Self {
        Self { side, loaded: Mutex::default(), met_large: AtomicBool::default(), is_cut: AtomicBool::default() }
    }

    /// Says whether data leads into a file of the change that only a worker may read.
    pub fn met_large(&self) -> bool {
        self.met_large.load(Ordering::Relaxed)
    }

    /// Says what was left out.
    pub fn left_out(&self) -> LeftOut {
        let files = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).len() > MAX_FILES;
        LeftOut { files, names: self.is_cut.load(Ordering::Relaxed) }
    }

    /// Takes back what it has noted, and says what: the file is analysed once more.
    pub fn take_back(&self) -> LeftOut {
        let left_out = self.left_out();
        if let Some(side) = self.side {
            side.beyond.fetch_sub(usize::from(left_out.files), Ordering::Relaxed);
            side.cut.fetch_sub(usize::from(left_out.names), Ordering::Relaxed);
        }
        left_out
    }
}

impl SourceProvider for Share<'_> {
    fn text(&self, path: &RepoPath) -> Option<Arc<str>> {
        self.side?.text(path)
    }

    fn load(&self, path: &RepoPath) -> Option<Arc<Loaded>> {
        let side = self.side?;
        if side.large.contains(path) {
            self.met_large.store(true, Ordering::Relaxed);
        }
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

    fn cut(&self) {
        if let Some(side) = self.side.filter(|_| !self.is_cut.swap(true, Ordering::Relaxed)) {
            side.cut.fetch_add(1, Ordering::Relaxed);
        }
    }
}
