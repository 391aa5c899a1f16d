//! Whether a change takes away something that may keep data from doing harm, so that files which use the changed code are
//! worth a look: a condition, an early end, a pattern, a value beside the functions, a call that by its name checks or cleans;
//! whether a name that it imports comes from elsewhere; or whether it brings in a sink that a caller's data reaches.

use super::specifiers::origins;
use crate::finding::Finding;
use crate::span::LineSet;
use crate::syntax::SourceFile;
use ast_grep_core::tree_sitter::LanguageExt;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// Parts of names of functions that check or clean, in lower case.
const GUARDS: [&str; 47] = [
    "safe",
    "sanit",
    "clean",
    "escap",
    "encod",
    "quot",
    "valid",
    "check",
    "verif",
    "assert",
    "allow",
    "filter",
    "strip",
    "replac",
    "normal",
    "resolv",
    "pars",
    "match",
    "test",
    "includ",
    "startswith",
    "starts_with",
    "endswith",
    "ends_with",
    "only",
    "basename",
    "secure",
    "abort",
    "reject",
    "guard",
    "require",
    "ensure",
    "limit",
    "trust",
    "permit",
    "whitelist",
    "uuid",
    "number",
    "slug",
    "contains",
    "indexof",
    "isalnum",
    "is_ascii",
    "isdigit",
    "canonical",
    "realpath",
    "relative",
];
/// Whole names of the same kind.
const CONVERSIONS: [&str; 7] = ["int", "float", "bool", "has", "is_file", "file_name", "parse"];

/// Says whether a change to a file may let through what was kept back. `removed` are lines of `before`, `added` of `after`.
pub(super) fn loosens(
    before: Option<&SourceFile>,
    after: &SourceFile,
    (removed, added): (&LineSet, &LineSet),
    findings: (&[Finding], &[Finding]),
) -> bool {
    if brings_sink(findings) || before.is_some_and(|file| !redirected(file, after).is_empty()) {
        return true;
    }
    let mut symbols = touched(after, added);
    symbols.extend(before.iter().flat_map(|file| touched(file, removed)));
    let (new, mut lost) = (guards(after, &symbols), before.map(|file| guards(file, &symbols)).unwrap_or_default());
    for (guard, count) in &new {
        if let Some(known) = lost.get_mut(guard) {
            *known -= count;
        }
    }
    lost.values().any(|count| *count > 0)
        || before.is_some_and(|file| touches_values(file, removed))
        || ends_earlier(after, added)
}

/// Returns the names that a file imports from elsewhere than before, and may pass on; `*` where all of a module.
pub(super) fn redirected(before: &SourceFile, after: &SourceFile) -> Vec<String> {
    let (old, new) = (origins(before.language, before.text()), origins(after.language, after.text()));
    new.into_iter().filter(|(name, from)| old.get(name).is_some_and(|old| old != from)).map(|(name, _)| name).collect()
}

/// Says whether a caller's data reaches a sink at head that it did not reach before.
fn brings_sink((before, after): (&[Finding], &[Finding])) -> bool {
    let known: BTreeSet<_> = before.iter().map(|f| f.key.placed).collect();
    after.iter().any(|f| f.flow().is_some() && !known.contains(&f.key.placed))
}

/// Returns the symbols of the innermost functions on some lines.
fn touched<'a>(file: &'a SourceFile, lines: &LineSet) -> BTreeSet<&'a str> {
    let functions = file.outline.functions.iter().filter(|f| lines.intersects(f.lines.0, f.lines.1));
    functions.map(|f| f.symbol.as_str()).collect()
}

/// Returns what may keep data back in functions of a file, and how often.
fn guards(file: &SourceFile, symbols: &BTreeSet<&str>) -> HashMap<(u16, String), i64> {
    let (mut found, grammar) = (HashMap::new(), file.language.get_ts_language());
    let functions = file.outline.functions.iter().filter(|f| symbols.contains(f.symbol.as_str()));
    let mut seen: Vec<Range<usize>> = Vec::new();
    for function in functions {
        if seen.iter().any(|outer| outer.start <= function.range.start && function.range.end <= outer.end) {
            continue;
        }
        seen.push(function.range.clone());
        let inside = file
            .outline
            .nodes
            .iter()
            .filter(|node| function.range.start <= node.start as usize && node.end as usize <= function.range.end);
        for node in inside {
            let text = file.text().get(node.range()).unwrap_or_default();
            if let Some(guard) = guard(grammar.node_kind_for_id(node.kind).unwrap_or_default(), text) {
                *found.entry((node.kind, guard)).or_insert(0) += 1;
            }
        }
    }
    found
}

/// Returns what a node keeps back, in a form that is the same for what does the same.
fn guard(kind: &str, text: &str) -> Option<String> {
    let is_end = ["raise_statement", "throw_statement", "assert_statement", "try_expression", "regex"].contains(&kind);
    match kind {
        _ if is_end => Some(if kind == "regex" { text.to_owned() } else { String::new() }),
        "if_statement"
        | "if_expression"
        | "conditional_expression"
        | "ternary_expression"
        | "match_expression"
        | "switch_statement"
        | "match_statement" => Some(String::new()),
        // What is given back, or asked, is another thing when it is written otherwise.
        "return_statement"
        | "return_expression"
        | "match_arm"
        | "not_operator"
        | "comparison_operator"
        | "boolean_operator" => Some(text.split_whitespace().collect()),
        "arrow_function" | "lambda" => {
            let is_short = !text.ends_with('}') && text.len() < 400;
            is_short.then(|| text.split_whitespace().collect())
        }
        "call" | "call_expression" | "macro_invocation" => {
            let name = callee(text).rsplit(['.', ':', ' ', '\n']).next().unwrap_or_default();
            let lower = name.to_ascii_lowercase();
            let is_guard = CONVERSIONS.contains(&name) || GUARDS.iter().any(|part| lower.contains(part));
            is_guard.then(|| name.to_owned())
        }
        "binary_expression" => {
            let compares = ["==", "!=", "<", ">", "&&", "||", " in ", "instanceof"].iter().any(|op| text.contains(op));
            compares.then(|| text.split_whitespace().collect())
        }
        "string" | "string_literal" | "raw_string_literal" => {
            let is_pattern = text.contains(['[', '\\', '^']) && text.len() < 400;
            is_pattern.then(|| text.to_owned())
        }
        _ => None,
    }
}

/// Returns a path without the types that Rust gives to it: `parse::<u32>`.
fn without_types(path: &str) -> &str {
    match path.rfind("::<") {
        Some(at) if path.ends_with('>') => &path[..at],
        _ => path,
    }
}

/// Returns what stands before the arguments that end the text of a call.
fn callee(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices().rev() {
        match c {
            ')' => depth += 1,
            '(' if depth <= 1 => return without_types(text[..at].trim_end_matches('!')),
            '(' => depth -= 1,
            _ => {}
        }
    }
    text
}

/// Says whether lines of a file hold values outside of functions, such as a list of what is allowed; imports do not count,
/// nor do comments.
fn touches_values(file: &SourceFile, lines: &LineSet) -> bool {
    file.document.root().children().any(|node| {
        let span = file.span(node.range());
        let kind = node.kind();
        let is_other = ["import", "comment", "use_declaration", "mod_item", "function", "attribute"]
            .iter()
            .any(|part| kind.contains(part));
        if is_other || !lines.intersects(span.start.line, span.last_line()) {
            return false;
        }
        let in_function = |line: u32| {
            file.outline.functions.iter().any(|f| {
                let range = node.range();
                range.start <= f.range.start && f.range.end <= range.end && (f.lines.0..=f.lines.1).contains(&line)
            })
        };
        (span.start.line..=span.last_line()).any(|line| lines.contains(line) && !in_function(line))
    })
}

/// Says whether a function that by its name checks or cleans has a new end.
fn ends_earlier(file: &SourceFile, added: &LineSet) -> bool {
    let is_guard = |symbol: &str| {
        let name = symbol.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        GUARDS.iter().any(|part| name.contains(part)) || name.starts_with("is")
    };
    let functions = file.outline.functions.iter().filter(|f| added.intersects(f.lines.0, f.lines.1));
    functions.filter(|f| is_guard(&f.symbol)).any(|f| {
        let lines = (f.lines.0..=f.lines.1).filter(|line| added.contains(*line));
        lines.into_iter().any(|line| {
            let text = file.text().get(file.index.line_range(line, file.text())).unwrap_or_default();
            text.contains("return") || text.contains("continue") || text.contains("Ok(")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::loosens;
    use crate::change::lines::changed_lines;
    use crate::detect::parsed as file;
    use crate::syntax::language::Language;

    fn is(language: Language, before: &str, after: &str) -> bool {
        let (removed, added) = changed_lines(before, after);
        loosens(Some(&file(language, before)), &file(language, after), (&removed, &added), (&[], &[]))
    }

    #[test]
    fn what_keeps_data_back_is_missed_when_it_goes() {
        let python = |before: &str, after: &str| {
            let whole =
                |body: &str| format!("import re\n\nKNOWN = ['a']\n\ndef only_name(x):\n    {body}\n    return x\n");
            is(Language::Python, &whole(before), &whole(after))
        };
        assert!(python("if x not in KNOWN:\n        raise ValueError(x)", "pass"));
        assert!(python(
            "if not re.fullmatch('[a-z]+', x):\n        raise ValueError(x)",
            "if not re.fullmatch('.*[a-z]', x):\n        raise ValueError(x)"
        ));
        assert!(python("x = html.escape(x)", "x = x.strip(' ')"));
        assert!(python("x = int(x)", "x = x"));
        assert!(
            python("if not x:\n        return ''", "if not x:\n        return ''\n    if x == 'b':\n        return x"),
            "an early end"
        );
        assert!(python("if not x:\n        return ''", "if not x:\n        print(x)"), "an early end that goes");
        assert!(!python("y = x", "z = x") && !python("log(x)", "log(x, 1)") && !python("pass", "count(x)"));
        let list = |of: &str| format!("KNOWN = [{of}]\n\ndef f(x):\n    return x in KNOWN\n");
        assert!(is(Language::Python, &list("'a'"), &list("'a', 'b'")), "a value beside the functions");
        assert!(!is(
            Language::Python,
            "import a\n\ndef f(x):\n    return x\n",
            "import b\n\ndef f(x):\n    return x\n"
        ));
    }

    #[test]
    fn the_same_holds_in_other_languages() {
        let script = |body: &str| format!("export function wash(x) {{\n  {body}\n  return x\n}}\n");
        let pair = |a: &str, b: &str| is(Language::TypeScript, &script(a), &script(b));
        assert!(pair("if (!/^[a-z]+$/.test(x)) throw new Error('no')", "if (!/[a-z]/.test(x)) throw new Error('no')"));
        assert!(pair("x = encodeURIComponent(x)", "x = String(x)"));
        assert!(!pair("const y = x", "const z = x"));
        let body = |of: &str| format!("export const wash = (x) => {of}\n");
        assert!(is(Language::TypeScript, &body("TABLE[x] ?? 'a'"), &body("x")));
        let rust = |body: &str| format!("pub fn wash(x: &str) -> String {{\n    {body}\n}}\n");
        assert!(is(
            Language::Rust,
            &rust("x.chars().filter(|c| c.is_alphanumeric()).collect()"),
            &rust("x.to_owned()")
        ));
        assert!(!is(Language::Rust, &rust("x.to_owned()"), &rust("x.to_string()")));
        assert!(is(Language::Rust, &rust("x.parse::<u32>().unwrap_or(0).to_string()"), &rust("x.to_string()")));
    }
}
