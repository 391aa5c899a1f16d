//! Names of what a change touches in a file: what other files, which it leaves as they are, may use.

use crate::span::LineSet;
use crate::syntax::SourceFile;
pub use crate::syntax::identifiers;
use std::collections::BTreeSet;
use std::ops::Range;

/// Stands for what a file of JavaScript gives as a whole, which others call as they like.
pub const DEFAULT: &str = "default";
/// Times that functions which use a touched one are looked for in the same file.
const MAX_ROUNDS: usize = 5;
/// Bytes of a file above which only what is touched itself is named.
const MAX_BYTES: usize = 500_000;
/// Names that say nothing by themselves: of what they belong to, the name counts.
const OF_OWNER: [&str; 9] =
    ["__init__", "__call__", "__new__", "__enter__", "__post_init__", "constructor", "default", "new", "exports"];
/// Words at the head of a statement that are no names of its own.
const KEYWORDS: [&str; 30] = [
    "async",
    "await",
    "class",
    "const",
    "crate",
    "declare",
    "def",
    "default",
    "enum",
    "export",
    "extern",
    "fn",
    "for",
    "from",
    "function",
    "if",
    "impl",
    "import",
    "interface",
    "let",
    "mod",
    "pub",
    "self",
    "static",
    "struct",
    "trait",
    "type",
    "unsafe",
    "use",
    "var",
];

/// Returns the names of functions, classes and values that `lines` of a file touch, and of the functions in it that use
/// them, sorted.
pub fn names(file: &SourceFile, lines: &LineSet) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let text = file.text();
    for node in file.document.root().children() {
        let range = node.range();
        let span = file.span(range.clone());
        if node.kind().contains("comment") || !lines.intersects(span.start.line, span.last_line()) {
            continue;
        }
        if is_default(text.get(range.clone()).unwrap_or_default()) {
            names.insert(DEFAULT.to_owned());
        }
        let inside = |f: &&crate::syntax::Function| range.start <= f.range.start && f.range.end <= range.end;
        let functions = file.outline.functions.iter().filter(inside);
        let mut touched = functions.filter(|f| lines.intersects(f.lines.0, f.lines.1)).peekable();
        if touched.peek().is_none() {
            names.extend(of_head(text.get(range.clone()).unwrap_or_default()));
        }
        for function in touched {
            names.extend(of_symbol(&function.symbol));
        }
    }
    if text.len() <= MAX_BYTES {
        let marks = file.words();
        for _ in 0..MAX_ROUNDS {
            if !add_users(file, marks, &mut names) {
                break;
            }
        }
        let passed_on = |range: &Range<usize>| {
            let line = text[..range.start].rfind('\n').map_or(0, |i| i + 1);
            names.contains(&text[range.clone()]) && is_default(&text[line..])
        };
        if marks.iter().any(passed_on) {
            names.insert(DEFAULT.to_owned());
        }
    }
    names
}

fn is_default(statement: &str) -> bool {
    ["export default", "module.exports", "exports = "].iter().any(|word| statement.starts_with(word))
}

/// Returns the names of the functions of a file, none of which has changed, that use one of `names`; and those of `names`
/// that the file speaks of outside of functions, as it does where it passes them on.
pub fn users(file: &SourceFile, names: &BTreeSet<String>) -> BTreeSet<String> {
    let text = file.text();
    let mut found = BTreeSet::new();
    for range in file.words() {
        let word = &text[range.clone()];
        if names.contains(word) {
            match innermost(file, range) {
                Some(symbol) => found.extend(of_symbol(symbol)),
                None => drop(found.insert(word.to_owned())),
            }
        }
    }
    found
}

/// Returns `names` with those of the functions of a file, and of what it makes at its top level, that use them, directly
/// or through each other.
pub fn closure(file: &SourceFile, names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut names = names.clone();
    let (text, marks) = (file.text(), file.words());
    for _ in 0..MAX_ROUNDS {
        let before = names.len();
        add_users(file, marks, &mut names);
        for node in file.document.root().children() {
            let range = node.range();
            let inside = marks.iter().filter(|mark| range.start <= mark.start && mark.end <= range.end);
            if inside.clone().any(|mark| names.contains(&text[mark.clone()]) && innermost(file, mark).is_none()) {
                names.extend(of_head(&text[range]));
            }
        }
        if names.len() == before {
            break;
        }
    }
    names
}

fn add_users(file: &SourceFile, marks: &[Range<usize>], names: &mut BTreeSet<String>) -> bool {
    let before = names.len();
    let uses = marks.iter().filter(|range| names.contains(&file.text()[(*range).clone()]));
    let found: Vec<String> = uses.filter_map(|range| innermost(file, range)).flat_map(of_symbol).collect();
    names.extend(found);
    names.len() > before
}

fn innermost<'a>(file: &'a SourceFile, range: &Range<usize>) -> Option<&'a str> {
    let around = |f: &&crate::syntax::Function| f.range.start <= range.start && range.end <= f.range.end;
    file.outline.functions.iter().rev().find(around).map(|f| f.symbol.as_str())
}

/// Returns the names by which other files can speak of a symbol: its last part and, for a function inside another or a
/// method that goes by its class, the part before.
fn of_symbol(symbol: &str) -> Vec<String> {
    let mut parts = symbol.rsplit('.').filter(|part| !part.is_empty());
    match (parts.next(), parts.next()) {
        (Some(last), Some(owner)) if OF_OWNER.contains(&last) => vec![owner.to_owned()],
        (Some(last), Some(owner)) => vec![last.to_owned(), owner.to_owned()],
        (Some(last), None) => vec![last.to_owned()],
        _ => Vec::new(),
    }
}

/// Returns the names that a statement brings in: what stands before its first `=`, `(`, `{` or `:`; of an import all.
fn of_head(statement: &str) -> Vec<String> {
    let is_import = ["import", "from", "use ", "pub use ", "export {", "export *", "mod ", "pub mod "]
        .iter()
        .any(|word| statement.starts_with(word));
    let end = if is_import { statement.len() } else { statement.find(['=', '(', '{', ':']).unwrap_or(statement.len()) };
    let head = &statement[..end];
    let words = identifiers(head).into_iter().map(|range| head[range].to_owned());
    words.filter(|word| !KEYWORDS.contains(&word.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::{names, users};
    use crate::detect::parsed as file;
    use crate::span::LineSet;
    use crate::syntax::language::Language;

    fn touched(language: Language, text: &str, line: u32) -> Vec<String> {
        names(&file(language, text), &LineSet::range(line, line)).into_iter().collect()
    }

    #[test]
    fn what_a_line_belongs_to_is_named() {
        let python = "import re\n\nSAFE = re.compile('a')\n\ndef check(x):\n    return SAFE.match(x)\n\ndef run(x):\n    check(x)\n\nclass A:\n    limit = 1\n    def __init__(self):\n        self.x = 2\n    def get(self):\n        return 1\n";
        assert_eq!(touched(Language::Python, python, 3), ["SAFE", "check", "run"]);
        assert_eq!(touched(Language::Python, python, 6), ["check", "run"]);
        assert_eq!(touched(Language::Python, python, 12), ["A"]);
        assert_eq!(touched(Language::Python, python, 14), ["A"]);
        assert_eq!(touched(Language::Python, python, 16), ["A", "get"]);
        let script = "// a\nexport const clean = (x: string) => x.trim()\nexport default function (y) { return y }\n";
        assert_eq!(touched(Language::TypeScript, script, 2), ["clean"]);
        assert_eq!(touched(Language::TypeScript, script, 1), Vec::<String>::new());
        assert_eq!(touched(Language::TypeScript, script, 3), ["default"]);
        let common = "function clean(x) {\n  return x\n}\n\nmodule.exports = { clean }\n";
        assert_eq!(touched(Language::JavaScript, common, 2), ["clean", "default"]);
    }

    #[test]
    fn users_are_functions_and_what_is_passed_on() {
        let text = "from .a import check\n\ndef f(x):\n    return check(x)\n\ndef g(x):\n    return x\n";
        let found = users(&file(Language::Python, text), &["check".to_owned()].into());
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["check", "f"]);
    }
}
