//! What tests say: a check that holds makes a value harmless, on the ways where it holds.

use super::Engine;
use crate::detect::flow::catalog::{Classes, OWN_HOST};
use crate::detect::flow::ir::Op;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Data, Facts, Findings, Value, both};
use std::rc::Rc;

impl Engine<'_> {
    /// Takes in what follows from a value being true, or false.
    pub(super) fn assume(&mut self, test: &Value, truth: bool) {
        let Some(facts) = &test.facts else { return };
        let found = if truth { &facts.when_true } else { &facts.when_false };
        for (id, classes) in found {
            self.state.clean(*id, *classes);
        }
    }

    /// Notes what was found out of values.
    pub(super) fn clean_found(&mut self, found: &Findings) {
        found.iter().for_each(|(id, classes)| self.state.clean(*id, *classes));
    }

    /// Notes that a value, and what it is a trivial form of, is harmless to classes from here on.
    pub(super) fn clean_value(&mut self, value: &Value, classes: Classes) {
        for (id, classes) in finding(value, classes) {
            self.state.clean(id, classes);
        }
    }

    /// Returns what follows from the host of an address being there or not: without one, it leads to the program itself, if
    /// browsers and libraries read it alike.
    pub(super) fn without_host(&self, path: Name, whole: Option<(u64, Classes)>) -> Option<Rc<Facts>> {
        let (id, _) = whole.filter(|(_, classes)| classes & self.catalog.bit_of("redirect") != 0)?;
        let is_host = matches!(path.last(), "netloc" | "hostname" | "host");
        is_host.then(|| Rc::new(Facts { when_true: Vec::new(), when_false: vec![(id, OWN_HOST)] }))
    }

    /// Returns a value that says something of others by its truth.
    pub(super) fn with_facts(&self, value: Value, when_true: Findings, when_false: Findings) -> Value {
        if when_true.is_empty() && when_false.is_empty() {
            return value;
        }
        Rc::new(Data { facts: Some(Rc::new(Facts { when_true, when_false })), ..value.as_ref().clone() })
    }

    /// Returns a value that a function gives back, with what the way to it has found out.
    pub(super) fn with_findings(&mut self, value: Value) -> Value {
        let began = self.frame().began.clone();
        let found = self.state.cleaned_since(&began);
        if found.is_empty() {
            return value;
        }
        let mut facts = value.facts.as_deref().cloned().unwrap_or_default();
        if value.verdict() != Some(false) {
            facts.when_true.extend(found.iter().copied());
        }
        if value.verdict() != Some(true) {
            facts.when_false.extend(found);
        }
        self.with_facts(value, facts.when_true, facts.when_false)
    }

    /// Returns what follows from `not value`.
    pub(super) fn negated(&self, test: &Value, value: Value) -> Value {
        match &test.facts {
            Some(facts) => self.with_facts(value, facts.when_false.clone(), facts.when_true.clone()),
            None => value,
        }
    }

    /// Returns what follows from two tests joined by `and` or `or`.
    pub(super) fn combined(&self, op: Op, a: &Value, b: &Value, value: Value) -> Value {
        let none = Rc::new(Facts::default());
        let (x, y) = (a.facts.as_ref().unwrap_or(&none), b.facts.as_ref().unwrap_or(&none));
        let all = |a: &Findings, b: &Findings| a.iter().chain(b).copied().collect::<Findings>();
        let (when_true, when_false) = match op {
            Op::And => (all(&x.when_true, &y.when_true), both(&x.when_false, &y.when_false)),
            _ => (both(&x.when_true, &y.when_true), all(&x.when_false, &y.when_false)),
        };
        let value = Rc::new(Data { facts: None, ..value.as_ref().clone() });
        self.with_facts(value, when_true, when_false)
    }
}

/// Returns the number of a value and that of what it is a trivial form of.
pub(super) fn ids(value: &Value) -> impl Iterator<Item = u64> + use<> {
    [Some(value.id), value.origin.map(|(id, _)| id)].into_iter().flatten()
}

/// Makes findings of one value.
pub(super) fn finding(value: &Value, classes: Classes) -> Findings {
    if value.labels.is_empty() {
        return Vec::new();
    }
    let whole = value.origin.map(|(id, of)| (id, classes & of));
    [Some((value.id, classes)), whole].into_iter().flatten().filter(|(_, classes)| *classes != 0).collect()
}
