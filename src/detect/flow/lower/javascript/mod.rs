//! Lowers JavaScript and TypeScript, with and without JSX. One lowering serves the three grammars: TypeScript's are
//! JavaScript's with more kinds of nodes.

mod chain;
mod class;
mod expr;
mod function;
mod jsx;
mod literal;
mod modules;
mod operator;
mod pattern;
mod scope;
mod stmt;
mod switch;
#[cfg(test)]
mod tests;
mod types;

use super::Builder;
use crate::detect::flow::ir::{ExprId, ExprKind, Module, Stmt};
use crate::detect::flow::name::Name;
use scope::{Scope, Target};
use tree_sitter::Node;

pub(super) fn lower(builder: Builder<'_>, root: Node<'_>) -> Module {
    let mut lowering =
        Lowering { builder, scopes: vec![Scope::default()], targets: Vec::new(), renamed: 0, in_namespace: false };
    let mut body = Vec::new();
    for node in kids(root) {
        lowering.stmt(node, &mut body);
    }
    let text = lowering.builder.text;
    modules::mark_exported(&mut lowering.builder.module, text, &body);
    let body = modules::exports_last(&lowering.builder.module, body);
    lowering.builder.finish(body)
}

/// The module in the making, and where in the file the work is.
struct Lowering<'a> {
    builder: Builder<'a>,
    /// The functions around this place, the file first: what they declare and what they assign to.
    scopes: Vec<Scope>,
    /// What a `break` or `continue` in this place may leave, innermost last.
    targets: Vec<Target>,
    /// How many variables go by another name here than they are written with.
    renamed: usize,
    /// Whether this place is inside a namespace, whose exports are not those of the file.
    in_namespace: bool,
}

impl<'a> Lowering<'a> {
    /// Returns the text of a node.
    fn text(&self, node: Node<'_>) -> &'a str {
        self.builder.text(node)
    }

    /// Returns the text of an identifier as a name, its escapes resolved.
    fn name(&self, node: Node<'_>) -> Name {
        literal::name(self.text(node))
    }

    /// Adds an expression that stands where `node` does.
    fn add(&mut self, node: Node<'_>, kind: ExprKind) -> ExprId {
        self.builder.expr(node, kind)
    }

    /// Adds a name that stands where `node` does.
    fn add_name(&mut self, node: Node<'_>, name: Name) -> ExprId {
        self.add(node, ExprKind::Name(name))
    }

    /// Adds a block expression of `stmts` whose value is `value`.
    fn add_block(&mut self, node: Node<'_>, mut stmts: Vec<Stmt>, value: ExprId) -> ExprId {
        stmts.push(super::stmt(node, crate::detect::flow::ir::StmtKind::Value(value)));
        self.add(node, ExprKind::Block(stmts))
    }
}

/// Returns the named children of a node, without comments, with what the parser could not read.
fn kids(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !child.is_extra() || child.is_error()).collect()
}

/// Returns the first named child of a node that is no comment.
fn first_kid(node: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).find(|child| !child.is_extra() || child.is_error())
}

/// Says whether a token of this kind is among the children of a node, before its parameters or body.
fn has_token(node: Node<'_>, kind: &str) -> bool {
    let mut cursor = node.walk();
    node.children(&mut cursor)
        .take_while(|child| !matches!(child.kind(), "formal_parameters" | "statement_block"))
        .any(|child| !child.is_named() && child.kind() == kind)
}
