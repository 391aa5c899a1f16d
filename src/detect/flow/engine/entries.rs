//! Where the engine begins: the file's top level, then what frameworks call, then what others may call.

use super::handler::Pending;
use super::{Engine, MANY_FILE_STEPS, MAX_CALLS, MAX_ENTRY_STEPS};
use crate::detect::flow::catalog::Entry;
use crate::detect::flow::catalog::schema::Handler;
use crate::detect::flow::ir::{ClassId, ExprKind, FunctionId, Method, Module, StmtKind};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Closure, Data, Kind, Shape};
use crate::syntax::language::Language;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

impl Engine<'_> {
    pub(super) fn run_entries(&mut self) {
        let handle = self.module(0);
        if !self.may_harm(&handle) {
            return;
        }
        self.units[0].scope = self.fresh_scope();
        self.run_entry(MAX_ENTRY_STEPS, |e| {
            e.state = e.state.fresh();
            e.in_module(0, |e| e.block(&handle, &handle.body));
        });
        self.state.alive = true;
        self.open_scope(0, self.units[0].scope);
        self.state.freeze();
        self.run_all_pending();
        self.run_handler_classes(&handle);
        self.run_exported(&handle);
        self.run_all_pending();
        let hot = self.hot_functions(&handle);
        self.run_functions(&handle, &hot, u32::MAX);
        // What these put into shared lists and maps comes to the others when they are run again.
        let sharing = self.sharing_functions(&handle, &hot);
        self.run_functions(&handle, &sharing, MANY_FILE_STEPS / 2);
        self.run_again();
    }

    /// Runs functions of the file that nobody is known to have called with anything, as long as it has taken few steps.
    fn run_functions(&mut self, m: &Module, functions: &HashSet<FunctionId>, most_steps: u32) {
        let fields = functions_of_fields(m);
        let handed = handed_on(m);
        for number in 0..m.functions.len() {
            let id = FunctionId(u32::try_from(number).unwrap_or(u32::MAX));
            if !functions.contains(&id) || self.file_steps > most_steps {
                continue;
            }
            let is_handed = m.function(id).name.is_some_and(|name| handed.contains(&name));
            let is_known = if is_handed || self.is_open(m, id) { &self.entered } else { &self.visited };
            if !is_known.contains(&(0, id)) {
                let closure = self.top_level_of(m, id, &fields);
                self.run_pending(Pending::of(closure));
                self.run_all_pending();
            }
        }
    }

    /// Says whether code that is not seen can call a function, with anything, whoever else calls it: in Python a name that
    /// begins with `_` says that none does.
    fn is_open(&self, m: &Module, id: FunctionId) -> bool {
        let function = m.function(id);
        let is_own = self.language == Language::Python && function.name.is_some_and(|n| n.as_str().starts_with('_'));
        function.exported && !is_own
    }

    pub(super) fn run_all_pending(&mut self) {
        while let Some(pending) = self.pending.pop() {
            self.run_pending(pending);
        }
        debug_assert!(self.frames.len() <= MAX_CALLS, "frames are popped");
    }

    fn top_level(&self, id: FunctionId) -> Closure {
        Closure { module: 0, function: id, scopes: Rc::from([self.units[0].scope]), this: None }
    }

    /// Makes a function that others call; a method of JavaScript, or a function that a field holds, has an object of its class.
    fn top_level_of(&self, m: &Module, id: FunctionId, fields: &HashMap<FunctionId, ClassId>) -> Closure {
        let function = m.function(id);
        let class = function.class.filter(|_| function.method != Method::Static).or(fields.get(&id).copied());
        let object = class.filter(|_| self.language.is_script()).map(|class| {
            let shape = Shape::Instance(0, class);
            Rc::new(Data::new(super::number(&("handler", class)), Kind::Object(shape)))
        });
        Closure { this: object, ..self.top_level(id) }
    }

    fn run_handler_classes(&mut self, m: &Module) {
        for number in 0..m.classes.len() {
            let id = ClassId(u32::try_from(number).unwrap_or(u32::MAX));
            let mut paths = Vec::new();
            self.base_paths(0, id, &mut paths, 0);
            let catalog = self.catalog;
            let entries: Vec<&Entry<Handler>> = paths
                .iter()
                .flat_map(|path| catalog.handler_classes(*path))
                .filter(|entry| self.is_active(entry.file))
                .collect();
            if !entries.is_empty() {
                self.run_methods(m, id, &entries);
            }
        }
    }

    fn run_methods(&mut self, m: &Module, class: ClassId, entries: &[&Entry<Handler>]) {
        let methods: Vec<FunctionId> = m.class(class).body.iter().filter_map(function_of).collect();
        for id in methods {
            let function = m.function(id);
            let mut names: Vec<Name> = function.name.into_iter().collect();
            for decorator in &function.decorators {
                names.extend(self.in_module(0, |e| e.decorator_keys(m, *decorator)));
            }
            for entry in entries {
                let wanted = &entry.of.methods;
                if !wanted.is_empty() && !names.iter().any(|n| wanted.iter().any(|w| self.catalog.path(w) == *n)) {
                    continue;
                }
                let object = Data::new(super::number(&("handler", class)), Kind::Object(Shape::Instance(0, class)));
                let closure = Closure { this: Some(Rc::new(object)), ..self.top_level(id) };
                let parameters = Some(entry.of.parameters.clone());
                self.run_pending(Pending { parameters, returns: entry.classes, ..Pending::of(closure) });
                break;
            }
        }
    }

    fn run_exported(&mut self, m: &Module) {
        let path = self.module(0).file().path.as_str().to_owned();
        let fields = functions_of_fields(m);
        let catalog = self.catalog;
        for entry in catalog.exported_handlers() {
            if !self.is_active(entry.file) {
                continue;
            }
            let handler = &entry.of;
            if !handler.files.is_empty() && !handler.files.iter().any(|end| path.ends_with(end.as_str())) {
                continue;
            }
            for number in 0..m.functions.len() {
                let id = FunctionId(u32::try_from(number).unwrap_or(u32::MAX));
                let function = m.function(id);
                let by_name = handler.exported.as_ref().is_some_and(|names| {
                    let is_default = function.exported && names.all().iter().any(|n| n == "default");
                    let named = function.name.is_some_and(|n| names.all().iter().any(|w| w == n.as_str()));
                    function.exported && (named || (is_default && self.is_default(function.name)))
                });
                let by_parameter = handler.first_parameter.as_ref().is_some_and(|names| {
                    // Of methods, those that the entry names: after their object.
                    let is_method = function.class.is_some();
                    let first = function.params.get(usize::from(is_method)).and_then(super::invoke::param_name);
                    let fits = match handler.methods.as_slice() {
                        [] => !is_method,
                        methods => is_method && function.name.is_some_and(|n| methods.iter().any(|m| m == n.as_str())),
                    };
                    fits && first.is_some_and(|n| names.all().iter().any(|w| w == n.as_str()))
                });
                let by_directive = handler.directive.is_some()
                    && super::listener::is_directed(handler, self.module(0).file(), function);
                let is_counted = handler.count.is_none_or(|count| function.params.len() == count);
                if (by_name || by_parameter || by_directive) && is_counted && !self.visited.contains(&(0, id)) {
                    let closure = self.top_level_of(m, id, &fields);
                    let parameters = Some(handler.parameters.clone());
                    let html_where = handler.html_where.as_deref().map(|path| catalog.path(path));
                    self.run_pending(Pending {
                        parameters,
                        returns: entry.classes,
                        html_where,
                        ..Pending::of(closure)
                    });
                }
            }
        }
    }

    fn is_default(&self, name: Option<Name>) -> bool {
        let default = self.units[0].exports.get(&Name::new("default"));
        match default.map(|v| &v.kind) {
            Some(Kind::Function(closure)) => self.units[0].module.function(closure.function).name == name,
            _ => false,
        }
    }
}

fn function_of(stmt: &crate::detect::flow::ir::Stmt) -> Option<FunctionId> {
    match stmt.kind {
        StmtKind::Function(id) => Some(id),
        _ => None,
    }
}

/// Returns the names that stand elsewhere than where they are called: a function that is put somewhere, or given to other
/// code, may be called with anything.
fn handed_on(m: &Module) -> HashSet<Name> {
    let callees: HashSet<u32> = m.exprs.iter().filter_map(|expr| callee_of(&expr.kind)).collect();
    let named = (0u32..).zip(&m.exprs).filter(|(number, _)| !callees.contains(number));
    let name = |kind: &ExprKind| match kind {
        ExprKind::Name(name) => Some(*name),
        _ => None,
    };
    named.filter_map(|(_, expr)| name(&expr.kind)).collect()
}

fn callee_of(kind: &ExprKind) -> Option<u32> {
    match kind {
        ExprKind::Call(call) => Some(call.callee.0),
        _ => None,
    }
}

/// Returns the functions that fields of classes hold, `handler = async (req, res) => {...}`, each with its class.
fn functions_of_fields(m: &Module) -> HashMap<FunctionId, ClassId> {
    let mut functions = HashMap::new();
    for (number, class) in (0..).zip(&m.classes) {
        for stmt in &class.body {
            if let StmtKind::Assign(_, value, _) = &stmt.kind
                && let ExprKind::Function(id) = m.expr(*value).kind
            {
                functions.insert(id, ClassId(number));
            }
        }
    }
    functions
}
