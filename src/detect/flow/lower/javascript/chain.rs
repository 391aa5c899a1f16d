//! Calls, members and elements: `a.b(c)[d].e()`. Such chains lean to the left and may be long, so they are lowered from
//! the inside out, without recursion.

use super::{Lowering, kids};
use crate::detect::flow::ir::{Arg, Call, Const, ExprId, ExprKind};
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers a chain of calls, members and elements.
    pub(super) fn chain(&mut self, node: Node<'_>) -> ExprId {
        let mut links = Vec::new();
        let mut base = node;
        while let Some(inner) = inside(base) {
            links.push(base);
            base = inner;
        }
        // With type arguments, TypeScript's grammar takes `await f<T>(x)` for a call of `await f`, and `a + f<T>(x)` for
        // one of `a + f`. Links bind tighter than operators, so what the base has of these belongs around the whole.
        let mut around = Vec::new();
        while let Some(inner) = operand(base).filter(|_| !links.is_empty()) {
            around.push(base);
            base = inner;
            while let Some(inner) = inside(base) {
                links.push(base);
                base = inner;
            }
        }
        // The links begin where the base does, whatever the grammar has put ahead of it.
        let (start, end) = (base.start_byte(), node.end_byte());
        let mut value = self.expr(base);
        while let Some(link) = links.pop() {
            value = self.link(link, value, start);
        }
        while let Some(outer) = around.pop() {
            value = match outer.kind() {
                "await_expression" => self.add(outer, ExprKind::Await(value)),
                "binary_expression" => {
                    let left = self.field(outer, "left");
                    self.binary_of(outer, left, value)
                }
                _ => {
                    let op = outer.child_by_field_name("operator").map(|op| op.kind()).unwrap_or_default();
                    self.unary_of(outer, op, value)
                }
            };
            self.respan(value, outer.start_byte(), end);
        }
        value
    }

    /// Adds one link over what is inside it.
    fn link(&mut self, node: Node<'_>, inner: ExprId, start: usize) -> ExprId {
        let value = match node.kind() {
            "call_expression" | "new_expression" => self.call_of(node, inner),
            "member_expression" => match node.child_by_field_name("property") {
                Some(property) => {
                    let name = self.name(property);
                    self.add(node, ExprKind::Member(inner, name))
                }
                None => self.add(node, ExprKind::Other(vec![inner])),
            },
            "subscript_expression" => {
                let index = self.field(node, "index");
                self.add(node, ExprKind::Index(inner, index))
            }
            // What is left out keeps its own span.
            _ => return inner,
        };
        self.respan(value, start.max(node.start_byte()), node.end_byte());
        value
    }

    /// Lowers `new F(x)`.
    pub(super) fn construct(&mut self, node: Node<'_>) -> ExprId {
        let callee = self.field(node, "constructor");
        self.call_of(node, callee)
    }

    fn call_of(&mut self, node: Node<'_>, callee: ExprId) -> ExprId {
        let args = match node.child_by_field_name("arguments") {
            Some(template) if template.kind() == "template_string" => {
                let args = self.tagged(template).into_iter();
                args.map(|value| Arg { name: None, value, spread: false }).collect()
            }
            Some(args) => self.args(args),
            None => Vec::new(),
        };
        let types = self.type_args(node);
        self.add(node, ExprKind::Call(Call { callee, args, types }))
    }

    fn args(&mut self, node: Node<'_>) -> Vec<Arg> {
        let mut args = Vec::new();
        for child in kids(node) {
            let spread = child.kind() == "spread_element";
            let value = if spread { self.only(child) } else { self.expr(child) };
            args.push(Arg { name: None, value, spread });
        }
        args
    }

    fn respan(&mut self, value: ExprId, start: usize, end: usize) {
        let at = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        if let Some(expr) = self.builder.module.exprs.get_mut(value.0 as usize) {
            expr.span = (at(start), at(end));
        }
    }

    /// Lowers `import(...)`'s callee, `import.meta` and `new.target`.
    pub(super) fn meta(&mut self, node: Node<'_>) -> ExprId {
        let text: String = self.text(node).split_whitespace().collect();
        self.builder.path(node, &text)
    }

    /// Lowers the single part of a node: what is in parentheses, what is spread.
    pub(super) fn only(&mut self, node: Node<'_>) -> ExprId {
        let parts = kids(node);
        match parts.as_slice() {
            [] => self.add(node, ExprKind::Const(Const::Null)),
            [part] => self.expr(*part),
            // TypeScript: an expression and its type.
            [part, of] if super::expr::is_type(of.kind()) => self.expr(*part),
            _ => self.fallback(node),
        }
    }
}

/// Returns what a link of a chain is over; `None` for what is no link.
fn inside(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "call_expression" => node.child_by_field_name("function"),
        "member_expression" | "subscript_expression" => node.child_by_field_name("object"),
        "non_null_expression" => super::first_kid(node),
        _ => None,
    }
}

/// Returns the operand of an operator that the grammar may have put inside a chain.
fn operand(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "await_expression" => super::first_kid(node),
        "unary_expression" => node.child_by_field_name("argument"),
        "binary_expression" => node.child_by_field_name("right"),
        _ => None,
    }
}
