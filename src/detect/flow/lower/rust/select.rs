//! `select!` of tokio and futures: several futures, of which one is taken.

use super::arguments::content_of;
use super::{Goal, Lowerer, fragment};
use crate::detect::flow::ir::{Block, ExprId, ExprKind, Pattern, StmtKind};
use crate::detect::flow::lower::stmt;
use tree_sitter::Node;

/// An arm in tokens: `pattern = future, if condition => handler`.
struct Tokens<'t> {
    pattern: Vec<Node<'t>>,
    future: Vec<Node<'t>>,
    handler: Vec<Node<'t>>,
}

impl Lowerer<'_> {
    /// Lowers `select!` to branches of which any may be taken; says whether it has arms.
    pub(super) fn select(&mut self, tokens: Node<'_>, goal: Goal, out: &mut Block) -> bool {
        let arms = arms(tokens);
        if arms.is_empty() {
            return false;
        }
        let mut otherwise = Block::new();
        let mut lowered = Vec::new();
        for arm in &arms {
            lowered.push(self.select_arm(tokens, arm, goal));
        }
        for (unknown, body) in lowered.into_iter().rev() {
            otherwise = vec![stmt(tokens, StmtKind::If(unknown, body, otherwise))];
        }
        out.append(&mut otherwise);
        true
    }

    fn select_arm(&mut self, tokens: Node<'_>, arm: &Tokens<'_>, goal: Goal) -> (ExprId, Block) {
        let mut parts = arm.future.split(|token| token.kind() == ",");
        let future = parts.next().unwrap_or_default();
        // The keyword `if` before a condition is not named.
        let condition = parts.next().and_then(|condition| condition.get(1..)).filter(|condition| !condition.is_empty());
        let unknown = match condition {
            Some(condition) => self.piece(tokens, condition),
            None => self.add(tokens, ExprKind::Other(Vec::new())),
        };
        let mut body = Block::new();
        if let Some(start) = future.first() {
            let value = self.piece(tokens, future);
            let value = self.add(*start, ExprKind::Await(value));
            let pattern = self.select_pattern(&arm.pattern);
            body.push(stmt(*start, StmtKind::Assign(pattern, value, None)));
        }
        match arm.handler.as_slice() {
            [only] if only.kind() == "token_tree" && self.text(*only).starts_with('{') => {
                if !self.inner_statements(*only, fragment::STATEMENTS, goal, &mut body) {
                    let value = self.tokens(*only);
                    body.push(super::stmt::ended(*only, goal, value));
                }
            }
            [] => {}
            [first, ..] => {
                let last = arm.handler.last().unwrap_or(first);
                let tree = self.fragment(first.start_byte()..last.end_byte(), fragment::LIST);
                if let Some(value) = tree.as_ref().and_then(fragment::framed).and_then(super::first) {
                    self.run(value, value, goal, &mut body);
                } else {
                    let value = self.piece(tokens, &arm.handler);
                    body.push(super::stmt::ended(*first, goal, value));
                }
            }
        }
        (unknown, body)
    }

    fn select_pattern(&mut self, tokens: &[Node<'_>]) -> Pattern {
        let (Some(start), Some(end)) = (tokens.first(), tokens.last()) else { return Pattern::Ignore };
        if tokens.len() == 1 && start.kind() != "token_tree" {
            return self.pattern(*start);
        }
        let tree = self.fragment(start.start_byte()..end.end_byte(), fragment::ARM);
        let label = tree.as_ref().and_then(fragment::framed_pattern);
        label.map_or(Pattern::Ignore, |label| self.pattern(label))
    }
}

fn arms(tokens: Node<'_>) -> Vec<Tokens<'_>> {
    let inside = content_of(tokens);
    let mut cursor = tokens.walk();
    let all = tokens
        .children(&mut cursor)
        .filter(|token| !token.is_extra() && token.start_byte() >= inside.start && token.end_byte() <= inside.end);
    let mut arms = Vec::new();
    let mut head: Vec<Node<'_>> = Vec::new();
    let mut all = all.peekable();
    while let Some(token) = all.next() {
        if token.kind() != "=>" {
            if !(head.is_empty() && matches!(token.kind(), "," | ";")) {
                head.push(token);
            }
            continue;
        }
        let mut handler = Vec::new();
        let braced = all
            .peek()
            .is_some_and(|next| next.kind() == "token_tree" && next.child(0).is_some_and(|c| c.kind() == "{"));
        if braced {
            handler.extend(all.next());
        } else {
            while let Some(next) = all.next_if(|next| next.kind() != ",") {
                handler.push(next);
            }
        }
        let equals = head.iter().position(|token| token.kind() == "=");
        let future = equals.map(|at| head.split_off(at)).unwrap_or_default();
        let pattern = std::mem::take(&mut head);
        arms.push(Tokens { pattern, future: future.into_iter().skip(1).collect(), handler });
    }
    arms
}
