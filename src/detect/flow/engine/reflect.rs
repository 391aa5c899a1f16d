//! Functions that are looked up by a name of a stranger: calling one runs what the stranger chose, reading an attribute runs
//! nothing.

use super::Engine;
use crate::detect::flow::value::{Data, Kind, Shape, Value};
use std::rc::Rc;

impl Engine<'_> {
    /// Notes that a value was looked up under a name that somebody sent, whole: one that begins as the code says is one of a
    /// few.
    pub(super) fn looked_up(&mut self, object: &Value, name: &Value, found: Value) -> Value {
        if !name.prefix().is_empty() || self.state.reach(name).is_empty() {
            return found;
        }
        let id = super::number(&("attribute", object.id, name.id));
        let is_own = matches!(object.kind, Kind::Object(Shape::Instance(..)) | Kind::Class(..));
        self.looked_up.insert(id, (name.clone(), is_own));
        Rc::new(Data { id, ..found.as_ref().clone() })
    }

    /// Looks at a call of what was looked up. The methods of a class of the code are few, and its author's.
    pub(super) fn called_by_name(&mut self, callee: &Value, span: (u32, u32)) {
        let Some((name, is_own)) = self.looked_up.get(&callee.id).cloned() else { return };
        let name = self.state.checked(&name);
        self.is_hint_sink = is_own;
        self.record_at("code", "getattr", &name, span);
        self.is_hint_sink = false;
    }
}
