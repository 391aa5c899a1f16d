//! Rust's `&mut`: what another function does to what it was lent is done to what stands there.

use super::call::Args;
use super::fill::MAX_DEPTH;
use super::invoke::param_name;
use super::{Engine, Frame};
use crate::detect::flow::ir::{Call, ExprId, ExprKind, Function, Module, Pattern};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Closure, Data, Kind, Labels, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

/// What became of what the present call was lent.
#[derive(Default)]
pub(super) enum Lent {
    /// Nothing is known, or nothing happened.
    #[default]
    Nothing,
    /// What a function of the code left in its parameters, in order, and whether a parameter is one that it was lent.
    Back(Vec<Option<(Value, bool)>>),
    /// Code that is not known had it.
    Away,
}

impl Engine<'_> {
    /// Calls with arguments that may be lent, and puts back what became of them. `callee` is the object of a method.
    pub(super) fn call_lending(
        &mut self,
        m: &Module,
        call: &Call,
        callee: &Value,
        args: Args,
        run: impl FnOnce(&mut Self, &Args) -> Value,
    ) -> Value {
        if self.language != Language::Rust || call.args.is_empty() {
            return run(self, &args);
        }
        if let Some(result) = self.exchanged(m, call, callee, &args) {
            return result;
        }
        self.lent = Lent::Nothing;
        let result = run(self, &args);
        match std::mem::take(&mut self.lent) {
            Lent::Nothing => {}
            Lent::Back(values) => {
                for ((arg, (given, _)), left) in call.args.iter().zip(&args.positional).zip(values) {
                    let Some((left, is_lent)) = left else { continue };
                    let (place, is_marked) = lent_place(m, arg.value);
                    if (is_lent || is_marked) && left.id != given.id && self.state.alive {
                        self.put_back_lent(m, place, &left);
                    }
                }
            }
            Lent::Away => {
                let everything: Vec<Value> = args.all().map(|(value, _)| value.clone()).collect();
                for (arg, (given, span)) in call.args.iter().zip(&args.positional) {
                    let (place, true) = lent_place(m, arg.value) else { continue };
                    let others = everything.iter().filter(|value| value.id != given.id);
                    let labels = others.fold(Labels::default(), |all, value| all.join(&self.given_labels(value)));
                    let any = Data::unknown(super::number(&("filled", *span, given.id)), labels);
                    let left = self.loosened(given, &any, MAX_DEPTH);
                    if left.id != given.id || !Rc::ptr_eq(&left, given) {
                        self.put_back_lent(m, place, &left);
                    }
                }
            }
        }
        result
    }

    /// What the standard library does to places: `swap(&mut a, &mut b)`, `replace(&mut a, b)`, `a.clone_from(&b)`.
    fn exchanged(&mut self, m: &Module, call: &Call, callee: &Value, args: &Args) -> Option<Value> {
        let null = || Data::constant(crate::detect::flow::ir::Const::Null);
        let mut path = match callee.kind {
            Kind::Path(path) => path,
            _ => Name::new("*"),
        };
        if let ExprKind::Member(object, name) = m.expr(call.callee).kind {
            if let ("clone_from", [(value, _)]) = (name.as_str(), args.positional.as_slice()) {
                self.put_back_lent(m, object, value);
                return Some(null());
            }
            path = self.catalog.canonical(path.member(name));
        }
        let ([first, second], [(a, _), (b, _)]) = (call.args.as_slice(), args.positional.as_slice()) else {
            return None;
        };
        match path.as_str() {
            "std.mem.swap" => {
                self.put_back_lent(m, lent_place(m, first.value).0, b);
                self.put_back_lent(m, lent_place(m, second.value).0, a);
                Some(null())
            }
            "std.mem.replace" => {
                self.put_back_lent(m, lent_place(m, first.value).0, b);
                Some(a.clone())
            }
            _ => None,
        }
    }

    fn put_back_lent(&mut self, m: &Module, place: ExprId, value: &Value) {
        let span = m.expr(place).span;
        match &m.expr(place).kind {
            ExprKind::Name(name) => {
                let value = self.assigned(value, name.as_str(), span);
                self.set_through(m, *name, value);
            }
            ExprKind::Member(..) | ExprKind::Index(..) => self.assign_place(m, place, value, span),
            _ => {}
        }
    }

    /// Remembers what a variable refers to that a reference is put into.
    pub(super) fn note_reference(&mut self, m: &Module, pattern: &Pattern, value: ExprId) {
        let Pattern::Name(name) = pattern else { return };
        if self.language != Language::Rust {
            return;
        }
        let of = match &m.expr(value).kind {
            ExprKind::Lent(place) => Some(*place),
            _ => None,
        };
        let frame: &mut Frame = self.frame();
        frame.references.retain(|(known, _)| known != name);
        frame.references.extend(of.filter(|place| is_place(m, *place)).map(|place| (*name, place)));
    }

    /// Sets a variable, and what it refers to.
    pub(super) fn set_through(&mut self, m: &Module, name: Name, value: Value) {
        let of = self.frames.last().and_then(|f| f.references.iter().find(|(known, _)| *known == name).copied());
        if let Some((_, place)) = of
            && !matches!(m.expr(place).kind, ExprKind::Name(other) if other == name)
        {
            self.put_back_lent(m, place, &value);
        }
        self.set_where_known(name, value);
    }

    /// Sets what a reference refers to: `*r = value`.
    pub(super) fn assign_through(&mut self, m: &Module, reference: ExprId, value: &Value, span: (u32, u32)) {
        match &m.expr(reference).kind {
            ExprKind::Name(name) => {
                let old = self.look_up(*name);
                let value = self.assigned(value, name.as_str(), span);
                self.sink_of_name(*name, &value, span);
                self.set_through(m, *name, value.clone());
                // What a call gave refers to something that has no name here.
                if let Some(old) = old.filter(|old| !value.labels.is_empty() && matches!(old.kind, Kind::Path(_))) {
                    self.assign_member(&old, Name::new("*"), &value, span);
                }
            }
            _ => self.assign_place(m, reference, value, span),
        }
    }

    /// Notes what a function leaves in its parameters.
    pub(super) fn note_left(&mut self, closure: &Closure, function: &Function, scope: u32) {
        if self.language != Language::Rust {
            return;
        }
        let is_self = |at: usize| at == 0 && closure.this.is_some();
        let mut left = Vec::new();
        for (at, param) in function.params.iter().enumerate() {
            if is_self(at) && param_name(param).is_some_and(|name| name.as_str() == "self") {
                continue;
            }
            let value = param_name(param).and_then(|name| self.state.variable(scope, name));
            left.push(value.map(|value| (value, param.lent)));
        }
        self.lent = Lent::Back(left);
    }

    /// Notes that the elements of what a loop goes over were changed in it.
    pub(super) fn note_changed_elements(
        &mut self,
        m: &Module,
        pattern: &Pattern,
        iterable: ExprId,
        over: &Value,
        element: &Value,
    ) {
        let (Language::Rust, Pattern::Name(name)) = (self.language, pattern) else { return };
        let is_changing = match &m.expr(iterable).kind {
            ExprKind::Lent(_) => true,
            ExprKind::Call(call) => {
                matches!(&m.expr(call.callee).kind, ExprKind::Member(_, name) if name.as_str() == "iter_mut")
            }
            _ => false,
        };
        let now = self.look_up(*name).filter(|now| is_changing && now.id != element.id);
        if let Some(now) = now.filter(|_| self.state.contents(over.id).is_some()) {
            self.fill_contents(over, &now, 1);
        }
    }
}

/// Returns the place that an argument is, and whether it is marked as lent.
fn lent_place(m: &Module, arg: ExprId) -> (ExprId, bool) {
    match m.expr(arg).kind {
        ExprKind::Lent(place) => (place, is_place(m, place)),
        _ => (arg, false),
    }
}

/// Says whether an expression is a place that can be looked at twice.
fn is_place(m: &Module, id: ExprId) -> bool {
    match &m.expr(id).kind {
        ExprKind::Name(_) => true,
        ExprKind::Member(object, _) => is_place(m, *object),
        ExprKind::Index(object, key) => {
            is_place(m, *object) && matches!(m.expr(*key).kind, ExprKind::Const(_) | ExprKind::Name(_))
        }
        _ => false,
    }
}
