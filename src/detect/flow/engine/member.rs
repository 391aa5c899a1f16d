//! Fields and elements, read and set.

use super::Engine;
use super::part::name_in;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::ir::{ClassId, Const, Method, Module, StmtKind};
use crate::detect::flow::name::Name;
pub(super) use crate::detect::flow::state::Key;
use crate::detect::flow::value::{Closure, Data, Kind, Labels, Shape, Value, join};
use crate::syntax::language::Language;
use std::rc::Rc;

/// How far up bases are looked at.
const MAX_BASES: u32 = 8;

impl Engine<'_> {
    /// Returns what a plain name stands for that the code does not define.
    pub(super) fn library(&mut self, name: Name) -> Value {
        if let Some(root) = self.workspace_crate(name) {
            return Data::path(root);
        }
        let path = self.catalog.canonical(name);
        self.member_of_library(&Data::path(path), path, (0, 0))
    }

    /// Returns a field of a value.
    pub(super) fn member(&mut self, object: &Value, name: Name, span: (u32, u32)) -> Value {
        let key = Key::Name(name);
        if span != (0, 0) {
            self.read_at = span;
        }
        if name.as_str() == "exports" && self.is_own_module(object) {
            return self.own_exports();
        }
        if name.as_str() == "__dict__" && matches!(object.kind, Kind::Object(Shape::Instance(..))) {
            // What is set there is set in the object.
            let kind = Kind::Path(self.catalog.path("object.__dict__"));
            return Rc::new(Data { kind, ..object.as_ref().clone() });
        }
        let set: Option<Result<Value, Option<Value>>> =
            self.state.contents(object.id).map(|c| c.get(&key).cloned().map_err(|rest| rest.cloned()));
        if let Some(Ok(value)) = &set {
            return self.got(object, value);
        }
        let value = match &object.kind {
            Kind::Module(number) => match self.exported(*number, name) {
                None if !self.language.is_script() => return Data::path(name),
                exported => exported,
            },
            Kind::Class(module, class) => self.class_member(*module, *class, name, None),
            Kind::Object(Shape::Instance(module, class)) => self.class_member(*module, *class, name, Some(object)),
            Kind::Object(Shape::List) if name.as_str() == "length" => self.length(object),
            Kind::Object(Shape::Library(path)) => {
                let path = self.catalog.canonical(path.member(name));
                Some(self.member_of_library(object, path, span))
            }
            Kind::Path(path) => {
                if let Some(named) = self.named_source(object, name, self.place(span)) {
                    return named;
                }
                let path = self.catalog.canonical(path.member(name));
                let member = self.member_of_library(object, path, span);
                return self.state.checked(&member);
            }
            Kind::Const(Const::Text(text)) if name.as_str() == "length" => {
                Some(Data::constant(Const::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))))
            }
            _ if name.as_str() == "length" && self.language.is_script() => Some(self.number_of(object)),
            _ => None,
        };
        if let Some(value) = value {
            let value = self.state.checked(&value);
            // What was put there under a name that is not known may be this.
            return match &set {
                Some(Err(Some(rest))) if !matches!(value.kind, Kind::Function(_)) => {
                    join(&value, &self.state.checked(rest))
                }
                _ => value,
            };
        }
        if let Some(Err(Some(rest))) = set {
            if !matches!(object.kind, Kind::Object(Shape::Instance(..))) {
                return self.state.checked(&rest);
            }
            // What an object was made with is in each of its parts.
            let part = Rc::new(Data { id: super::number(&(object.id, name)), ..rest.as_ref().clone() });
            let part = self.read_by_fields(object, name, part);
            return self.state.checked(&part);
        }
        if let Kind::Object(Shape::Map) = object.kind
            && self.language.is_script()
            && self.state.contents(object.id).is_some_and(|c| c.rest.is_none())
            && object.labels.is_empty()
        {
            return Rc::new(Data::new(super::number(&("bound", object.id, name)), Kind::Bound(object.clone(), name)));
        }
        if self.language.is_script() && super::part::is_own_name_of_upload(object, name.as_str()) {
            // Where an upload lies, and how long it is, is what the server says.
            return Rc::new(Data { plain: true, ..Data::new(super::number(&(object.id, "own", name)), Kind::Unknown) });
        }
        let value = self.part_of(object, &("member", name), name.as_str());
        let sources = self.source_labels(Name::new(&format!("*.{name}")), self.place(span));
        let value = if value.labels.is_empty() { value.with_labels(sources) } else { value };
        let value = self.read_by_fields(object, name, value);
        self.state.checked(&value)
    }

    /// Returns a part of a value that is not known by itself.
    fn part_of(&mut self, object: &Value, what: &impl std::hash::Hash, name: &str) -> Value {
        let id = super::number(&(object.id, super::number(what)));
        if let Some((module, class)) = object.declared {
            return self.declared_part(object, id, module, class, name);
        }
        let path = self.catalog.path(&format!("*.{name}"));
        let labels = object.labels.cut();
        let kind = match self.catalog.type_of(path) {
            Some(of) => Kind::Path(of),
            None => Kind::Unknown,
        };
        Rc::new(Data { labels, ..Data::new(id, kind) })
    }

    /// Returns what a member of a library's thing is: a source, something of a type, or just its path.
    pub(super) fn member_of_library(&mut self, object: &Value, path: Name, span: (u32, u32)) -> Value {
        if matches!(path.as_str(), "path.sep" | "os.sep" | "os.path.sep") {
            return Data::constant(Const::Text("/".into()));
        }
        let id = super::number(&(object.id, "member", path));
        let labels = object.labels.join(&self.source_labels(path, self.place(span)));
        let labels = match self.catalog.operation(path) {
            Some((Operation::Decode, _)) => self.decoded(&labels),
            // The last part of a path names a file and no folder.
            Some((Operation::BaseName | Operation::Extension, _)) => labels.cleaned(self.catalog.bit_of("path")),
            _ => labels,
        };
        let harmless = self.catalog.sanitizers(path).iter().filter(|e| self.is_active(e.file));
        let labels = labels.cleaned(harmless.fold(0, |all, entry| all | entry.classes));
        let of = self.catalog.type_of(path).or_else(|| self.type_by_name(path));
        // What the catalog says is a number, or a name that the server chose, carries nothing of the whole.
        let plain = of.is_some_and(|of| self.catalog.is_clean_type(of));
        let labels = if plain { Labels::default() } else { labels };
        let is_name = object.is_name && of.is_none() && labels.is_empty();
        let origin = self.decided(path, object);
        // The folders that a canonical path lies in.
        let canonical = object.canonical && origin.is_some();
        let facts = self.without_host(path, origin);
        let kind = Kind::Path(of.unwrap_or(path));
        let value = Data { labels, is_name, origin, canonical, plain, facts, ..Data::new(id, kind) };
        Rc::new(value)
    }

    /// Returns a member of a class of the code, or of its bases.
    pub(super) fn class_member(
        &mut self,
        module: usize,
        class: ClassId,
        name: Name,
        of: Option<&Value>,
    ) -> Option<Value> {
        self.class_member_up(module, class, name, of, 0)
    }

    fn class_member_up(
        &mut self,
        module: usize,
        class: ClassId,
        name: Name,
        of: Option<&Value>,
        depth: u32,
    ) -> Option<Value> {
        let at = self.read_at;
        let handle = self.module(module);
        // One that calls another of its name, for another type, does not call itself: `try_from(&text.to_string())`.
        let mut under_way = None;
        for (number, class) in class_parts(&handle, class, self.language == Language::Rust) {
            match self.own_member(&handle, module, number, name, of) {
                Some(found) if self.is_under_way(&found) => under_way = under_way.or(Some(found)),
                Some(found) => return Some(found),
                None => {}
            }
            if depth < MAX_BASES {
                for base in &class.bases {
                    let base = self.in_module(module, |e| e.eval(&handle, *base));
                    let found = match &base.kind {
                        Kind::Class(m, c) => self.class_member_up(*m, *c, name, of, depth + 1),
                        Kind::Path(path) => {
                            let member = self.catalog.canonical(path.member(name));
                            let is_known = self.catalog.knows(*path) || self.catalog.knows(member);
                            is_known.then(|| self.member_of_library(of.unwrap_or(&base), member, at))
                        }
                        _ => None,
                    };
                    if found.is_some() {
                        return found;
                    }
                }
            }
        }
        under_way
    }

    fn own_member(
        &mut self,
        handle: &Module,
        module: usize,
        number: ClassId,
        name: Name,
        of: Option<&Value>,
    ) -> Option<Value> {
        let class = handle.class(number);
        for stmt in &class.body {
            if let StmtKind::Function(id) = stmt.kind
                && handle.function(id).name == Some(name)
            {
                let function = handle.function(id);
                let scopes: Rc<[u32]> = Rc::from([self.units[module].scope]);
                let this = if function.method == Method::Static { None } else { of.cloned() };
                let closure = Closure { module, function: id, scopes, this };
                let value = Rc::new(Data::new(super::number(&("method", module, id)), Kind::Function(closure.clone())));
                if function.method == Method::Getter && of.is_some() {
                    let none = super::call::Args::default();
                    return Some(self.in_module(module, |e| e.invoke(&closure, &none, function.span)));
                }
                return Some(value);
            }
        }
        let id = class_id(module, number);
        if let Some(value) = self.state.contents(id).and_then(|c| c.get(&Key::Name(name)).ok().cloned()) {
            return Some(value);
        }
        let of_type = class.fields.iter().find(|(field, _)| *field == name).and_then(|(_, of)| of.clone())?;
        let path = self.in_module(module, |e| e.path_of_type(&of_type));
        let owner = of.map_or(id, |o| o.id);
        if let Some((module, class)) = self.in_module(module, |e| e.class_of_type(&of_type)) {
            let shape = Kind::Object(Shape::Instance(module, class));
            return Some(Rc::new(Data::new(super::number(&("field", owner, name)), shape)));
        }
        path.filter(|p| self.catalog.knows(*p))
            .map(|path| Rc::new(Data::new(super::number(&("field", owner, name)), Kind::Path(path))))
    }

    /// Returns an element of a value.
    pub(super) fn index(&mut self, object: &Value, key: &Value, span: (u32, u32)) -> Value {
        let args = super::call::Args::of(vec![key.clone()], span);
        if let Some(element) = self.special(object, &["__getitem__"], &args, span) {
            return element;
        }
        let value = self.element_under(object, key, span);
        if key.labels.is_empty() {
            return value;
        }
        let value = if self.leads_astray(&value, key) {
            Rc::new(Data { keyed: true, ..value.as_ref().clone() })
        } else {
            value
        };
        // A place that is drawn by lot says what is drawn.
        let own: Vec<_> = key.labels.all().iter().filter(|l| l.origin.trust == Trust::Own).cloned().collect();
        if own.is_empty() { value } else { value.with_labels(value.labels.join(&Labels::of(own))) }
    }

    fn element_under(&mut self, object: &Value, key: &Value, span: (u32, u32)) -> Value {
        let key_const = key_of_const(key);
        if let Some(contents) = self.state.contents(object.id)
            && let Some(value) = found_in(&contents, key_const.as_ref())
        {
            return self.state.checked(&value);
        }
        if let (Some(text), Some(Key::Index(i))) = (object.as_text(), &key_const) {
            let chars: Vec<char> = text.chars().collect();
            let part: String =
                super::fold::cut(&chars, Some(*i), if *i == -1 { None } else { Some(i + 1) }).iter().collect();
            return Data::constant(Const::Text(part.into()));
        }
        if matches!(object.kind, Kind::Const(_) | Kind::OneOf(_)) {
            return self.derived("letter", &[object], Kind::Unknown);
        }
        if let (true, Some(Key::Name(name))) = (self.language.is_script(), &key_const) {
            return self.member(object, *name, span);
        }
        if let (Language::Rust, Kind::Object(Shape::Instance(..)), Some(Key::Index(at))) =
            (self.language, &object.kind, &key_const)
        {
            // The fields of a tuple structure.
            return self.member(object, Name::new(&at.to_string()), span);
        }
        if let Kind::Path(path) | Kind::Object(Shape::Library(path)) = &object.kind {
            if let Some(named) =
                name_in(key).and_then(|name| self.named_source(object, Name::new(name), self.place(span)))
            {
                return named;
            }
            // Of a pair each place may have a type of its own.
            let numbered = match &key_const {
                Some(Key::Index(at)) => Some(self.catalog.path(&format!("{path}[{at}]"))),
                // What another part of the program has put there is no data of the request.
                Some(Key::Name(name)) => {
                    let of = self.catalog.type_of(self.catalog.path(&format!("{path}[{name}]")));
                    if let Some(of) = of {
                        return Rc::new(Data::new(super::number(&(object.id, key.id)), Kind::Path(of)));
                    }
                    None
                }
                None => None,
            };
            let numbered = numbered.filter(|path| self.catalog.type_of(*path).is_some());
            let path = numbered.unwrap_or_else(|| self.catalog.path(&format!("{path}[]")));
            let id = super::number(&(object.id, key.id));
            let labels = object.labels.join(&self.source_labels(path, self.place(span)));
            let of = self.catalog.type_of(path).unwrap_or(path);
            let value = Rc::new(Data { labels, ..Data::new(id, Kind::Path(of)) });
            return self.state.checked(&value);
        }
        let name = key_const.as_ref().map_or_else(String::new, Self::key_text);
        let value = self.part_of(object, &("index", key.id), &name);
        self.state.checked(&value)
    }

    /// Returns an element of a value, whichever.
    pub(super) fn element_of(&mut self, object: &Value, span: (u32, u32)) -> Value {
        if let Some(element) = self.iterated(object, span) {
            return element;
        }
        if let Some(contents) = self.state.contents(object.id) {
            let is_map = matches!(object.kind, Kind::Object(Shape::Map)) && self.language == Language::Python;
            if is_map {
                return self.key_of(object, span);
            }
            if let Some(any) = contents.any() {
                let any = self.state.checked(&any);
                return if object.labels.is_empty() { any } else { any.with_labels(any.labels.join(&object.labels)) };
            }
            if matches!(object.kind, Kind::Object(_)) && object.labels.is_empty() {
                let place = self.place(span);
                return self.anything(place);
            }
        }
        if let Kind::Path(path) = &object.kind {
            let path = self.catalog.canonical(Name::new(&format!("{path}[]")));
            let labels = object.labels.join(&self.source_labels(path, self.place(span)));
            let of = self.catalog.type_of(path).unwrap_or(path);
            return Rc::new(Data { labels, ..Data::new(super::number(&(object.id, "each")), Kind::Path(of)) });
        }
        Rc::new(Data {
            labels: object.labels.clone(),
            declared: object.declared,
            is_sign: object.is_sign,
            ..Data::new(super::number(&(object.id, "each")), Kind::Unknown)
        })
    }

    /// Returns a key of a value, whichever.
    pub(super) fn key_of(&mut self, object: &Value, span: (u32, u32)) -> Value {
        if let (Kind::Object(_), Some(contents)) = (&object.kind, self.state.contents(object.id))
            && (contents.rest.is_none() || contents.keys.is_some())
            && contents.list.is_none()
            && object.labels.is_empty()
        {
            let keys: Vec<Value> = contents.entries.keys().map(constant_of).chain(contents.keys.clone()).collect();
            if let Some((first, others)) = keys.split_first() {
                return others.iter().fold(first.clone(), |all, key| join(&all, key));
            }
            let place = self.place(span);
            return self.anything(place);
        }
        self.derived("key", &[object], Kind::Unknown)
    }

    /// Says whether a value is the `module` of the present file of JavaScript.
    fn is_own_module(&self, object: &Value) -> bool {
        self.language.is_script() && matches!(&object.kind, Kind::Path(path) if path.as_str() == "module")
    }

    /// Sets a field.
    pub(super) fn assign_member(&mut self, object: &Value, name: Name, value: &Value, span: (u32, u32)) {
        if name.as_str() == "exports" && self.is_own_module(object) {
            return self.set_own_exports(value);
        }
        if let Kind::Path(path) | Kind::Object(Shape::Library(path)) = &object.kind {
            let path = self.catalog.canonical(path.member(name));
            self.sink_of_assignment((path, name), object, None, value, span);
            self.listen(path, value, span);
            if let Some((Operation::SetType, _)) = self.catalog.operation(path) {
                return self.set_content_type(object, value);
            }
        } else {
            let path = Name::new(&format!("*.{name}"));
            self.sink_of_assignment((path, name), object, None, value, span);
        }
        if let Kind::Object(Shape::Instance(module, class)) = object.kind
            && self.language.is_script()
            && let Some(setter) = self.class_member(module, class, Name::new(&format!("set {name}")), Some(object))
            && let Kind::Function(closure) = &setter.kind
        {
            let args = super::call::Args::of(vec![value.clone()], span);
            self.invoke(&Closure { this: Some(object.clone()), ..closure.clone() }, &args, span);
            return;
        }
        let value = self.beside_what_decides(object, name, value);
        self.state.contents_mut(object.id).set(Key::Name(name), value);
    }

    /// Sets an element.
    pub(super) fn assign_index(&mut self, object: &Value, key: &Value, value: &Value, span: (u32, u32)) {
        let args = super::call::Args::of(vec![key.clone(), value.clone()], span);
        if self.special(object, &["__setitem__"], &args, span).is_some() {
            return;
        }
        let element = Name::new("[]");
        let path = match &object.kind {
            Kind::Path(path) | Kind::Object(Shape::Library(path)) => Name::new(&format!("{path}[]")),
            _ => Name::new("*[]"),
        };
        self.sink_of_assignment((self.catalog.canonical(path), element), object, Some(key), value, span);
        if object.keyed {
            self.sink_of_assignment((Name::new("*[][]"), element), object, Some(key), value, span);
        }
        if self.language == Language::Python
            && matches!(object.kind, Kind::Path(_))
            && let Some(of) = self.catalog.type_of(path)
            && !super::handler::is_plain_type(self.language, of)
        {
            // It makes things of its own of what is put into it: a jar of cookies.
            return;
        }
        let known = key_of_const(key);
        let is_foreign = !self.state.reach(key).is_empty();
        let contents = self.state.contents_mut(object.id);
        match known {
            Some(key) => contents.set(key, value.clone()),
            None => {
                let keys = match (&contents.rest, &contents.keys) {
                    (None, _) => Some(key.clone()),
                    (Some(_), Some(keys)) => Some(join(keys, key)),
                    (Some(_), None) => None,
                };
                contents.scatter();
                // A stranger's key may be one that is there.
                if is_foreign {
                    contents.cover(value)
                } else {
                    contents.blur(value)
                }
                contents.keys = keys;
            }
        }
    }
}

/// Returns what stands under a key, or may.
fn found_in(contents: &crate::detect::flow::state::Contents, key: Option<&Key>) -> Option<Value> {
    match key {
        // From the end, where the end is not known.
        Some(Key::Index(at)) if *at < 0 && contents.rest.is_some() => contents.any(),
        Some(key) => match contents.get(key) {
            Ok(value) => Some(value.clone()),
            Err(rest) => rest.cloned(),
        },
        None => contents.any(),
    }
}

/// Returns the number under which the variables of a class are kept.
pub(super) fn class_id(module: usize, class: ClassId) -> u64 {
    super::number(&("class", module, class))
}

/// Returns a class and, where `impl` blocks stand apart from it, these.
fn class_parts(m: &Module, class: ClassId, apart: bool) -> Vec<(ClassId, &crate::detect::flow::ir::Class)> {
    let name = m.class(class).name;
    let ids = (0..m.classes.len()).map(|i| ClassId(u32::try_from(i).unwrap_or(u32::MAX)));
    ids.filter(|id| *id == class || (apart && name.is_some() && m.class(*id).name == name))
        .map(|id| (id, m.class(id)))
        .collect()
}

/// Returns the key that a constant is.
pub(super) fn key_of(constant: &Const) -> Option<Key> {
    match constant {
        Const::Text(text) => Some(Key::Name(Name::new(text))),
        Const::Int(i) => Some(Key::Index(*i)),
        Const::Bool(b) => Some(Key::Name(Name::new(if *b { "true" } else { "false" }))),
        _ => None,
    }
}

/// Returns the key that a value is, where it is known.
pub(super) fn key_of_const(value: &Value) -> Option<Key> {
    key_of(value.as_const()?)
}

fn constant_of(key: &Key) -> Value {
    match key {
        Key::Name(name) => Data::constant(Const::Text(name.as_str().into())),
        Key::Index(index) => Data::constant(Const::Int(*index)),
    }
}
