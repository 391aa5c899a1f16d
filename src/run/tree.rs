//! I/O: finds and reads the files of an audit; says what it leaves out and why.

#![expect(clippy::disallowed_methods, reason = "I/O edge: walks directories and reads files")]

use super::RunError;
use super::audit::Options;
use crate::change::Content;
use crate::change::text::{NotText, decode};
use crate::detect::{Job, content_gap, gap};
use crate::finding::{Gap, GapKind};
use crate::path::RepoPath;
use crate::report::model::Coverage;
use crate::syntax::is_generated_path;
use crate::syntax::language::Language;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Folders of code that others wrote.
const VENDORED: [&str; 14] = [
    "node_modules",
    "vendor",
    "third_party",
    "third-party",
    "bower_components",
    "site-packages",
    ".venv",
    "venv",
    "__pypackages__",
    ".tox",
    "target",
    "dist",
    ".git",
    ".next",
];
/// Bytes at the head of a file in which a mark of generated code is looked for.
const HEAD: usize = 1024;

/// A file to read.
pub struct File {
    disk: PathBuf,
    shown: RepoPath,
}

/// What was not read: gaps, and the reasons for which files do not count.
#[derive(Default)]
pub struct Losses {
    gaps: Mutex<Vec<Gap>>,
    skipped: Mutex<Vec<String>>,
}

impl Losses {
    /// Returns gaps and reasons.
    pub fn into_inner(self) -> (Vec<Gap>, Vec<String>) {
        (self.gaps.into_inner().unwrap_or_default(), self.skipped.into_inner().unwrap_or_default())
    }

    fn skip<T>(&self, reason: &str) -> Option<T> {
        if let Ok(mut list) = self.skipped.lock() {
            list.push(reason.to_owned());
        }
        None
    }

    fn gap<T>(&self, gap: Gap) -> Option<T> {
        if let Ok(mut list) = self.gaps.lock() {
            list.push(gap);
        }
        None
    }
}

/// Finds the files, and counts the folders of vendored code that were not entered.
///
/// # Errors
/// [`RunError::Read`] where a path that the user named does not exist.
pub fn walk(options: &Options, coverage: &mut Coverage, losses: &Losses) -> Result<(Vec<File>, usize), RunError> {
    let root = &options.wanted.directory;
    let roots = if options.paths.is_empty() { vec![PathBuf::from(".")] } else { options.paths.clone() };
    let mut files = Vec::new();
    let passed_by = Arc::new(AtomicUsize::new(0));
    for path in &roots {
        let start = root.join(path);
        std::fs::symlink_metadata(&start).map_err(|source| RunError::Read { path: start.clone(), source })?;
        for entry in walker(&start, options, &passed_by).build() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let detail = crate::path::visible(&error.to_string());
                    let _: Option<()> = losses.gap(Gap { kind: GapKind::Unreadable, path: None, detail });
                    continue;
                }
            };
            let kind = entry.file_type();
            if kind.is_some_and(|t| t.is_dir()) {
                continue;
            }
            coverage.files += 1;
            let disk = entry.into_path();
            let relative = disk.strip_prefix(root).unwrap_or(&disk);
            let relative = relative.strip_prefix(".").unwrap_or(relative);
            let shown = RepoPath::from_bytes(relative.as_os_str().as_encoded_bytes());
            if kind.is_some_and(|t| t.is_file()) {
                files.push(File { shown, disk });
            } else if let Some(gap) = link_gap(&shown, &disk) {
                let _: Option<()> = losses.gap(gap);
            } else {
                *coverage.not_applicable.entry("symbolic link or special file".into()).or_insert(0) += 1;
            }
        }
    }
    files.sort_by(|a, b| a.shown.cmp(&b.shown));
    files.dedup_by(|a, b| a.shown == b.shown);
    Ok((files, passed_by.load(Ordering::Relaxed)))
}

/// Says what is wrong with a link that is named like source, from the text of its target alone.
fn link_gap(shown: &RepoPath, disk: &Path) -> Option<Gap> {
    let target = std::fs::read_link(disk).ok()?;
    let is_source = |path: &RepoPath| Language::of_path(path).is_some();
    content_gap(shown, &Content::link(shown, target.as_os_str().as_encoded_bytes(), &is_source))
}

fn walker(start: &Path, options: &Options, passed_by: &Arc<AtomicUsize>) -> ignore::WalkBuilder {
    let vendored = options.vendored;
    let mut builder = ignore::WalkBuilder::new(start);
    builder.hidden(false).follow_links(false).require_git(false).ignore(false).git_global(false);
    builder.git_ignore(!options.no_ignore).git_exclude(!options.no_ignore).parents(!options.no_ignore);
    let counter = Arc::clone(passed_by);
    builder.filter_entry(move |entry| {
        if entry.depth() == 0 || !is_vendored(entry.path()) {
            return true;
        }
        // Git's own folder is nobody's code.
        let enter = vendored && entry.file_name() != ".git";
        counter.fetch_add(usize::from(!enter && entry.file_name() != ".git"), Ordering::Relaxed);
        enter
    });
    builder
}

fn is_vendored(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    is_vendored_name(&name) && path.is_dir()
}

/// Says whether a folder of this name holds code that others wrote.
pub(super) fn is_vendored_name(folder: &str) -> bool {
    VENDORED.contains(&folder)
}

/// Reads a file as a job; `None` where it is not to be analysed, with the reason in `losses`.
pub fn read(file: &File, max: u64, vendored: bool, losses: &Losses) -> Option<Job> {
    let fail = |kind, detail: String| losses.gap(gap(kind, &file.shown, detail));
    let source = Language::of_path(&file.shown).is_some();
    if !source && !file.shown.extension().is_empty() {
        return losses.skip("other language or format");
    }
    if !vendored && is_generated_path(&file.shown) {
        return losses.skip("generated");
    }
    let size = std::fs::metadata(&file.disk).map(|m| m.len()).unwrap_or(0);
    if size > max {
        if source {
            return fail(GapKind::Size, format!("{size} bytes, over the size limit"));
        }
        return losses.skip("other language or format");
    }
    let bytes = match std::fs::read(&file.disk) {
        Ok(bytes) => bytes,
        Err(error) => return fail(GapKind::Unreadable, error.to_string()),
    };
    match decode(&bytes, source || Language::of_script(&bytes).is_some()) {
        Err(NotText::Binary) => losses.skip("binary"),
        Err(NotText::Garbled(_)) if !source && Language::of_script(&bytes).is_none() => {
            losses.skip("other language or format")
        }
        Err(NotText::Garbled(why)) => fail(GapKind::Unreadable, why),
        Ok(text) if Language::of_file(&file.shown, &text.text).is_none() => losses.skip("other language or format"),
        Ok(text) if !vendored && is_marked_generated(&text.text) => losses.skip("generated"),
        Ok(text) => Some(Job::whole(file.shown.clone(), text)),
    }
}

fn is_marked_generated(text: &str) -> bool {
    let head = &text[..text.floor_char_boundary(HEAD)];
    ["@generated", "DO NOT EDIT", "Code generated by", "This file is automatically generated"]
        .iter()
        .any(|m| head.contains(m))
}
