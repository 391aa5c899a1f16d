//! Statements with blocks: branches, loops, `try`, `with`, `match`.

use super::{Lowering, fields, parts};
use crate::detect::flow::ir::{Arm, Block, Const, ExprId, ExprKind, Item, Pattern, Stmt, StmtKind};
use crate::detect::flow::lower::{span, stmt};
use tree_sitter::Node;

/// Chains of `elif` longer than this become the arms of one `match`, so that blocks do not nest deeper than the tree.
const LONGEST_CHAIN: usize = 60;
/// Context managers that go on behind the block where it fails.
const SWALLOWING: [&str; 6] =
    ["suppress", "raises", "assertRaises", "assertRaisesRegex", "assertRaisesMessage", "ignored"];

impl Lowering<'_> {
    /// Lowers `if` with its `elif` and `else`.
    pub(super) fn branch(&mut self, node: Node<'_>, out: &mut Block) {
        let mut branches = vec![(span(node), self.condition(node), self.field_block(node, "consequence"))];
        let mut otherwise = Block::new();
        for clause in fields(node, "alternative") {
            if clause.kind() == "elif_clause" {
                let place = (span(clause).0, span(node).1);
                branches.push((place, self.condition(clause), self.field_block(clause, "consequence")));
            } else {
                otherwise = self.field_block(clause, "body");
            }
        }
        if branches.len() > LONGEST_CHAIN {
            return out.push(self.long_chain(node, branches, otherwise));
        }
        for (span, condition, then) in branches.into_iter().rev() {
            let kind = StmtKind::If(condition, then, std::mem::take(&mut otherwise));
            otherwise.push(Stmt { kind, span });
        }
        out.append(&mut otherwise);
    }

    fn condition(&mut self, node: Node<'_>) -> ExprId {
        match node.child_by_field_name("condition") {
            Some(condition) => self.expr(condition),
            None => self.add(node, ExprKind::Other(Vec::new())),
        }
    }

    fn long_chain(&mut self, node: Node<'_>, branches: Vec<((u32, u32), ExprId, Block)>, otherwise: Block) -> Stmt {
        let subject = self.add(node, ExprKind::Const(Const::Bool(true)));
        let arm = |guard, body| Arm { pattern: Pattern::Ignore, guard, body, falls_through: false };
        let mut arms: Vec<Arm> = branches.into_iter().map(|(_, condition, then)| arm(Some(condition), then)).collect();
        arms.push(arm(None, otherwise));
        stmt(node, StmtKind::Match(subject, arms))
    }

    /// Lowers `for`.
    pub(super) fn for_loop(&mut self, node: Node<'_>, out: &mut Block) {
        let iterable = match node.child_by_field_name("right") {
            Some(right) => self.expr(right),
            None => self.add(node, ExprKind::Other(Vec::new())),
        };
        let pattern = node.child_by_field_name("left").map_or(Pattern::Ignore, |left| self.target(left));
        let body = self.field_block(node, "body");
        let otherwise = self.otherwise(node);
        out.push(stmt(node, StmtKind::For { pattern, iterable, keys: false, body, otherwise }));
    }

    /// Lowers `while`.
    pub(super) fn while_loop(&mut self, node: Node<'_>, out: &mut Block) {
        let condition = self.condition(node);
        let body = self.field_block(node, "body");
        let otherwise = self.otherwise(node);
        out.push(stmt(node, StmtKind::While(condition, body, otherwise)));
    }

    fn otherwise(&mut self, node: Node<'_>) -> Block {
        node.child_by_field_name("alternative").map(|clause| self.field_block(clause, "body")).unwrap_or_default()
    }

    /// Lowers `try`.
    pub(super) fn try_block(&mut self, node: Node<'_>, out: &mut Block) {
        let body = self.field_block(node, "body");
        let mut handlers = Vec::new();
        let mut otherwise = Block::new();
        let mut finally = Block::new();
        for part in parts(node) {
            match part.kind() {
                "except_clause" | "except_group_clause" => handlers.push(self.handler(part)),
                "else_clause" => otherwise.append(&mut self.field_block(part, "body")),
                "finally_clause" => finally.append(&mut self.suite(part)),
                _ => {}
            }
        }
        out.push(stmt(node, StmtKind::Try { body, handlers, otherwise, finally }));
    }

    /// Lowers the block of a clause that has no field for it.
    fn suite(&mut self, clause: Node<'_>) -> Block {
        let block = parts(clause).into_iter().rfind(|part| part.kind() == "block");
        block.map(|block| self.block(block)).unwrap_or_default()
    }

    fn handler(&mut self, clause: Node<'_>) -> (Option<Pattern>, Block) {
        let mut block = Block::new();
        let mut bound = clause.child_by_field_name("alias");
        for (at, value) in fields(clause, "value").into_iter().enumerate() {
            // Of `except A, e` the second is the name, in the Python that wrote it so.
            if at > 0 && self.builder.text(value).starts_with(|c: char| c.is_lowercase()) {
                bound = Some(value);
                continue;
            }
            let caught = if value.kind() == "as_pattern" {
                bound = value.child_by_field_name("alias").or(bound);
                value.named_child(0).unwrap_or(value)
            } else {
                value
            };
            // The names of classes tell nothing here; what is computed does.
            if !matches!(caught.kind(), "identifier" | "attribute" | "tuple") {
                let caught = self.expr(caught);
                block.push(stmt(value, StmtKind::Expr(caught)));
            }
        }
        let pattern = bound.map(|bound| self.target(bound));
        block.append(&mut self.suite(clause));
        (pattern, block)
    }

    /// Lowers `with`: what it opens, then its block. Where the context manager swallows what is raised, the block is
    /// one that may end anywhere.
    pub(super) fn with_block(&mut self, node: Node<'_>, out: &mut Block) {
        let mut opened = Vec::new();
        let mut swallows = false;
        for clause in parts(node).into_iter().filter(|part| part.kind() == "with_clause") {
            swallows |= self.open(clause, &mut opened);
        }
        let mut body = self.field_block(node, "body");
        if swallows {
            let handlers = vec![(None, Block::new())];
            let kind = StmtKind::Try { body, handlers, otherwise: Block::new(), finally: Block::new() };
            body = vec![stmt(node, kind)];
        }
        for (part, pattern, value) in opened.into_iter().rev() {
            body = vec![stmt(part, StmtKind::With(pattern, value, body))];
        }
        out.append(&mut body);
    }

    /// Lowers what `with` opens; says whether one of it swallows exceptions.
    fn open<'t>(&mut self, node: Node<'t>, out: &mut Vec<(Node<'t>, Pattern, ExprId)>) -> bool {
        let inner = parts(node);
        match node.kind() {
            "as_pattern" => {
                let [value, ..] = inner[..] else { return false };
                let opened = self.expr(value);
                let pattern = node.child_by_field_name("alias").map_or(Pattern::Ignore, |alias| self.target(alias));
                out.push((node, pattern, opened));
                self.swallows(value)
            }
            "with_clause" | "with_item" | "tuple" | "parenthesized_expression" | "ERROR" => {
                let mut swallows = false;
                for part in inner {
                    swallows |= self.open(part, out);
                }
                swallows
            }
            _ => {
                let opened = self.expr(node);
                out.push((node, Pattern::Ignore, opened));
                self.swallows(node)
            }
        }
    }

    fn swallows(&self, node: Node<'_>) -> bool {
        let callee = node.child_by_field_name("function").map_or("", |callee| self.builder.text(callee));
        SWALLOWING.contains(&callee.rsplit('.').next().unwrap_or_default())
    }

    /// Lowers `match`.
    pub(super) fn match_block(&mut self, node: Node<'_>, out: &mut Block) {
        let subjects = fields(node, "subject");
        let subject = match subjects[..] {
            [one] if !super::has_token(node, ",") => self.expr(one),
            ref several => {
                let items = several.iter().map(|one| Item { value: self.expr(*one), spread: false }).collect();
                self.add(node, ExprKind::List(items))
            }
        };
        let mut arms = Vec::new();
        for part in node.child_by_field_name("body").map(parts).unwrap_or_default() {
            if part.kind() == "case_clause" {
                arms.push(self.arm(part));
            } else {
                self.statement(part, out);
            }
        }
        out.push(stmt(node, StmtKind::Match(subject, arms)));
    }

    fn arm(&mut self, node: Node<'_>) -> Arm {
        let cases: Vec<_> = parts(node).into_iter().filter(|part| part.kind() == "case_pattern").collect();
        let several = cases.len() > 1 || super::has_token(node, ",");
        let starred = |case: &Node<'_>| case.named_child(0).is_some_and(|inner| inner.kind() == "splat_pattern");
        let rest = cases.iter().position(starred);
        let mut patterns: Vec<Pattern> = cases.into_iter().flat_map(|case| self.cases(case)).collect();
        let pattern = match patterns.len() {
            1 if !several => patterns.swap_remove(0),
            0 => Pattern::Ignore,
            _ => Pattern::List(patterns, rest),
        };
        let guard = node.child_by_field_name("guard").and_then(|guard| parts(guard).into_iter().next());
        let guard = guard.map(|guard| self.expr(guard));
        let body = self.field_block(node, "consequence");
        Arm { pattern, guard, body, falls_through: false }
    }
}
