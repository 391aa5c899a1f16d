//! Functions that are called because of where they stand: listeners that are assigned, and what a directive marks.

use super::Engine;
use super::call::Args;
use crate::detect::flow::catalog::schema::Handler;
use crate::detect::flow::ir::Function;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Kind, Value};
use crate::syntax::SourceFile;

impl Engine<'_> {
    /// Notes a listener that is assigned: `window.onmessage = f`.
    pub(super) fn listen(&mut self, path: Name, value: &Value, span: (u32, u32)) {
        if matches!(value.kind, Kind::Function(_)) {
            self.register_callbacks(&[path], &Args::of(vec![value.clone()], span), span);
        }
    }
}

/// Says whether a function is one that a directive makes callable from elsewhere: it stands first in its body, or in the file
/// that exports it.
pub(super) fn is_directed(handler: &Handler, file: &SourceFile, function: &Function) -> bool {
    let wanted = handler.directive.iter().flat_map(|d| d.all());
    let of_function = || {
        let text = file.text().get(function.span.0 as usize..function.span.1 as usize)?;
        // What stands first in the body of the function itself, not in one that it holds.
        let body = text.match_indices('{').map(|(at, _)| text[at + 1..].trim_start()).find(|rest| begins(rest, ""))?;
        (text.len() - body.len() < HEAD).then_some(body)
    };
    let of_function = of_function();
    let whole = function.exported.then(|| without_comments(file.text()));
    wanted.into_iter().any(|directive| {
        whole.is_some_and(|text| begins(text, directive)) || of_function.is_some_and(|text| begins(text, directive))
    })
}

/// Longest head of a function before its body, in bytes.
const HEAD: usize = 400;

/// Says whether code begins with a directive in quotes.
fn begins(code: &str, directive: &str) -> bool {
    ["'", "\""].iter().any(|quote| {
        let rest = code.strip_prefix(quote).and_then(|rest| rest.strip_prefix(directive));
        rest.is_some_and(|rest| directive.is_empty() || rest.starts_with(quote))
    })
}

/// Returns code without the comments and spaces that it begins with.
fn without_comments(mut code: &str) -> &str {
    loop {
        code = code.trim_start_matches('\u{feff}').trim_start();
        let rest = match (code.strip_prefix("//"), code.strip_prefix("/*")) {
            (Some(line), _) => line.split_once('\n').map(|(_, rest)| rest),
            (_, Some(block)) => block.split_once("*/").map(|(_, rest)| rest),
            _ => return code,
        };
        code = rest.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::{begins, without_comments};

    #[test]
    fn a_directive_stands_first() {
        let first = |code| begins(without_comments(code), "use server");
        assert!(first("'use server';\n") && first("// (c)\n/* x */\n\"use server\"\nimport a from 'a';"));
        assert!(!first("import a from 'a';\n'use server';") && !first("'use strict'") && !first("use server"));
    }
}
