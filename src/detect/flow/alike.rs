//! Whether another round of a loop would find anything new: states that tell the same, whatever the numbers of values.

use super::ir::Const;
use super::label::{Label, Labels};
use super::state::{Contents, State};
use super::value::{Kind, Value};
use std::rc::Rc;

impl State {
    /// Says whether nothing has come up since an earlier state from which this one follows: the same variables hold values
    /// of the same kind with data of the same sources. Numbers that count on are the same kind.
    pub(super) fn is_like(&self, before: &Self) -> bool {
        self.set_since(before).all(|layer| {
            let variables = layer.variables.iter().all(|(key, value)| {
                let known = before.variable(key.0, key.1);
                known.is_some_and(|known| are_alike(value, &known))
            });
            let objects = || {
                let mut all = layer.objects.iter();
                all.all(|(id, now)| before.contents(*id).is_some_and(|known| hold_alike(now, &known)))
            };
            variables && objects() && layer.cleaned.iter().all(|(id, now)| before.cleaned_alone(*id) == *now)
        })
    }
}

fn are_alike(a: &Value, b: &Value) -> bool {
    Rc::ptr_eq(a, b) || (labels_alike(&a.labels, &b.labels) && kinds_alike(a, b))
}

fn labels_alike(a: &Labels, b: &Labels) -> bool {
    let same =
        |(x, y): (&Label, &Label)| Rc::ptr_eq(&x.origin, &y.origin) && x.cleaned == y.cleaned && x.guesses == y.guesses;
    a.all().len() == b.all().len() && a.all().iter().zip(b.all()).all(same)
}

fn kinds_alike(a: &Value, b: &Value) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Const(_) | Kind::OneOf(_), Kind::Const(_) | Kind::OneOf(_)) => {
            let (x, y) = (a.consts(), b.consts());
            let counts = |all: &[Const]| all.iter().all(|c| matches!(c, Const::Int(_) | Const::Float(_)));
            x == y || (counts(x) && counts(y))
        }
        (Kind::Unknown, Kind::Unknown) => true,
        (Kind::Text(x), Kind::Text(y)) => x == y,
        (Kind::Path(x), Kind::Path(y)) => x == y,
        (Kind::Object(x), Kind::Object(y)) => x == y && a.id == b.id,
        _ => a.id == b.id,
    }
}

fn hold_alike(a: &Rc<Contents>, b: &Rc<Contents>) -> bool {
    let both = |x: Option<&Value>, y: Option<&Value>| match (x, y) {
        (Some(x), Some(y)) => are_alike(x, y),
        (x, y) => x.is_none() && y.is_none(),
    };
    let lists = match (&a.list, &b.list) {
        (Some(x), Some(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| are_alike(x, y)),
        (x, y) => x.is_none() && y.is_none(),
    };
    Rc::ptr_eq(a, b)
        || (lists
            && a.ended == b.ended
            && a.entries.len() == b.entries.len()
            && a.entries.iter().zip(&b.entries).all(|((k, x), (l, y))| k == l && are_alike(x, y))
            && both(a.rest.as_ref(), b.rest.as_ref())
            && both(a.keys.as_ref(), b.keys.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::State;
    use crate::detect::flow::ir::Const;
    use crate::detect::flow::name::Name;
    use crate::detect::flow::value::Data;

    #[test]
    fn a_counter_is_alike_and_another_word_is_not() {
        let (count, mode) = (Name::new("count"), Name::new("mode"));
        let mut state = State::new();
        state.set_variable(1, count, Data::constant(Const::Int(0)));
        state.set_variable(1, mode, Data::constant(Const::Text("a".into())));
        let before = state.fork();
        assert!(state.is_like(&before));
        state.set_variable(1, count, Data::constant(Const::Int(1)));
        assert!(state.is_like(&before));
        state.set_variable(1, mode, Data::constant(Const::Text("b".into())));
        assert!(!state.is_like(&before));
        state.set_variable(1, mode, Data::constant(Const::Text("a".into())));
        assert!(state.is_like(&before));
        state.set_variable(1, Name::new("new"), Data::constant(Const::Null));
        assert!(!state.is_like(&before));
    }
}
