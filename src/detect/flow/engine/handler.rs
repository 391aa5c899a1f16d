//! Functions that a framework calls, and what it gives them.

use super::call::Args;
use super::invoke::param_name;
use super::{Engine, MAX_ENTRY_STEPS, MAX_OTHER_STEPS};
use crate::detect::flow::catalog::schema::{Handler, Trust};
use crate::detect::flow::catalog::{Classes, Entry};
use crate::detect::flow::ir::{Const, ExprId, ExprKind, FunctionId, Module, Param, Pattern, Type};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Key, State};
use crate::detect::flow::value::{Closure, Data, Kind, Labels, Origin, Shape, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

/// A function that is to be run on its own.
#[derive(Clone)]
pub(super) struct Pending {
    pub(super) closure: Closure,
    /// What its parameters are, as the catalog says; `None` for a function whose callers are not known.
    pub(super) parameters: Option<Vec<String>>,
    /// The classes of sink that its result is.
    pub(super) returns: Classes,
    /// What was known where it was made.
    pub(super) state: Option<State>,
    /// The functions that are called after it with the same things, where it calls `next`.
    pub(super) then: Vec<Closure>,
    /// What must have the content type of HTML for its result to be a sink.
    pub(super) html_where: Option<Name>,
    /// Where it was given to the framework, and its name, where it lies in another file that would not show it.
    pub(super) given_at: Option<(super::Place, Name)>,
}

impl Pending {
    /// Makes one of a function that is set later.
    pub(super) fn of(closure: Closure) -> Self {
        let (parameters, state, html_where, given_at) = (None, None, None, None);
        Self { closure, parameters, returns: 0, state, then: Vec::new(), html_where, given_at }
    }
}

/// What stands for the function that passes a request on to the next handler.
pub(super) const NEXT: &str = "(next)";

impl Engine<'_> {
    /// Notes functions that are given to a call of which the catalog says that it calls them.
    pub(super) fn register_callbacks(&mut self, keys: &[Name], args: &Args, span: (u32, u32)) {
        let catalog = self.catalog;
        for key in keys {
            let entries: Vec<&Entry<Handler>> =
                catalog.callbacks(*key).iter().filter(|e| self.is_active(e.file)).collect();
            if entries.is_empty() {
                continue;
            }
            let mut functions = Vec::new();
            for (value, _) in args.all() {
                self.functions_in(value, &mut functions, 3);
            }
            if self.language == Language::Python {
                self.note_route_of(args, &functions);
            }
            let said: Vec<_> = entries
                .iter()
                .copied()
                .filter(|e| !e.of.when.is_empty() && self.conditions_hold(&e.of.when, None, args, None))
                .collect();
            let entries =
                if said.is_empty() { entries.into_iter().filter(|e| e.of.when.is_empty()).collect() } else { said };
            let count_of = |closure: &Closure| {
                let count = self.module(closure.module).function(closure.function).params.len();
                entries.iter().any(|e| e.of.count == Some(count)).then_some(count)
            };
            let counts: Vec<Option<usize>> = functions.iter().map(count_of).collect();
            for entry in &entries {
                // Functions that are given together are called one after the other.
                let chain = functions.iter().zip(&counts).filter(|(_, count)| **count == entry.of.count);
                let chain: Vec<Closure> = chain.map(|(closure, _)| closure.clone()).collect();
                if entry.of.at_once {
                    self.call_at_once(&chain, entry);
                } else {
                    self.enqueue_from(&chain, entry, span);
                }
            }
            return;
        }
    }

    fn functions_in(&self, value: &Value, functions: &mut Vec<Closure>, depth: u32) {
        match &value.kind {
            Kind::Function(closure) => functions.push(closure.clone()),
            Kind::Object(_) if depth > 0 => {
                if let Some(contents) = self.state.contents(value.id) {
                    // What is called before the handler stands beside it in any order.
                    let handler = Key::Name(Name::new("handler"));
                    let named = contents.entries.iter().filter(|(key, _)| **key != handler).map(|(_, v)| v);
                    let all = contents.list.iter().flatten().chain(named).chain(&contents.rest);
                    for inner in all.chain(contents.entries.get(&handler)) {
                        self.functions_in(inner, functions, depth - 1);
                    }
                }
            }
            _ => {}
        }
    }

    pub(super) fn enqueue(&mut self, chain: &[Closure], entry: &Entry<Handler>) {
        let Some((first, then)) = chain.split_first() else { return };
        self.pending.push(Pending {
            then: then.to_vec(),
            parameters: Some(entry.of.parameters.clone()),
            returns: entry.classes,
            state: Some(self.state.fork()),
            html_where: entry.of.html_where.as_deref().map(|path| self.catalog.path(path)),
            ..Pending::of(first.clone())
        });
    }

    /// Notes functions that are given to a framework at a place.
    fn enqueue_from(&mut self, chain: &[Closure], entry: &Entry<Handler>, span: (u32, u32)) {
        self.enqueue(chain, entry);
        let is_elsewhere = self.here() == 0 && chain.iter().any(|c| c.module != 0 && !self.is_entry_by_itself(c));
        if is_elsewhere && let (Some(pending), Some(last)) = (self.pending.last_mut(), chain.last()) {
            let name = self.units[last.module].module.function(last.function).name;
            pending.given_at = Some(((0, span), name.unwrap_or_else(|| Name::new("a handler"))));
        }
    }

    /// Says whether a function is run as a handler where its own file is looked at.
    fn is_entry_by_itself(&self, closure: &Closure) -> bool {
        let handle = self.module(closure.module);
        let Some(first) = handle.function(closure.function).params.first() else { return false };
        let is_named = |handler: &Handler| {
            let name = param_name(first);
            let names = handler.first_parameter.iter().flat_map(|names| names.all());
            name.is_some_and(|name| names.into_iter().any(|n| n == name.as_str()))
        };
        let handlers = self.catalog.exported_handlers().iter().filter(|entry| self.is_active(entry.file));
        let is_listed = |entry: &Entry<Handler>| {
            let active = self.catalog.active(handle.file().text());
            active.get(usize::from(entry.file)).copied().unwrap_or(false) && is_named(&entry.of)
        };
        first.of_type.is_some() || handlers.into_iter().any(is_listed)
    }

    /// Runs functions that are called about now, or not at all.
    fn call_at_once(&mut self, chain: &[Closure], entry: &Entry<Handler>) {
        if self.frames.len() > self.max_calls {
            return;
        }
        for closure in chain {
            self.visited.insert((closure.module, closure.function));
            let handle = self.module(closure.module);
            let parameters = entry.of.parameters.clone();
            self.either(
                |e| e.run_function(closure, 0, |e| e.bind_handler(&handle, closure, Some(&parameters))),
                |_| Data::constant(Const::Null),
            );
        }
    }

    /// Notes a method that a framework calls by its decorator, whatever its class is.
    pub(super) fn decorated_method(&mut self, m: &Module, method: FunctionId) {
        let function = m.function(method);
        if self.language != Language::Python || function.decorators.is_empty() {
            return;
        }
        let value = self.closure(method, None);
        for decorator in &function.decorators {
            self.decorated(m, *decorator, &value);
        }
    }

    /// Returns the paths that a decorator has, evaluating what it is given.
    pub(super) fn decorator_keys(&mut self, m: &Module, decorator: ExprId) -> Vec<Name> {
        let callee = match &m.expr(decorator).kind {
            ExprKind::Call(call) => {
                for arg in &call.args {
                    self.eval(m, arg.value);
                }
                call.callee
            }
            _ => decorator,
        };
        if let ExprKind::Member(object, name) = &m.expr(callee).kind {
            let receiver = self.eval(m, *object);
            let mut keys = self.method_keys(&receiver, *name);
            if let Kind::Object(Shape::Instance(module, class)) = receiver.kind {
                // An application's own kind of router is one.
                let mut bases = Vec::new();
                self.base_paths(module, class, &mut bases, 0);
                keys.extend(bases.iter().map(|base| self.catalog.canonical(base.member(*name))));
            }
            return keys;
        }
        match &self.eval(m, callee).kind {
            Kind::Path(path) => {
                let mut keys = vec![*path];
                if let Some((owner, last)) = path.as_str().rsplit_once('.')
                    && !self.catalog.knows(Name::new(owner))
                {
                    keys.push(Name::new(&format!("*.{last}")));
                }
                keys
            }
            _ => Vec::new(),
        }
    }

    /// Runs a function on its own.
    pub(super) fn run_pending(&mut self, pending: Pending) {
        if !self.is_in_focus(&pending) {
            return;
        }
        self.note_run(&pending);
        let fresh = self.state.fresh();
        let Pending { closure, parameters, returns, state, then, html_where, given_at } = pending;
        (self.html_where, self.given_at) = (html_where, given_at);
        let is_known = state.is_none();
        let mut state = self.as_seen_by(state.unwrap_or(fresh), &closure, is_known);
        let mut begin = state.fork();
        self.given = self.fresh_scope();
        for closure in std::iter::once(closure).chain(then) {
            self.visited.insert((closure.module, closure.function));
            self.entered.insert((closure.module, closure.function));
            let module = closure.module;
            let handle = self.module(module);
            let most = if parameters.is_some() { MAX_ENTRY_STEPS } else { MAX_OTHER_STEPS };
            self.run_entry(most, |e| {
                e.state = begin.clone();
                e.state.alive = true;
                e.passed_on = None;
                e.in_module(module, |e| {
                    e.run_function(&closure, returns, |e| e.bind_handler(&handle, &closure, parameters.as_deref()));
                });
            });
            self.note_shared(&begin, &closure);
            // The next one runs where this one has said so; how it does so may not be seen.
            let function = handle.function(closure.function);
            let takes_next = parameters.as_ref().is_none_or(|p| function.params.len() >= p.len());
            let ended = self.ended.take().filter(|_| function.is_async && !takes_next);
            begin = self.passed_on.take().or(ended).unwrap_or_else(|| state.clone());
        }
        (self.html_where, self.given_at) = (None, None);
    }

    /// Binds the parameters of a function that a framework, or an unknown caller, calls.
    fn bind_handler(&mut self, m: &Module, closure: &Closure, parameters: Option<&[String]>) {
        let function = m.function(closure.function);
        let params: &[Param] = self.bind_self(m, closure).unwrap_or(&function.params);
        let named = if parameters.is_some() { self.route_names(m, function) } else { None };
        for (number, param) in params.iter().enumerate() {
            // Who calls it, and with what, is not known for a function that is taken for a handler by its first parameter.
            let spec = parameters.map(|p| spec_at(p, number)).filter(|spec| *spec != Some("parameter"));
            let is_guard = named.as_ref().is_some_and(|names| param_name(param).is_some_and(|n| !names.contains(&n)));
            let spec = if is_guard && spec.is_some() { Some(None) } else { spec };
            let span = function.span;
            let at = param.default.map_or(span, |d| m.expr(d).span);
            let at = if at == span { (span.0, span.0 + 1) } else { at };
            let is_last = parameters.is_some_and(|p| p.len() == number + 1);
            let value = match spec {
                Some(Some("_")) if is_last && self.language.is_script() => Data::path(Name::new(NEXT)),
                _ => {
                    let value = self.parameter(m, param, number, spec, function.exported, at);
                    self.constrained(m, param, value)
                }
            };
            let value = match param_name(param) {
                Some(name) => self.routed(value, closure, name),
                None => value,
            };
            let value = if parameters.is_some() { self.gathered(closure, param, value, at) } else { value };
            match &param.pattern {
                // The extractor stands for its parts.
                Pattern::Variant(_, inner) if inner.len() == 1 && matches!(value.kind, Kind::Object(Shape::List)) => {
                    self.bind(m, &inner[0], &value, at);
                }
                pattern => self.bind(m, pattern, &value, at),
            }
        }
    }

    /// Returns the function of the code whose result a parameter gets: `Depends(function)`.
    fn depended_on(&mut self, m: &Module, default: ExprId) -> Option<Closure> {
        let ExprKind::Call(call) = &m.expr(default).kind else { return None };
        let Kind::Path(path) = self.eval(m, call.callee).kind else { return None };
        if !matches!(path.last(), "Depends" | "Security") || self.frames.len() > self.max_calls {
            return None;
        }
        match &self.eval(m, call.args.first()?.value).kind {
            Kind::Function(closure) => Some(closure.clone()),
            _ => None,
        }
    }

    /// Returns what a parameter holds that the framework fills from the request.
    fn remote_parameter(&mut self, m: &Module, param: &Param, id: u64, place: super::Place) -> Value {
        if let Some(default) = param.default
            && let ExprKind::Call(_) = m.expr(default).kind
        {
            // What a dependency gives is made by the program: of what it takes from the request itself.
            return match self.depended_on(m, default) {
                Some(closure) => self.run_function(&closure, 0, |e| {
                    let of = e.module(closure.module);
                    e.bind_handler(&of, &closure, Some(&["remote".to_owned(), "...".to_owned()]));
                }),
                None => self.eval(m, default),
            };
        }
        let declared = param.of_type.as_ref().and_then(|of| self.class_of_type(of));
        let labels = if self.is_made_by_code(param, declared) {
            let what = param_name(param).map_or_else(|| "a parameter".to_owned(), |n| format!("parameter `{n}`"));
            Labels::source(Origin { trust: Trust::Parameter, what, only: 0, hint: true, place })
        } else {
            let path = param.of_type.as_ref().and_then(|of| self.path_of_type(of));
            let classes = path.map_or(0, |path| self.harmless_by_type(path));
            self.remote(Some("remote"), place).cleaned(classes)
        };
        let kind = if declared.is_none() && param.of_type.as_ref().is_some_and(|of| self.is_text_type(of)) {
            Kind::Text("".into())
        } else {
            Kind::Unknown
        };
        Rc::new(Data { declared, kind, ..Data::unknown(id, labels).as_ref().clone() })
    }

    fn parameter(
        &mut self,
        m: &Module,
        param: &Param,
        number: usize,
        spec: Option<Option<&str>>,
        exported: bool,
        at: (u32, u32),
    ) -> Value {
        let here = self.here();
        let place = (here, at);
        let scope = self.frames.last().map_or(0, |f| f.scopes[0]);
        let given = self.given;
        let id = super::number(&("parameter", place, number, scope));
        if let Some(kept) = self.kept(m, param, id).filter(|_| spec.is_some()) {
            return kept;
        }
        if let Some(labels) = self.declared_source(m, param, place) {
            let declared = param.of_type.as_ref().and_then(|of| self.class_of_type(of));
            let is_clean = param.of_type.as_ref().is_some_and(|of| self.carries_only_clean(of))
                || param.decorators.iter().any(|d| self.has_clean_pipe(m, *d));
            let parts = param.of_type.as_ref().filter(|_| !is_clean);
            if let Some(parts) = parts.and_then(|of| self.extracted_parts(of, &labels, id, at)) {
                return parts;
            }
            // A type without others in it is a thing of the library: `HeaderMap`.
            let path = param
                .of_type
                .as_ref()
                .filter(|of| declared.is_none() && of.args.is_empty())
                .and_then(|of| self.path_of_type(of));
            let kind = path.filter(|path| self.catalog.knows(*path)).map_or(Kind::Unknown, Kind::Path);
            let value = Rc::new(Data { declared, kind, ..Data::unknown(id, labels).as_ref().clone() });
            return if is_clean { self.number_of(&value) } else { self.read_as(&value, declared) };
        }
        if let Some(of) = self.type_by_decorator(m, param) {
            let labels = self.source_labels(of, place);
            return Rc::new(Data { labels, ..Data::new(super::number(&("given", given, of)), Kind::Path(of)) });
        }
        if let Some(of) = &param.of_type {
            let path = self.path_of_type(of);
            let path = path.filter(|path| self.catalog.knows(*path) || self.catalog.type_of(*path).is_some());
            if self.is_clean(of) && spec.is_some() {
                // What a framework keeps for its handlers is no data of the caller, but has a type.
                let is_kept = self.resolve_dotted(of.name).is_some_and(|path| path.as_str().contains('.'));
                let labels = if is_kept { Labels::default() } else { self.remote(spec.flatten(), place) };
                let number = self.number_of(&Data::unknown(id, labels));
                let declared = self.class_of_type(of);
                return match path {
                    Some(path) => Rc::new(Data { kind: Kind::Path(path), ..number.as_ref().clone() }),
                    None => Rc::new(Data { declared, ..number.as_ref().clone() }),
                };
            }
            let is_data = |path: Name| is_plain_type(self.language, path) || path.as_str() == "FormData";
            let is_sent = spec == Some(Some("remote")) && path.is_some_and(is_data);
            if let Some(path) = path.filter(|_| !is_sent) {
                let of = self.catalog.type_of(path).unwrap_or(path);
                let labels = self.source_labels(path, place);
                // Every handler of a request is given the same things.
                let is_given = spec.flatten().is_some_and(|spec| self.catalog.path(spec) == of);
                let id = if is_given { super::number(&("given", given, of)) } else { id };
                let plain = self.catalog.is_clean_type(of) && labels.is_empty();
                return Rc::new(Data { labels, plain, ..Data::new(id, Kind::Path(of)) });
            }
        }
        match spec {
            Some(Some("remote")) => self.remote_parameter(m, param, id, place),
            Some(Some("_") | None) => Data::unknown(id, Labels::default()),
            Some(Some(of)) => {
                let path = self.catalog.path(of);
                let labels = self.source_labels(path, place);
                Rc::new(Data { labels, ..Data::new(super::number(&("given", given, path)), Kind::Path(path)) })
            }
            None => {
                let is_own = param_name(param).is_some_and(|n| matches!(n.as_str(), "self" | "cls" | "this"));
                let numeric = param.of_type.as_ref().is_some_and(|of| self.is_clean(of));
                if !exported || is_own || numeric {
                    return Rc::new(Data { plain: numeric, ..Data::new(id, Kind::Unknown) });
                }
                let what = param_name(param).map_or_else(|| "a parameter".to_owned(), |n| format!("parameter `{n}`"));
                let labels = Labels::source(Origin { trust: Trust::Parameter, what, only: 0, hint: false, place });
                let declared = param.of_type.as_ref().and_then(|of| self.class_of_type(of));
                Rc::new(Data { declared, ..Data::unknown(id, labels).as_ref().clone() })
            }
        }
    }

    fn remote(&self, spec: Option<&str>, place: super::Place) -> Labels {
        if spec != Some("remote") {
            return Labels::default();
        }
        Labels::source(Origin {
            trust: Trust::Remote,
            what: "a request parameter".to_owned(),
            only: 0,
            hint: false,
            place,
        })
    }

    /// Returns the labels that a parameter has by its type, its decorators or its default, where these are sources.
    fn declared_source(&mut self, m: &Module, param: &Param, place: super::Place) -> Option<Labels> {
        let mut paths: Vec<Name> = Vec::new();
        for decorator in &param.decorators {
            paths.extend(self.decorator_keys(m, *decorator));
        }
        if let Some(default) = param.default
            && let ExprKind::Call(call) = &m.expr(default).kind
            && let Kind::Path(path) = self.eval(m, call.callee).kind
        {
            paths.push(path);
        }
        if let Some(of) = &param.of_type {
            self.paths_of_type(of, &mut paths, 0);
        }
        let catalog = self.catalog;
        let mut entries = paths.iter().flat_map(|path| catalog.parameter_sources(*path));
        let entry = entries.find(|entry| self.is_active(entry.file));
        entry.map(|entry| self.label(entry, place))
    }

    /// Returns the type of what a framework gives a parameter by its decorator: Nest's `@Req()`.
    fn type_by_decorator(&mut self, m: &Module, param: &Param) -> Option<Name> {
        let keys: Vec<Name> = param.decorators.iter().flat_map(|d| self.decorator_keys(m, *d)).collect();
        keys.iter().find_map(|key| self.catalog.type_of(self.catalog.canonical(key.called())))
    }

    /// Says whether a decorator is given something that lets through only what can carry no attack: Nest's `ParseIntPipe`.
    fn has_clean_pipe(&mut self, m: &Module, decorator: ExprId) -> bool {
        let ExprKind::Call(call) = &m.expr(decorator).kind else { return false };
        call.args.iter().any(|arg| match self.eval(m, arg.value).kind {
            Kind::Path(path) => self.catalog.is_clean_type(path),
            _ => false,
        })
    }

    fn paths_of_type(&mut self, of: &Type, paths: &mut Vec<Name>, depth: u32) {
        if let Some((module, of)) = self.alias_of(of).filter(|_| depth < 4) {
            return self.in_module(module, |e| e.paths_of_type(&of, paths, depth + 1));
        }
        let Some(path) = self.resolve_dotted(of.name) else { return };
        paths.push(path);
        if depth < 4 && (self.catalog.is_wrapper(path) || matches!(of.name.as_str(), "|" | "()" | "[]")) {
            for arg in &of.args {
                self.paths_of_type(arg, paths, depth + 1);
            }
        }
    }

    /// Says whether everything that an extractor type brings is a number or the like: `Path<u32>`.
    fn carries_only_clean(&mut self, of: &Type) -> bool {
        if let Some((module, of)) = self.alias_of(of) {
            return self.in_module(module, |e| e.carries_only_clean(&of));
        }
        !of.args.is_empty() && of.args.iter().all(|arg| self.is_clean(arg))
            || of.args.len() == 1
                && matches!(of.args[0].name.as_str(), "()")
                && of.args[0].args.iter().all(|a| self.is_clean(a))
    }
}

/// Says whether a type is one of the language's own for texts, lists and maps, which may hold anything.
pub(super) fn is_plain_type(language: Language, path: Name) -> bool {
    match language {
        Language::Python => matches!(path.as_str(), "str" | "bytes" | "list" | "dict" | "set" | "tuple"),
        Language::Rust => matches!(path.as_str(), "str" | "Vec" | "HashMap" | "HashSet"),
        _ => matches!(path.as_str(), "string" | "String" | "Array" | "Object" | "Map" | "Set"),
    }
}

fn spec_at(parameters: &[String], number: usize) -> Option<&str> {
    let repeats = parameters.last().is_some_and(|last| last == "...");
    let named = if repeats { &parameters[..parameters.len() - 1] } else { parameters };
    named.get(number).or_else(|| named.last().filter(|_| repeats)).map(String::as_str)
}
