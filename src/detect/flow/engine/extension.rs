//! Methods that a trait of the code adds to types of the language: `impl Escape for str`.

use super::Engine;
use crate::detect::flow::ir::{FunctionId, Method, Module, StmtKind};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Closure, Kind, Shape, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

impl Engine<'_> {
    /// Returns the method of a trait of this file, or of one that it imports, for a value whose type is the language's own or
    /// not known. What the catalog speaks of comes first.
    pub(super) fn extension_method(&mut self, receiver: &Value, name: Name) -> Option<Closure> {
        let is_open = match &receiver.kind {
            Kind::Unknown
            | Kind::Const(_)
            | Kind::OneOf(_)
            | Kind::Text(_)
            | Kind::Object(Shape::List | Shape::Map) => true,
            Kind::Path(path) => !receiver.is_name && super::handler::is_plain_type(Language::Rust, *path),
            _ => false,
        };
        if self.language != Language::Rust || !is_open || receiver.declared.is_some() {
            return None;
        }
        if self.method_keys(receiver, name).iter().any(|key| self.catalog.speaks_of(*key)) {
            return None;
        }
        let here = self.here();
        let mut modules = vec![here];
        let handle = self.module(here);
        for stmt in &handle.body {
            let StmtKind::Import(import) = &stmt.kind else { continue };
            let Some(Kind::Path(path)) = self.look_up(import.local).map(|v| v.kind.clone()) else { continue };
            if self.is_local_path(path)
                && let Some(Kind::Class(module, _)) = self.local(path, (0, 0)).map(|v| v.kind.clone())
                && !modules.contains(&module)
            {
                modules.push(module);
            }
        }
        modules.into_iter().find_map(|module| {
            let handle = self.module(module);
            let function = added(&handle, name)?;
            let scopes = Rc::from([self.units[module].scope]);
            Some(Closure { module, function, scopes, this: Some(receiver.clone()) })
        })
    }
}

/// Returns the only method of a name that a trait gives to a type that the file does not define.
fn added(m: &Module, name: Name) -> Option<FunctionId> {
    let is_defined = |of: Name| m.classes.iter().any(|c| c.name == Some(of) && (c.is_enum || !c.fields.is_empty()));
    let mut found = None;
    for class in m.classes.iter().filter(|c| c.name.is_some_and(|of| !is_defined(of))) {
        let functions = class.body.iter().filter_map(|stmt| match stmt.kind {
            StmtKind::Function(id) if m.function(id).name == Some(name) => Some(id),
            _ => None,
        });
        for id in functions.filter(|id| m.function(*id).method != Method::Static) {
            if found.is_some() {
                return None;
            }
            found = Some(id);
        }
    }
    found
}
