//! The contents of a change: which files of it could be source, and what git has of them.

use crate::change::git::{Blob, Blobs, Entry, Git, GitError, Mode};
use crate::change::{ChangedFile, Content};
use crate::config::Config;
use crate::finding::{Gap, GapKind};
use crate::path::RepoPath;
use crate::syntax::language::Language;
use std::collections::BTreeMap;

/// Longest target of a symbolic link that is read, in bytes; no system follows a longer one.
const MAX_TARGET: u64 = 4096;

/// Reads both sides of every entry that could be source. Where they are too much together, none is read and `gaps` says
/// so.
///
/// # Errors
/// [`GitError`] where git fails.
pub fn read(git: &Git, entries: &[Entry], config: &Config, gaps: &mut Vec<Gap>) -> Result<Vec<ChangedFile>, GitError> {
    let wanted = |which: &dyn Fn(&Entry, Mode) -> bool| -> Vec<String> {
        let sides = entries.iter().flat_map(|e| [(e, &e.before), (e, &e.after)]);
        sides.filter(|(e, side)| which(e, side.0)).map(|(_, side)| side.1.clone()).collect()
    };
    let files = wanted(&|e, mode| mode.is_file() && may_be_source(e));
    let links = wanted(&|e, mode| mode == Mode::Symlink && is_source(&e.path));
    let mut blobs = Vec::new();
    for (oids, max) in [(files, config.file_bytes), (links, MAX_TARGET)] {
        blobs.push(match git.blobs(&oids, max, config.change_bytes)? {
            Blobs::Read(blobs) => blobs,
            Blobs::OverLimit { bytes } => {
                let detail =
                    format!("the change has {bytes} bytes of source, over the limit of {}", config.change_bytes);
                gaps.push(Gap { kind: GapKind::Size, path: None, detail });
                BTreeMap::new()
            }
        });
    }
    let content = |e: &Entry, (mode, oid): &(Mode, String)| match mode {
        Mode::Absent => Content::Absent,
        Mode::Symlink => link(&e.path, blobs[1].get(oid)),
        Mode::Submodule => Content::Submodule,
        Mode::File | Mode::Executable => file(e, blobs[0].get(oid)),
    };
    let compare = |e: &Entry| {
        let (before, after) = (content(e, &e.before), content(e, &e.after));
        ChangedFile::compare(e.path.clone(), e.old_path.clone(), e.status, before, after)
    };
    Ok(entries.iter().map(compare).collect())
}

fn is_source(path: &RepoPath) -> bool {
    Language::of_path(path).is_some()
}

/// Says whether a file could be source: by its name, or, having no extension or being run, by a `#!` line.
fn may_be_source(entry: &Entry) -> bool {
    is_source(&entry.path) || entry.path.extension().is_empty() || is_run(entry)
}

fn is_run(entry: &Entry) -> bool {
    [entry.before.0, entry.after.0].contains(&Mode::Executable)
}

/// A file that is not known to be source by its name is left out for what no source would be left out for, unless it
/// is run or begins like a script.
fn file(entry: &Entry, blob: Option<&Blob>) -> Content {
    let source = is_source(&entry.path);
    match blob {
        _ if !may_be_source(entry) => Content::Other,
        None | Some(Blob::TooLarge(_) | Blob::Missing) if !source && !is_run(entry) => Content::Other,
        None => Content::Unreadable("it was not read".into()),
        Some(Blob::Bytes(bytes)) if !source && Language::of_script(bytes).is_none() => {
            match Blob::Bytes(bytes.clone()).into_content(false) {
                Content::Unreadable(_) => Content::Other,
                content => content,
            }
        }
        Some(blob) => blob.clone().into_content(true),
    }
}

fn link(path: &RepoPath, target: Option<&Blob>) -> Content {
    match target {
        _ if !is_source(path) => Content::Symlink,
        Some(Blob::Bytes(target)) => Content::link(path, target, &is_source),
        Some(Blob::TooLarge(_)) => Content::Unreadable("a link named like source to a name that is too long".into()),
        Some(Blob::Missing) | None => {
            Content::Unreadable("a link named like source to what is not in this clone".into())
        }
    }
}
