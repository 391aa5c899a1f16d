//! Operators.

use super::Lowering;
use super::scope::Binding;
use crate::detect::flow::ir::{Const, ExprId, ExprKind, Op, StmtKind, Type};
use crate::detect::flow::lower::stmt;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers an operator with two operands; chains that lean to the left without recursion.
    pub(super) fn binary(&mut self, node: Node<'_>) -> ExprId {
        let mut chain = Vec::new();
        let mut left = Some(node);
        while let Some(inner) = left.filter(|inner| inner.kind() == "binary_expression") {
            chain.push(inner);
            left = inner.child_by_field_name("left");
        }
        let mut value = match left {
            Some(left) => self.expr(left),
            None => self.add(node, ExprKind::Other(Vec::new())),
        };
        while let Some(inner) = chain.pop() {
            let right = self.field(inner, "right");
            value = self.binary_of(inner, value, right);
        }
        value
    }

    /// Adds an operator over its operands.
    pub(super) fn binary_of(&mut self, node: Node<'_>, left: ExprId, right: ExprId) -> ExprId {
        let op = node.child_by_field_name("operator").and_then(|op| operator(op.kind()));
        let kind = op.map_or_else(|| ExprKind::Other(vec![left, right]), |op| ExprKind::Binary(op, left, right));
        self.add(node, kind)
    }

    /// Lowers an operator with one operand.
    pub(super) fn unary(&mut self, node: Node<'_>) -> ExprId {
        let op = node.child_by_field_name("operator").map(|op| op.kind()).unwrap_or_default();
        if op == "delete" {
            return self.delete(node);
        }
        let value = self.field(node, "argument");
        self.unary_of(node, op, value)
    }

    /// Adds an operator over its operand.
    pub(super) fn unary_of(&mut self, node: Node<'_>, op: &str, value: ExprId) -> ExprId {
        let kind = match op {
            "!" => ExprKind::Not(value),
            "-" => ExprKind::Negate(value),
            "typeof" => ExprKind::TypeOf(value),
            // A conversion to a number and nothing else.
            "+" => ExprKind::Cast(value, Type { name: Name::new("number"), args: Vec::new() }),
            "~" => {
                let ones = self.add(node, ExprKind::Const(Const::Int(-1)));
                ExprKind::Binary(Op::BitXor, value, ones)
            }
            "void" => {
                let nothing = self.add(node, ExprKind::Const(Const::Null));
                return self.add_block(node, vec![stmt(node, StmtKind::Expr(value))], nothing);
            }
            _ => ExprKind::Other(vec![value]),
        };
        self.add(node, kind)
    }

    fn delete(&mut self, node: Node<'_>) -> ExprId {
        let done = self.add(node, ExprKind::Const(Const::Bool(true)));
        let Some(place) = node.child_by_field_name("argument") else { return done };
        let place = self.pattern(place, Binding::Assign);
        self.add_block(node, vec![stmt(node, StmtKind::Delete(place))], done)
    }

    /// Lowers `x++` and the like. The value after the name's form is the old one: the new one less the step.
    pub(super) fn update(&mut self, node: Node<'_>) -> ExprId {
        let Some((place, op)) = self.step(node) else { return self.fallback(node) };
        let step = self.add(node, ExprKind::Const(Const::Int(1)));
        let value = self.add(node, ExprKind::AssignOp(Box::new(place), op, step));
        let first = node.child(0).is_some_and(|child| matches!(child.kind(), "++" | "--"));
        if first {
            return value;
        }
        let back = if op == Op::Add { Op::Sub } else { Op::Add };
        let step = self.add(node, ExprKind::Const(Const::Int(1)));
        self.add(node, ExprKind::Binary(back, value, step))
    }

    /// Returns the place and the operator of `x++` and the like.
    pub(super) fn step(&mut self, node: Node<'_>) -> Option<(crate::detect::flow::ir::Pattern, Op)> {
        let place = node.child_by_field_name("argument")?;
        let place = self.pattern(place, Binding::Assign);
        let down = node.child_by_field_name("operator").is_some_and(|op| op.kind() == "--");
        Some((place, if down { Op::Sub } else { Op::Add }))
    }
}

/// Returns the operator of an assignment such as `+=`.
pub(super) fn assignment_operator(text: &str) -> Option<Op> {
    text.strip_suffix('=').and_then(operator)
}

fn operator(text: &str) -> Option<Op> {
    Some(match text {
        "+" => Op::Add,
        "-" => Op::Sub,
        "*" => Op::Mul,
        "/" => Op::Div,
        "%" => Op::Mod,
        "**" => Op::Pow,
        "&" => Op::BitAnd,
        "|" => Op::BitOr,
        "^" => Op::BitXor,
        "<<" => Op::ShiftLeft,
        ">>" | ">>>" => Op::ShiftRight,
        "==" | "===" => Op::Eq,
        "!=" | "!==" => Op::NotEq,
        "<" => Op::Less,
        "<=" => Op::LessEq,
        ">" => Op::Greater,
        ">=" => Op::GreaterEq,
        "in" => Op::In,
        "instanceof" => Op::InstanceOf,
        "&&" => Op::And,
        "||" => Op::Or,
        "??" => Op::Nullish,
        _ => return None,
    })
}
