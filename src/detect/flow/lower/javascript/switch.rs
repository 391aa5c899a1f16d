//! `switch`.
//!
//! Labels without statements join those that follow. A `break` at the end of an arm is left out; others stay and leave
//! the `switch`.

use super::scope::{Target, TargetKind};
use super::stmt::ends;
use super::{Lowering, kids};
use crate::detect::flow::ir::{Arm, Block, ExprKind, Pattern, Stmt, StmtKind};
use crate::detect::flow::lower::stmt;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers a `switch`.
    pub(super) fn switch(&mut self, node: Node<'_>, label: Option<Name>, out: &mut Block) {
        let subject = self.field(node, "value");
        let cases = node.child_by_field_name("body").map(kids).unwrap_or_default();
        self.open_block();
        self.targets.push(Target { label, kind: TargetKind::Switch, breaks: Vec::new() });
        let (mut arms, mut patterns) = (Vec::new(), Vec::new());
        let last = cases.len().saturating_sub(1);
        for (number, case) in cases.into_iter().enumerate() {
            let mut body = Vec::new();
            match case.child_by_field_name("value") {
                Some(value) => patterns.push(Pattern::Value(self.expr(value))),
                None if case.kind() == "switch_default" => patterns.push(Pattern::Ignore),
                None => {
                    self.stmt(case, &mut body);
                    patterns.push(Pattern::Ignore);
                }
            }
            let mut cursor = case.walk();
            let statements: Vec<_> = case.children_by_field_name("body", &mut cursor).collect();
            for statement in statements {
                self.stmt(statement, &mut body);
            }
            if body.is_empty() && number < last {
                continue;
            }
            let pattern = one_of(std::mem::take(&mut patterns));
            let falls_through = number < last && !ends(&body);
            arms.push(Arm { pattern, guard: None, body, falls_through });
        }
        let mut breaks = self.targets.pop().map(|target| target.breaks).unwrap_or_default();
        for arm in arms.iter_mut().filter(|arm| !arm.falls_through) {
            strip(&mut arm.body, &mut breaks);
        }
        self.default_last(node, &mut arms);
        self.close_block();
        out.push(stmt(node, StmtKind::Match(subject, arms)));
    }

    /// Moves `default` behind the arms that it yields to. Where it runs on into one of them or is run into, it keeps its
    /// place, under a guard of which nothing is known.
    fn default_last(&mut self, node: Node<'_>, arms: &mut Vec<Arm>) {
        let Some(at) = arms.iter().position(|arm| has_default(&arm.pattern)) else { return };
        if at + 1 == arms.len() {
            return;
        }
        let is_entered = at > 0 && arms.get(at - 1).is_some_and(|before| before.falls_through);
        let is_alone = arms.last().is_some_and(|last| !last.falls_through);
        if arms[at].falls_through || is_entered || !is_alone {
            arms[at].guard = Some(self.add(node, ExprKind::Other(Vec::new())));
        } else {
            let arm = arms.remove(at);
            arms.push(arm);
        }
    }
}

fn one_of(mut patterns: Vec<Pattern>) -> Pattern {
    match patterns.len() {
        1 => patterns.remove(0),
        _ => Pattern::Any(patterns),
    }
}

fn has_default(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Ignore => true,
        Pattern::Any(patterns) => patterns.iter().any(|pattern| matches!(pattern, Pattern::Ignore)),
        _ => false,
    }
}

/// Removes each `break` that ends a path through the block, where it is one of `breaks`, from both.
fn strip(block: &mut Vec<Stmt>, breaks: &mut Vec<u32>) {
    let Some(last) = block.last_mut() else { return };
    match &mut last.kind {
        StmtKind::Break(None) => {
            let start = last.span.0;
            if let Some(at) = breaks.iter().position(|own| *own == start) {
                breaks.swap_remove(at);
                block.pop();
            }
        }
        StmtKind::If(_, then, other) => {
            strip(then, breaks);
            strip(other, breaks);
        }
        StmtKind::Block(inner) => strip(inner, breaks),
        StmtKind::Try { body, handlers, .. } => {
            strip(body, breaks);
            for (_, handler) in handlers {
                strip(handler, breaks);
            }
        }
        _ => {}
    }
}
