//! Types of Rust that check what they are read from: an own `Deserialize`, `#[serde(try_from = "String")]`.

use super::Engine;
use super::call::Args;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::catalog::{ALL, Classes};
use crate::detect::flow::ir::{Class, ClassId, Const, ExprKind, Function, FunctionId, Module, Type};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Closure, Data, Labels, Origin, Shape, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

/// Calls that may be followed further while a type's own reading is looked at.
const PROBE_CALLS: usize = 4;

impl Engine<'_> {
    /// Returns a value that was read as a type of the code: harmless to the classes that the reading would have failed for.
    pub(super) fn read_as(&mut self, value: &Value, declared: Option<(usize, ClassId)>) -> Value {
        let Some((module, class)) = declared.filter(|_| !value.labels.is_empty()) else { return value.clone() };
        match self.checked_by_type(module, class) {
            0 => value.clone(),
            classes => value.with_labels(value.labels.cleaned(classes)),
        }
    }

    /// Returns the classes that what is read as a type of the code is harmless to.
    fn checked_by_type(&mut self, module: usize, class: ClassId) -> Classes {
        let handle = self.module(module);
        let Some(name) = handle.class(class).name.filter(|_| self.language == Language::Rust) else { return 0 };
        if let Some(known) = self.checked_types.get(&(module, name)) {
            return *known;
        }
        if !self.state.alive {
            return 0;
        }
        // While it is looked at, a type that holds itself is not known to check anything.
        self.checked_types.insert((module, name), 0);
        let readers = readers(&handle, name);
        let classes = readers.iter().fold(ALL, |all, reader| all & self.classes_of_reader(module, *reader));
        let classes = if readers.is_empty() { 0 } else { classes };
        self.checked_types.insert((module, name), classes);
        classes
    }

    /// Runs a function that makes a value of text, or fails, and returns the classes that its success is harmless to. What
    /// else it does is looked at where it is run for itself.
    fn classes_of_reader(&mut self, module: usize, function: FunctionId) -> Classes {
        let span = self.module(module).function(function).span;
        let place = (module, span);
        let origin = Origin { trust: Trust::Parameter, what: String::new(), only: 0, hint: true, place };
        let given = Data::unknown(super::number(&("read", place)), Labels::source(origin));
        let state = self.state.fork();
        let (found, settled) = (std::mem::take(&mut self.found), std::mem::take(&mut self.settled));
        let (pending, visited) = (std::mem::take(&mut self.pending), self.visited.clone());
        let (raised, deep) = (self.raised.take(), self.max_calls);
        self.max_calls = self.frames.len() + PROBE_CALLS;
        let result = self.in_module(module, |e| {
            let scopes = Rc::from([e.units[module].scope]);
            let closure = Closure { module, function, scopes, this: None };
            let made = e.invoke(&closure, &Args::of(vec![given], span), span);
            e.succeeded(&made)
        });
        let labels = self.state.reach(&result);
        (self.found, self.settled, self.pending, self.visited) = (found, settled, pending, visited);
        (self.raised, self.max_calls, self.state) = (raised, deep, state);
        let own = labels.all().iter().filter(|label| label.origin.place == place);
        own.fold(ALL, |all, label| all & label.cleaned)
    }

    /// Returns what an extractor of several parts brings: `Path<(Name, u32)>` a pair, each part as its own type lets it through.
    pub(super) fn extracted_parts(&mut self, of: &Type, labels: &Labels, id: u64, at: (u32, u32)) -> Option<Value> {
        if self.language != Language::Rust {
            return None;
        }
        if let Some((module, of)) = self.alias_of(of) {
            return self.in_module(module, |e| e.extracted_parts(&of, labels, id, at));
        }
        let [inner] = of.args.as_slice() else { return None };
        if inner.name.as_str() != "()" || inner.args.len() < 2 {
            return None;
        }
        let mut list = Vec::new();
        for (number, of) in inner.args.iter().enumerate() {
            let part = Data::unknown(super::number(&("part", id, number)), labels.clone());
            let declared = self.class_of_type(of);
            let part = Rc::new(Data { declared, ..part.as_ref().clone() });
            list.push(if self.is_clean(of) { self.number_of(&part) } else { self.read_as(&part, declared) });
        }
        let contents = Contents { list: Some(list), ..Contents::default() };
        Some(self.object(Shape::List, contents, at))
    }
}

/// Returns the functions that a type is read with, where they are its own: that of an `impl Deserialize`, or the conversion
/// that `#[serde(try_from = "String")]` names.
fn readers(m: &Module, name: Name) -> Vec<FunctionId> {
    let from = m.classes.iter().filter(|class| class.name == Some(name)).find_map(|class| source_type(m, class));
    let wanted = if from.is_some() { "try_from" } else { "deserialize" };
    let is_wanted = |function: &Function| {
        let class = function.class.and_then(|id| m.classes.get(id.0 as usize));
        let is_own = class.is_some_and(|class| class.name == Some(name));
        is_own && function.name.is_some_and(|n| n.as_str() == wanted)
    };
    let takes = |function: &Function, from: &str| {
        let of = function.params.first().and_then(|p| p.of_type.as_ref());
        of.is_some_and(|of| of.name.last() == from)
    };
    let all = m.functions.iter().enumerate().filter(|(_, f)| is_wanted(f)).collect::<Vec<_>>();
    // Of several conversions, the one from the type that is named.
    let exact = |f: &Function| from.as_deref().is_some_and(|from| takes(f, from));
    let one = all.iter().any(|(_, f)| exact(f));
    let ids = all.into_iter().filter(|(_, f)| !one || exact(f)).filter_map(|(n, _)| u32::try_from(n).ok());
    ids.map(FunctionId).collect()
}

/// Returns the type that `#[serde(try_from = "...")]` names.
fn source_type(m: &Module, class: &Class) -> Option<String> {
    class.decorators.iter().find_map(|decorator| {
        let ExprKind::Call(call) = &m.expr(*decorator).kind else { return None };
        let is_serde = matches!(&m.expr(call.callee).kind, ExprKind::Name(name) if name.as_str() == "serde");
        let given = call.args.iter().find(|arg| arg.name.is_some_and(|name| name.as_str() == "try_from"))?;
        match &m.expr(given.value).kind {
            ExprKind::Const(Const::Text(text)) if is_serde => Some(text.to_string()),
            _ => None,
        }
    })
}
