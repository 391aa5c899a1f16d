//! Rust's crates of one workspace, and what their files pass on from each other.

use super::Engine;
use super::imports::{beside, folder_of, is_relative};
use crate::detect::flow::ir::StmtKind;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Kind, Value};
use crate::path::RepoPath;
use crate::syntax::language::Language;

impl Engine<'_> {
    /// Returns Rust's path of a module that `mod` names in the same file as a path from there: `use views::Page`.
    pub(super) fn own_module(&self, module: Name) -> Name {
        let first = module.as_str().split('.').next().unwrap_or_default();
        if self.language != Language::Rust || is_relative(first) {
            return module;
        }
        let own = Name::new(&format!("self.{first}"));
        let is_named = |stmt: &crate::detect::flow::ir::Stmt| match &stmt.kind {
            StmtKind::Import(import) => import.module == own && import.item.is_none(),
            _ => false,
        };
        if self.module(self.here()).body.iter().any(is_named) { Name::new(&format!("self.{module}")) } else { module }
    }

    /// Returns a path with the crate that it begins with in a form that says where it is, where it is of the same workspace.
    pub(super) fn in_workspace(&mut self, path: Name) -> Name {
        let (first, rest) = path.as_str().split_once('.').map_or((path.as_str(), None), |(a, b)| (a, Some(b)));
        match self.workspace_crate(Name::new(first)) {
            Some(root) => rest.map_or(root, |rest| root.join(rest)),
            None => path,
        }
    }

    /// Returns the path of Rust's crate of a name where it is one of the same workspace.
    pub(super) fn workspace_crate(&mut self, name: Name) -> Option<Name> {
        let text = name.as_str();
        let is_crate = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if self.language != Language::Rust || !is_crate || matches!(text, "std" | "core" | "alloc" | "self" | "super") {
            return None;
        }
        if self.catalog.knows(name) || self.catalog.speaks_of(name) {
            return None;
        }
        let here = self.here();
        if let Some(known) = self.crates.get(&(here, name)) {
            return *known;
        }
        self.crates.insert((here, name), None);
        let file = self.units[here].module.file().path.clone();
        let found = crate_roots(&file, text).into_iter().find_map(|root| self.load(&root));
        let path = found.map(|unit| Name::new(&format!("<{unit}>crate")));
        self.crates.insert((here, name), path);
        path
    }

    /// Returns what a file passes on from another one: `pub use`, `export ... from`. `path` is the one that led to it.
    pub(super) fn passed_on(&mut self, value: Value, path: Name) -> Option<Value> {
        let Kind::Path(other) = value.kind else { return Some(value) };
        let passes_on = self.language == Language::Rust || self.language.is_script();
        if !passes_on || !self.is_local_path(other) || other == path || self.depth > 300 {
            return Some(value);
        }
        self.depth += 20;
        let inner = self.local(other, (0, 0));
        self.depth -= 20;
        inner
    }
}

/// Returns the files that may be the root of another crate of the same workspace, by its name and the folders around the file
/// that uses it; for programs also the library of their own package.
fn crate_roots(from: &RepoPath, name: &str) -> Vec<RepoPath> {
    let text = from.as_str();
    let own = text.find("src/").map_or("", |i| text[..i].trim_end_matches('/'));
    let mut names: Vec<String> = Vec::new();
    let mut rest = Some(name);
    // The folder may be called without what all packages of the workspace begin with.
    while let Some(name) = rest {
        names.extend([name.to_owned(), name.replace('_', "-")]);
        rest = name.split_once('_').map(|(_, rest)| rest);
    }
    names.dedup();
    let parent = folder_of(own);
    let mut folders = vec![parent.to_owned(), own.to_owned(), folder_of(parent).to_owned()];
    folders.extend(
        [own, parent, folder_of(parent)].iter().flat_map(|f| ["crates", "libs"].map(|inside| beside(f, inside))),
    );
    folders.dedup();
    let mut roots = Vec::new();
    for name in &names {
        roots.extend(folders.iter().map(|folder| beside(&beside(folder, name), "src/lib.rs")));
    }
    if text.ends_with("main.rs") || text.contains("/bin/") || text.starts_with("tests/") {
        roots.push(beside(own, "src/lib.rs"));
    }
    roots.into_iter().filter(|root| root != text).map(|root| RepoPath::from(root.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::crate_roots;
    use crate::path::RepoPath;

    #[test]
    fn crates_are_looked_for_beside_the_one_that_uses_them() {
        let has = |from: &str, name: &str, root: &str| {
            crate_roots(&RepoPath::from(from), name).iter().any(|r| r.as_str() == root)
        };
        assert!(has("crates/web/src/main.rs", "shop_db", "crates/shop-db/src/lib.rs"));
        assert!(has("crates/web/src/api/mod.rs", "shop_db", "crates/db/src/lib.rs"));
        assert!(has("web/src/main.rs", "db", "db/src/lib.rs"));
        assert!(has("src/main.rs", "shop", "src/lib.rs") && !has("src/lib.rs", "shop", "src/lib.rs"));
    }
}
