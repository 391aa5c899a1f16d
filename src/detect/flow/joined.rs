//! What values were joined of: the contents of what is one object or another are those of both.

use super::ir::Const;
use super::outcome::Outcome;
use super::value::{Kind, Value, number};
use std::cell::RefCell;
use std::collections::HashMap;

thread_local! {
    /// The numbers of joined objects, and those of the two that they were made of. A number is made of nothing else, so it
    /// says the same in every run.
    static JOINED: RefCell<HashMap<u64, (u64, u64)>> = RefCell::default();
}

/// Returns the number of what is one value or another. Of objects both are remembered; a value that is not known could hold
/// anything, so what is known of the other says nothing of the two.
pub(super) fn joined_number(a: &Value, b: &Value) -> u64 {
    let (first, second) = (a.id.min(b.id), a.id.max(b.id));
    let joined = number(&("join", first, second));
    let is_object = |v: &Value| matches!(v.kind, Kind::Object(_) | Kind::Const(Const::Null));
    let is_same_thing = matches!((&a.kind, &b.kind), (Kind::Path(p), Kind::Path(q)) if p == q);
    if (is_object(a) && is_object(b)) || is_same_thing || success_of(a, b).is_some() {
        JOINED.with_borrow_mut(|all| all.insert(joined, (first, second)));
    }
    joined
}

/// Returns the object that one of two gives where it is a success and the other a failure: what is inside a failure is seen
/// only where it is asked for.
pub(super) fn success_of<'v>(a: &'v Value, b: &'v Value) -> Option<&'v Value> {
    let is = |v: &Value, outcome: Outcome| v.outcome == Some(outcome);
    let of = |x: &'v Value, y: &'v Value| {
        let fits = matches!(x.kind, Kind::Object(_)) && is(x, Outcome::Success) && is(y, Outcome::Failure);
        fits.then_some(x)
    };
    of(a, b).or_else(|| of(b, a))
}

/// Returns the numbers of the values that a joined one may be.
pub(super) fn parts_of_joined(id: u64) -> Option<(u64, u64)> {
    JOINED.with_borrow(|all| all.get(&id).copied())
}

/// Forgets what joined values were made of: another run makes its own.
pub(super) fn forget_joined() {
    JOINED.with_borrow_mut(HashMap::clear);
}
