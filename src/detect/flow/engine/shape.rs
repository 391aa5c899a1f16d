//! Schemas that data is read with: what each field can be afterwards.

use super::Engine;
use super::call::Args;
use super::member::Key;
use crate::detect::flow::catalog::Classes;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Kind, Shape, Value};
use std::rc::Rc;

/// How deep schemas inside schemas are followed.
const MAX_DEPTH: u32 = 5;

impl Engine<'_> {
    /// Makes a schema, or reads data with one.
    pub(super) fn shape_operation(
        &mut self,
        operation: Operation,
        keys: &[Name],
        object: &Value,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        match operation {
            Operation::Shape => {
                let mut contents = self.state.contents(object.id)?.as_ref().clone();
                let more = args.value(0).and_then(|v| self.state.contents(v.id));
                for (key, value) in more.iter().flat_map(|c| &c.entries) {
                    contents.set(key.clone(), value.clone());
                }
                let kind = keys.first().map_or(Kind::Unknown, |key| self.result_kind(*key));
                let place = self.place(span);
                let schema = self.fresh(place, kind);
                self.state.set_contents(schema.id, contents);
                Some(schema)
            }
            Operation::ParseShape => {
                let data = args.value(0)?.clone();
                self.state.contents(object.id)?;
                let read = self.read_with(object, &data, span, 0);
                let under = match keys.first().map(|key| key.last()) {
                    Some("safeParse" | "safeParseAsync") => "data",
                    Some("validate") => "value",
                    _ => return Some(read),
                };
                let mut contents = Contents::default();
                contents.set(Self::named(under), read);
                for name in ["success", "error"] {
                    let truth = self.truth_value(&[object, &data]);
                    contents.set(Self::named(name), truth);
                }
                Some(self.object(Shape::Map, contents, (span.1, span.0)))
            }
            _ => None,
        }
    }

    /// Returns what a schema makes of data: the fields that it names.
    fn read_with(&mut self, schema: &Value, data: &Value, span: (u32, u32), depth: u32) -> Value {
        let names_fields = depth < MAX_DEPTH && self.names_fields(schema);
        let Some(fields) = self.state.contents(schema.id).filter(|_| names_fields) else {
            return self.read_field(schema, data);
        };
        let mut contents = Contents::default();
        for (key, of) in &fields.entries {
            let Key::Name(name) = key else { continue };
            let field = self.member(data, *name, span);
            let field = self.read_with(of, &field, span, depth + 1);
            contents.set(key.clone(), field);
        }
        let at = (span.0, span.1 + depth);
        let place = self.place(at);
        let id = super::number(&("shaped", place, schema.id, data.id));
        let value = Rc::new(Data::new(id, Kind::Object(Shape::Map)));
        self.state.set_contents(id, contents);
        value
    }

    /// Says whether a schema is one of an object with fields, not of a text with options.
    fn names_fields(&self, schema: &Value) -> bool {
        let reads = |path: Name, method: &str| {
            let operation = self.catalog.operation(self.catalog.canonical(path.join(method)));
            matches!(operation, Some((Operation::ParseShape, _)))
        };
        matches!(schema.kind, Kind::Path(path) if reads(path, "parse") || reads(path, "validate"))
    }

    fn read_field(&self, schema: &Value, data: &Value) -> Value {
        let classes_of = |path: Name| -> Classes {
            let parse = self.catalog.canonical(path.join("parse"));
            let validate = self.catalog.canonical(path.join("validate"));
            let entries = self.catalog.sanitizers(parse).iter().chain(self.catalog.sanitizers(validate));
            entries.fold(0, |all, e| all | e.classes)
        };
        let known = match schema.kind {
            Kind::Path(path) => classes_of(path),
            _ => 0,
        };
        let bits = |names: &[&str]| names.iter().fold(0, |all, c| all | self.catalog.bit_of(c));
        // Of a schema that is not known only this much is: it is there to keep out what it does not name.
        let classes = if known == 0 { bits(&["nosql", "mass-assignment", "prototype-pollution"]) } else { known };
        let id = super::number(&("field", data.id, schema.id));
        Rc::new(Data { id, labels: self.state.reach(data).cleaned(classes), ..data.as_ref().clone() })
    }
}
