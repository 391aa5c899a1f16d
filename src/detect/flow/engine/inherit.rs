//! What classes have from their bases: methods that `super` calls, the constructors of libraries, enumerations.

use super::Engine;
use super::call::Args;
use super::invoke::param_name;
use super::member::Key;
use crate::detect::flow::ir::{ClassId, ExprId, ExprKind, Module};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Closure, Data, Kind, Shape, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

/// How far up the bases of a class are looked at.
const MAX_BASES: u32 = 6;

impl Engine<'_> {
    /// Says whether an expression is `super()`, in JavaScript `super`.
    pub(super) fn is_super(&self, m: &Module, expr: ExprId) -> bool {
        let is_name = |id: ExprId| matches!(m.expr(id).kind, ExprKind::Name(name) if name.as_str() == "super");
        match &m.expr(expr).kind {
            ExprKind::Call(call) => self.language == Language::Python && is_name(call.callee),
            _ => self.language.is_script() && is_name(expr),
        }
    }

    /// Calls a method of the bases of the class that runs.
    pub(super) fn call_super(&mut self, name: Name, args: &Args, span: (u32, u32)) -> Option<Value> {
        let frame = self.frames.last()?;
        let (module, id) = (frame.module, frame.function?);
        let handle = self.module(module);
        let class = handle.function(id).class?;
        let this = match self.language {
            Language::Python => self.look_up(param_name(handle.function(id).params.first()?)?)?,
            _ => frame.this.clone()?,
        };
        for base in &handle.class(class).bases {
            let base = self.in_module(module, |e| e.eval(&handle, *base));
            match base.kind {
                Kind::Class(m, c) => {
                    let member = self.class_member(m, c, name, Some(&this));
                    match member.as_ref().map(|value| &value.kind) {
                        Some(Kind::Function(closure)) => {
                            let closure = Closure { this: Some(this), ..closure.clone() };
                            return Some(self.invoke(&closure, args, span));
                        }
                        Some(Kind::Path(path)) => return Some(self.call_library(&[*path], Some(&this), args, span)),
                        None if is_constructor(name) => self.construct_base((m, c), &this, args, span),
                        _ => {}
                    }
                }
                Kind::Path(path) if is_constructor(name) => self.made_by_library(path, &this, args, span),
                Kind::Path(path) => {
                    let path = self.catalog.canonical(path.member(name));
                    return Some(self.call_library(&[path], Some(&this), args, span));
                }
                _ => {}
            }
        }
        is_constructor(name).then_some(this)
    }

    /// Does for an object what the constructors of a class's bases in libraries do.
    pub(super) fn construct_base(&mut self, class: (usize, ClassId), object: &Value, args: &Args, span: (u32, u32)) {
        let mut paths = Vec::new();
        self.base_paths(class.0, class.1, &mut paths, 0);
        // One that says itself which classes may be loaded loads no others.
        let chooses = self
            .class_member(class.0, class.1, Name::new("find_class"), None)
            .is_some_and(|v| matches!(v.kind, Kind::Function(_)));
        for path in paths.into_iter().filter(|path| !chooses || path.last() != "Unpickler") {
            self.made_by_library(path, object, args, span);
        }
    }

    /// Calls the constructor of a library's class for an object of the code's own: the object holds what it was given.
    fn made_by_library(&mut self, path: Name, object: &Value, args: &Args, span: (u32, u32)) {
        let made = self.call_library(&[path], None, args, span);
        let labels = self.state.reach(&made);
        if !labels.is_empty() {
            let held = Data::unknown(super::number(&("held", object.id)), labels);
            self.state.contents_mut(object.id).blur(&held);
        }
    }

    /// Adds the paths of a class's bases and decorators, bases of the code looked through.
    pub(super) fn base_paths(&mut self, module: usize, id: ClassId, paths: &mut Vec<Name>, depth: u32) {
        let m = self.module(module);
        for base in &m.class(id).bases {
            match self.in_module(module, |e| e.eval(&m, *base)).kind {
                Kind::Path(path) => paths.push(path),
                Kind::Class(of, base) if depth < MAX_BASES && (of, base) != (module, id) => {
                    self.base_paths(of, base, paths, depth + 1);
                }
                _ => {}
            }
        }
        for decorator in &m.class(id).decorators {
            paths.extend(self.in_module(module, |e| e.decorator_keys(&m, *decorator)));
        }
    }

    /// Says whether a class is an enumeration, or one of its bases is.
    pub(super) fn is_enum(&mut self, module: usize, class: ClassId, depth: u32) -> bool {
        let handle = self.module(module);
        let definition = handle.class(class);
        if definition.is_enum || depth > MAX_BASES || self.language != Language::Python {
            return definition.is_enum;
        }
        definition.bases.iter().any(|base| match self.in_module(module, |e| e.eval(&handle, *base)).kind {
            Kind::Class(m, c) if (m, c) != (module, class) => self.is_enum(m, c, depth + 1),
            _ => false,
        })
    }

    /// Says whether a conversion of Rust is the function that runs now.
    pub(super) fn is_under_way(&self, found: &Value) -> bool {
        let Kind::Function(closure) = &found.kind else { return false };
        let is_same = |f: &super::Frame| f.module == closure.module && f.function == Some(closure.function);
        self.language == Language::Rust && self.frames.last().is_some_and(is_same)
    }

    /// Returns what a form or the like has read: under the name of each field, what the field's type lets through.
    pub(super) fn read_by_fields(&mut self, form: &Value, name: Name, read: Value) -> Value {
        let Kind::Object(Shape::Instance(module, class)) = form.kind else { return read };
        let class = (module, class);
        if read.labels.is_empty() || !matches!(name.as_str(), "cleaned_data" | "validated_data") {
            return read;
        }
        // Nothing is read but the fields that it names.
        let read = read.with_labels(read.labels.cleaned(self.catalog.bit_of("mass-assignment")));
        let mut contents = Contents::default();
        self.fields_up(class, &read, &mut contents, 0);
        if contents.entries.is_empty() {
            return read;
        }
        let id = super::number(&("read", read.id));
        contents.rest = Some(Data::unknown(super::number(&("other", read.id)), read.labels.clone()));
        self.state.set_contents(id, contents);
        Rc::new(Data::new(id, Kind::Object(Shape::Map)))
    }

    fn fields_up(&mut self, (module, class): (usize, ClassId), read: &Value, contents: &mut Contents, depth: u32) {
        let handle = self.module(module);
        for base in &handle.class(class).bases {
            if let Kind::Class(m, c) = self.in_module(module, |e| e.eval(&handle, *base)).kind
                && depth < MAX_BASES
                && (m, c) != (module, class)
            {
                self.fields_up((m, c), read, contents, depth + 1);
            }
        }
        let Some(fields) = self.state.contents(super::member::class_id(module, class)) else { return };
        for (key, field) in &fields.entries {
            let (Key::Name(name), Kind::Path(path)) = (key, &field.kind) else { continue };
            let clean = self.catalog.canonical(path.join("clean"));
            let classes = self.catalog.sanitizers(clean).iter().fold(0, |all, e| all | e.classes);
            if classes != 0 {
                let id = super::number(&("field", read.id, *name));
                contents.set(key.clone(), Data::unknown(id, read.labels.cleaned(classes)));
            }
        }
    }
}

fn is_constructor(name: Name) -> bool {
    matches!(name.as_str(), "__init__" | "constructor")
}
