//! Statements and blocks.

use super::{Goal, Lowerer, children, first};
use crate::detect::flow::ir::{Arm, Block, Const, ExprId, ExprKind, Pattern, Stmt, StmtKind};
use crate::detect::flow::lower::stmt;
use tree_sitter::Node;

impl Lowerer<'_> {
    /// Lowers a block.
    pub(super) fn block(&mut self, node: Node<'_>, goal: Goal) -> Block {
        let mut out = Block::new();
        self.statements(node, goal, &mut out);
        out
    }

    /// Lowers the statements and items inside a node.
    pub(super) fn statements(&mut self, node: Node<'_>, goal: Goal, out: &mut Block) {
        let all = children(node);
        let mut attributes = Vec::new();
        for (at, child) in all.iter().enumerate() {
            match child.kind() {
                "attribute_item" => {
                    attributes.push(*child);
                    continue;
                }
                "label" | "inner_attribute_item" | "shebang" => continue,
                _ => {}
            }
            let goal = if at + 1 == all.len() { goal } else { Goal::Effect };
            if !self.item(*child, &attributes, out) {
                self.statement(*child, goal, out);
            }
            attributes.clear();
        }
    }

    fn statement(&mut self, node: Node<'_>, goal: Goal, out: &mut Block) {
        match node.kind() {
            "expression_statement" => {
                let closed = node.child(node.child_count().saturating_sub(1)).is_some_and(|c| c.kind() == ";");
                if let Some(inner) = first(node) {
                    self.run(inner, node, if closed { Goal::Effect } else { goal }, out);
                }
            }
            "let_declaration" => self.binding(node, out),
            "ERROR" => self.statements(node, Goal::Effect, out),
            _ => self.run(node, node, goal, out),
        }
    }

    /// Lowers an expression as a statement that stands where `whole` does.
    pub(super) fn run(&mut self, node: Node<'_>, whole: Node<'_>, goal: Goal, out: &mut Block) {
        match node.kind() {
            "if_expression" => self.branch(node, whole, goal, out),
            "match_expression" => self.choose(node, whole, goal, out),
            "while_expression" => self.repeat_while(node, whole, out),
            "loop_expression" => self.repeat(node, whole, goal, out),
            "for_expression" => self.each(node, whole, out),
            "block" => self.nested(node, whole, goal, out),
            "unsafe_block" | "const_block" | "try_block" => {
                match children(node).into_iter().find(|child| child.kind() == "block") {
                    Some(block) => self.nested(block, whole, goal, out),
                    None => self.finish(node, whole, goal, out),
                }
            }
            "return_expression" => {
                let value = first(node).map(|value| self.expr(value));
                out.push(stmt(whole, StmtKind::Return(value)));
            }
            "break_expression" => {
                let value = children(node).into_iter().find(|child| child.kind() != "label");
                let value = value.map(|value| self.expr(value));
                let returns = self.breaks == Goal::Return;
                out.push(stmt(whole, if returns { StmtKind::Return(value) } else { StmtKind::Break(value) }));
            }
            "continue_expression" => out.push(stmt(whole, StmtKind::Continue)),
            "assignment_expression" | "compound_assignment_expr" => self.assignment_stmt(node, whole, out),
            "macro_invocation" => self.macro_stmt(node, whole, goal, out),
            "parenthesized_expression" => match first(node) {
                Some(inner) => self.run(inner, whole, goal, out),
                None => self.finish(node, whole, goal, out),
            },
            _ => self.finish(node, whole, goal, out),
        }
    }

    fn finish(&mut self, node: Node<'_>, whole: Node<'_>, goal: Goal, out: &mut Block) {
        let value = self.expr(node);
        out.push(ended(whole, goal, value));
    }

    /// Lowers a block with a scope of its own. `break` leaves one with a label, so that one is a loop of one round.
    fn nested(&mut self, node: Node<'_>, whole: Node<'_>, goal: Goal, out: &mut Block) {
        if node.child(0).is_none_or(|child| child.kind() != "label") {
            let body = self.block(node, goal);
            out.push(stmt(whole, StmtKind::Block(body)));
            return;
        }
        let mut body = self.round(node, goal, if goal == Goal::Effect { goal } else { Goal::Value });
        let value = match body.last() {
            Some(Stmt { kind: StmtKind::Value(value), .. }) => Some(*value),
            _ => None,
        };
        if value.is_some() {
            body.pop();
        }
        body.push(stmt(node, if goal == Goal::Return { StmtKind::Return(value) } else { StmtKind::Break(value) }));
        self.endless(node, whole, body, out);
    }

    /// Lowers `loop`. Its value is what it breaks with; where that is the result of the function, `break` returns.
    fn repeat(&mut self, node: Node<'_>, whole: Node<'_>, goal: Goal, out: &mut Block) {
        let body = node.child_by_field_name("body").map(|body| self.round(body, goal, Goal::Effect));
        self.endless(node, whole, body.unwrap_or_default(), out);
    }

    /// Lowers the body of a loop, whose value has the goal `breaks`.
    pub(super) fn round(&mut self, node: Node<'_>, breaks: Goal, goal: Goal) -> Block {
        let outer = std::mem::replace(&mut self.breaks, breaks);
        let body = self.block(node, goal);
        self.breaks = outer;
        body
    }

    fn endless(&mut self, node: Node<'_>, whole: Node<'_>, body: Block, out: &mut Block) {
        let always = self.add(node, ExprKind::Const(Const::Bool(true)));
        out.push(stmt(whole, StmtKind::While(always, body, Block::new())));
    }

    fn each(&mut self, node: Node<'_>, whole: Node<'_>, out: &mut Block) {
        let iterable = node.child_by_field_name("value").map(|value| self.expr(value));
        let iterable = iterable.unwrap_or_else(|| self.add(node, ExprKind::Other(Vec::new())));
        let pattern = node.child_by_field_name("pattern").map_or(Pattern::Ignore, |pattern| self.pattern(pattern));
        let body = node.child_by_field_name("body").map(|body| self.round(body, Goal::Effect, Goal::Effect));
        let body = body.unwrap_or_default();
        out.push(stmt(whole, StmtKind::For { pattern, iterable, keys: false, body, otherwise: Block::new() }));
    }

    fn choose(&mut self, node: Node<'_>, whole: Node<'_>, goal: Goal, out: &mut Block) {
        let subject = node.child_by_field_name("value").map(|value| self.expr(value));
        let subject = subject.unwrap_or_else(|| self.add(node, ExprKind::Other(Vec::new())));
        let mut arms = Vec::new();
        for arm in node.child_by_field_name("body").map(children).unwrap_or_default() {
            arms.push(self.arm(arm, goal));
        }
        out.push(stmt(whole, StmtKind::Match(subject, arms)));
    }

    fn arm(&mut self, node: Node<'_>, goal: Goal) -> Arm {
        let label = node.child_by_field_name("pattern");
        let pattern = label.map_or(Pattern::Ignore, |label| self.pattern(label));
        let condition = label.and_then(|label| label.child_by_field_name("condition"));
        let mut bound = Block::new();
        let guard = condition.and_then(|condition| self.guard(condition, &mut bound));
        let mut body = bound;
        match node.child_by_field_name("value") {
            Some(value) if value.kind() == "block" && value.child(0).is_some_and(|c| c.kind() == "{") => {
                body.append(&mut self.block(value, goal));
            }
            Some(value) => self.run(value, value, goal, &mut body),
            // An arm that the parser could not read.
            None => self.statements(node, Goal::Effect, &mut body),
        }
        Arm { pattern, guard, body, falls_through: false }
    }

    fn binding(&mut self, node: Node<'_>, out: &mut Block) {
        let value = node.child_by_field_name("value").map(|value| self.expr(value));
        let of_type = self.type_field(node, "type");
        let pattern = node.child_by_field_name("pattern").map_or(Pattern::Ignore, |pattern| self.pattern(pattern));
        let Some(value) = value else {
            declare(node, pattern, of_type, out);
            return;
        };
        match node.child_by_field_name("alternative") {
            Some(otherwise) => {
                let otherwise = self.block(otherwise, Goal::Effect);
                out.push(stmt(node, StmtKind::IfLet(pattern, value, Block::new(), otherwise)));
            }
            None => out.push(stmt(node, StmtKind::Assign(pattern, value, of_type))),
        }
    }
}

/// Makes the statement that the last expression of a block is.
pub(super) fn ended(whole: Node<'_>, goal: Goal, value: ExprId) -> Stmt {
    stmt(
        whole,
        match goal {
            Goal::Effect => StmtKind::Expr(value),
            Goal::Value => StmtKind::Value(value),
            Goal::Return => StmtKind::Return(Some(value)),
        },
    )
}

fn declare(node: Node<'_>, pattern: Pattern, of_type: Option<crate::detect::flow::ir::Type>, out: &mut Block) {
    match pattern {
        Pattern::Name(name) => out.push(stmt(node, StmtKind::Declare(name, of_type))),
        Pattern::List(parts, _) => parts.into_iter().for_each(|part| declare(node, part, None, out)),
        _ => {}
    }
}
