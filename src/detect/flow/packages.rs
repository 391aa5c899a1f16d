//! What `tsconfig.json`, `package.json` and `pnpm-workspace.yaml` say of names that imports of JavaScript use.
//!
//! Sources: TypeScript's handbook, "Modules: Reference" (`baseUrl`, `paths`, `extends`); Node's documentation, "Modules:
//! Packages" (`exports`, `main`); npm's and pnpm's documentation of workspaces.

use serde_json::Value;

/// Folders that packages of one repository lie in where the workspace names none.
const USUAL: [&str; 4] = ["packages", "apps", "libs", "modules"];

/// Aliases of a `tsconfig.json` or `jsconfig.json`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Aliases {
    /// The file that this one builds on, where it is one of the repository: relative.
    pub extends: Option<String>,
    /// Where names without a dot at their beginning are looked for: relative to the file.
    base: Option<String>,
    /// Patterns with at most one `*`, and what they stand for.
    paths: Vec<(String, Vec<String>)>,
}

/// Bytes of a file that says something of a project, and how deep brackets may be nested in it.
const MAX_TEXT: usize = 200_000;
const MAX_NESTING: usize = 30;
/// Longest name, pattern and target that are looked at: npm allows 214 characters for a package.
const MAX_NAME: usize = 300;
/// Most patterns, folders and targets.
const MAX_PATTERNS: usize = 300;
const MAX_TARGETS: usize = 24;

/// Says whether a text is small and flat enough to be parsed.
fn is_plain(text: &str) -> bool {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    text.len() <= MAX_TEXT && deepest <= MAX_NESTING
}

impl Aliases {
    /// Reads a file; comments and commas too many are allowed there.
    pub fn read(text: &str) -> Option<Self> {
        if !is_plain(text) {
            return None;
        }
        let json: Value = serde_json::from_str(&plain_json(text)).ok()?;
        let options = json.get("compilerOptions").unwrap_or(&Value::Null);
        let word = |value: &Value| value.as_str().map(str::to_owned);
        let extends = match json.get("extends") {
            Some(Value::Array(all)) => all.last().and_then(word),
            other => other.and_then(word),
        };
        let targets = |value: &Value| {
            let all = value.as_array().into_iter().flatten().filter_map(word);
            all.filter(|target| target.len() <= MAX_NAME).take(MAX_TARGETS).collect()
        };
        let paths = options.get("paths").and_then(Value::as_object).into_iter().flatten().take(MAX_PATTERNS);
        let mut paths: Vec<(String, Vec<String>)> = paths.map(|(k, v)| (k.clone(), targets(v))).collect();
        // The longest beginning decides.
        paths.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.find('*').unwrap_or(usize::MAX)));
        let base = options.get("baseUrl").and_then(word);
        Some(Self { extends: extends.filter(|path| path.starts_with('.')), base, paths })
    }

    /// Says whether nothing is said of names.
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.paths.is_empty()
    }

    /// Returns the paths, relative to the file, that a name may stand for, in the order in which they are tried.
    pub fn targets(&self, name: &str) -> Vec<String> {
        if name.len() > MAX_NAME {
            return Vec::new();
        }
        let base = self.base.as_deref().unwrap_or(".");
        let mut found = Vec::new();
        for (pattern, targets) in &self.paths {
            let held = match pattern.split_once('*') {
                None => (pattern == name).then_some(""),
                Some((head, tail)) => name.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail)),
            };
            if let Some(held) = held {
                found.extend(targets.iter().map(|target| format!("{base}/{}", target.replacen('*', held, 1))));
                break;
            }
        }
        if self.base.is_some() {
            found.push(format!("{base}/{name}"));
        }
        found
    }
}

/// Returns the folders that packages of a workspace lie in, as its `package.json` or `pnpm-workspace.yaml` says: with
/// `/*` at the end those below. `None` where it is no workspace.
pub fn workspace(package: Option<&str>, pnpm: Option<&str>) -> Option<Vec<String>> {
    let listed = |value: &Value| -> Option<Vec<String>> {
        let list = value.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(|s| s.trim_start_matches("./").to_owned()).collect())
    };
    let (package, pnpm) = (package.filter(|text| is_plain(text)), pnpm.filter(|text| is_plain(text)));
    let of_package = package.and_then(|text| {
        let json: Value = serde_json::from_str(text).ok()?;
        let workspaces = json.get("workspaces")?;
        listed(workspaces).or_else(|| listed(workspaces.get("packages")?))
    });
    let of_pnpm = || {
        let json: Value = serde_yaml::from_str(pnpm?).ok()?;
        listed(json.get("packages")?)
    };
    let mut folders = of_package.or_else(of_pnpm)?;
    folders.retain(|folder| !folder.starts_with('!') && folder.len() <= MAX_NAME);
    folders.truncate(MAX_PATTERNS);
    if folders.iter().any(|folder| folder.starts_with('*')) {
        folders.extend(USUAL.iter().map(|folder| format!("{folder}/*")));
    }
    Some(folders)
}

/// Returns the folders of a workspace that the package of a name may lie in: the name of the
/// folder may leave out what all begin with, or say the scope too.
pub fn folders_of(workspace: &[String], package: &str) -> Vec<String> {
    if package.len() > MAX_NAME {
        return Vec::new();
    }
    let own = package.rsplit('/').next().unwrap_or(package);
    let mut names = vec![own.to_owned()];
    names.extend(
        package.strip_prefix('@').and_then(|name| name.split_once('/')).map(|(scope, own)| format!("{scope}-{own}")),
    );
    let mut rest = own;
    while let Some((_, tail)) = rest.split_once('-').filter(|_| names.len() < 6) {
        names.push(tail.to_owned());
        rest = tail;
    }
    let mut found = Vec::new();
    for folder in workspace {
        match folder.split_once('*') {
            None => found.push(folder.clone()),
            Some((head, _)) => found.extend(names.iter().map(|name| format!("{head}{name}"))),
        }
    }
    found
}

/// Splits what an import names into the package and the path inside it.
pub fn split(name: &str) -> (&str, &str) {
    let scope = if name.starts_with('@') { name.find('/').map_or(0, |i| i + 1) } else { 0 };
    match name[scope..].find('/') {
        Some(end) => (&name[..scope + end], &name[scope + end + 1..]),
        None => (name, ""),
    }
}

/// Returns the files, relative to the package's folder, that a path inside a package may stand for; nothing where the
/// `package.json` is that of another package.
pub fn entries(manifest: &str, package: &str, inside: &str) -> Vec<String> {
    let Ok(json) = serde_json::from_str::<Value>(if is_plain(manifest) { manifest } else { "" }) else {
        return Vec::new();
    };
    if json.get("name").and_then(Value::as_str) != Some(package) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let key = if inside.is_empty() { ".".to_owned() } else { format!("./{inside}") };
    if let Some(exports) = json.get("exports") {
        let one = exports.get(&key).or_else(|| exports.is_string().then_some(exports).filter(|_| inside.is_empty()));
        one.into_iter().for_each(|value| leaves(value, &mut found));
    }
    if inside.is_empty() {
        let fields = ["source", "types", "typings", "module", "main"];
        found.extend(fields.iter().filter_map(|field| json.get(field)?.as_str()).map(str::to_owned));
        found.extend(["src/index", "index", "src/main", "lib/index"].map(str::to_owned));
    } else {
        found.extend([inside.to_owned(), format!("src/{inside}")]);
    }
    found.iter().map(|path| path.trim_start_matches("./").to_owned()).filter(|path| !path.ends_with(".d.ts")).collect()
}

/// Returns the files, relative to the package's folder, that a name with `#` stands for in it.
pub fn imports(manifest: &str, name: &str) -> Vec<String> {
    let json = serde_json::from_str::<Value>(if is_plain(manifest) { manifest } else { "" }).unwrap_or_default();
    let Some(imports) = json.get("imports").and_then(Value::as_object).filter(|_| name.len() <= MAX_NAME) else {
        return Vec::new();
    };
    let held = |pattern: &str| {
        let (head, tail) = pattern.split_once('*')?;
        name.strip_prefix(head)?.strip_suffix(tail).map(|held| (head.len(), held.to_owned()))
    };
    let patterns = || imports.iter().take(MAX_PATTERNS).filter_map(|(pattern, value)| Some((held(pattern)?, value)));
    let one = imports.get(name).map(|value| (String::new(), value));
    // The longest beginning decides.
    let one = one.or_else(|| patterns().max_by_key(|((length, _), _)| *length).map(|((_, held), value)| (held, value)));
    let mut found = Vec::new();
    let Some((held, value)) = one else { return found };
    leaves(value, &mut found);
    found.retain(|path| path.starts_with("./") && path.len() <= MAX_NAME);
    found.truncate(MAX_TARGETS);
    found.iter().map(|path| path.trim_start_matches("./").replacen('*', &held, 1)).collect()
}

/// Says whether two states of a `package.json` let names lead elsewhere: another version alone does not.
pub fn leads_otherwise(before: &str, after: &str) -> bool {
    const FIELDS: [&str; 9] =
        ["name", "exports", "imports", "main", "module", "source", "types", "typings", "workspaces"];
    let read = |text: &str| serde_json::from_str::<Value>(if is_plain(text) { text } else { "" }).unwrap_or_default();
    let (before, after) = (read(before), read(after));
    FIELDS.iter().any(|field| before.get(field) != after.get(field))
}

fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(path) => found.push(path.clone()),
        Value::Object(map) => {
            found.extend(map.values().filter_map(Value::as_str).map(str::to_owned));
        }
        _ => {}
    }
}

/// Returns JSON without comments, and without commas before a closing bracket.
fn plain_json(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.trim_start_matches('\u{feff}');
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let end = end_of_text(rest);
            plain.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
        } else {
            if matches!(c, ']' | '}') && plain.trim_end().ends_with(',') {
                plain.truncate(plain.trim_end().len() - 1);
            }
            plain.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    plain
}

/// Returns where a text in quotes at the beginning ends.
fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Aliases, entries, folders_of, plain_json, split, workspace};

    #[test]
    fn aliases_are_tried_from_the_longest_on() {
        let text = "{ // a\n \"compilerOptions\": { \"baseUrl\": \"./src\", /* b */ \"paths\": { \"*\": [\"any/*\"], \"@lib/*\": [\"lib/*\", \"x/*\"], \"one\": [\"two.ts\",] }, }, }";
        let aliases = Aliases::read(text).expect("readable");
        assert_eq!(aliases.targets("@lib/run"), ["./src/lib/run", "./src/x/run", "./src/@lib/run"]);
        assert_eq!(aliases.targets("one"), ["./src/two.ts", "./src/one"]);
        assert_eq!(aliases.targets("db"), ["./src/any/db", "./src/db"]);
        let extends = Aliases::read("{\"extends\": [\"@tsconfig/node20\", \"../base.json\"]}").expect("readable");
        assert!(extends.is_empty() && extends.extends.as_deref() == Some("../base.json"));
        assert_eq!(Aliases::read("{"), None);
    }

    #[test]
    fn text_is_no_comment() {
        assert_eq!(plain_json("{\"a\": \"// \\\" /* x\", }"), "{\"a\": \"// \\\" /* x\"}");
        assert_eq!(plain_json("\"open"), "\"open");
        assert_eq!(plain_json("{} /* open"), "{} ");
    }

    #[test]
    fn packages_of_a_workspace_are_found_by_name() {
        let npm =
            workspace(Some("{\"workspaces\": [\"./packages/*\", \"web\", \"!packages/old\"]}"), None).expect("one");
        assert_eq!(npm, ["packages/*", "web"]);
        assert_eq!(
            folders_of(&npm, "@acme/acme-db"),
            ["packages/acme-db", "packages/acme-acme-db", "packages/db", "web"]
        );
        let pnpm = workspace(Some("{}"), Some("packages:\n  - 'libs/*'\n")).expect("one");
        assert_eq!(pnpm, ["libs/*"]);
        assert_eq!(workspace(Some("{}"), None), None);
        assert_eq!(split("@acme/db/src/x"), ("@acme/db", "src/x"));
        assert_eq!((split("db"), split("db/x"), split("@acme/db")), (("db", ""), ("db", "x"), ("@acme/db", "")));
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_not_read() {
        let deep = format!("packages: {}", "[".repeat(100_000));
        assert_eq!(workspace(None, Some(&deep)), None);
        let many: Vec<String> = (0..500).map(|i| format!("\"p{i}/*\"")).collect();
        let wide = workspace(Some(&format!("{{\"workspaces\": [{}]}}", many.join(","))), None).expect("one");
        assert!(folders_of(&wide, &("a-".repeat(100) + "b")).len() < 3_000);
        assert_eq!(folders_of(&wide, &("a-".repeat(4_000) + "b")), Vec::<String>::new());
        let stars = format!("{{\"compilerOptions\": {{\"paths\": {{\"*\": [\"{}\"]}}}}}}", "*".repeat(100_000));
        let aliases = Aliases::read(&stars).expect("readable");
        assert_eq!(aliases.targets(&"a".repeat(200)), Vec::<String>::new());
    }

    #[test]
    fn a_package_says_what_it_gives() {
        let manifest = "{\"name\": \"db\", \"main\": \"./dist/index.js\", \"exports\": {\".\": {\"types\": \"./a.d.ts\", \"import\": \"./src/a.ts\"}, \"./x\": \"./src/deep/x.ts\"}}";
        assert_eq!(entries(manifest, "db", "")[..2], ["src/a.ts", "dist/index.js"]);
        assert_eq!(entries(manifest, "db", "x"), ["src/deep/x.ts", "x", "src/x"]);
        assert_eq!(entries(manifest, "other", ""), Vec::<String>::new());
    }
}
