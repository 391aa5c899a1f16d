//! What a file imports, read from its text: which names of modules it gives, and what it calls what it gets from them.
//! For finding files that are worth a look; the engine reads imports from the tree.

use super::touched::identifiers;
use crate::syntax::language::Language;

/// Bytes before the name of a module in which its statement is looked for.
const MAX_STATEMENT: usize = 2_000;
/// Longest name of a module.
const MAX_NAME: usize = 300;
/// Most imports of one file.
const MAX_IMPORTS: usize = 400;

/// An import.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    /// The module as it is named; of Python with the item that is taken from it.
    pub module: String,
    /// What the file calls it, or parts of it.
    pub locals: Vec<String>,
    /// Whether all that the module has is taken or passed on.
    pub is_all: bool,
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
        found.push(Import { module, locals: words(head), is_all });
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
                found.push(Import { module, locals: words(item), is_all: own == "*" });
            }
        } else if let Some(rest) = line.strip_prefix("import ") {
            for item in rest.split('#').next().unwrap_or_default().split(',') {
                let module = item.split_whitespace().next().unwrap_or_default().to_owned();
                found.push(Import { module, locals: words(item), is_all: false });
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
    use super::imports;
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
}
