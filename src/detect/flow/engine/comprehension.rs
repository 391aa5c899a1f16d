//! Comprehensions, and what `any` and `all` say of what they go over.

use super::Engine;
use crate::detect::flow::StepKind;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::ir::{Clause, Comprehension, Const, Module, Pattern};
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Findings, Kind, Shape, Value, both};
use std::rc::Rc;

impl Engine<'_> {
    /// Returns the list or map that a comprehension makes.
    pub(super) fn comprehension(&mut self, m: &Module, comprehension: &Comprehension, span: (u32, u32)) -> Value {
        // What a condition says of an element holds for what is taken, not for the elements elsewhere.
        let before = self.state.fork();
        self.comprehensions += 1;
        let value = match comprehension.clauses.as_slice() {
            [Clause::For(pattern, iterable), tests @ ..] if tests.iter().all(|test| matches!(test, Clause::If(_))) => {
                let over = self.eval(m, *iterable);
                match self.known_elements(&over) {
                    Some(elements) => self.one_by_one(m, comprehension, pattern, &elements, span),
                    None => self.all_at_once(m, comprehension, Some(&over), span),
                }
            }
            _ => self.all_at_once(m, comprehension, None, span),
        };
        self.comprehensions -= 1;
        self.state.forget_checks(&before);
        value
    }

    /// Goes over a few values that are known.
    fn one_by_one(
        &mut self,
        m: &Module,
        comprehension: &Comprehension,
        pattern: &Pattern,
        elements: &[Value],
        span: (u32, u32),
    ) -> Value {
        let mut contents = Contents { list: comprehension.key.is_none().then(Vec::new), ..Contents::default() };
        let iterable = match comprehension.clauses.first() {
            Some(Clause::For(_, iterable)) => m.expr(*iterable).span,
            _ => span,
        };
        for element in elements {
            self.bind(m, pattern, element, iterable);
            let before = self.state.fork();
            let taken = self.is_taken(m, comprehension);
            if taken == Some(false) {
                continue;
            }
            let key = comprehension.key.map(|key| self.eval(m, key));
            let value = self.eval(m, comprehension.element);
            let value = self.state.checked(&value);
            let value = self.stepped(&value, self.place(iterable), StepKind::Part);
            let value = if taken.is_none() { without_facts(&value) } else { value };
            match &key {
                Some(key) => self.add_entry(&mut contents, Some(key), &value),
                None if taken.is_none() => contents.blur(&value),
                None => self.push_item(&mut contents, &value, false, span),
            }
            self.state.forget_checks(&before);
        }
        self.object(if comprehension.key.is_some() { Shape::Map } else { Shape::List }, contents, span)
    }

    /// Says whether an element is taken, where that is known, and takes in that it is.
    fn is_taken(&mut self, m: &Module, comprehension: &Comprehension) -> Option<bool> {
        let mut taken = Some(true);
        for clause in &comprehension.clauses {
            let Clause::If(test) = clause else { continue };
            let test = self.condition(m, *test);
            match test.truth() {
                Some(false) => return Some(false),
                Some(true) => {}
                None => taken = None,
            }
            self.assume(&test, true);
        }
        taken
    }

    /// Goes over what is not known, with one value that stands for each.
    fn all_at_once(
        &mut self,
        m: &Module,
        comprehension: &Comprehension,
        first: Option<&Value>,
        span: (u32, u32),
    ) -> Value {
        let mut element_span = span;
        let mut each: Option<(Value, Value)> = None;
        let mut is_all = comprehension.clauses.len() == 1;
        for (number, clause) in comprehension.clauses.iter().enumerate() {
            match clause {
                Clause::For(pattern, iterable) => {
                    element_span = m.expr(*iterable).span;
                    let over = match first.filter(|_| number == 0) {
                        Some(over) => over.clone(),
                        None => self.eval(m, *iterable),
                    };
                    let element = self.element_of(&over, element_span);
                    let is_sign = is_text(&over);
                    let element = if is_sign { Rc::new(Data { is_sign, ..element.as_ref().clone() }) } else { element };
                    self.bind(m, pattern, &element, element_span);
                    each = Some((element, over));
                }
                Clause::If(test) => {
                    let test = self.condition(m, *test);
                    self.assume(&test, true);
                    is_all = false;
                }
            }
        }
        let key = comprehension.key.map(|key| self.eval(m, key));
        let value = self.eval(m, comprehension.element);
        let value = self.state.checked(&value);
        let value = self.stepped(&value, self.place(element_span), StepKind::Part);
        let value = match each {
            Some((element, over)) if is_all => self.of_the_whole(&value, &element, &over),
            _ => without_facts(&value),
        };
        let shape = if key.is_some() { Shape::Map } else { Shape::List };
        let contents = Contents { rest: Some(value), keys: key, ..Contents::default() };
        self.object(shape, contents, span)
    }

    /// Adds to what a test says of each element that the whole is so: read only where it holds for all of them.
    fn of_the_whole(&self, value: &Value, element: &Value, over: &Value) -> Value {
        let Some(facts) = &value.facts else { return value.clone() };
        if matches!(over.kind, Kind::Object(_)) {
            return value.clone();
        }
        let whole = |found: &Findings| {
            let of = found.iter().filter(|(id, _)| *id == element.id).fold(0, |all, (_, classes)| all | classes);
            let origin = over.origin.map(|(id, classes)| (id, classes & of));
            let more = [Some((over.id, of)), origin].into_iter().flatten().filter(|(_, classes)| *classes != 0);
            found.iter().copied().chain(more).collect::<Findings>()
        };
        self.with_facts(value.clone(), whole(&facts.when_true), whole(&facts.when_false))
    }

    /// Returns what `any` and `all` say of a list of truths.
    pub(super) fn any_or_all(&mut self, operation: Operation, list: &Value) -> Option<Value> {
        let contents = self.state.contents(list.id)?;
        let truths: Vec<Option<bool>> = contents.all().map(|v| v.verdict().or(v.truth())).collect();
        let wanted = operation == Operation::AnyOf;
        let is_settled = truths.contains(&Some(wanted)) && contents.rest.is_none();
        let is_other = truths.iter().all(|t| *t == Some(!wanted));
        let truth = match (is_settled, is_other) {
            (true, _) => Data::constant(Const::Bool(wanted)),
            (_, true) => Data::constant(Const::Bool(!wanted)),
            _ => self.truth_value(&[list]),
        };
        let all = |pick: fn(&crate::detect::flow::value::Facts) -> &Findings| -> Vec<Findings> {
            contents.all().map(|v| v.facts.as_deref().map(|f| pick(f).clone()).unwrap_or_default()).collect()
        };
        let (held, lacking) = (all(|f| &f.when_true), all(|f| &f.when_false));
        let shared = |all: &[Findings]| {
            let (first, others) = all.split_first()?;
            Some(others.iter().fold(first.clone(), |known, more| both(&known, more)))
        };
        Some(if wanted {
            self.with_facts(truth, shared(&held).unwrap_or_default(), lacking.concat())
        } else {
            self.with_facts(truth, held.concat(), shared(&lacking).unwrap_or_default())
        })
    }
}

/// Says whether something is a text for sure, so that its elements are signs.
fn is_text(value: &Value) -> bool {
    match &value.kind {
        Kind::Text(_) => true,
        Kind::Path(path) => path.as_str() == "str",
        _ => false,
    }
}

fn without_facts(value: &Value) -> Value {
    if value.facts.is_none() {
        return value.clone();
    }
    Rc::new(Data { facts: None, ..value.as_ref().clone() })
}
