//! What a file imports, read from its text: which names of modules it gives, and what it calls what it gets from them.
//! For finding files that are worth a look; the engine reads imports from the tree.

use super::touched::identifiers;
use crate::syntax::language::Language;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes before the name of a module in which its statement is looked for.
const MAX_STATEMENT: usize = 2_000;
/// Longest name of a module.
const MAX_NAME: usize = 300;
/// How deep braces of one `use` are followed.
const MAX_DEPTH: usize = 6;
/// Most imports of one file.
const MAX_IMPORTS: usize = 400;

/// An import.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// The module as it is named; of Python with the item that is taken from it.
    pub module: String,
    /// What the file calls it, or parts of it.
    pub locals: Vec<String>,
    /// What is taken, each as it is written, without spaces at its ends.
    items: Vec<String>,
    /// Whether all that the module has is taken or passed on.
    pub is_all: bool,
}

/// Returns what each name that a file imports or passes on comes from; `*` for all that a module has.
pub fn origins(language: Language, text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |item: &str, origin: String| {
        let name = if item.ends_with('*') {
            Some("*")
        } else {
            item.split_whitespace().next_back().filter(|name| !words(name).is_empty())
        };
        if let Some(name) = name {
            found.entry(name.to_owned()).or_default().insert(origin);
        }
    };
    if language == Language::Rust {
        for statement in text.split(';') {
            let at = statement.rfind("use ").filter(|at| !statement[*at..].contains(['=', '(', '"']));
            let path =
                at.filter(|at| statement[..*at].trim_end().is_empty() || statement[..*at].ends_with(['\n', ' ', '\t']));
            path.into_iter().for_each(|at| spread("", statement[at + 4..].trim(), 0, &mut add));
        }
        return found;
    }
    for import in imports(language, text) {
        for item in &import.items {
            add(item, format!("{} {item}", import.module));
        }
    }
    found
}

/// Tells each path of a `use` of Rust.
fn spread(prefix: &str, path: &str, depth: usize, add: &mut dyn FnMut(&str, String)) {
    let Some((head, inner)) = path.split_once('{').filter(|_| depth < MAX_DEPTH) else {
        let whole = format!("{prefix}{path}");
        return add(path.rsplit("::").next().unwrap_or(path), whole);
    };
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let (mut open, mut from) = (0usize, 0);
    for (at, c) in inner.char_indices().chain(std::iter::once((inner.len(), ','))) {
        match c {
            '{' => open += 1,
            '}' => open = open.saturating_sub(1),
            ',' if open == 0 || at == inner.len() => {
                let part = inner[from..at].trim();
                if !part.is_empty() {
                    spread(&format!("{prefix}{head}"), part, depth + 1, add);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// Returns the imports of a file of JavaScript or Python; of other languages none.
pub fn imports(language: Language, text: &str) -> Vec<Import> {
    match language {
        Language::Python => python(text),
        language if language.is_script() => script(text),
        _ => Vec::new(),
    }
}

fn words(text: &str) -> Vec<String> {
    const NO_NAMES: [&str; 10] = ["import", "export", "from", "type", "as", "const", "let", "var", "await", "default"];
    let words = identifiers(text).into_iter().map(|range| &text[range]);
    words.filter(|word| !NO_NAMES.contains(word)).map(str::to_owned).collect()
}

fn script(text: &str) -> Vec<Import> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find(['\'', '"']).map(|at| from + at) {
        from = at + 1;
        let before = text[..at].trim_end();
        let is_word = |word: &str| {
            before
                .strip_suffix(word)
                .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || "_'\"".contains(c)))
        };
        let is_call = is_word("require(") || is_word("import(") || is_word("require (");
        if !is_call && !is_word("from") && !is_word("import") {
            continue;
        }
        let quote = if text[at..].starts_with('"') { '"' } else { '\'' };
        let Some(end) = text[from..].find([quote, '\n']).filter(|end| *end <= MAX_NAME) else { continue };
        let module = text[from..from + end].to_owned();
        from += end + 1;
        let mut start = before.len().saturating_sub(MAX_STATEMENT);
        while !before.is_char_boundary(start) {
            start += 1;
        }
        let near = &before[start..];
        let heads: &[&str] = if is_call { &["const ", "let ", "var ", "\n"] } else { &["import", "export"] };
        let head = heads.iter().filter_map(|head| near.rfind(head)).max().map_or("", |head| &near[head..]);
        let head = if is_call { head.rsplit_once('=').map_or("", |(head, _)| head) } else { head };
        let is_all = head.contains('*') || (!is_call && head.trim() == "export");
        let bare = head.strip_prefix("import").or_else(|| head.strip_prefix("export")).unwrap_or(head);
        let bare = bare.trim_end().strip_suffix("from").unwrap_or(bare);
        let items = bare.split(['{', '}', ',', '\n']).map(|item| item.trim().to_owned());
        let items = items.filter(|item| !item.is_empty()).collect();
        found.push(Import { module, locals: words(head), items, is_all });
        if found.len() >= MAX_IMPORTS {
            break;
        }
    }
    found
}

fn python(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some((module, items)) = line.strip_prefix("from ").and_then(|rest| rest.split_once(" import")) {
            let mut items = items.to_owned();
            while (items.contains('(') && !items.contains(')')) || items.ends_with('\\') {
                let Some(next) = lines.next().filter(|_| items.len() < MAX_STATEMENT * 4) else { break };
                items = format!("{} {}", items.trim_end_matches('\\'), next.split('#').next().unwrap_or_default());
            }
            let module = module.trim();
            for item in items.split('#').next().unwrap_or_default().split(',') {
                let item = item.trim_matches(|c: char| c.is_whitespace() || "()".contains(c));
                let Some(own) = item.split_whitespace().next() else { continue };
                let joint = if module.ends_with('.') { "" } else { "." };
                let module = if own == "*" { module.to_owned() } else { format!("{module}{joint}{own}") };
                found.push(Import { module, locals: words(item), items: vec![item.to_owned()], is_all: own == "*" });
            }
        } else if let Some(rest) = line.strip_prefix("import ") {
            for item in rest.split('#').next().unwrap_or_default().split(',') {
                let module = item.split_whitespace().next().unwrap_or_default().to_owned();
                let items = vec![item.trim().to_owned()];
                found.push(Import { module, locals: words(item), items, is_all: false });
            }
        }
        if found.len() >= MAX_IMPORTS {
            break;
        }
    }
    found.retain(|import| import.module.len() <= MAX_NAME);
    found
}

#[cfg(test)]
mod tests {
    use super::{imports, origins};
    use crate::syntax::language::Language;

    fn read(language: Language, text: &str) -> Vec<String> {
        let shown = imports(language, text).into_iter();
        shown.map(|i| format!("{} {}{}", i.module, i.locals.join(","), if i.is_all { " all" } else { "" })).collect()
    }

    #[test]
    fn modules_and_what_is_taken_of_them() {
        let script = "import a, {\n  b as c,\n} from '@/x'\nimport * as all from \"./y\"\nexport * from './z'\nimport './w'\nconst { d } = require('#v')\nlet e = await import('../')\nlog('from', 'x')\n";
        assert_eq!(
            read(Language::TypeScript, script),
            ["@/x a,b,c", "./y all all", "./z  all", "./w ", "#v d", "../ e"]
        );
        let python = "import os, app.db as db\nfrom .lib import (\n    a,  # one\n    b as c,\n)\nfrom . import d\nfrom x import *\n";
        assert_eq!(
            read(Language::Python, python)[..5],
            ["os os", "app.db app,db,db", ".lib.a a", ".lib.b b,c", ".d d"]
        );
        assert_eq!(read(Language::Python, python)[5..], ["x  all"]);
        assert_eq!(read(Language::JavaScript, "'").len() + read(Language::Rust, "use a::b;").len(), 0);
    }

    #[test]
    fn names_come_from_where_an_import_says() {
        let moved = |language, before: &str, after: &str| {
            let (before, after) = (origins(language, before), origins(language, after));
            let moved = after.iter().filter(|(name, from)| before.get(*name).is_some_and(|old| old != *from));
            moved.map(|(name, _)| name.clone()).collect::<Vec<_>>().join(",")
        };
        let python = |before, after| moved(Language::Python, before, after);
        assert_eq!(python("from .a import x, y", "from .a import y\nfrom .b import x"), "x");
        assert_eq!(python("from .a import x", "from .a import (\n    x,\n    z,\n)"), "");
        assert_eq!(python("from .a import x", "from .a import raw as x"), "x");
        assert_eq!(python("from .a import *", "from .b import *"), "*");
        let script = |before, after| moved(Language::TypeScript, before, after);
        assert_eq!(script("import { x, y } from './a'", "import { y } from './a'\nexport { x } from './b'"), "x");
        assert_eq!(script("import { x } from './a'", "import { x, z } from './a'"), "");
        assert_eq!(script("export * from './a'", "export * from './b'"), "*");
        assert_eq!(script("const { x } = require('./a')", "const { x } = require('./b')"), "x");
        let rust = |before, after| moved(Language::Rust, before, after);
        assert_eq!(
            rust("use a::b;\npub use c::{x, d::{y, z as w}};", "use a::b;\npub use c::{d::{y, q as w}, e::x};"),
            "w,x"
        );
        assert_eq!(rust("fn f() {}\nuse a::{b};\n", "fn f() {}\nuse a::b;\nuse a::c;\n"), "");
    }
}
