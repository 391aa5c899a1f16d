//! How a call came out: Rust's results and options.

use super::ir::Const;
use super::value::{Data, Kind, Value};

/// How a call came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It gives a value.
    Success,
    /// It gives none, or an error.
    Failure,
    /// One or the other.
    Either,
}

impl Data {
    /// Returns whether it is a success, where it is a success or a failure, or else its truth.
    pub(super) fn verdict(&self) -> Option<bool> {
        match self.outcome {
            Some(Outcome::Success) => Some(true),
            Some(Outcome::Failure) => Some(false),
            Some(Outcome::Either) => None,
            None => self.truth(),
        }
    }
}

/// Returns how one of two calls came out. Where one gives a success or failure, nothing is a failure.
pub(super) fn join(a: &Value, b: &Value) -> Option<Outcome> {
    let is_nothing = |v: &Value| matches!(v.kind, Kind::Const(Const::Null));
    let of = |v: &Value, other: &Value| match v.outcome {
        None if other.outcome.is_some() && is_nothing(v) => Some(Outcome::Failure),
        outcome => outcome,
    };
    let (x, y) = (of(a, b)?, of(b, a)?);
    Some(if x == y { x } else { Outcome::Either })
}
