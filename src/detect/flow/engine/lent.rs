//! Rust's `&mut`: what another function does to what it was lent is done to what stands there.

use super::Engine;
use super::call::Args;
use super::fill::MAX_DEPTH;
use super::invoke::param_name;
use crate::detect::flow::ir::{Call, ExprId, ExprKind, Function, Module, Pattern};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Closure, Data, Kind, Labels, Value, join};
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

/// A variable that holds a reference.
pub(super) struct Reference {
    name: Name,
    /// What it refers to, and the variable that this begins with.
    place: ExprId,
    root: Option<Name>,
    /// Whether it surely refers to that and to nothing else.
    is_sure: bool,
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
        self.write_back(m, place, value, true);
    }

    /// Writes to a place; where it is not sure that this one is written, it may hold what it held, too.
    fn write_back(&mut self, m: &Module, place: ExprId, value: &Value, is_sure: bool) {
        let span = m.expr(place).span;
        match &m.expr(place).kind {
            ExprKind::Name(name) => {
                let value = self.assigned(value, name.as_str(), span);
                self.set_each(m, *name, &value, is_sure);
            }
            ExprKind::Member(..) | ExprKind::Index(..) if is_sure => self.assign_place(m, place, value, span),
            ExprKind::Member(..) | ExprKind::Index(..) => {
                if let Some(object) = varying_object(m, place) {
                    let object = self.eval(m, object);
                    self.fill_contents(&object, value, MAX_DEPTH);
                } else {
                    let old = self.eval(m, place);
                    self.assign_place(m, place, &join(&old, value), span);
                }
            }
            _ => {}
        }
    }

    /// Binds a pattern to a value, and remembers what a variable refers to that a reference is put into.
    pub(super) fn bind_noting(&mut self, m: &Module, pattern: &Pattern, value: &Value, from: ExprId) {
        let of = match (pattern, &m.expr(from).kind) {
            (Pattern::Name(name), ExprKind::Lent(place)) if self.language == Language::Rust && is_place(m, *place) => {
                Some((*name, *place))
            }
            _ => None,
        };
        let reference = of.map(|(name, place)| {
            let is_first = self.look_up(name).is_none();
            let mut others = self.frame().references.iter().filter(|known| known.name == name).peekable();
            // A variable that had a value may be another one, or hold that again where branches meet.
            let is_sure =
                if others.peek().is_none() { is_first } else { others.all(|r| r.place == place && r.is_sure) };
            let is_sure = is_sure && varying_object(m, place).is_none();
            Reference { name, place, root: root_of(m, place), is_sure }
        });
        self.bind(m, pattern, value, m.expr(from).span);
        if let Some(reference) = reference {
            let references = &mut self.frame().references;
            references.retain(|known| (known.name, known.place) != (reference.name, reference.place));
            references.push(reference);
        }
    }

    /// Notes that a name is bound to something else: what it referred to, and what referred to it, is not sure any more.
    pub(super) fn unsettle_references(&mut self, name: Name) {
        if let Some(frame) = self.frames.last_mut() {
            let touched = frame.references.iter_mut().filter(|known| known.name == name || known.root == Some(name));
            touched.for_each(|reference| reference.is_sure = false);
        }
    }

    /// Sets a variable, and what it refers to.
    pub(super) fn set_through(&mut self, m: &Module, name: Name, value: &Value) {
        self.set_each(m, name, value, true);
    }

    fn set_each(&mut self, m: &Module, name: Name, value: &Value, is_sure: bool) {
        // Taken out meanwhile: names may refer to one another in a circle.
        let all = self.frames.last_mut().map(|frame| std::mem::take(&mut frame.references)).unwrap_or_default();
        let (of, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|known| known.name == name);
        if let Some(frame) = self.frames.last_mut() {
            frame.references = others;
        }
        let is_only = of.len() == 1;
        for reference in &of {
            let is_this = matches!(m.expr(reference.place).kind, ExprKind::Name(other) if other == name);
            if !is_this {
                self.write_back(m, reference.place, value, is_sure && is_only && reference.is_sure);
            }
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.references.extend(of);
        }
        let old = self.look_up(name).filter(|_| !is_sure);
        self.set_where_known(name, old.map_or_else(|| value.clone(), |old| join(&old, value)));
    }

    /// Sets what a reference refers to: `*r = value`.
    pub(super) fn assign_through(&mut self, m: &Module, reference: ExprId, value: &Value, span: (u32, u32)) {
        match &m.expr(reference).kind {
            ExprKind::Name(name) => {
                let old = self.look_up(*name);
                let value = self.assigned(value, name.as_str(), span);
                self.sink_of_name(*name, &value, span);
                self.set_through(m, *name, &value);
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

/// Returns the variable that a place begins with.
fn root_of(m: &Module, place: ExprId) -> Option<Name> {
    match &m.expr(place).kind {
        ExprKind::Name(name) => Some(*name),
        ExprKind::Member(object, _) | ExprKind::Index(object, _) => root_of(m, *object),
        _ => None,
    }
}

/// Returns the object of which a place is a part that a variable names, which may hold something else later: `m[k]`.
fn varying_object(m: &Module, place: ExprId) -> Option<ExprId> {
    match &m.expr(place).kind {
        ExprKind::Member(object, _) => varying_object(m, *object),
        ExprKind::Index(object, key) => {
            varying_object(m, *object).or_else(|| (!matches!(m.expr(*key).kind, ExprKind::Const(_))).then_some(*object))
        }
        _ => None,
    }
}
