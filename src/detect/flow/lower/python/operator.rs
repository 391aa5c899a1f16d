//! Operators with two operands, and comparisons.

use super::Lowering;
use crate::detect::flow::ir::{ExprId, ExprKind, Op, Pattern};
use crate::detect::flow::lower::span;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

/// More comparisons in a row than this are not taken apart, so that expressions do not nest deeper than the tree.
const LONGEST_COMPARISON: usize = 60;

impl Lowering<'_> {
    /// Lowers operators that lean to the left, from the innermost out.
    pub(super) fn operators(&mut self, node: Node<'_>) -> ExprId {
        let mut links = Vec::new();
        let mut at = node;
        let mut expr = loop {
            if !matches!(at.kind(), "binary_operator" | "boolean_operator") {
                break self.expr(at);
            }
            match at.child_by_field_name("left") {
                Some(inner) => links.push(std::mem::replace(&mut at, inner)),
                None => break self.other(at),
            }
        };
        for link in links.into_iter().rev() {
            let op = link.child_by_field_name("operator").and_then(|op| operator(op.kind()));
            let right = link.child_by_field_name("right").map(|right| self.expr(right));
            let kind = match (op, right) {
                (Some(op), Some(right)) => ExprKind::Binary(op, expr, right),
                (_, right) => ExprKind::Other(std::iter::once(expr).chain(right).collect()),
            };
            expr = self.add(link, kind);
            expr = self.with_errors(link, expr);
        }
        expr
    }

    /// Lowers `a < b < c` as `a < b and b < c`. What stands in the middle is computed once.
    pub(super) fn comparison(&mut self, node: Node<'_>) -> ExprId {
        let mut first = None;
        let mut rest: Vec<(Op, Node<'_>)> = Vec::new();
        let mut op = None;
        let mut cursor = node.walk();
        for child in node.children(&mut cursor).filter(|child| !child.is_extra() || child.is_error()) {
            match (child.is_named(), first, op) {
                (false, ..) => op = comparison(child.kind()),
                (true, None, _) => first = Some(child),
                (true, Some(_), Some(_)) if !child.is_error() => rest.extend(op.take().map(|op| (op, child))),
                _ => return self.other(node),
            }
        }
        let Some(first) = first.filter(|_| (1..=LONGEST_COMPARISON).contains(&rest.len())) else {
            return self.other(node);
        };
        let mut left = (span(first).0, self.expr(first));
        let mut all = None;
        for (at, (op, operand)) in rest.iter().enumerate() {
            let value = self.expr(*operand);
            let last = at + 1 == rest.len();
            let (right, again) = if last { (value, value) } else { self.twice(*operand, value) };
            let one = self.builder.expr_at((left.0, span(*operand).1), ExprKind::Binary(*op, left.1, right));
            all = Some(match all {
                Some(before) => self.add(node, ExprKind::Binary(Op::And, before, one)),
                None => one,
            });
            left = (span(*operand).0, again);
        }
        all.unwrap_or(left.1)
    }

    /// Returns an expression for the first use of a value and one for the second, which computes nothing.
    fn twice(&mut self, node: Node<'_>, value: ExprId) -> (ExprId, ExprId) {
        if matches!(self.added(value).kind, ExprKind::Const(_) | ExprKind::Name(_)) {
            return (value, value);
        }
        let name = Name::new("<compared>");
        let first = self.add(node, ExprKind::Assign(Box::new(Pattern::Name(name)), value));
        (first, self.add(node, ExprKind::Name(name)))
    }
}

/// Returns the operator that a sign stands for; there is none for `@`.
pub(super) fn operator(sign: &str) -> Option<Op> {
    Some(match sign {
        "+" => Op::Add,
        "-" => Op::Sub,
        "*" => Op::Mul,
        "/" => Op::Div,
        "//" => Op::FloorDiv,
        "%" => Op::Mod,
        "**" => Op::Pow,
        "&" => Op::BitAnd,
        "|" => Op::BitOr,
        "^" => Op::BitXor,
        "<<" => Op::ShiftLeft,
        ">>" => Op::ShiftRight,
        "and" => Op::And,
        "or" => Op::Or,
        _ => return None,
    })
}

fn comparison(sign: &str) -> Option<Op> {
    Some(match sign {
        "==" => Op::Eq,
        "!=" | "<>" => Op::NotEq,
        "<" => Op::Less,
        "<=" => Op::LessEq,
        ">" => Op::Greater,
        ">=" => Op::GreaterEq,
        "is" => Op::Is,
        "is not" => Op::IsNot,
        "in" => Op::In,
        "not in" => Op::NotIn,
        _ => return None,
    })
}
