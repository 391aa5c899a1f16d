//! Running the code's own functions and making its objects.

use super::call::Args;
use super::{Engine, Frame};
use crate::detect::flow::StepKind;
use crate::detect::flow::ir::{
    Class, ClassId, Const, Function, FunctionId, Method, Module, Param, ParamKind, Pattern, StmtKind, Type,
};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key};
use crate::detect::flow::value::{Closure, Data, Kind, Shape, Value, join};
use crate::syntax::language::Language;
use std::rc::Rc;

/// How often one function may stand on the stack.
const MAX_RECURSION: usize = 2;

impl Engine<'_> {
    /// Runs a function with arguments.
    pub(super) fn invoke(&mut self, closure: &Closure, args: &Args, span: (u32, u32)) -> Value {
        let handle = self.module(closure.module);
        let function = handle.function(closure.function);
        let same = |f: &&Frame| f.module == closure.module && f.function == Some(closure.function);
        let is_deep = self.frames.len() > self.max_calls || self.frames.iter().filter(same).count() >= MAX_RECURSION;
        if is_deep || !self.state.alive || self.is_idle(closure, args) {
            let name = function.name.unwrap_or_else(|| Name::new("a function"));
            self.fill_given(name.as_str(), closure.this.as_ref(), args, span);
            return self.unknown_result(&[name], closure.this.as_ref(), args, span);
        }
        self.visited.insert((closure.module, closure.function));
        let name = function.name.map_or("a function", |n| n.as_str());
        let place = self.place(span);
        let mut args = args.clone();
        let given = |e: &Self, value: &Value, at: (u32, u32)| {
            let value = e.state.checked(value);
            e.stepped(&value, (place.0, at), StepKind::Argument(name.to_owned()))
        };
        for (value, at) in args.positional.iter_mut().chain(&mut args.rest).chain(&mut args.keywords) {
            *value = given(self, value, *at);
        }
        for (_, value, at) in &mut args.named {
            *value = given(self, value, *at);
        }
        let caller = self.frames.last().and_then(|f| f.function);
        self.calls.push((place, caller));
        let begin = self.file_steps;
        let result = self.run_function(closure, 0, |e| {
            e.bind_generics(function, &args);
            e.bind_params(&handle, closure, &args);
        });
        self.calls.pop();
        self.note_cost(closure, self.file_steps - begin);
        let result = match &function.returns {
            Some(of) if self.language == Language::Rust => self.in_module(closure.module, |e| e.converted(&result, of)),
            _ => result,
        };
        self.stepped(&result, place, StepKind::Return(name.to_owned()))
    }

    /// Runs a function whose parameters `bind` sets. `returns` are the classes of sink that its result is.
    pub(super) fn run_function(&mut self, closure: &Closure, returns: u64, bind: impl FnOnce(&mut Self)) -> Value {
        let handle = self.module(closure.module);
        let function = handle.function(closure.function);
        let scope = self.fresh_scope();
        let scopes: Rc<[u32]> = std::iter::once(scope).chain(closure.scopes.iter().copied()).collect();
        let frame = self.new_frame(closure.module, Some(closure.function), scopes, closure.this.clone(), returns);
        self.frames.push(frame);
        self.bind_own_class(closure, function);
        bind(self);
        self.block(&handle, &function.body);
        let state = std::mem::take(&mut self.state);
        let frame = self.frames.pop().expect("pushed above");
        if self.frames.len() == 1 {
            // A handler that ends without an answer leaves it to the next one.
            self.ended = state.alive.then(|| state.clone());
        }
        let mut result = frame.result;
        if state.alive && result.is_some() {
            super::merge_value(&mut result, &Data::constant(Const::Null));
        }
        self.state = match frame.exit {
            Some(exit) => exit.join(state),
            None => state,
        };
        self.note_left(closure, function, scope);
        if !frame.captured {
            self.state.forget_scope(scope);
        }
        match frame.yielded {
            Some(yielded) => {
                let contents = Contents { rest: Some(yielded), ..Contents::default() };
                let id = super::number(&("generator", scope));
                self.state.set_contents(id, contents);
                Rc::new(Data::new(id, Kind::Object(Shape::List)))
            }
            None => result.unwrap_or_else(|| Data::constant(Const::Null)),
        }
    }

    /// Makes the frame of a function.
    pub(super) fn new_frame(
        &mut self,
        module: usize,
        function: Option<FunctionId>,
        scopes: Rc<[u32]>,
        this: Option<Value>,
        returns: u64,
    ) -> Frame {
        Frame {
            module,
            function,
            scopes,
            this,
            result: None,
            exit: None,
            yielded: None,
            began: Rc::new(self.state.fork()),
            loops: Vec::new(),
            catches: Vec::new(),
            values: Vec::new(),
            outer: Vec::new(),
            references: Vec::new(),
            captured: false,
            returns,
        }
    }

    /// Runs something as code of a module's top level.
    pub(super) fn in_module<T>(&mut self, module: usize, run: impl FnOnce(&mut Self) -> T) -> T {
        let scopes: Rc<[u32]> = Rc::from([self.units[module].scope]);
        let frame = self.new_frame(module, None, scopes, None, 0);
        self.frames.push(frame);
        let result = run(self);
        self.frames.pop();
        result
    }

    /// Binds Rust's `Self` to the type that a method belongs to.
    fn bind_own_class(&mut self, closure: &Closure, function: &Function) {
        let Some(class) = function.class.filter(|_| self.language == Language::Rust) else { return };
        let name = self.module(closure.module).class(class).name;
        let known = name.and_then(|name| self.look_up(name)).filter(|v| matches!(v.kind, Kind::Class(..)));
        let number = super::member::class_id(closure.module, class);
        let own = known.unwrap_or_else(|| Rc::new(Data::new(number, Kind::Class(closure.module, class))));
        self.set(Name::new("Self"), own);
    }

    /// Binds type parameters to the types that a call names.
    fn bind_generics(&mut self, function: &Function, args: &Args) {
        for (name, of) in function.generics.iter().zip(&args.types) {
            let path = self
                .frames
                .iter()
                .rev()
                .nth(1)
                .map(|f| f.module)
                .and_then(|m| self.in_module(m, |e| e.path_of_type(of)));
            if let Some(path) = path {
                self.set(*name, Data::path(path));
            }
        }
    }

    fn bind_params(&mut self, m: &Module, closure: &Closure, args: &Args) {
        let function = m.function(closure.function);
        let mut params: &[Param] = &function.params;
        if let Some(rest) = self.bind_self(m, closure) {
            params = rest;
        }
        let mut position = 0;
        for param in params {
            let (value, _) = match param.kind {
                ParamKind::Rest => self.rest_args(args, position, function.span),
                ParamKind::Keywords => self.keyword_args(args, params, function.span),
                ParamKind::Plain | ParamKind::Named => {
                    let named = param_name(param).and_then(|name| args.by_name(name.as_str()));
                    let given = match named {
                        Some((value, span))
                            if args.at(position).is_none()
                                || args.named.iter().any(|(n, ..)| Some(*n) == param_name(param)) =>
                        {
                            Some((value.clone(), span))
                        }
                        _ if param.kind == ParamKind::Plain => args.at(position).cloned(),
                        _ => None,
                    };
                    position += usize::from(param.kind == ParamKind::Plain);
                    match (given, param.default) {
                        (Some(given), _) => given,
                        (None, Some(default)) => (self.eval(m, default), m.expr(default).span),
                        (None, None) => (self.undefined(closure), function.span),
                    }
                }
            };
            let value = match &param.of_type {
                Some(of) => self.converted(&value, of),
                None => value,
            };
            match &param.pattern {
                // The step into the function has been noted where the argument stands, in the file of the caller.
                Pattern::Name(name) => self.set(*name, value),
                pattern => self.bind(m, pattern, &value, (function.span.0, function.span.0 + 1)),
            }
        }
    }

    fn undefined(&mut self, closure: &Closure) -> Value {
        if self.language.is_script() {
            return Data::constant(Const::Null);
        }
        self.fresh((closure.module, (closure.function.0, 0)), Kind::Unknown)
    }

    /// Binds the object to the first parameter, where that is what it is for; returns the other parameters.
    pub(super) fn bind_self<'m>(&mut self, m: &'m Module, closure: &Closure) -> Option<&'m [Param]> {
        let function = m.function(closure.function);
        let (first, rest) = function.params.split_first()?;
        let takes_self = match self.language {
            Language::Python => function.class.is_some() && function.method != Method::Static,
            Language::Rust => param_name(first).is_some_and(|n| n.as_str() == "self"),
            _ => false,
        };
        if !takes_self {
            return None;
        }
        let this = match (&closure.this, function.class) {
            (Some(this), _) => this.clone(),
            (None, Some(class)) => {
                let kind = if function.method == Method::OfClass {
                    Kind::Class(closure.module, class)
                } else {
                    Kind::Object(Shape::Instance(closure.module, class))
                };
                Rc::new(Data::new(super::number(&("self", closure.module, class)), kind))
            }
            (None, None) => return None,
        };
        // A method that is called through its class has its object as the first argument.
        self.bind(m, &first.pattern, &this, function.span);
        Some(rest)
    }

    fn rest_args(&mut self, args: &Args, position: usize, span: (u32, u32)) -> (Value, (u32, u32)) {
        let mut contents = Contents::default();
        let list = args.positional.iter().skip(position).map(|(v, _)| v.clone()).collect();
        contents.list = Some(list);
        if let Some((rest, _)) = &args.rest {
            contents.scatter();
            contents.blur(rest);
        }
        let at = args.at(position).map_or(span, |(_, at)| *at);
        (self.object(Shape::List, contents, at), at)
    }

    fn keyword_args(&mut self, args: &Args, params: &[Param], span: (u32, u32)) -> (Value, (u32, u32)) {
        let mut contents = Contents::default();
        for (name, value, _) in &args.named {
            if !params.iter().any(|p| p.kind != ParamKind::Keywords && param_name(p) == Some(*name)) {
                contents.set(Key::Name(*name), value.clone());
            }
        }
        if let Some((any, _)) = &args.keywords {
            contents.blur(any);
        }
        let at = args.named.first().map_or(span, |(_, _, at)| *at);
        (self.object(Shape::Map, contents, at), at)
    }

    /// Returns what reading a field gives that holds a value: of a getter what it returns.
    pub(super) fn got(&mut self, object: &Value, value: &Value) -> Value {
        if let Kind::Function(closure) = &value.kind
            && self.language.is_script()
            && self.module(closure.module).function(closure.function).method == Method::Getter
        {
            let closure = Closure { this: Some(object.clone()), ..closure.clone() };
            return self.invoke(&closure, &Args::default(), (0, 0));
        }
        self.state.checked(value)
    }

    /// Calls a function that is written as a class was before there were any: what it sets on `this` and what stands in its
    /// `prototype` is what the object has.
    pub(super) fn construct_by_function(
        &mut self,
        callee: &Value,
        closure: &Closure,
        args: &Args,
        span: (u32, u32),
    ) -> Value {
        let prototype = self.member(callee, Name::new("prototype"), span);
        let contents = self.state.contents(prototype.id).map(|c| c.as_ref().clone()).unwrap_or_default();
        let object = self.object(Shape::Map, contents, span);
        let result = self.invoke(&Closure { this: Some(object.clone()), ..closure.clone() }, args, span);
        if matches!(result.kind, Kind::Const(Const::Null)) { object } else { result }
    }

    /// Makes an object of a class of the code.
    pub(super) fn construct(&mut self, module: usize, class: ClassId, args: &Args, span: (u32, u32)) -> Value {
        let handle = self.module(module);
        let definition = handle.class(class);
        if self.is_enum(module, class, 0) {
            // `Color(text)` gives a member of the enumeration or raises.
            let place = self.place(span);
            return self.anything(place);
        }
        let place = self.place(span);
        let object = self.fresh(place, Kind::Object(Shape::Instance(module, class)));
        self.state.set_contents(object.id, Contents::default());
        let constructor = ["__init__", "constructor"].into_iter().find_map(|name| {
            match self.class_member(module, class, Name::new(name), Some(&object))?.kind.clone() {
                Kind::Function(closure) => Some(closure),
                _ => None,
            }
        });
        match constructor {
            Some(closure) => {
                self.invoke(&Closure { this: Some(object.clone()), ..closure }, args, span);
            }
            None => {
                self.fill(definition, &object, args, span);
                if !definition.bases.is_empty() {
                    self.construct_base((module, class), &object, args, span);
                }
            }
        }
        object
    }

    /// Sets fields from arguments, as data classes and structure literals do.
    fn fill(&mut self, class: &Class, object: &Value, args: &Args, span: (u32, u32)) {
        for ((name, of), (value, at)) in class.fields.iter().zip(&args.positional) {
            let value = self.field_value(value, of.as_ref());
            let value = self.assigned(&value, name.as_str(), *at);
            self.state.contents_mut(object.id).set(Key::Name(*name), value);
        }
        for (name, value, at) in &args.named {
            let of = class.fields.iter().find(|(field, _)| field == name).and_then(|(_, of)| of.as_ref());
            let value = self.field_value(value, of);
            let value = self.assigned(&value, name.as_str(), *at);
            self.state.contents_mut(object.id).set(Key::Name(*name), value);
        }
        for (any, _) in args.rest.iter().chain(&args.keywords) {
            self.state.contents_mut(object.id).blur(any);
        }
        let _ = span;
    }

    fn field_value(&mut self, value: &Value, of: Option<&Type>) -> Value {
        match of {
            Some(of) => self.converted(value, of),
            None => value.clone(),
        }
    }

    /// Returns the class of the code that a type names, wrappers looked through.
    pub(super) fn class_of_type(&mut self, of: &Type) -> Option<(usize, ClassId)> {
        if let Some((module, of)) = self.alias_of(of) {
            return self.in_module(module, |e| e.class_of_type(&of));
        }
        let known = self.look_up(Name::new(of.name.as_str().split('.').next().unwrap_or_default()));
        if let Some(Kind::Class(module, class)) = known.as_ref().map(|v| &v.kind) {
            return Some((*module, *class));
        }
        let path = self.resolve_dotted(of.name)?;
        if let Some(Kind::Class(module, class)) = self.local(path, (0, 0)).as_ref().map(|v| &v.kind) {
            return Some((*module, *class));
        }
        let is_wrapper = self.catalog.is_wrapper(path) || !self.catalog.parameter_sources(path).is_empty();
        if is_wrapper { of.args.iter().find_map(|arg| self.class_of_type(arg)) } else { None }
    }

    /// Defines a class where it stands.
    pub(super) fn class_statement(&mut self, m: &Module, id: ClassId) {
        let value = self.class_value(m, id);
        if let Some(name) = m.class(id).name {
            // An `impl` block adds to the class that is there.
            if self.look_up(name).is_none_or(|v| !matches!(v.kind, Kind::Class(..)) || self.language != Language::Rust)
            {
                self.set(name, value.clone());
            }
        }
        for decorator in &m.class(id).decorators {
            self.decorated(m, *decorator, &value);
        }
    }

    /// Returns a class as a value, its variables set.
    pub(super) fn class_value(&mut self, m: &Module, id: ClassId) -> Value {
        let module = self.here();
        let number = super::member::class_id(module, id);
        let mut contents = self.state.contents(number).map(|c| c.as_ref().clone()).unwrap_or_default();
        for stmt in &m.class(id).body {
            match &stmt.kind {
                StmtKind::Assign(Pattern::Name(name), value, _) => {
                    let at = m.expr(*value).span;
                    let value = self.first_value(m, *value);
                    self.sink_of_name(*name, &value, at);
                    contents.set(Key::Name(*name), value);
                }
                StmtKind::Function(method) => self.decorated_method(m, *method),
                _ => {
                    let block = vec![stmt.clone()];
                    self.block(m, &block);
                }
            }
        }
        self.state.set_contents(number, contents);
        let mut kinds = Vec::new();
        self.base_paths(module, id, &mut kinds, 0);
        self.kinds.insert(number, kinds);
        Rc::new(Data::new(number, Kind::Class(module, id)))
    }

    /// Joins the results of calling each function that a value may be, with arguments.
    pub(super) fn call_back(&mut self, function: &Value, values: Vec<Value>, span: (u32, u32)) -> Value {
        let args = Args::of(values, span);
        match &function.kind {
            Kind::Function(_) | Kind::Class(..) | Kind::Partial(..) | Kind::Bound(..) | Kind::Path(_) => {
                self.call_value(function, &args, span)
            }
            _ => {
                let place = self.place(span);
                let unknown = self.anything(place);
                args.positional.iter().fold(unknown, |all, (v, _)| join(&all, v))
            }
        }
    }
}

/// Returns the name that a parameter binds.
pub(super) fn param_name(param: &Param) -> Option<Name> {
    match &param.pattern {
        Pattern::Name(name) => Some(*name),
        Pattern::Default(inner, _) => match inner.as_ref() {
            Pattern::Name(name) => Some(*name),
            _ => None,
        },
        _ => None,
    }
}
