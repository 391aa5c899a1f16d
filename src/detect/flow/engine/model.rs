//! Classes that describe data: their defaults, and what becomes of them as maps.

use super::Engine;
use super::call::Args;
use super::member::Key;
use crate::detect::flow::catalog::Classes;
use crate::detect::flow::ir::{ClassId, ExprId, ExprKind, Module};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Kind, Shape, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

/// Methods that make a map of what a model holds.
const TO_MAP: [&str; 4] = ["model_dump", "dict", "to_dict", "asdict"];
/// Methods of pydantic's classes that make a model of data.
const READS: [&str; 4] = ["model_validate", "model_validate_json", "parse_obj", "parse_raw"];
/// Names of fields that only the program itself should set.
const PRIVILEGED: [&str; 16] = [
    "is_admin",
    "admin",
    "is_staff",
    "is_superuser",
    "superuser",
    "role",
    "roles",
    "permissions",
    "groups",
    "balance",
    "credit",
    "is_verified",
    "verified",
    "owner_id",
    "is_active",
    "approved",
];

impl Engine<'_> {
    /// Returns what a class variable holds at first: where it is described by a call (`field(default_factory=make)`), what the
    /// function that is given there makes.
    pub(super) fn first_value(&mut self, m: &Module, value: ExprId) -> Value {
        let made = self.eval(m, value);
        let ExprKind::Call(call) = &m.expr(value).kind else { return made };
        if self.language != Language::Python {
            return made;
        }
        let factory = call
            .args
            .iter()
            .find(|arg| arg.name.is_some_and(|n| matches!(n.as_str(), "default_factory" | "factory" | "default")));
        let Some(factory) = factory.map(|arg| arg.value) else { return made };
        let factory = self.eval(m, factory);
        match factory.kind {
            Kind::Function(_) | Kind::Partial(..) => self.call_back(&factory, Vec::new(), m.expr(value).span),
            Kind::Path(_) if factory.is_name => self.call_back(&factory, Vec::new(), m.expr(value).span),
            _ => made,
        }
    }

    /// Returns a model that data was read with as a map: it has the keys that the class names.
    pub(super) fn as_map(&mut self, object: &Value, name: Name, span: (u32, u32)) -> Option<Value> {
        let (module, class) = object.declared?;
        if self.language != Language::Python || !TO_MAP.contains(&name.as_str()) {
            return None;
        }
        let mut names = Vec::new();
        self.field_names(module, class, &mut names, 0);
        let is_open = names.iter().any(|n| PRIVILEGED.contains(&n.as_str())) || self.takes_more(module, class);
        if names.is_empty() || is_open {
            return None;
        }
        let mut contents = Contents::default();
        for name in names {
            let value = self.member(object, name, span);
            contents.set(Key::Name(name), value);
        }
        Some(self.object(Shape::Map, contents, span))
    }

    /// Returns the model that a class of the code reads from data: each field holds what its type lets through.
    pub(super) fn read_model(&mut self, class: &Value, name: Name, args: &Args) -> Option<Value> {
        let Kind::Class(module, id) = class.kind else { return None };
        if self.language != Language::Python || !READS.contains(&name.as_str()) {
            return None;
        }
        let own = self.class_member(module, id, name, None);
        if own.is_some_and(|own| matches!(own.kind, Kind::Function(_))) {
            return None;
        }
        let read = self.derived("model", &[args.value(0)?], Kind::Unknown);
        Some(Rc::new(Data { declared: Some((module, id)), ..read.as_ref().clone() }))
    }

    /// Returns the type that a member of this name has in code that is not known: `app.models.User.objects`.
    pub(super) fn type_by_name(&self, path: Name) -> Option<Name> {
        let (owner, last) = path.as_str().rsplit_once('.')?;
        let is_open = self.language == Language::Python && owner.contains('.') && !self.catalog.knows(Name::new(owner));
        if is_open { self.catalog.type_of(Name::new(&format!("*.{last}"))) } else { None }
    }

    /// Returns a field of a structure whose fields have types: numbers carry no attack.
    pub(super) fn declared_part(
        &mut self,
        object: &Value,
        id: u64,
        module: usize,
        class: ClassId,
        name: &str,
    ) -> Value {
        let handle = self.module(module);
        let field = handle.class(class).fields.iter().find(|(field, _)| field.as_str() == name).cloned();
        let value = Rc::new(Data { labels: object.labels.clone(), ..Data::new(id, Kind::Unknown) });
        let Some((_, Some(of))) = field else { return value };
        if self.is_clean(&of) {
            return self.number_of(&value);
        }
        let declared = self.in_module(module, |e| e.class_of_type(&of));
        if let Some((of, class)) = declared
            && self.is_enum(of, class, 0)
        {
            // One of a few names that the code gives.
            return self.number_of(&value);
        }
        let path = if declared.is_none() { self.in_module(module, |e| e.path_of_type(&of)) } else { None };
        let by_type = path.map_or(0, |path| self.harmless_by_type(path));
        let by_pattern = self.harmless_by_pattern(module, class, name);
        let value = value.with_labels(value.labels.cleaned(by_type | by_pattern));
        let is_text = self.in_module(module, |e| e.is_text_type(&of));
        let kind = match path.filter(|path| self.catalog.knows(*path)) {
            Some(path) if !super::handler::is_plain_type(self.language, path) => Kind::Path(path),
            _ if is_text => Kind::Text("".into()),
            _ => Kind::Unknown,
        };
        // Nothing is in it but what came in.
        let plain = !value.labels.is_empty();
        let part = Rc::new(Data { declared, kind, plain, ..value.as_ref().clone() });
        self.read_as(&part, declared)
    }

    /// Returns the classes that data read as a type is harmless to: an address of a machine holds only digits and signs.
    pub(super) fn harmless_by_type(&self, path: Name) -> Classes {
        let entries = self.catalog.sanitizers(path).iter().filter(|e| self.is_active(e.file) && e.of.when.is_empty());
        entries.fold(0, |all, entry| all | entry.classes)
    }

    fn field_names(&mut self, module: usize, class: ClassId, names: &mut Vec<Name>, depth: u32) {
        let handle = self.module(module);
        names.extend(handle.class(class).fields.iter().map(|(name, _)| *name).filter(|n| n.as_str() != "model_config"));
        for base in &handle.class(class).bases {
            let base = self.in_module(module, |e| e.eval(&handle, *base));
            if let Kind::Class(m, c) = base.kind
                && depth < 4
            {
                self.field_names(m, c, names, depth + 1);
            }
        }
    }

    /// Says whether a model keeps fields that it does not name: `extra="allow"`.
    fn takes_more(&self, module: usize, class: ClassId) -> bool {
        let config = self.state.contents(super::member::class_id(module, class));
        let config = config.and_then(|c| c.get(&Key::Name(Name::new("model_config"))).ok().cloned());
        let inner = config.and_then(|c| self.state.contents(c.id));
        inner.is_some_and(|c| c.get(&Key::Name(Name::new("extra"))).is_ok_and(|v| v.as_text() == Some("allow")))
    }
}
