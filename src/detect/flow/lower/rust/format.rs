//! Format strings, split into their pieces.

use super::Lowerer;
use super::arguments::MacroArg;
use super::literal::{content, escape_length, unescape};
use crate::detect::flow::ir::{Arg, Const, ExprId, ExprKind};
use crate::detect::flow::name::Name;
use std::ops::Range;
use tree_sitter::Node;

/// The pieces in the making, and the arguments that fill them.
struct Pieces {
    args: Vec<MacroArg>,
    used: Vec<bool>,
    next: usize,
    parts: Vec<ExprId>,
}

impl Lowerer<'_> {
    /// Joins the first literal among the arguments and all that follow it to one text. Those before it stay.
    pub(super) fn formatted(&mut self, node: Node<'_>, mut args: Vec<MacroArg>) -> Vec<Arg> {
        let Some(at) = args.iter().position(|arg| arg.literal.is_some() && arg.name.is_none()) else {
            return args.into_iter().map(Arg::from).collect();
        };
        let rest = args.split_off(at + 1);
        let literal = args.pop().and_then(|arg| arg.literal).unwrap_or_default();
        let value = self.format(node, literal, rest);
        let mut out: Vec<Arg> = args.into_iter().map(Arg::from).collect();
        out.push(Arg { name: None, value, spread: false });
        out
    }

    /// Builds the text of the format string that stands at `literal`.
    fn format(&mut self, node: Node<'_>, literal: Range<usize>, args: Vec<MacroArg>) -> ExprId {
        let whole = self.builder.text.get(literal.clone()).unwrap_or_default();
        let (inside, raw) = content(whole);
        let start = literal.start + inside.start;
        let text = &whole[inside];
        let mut pieces = Pieces { used: vec![false; args.len()], args, next: 0, parts: Vec::new() };
        let mut fixed = String::new();
        let (mut at, mut fixed_from) = (0, 0);
        while at < text.len() {
            let rest = &text[at..];
            let special = rest.find(|c| matches!(c, '{' | '}') || (c == '\\' && !raw)).unwrap_or(rest.len());
            fixed.push_str(&rest[..special]);
            at += special;
            let rest = &text[at..];
            let placeholder = rest.starts_with('{').then(|| rest.find('}')).flatten();
            if rest.is_empty() {
                break;
            } else if rest.starts_with("{{") || rest.starts_with("}}") {
                fixed.push_str(&rest[..1]);
                at += 2;
            } else if rest.starts_with('\\') {
                let length = (escape_length(rest)..=rest.len()).find(|l| rest.is_char_boundary(*l));
                let length = length.unwrap_or(rest.len());
                fixed.push_str(&unescape(&rest[..length]));
                at += length;
            } else if let Some(end) = placeholder {
                self.fixed(&mut pieces, &mut fixed, start + fixed_from..start + at);
                self.placeholder(&mut pieces, &rest[1..end], start + at + 1);
                at += end + 1;
                fixed_from = at;
            } else {
                fixed.push_str(&rest[..1]);
                at += 1;
            }
        }
        self.fixed(&mut pieces, &mut fixed, start + fixed_from..start + at);
        self.joined(node, literal, pieces)
    }

    fn joined(&mut self, node: Node<'_>, literal: Range<usize>, mut pieces: Pieces) -> ExprId {
        // What no placeholder takes is evaluated all the same.
        let unused = pieces.args.iter().zip(&pieces.used).filter(|(_, used)| !**used).map(|(arg, _)| arg.value);
        pieces.parts.extend(unused);
        match pieces.parts.as_slice() {
            [] => self.builder.expr_at(range(literal), ExprKind::Const(Const::Text("".into()))),
            [only] if matches!(self.builder.module.expr(*only).kind, ExprKind::Const(Const::Text(_))) => *only,
            _ => self.add(node, ExprKind::Text(pieces.parts)),
        }
    }

    fn fixed(&mut self, pieces: &mut Pieces, fixed: &mut String, at: Range<usize>) {
        if !fixed.is_empty() {
            let kind = ExprKind::Const(Const::Text(fixed.as_str().into()));
            pieces.parts.push(self.builder.expr_at(range(at), kind));
            fixed.clear();
        }
    }

    /// Adds what `{argument:specification}` stands for; `at` is where the argument begins.
    fn placeholder(&mut self, pieces: &mut Pieces, text: &str, at: usize) {
        let (argument, specification) = text.split_once(':').unwrap_or((text, ""));
        // Width and precision: `{:w$}`, `{:.2$}`, and `{:.*}`, which takes the next argument.
        let mut offset = at + argument.len() + 1;
        for word in specification.split_inclusive(['$', '.', '<', '>', '^', '+', '#']) {
            if let Some(size) = word.strip_suffix('$') {
                let size =
                    size.strip_prefix('0').filter(|s| s.parse::<u32>().is_err() && !s.is_empty()).unwrap_or(size);
                self.argument(pieces, size, offset + word.len() - 1 - size.len());
            } else if word.starts_with('*') {
                self.argument(pieces, "", offset);
            }
            offset += word.len();
        }
        let leading = argument.len() - argument.trim_start().len();
        let before = pieces.parts.len();
        self.argument(pieces, argument.trim(), at + leading);
        if specification.trim_end().ends_with('?')
            && pieces.parts.len() > before
            && let Some(part) = pieces.parts.pop()
        {
            let part = self.debug_text(part);
            pieces.parts.push(part);
        }
    }

    /// Adds an argument by position, number or name; a name that was not given is a variable.
    fn argument(&mut self, pieces: &mut Pieces, argument: &str, at: usize) {
        let found = if argument.is_empty() {
            pieces.next += 1;
            Some(pieces.next - 1)
        } else if let Ok(number) = argument.parse::<usize>() {
            Some(number)
        } else {
            pieces.args.iter().position(|arg| arg.name.is_some_and(|name| name.as_str() == argument))
        };
        match found.and_then(|number| pieces.args.get(number).map(|arg| (number, arg.value))) {
            Some((number, value)) => {
                pieces.used[number] = true;
                pieces.parts.push(value);
            }
            None if argument.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                let name = Name::new(argument.strip_prefix("r#").unwrap_or(argument));
                let value = self.builder.expr_at(range(at..at + argument.len()), ExprKind::Name(name));
                pieces.parts.push(value);
            }
            None => {}
        }
    }
}

fn range(bytes: Range<usize>) -> (u32, u32) {
    let end = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    (end(bytes.start), end(bytes.end))
}
