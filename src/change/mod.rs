//! What a change is: files before and after, and which of their lines are new.
//!
//! Owns the data only. Where the content comes from ([`git`], [`diff`]) and what it means to a parser is not known here.

mod blob;
pub mod diff;
mod entries;
pub mod fetch;
pub mod git;
pub mod history;
pub mod lines;
mod near;
mod objects;
mod patch_names;
pub mod select;
pub mod text;

use crate::finding::Gap;
use crate::path::RepoPath;
use crate::span::LineSet;
use serde::{Deserialize, Serialize};
use text::Text;

/// A change: two states, how the first was chosen, and every file that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeSet {
    /// The state before.
    pub base: Base,
    /// The state after.
    pub head: Head,
    /// Files that differ, sorted by path.
    pub files: Vec<ChangedFile>,
    /// What could not be read while gathering the change.
    pub gaps: Vec<Gap>,
}

/// The state a change is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Commit whose files are compared with; `None` for a patch without a repository.
    pub commit: Option<String>,
    /// Commit that policy and suppressions are read from: the tip of the base reference, where it differs from `commit`.
    pub policy_commit: Option<String>,
    /// How it was chosen, in a phrase for the report.
    pub reason: String,
}

/// The state that a change leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit, where it is one.
    pub commit: Option<String>,
    /// What it is, in a phrase for the report: `commit 1234abcd`, `the index`, `a patch`.
    pub reason: String,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// New.
    Added,
    /// Changed in place.
    Modified,
    /// Gone.
    Deleted,
    /// Moved, with or without changes.
    Renamed,
    /// Became another kind of entry (file, link, submodule).
    TypeChanged,
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedFile {
    /// Path after the change (before it, for a deletion).
    pub path: RepoPath,
    /// Path before, where it was renamed.
    pub old_path: Option<RepoPath>,
    /// What happened.
    pub status: Status,
    /// Content before.
    pub before: Content,
    /// Content after.
    pub after: Content,
    /// Lines of `after` that the change adds or rewrites.
    pub added: LineSet,
    /// Lines of `before` that the change removes or rewrites.
    pub removed: LineSet,
    /// Whether `after` is only the part of the file that a patch shows.
    pub partial: bool,
}

/// The content of a file on one side.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// There is none on this side.
    Absent,
    /// Text, decoded.
    Text(Text),
    /// Not text, and not named like source.
    Binary,
    /// Named like something that is not analysed; not read.
    Other,
    /// A symbolic link; never followed.
    Symlink,
    /// A commit of another repository.
    Submodule,
    /// Over the size limit.
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// It could not be read, and why.
    Unreadable(String),
}

impl Content {
    /// Returns what a symbolic link is, given the bytes of its target. One that is named like source and leads to a file
    /// that is not would have that file run as source, unread: it is a gap.
    pub fn link(path: &RepoPath, target: &[u8], is_source: &dyn Fn(&RepoPath) -> bool) -> Self {
        let target = RepoPath::from_bytes(target.trim_ascii_end());
        if !is_source(path) || is_source(&target) {
            return Self::Symlink;
        }
        let shown: String = target.display().chars().take(200).collect();
        Self::Unreadable(format!("a link named like source to `{shown}`"))
    }

    /// Returns the text, where it is text.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl ChangedFile {
    /// Makes a file from its two contents and works out which lines differ.
    pub fn compare(
        path: RepoPath,
        old_path: Option<RepoPath>,
        status: Status,
        before: Content,
        after: Content,
    ) -> Self {
        let (removed, added) = match (&before, &after) {
            (Content::Text(b), Content::Text(a)) => lines::changed_lines(&b.text, &a.text),
            (_, Content::Text(a)) => (LineSet::default(), lines::all_lines(&a.text)),
            (Content::Text(b), _) => (lines::all_lines(&b.text), LineSet::default()),
            _ => (LineSet::default(), LineSet::default()),
        };
        Self { path, old_path, status, before, after, added, removed, partial: false }
    }
}
