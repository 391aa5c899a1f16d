//! Imports: what a name of another module stands for, and the other files of the repository.

use super::{Engine, Handle, MAX_MODULES, Unit};
use crate::detect::flow::ir::{Import, Module, StmtKind};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Data, Kind, Shape, Value};
use crate::path::RepoPath;
use crate::syntax::language::Language;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A module by its number, and members of it.
pub(super) type Found = (usize, Rc<[Name]>);

/// Under which name a file of JavaScript keeps what `require` of it gives.
const EXPORTS: &str = "module.exports";
/// Longest name of a module that is looked for, in bytes.
const MAX_PATH: usize = 600;
/// How far up from a file the packages of a repository may begin.
const MAX_ROOTS: usize = 5;

impl Engine<'_> {
    /// Takes in an import.
    pub(super) fn import(&mut self, import: &Import, span: (u32, u32)) {
        let module = self.import_path(self.own_module(import.module));
        let module = self.in_workspace(module);
        if import.local.as_str() == "*" {
            if let Some(Kind::Module(number)) = self.local(module, span).map(|v| v.kind.clone()) {
                let scope = self.units[number].scope;
                for (name, value) in self.state_variables(scope) {
                    self.set(name, value);
                }
            }
            return;
        }
        let path = match import.item {
            None => module,
            Some(item) if item.as_str() == "default" && !self.is_local_path(module) => module,
            Some(item) => item_path(module, item),
        };
        let path = self.catalog.canonical(path);
        let value = self.member_of_library(&Data::path(path), path, span);
        let value = Rc::new(Data { id: super::number(&("path", path)), ..value.as_ref().clone() });
        self.set(import.local, value);
    }

    fn state_variables(&self, scope: u32) -> BTreeMap<Name, Value> {
        self.state.variables(scope)
    }

    /// Returns what `require` and the like give for a module's name.
    pub(super) fn required(&mut self, name: &str, span: (u32, u32)) -> Value {
        let name = name.strip_prefix("node:").unwrap_or(name);
        let path = self.import_path(Name::new(name));
        match self.local(path, span) {
            Some(value) => match &value.kind {
                Kind::Module(number) => {
                    let exports = self.exported(*number, Name::new(EXPORTS));
                    exports.unwrap_or(value)
                }
                _ => value,
            },
            None => {
                let path = self.catalog.canonical(path);
                Data::path(path)
            }
        }
    }

    /// Returns the path of a module of the repository in a form that says which file imports it, where that matters.
    fn import_path(&mut self, module: Name) -> Name {
        let here = self.here();
        match self.aliased(module) {
            Some(path) => Name::new(&format!("<{here}>{path}")),
            None if is_relative(module.as_str()) => Name::new(&format!("<{here}>{module}")),
            None => module,
        }
    }

    /// Says whether a path can be one of the repository's own.
    pub(super) fn is_local_path(&self, path: Name) -> bool {
        path.as_str().starts_with('<')
    }

    /// Returns what a path of the repository's own code stands for.
    pub(super) fn local(&mut self, path: Name, span: (u32, u32)) -> Option<Value> {
        let text = path.as_str();
        if text.contains(['(', '[', '*']) {
            return None;
        }
        let (from, rest) = match text.strip_prefix('<').and_then(|t| t.split_once('>')) {
            Some((number, rest)) => (number.parse::<usize>().ok()?, rest),
            None if self.language == Language::Python && !self.is_known(path) => (self.here(), text),
            None => return None,
        };
        let (unit, members) = self.find_module(from, rest)?;
        let mut value = Rc::new(Data::new(super::number(&("module", unit)), Kind::Module(unit)));
        for member in members.iter() {
            value = match value.kind {
                Kind::Module(number) => self.exported(number, *member)?,
                _ => self.member(&value, *member, span),
            };
            value = self.passed_on(value, path)?;
        }
        Some(value)
    }

    /// Returns what an imported name stands for where that is code of the repository: a class with its bases, a thing with
    /// its type. Only Python's imports are looked through so.
    pub(super) fn resolved(&mut self, value: &Value) -> Value {
        let Kind::Path(path) = value.kind else { return value.clone() };
        let is_imported = self.language == Language::Python && value.id == super::number(&("path", path));
        if !is_imported || !value.labels.is_empty() || self.is_of_library(path) {
            return value.clone();
        }
        match self.local(path, (0, 0)) {
            Some(found) if !matches!(found.kind, Kind::Unknown) || !found.labels.is_empty() => found,
            _ => value.clone(),
        }
    }

    /// Says whether a path cannot be one of the repository's own: what the language or a library that is known holds.
    fn is_of_library(&self, path: Name) -> bool {
        !self.is_local_path(path) && self.is_known(path)
    }

    fn is_known(&self, path: Name) -> bool {
        let mut text = path.as_str();
        loop {
            if self.catalog.knows(Name::new(text)) {
                return true;
            }
            match text.rsplit_once('.') {
                Some((owner, _)) => text = owner,
                None => return !path.as_str().contains('.'),
            }
        }
    }

    /// Returns the module that a path begins with, and the members that follow.
    pub(super) fn find_module(&mut self, from: usize, path: &'static str) -> Option<Found> {
        if let Some(known) = self.modules.get(&(from, path)) {
            return known.clone();
        }
        if path.len() > MAX_PATH {
            return None;
        }
        let file = self.units[from].module.file().path.clone();
        let found = candidates(self.language, &file, path).into_iter().find_map(|(candidates, members)| {
            let number = candidates.iter().find_map(|candidate| self.load(candidate))?;
            Some((number, members.iter().map(|member| Name::new(member)).collect()))
        });
        self.modules.insert((from, path), found.clone());
        found
    }

    pub(super) fn load(&mut self, path: &RepoPath) -> Option<usize> {
        if let Some(known) = self.by_path.get(path) {
            return *known;
        }
        if self.units.len() >= MAX_MODULES {
            return None;
        }
        let loaded = self.others.load(path);
        let number = loaded.map(|loaded| {
            let active = self.catalog.active(loaded.file.text());
            self.active.iter_mut().zip(active).for_each(|(known, new)| *known |= new);
            // Functions that did not matter may do so with what this file brings in.
            self.warm.clear();
            let scope = self.fresh_scope();
            self.units.push(Unit { module: Handle::Other(loaded), scope, exports: BTreeMap::new() });
            self.units.len() - 1
        });
        self.by_path.insert(path.clone(), number);
        if let Some(number) = number {
            self.run_module(number);
        }
        number
    }

    /// Runs the top level of another file; what it sets holds from then on everywhere.
    fn run_module(&mut self, number: usize) {
        let handle = self.module(number);
        let before = std::mem::take(&mut self.state);
        self.state = before.fresh();
        self.in_module(number, |e| {
            let module: &Module = &handle;
            e.block(module, &module.body);
        });
        self.open_scope(number, self.units[number].scope);
        self.state.freeze();
        self.state = before;
    }

    /// Returns what a module exports under a name.
    pub(super) fn exported(&mut self, number: usize, name: Name) -> Option<Value> {
        let scope = self.units[number].scope;
        if let Some(value) = self.units[number].exports.get(&name) {
            return Some(value.clone());
        }
        if let Some(value) = self.state.variable(scope, name) {
            return Some(value);
        }
        // `module.exports = ...` and `exports.name = ...`.
        let exports = self.units[number].exports.get(&Name::new(EXPORTS)).cloned();
        if name.as_str() == EXPORTS {
            return exports;
        }
        if let Some(exports) = &exports
            && let Some(contents) = self.state.contents(exports.id)
            && let Ok(value) = contents.get(&super::member::Key::Name(name))
        {
            return Some(value.clone());
        }
        if name.as_str() == "default" {
            return exports;
        }
        if let Some(exports) = exports
            && matches!(exports.kind, Kind::Path(_) | Kind::Class(..) | Kind::Object(Shape::Instance(..)))
        {
            // What an instance of something has.
            return Some(self.member(&exports, name, (0, 0)));
        }
        let handle = self.module(number);
        let class = handle.body.iter().find_map(|stmt| match stmt.kind {
            StmtKind::Class(id) if handle.class(id).name == Some(name) => Some(id),
            _ => None,
        })?;
        Some(Rc::new(Data::new(super::member::class_id(number, class), Kind::Class(number, class))))
    }

    /// Returns what `module.exports` and `exports` stand for in the present file: an object that other files are given,
    /// until the file puts something else in its place.
    pub(super) fn own_exports(&mut self) -> Value {
        let here = self.here();
        let empty = || Rc::new(Data::new(super::number(&("exports", here)), Kind::Object(Shape::Map)));
        self.units[here].exports.entry(Name::new(EXPORTS)).or_insert_with(empty).clone()
    }

    /// Puts something in the place of `module.exports` of the present file.
    pub(super) fn set_own_exports(&mut self, value: &Value) {
        let here = self.here();
        self.units[here].exports.insert(Name::new(EXPORTS), value.clone());
    }
}

fn item_path(module: Name, item: Name) -> Name {
    if module.as_str().ends_with('.') { Name::new(&format!("{module}{item}")) } else { module.join(item.as_str()) }
}

pub(super) fn is_relative(module: &str) -> bool {
    module.starts_with(['.', '/'])
        || module.starts_with("@/")
        || module.starts_with("~/")
        || ["crate", "self", "super"]
            .iter()
            .any(|root| module == *root || module.strip_prefix(root).is_some_and(|rest| rest.starts_with('.')))
}

/// Returns the files that a path may begin with, the longest first, each with the members that follow.
pub(super) fn candidates(language: Language, from: &RepoPath, path: &str) -> Vec<(Vec<RepoPath>, Vec<String>)> {
    match language {
        Language::Python => python_candidates(from, path),
        Language::Rust => rust_candidates(from, path),
        _ => script_candidates(from, path),
    }
}

pub(super) use crate::path::folder_of;

pub(super) fn beside(folder: &str, rest: &str) -> String {
    if folder.is_empty() { rest.to_owned() } else { format!("{folder}/{rest}") }
}

fn python_candidates(from: &RepoPath, path: &str) -> Vec<(Vec<RepoPath>, Vec<String>)> {
    let dots = path.len() - path.trim_start_matches('.').len();
    let parts: Vec<&str> = path[dots..].split('.').filter(|p| !p.is_empty()).collect();
    let mut roots: Vec<String> = Vec::new();
    let mut folder = folder_of(from.as_str()).to_owned();
    if dots > 0 {
        for _ in 1..dots {
            folder = folder_of(&folder).to_owned();
        }
        roots.push(folder);
    } else {
        for _ in 0..MAX_ROOTS {
            roots.push(folder.clone());
            if folder.is_empty() {
                break;
            }
            folder = folder_of(&folder).to_owned();
        }
    }
    let mut found = Vec::new();
    for length in (0..=parts.len()).rev() {
        let module = parts[..length].join("/");
        let mut files = Vec::new();
        for root in &roots {
            if module.is_empty() {
                files.push(RepoPath::from(beside(root, "__init__.py").as_str()));
            } else {
                files.push(RepoPath::from(beside(root, &format!("{module}.py")).as_str()));
                files.push(RepoPath::from(beside(root, &format!("{module}/__init__.py")).as_str()));
            }
        }
        if !(module.is_empty() && dots == 0) {
            found.push((files, parts[length..].iter().map(|p| (*p).to_owned()).collect()));
        }
    }
    found
}

fn script_candidates(from: &RepoPath, path: &str) -> Vec<(Vec<RepoPath>, Vec<String>)> {
    let mut found = Vec::new();
    // `./db.find` may be the file `db.find.js`, or `find` of the file `db.js`.
    let mut ends: Vec<usize> = vec![path.len()];
    let last = path.rfind('/').map_or(0, |i| i + 1);
    ends.extend(
        path[last..]
            .match_indices('.')
            .map(|(i, _)| last + i)
            .filter(|i| *i > last)
            .collect::<Vec<_>>()
            .into_iter()
            .rev(),
    );
    for end in ends {
        let (module, members) = path.split_at(end);
        let base = match (module.strip_prefix('^'), module.strip_prefix("@/").or_else(|| module.strip_prefix("~/"))) {
            (Some(rest), _) => rest.to_owned(),
            (None, Some(rest)) => format!("src/{rest}"),
            (None, None) => beside(folder_of(from.as_str()), module),
        };
        let base = normal(&base);
        let mut files = vec![RepoPath::from(base.as_str())];
        let stem = base.strip_suffix(".js").or_else(|| base.strip_suffix(".mjs")).unwrap_or(&base);
        for ending in ["ts", "tsx", "js", "jsx", "mjs", "cjs"] {
            files.push(RepoPath::from(format!("{stem}.{ending}").as_str()));
        }
        for ending in ["ts", "tsx", "js"] {
            files.push(RepoPath::from(format!("{base}/index.{ending}").as_str()));
        }
        let members = members.split('.').filter(|m| !m.is_empty()).map(str::to_owned).collect();
        found.push((files, members));
    }
    found
}

fn rust_candidates(from: &RepoPath, path: &str) -> Vec<(Vec<RepoPath>, Vec<String>)> {
    let text = from.as_str();
    let source = text.find("src/").map_or("", |i| &text[..i + 3]);
    let mut parts: Vec<&str> = path.split('.').collect();
    let mut folder = match parts.first() {
        Some(&"crate") => source.to_owned(),
        Some(&"super") => folder_of(folder_of_module(text)).to_owned(),
        _ => folder_of_module(text).to_owned(),
    };
    parts.remove(0);
    while parts.first() == Some(&"super") {
        folder = folder_of(&folder).to_owned();
        parts.remove(0);
    }
    // What stands in the file of the module itself, or in that of the crate.
    let own = match (path.split('.').next(), from.as_str().ends_with(".rs")) {
        (Some("crate"), _) => vec![beside(&folder, "lib.rs"), beside(&folder, "main.rs")],
        (Some("super"), _) => {
            let module = if folder == source { Vec::new() } else { vec![format!("{folder}.rs")] };
            let inside = ["mod.rs", "lib.rs", "main.rs"].iter().map(|file| beside(&folder, file));
            module.into_iter().chain(inside).collect()
        }
        _ => Vec::new(),
    };
    let own = own.iter().map(|file| RepoPath::from(file.as_str())).collect();
    let last = (own, parts.iter().map(|p| (*p).to_owned()).collect());
    (1..=parts.len())
        .rev()
        .map(|length| {
            let module = parts[..length].join("/");
            let files = [format!("{module}.rs"), format!("{module}/mod.rs")];
            let files = files.iter().map(|f| RepoPath::from(beside(&folder, f).as_str())).collect();
            (files, parts[length..].iter().map(|p| (*p).to_owned()).collect())
        })
        .chain(std::iter::once(last))
        .collect()
}

/// Returns the folder that a Rust file's own modules lie in.
fn folder_of_module(file: &str) -> &str {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    match stem.rsplit('/').next() {
        Some("mod" | "lib" | "main") => folder_of(stem),
        _ => stem,
    }
}

/// Resolves `.` and `..` in a path inside the repository.
pub(super) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::{candidates, normal};
    use crate::path::RepoPath;
    use crate::syntax::language::Language;

    fn files(language: Language, from: &str, path: &str) -> Vec<(String, String)> {
        candidates(language, &RepoPath::from(from), path)
            .into_iter()
            .flat_map(|(files, members)| files.into_iter().map(move |f| (f.as_str().to_owned(), members.join("."))))
            .collect()
    }

    #[test]
    fn imports_are_looked_for_where_the_language_would() {
        let has =
            |list: &[(String, String)], file: &str, members: &str| list.iter().any(|(f, m)| f == file && m == members);
        let python = files(Language::Python, "shop/web/views.py", ".db.find");
        assert!(has(&python, "shop/web/db.py", "find"));
        let python = files(Language::Python, "shop/web/views.py", "shop.db.find");
        assert!(has(&python, "shop/db.py", "find") && has(&python, "shop/db/__init__.py", "find"));
        let script = files(Language::TypeScript, "src/routes/a.ts", "../lib/db.find");
        assert!(has(&script, "src/lib/db.ts", "find") && has(&script, "src/lib/db/index.ts", "find"));
        let rust = files(Language::Rust, "app/src/web/mod.rs", "crate.db.find");
        assert!(has(&rust, "app/src/db.rs", "find"));
        assert_eq!(normal("a/./b/../../c"), "c");
    }
}
