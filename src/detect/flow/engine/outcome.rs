//! Rust's results and options: what follows from a success, and from a failure.

use super::Engine;
use crate::detect::flow::ir::{Arm, ExprKind, Module, Pattern};
use crate::detect::flow::name::Name;
use crate::detect::flow::outcome::Outcome;
use crate::detect::flow::value::{Data, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

impl Engine<'_> {
    /// Returns what `Ok`, `Some` and `Err` make of their argument. What its own truth says is not what their outcome says.
    pub(super) fn with_outcome(&self, path: Name, value: Value) -> Value {
        let outcome = match path.as_str() {
            "Ok" | "Some" => Outcome::Success,
            "Err" => Outcome::Failure,
            _ => return value,
        };
        if self.language != Language::Rust {
            return value;
        }
        Rc::new(Data { outcome: Some(outcome), facts: None, ..value.as_ref().clone() })
    }

    /// Returns what is inside a success: from here on it was one.
    pub(super) fn succeeded(&mut self, value: &Value) -> Value {
        if value.facts.is_none() && value.outcome.is_none() {
            return value.clone();
        }
        self.assume(value, true);
        let value = self.state.checked(value);
        inside(&value)
    }

    /// Says whether an expression ends in `?`.
    pub(super) fn is_tried(&self, span: (u32, u32)) -> bool {
        let end = usize::try_from(span.1).unwrap_or(0);
        self.language == Language::Rust
            && self.module(self.here()).file().text().as_bytes().get(end.wrapping_sub(1)) == Some(&b'?')
    }

    /// Takes in what follows from a value fitting a pattern, or not, where the pattern is one of success or failure.
    /// Says whether it is.
    pub(super) fn assume_outcome(&mut self, m: &Module, pattern: &Pattern, value: &Value, fits: bool) -> bool {
        let verdict = if self.language == Language::Rust { verdict_of(m, pattern) } else { None };
        if let Some(verdict) = verdict {
            self.assume(value, verdict == fits);
        }
        verdict.is_some()
    }

    /// Takes in what the arms before it say at an arm that takes all the rest.
    pub(super) fn assume_other_outcome(&mut self, m: &Module, before: &[Arm], pattern: &Pattern, value: &Value) {
        if self.assume_outcome(m, pattern, value, true) || !matches!(pattern, Pattern::Ignore | Pattern::Name(_)) {
            return;
        }
        for arm in before.iter().filter(|arm| arm.guard.is_none() && takes_all(&arm.pattern)) {
            self.assume_outcome(m, &arm.pattern, value, false);
        }
    }
}

/// Returns what a pattern binds of a success or failure: the value itself.
pub(super) fn inside(value: &Value) -> Value {
    if value.outcome.is_none() {
        return value.clone();
    }
    Rc::new(Data { outcome: None, facts: None, ..value.as_ref().clone() })
}

/// Says whether a pattern is one of success, or of failure.
fn verdict_of(m: &Module, pattern: &Pattern) -> Option<bool> {
    match pattern {
        Pattern::Variant(name, _) => match name.last() {
            "Ok" | "Some" => Some(true),
            "Err" => Some(false),
            _ => None,
        },
        Pattern::Value(expr) => match &m.expr(*expr).kind {
            ExprKind::Name(name) if name.as_str() == "None" => Some(false),
            _ => None,
        },
        Pattern::Bind(_, inner) => verdict_of(m, inner),
        _ => None,
    }
}

/// Says whether a pattern takes every success, or every failure.
fn takes_all(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Variant(_, inner) => inner.iter().all(|p| {
            matches!(p, Pattern::Name(_) | Pattern::Ignore) || matches!(p, Pattern::List(list, _) if list.is_empty())
        }),
        Pattern::Value(_) => true,
        _ => false,
    }
}
