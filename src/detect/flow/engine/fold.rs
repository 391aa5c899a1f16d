//! Operators over constants.

use super::Engine;
use crate::detect::flow::ir::{Const, Op};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Kind, Shape, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

/// The type of markup that escapes what is added to it.
const MARKUP: &str = "markupsafe.Markup";

/// Longest text that is made of constants, in bytes.
const MAX_TEXT: usize = 1 << 14;

impl Engine<'_> {
    /// Returns the result of an operator whose sides are both evaluated.
    pub(super) fn operate(
        &mut self,
        op: Op,
        a: (&Value, (u32, u32)),
        b: (&Value, (u32, u32)),
        span: (u32, u32),
    ) -> Value {
        if is_comparison(op) {
            return self.compare(op, a.0, b.0);
        }
        if let Some(value) = lifted(op, a.0, b.0) {
            return value;
        }
        let is_text = |v: &Value| matches!(v.kind, Kind::Text(_) | Kind::Const(Const::Text(_)));
        if let Some(value) = self.with_markup(op, a, b, span) {
            return value;
        }
        match op {
            Op::Add if is_text(a.0) || is_text(b.0) => self.text_of(&[(a.0.clone(), a.1), (b.0.clone(), b.1)], span),
            Op::Add if matches!(a.0.kind, Kind::Object(_)) => self.concatenated(a.0, b.0, span),
            Op::Mod if is_text(a.0) => self.percent(a.0, b.0, span),
            Op::Div if matches!(a.0.kind, Kind::Path(_)) => {
                let parts = [a.0, b.0];
                let value = self.derived("path", &parts, a.0.kind.clone());
                self.stepped(&value, self.place(span), crate::detect::flow::StepKind::Part)
            }
            Op::Mod | Op::BitAnd if b.0.is_length || self.state.reach(b.0).is_empty() => {
                // What is left of a division is below the divisor.
                let value = self.derived("rest", &[a.0, b.0], Kind::Unknown);
                let value = if op == Op::BitAnd { self.number_of(&value) } else { value };
                value.with_labels(value.labels.cleaned(self.catalog.bit_of("memory")))
            }
            Op::Add => self.sum(a.0, b.0),
            Op::BitOr | Op::Mod => self.derived("sum", &[a.0, b.0], Kind::Unknown),
            Op::Mul if let Some(list) = self.repeated(a.0, b.0).or_else(|| self.repeated(b.0, a.0)) => list,
            Op::Mul if is_text(a.0) || is_text(b.0) => self.derived("repeat", &[a.0, b.0], Kind::Unknown),
            Op::Range => self.derived("range", &[a.0, b.0], Kind::Unknown),
            _ => {
                let value = self.derived("number", &[a.0, b.0], Kind::Unknown);
                let value = self.number_of(&value);
                // What is taken from a length is one.
                let is_length = a.0.is_length && op != Op::Mul;
                Rc::new(Data { is_length, ..value.as_ref().clone() })
            }
        }
    }
}

impl Engine<'_> {
    /// Returns a list of Python whose elements are repeated: `["?"] * len(values)`.
    fn repeated(&mut self, list: &Value, times: &Value) -> Option<Value> {
        if !matches!(list.kind, Kind::Object(Shape::List)) || self.language != Language::Python {
            return None;
        }
        let rest = self.state.contents(list.id)?.any();
        let id = super::number(&("repeated", list.id, times.id));
        self.state.set_contents(id, Contents { rest, ..Contents::default() });
        Some(Rc::new(Data { labels: list.labels.clone(), ..Data::new(id, Kind::Object(Shape::List)) }))
    }

    /// Returns what is made of markup and something else: what escapes its like is escaped where it becomes a part of it.
    fn with_markup(
        &mut self,
        op: Op,
        a: (&Value, (u32, u32)),
        b: (&Value, (u32, u32)),
        span: (u32, u32),
    ) -> Option<Value> {
        let is_markup = |v: &Value| matches!(v.kind, Kind::Path(path) if path.as_str() == MARKUP) && !v.is_name;
        let (left, right) = (is_markup(a.0), is_markup(b.0));
        if !(matches!(op, Op::Add) && (left || right) || matches!(op, Op::Mod) && left) {
            return None;
        }
        let bit = self.catalog.bit_of("xss");
        let escaped = |e: &Self, v: &Value, is_markup: bool| {
            let labels = e.state.reach(v);
            if is_markup { labels } else { labels.cleaned(bit) }
        };
        let labels = escaped(self, a.0, left).join(&escaped(self, b.0, right));
        let _ = span;
        Some(self.derived("markup", &[a.0, b.0], Kind::Path(Name::new(MARKUP))).with_labels(labels))
    }
}

/// Says whether an operator compares.
pub(super) fn is_comparison(op: Op) -> bool {
    matches!(
        op,
        Op::Eq
            | Op::NotEq
            | Op::Less
            | Op::LessEq
            | Op::Greater
            | Op::GreaterEq
            | Op::Is
            | Op::IsNot
            | Op::In
            | Op::NotIn
            | Op::InstanceOf
    )
}

/// Applies an operator to values that are constants, or one of a few.
pub(super) fn lifted(op: Op, a: &Value, b: &Value) -> Option<Value> {
    let (left, right) = (a.consts(), b.consts());
    if left.is_empty() || right.is_empty() {
        return None;
    }
    let mut results: Vec<Const> = Vec::new();
    for x in left {
        for y in right {
            let result = fold(op, x, y)?;
            if !results.contains(&result) {
                results.push(result);
            }
        }
    }
    match results.len() {
        1 => Some(Data::constant(results.remove(0))),
        n if n <= 4 => {
            let id = super::number(&(op as u8, a.id, b.id));
            Some(Rc::new(Data::new(id, Kind::OneOf(results.into()))))
        }
        _ => None,
    }
}

/// Applies an operator to two constants; `None` where the result is not known.
pub(super) fn fold(op: Op, a: &Const, b: &Const) -> Option<Const> {
    match (a, b) {
        (Const::Int(a), Const::Int(b)) => fold_whole(op, *a, *b),
        (Const::Text(a), Const::Text(b)) => match op {
            Op::Add if a.len() + b.len() <= MAX_TEXT => Some(Const::Text(format!("{a}{b}").into())),
            _ => ordering(op, a.cmp(b)),
        },
        (Const::Text(text), Const::Int(n)) | (Const::Int(n), Const::Text(text)) if op == Op::Mul => {
            let n = usize::try_from(*n).unwrap_or(0);
            (text.len().saturating_mul(n) <= MAX_TEXT).then(|| Const::Text(text.repeat(n).into()))
        }
        (Const::Int(_) | Const::Float(_), Const::Int(_) | Const::Float(_)) => {
            fold_fraction(op, as_fraction(a)?, as_fraction(b)?)
        }
        // JavaScript joins a text and a number; Python would raise.
        (Const::Text(text), Const::Int(n)) if op == Op::Add => Some(Const::Text(format!("{text}{n}").into())),
        (Const::Int(n), Const::Text(text)) if op == Op::Add => Some(Const::Text(format!("{n}{text}").into())),
        _ => match op {
            Op::Eq | Op::Is => Some(Const::Bool(a == b)),
            Op::NotEq | Op::IsNot => Some(Const::Bool(a != b)),
            _ => None,
        },
    }
}

fn as_fraction(constant: &Const) -> Option<f64> {
    match constant {
        #[expect(clippy::cast_precision_loss, reason = "the program would lose it, too")]
        Const::Int(i) => Some(*i as f64),
        Const::Float(f) => Some(*f),
        _ => None,
    }
}

fn fold_whole(op: Op, a: i64, b: i64) -> Option<Const> {
    let whole = |result: Option<i64>| result.map(Const::Int);
    let shift = || u32::try_from(b).ok();
    match op {
        Op::Add => whole(a.checked_add(b)),
        Op::Sub => whole(a.checked_sub(b)),
        Op::Mul => whole(a.checked_mul(b)),
        Op::Div if b != 0 && a % b == 0 => whole(Some(a / b)),
        Op::Div if b != 0 => fold_fraction(op, as_fraction(&Const::Int(a))?, as_fraction(&Const::Int(b))?),
        Op::FloorDiv if b != 0 => whole(a.checked_div_euclid(b)),
        Op::Mod if b != 0 => whole(a.checked_rem(b)),
        Op::Pow => whole(u32::try_from(b).ok().and_then(|b| a.checked_pow(b))),
        Op::BitAnd => whole(Some(a & b)),
        Op::BitOr => whole(Some(a | b)),
        Op::BitXor => whole(Some(a ^ b)),
        Op::ShiftLeft => whole(shift().filter(|s| *s < 62).and_then(|s| a.checked_mul(1 << s))),
        Op::ShiftRight => whole(shift().and_then(|s| a.checked_shr(s))),
        _ => ordering(op, a.cmp(&b)),
    }
}

fn fold_fraction(op: Op, a: f64, b: f64) -> Option<Const> {
    match op {
        Op::Add => Some(Const::Float(a + b)),
        Op::Sub => Some(Const::Float(a - b)),
        Op::Mul => Some(Const::Float(a * b)),
        Op::Div if b != 0.0 => Some(Const::Float(a / b)),
        Op::Pow => Some(Const::Float(a.powf(b))),
        _ => a.partial_cmp(&b).and_then(|order| ordering(op, order)),
    }
}

fn ordering(op: Op, order: std::cmp::Ordering) -> Option<Const> {
    let truth = match op {
        Op::Eq | Op::Is => order.is_eq(),
        Op::NotEq | Op::IsNot => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::LessEq => order.is_le(),
        Op::Greater => order.is_gt(),
        Op::GreaterEq => order.is_ge(),
        _ => return None,
    };
    Some(Const::Bool(truth))
}

/// Returns the part of a list between two bounds, negative ones from the end.
pub(super) fn cut<T>(list: &[T], from: Option<i64>, to: Option<i64>) -> &[T] {
    let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let at = |bound: i64| if bound < 0 { (bound + length).max(0) } else { bound.min(length) };
    let from = usize::try_from(at(from.unwrap_or(0))).unwrap_or(0);
    let to = usize::try_from(at(to.unwrap_or(length))).unwrap_or(0);
    list.get(from..to.max(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{cut, fold};
    use crate::detect::flow::ir::{Const, Op};

    #[test]
    fn constants_are_folded_and_nothing_overflows() {
        let int = |op, a, b| fold(op, &Const::Int(a), &Const::Int(b));
        assert_eq!(int(Op::Mul, 7, 18), Some(Const::Int(126)));
        assert_eq!(int(Op::Greater, 126, 200), Some(Const::Bool(false)));
        assert_eq!(int(Op::Mul, i64::MAX, 2), None);
        assert_eq!(int(Op::Div, 1, 0), None);
        assert_eq!(int(Op::ShiftLeft, 1, 99), None);
        let text = |t: &str| Const::Text(t.into());
        assert_eq!(fold(Op::Add, &text("a"), &text("b")), Some(text("ab")));
        assert_eq!(fold(Op::Eq, &Const::Null, &text("b")), Some(Const::Bool(false)));
        assert_eq!(cut(&[1, 2, 3], Some(-2), None), [2, 3]);
        assert!(cut(&[1, 2, 3], Some(9), Some(1)).is_empty());
    }
}
