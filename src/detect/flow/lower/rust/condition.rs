//! Conditions: plain, by pattern, and chains of both.

use super::{Goal, Lowerer, children};
use crate::detect::flow::ir::{Block, Const, ExprId, ExprKind, Pattern, Stmt, StmtKind};
use crate::detect::flow::lower::{span, stmt};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

/// One link of a condition.
enum Link {
    Test(ExprId),
    Let(Pattern, ExprId),
}

impl Lowerer<'_> {
    /// Lowers `if`.
    pub(super) fn branch(&mut self, node: Node<'_>, whole: Node<'_>, goal: Goal, out: &mut Block) {
        let alternative = node.child_by_field_name("alternative");
        // Without `else` there is no value.
        let goal = if alternative.is_none() { Goal::Effect } else { goal };
        let links = self.links(node.child_by_field_name("condition"));
        let then = node.child_by_field_name("consequence").map(|then| self.block(then, goal)).unwrap_or_default();
        let mut otherwise = Block::new();
        for child in alternative.map(children).unwrap_or_default() {
            if child.kind() == "block" {
                otherwise.append(&mut self.block(child, goal));
            } else {
                self.run(child, child, goal, &mut otherwise);
            }
        }
        self.guarded(whole, links, then, otherwise, out);
    }

    /// Lowers `while`.
    pub(super) fn repeat_while(&mut self, node: Node<'_>, whole: Node<'_>, out: &mut Block) {
        let condition = node.child_by_field_name("condition");
        let mut links = self.links(condition);
        let body = node.child_by_field_name("body").map(|body| self.round(body, Goal::Effect, Goal::Effect));
        let body = body.unwrap_or_default();
        if let [Link::Test(test)] = links.as_slice() {
            out.push(stmt(whole, StmtKind::While(*test, body, Block::new())));
            return;
        }
        let at = condition.unwrap_or(node);
        let mut round = body;
        while let Some(link) = links.pop() {
            let end = vec![stmt(at, StmtKind::Break(None))];
            round = vec![linked(at, link, round, end)];
        }
        let always = self.add(at, ExprKind::Const(Const::Bool(true)));
        out.push(stmt(whole, StmtKind::While(always, round, Block::new())));
    }

    /// Lowers the guard of an arm. Names that the guard itself binds are bound again at the start of the arm.
    pub(super) fn guard(&mut self, node: Node<'_>, body: &mut Block) -> Option<ExprId> {
        let mut links = self.links(Some(node));
        if let [Link::Test(test)] = links.as_slice() {
            return Some(*test);
        }
        let constant = |value| ExprKind::Const(Const::Bool(value));
        let yes = self.add(node, constant(true));
        let mut inner = vec![stmt(node, StmtKind::Value(yes))];
        let mut bound = Block::new();
        while let Some(link) = links.pop() {
            if let Link::Let(pattern, value) = &link {
                bound.insert(0, stmt(node, StmtKind::Assign(pattern.clone(), *value, None)));
            }
            let no = self.add(node, constant(false));
            let end = vec![stmt(node, StmtKind::Value(no))];
            inner = vec![linked(node, link, inner, end)];
        }
        body.splice(0..0, bound);
        Some(self.add(node, ExprKind::Block(inner)))
    }

    /// Lowers the links of a condition in order.
    fn links(&mut self, condition: Option<Node<'_>>) -> Vec<Link> {
        let Some(condition) = condition else { return Vec::new() };
        let parts = if condition.kind() == "let_chain" { children(condition) } else { vec![condition] };
        let mut links = Vec::with_capacity(parts.len());
        for part in parts {
            if part.kind() == "let_condition" {
                let value = part.child_by_field_name("value").map(|value| self.expr(value));
                let value = value.unwrap_or_else(|| self.other(part));
                let pattern = part.child_by_field_name("pattern").map(|pattern| self.pattern(pattern));
                links.push(Link::Let(pattern.unwrap_or(Pattern::Ignore), value));
            } else {
                links.push(Link::Test(self.expr(part)));
            }
        }
        links
    }

    /// Writes a branch. A chain with an `else` notes in a variable of its own whether it came to its end.
    fn guarded(&mut self, whole: Node<'_>, mut links: Vec<Link>, then: Block, otherwise: Block, out: &mut Block) {
        if links.is_empty() {
            // The condition is broken: both may happen.
            let unknown = self.add(whole, ExprKind::Other(Vec::new()));
            links.push(Link::Test(unknown));
        }
        if links.len() == 1 || otherwise.is_empty() {
            let mut inner = then;
            let mut otherwise = Some(otherwise);
            while let Some(link) = links.pop() {
                inner = vec![linked(whole, link, inner, otherwise.take().unwrap_or_default())];
            }
            out.append(&mut inner);
            return;
        }
        let reached = Name::new(&format!("if#{}", span(whole).0));
        let no = self.add(whole, ExprKind::Const(Const::Bool(false)));
        let yes = self.add(whole, ExprKind::Const(Const::Bool(true)));
        out.push(stmt(whole, StmtKind::Assign(Pattern::Name(reached), no, None)));
        let mut inner = vec![stmt(whole, StmtKind::Assign(Pattern::Name(reached), yes, None))];
        inner.extend(then);
        while let Some(link) = links.pop() {
            inner = vec![linked(whole, link, inner, Block::new())];
        }
        out.append(&mut inner);
        let name = self.add(whole, ExprKind::Name(reached));
        let missed = self.add(whole, ExprKind::Not(name));
        out.push(stmt(whole, StmtKind::If(missed, otherwise, Block::new())));
    }
}

fn linked(node: Node<'_>, link: Link, then: Block, otherwise: Block) -> Stmt {
    match link {
        Link::Test(test) => stmt(node, StmtKind::If(test, then, otherwise)),
        Link::Let(pattern, value) => stmt(node, StmtKind::IfLet(pattern, value, then, otherwise)),
    }
}
