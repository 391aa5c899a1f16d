//! Calls: what is called, with what.

use super::{Engine, Place};
use crate::detect::flow::StepKind;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::ir::{Call, Const, ExprId, ExprKind, Module, Type};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Data, Kind, Labels, Shape, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

/// Operations that a name stands for whatever the type is.
const MEANS_THE_SAME: [Operation; 8] = [
    Operation::Identity,
    Operation::Copy,
    Operation::Length,
    Operation::ToBool,
    Operation::ToNot,
    Operation::ToText,
    Operation::OrElse,
    Operation::Recode,
];

/// Arguments that say how a call works, by the names that they have everywhere: they are no part of its result.
const SETTINGS: [&str; 7] = ["env", "cwd", "timeout", "encoding", "errors", "logger", "loop"];

/// The arguments of a call.
#[derive(Debug, Clone, Default)]
pub(super) struct Args {
    /// By position, with where they stand.
    pub(super) positional: Vec<(Value, (u32, u32))>,
    /// By name.
    pub(super) named: Vec<(Name, Value, (u32, u32))>,
    /// What a spread list of unknown length may give at any further position.
    pub(super) rest: Option<(Value, (u32, u32))>,
    /// What a spread map of unknown keys may give under any name.
    pub(super) keywords: Option<(Value, (u32, u32))>,
    /// Type arguments.
    pub(super) types: Vec<Type>,
    /// Where the receiver is assigned back to, for methods that change it in place.
    pub(super) receiver: Option<Name>,
}

impl Args {
    /// Makes arguments by position that stand at one place.
    pub(super) fn of(values: Vec<Value>, span: (u32, u32)) -> Self {
        Self { positional: values.into_iter().map(|v| (v, span)).collect(), ..Self::default() }
    }

    /// Returns the argument at a position.
    pub(super) fn at(&self, position: usize) -> Option<&(Value, (u32, u32))> {
        self.positional.get(position).or_else(|| self.rest.as_ref().filter(|_| position >= self.positional.len()))
    }

    /// Returns the argument at a position, or none.
    pub(super) fn value(&self, position: usize) -> Option<&Value> {
        self.at(position).map(|(value, _)| value)
    }

    /// Returns the argument of a name and where it stands.
    pub(super) fn by_name(&self, name: &str) -> Option<(&Value, (u32, u32))> {
        let given = self.named.iter().find(|(n, ..)| n.as_str() == name).map(|(_, value, span)| (value, *span));
        given.or_else(|| self.keywords.as_ref().map(|(value, span)| (value, *span)))
    }

    /// Returns all arguments.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Value, (u32, u32))> {
        let positional = self.positional.iter().chain(&self.rest).chain(&self.keywords).map(|(v, s)| (v, *s));
        positional.chain(self.named.iter().map(|(_, v, s)| (v, *s)))
    }
}

impl Engine<'_> {
    pub(super) fn call(&mut self, m: &Module, id: ExprId, call: &Call) -> Value {
        let span = m.expr(id).span;
        if let ExprKind::Member(object, name) = &m.expr(call.callee).kind {
            let (object, name) = (*object, *name);
            if self.is_super(m, object) {
                let args = self.args(m, call);
                if let Some(value) = self.call_super(name, &args, span) {
                    return value;
                }
            }
            let receiver_name = match &m.expr(object).kind {
                ExprKind::Name(name) => Some(*name),
                _ => None,
            };
            let receiver = self.eval(m, object);
            let mut args = self.args(m, call);
            args.receiver = receiver_name;
            return self.call_lending(m, call, &receiver, args, |e, args| e.call_method(&receiver, name, args, span));
        }
        if self.is_super(m, call.callee) {
            let args = self.args(m, call);
            if let Some(value) = self.call_super(Name::new("constructor"), &args, span) {
                return value;
            }
        }
        let callee = self.eval(m, call.callee);
        let args = self.args(m, call);
        self.call_lending(m, call, &callee, args, |e, args| e.call_value(&callee, args, span))
    }

    /// Evaluates arguments.
    pub(super) fn args(&mut self, m: &Module, call: &Call) -> Args {
        let mut args = Args { types: call.types.clone(), ..Args::default() };
        for arg in &call.args {
            let value = self.eval(m, arg.value);
            let span = m.expr(arg.value).span;
            match (arg.name, arg.spread) {
                (None, false) => args.positional.push((value, span)),
                (Some(name), false) => args.named.push((name, value, span)),
                (None, true) => {
                    let known = self.state.contents(value.id).filter(|c| c.rest.is_none()).and_then(|c| c.list.clone());
                    match known {
                        Some(list) => args.positional.extend(list.into_iter().map(|v| (v, span))),
                        None => args.rest = Some((self.element_of(&value, span), span)),
                    }
                }
                (Some(_), true) => self.spread_map(&mut args, &value, span),
            }
        }
        args
    }

    pub(super) fn spread_map(&self, args: &mut Args, value: &Value, span: (u32, u32)) {
        let contents = self.state.contents(value.id).map(|c| c.as_ref().clone());
        for (key, entry) in contents.iter().flat_map(|c| &c.entries) {
            if let super::member::Key::Name(name) = key {
                args.named.push((*name, entry.clone(), span));
            }
        }
        if contents.as_ref().is_none_or(|c| c.rest.is_some()) {
            let keys = contents.as_ref().and_then(|c| c.keys.clone());
            let parts: Vec<&Value> = std::iter::once(value).chain(&keys).collect();
            let any = self.derived("keywords", &parts, Kind::Unknown);
            // Keys that the code goes through are named by it.
            let is_named = keys.as_ref().is_some_and(|keys| self.state.reach(keys).is_empty());
            // Names of fields, and what a query asks of them: the values are bound.
            let closed = if is_named { self.catalog.bits_of(&["mass-assignment", "sql", "nosql"]) } else { 0 };
            let any = any.with_labels(any.labels.cleaned(closed));
            args.keywords = Some((any, span));
        }
    }

    /// Calls a method.
    pub(super) fn call_method(&mut self, receiver: &Value, name: Name, args: &Args, span: (u32, u32)) -> Value {
        if self.language == Language::Rust {
            if matches!(name.as_str(), "unwrap" | "expect") && receiver.outcome.is_some() {
                return self.succeeded(receiver);
            }
            if let Some(closure) = self.declared_method(receiver, name).or_else(|| self.method_of(receiver, name)) {
                return self.invoke(&closure, args, span);
            }
            if let (Kind::Class(module, class), "default") = (&receiver.kind, name.as_str())
                && self.class_member(*module, *class, name, None).is_none()
            {
                return self.construct(*module, *class, &Args::default(), span);
            }
        }
        if let Some(made) = self.as_map(receiver, name, span).or_else(|| self.read_model(receiver, name, args)) {
            return made;
        }
        let is_own = match &receiver.kind {
            Kind::Module(_) | Kind::Class(..) | Kind::Object(Shape::Instance(..)) => true,
            // What stands in a dictionary of Python under `get` is not what its method `get` is.
            Kind::Object(Shape::Map) if self.language == Language::Python && self.is_of_dict(name) => false,
            Kind::Object(Shape::Map) => self
                .state
                .contents(receiver.id)
                .is_some_and(|c| c.entries.contains_key(&super::member::Key::Name(name))),
            Kind::Path(path) => {
                // A module of the code that has not been read yet, or a field that was set.
                let path = *path;
                self.is_local_path(path)
                    || self
                        .state
                        .contents(receiver.id)
                        .is_some_and(|c| c.entries.contains_key(&super::member::Key::Name(name)))
            }
            _ => self.state.contents(receiver.id).is_some_and(|c| {
                c.entries.get(&super::member::Key::Name(name)).is_some_and(|v| matches!(v.kind, Kind::Function(_)))
            }),
        };
        if is_own {
            let target = match &receiver.kind {
                Kind::Path(path) if self.is_local_path(*path) => self.local(path.member(name), span),
                Kind::Module(number) if self.language.is_script() => self.exported(*number, name),
                _ => Some(self.member(receiver, name, span)),
            };
            match target.as_ref().map(|t| &t.kind) {
                Some(Kind::Function(closure)) => {
                    let mut closure = closure.clone();
                    if closure.this.is_none()
                        && !matches!(receiver.kind, Kind::Module(_) | Kind::Path(_) | Kind::Class(..))
                    {
                        closure.this = Some(receiver.clone());
                    }
                    return self.invoke(&closure, args, span);
                }
                Some(Kind::Class(..) | Kind::Partial(..)) => {
                    let target = target.unwrap_or_else(|| receiver.clone());
                    return self.call_value(&target, args, span);
                }
                Some(Kind::Path(path)) => {
                    let keys = vec![*path];
                    let result = self.call_library(&keys, Some(receiver), args, span);
                    return match &receiver.kind {
                        // What a trait makes for a structure is one: `Cli::parse()`.
                        Kind::Class(module, class) if self.language == Language::Rust && !result.labels.is_empty() => {
                            let declared = Some((*module, *class));
                            Rc::new(Data { declared, kind: Kind::Unknown, ..result.as_ref().clone() })
                        }
                        _ => result,
                    };
                }
                _ => {}
            }
        }
        if let Some(closure) = self.extension_method(receiver, name) {
            return self.invoke(&closure, args, span);
        }
        if let (Kind::Function(closure), "call" | "apply" | "bind") = (&receiver.kind, name.as_str()) {
            return self.call_function_method(closure, name.as_str(), receiver, args, span);
        }
        if let Some(bound) = self.bound_of_library(receiver, name, args) {
            return bound;
        }
        let keys = self.method_keys(receiver, name);
        self.call_library(&keys, Some(receiver), args, span)
    }

    /// Calls a value.
    pub(super) fn call_value(&mut self, callee: &Value, args: &Args, span: (u32, u32)) -> Value {
        self.called_by_name(callee, span);
        match &callee.kind {
            Kind::Function(closure) if self.is_constructor(closure) => {
                self.construct_by_function(callee, &closure.clone(), args, span)
            }
            Kind::Function(closure) => self.invoke(closure, args, span),
            Kind::Class(module, class) => self.construct(*module, *class, args, span),
            Kind::Partial(function, first) => {
                let mut all = args.clone();
                all.positional.splice(0..0, first.iter().map(|v| (v.clone(), span)));
                let named = self.state.contents(callee.id);
                for (key, value) in named.iter().flat_map(|c| &c.entries) {
                    if let super::member::Key::Name(name) = key
                        && !all.named.iter().any(|(given, ..)| given == name)
                    {
                        all.named.push((*name, value.clone(), span));
                    }
                }
                self.call_value(&function.clone(), &all, span)
            }
            Kind::Bound(receiver, name) => self.call_method(&receiver.clone(), *name, args, span),
            Kind::Path(path) => {
                self.pass_on(*path, args);
                if let Some(tuple) = self.tuple_of(callee, args, span) {
                    return tuple;
                }
                if let Some(target) = self.local(*path, span)
                    && matches!(target.kind, Kind::Function(_) | Kind::Class(..))
                {
                    return self.call_value(&target, args, span);
                }
                let mut keys = vec![*path];
                if let Some((owner, last)) = path.as_str().rsplit_once('.')
                    && !self.catalog.knows(Name::new(owner))
                {
                    keys.push(Name::new(&format!("*.{last}")));
                }
                keys.extend(self.method_by_path(*path));
                let result = self.call_library(&keys, None, args, span);
                self.with_outcome(*path, result)
            }
            _ => match self.special(callee, &["__call__"], args, span) {
                Some(result) => result,
                None => self.call_library(&[], Some(callee), args, span),
            },
        }
    }

    /// Returns what Rust's `str::trim` stands for where the catalog speaks of `trim` alone: the method, its object given first.
    fn method_by_path(&self, path: Name) -> Option<Name> {
        let (owner, last) = path.as_str().rsplit_once('.').filter(|_| self.language == Language::Rust)?;
        let owner = Name::new(owner).last();
        let is_type = owner == "str" || owner.starts_with(|c: char| c.is_ascii_uppercase());
        let any = Name::new(&format!("*.{last}"));
        (is_type && !self.catalog.speaks_of(path) && self.catalog.operation(any).is_some()).then_some(any)
    }

    /// Says whether a function of JavaScript is written to make objects: its name has a capital.
    fn is_constructor(&self, closure: &crate::detect::flow::value::Closure) -> bool {
        let name = || self.units[closure.module].module.function(closure.function).name;
        self.language.is_script()
            && closure.this.is_none()
            && name().is_some_and(|n| n.as_str().starts_with(|c: char| c.is_ascii_uppercase()))
    }

    /// Returns the paths under which a catalog may speak of a method.
    pub(super) fn method_keys(&self, receiver: &Value, name: Name) -> Vec<Name> {
        let any = self.catalog.canonical(Name::new("*").member(name));
        let of = |owners: &[&str]| {
            let mut keys: Vec<Name> =
                owners.iter().map(|o| self.catalog.canonical(Name::new(o).member(name))).collect();
            keys.push(any);
            keys
        };
        let names = type_names(self.language);
        match &receiver.kind {
            Kind::Path(path) | Kind::Object(Shape::Library(path)) => {
                let own = self.catalog.canonical(path.member(name));
                let is_plain =
                    |key| self.catalog.operation(key).is_some_and(|(operation, _)| MEANS_THE_SAME.contains(&operation));
                let is_plain_type = super::handler::is_plain_type(self.language, *path);
                // Rust's results and options are what they hold: what is done to them is done to that.
                let is_wrapped = self.language == Language::Rust && self.catalog.operation(any).is_some();
                let is_own = self.catalog.knows(*path)
                    && !is_plain_type
                    && (self.catalog.speaks_of(own) || !(is_plain(any) || is_wrapped));
                if is_own { vec![own] } else { vec![own, any] }
            }
            Kind::Const(Const::Text(_)) | Kind::Text(_) => of(&[names.text]),
            Kind::OneOf(consts) if consts.iter().all(|c| matches!(c, Const::Text(_))) => of(&[names.text]),
            Kind::Const(Const::Bytes(_)) => of(&["bytes", names.text]),
            Kind::Const(Const::Regex(..)) => of(&["RegExp"]),
            Kind::Object(Shape::List) => of(names.list),
            Kind::Object(Shape::Map) => of(names.map),
            _ => vec![any],
        }
    }

    /// Returns what an unknown function gives: whatever it was given may come back.
    pub(super) fn unknown_result(
        &mut self,
        keys: &[Name],
        receiver: Option<&Value>,
        args: &Args,
        span: (u32, u32),
    ) -> Value {
        let place: Place = self.place(span);
        let mut labels = Labels::default();
        let mut ids = Vec::new();
        if let Some(receiver) = receiver {
            // What a function of a module gives is none of what the module's variables hold.
            let is_module = receiver.is_name || matches!(receiver.kind, Kind::Module(_));
            let held = if is_module { self.state.checked(receiver).labels.clone() } else { self.state.reach(receiver) };
            labels = labels.join(&held);
            ids.push(receiver.id);
        }
        let is_known = keys.first().is_some_and(|key| is_of_known_owner(self.catalog, *key));
        let is_made = receiver.is_none() && self.is_construction(keys, args);
        // What a database or another service gives for a key is not the key.
        let is_asked = receiver.is_some_and(|r| !r.is_name && r.labels.is_empty());
        // What a type makes of its arguments holds them, but seldom as they were sent: a form checks them.
        let is_formed = is_made && self.language == Language::Python;
        let soft = if is_asked || is_formed { self.soft_classes() } else { 0 };
        let name = keys.first().map_or("a function", |k| k.last());
        let fitted = self.fitted_by_schema(name, receiver);
        let is_address = self.language.is_script() && keys.first().is_some_and(|key| key.as_str() == "URL");
        let is_lookup = self.language != Language::Python && !is_known && super::statement::looks_up(name);
        let is_setting = |id: u64| args.named.iter().any(|(n, v, _)| v.id == id && SETTINGS.contains(&n.as_str()));
        for (arg, _) in args.all() {
            ids.push(arg.id);
            if is_setting(arg.id) {
                continue;
            }
            let mut given = self.state.reach(arg).cleaned(soft | fitted);
            if is_address && args.value(1).is_some_and(|base| base.id == arg.id) {
                given = self.as_base(&given);
            }
            let given = if is_known || is_made { given } else { given.guessed() };
            labels = labels.join(&if is_lookup { given.guessed() } else { given });
        }
        if !labels.is_empty() {
            if !is_known && super::markup::escapes_markup(name) {
                labels = labels.cleaned(self.catalog.bit_of("xss"));
            }
            let is_told = keys.first().is_some_and(|key| self.catalog.knows(*key));
            let kind = if is_told { StepKind::Known } else { StepKind::Through }(name.to_owned());
            let step = super::FlowStep { file: place.0, range: place.1, kind };
            // What is parsed begins as before.
            labels = if is_address { labels } else { labels.cut() }.stepped(&step);
        }
        if !is_known && !self.is_builtin(keys, receiver) {
            self.fill_given(name, receiver, args, span);
        }
        let kind = keys.first().map_or(Kind::Unknown, |key| self.result_kind(*key));
        let is_new = matches!(&kind, Kind::Path(path) if path.last().starts_with(|c: char| c.is_ascii_uppercase()));
        let own = if is_new || ids.is_empty() { Some(place) } else { None };
        let id = super::number(&(keys.first(), ids, own));
        if is_new {
            // What a thing is made with is remembered under its name: `XMLParser(resolve_entities=True)`.
            for (name, value, _) in &args.named {
                self.state.contents_mut(id).set(super::member::Key::Name(*name), value.clone());
            }
            self.remember_options(id, args);
        }
        // What is joined to an address decides where it leads.
        let whole = match name {
            "urljoin" => args.value(1),
            "translate" => receiver,
            _ => args.value(0).or(receiver),
        };
        let parsed = keys.first().map(|key| self.catalog.canonical(key.called())).zip(whole);
        let origin = parsed.and_then(|(path, whole)| self.decided(path, whole));
        let plain = matches!(kind, Kind::Path(of) if self.catalog.is_clean_type(of));
        let is_told = |value: &Value| value.is_name || self.tells_all(value);
        let tells_all = receiver.is_none_or(is_told) && args.all().all(|(v, _)| is_told(v));
        let mixed = !is_known && !tells_all && !labels.is_empty();
        Rc::new(Data { labels, origin, plain, mixed, ..Data::new(id, kind) })
    }

    /// Says whether a call makes a thing of its arguments, which are in it from then on: a structure or variant of Rust, which
    /// alone has named parts or a capital; a type of Python, by its capital.
    fn is_construction(&self, keys: &[Name], args: &Args) -> bool {
        let has_capital = |key: &Name| {
            let last = key.last();
            last.starts_with(|c: char| c.is_ascii_uppercase()) && !last.ends_with('!')
        };
        match self.language {
            Language::Rust => !args.named.is_empty() || keys.first().is_some_and(has_capital),
            Language::Python => keys.first().is_some_and(has_capital),
            _ => false,
        }
    }

    /// Remembers the options object that a thing is made with: `createWriteStream(path, { flags: "a" })`.
    fn remember_options(&mut self, id: u64, args: &Args) {
        let Some((last, _)) = args.positional.last().filter(|_| self.language.is_script()) else { return };
        if !matches!(last.kind, Kind::Object(Shape::Map)) {
            return;
        }
        let Some(options) = self.state.contents(last.id) else { return };
        for (key, value) in options.entries.iter().filter(|(_, value)| !value.consts().is_empty()) {
            self.state.contents_mut(id).set(key.clone(), value.clone());
        }
    }

    /// Returns what the catalog says that calling a path gives; by convention, calling a type gives the type.
    pub(super) fn result_kind(&self, key: Name) -> Kind {
        let call = key.called();
        if let Some(of) = self.catalog.type_of(self.catalog.canonical(call)) {
            return Kind::Path(of);
        }
        let text = key.as_str();
        if text.starts_with("*.") || text.is_empty() {
            return Kind::Unknown;
        }
        if key.last().starts_with(|c: char| c.is_ascii_uppercase()) {
            return Kind::Path(key);
        }
        if let Some(owner) = text.strip_suffix(".new")
            && Name::new(owner).last().starts_with(|c: char| c.is_ascii_uppercase())
        {
            return Kind::Path(self.catalog.path(owner));
        }
        Kind::Path(self.catalog.canonical(call))
    }
}

fn is_of_known_owner(catalog: &crate::detect::flow::catalog::Catalog, key: Name) -> bool {
    let owner = key.as_str().rsplit_once('.').map_or("", |(owner, _)| owner);
    catalog.knows(key) || (!owner.is_empty() && owner != "*" && catalog.knows(Name::new(owner)))
}

/// What the catalog calls the language's own types.
struct TypeNames {
    text: &'static str,
    list: &'static [&'static str],
    map: &'static [&'static str],
}

fn type_names(language: Language) -> TypeNames {
    match language {
        Language::Python => TypeNames { text: "str", list: &["list", "set", "tuple"], map: &["dict"] },
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            TypeNames { text: "String", list: &["Array", "Set"], map: &["Map", "Object"] }
        }
        Language::Rust => TypeNames { text: "str", list: &["Vec"], map: &["HashMap"] },
    }
}
