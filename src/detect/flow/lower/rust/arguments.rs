//! Arguments of macros.

use super::{Lowerer, children, fragment};
use crate::detect::flow::ir::{Arg, Call, ExprId, ExprKind};
use crate::detect::flow::lower::span;
use crate::detect::flow::name::Name;
use std::ops::Range;
use tree_sitter::Node;

/// Keywords that the grammar takes for names between the delimiters of a macro.
const KEYWORDS: [&str; 12] =
    ["in", "else", "move", "dyn", "ref", "extern", "yield", "try", "raw", "become", "box", "static"];

/// An argument of a macro.
pub(super) struct MacroArg {
    /// Its name: `name = value`, `target: value`.
    pub(super) name: Option<Name>,
    /// Its value.
    pub(super) value: ExprId,
    /// Where it stands, if it is literal text.
    pub(super) literal: Option<Range<usize>>,
    /// Whether it is a field of a log event that is written as it is: `name = %value`.
    pub(super) is_raw: bool,
}

impl From<MacroArg> for Arg {
    fn from(arg: MacroArg) -> Self {
        Self { name: arg.name, value: arg.value, spread: false }
    }
}

impl Lowerer<'_> {
    /// Lowers the arguments between the delimiters of a macro.
    pub(super) fn macro_args(&mut self, tokens: Node<'_>) -> Vec<MacroArg> {
        let parts = pieces(tokens, ",");
        let plain = |part: &Vec<Node<'_>>| matches!(part.as_slice(), [only] if is_value(*only));
        if parts.iter().all(plain) {
            return parts.iter().flatten().map(|token| self.macro_arg(*token)).collect();
        }
        if parts.iter().all(|part| self.may_be_value(part))
            && let Some(tree) = self.fragment(content_of(tokens), fragment::LIST)
            && let Some(list) = fragment::framed(&tree)
        {
            let parts = children(list).into_iter().filter(|child| child.kind() != "attribute_item");
            return parts.map(|child| self.macro_arg(child)).collect();
        }
        parts.iter().map(|part| self.piece_arg(tokens, part)).collect()
    }

    /// Lowers one argument that the parser has read.
    pub(super) fn macro_arg(&mut self, node: Node<'_>) -> MacroArg {
        if node.kind() == "assignment_expression"
            && let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right"))
            && matches!(left.kind(), "identifier" | "field_expression")
        {
            return MacroArg { name: Some(self.name(left)), ..self.macro_arg(right) };
        }
        let literal = matches!(node.kind(), "string_literal" | "raw_string_literal").then(|| node.byte_range());
        MacroArg { name: None, value: self.expr(node), literal, is_raw: false }
    }

    /// Lowers one argument from its tokens: `target: "x"`, `user.id = %id`, `?error`.
    fn piece_arg(&mut self, around: Node<'_>, tokens: &[Node<'_>]) -> MacroArg {
        let (name, rest) = named(tokens);
        let marks = rest.iter().take_while(|token| matches!(token.kind(), "%" | "?")).count();
        let rest = &rest[marks..];
        let name = name.and_then(|(from, to)| self.builder.text.get(from.start_byte()..to.end_byte())).map(Name::new);
        let literal = match rest {
            [only] if matches!(only.kind(), "string_literal" | "raw_string_literal") => Some(only.byte_range()),
            _ => None,
        };
        let value = self.piece(around, rest);
        let mark = rest.first().filter(|_| marks > 0).and_then(Node::prev_sibling).map(|mark| mark.kind());
        let value = if mark == Some("?") { self.debug_text(value) } else { value };
        MacroArg { name, value, literal, is_raw: mark == Some("%") }
    }

    /// Makes what a log writes of its fields, the arguments before the message: `tracing` escapes a text there, but for one
    /// that is marked with `%` and one under the name of the message.
    pub(super) fn event_fields(&mut self, args: Vec<MacroArg>) -> Vec<MacroArg> {
        let end = args.iter().position(|arg| arg.literal.is_some() && arg.name.is_none()).unwrap_or(args.len());
        let is_field =
            |name: Option<Name>| name.is_none_or(|name| !matches!(name.as_str(), "message" | "target" | "parent"));
        let field = |(number, arg): (usize, MacroArg)| {
            let is_field = number < end && !arg.is_raw && arg.literal.is_none() && is_field(arg.name);
            let named = arg.name.is_some() || self.is_place(arg.value);
            MacroArg { value: if is_field && named { self.debug_text(arg.value) } else { arg.value }, ..arg }
        };
        args.into_iter().enumerate().map(field).collect()
    }

    /// Says whether an expression is a variable or a field of one, whose name is that of the log's field.
    fn is_place(&self, value: ExprId) -> bool {
        matches!(self.builder.module.expr(value).kind, ExprKind::Name(_) | ExprKind::Member(..))
    }

    /// Makes the text that `{:?}` writes: with line ends and quotes escaped.
    pub(super) fn debug_text(&mut self, value: ExprId) -> ExprId {
        let expr = self.builder.module.expr(value);
        if matches!(expr.kind, ExprKind::Const(_)) {
            return value;
        }
        let at = expr.span;
        let callee = self.builder.expr_at(at, ExprKind::Name(Name::new("debug_text!")));
        let args = vec![Arg { name: None, value, spread: false }];
        self.builder.expr_at(at, ExprKind::Call(Call { callee, args, types: Vec::new() }))
    }

    /// Lowers some tokens as one expression; where they are none, to their names and literals.
    pub(super) fn piece(&mut self, around: Node<'_>, tokens: &[Node<'_>]) -> ExprId {
        let (Some(start), Some(end)) = (tokens.first(), tokens.last()) else {
            return self.add(around, ExprKind::Other(Vec::new()));
        };
        if tokens.len() == 1 && is_value(*start) {
            return self.expr(*start);
        }
        if self.may_be_value(tokens)
            && let Some(tree) = self.fragment(start.start_byte()..end.end_byte(), fragment::LIST)
            && let Some(list) = fragment::framed(&tree)
        {
            let mut parts: Vec<_> = children(list).into_iter().map(|child| self.expr(child)).collect();
            let whole = (span(*start).0, span(*end).1);
            let one = parts.len() == 1;
            return if one { parts.swap_remove(0) } else { self.builder.expr_at(whole, ExprKind::Other(parts)) };
        }
        let mut parts = Vec::new();
        for token in tokens {
            self.token(*token, &mut parts);
        }
        self.builder.expr_at((span(*start).0, span(*end).1), ExprKind::Other(parts))
    }

    /// Says whether tokens may be an expression, as far as that shows without parsing them: no expression holds two words
    /// with nothing between them, or the beginning of an item.
    fn may_be_value(&self, tokens: &[Node<'_>]) -> bool {
        let is_word = |token: &Node<'_>| is_value(*token) && !KEYWORDS.contains(&self.text(*token));
        let is_item =
            |token: &Node<'_>| matches!(token.kind(), "pub" | "struct" | "enum" | "trait" | "type" | "static");
        !tokens.iter().any(is_item) && !tokens.windows(2).any(|pair| pair.iter().all(is_word))
    }

    /// Lowers tokens to their names and literals.
    pub(super) fn tokens(&mut self, tree: Node<'_>) -> ExprId {
        let mut parts = Vec::new();
        self.token(tree, &mut parts);
        self.add(tree, ExprKind::Other(parts))
    }

    fn token(&mut self, token: Node<'_>, parts: &mut Vec<ExprId>) {
        if is_value(token) {
            parts.push(self.expr(token));
        } else if token.kind() == "token_tree" {
            for child in children(token) {
                self.token(child, parts);
            }
        }
    }
}

/// Returns what stands between the delimiters of a macro.
pub(super) fn tokens_of(node: Node<'_>) -> Option<Node<'_>> {
    children(node).into_iter().rfind(|child| child.kind() == "token_tree")
}

/// Returns the bytes between the delimiters.
pub(super) fn content_of(tokens: Node<'_>) -> Range<usize> {
    let start = tokens.start_byte() + 1;
    let closed = tokens.child(tokens.child_count().saturating_sub(1));
    let closed = closed.is_some_and(|last| matches!(last.kind(), ")" | "]" | "}") && !last.is_missing());
    let end = tokens.end_byte() - usize::from(closed);
    start.min(end)..end
}

/// Returns the tokens between the delimiters, split at a separator. Empty pieces are left out.
pub(super) fn pieces<'t>(tokens: Node<'t>, separator: &str) -> Vec<Vec<Node<'t>>> {
    let mut cursor = tokens.walk();
    let inside = content_of(tokens);
    let mut parts = vec![Vec::new()];
    for token in tokens.children(&mut cursor) {
        if token.is_extra() || token.start_byte() < inside.start || token.end_byte() > inside.end {
            continue;
        }
        if token.kind() == separator {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(token);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Splits a name off: `user.id = value`, `target: value`. Returns the first and the last token of the name.
fn named<'s, 't>(tokens: &'s [Node<'t>]) -> (Option<(Node<'t>, Node<'t>)>, &'s [Node<'t>]) {
    let words = tokens.iter().take_while(|token| matches!(token.kind(), "identifier" | ".")).count();
    match (tokens.first(), words.checked_sub(1).map(|last| tokens[last]), tokens.get(words).map(Node::kind)) {
        (Some(first), Some(last), Some("=" | ":")) => (Some((*first, last)), &tokens[words + 1..]),
        _ => (None, tokens),
    }
}

/// Says whether a token is a value of its own.
fn is_value(token: Node<'_>) -> bool {
    matches!(token.kind(), "identifier" | "self" | "super" | "crate" | "metavariable" | "primitive_type")
        || token.kind().ends_with("_literal")
}
