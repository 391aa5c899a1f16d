//! Names of JavaScript's imports that stand for files of the repository: aliases, and packages of the same workspace.

use super::Engine;
use super::imports::{beside, candidates, folder_of, is_relative, normal};
use crate::detect::flow::name::Name;
use crate::detect::flow::packages::{self, Aliases};
use crate::detect::flow::{Loaded, SourceProvider};
use crate::path::RepoPath;
use crate::syntax::language::Language;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many files one `tsconfig.json` is followed through by `extends`.
const MAX_EXTENDS: usize = 4;
/// Places that one name is looked for in.
const MAX_TARGETS: usize = 24;
/// Places in which the names that one analysed file imports are looked for, all together.
const MAX_TRIED: usize = 4_000;
/// What a question to a side costs, a path that is made for it, and an answer that is known.
const COSTS: [usize; 3] = [10, 4, 1];

/// A file of aliases, and the folder that it lies in.
type Located = Rc<(String, Aliases)>;
/// A workspace: its root, and the folders that its packages lie in.
type Workspace = Rc<(String, Vec<String>)>;

/// What the files around the analysed ones say of names; by folder, nothing where there is nothing.
#[derive(Default)]
pub(super) struct Known {
    aliases: HashMap<String, Option<Located>>,
    workspaces: HashMap<String, Option<Workspace>>,
    names: HashMap<(String, Name), Option<Name>>,
    tried: usize,
}

impl Engine<'_> {
    /// Returns what an import's name stands for, as a path from the root of the repository behind a `^`, where aliases or
    /// the workspace make it one of the repository's own files.
    pub(super) fn aliased(&mut self, module: Name) -> Option<Name> {
        let is_library = || self.catalog.knows(module) || self.catalog.speaks_of(module);
        if !self.language.is_script() || module.as_str().starts_with(['.', '/', '<']) || is_library() {
            return None;
        }
        let here = self.here();
        let folder = folder_of(self.units[here].module.file().path.as_str()).to_owned();
        let key = (folder.clone(), module);
        if let Some(known) = self.named.names.get(&key) {
            return *known;
        }
        self.named.names.insert(key.clone(), None);
        if self.named.tried >= MAX_TRIED {
            self.others.cut();
            return None;
        }
        let targets = self.named.targets(self.others, &folder, module.as_str());
        self.named.tried += targets.len().max(1);
        let found = targets.iter().find_map(|target| {
            let path = Name::new(&format!("^{target}"));
            self.find_module(here, path.as_str()).is_some_and(|(_, members)| members.is_empty()).then_some(path)
        });
        self.named.names.insert(key, found);
        found
    }
}

impl Known {
    /// Returns the paths from the root, in the order in which they are tried, that a name may stand for in a folder.
    fn targets(&mut self, others: &dyn SourceProvider, folder: &str, name: &str) -> Vec<String> {
        let mut targets = Vec::new();
        if name.starts_with('#') {
            targets.extend(own_imports(others, folder, name));
        }
        if let Some(located) = self.aliases_of(others, folder) {
            let (at, aliases) = located.as_ref();
            targets.extend(aliases.targets(name).iter().map(|target| beside(at, target)));
        }
        targets.extend(self.in_packages(others, folder, name));
        targets.iter().take(MAX_TARGETS).map(|target| normal(target)).collect()
    }

    /// Returns the aliases that hold in a folder: those of the nearest file of them.
    fn aliases_of(&mut self, others: &dyn SourceProvider, folder: &str) -> Option<Located> {
        if let Some(known) = self.aliases.get(folder) {
            return known.clone();
        }
        let own = ["tsconfig.json", "jsconfig.json"].iter().find_map(|name| read_aliases(others, beside(folder, name)));
        let found = match own {
            Some(own) => Some(own).filter(|located| !located.1.is_empty()),
            None if folder.is_empty() => None,
            None => self.aliases_of(others, folder_of(folder)),
        };
        self.aliases.insert(folder.to_owned(), found.clone());
        found
    }

    /// Returns the paths that a name stands for where it is a package of the workspace around a folder.
    fn in_packages(&mut self, others: &dyn SourceProvider, folder: &str, name: &str) -> Vec<String> {
        let Some(workspace) = self.workspace_of(others, folder) else { return Vec::new() };
        let (root, folders) = workspace.as_ref();
        let (package, inside) = packages::split(name);
        for one in packages::folders_of(folders, package) {
            let at = normal(&beside(root, &one));
            let Some(manifest) = others.text(&RepoPath::from(beside(&at, "package.json").as_str())) else {
                continue;
            };
            let entries = packages::entries(&manifest, package, inside);
            if !entries.is_empty() {
                return entries.iter().map(|entry| beside(&at, entry)).collect();
            }
        }
        Vec::new()
    }

    fn workspace_of(&mut self, others: &dyn SourceProvider, folder: &str) -> Option<Workspace> {
        if let Some(known) = self.workspaces.get(folder) {
            return known.clone();
        }
        let text = |name: &str| others.text(&RepoPath::from(beside(folder, name).as_str()));
        let own = packages::workspace(text("package.json").as_deref(), text("pnpm-workspace.yaml").as_deref());
        let found = match own {
            Some(folders) => Some(Rc::new((folder.to_owned(), folders))),
            None if folder.is_empty() => None,
            None => self.workspace_of(others, folder_of(folder)),
        };
        self.workspaces.insert(folder.to_owned(), found.clone());
        found
    }
}

fn read_aliases(others: &dyn SourceProvider, path: String) -> Option<Located> {
    let mut path = path;
    let mut last = None;
    for _ in 0..MAX_EXTENDS {
        let Some(text) = others.text(&RepoPath::from(path.as_str())) else { break };
        let aliases = Aliases::read(&text)?;
        let folder = folder_of(&path).to_owned();
        let next = aliases.extends.clone().map(|extends| normal(&beside(&folder, &extends)));
        let is_last = !aliases.is_empty() || next.is_none();
        last = Some(Rc::new((folder, aliases)));
        match next.filter(|_| !is_last) {
            Some(next) if next.ends_with(".json") => path = next,
            Some(next) => path = format!("{next}.json"),
            None => break,
        }
    }
    last
}

/// Returns the paths that a name with `#` stands for, as the nearest `package.json` says.
fn own_imports(others: &dyn SourceProvider, folder: &str, name: &str) -> Vec<String> {
    let mut at = folder;
    loop {
        if let Some(manifest) = others.text(&RepoPath::from(beside(at, "package.json").as_str())) {
            return packages::imports(&manifest, name).iter().map(|target| beside(at, target)).collect();
        }
        if at.is_empty() {
            return Vec::new();
        }
        at = folder_of(at);
    }
}

/// What the imports of one side stand for, by the files and folders that are there; nothing is parsed.
pub struct Names<'a> {
    others: Counted<'a>,
    known: Known,
    files: HashMap<(String, String), Option<RepoPath>>,
}

impl<'a> Names<'a> {
    /// Makes one for the files of a side, which does no more than `budget` steps: counted, not timed, so that every run
    /// comes to the same end.
    pub fn new(others: &'a dyn SourceProvider, budget: usize) -> Self {
        let others = Counted { others, left: AtomicUsize::new(budget) };
        Self { others, known: Known::default(), files: HashMap::new() }
    }

    /// Says whether the budget is spent: what is said since then may be wrong.
    pub fn is_spent(&self) -> bool {
        self.others.left.load(Ordering::Relaxed) == 0
    }

    /// Returns the file of the repository that an import of another file names, if it names one.
    pub fn file(&mut self, language: Language, from: &RepoPath, name: &str) -> Option<RepoPath> {
        if !self.others.spend(COSTS[2]) {
            return None;
        }
        let key = (folder_of(from.as_str()).to_owned(), name.to_owned());
        if let Some(known) = self.files.get(&key) {
            return known.clone();
        }
        let found = self.places(language, from, name).into_iter().find(|path| self.others.text(path).is_some());
        self.files.insert(key, found.clone());
        found
    }

    /// Returns the files that an import of a file may name, by what aliases and packages say, in the order in which they
    /// are tried; whether they are there is not asked.
    pub fn places(&mut self, language: Language, from: &RepoPath, name: &str) -> Vec<RepoPath> {
        let is_script = language.is_script();
        let mut found = Vec::new();
        if !self.others.spend(COSTS[2]) {
            return found;
        }
        if is_script && !name.starts_with(['.', '/', '<']) {
            for target in self.known.targets(&self.others, folder_of(from.as_str()), name) {
                found.extend(whole(language, from, &format!("^{target}")));
            }
        }
        if !is_script || is_relative(name) {
            found.extend(whole(language, from, name));
        }
        if !self.others.spend(found.len() * COSTS[1]) {
            found.clear();
        }
        found
    }
}

/// The files of a side that answer until the budget is spent; then nothing is there.
struct Counted<'a> {
    others: &'a dyn SourceProvider,
    left: AtomicUsize,
}

impl Counted<'_> {
    /// Takes from the budget, and says whether there was enough.
    fn spend(&self, cost: usize) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(cost), Ordering::Relaxed);
        left > cost
    }
}

impl SourceProvider for Counted<'_> {
    fn load(&self, path: &RepoPath) -> Option<Arc<Loaded>> {
        if self.spend(COSTS[0]) { self.others.load(path) } else { None }
    }

    fn text(&self, path: &RepoPath) -> Option<Arc<str>> {
        if self.spend(COSTS[0]) { self.others.text(path) } else { None }
    }
}

/// Returns the files that a path may be; of Python also those of which it is a member.
fn whole(language: Language, from: &RepoPath, path: &str) -> Vec<RepoPath> {
    let all = candidates(language, from, path).into_iter();
    all.filter(|(_, members)| members.is_empty() || language == Language::Python).flat_map(|(files, _)| files).collect()
}

#[cfg(test)]
mod tests {
    use super::Names;
    use crate::detect::flow::{Loaded, SourceProvider};
    use crate::path::RepoPath;
    use crate::syntax::language::Language;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A project whose names may all stand for many places, of which none is there but one.
    #[derive(Default)]
    struct Wide(AtomicUsize);

    impl SourceProvider for Wide {
        fn load(&self, _: &RepoPath) -> Option<Arc<Loaded>> {
            None
        }

        fn text(&self, path: &RepoPath) -> Option<Arc<str>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let places: Vec<String> = (0..20).map(|number| format!("\"./lib{number}/*\"")).collect();
            match path.as_str() {
                "tsconfig.json" => {
                    Some(format!(r#"{{"compilerOptions": {{"paths": {{"*": [{}]}}}}}}"#, places.join(",")).into())
                }
                "lib3/here.ts" => Some("".into()),
                _ => None,
            }
        }
    }

    #[test]
    fn names_are_looked_for_until_the_budget_is_spent() {
        let (project, from) = (Wide::default(), RepoPath::from("src/web.ts"));
        let mut names = Names::new(&project, 20_000);
        assert_eq!(names.file(Language::TypeScript, &from, "here"), Some(RepoPath::from("lib3/here.ts")));
        assert!(!names.is_spent());
        for number in 0..1_000 {
            names.file(Language::TypeScript, &from, &format!("there{number}"));
        }
        let asked = project.0.load(Ordering::Relaxed);
        assert!(names.is_spent() && asked <= 2_000, "{asked}");
        assert_eq!(names.file(Language::TypeScript, &from, "here"), None, "nothing is said any more");
    }
}
