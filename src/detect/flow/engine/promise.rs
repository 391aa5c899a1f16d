//! Promises that a function of the code makes: what it resolves them with.

use super::Engine;
use super::call::Args;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Kind, Shape, Value};
use std::rc::Rc;

impl Engine<'_> {
    /// Returns what `new Promise((resolve, reject) => ...)` is resolved with, where the function is of the code and does so.
    pub(super) fn promised(&mut self, args: &Args, span: (u32, u32)) -> Option<Value> {
        let function = args.value(0).filter(|v| matches!(v.kind, Kind::Function(_)))?.clone();
        let empty = || Contents { list: Some(Vec::new()), ..Contents::default() };
        // What it is resolved with is kept in a list, to which calling `resolve` adds.
        let mut settlers = Vec::new();
        for what in ["resolve", "reject"] {
            let list = self.object(Shape::List, empty(), span);
            let list = Rc::new(Data { id: super::number(&(what, list.id)), ..list.as_ref().clone() });
            self.state.set_contents(list.id, empty());
            let id = super::number(&("settle", list.id));
            settlers.push((list.clone(), Rc::new(Data::new(id, Kind::Bound(list, Name::new("push"))))));
        }
        self.call_back(&function, settlers.iter().map(|(_, settle)| settle.clone()).collect(), span);
        self.state.contents(settlers[0].0.id)?.any()
    }
}
