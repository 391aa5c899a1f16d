//! Names that a change leads elsewhere, though the files that use them stay as they are: by `tsconfig.json` or
//! `package.json`, or by a file that comes to stand before another, or lets another take its place.

use super::gather::Gathered;
use super::others::Side;
use crate::change::{ChangedFile, Status};
use crate::detect::flow::SourceProvider;
use crate::detect::flow::engine::alias::Names;
use crate::detect::flow::packages::{Aliases, leads_otherwise};
use crate::detect::specifiers::Import;
use crate::path::{RepoPath, folder_of};
use crate::syntax::is_test_path;
use crate::syntax::language::Language;
use std::sync::Arc;

/// Files of projects of which both states are read.
const MAX_READ: usize = 60;
/// Added, moved and removed files that are asked for others of their name.
const MAX_ASKED: usize = 300;
/// Steps that are taken on each side to find what imports name; a path that is asked for is ten.
const MAX_STEPS: usize = 500_000;
/// How far up from a file of Python another of its name may be.
const MAX_ROOTS: usize = 5;

/// A change of what names lead to.
pub struct Redirect {
    /// What changed.
    pub path: RepoPath,
    /// The language of the files that may be led elsewhere.
    pub language: Language,
    /// A word that the names hold; none where it may be any that is no path.
    pub word: Option<String>,
}

/// What names lead to on both sides.
pub struct Ways<'a> {
    before: Names<'a>,
    /// At head.
    pub after: Names<'a>,
}

impl<'a> Ways<'a> {
    /// Makes those of a change.
    pub fn of(sides: &'a (Side<'_>, Side<'_>)) -> Self {
        Self { before: Names::new(&sides.0, MAX_STEPS), after: Names::new(&sides.1, MAX_STEPS) }
    }

    /// Says whether a change leads an import of a file elsewhere.
    pub fn moves(&mut self, redirect: &Redirect, language: Language, from: &RepoPath, import: &Import) -> bool {
        let name = import.module.as_str();
        let is_meant = match &redirect.word {
            None => !name.starts_with(['.', '/']),
            Some(word) => super::dependents::holds(name, word) || name.ends_with(['.', '/']) || is_short(name),
        };
        if !is_meant || self.is_spent() {
            return false;
        }
        let (before, after) = (self.before.file(language, from, name), self.after.file(language, from, name));
        before != after && !self.is_spent()
    }

    /// Says whether too much was asked for: the rest is not looked for.
    pub fn is_spent(&self) -> bool {
        self.before.is_spent() || self.after.is_spent()
    }
}

/// Says whether an alias may stand for a whole path.
fn is_short(name: &str) -> bool {
    !name.starts_with(['.', '/']) && !name.contains('/')
}

/// Returns what a change leads elsewhere.
pub fn of(gathered: &Gathered, sides: &(Side<'_>, Side<'_>)) -> Vec<Redirect> {
    let files = &gathered.change.files;
    let projects = files.iter().filter(|file| is_of_project(&file.path)).take(MAX_READ);
    let told = projects.filter(|file| says_otherwise(file, sides));
    let any = |file: &ChangedFile| Redirect { path: file.path.clone(), language: Language::JavaScript, word: None };
    let mut found: Vec<Redirect> = told.map(any).collect();
    let mut asked = 0;
    for file in files.iter().filter(|file| !file.partial) {
        let old = file.old_path.as_ref().unwrap_or(&file.path);
        let (comes, goes) = match file.status {
            Status::Added => (Some(&file.path), None),
            Status::Deleted => (None, Some(&file.path)),
            Status::Renamed => (Some(&file.path), Some(old)),
            _ => continue,
        };
        for (path, side) in comes.map(|path| (path, &sides.0)).into_iter().chain(goes.map(|path| (path, &sides.1))) {
            let Some(language) = Language::of_path(path).filter(|_| asked < MAX_ASKED && !is_test_path(path)) else {
                continue;
            };
            asked += 1;
            if rivals(language, path).iter().any(|rival| side.text(rival).is_some()) {
                let word = Some(super::dependents::module_word(path));
                found.push(Redirect { path: path.clone(), language, word });
            }
        }
    }
    found
}

fn is_of_project(path: &RepoPath) -> bool {
    path.as_str().ends_with(".json") || path.file_name() == "pnpm-workspace.yaml"
}

/// Says whether a file of a project lets names lead elsewhere than before.
fn says_otherwise(file: &ChangedFile, sides: &(Side<'_>, Side<'_>)) -> bool {
    let (before, after) = (sides.0.text(file.old_path.as_ref().unwrap_or(&file.path)), sides.1.text(&file.path));
    let text = |side: &Option<Arc<str>>| side.as_deref().unwrap_or_default().to_owned();
    let (old, new) = (text(&before), text(&after));
    match file.path.file_name() {
        "package.json" => leads_otherwise(&old, &new),
        "pnpm-workspace.yaml" => old != new,
        // One that comes hides those of the folders above.
        "tsconfig.json" | "jsconfig.json" if before.is_some() != after.is_some() => true,
        _ => Aliases::read(&old) != Aliases::read(&new),
    }
}

/// Returns the files that imports which name one may also name.
fn rivals(language: Language, path: &RepoPath) -> Vec<RepoPath> {
    let text = path.as_str();
    let base = text.rsplit_once('.').map_or(text, |(base, _)| base);
    let mut found = Vec::new();
    match language {
        Language::Python => {
            let base = base.strip_suffix("/__init__").unwrap_or(base);
            let name = base.rsplit('/').next().unwrap_or(base);
            found.extend([format!("{base}.py"), format!("{base}/__init__.py")]);
            // The same module below another root: `import clean` takes the nearest.
            let mut root = folder_of(base);
            for _ in 0..MAX_ROOTS {
                if root.is_empty() {
                    break;
                }
                root = folder_of(root);
                let at = if root.is_empty() { name.to_owned() } else { format!("{root}/{name}") };
                found.extend([format!("{at}.py"), format!("{at}/__init__.py")]);
            }
        }
        language if language.is_script() => {
            let base = base.strip_suffix("/index").unwrap_or(base);
            let endings = ["ts", "tsx", "js", "jsx", "mjs", "cjs"];
            found.extend(endings.iter().map(|ending| format!("{base}.{ending}")));
            found.extend(endings[..3].iter().map(|ending| format!("{base}/index.{ending}")));
        }
        _ => {}
    }
    found.iter().filter(|rival| *rival != text).map(|rival| RepoPath::from(rival.as_str())).collect()
}
