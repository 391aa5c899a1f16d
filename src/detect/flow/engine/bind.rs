//! Functions with an object that was given to them: `bind`, `call`, `apply`.

use super::Engine;
use super::call::Args;
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Closure, Data, Kind, Value};
use std::rc::Rc;

impl Engine<'_> {
    /// Returns a function of a library with its object: `document.createTextNode.bind(document)`.
    pub(super) fn bound_of_library(&self, receiver: &Value, name: Name, args: &Args) -> Option<Value> {
        if !matches!(receiver.kind, Kind::Path(_)) || name.as_str() != "bind" || !self.language.is_script() {
            return None;
        }
        if !receiver.is_name || !receiver.labels.is_empty() {
            return None;
        }
        let given: Vec<Value> = args.positional.iter().skip(1).map(|(v, _)| v.clone()).collect();
        if given.is_empty() {
            return Some(receiver.clone());
        }
        let id = super::number(&("bind", receiver.id));
        Some(Rc::new(Data::new(id, Kind::Partial(receiver.clone(), given.into()))))
    }

    /// JavaScript's methods of functions.
    pub(super) fn call_function_method(
        &mut self,
        closure: &Closure,
        name: &str,
        receiver: &Value,
        args: &Args,
        span: (u32, u32),
    ) -> Value {
        let mut closure = closure.clone();
        closure.this = args.value(0).cloned().or(closure.this);
        match name {
            "bind" => {
                let rest: Vec<Value> = args.positional.iter().skip(1).map(|(v, _)| v.clone()).collect();
                let function = Rc::new(Data { kind: Kind::Function(closure), ..receiver.as_ref().clone() });
                let id = super::number(&("bind", receiver.id));
                Rc::new(Data::new(id, Kind::Partial(function, rest.into())))
            }
            "apply" => {
                let list = args.value(1).cloned().unwrap_or_else(|| Data::constant(Const::Null));
                let known = self.state.contents(list.id).and_then(|c| c.list.clone());
                let mut inner = Args::of(known.unwrap_or_default(), span);
                if inner.positional.is_empty() {
                    inner.rest = Some((self.element_of(&list, span), span));
                }
                self.invoke(&closure, &inner, span)
            }
            _ => {
                let mut inner = args.clone();
                if !inner.positional.is_empty() {
                    inner.positional.remove(0);
                }
                self.invoke(&closure, &inner, span)
            }
        }
    }
}
