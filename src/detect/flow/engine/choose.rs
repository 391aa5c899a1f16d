//! Values that are chosen among others, changed in a copy, or looked for; functions with some of their arguments.

use super::Engine;
use super::call::Args;
use super::member::{Key, key_of_const};
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::ir::Const;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Kind, Value, join};
use std::rc::Rc;

impl Engine<'_> {
    /// Picks one of several, changes a copy, or says whether something is there.
    pub(super) fn chosen(
        &mut self,
        operation: Operation,
        object: Option<&Value>,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        match operation {
            Operation::Pick => {
                let mut all = args.positional.iter().map(|(v, _)| v.clone());
                let first = all.next().or_else(|| args.rest.as_ref().map(|(v, _)| v.clone()))?;
                let others: Vec<Value> = all.collect();
                let first =
                    if others.is_empty() && args.rest.is_none() { self.element_of(&first, span) } else { first };
                Some(others.iter().fold(first, |picked, other| join(&picked, other)))
            }
            Operation::WithFields => {
                let object = object.or(args.value(0))?.clone();
                let copy = self.list_operation(Operation::Copy, &object, &Args::default(), span)?;
                for (name, value, _) in &args.named {
                    self.state.contents_mut(copy.id).set(Key::Name(*name), value.clone());
                }
                Some(copy)
            }
            Operation::Has2 => {
                let place = args.value(0)?;
                let inner = self.state.contents(object?.id)?.get(&key_of_const(place)?).ok().cloned()?;
                let there = || Some(Data::constant(Const::Bool(true)));
                let Some(option) = args.value(1) else { return there() };
                let contents = self.state.contents(inner.id)?;
                match contents.get(&key_of_const(option)?) {
                    Ok(_) => there(),
                    Err(None) if matches!(inner.kind, Kind::Object(_)) => Some(Data::constant(Const::Bool(false))),
                    Err(_) => None,
                }
            }
            _ => None,
        }
    }

    /// Makes a function with its first arguments, and those that have names.
    pub(super) fn partial(&mut self, object: Option<&Value>, args: &Args, span: (u32, u32)) -> Option<Value> {
        let function = object.or_else(|| args.value(0))?.clone();
        let skip = usize::from(object.is_none());
        let first: Vec<Value> = args.positional.iter().skip(skip).map(|(v, _)| v.clone()).collect();
        let id = super::number(&("partial", function.id, span));
        let mut named = Contents::default();
        for (name, value, _) in &args.named {
            named.set(Key::Name(*name), value.clone());
        }
        self.state.set_contents(id, named);
        Some(Rc::new(Data::new(id, Kind::Partial(function, first.into()))))
    }
}
