//! Lowers Rust.
//!
//! References and dereferences are dropped, `?` and `.await` are kept as wrappers, and macros are read again as the
//! expressions that they take ([`fragment`]).

mod arguments;
mod attribute;
mod condition;
mod expr;
mod format;
mod fragment;
mod item;
mod literal;
mod macros;
mod pattern;
mod select;
mod stmt;
mod types;
mod usage;

#[cfg(test)]
mod tests;

use super::Builder;
use crate::detect::flow::ir::{Block, ExprId, ExprKind, Module};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

pub(super) fn lower(builder: Builder<'_>, root: Node<'_>) -> Module {
    let budget = builder.text.len().saturating_mul(fragment::READINGS).saturating_add(fragment::LEAST);
    let mut lowerer = Lowerer { builder, depth: 0, breaks: Goal::Effect, budget };
    let mut body = Block::new();
    lowerer.statements(root, Goal::Effect, &mut body);
    lowerer.builder.finish(body)
}

/// A file in the making.
struct Lowerer<'a> {
    builder: Builder<'a>,
    /// How many expressions are open.
    depth: usize,
    /// What `break` does to the loop that is open: it ends the loop, or the function whose result the loop is.
    breaks: Goal,
    /// Bytes of macros that may still be read again.
    budget: usize,
}

/// What becomes of the last expression of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// It is evaluated for its effect.
    Effect,
    /// It is the value of the block.
    Value,
    /// It is the result of the function.
    Return,
}

impl<'a> Lowerer<'a> {
    /// Returns the text of a node.
    fn text(&self, node: Node<'_>) -> &'a str {
        self.builder.text(node)
    }

    /// Returns the text of a node as a name, `r#` left out.
    fn name(&self, node: Node<'_>) -> Name {
        let text = self.text(node);
        Name::new(text.strip_prefix("r#").unwrap_or(text))
    }

    /// Adds an expression that stands where `node` does.
    fn add(&mut self, node: Node<'_>, kind: ExprKind) -> ExprId {
        self.builder.expr(node, kind)
    }

    /// Adds a plain name.
    fn add_name(&mut self, node: Node<'_>, name: &str) -> ExprId {
        self.add(node, ExprKind::Name(Name::new(name)))
    }

    /// Returns a path with dots: `std.fs.read`. Type arguments and a leading `::` are left out.
    fn dotted(&self, node: Node<'_>) -> String {
        let mut out = String::new();
        self.write_dotted(node, &mut out);
        out
    }

    fn write_dotted(&self, node: Node<'_>, out: &mut String) {
        let text = self.text(node);
        let simple = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '$');
        if text.chars().all(simple) {
            let text = text.strip_prefix("::").unwrap_or(text);
            if text.contains(':') {
                out.push_str(&text.replace("::", "."));
            } else {
                out.push_str(text);
            }
            return;
        }
        match node.kind() {
            "scoped_identifier" | "scoped_type_identifier" => {
                if let Some(path) = node.child_by_field_name("path") {
                    self.write_dotted(path, out);
                    out.push('.');
                }
                if let Some(name) = node.child_by_field_name("name") {
                    self.write_dotted(name, out);
                }
            }
            "generic_type" | "generic_type_with_turbofish" | "generic_function" | "generic_pattern" => {
                if let Some(inner) = first(node) {
                    self.write_dotted(inner, out);
                }
            }
            _ if text.starts_with("r#") && text[2..].chars().all(simple) => out.push_str(&text[2..]),
            _ => out.push_str(self.of_type(node).map_or("_", |of| of.name.as_str())),
        }
    }
}

/// Says whether a node is a comment. What the parser could not read is extra, too, but holds code.
fn is_comment(node: Node<'_>) -> bool {
    node.is_extra() && !node.is_error()
}

/// Returns the named children that are no comments.
fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !is_comment(*child)).collect()
}

/// Returns the first named child that the parser could read; where there is none, what it could not read.
fn first(node: Node<'_>) -> Option<Node<'_>> {
    let mut broken = None;
    let mut at = 0;
    while let Some(child) = node.named_child(at) {
        if !child.is_extra() {
            return Some(child);
        }
        broken = broken.or(child.is_error().then_some(child));
        at += 1;
    }
    broken
}

/// Returns all children that are neither comments nor the punctuation of lists. Patterns need it: `_` has no name.
fn elements(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let punctuation =
        |kind: &str| matches!(kind, "(" | ")" | "[" | "]" | "{" | "}" | "," | "|" | ";" | "&" | "mut" | "ref");
    node.children(&mut cursor).filter(|c| !is_comment(*c) && (c.is_named() || !punctuation(c.kind()))).collect()
}
