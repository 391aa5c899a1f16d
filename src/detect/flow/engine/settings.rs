//! Things of libraries with settings that are made by calls: what was set, and what was not.

use super::Engine;
use super::call::Args;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key};
use crate::detect::flow::value::{Data, Kind, Value};
use std::rc::Rc;

/// Under what the name is kept that a thing was made with: of a cookie, of an element.
pub(super) const NAME: &str = "(name)";
/// Under what it is kept that a thing was made with a name and no text: a cookie that is taken back.
pub(super) const EMPTY: &str = "(empty)";

impl Engine<'_> {
    /// Makes a thing of which nothing has been set, or sets something of it.
    pub(super) fn settings_operation(
        &mut self,
        operation: Operation,
        keys: &[Name],
        object: Option<&Value>,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        if operation == Operation::Setting {
            let (object, name) = (object?, keys.first()?.last());
            let name = name.strip_prefix("set_").unwrap_or(name);
            if self.state.contents(object.id).is_some() {
                let value = args.value(0)?.clone();
                self.state.contents_mut(object.id).set(Key::Name(Name::new(name)), value);
            }
            return Some(object.clone());
        }
        let made = self.unknown_result(keys, None, args, span);
        // Every one is a thing of its own.
        let id = super::number(&("thing", made.id, self.place(span)));
        let mut contents = Contents::default();
        if let Some(name) = self.name_given(args) {
            contents.set(Key::Name(Name::new(NAME)), name);
        }
        if args.value(1).is_some_and(|value| value.as_text() == Some("")) {
            contents.set(Key::Name(Name::new(EMPTY)), Data::constant(Const::Bool(true)));
        }
        self.state.set_contents(id, contents);
        Some(Rc::new(Data { id, ..made.as_ref().clone() }))
    }

    /// Returns the name that a thing is made with: the first argument, or the first of a pair.
    fn name_given(&self, args: &Args) -> Option<Value> {
        let first = args.value(0)?;
        let pair = self.state.contents(first.id).and_then(|c| c.list.as_ref().and_then(|list| list.first().cloned()));
        let name = if matches!(first.kind, Kind::Object(_)) { pair? } else { first.clone() };
        name.as_text().is_some().then_some(name)
    }
}
