//! Files that a change leaves as they are and that use what it touches: a check that goes away in a helper opens a way
//! in the files that call it. They are looked for by name, the nearest first, within bounds: the cost follows the change.

use super::gather::{Gathered, within};
use super::others::Side;
use super::redirects::{self, Redirect, Ways};
use super::tree::is_vendored_name;
use super::worker::is_risky_text;
use crate::change::Status;
use crate::change::git::{Blob, Blobs, Git};
use crate::change::text::Text;
use crate::detect::Analysis;
use crate::detect::specifiers::{self, Import};
use crate::detect::touched::{self, DEFAULT};
use crate::path::RepoPath;
use crate::policy::plural;
use crate::span::LineSet;
use crate::syntax::language::Language;
use crate::syntax::{Limits, SourceFile, is_generated_path, is_test_path, parse};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// Files that are looked at.
const MAX_LOOKED_AT: usize = 360;
/// Files that are analysed, however large; more of them while they are small, and the bytes that all of them may have.
const MAX_FILES: usize = 8;
const MAX_SMALL: (usize, usize) = (40, 64_000);
/// Files that only lead to others.
const MAX_FOLLOWED: usize = 24;
/// Bytes of one file, and of all of them.
const MAX_BYTES: (u64, u64) = (200_000, 4_000_000);
/// Files that are read at a time.
const CHUNK: usize = 50;
/// How many files may lie between the one that changed and the one that data comes in.
const MAX_LEVELS: usize = 3;

/// The files, and what has to be said of them.
#[derive(Default)]
pub struct Dependents {
    /// Those of the files that may take in data from outside.
    pub files: Vec<Dependent>,
    /// Notes for the report.
    pub notes: Vec<String>,
}

/// A file that the change leaves as it is.
pub struct Dependent {
    /// The file, the same on both sides: no line of it is new.
    pub file: SourceFile,
    /// Names: only functions that use one of them matter.
    pub focus: BTreeSet<String>,
    /// What it uses of the change, in words.
    pub uses: String,
}

impl Dependents {
    /// Notes what could not be analysed of them: it is no part of what the change adds.
    pub fn tell(&mut self, analyses: &[Analysis]) {
        let late = analyses.iter().filter(|a| !a.gaps.is_empty() || a.before_unread).count();
        if late > 0 {
            let files = plural(late, "unchanged file", "unchanged files");
            self.notes.push(format!("{files} could not be followed whole"));
        }
    }
}

/// A file whose names others may use.
struct Used {
    path: RepoPath,
    family: Language,
    names: BTreeSet<String>,
    /// What the change touches, in words.
    origin: String,
    /// What leads names elsewhere, where the file itself is not what is used.
    redirect: Option<Redirect>,
}

struct Candidate {
    path: RepoPath,
    language: Language,
    text: Text,
    imports: OnceCell<Vec<Import>>,
    /// The files that each import may name though its text does not say so.
    places: OnceCell<HashMap<RepoPath, Vec<usize>>>,
}

impl Candidate {
    fn imports(&self) -> &[Import] {
        self.imports.get_or_init(|| specifiers::imports(self.language, &self.text.text))
    }

    /// Returns the imports that by an alias, by the name of a package or as a whole folder may name a file.
    fn aliased(&self, path: &RepoPath, ways: &mut Ways<'_>) -> Vec<&Import> {
        let is_python = self.language == Language::Python;
        let hides = |name: &str| name.ends_with(['.', '/']) || name.starts_with('.') == is_python;
        let places = self.places.get_or_init(|| {
            let mut places: HashMap<RepoPath, Vec<usize>> = HashMap::new();
            for (number, import) in self.imports().iter().enumerate().filter(|(_, import)| hides(&import.module)) {
                for place in ways.after.places(self.language, &self.path, &import.module) {
                    let numbers = places.entry(place).or_default();
                    if numbers.last() != Some(&number) {
                        numbers.push(number);
                    }
                }
            }
            places
        });
        places.get(path).into_iter().flatten().filter_map(|number| self.imports().get(*number)).collect()
    }

    /// Returns the imports that a change leads elsewhere.
    fn redirected(&self, redirect: &Redirect, ways: &mut Ways<'_>) -> Vec<&Import> {
        self.imports().iter().filter(|import| ways.moves(redirect, self.language, &self.path, import)).collect()
    }
}

/// Looks for the files that use what a change touches; within `paths`, where there are any. `receives` says of a text
/// whether it may take in data from outside: the others only lead to such files.
pub fn of(
    gathered: &Gathered,
    paths: &[String],
    (analyses, sides): (&[Analysis], &(Side<'_>, Side<'_>)),
    receives: &dyn Fn(Language, &str) -> bool,
) -> Dependents {
    let mut dependents = Dependents::default();
    let mut level = changed(gathered, analyses);
    level.extend(redirects::of(gathered, sides).into_iter().map(Used::redirected));
    let mut ways = Ways::of(sides);
    let (Some(git), Some(commit)) = (gathered.git.as_ref(), gathered.change.base.commit.as_ref()) else {
        return dependents;
    };
    if level.is_empty() {
        return dependents;
    }
    let (mut open, cut) = candidates(git, commit, &level, gathered, paths);
    let (looked_at, mut followed, mut left_out, mut bytes) = (open.len(), 0, 0, 0);
    for depth in 1..=MAX_LEVELS {
        let mut next = Vec::new();
        for used in &level {
            let (users, rest): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|candidate| uses(candidate, used, &mut ways));
            open = rest;
            for user in users {
                let is_entry = receives(user.language, &user.text.text);
                if depth == MAX_LEVELS && !is_entry {
                    continue;
                }
                let (count, length) = (dependents.files.len(), user.text.text.len());
                // What only leads to others takes no place from what data comes into.
                let is_full = if is_entry {
                    count >= MAX_FILES && (count >= MAX_SMALL.0 || bytes + length > MAX_SMALL.1)
                } else {
                    followed >= MAX_FOLLOWED
                };
                let readable = !is_full && !is_risky_text(&user.text.text);
                let parsed = readable.then(|| uses_of(&user, used, &mut ways, &gathered.config.analysis)).flatten();
                let Some((file, focus)) = parsed else {
                    left_out += 1;
                    continue;
                };
                if is_entry {
                    bytes += length;
                } else {
                    followed += 1;
                }
                let mut names = touched::users(&file, &focus);
                if passes_all_on(&user, &module_word(&used.path)) {
                    names.extend(used.names.iter().cloned());
                }
                if taken(&user, used, &mut ways).iter().any(|import| import.is_all) {
                    names.extend(used.names.iter().cloned());
                    names.extend(used.redirect.iter().map(|_| DEFAULT.to_owned()));
                }
                let (path, origin) = (user.path, used.origin.clone());
                next.extend((!names.is_empty()).then_some(Used {
                    path,
                    family: used.family,
                    names,
                    origin,
                    redirect: None,
                }));
                if is_entry {
                    dependents.files.push(Dependent { file, focus, uses: used.origin.clone() });
                }
            }
        }
        level = next;
    }
    dependents.notes.extend(notes(dependents.files.len(), left_out, cut.then_some(looked_at)));
    if ways.is_spent() {
        let what = "the change and the files around it hold too many imports to find out what all of them name";
        dependents.notes.push(format!("{what}: unchanged files that use changed code by an alias may be missing"));
    }
    dependents
}

fn notes(analysed: usize, left_out: usize, looked_at: Option<usize>) -> Vec<String> {
    let mut notes = Vec::new();
    if analysed > 0 {
        let files = plural(analysed, "unchanged file that uses", "unchanged files that use");
        notes.push(format!("{files} what the change touches: analysed too"));
    }
    if left_out > 0 {
        let files = plural(left_out, "file more that uses", "files more that use");
        notes.push(format!("{files} changed code, unchanged themselves, were not analysed again"));
    }
    if let Some(looked_at) = looked_at {
        notes.push(format!("files that use changed code were looked for in the {looked_at} nearest files only"));
    }
    notes
}

/// Returns the changed files that others could use, with what is touched in them.
fn changed(gathered: &Gathered, analyses: &[Analysis]) -> Vec<Used> {
    let all = &gathered.change.files;
    let gone: HashSet<String> =
        all.iter().filter(|file| file.status == Status::Deleted).map(|file| module_word(&file.path)).collect();
    let used = all.iter().zip(analyses).filter_map(|(file, analysis)| {
        if file.partial || is_test_path(&file.path) {
            return None;
        }
        let names = match file.status {
            Status::Modified | Status::Renamed => analysis.touched.clone(),
            // In the place of a file that goes: all of it may be another.
            Status::Added if gone.contains(&module_word(&file.path)) => analysis.touched.clone(),
            _ => return None,
        };
        let shown: Vec<String> = names.iter().take(3).map(|name| format!("`{name:.60}`")).collect();
        let origin = format!("{} in {}", shown.join(", "), file.path);
        let family = family(analysis.language?);
        (!names.is_empty()).then(|| Used { path: file.path.clone(), family, names, origin, redirect: None })
    });
    used.collect()
}

impl Used {
    fn redirected(redirect: Redirect) -> Self {
        let what = redirect.word.as_ref().map_or("names".to_owned(), |word| format!("`{word:.60}`"));
        Self {
            path: redirect.path.clone(),
            family: family(redirect.language),
            names: BTreeSet::new(),
            origin: format!("what {what} in its imports may lead to, by {}", redirect.path),
            redirect: Some(redirect),
        }
    }
}

/// JavaScript and TypeScript use each other's files.
fn family(language: Language) -> Language {
    if language.is_script() { Language::JavaScript } else { language }
}

/// Reads the files near to those that changed, and says whether there may be more.
fn candidates(
    git: &Git,
    commit: &str,
    changed: &[Used],
    gathered: &Gathered,
    paths: &[String],
) -> (Vec<Candidate>, bool) {
    let families: HashSet<Language> = changed.iter().map(|used| used.family).collect();
    let touched: HashSet<&RepoPath> = gathered.changed_paths.iter().collect();
    let fits = |path: &RepoPath| {
        Language::of_path(path).is_some_and(|language| families.contains(&family(language)))
            && !touched.contains(path)
            && !is_test_path(path)
            && !is_generated_path(path)
            && within(path, paths)
    };
    let from: Vec<&RepoPath> = changed.iter().map(|used| &used.path).collect();
    let near = git.nearest(commit, &from, MAX_LOOKED_AT, &fits, &|folder| !is_vendored_name(folder));
    let (mut found, mut bytes, mut cut) = (Vec::new(), 0, near.cut);
    for chunk in near.files.chunks(CHUNK) {
        let oids: Vec<String> = chunk.iter().map(|(_, oid)| oid.clone()).collect();
        let Ok(Blobs::Read(blobs)) = git.blobs(&oids, MAX_BYTES.0, MAX_BYTES.1 - bytes) else {
            cut = true;
            break;
        };
        for (path, oid) in chunk {
            let Some(Blob::Bytes(content)) = blobs.get(oid) else { continue };
            bytes += content.len() as u64;
            let content = Blob::Bytes(content.clone()).into_content(true);
            if let (Some(text), Some(language)) = (content.text(), Language::of_path(path)) {
                let (imports, places) = (OnceCell::new(), OnceCell::new());
                found.push(Candidate { path: path.clone(), language, text: text.clone(), imports, places });
            }
        }
    }
    (found, cut)
}

/// Says whether a file seems to import another and to use one of its names.
fn uses(candidate: &Candidate, used: &Used, ways: &mut Ways<'_>) -> bool {
    if family(candidate.language) != used.family {
        return false;
    }
    let is_named = used.redirect.is_none() && imports(candidate, &module_word(&used.path));
    if !is_named {
        let taken = taken(candidate, used, ways);
        if taken.is_empty() || used.redirect.is_some() || taken.iter().any(|import| import.is_all) {
            return !taken.is_empty();
        }
    }
    let passes_all = || passes_all_on(candidate, &module_word(&used.path));
    used.names.iter().any(|name| name == DEFAULT || holds(&candidate.text.text, name)) || passes_all()
}

/// Returns the imports of a file that lead to another, or that a change leads elsewhere.
fn taken<'c>(candidate: &'c Candidate, used: &Used, ways: &mut Ways<'_>) -> Vec<&'c Import> {
    match &used.redirect {
        Some(redirect) => candidate.redirected(redirect, ways),
        None => candidate.aliased(&used.path, ways),
    }
}

/// Says whether a file passes on all that another has: `export *`, `import *`, `pub use x::*`.
fn passes_all_on(candidate: &Candidate, word: &str) -> bool {
    let is_all = |line: &str| ["export *", "import *", "::*"].iter().any(|mark| line.contains(mark));
    candidate.text.text.lines().any(|line| is_all(line) && holds(line, word))
}

/// Says whether a line that imports something, or names a module inside a path, speaks of a module by its word.
fn imports(candidate: &Candidate, word: &str) -> bool {
    let text = &candidate.text.text;
    if !text.contains(word) {
        return false;
    }
    let is_open =
        ["import (", "import \\", concat!("use crate", "::{"), "use super::{"].iter().any(|open| text.contains(open));
    text.lines().filter(|line| line.contains(word) && holds(line, word)).any(|line| {
        let marks = ["import", "require", " from ", "from '", "from \"", "use ", "mod "];
        // The name alone, where an import goes over several lines.
        let is_rest = line.trim_start().starts_with(['\'', '"']);
        is_open || is_rest || marks.iter().any(|mark| line.contains(mark)) || line.contains(&format!("{word}::"))
    })
}

/// Returns the word by which other files import a file.
pub(super) fn module_word(path: &RepoPath) -> String {
    let name = path.file_name();
    let stem = name.split('.').next().unwrap_or(name);
    let folder = path.as_str().rsplit('/').nth(1).unwrap_or_default();
    let owner = path.as_str().rsplit('/').nth(2).unwrap_or_default();
    match stem {
        "__init__" | "index" | "mod" => folder.to_owned(),
        "lib" | "main" if folder == "src" => owner.replace('-', "_"),
        _ => stem.to_owned(),
    }
}

/// Says whether a text holds a word: not as a part of a longer one.
pub(super) fn holds(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    !word.is_empty()
        && text
            .match_indices(word)
            .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}

/// Returns a user, parsed, and the names by which it speaks of what it uses; `None` where it cannot be parsed.
fn uses_of(
    user: &Candidate,
    used: &Used,
    ways: &mut Ways<'_>,
    options: &crate::detect::Options,
) -> Option<(SourceFile, BTreeSet<String>)> {
    let limits = Limits { time: Duration::from_millis(options.time_ms), depth: options.depth };
    let mut file = parse(&user.path, user.language, &user.text, &limits).ok()?;
    file.added = LineSet::default();
    let mut names = used.names.clone();
    let is_whole = names.remove(DEFAULT);
    if is_whole {
        names.extend(local_names(&user.text.text, &module_word(&used.path)));
    }
    let taken = taken(user, used, ways);
    if is_whole || used.redirect.is_some() {
        names.extend(taken.iter().flat_map(|import| &import.locals).cloned());
        let word = module_word(&used.path);
        let named = |import: &&Import| is_whole && holds(&import.module, &word);
        names.extend(user.imports().iter().filter(named).flat_map(|import| &import.locals).cloned());
    }
    // Which names it takes, such an import does not say; nor does what Rust calls by a path.
    let is_any = match user.language {
        Language::Python => used.redirect.is_some() && taken.iter().any(|import| import.is_all),
        language => is_whole && language == Language::Rust,
    };
    if is_any {
        let text = &user.text.text;
        names.extend(touched::identifiers(text).into_iter().map(|range| text[range].to_owned()));
    }
    let focus = touched::closure(&file, &names);
    Some((file, focus))
}

/// Returns the names that lines which speak of a module give to it.
fn local_names(text: &str, module: &str) -> Vec<String> {
    let imports =
        text.lines().filter(|line| holds(line, module) && (line.contains("import") || line.contains("require")));
    let head = |line: &str| line[..line.find(" from ").or_else(|| line.find('=')).unwrap_or(0)].to_owned();
    let words = |line: String| touched::identifiers(&line).into_iter().map(|range| line[range].to_owned()).collect();
    let found: Vec<Vec<String>> = imports.map(head).map(words).collect();
    found.concat().into_iter().filter(|word| !matches!(word.as_str(), "import" | "const" | "let" | "var")).collect()
}

#[cfg(test)]
mod tests {
    use super::{holds, local_names, module_word};
    use crate::path::RepoPath;

    #[test]
    fn modules_go_by_the_word_that_imports_name() {
        let word = |path: &str| module_word(&RepoPath::from(path));
        assert_eq!(word("app/db.py"), "db");
        assert_eq!(word("app/db/__init__.py"), "db");
        assert_eq!(word("src/lib/clean.server.ts"), "clean");
        assert_eq!(word("crates/shop-db/src/lib.rs"), "shop_db");
        assert_eq!(word("src/db/mod.rs"), "db");
    }

    #[test]
    fn words_are_whole() {
        assert!(holds("from .db import x", "db") && !holds("from .dbx import x", "db") && !holds("adb", "db"));
        assert!(!holds("anything", ""));
    }

    #[test]
    fn names_of_what_is_given_as_a_whole_are_the_importer_s() {
        assert_eq!(
            local_names("import tidy from './clean'\nconst wash = require('./clean')\n", "clean"),
            ["tidy", "wash"]
        );
    }
}
