//! Which functions matter: those that hold a source or a sink, or call one that does.

use super::Engine;
use super::call::Args;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::catalog::words::{Owner, SinkWord};
use crate::detect::flow::ir::{Const, ExprKind, FunctionId, Module, Pattern, StmtKind};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Closure, Kind, Value};
use crate::syntax::language::Language;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Steps of a function after which calls of it are looked at twice.
const COSTLY: u32 = 200;

/// Functions of a module.
pub(super) type Functions = Rc<HashSet<FunctionId>>;

impl Engine<'_> {
    /// Says whether a file may hold a sink, or calls other code that may.
    pub(super) fn may_harm(&self, m: &Module) -> bool {
        self.catalog.has_name_sinks() || self.imports_code(m) || !self.marks(m, &|_| false).0.is_empty()
    }

    /// Returns the functions that hold a sink or call one that does. To be asked once the top level has run: what it has
    /// brought in tells which libraries matter.
    pub(super) fn hot_functions(&self, m: &Module) -> HashSet<FunctionId> {
        let (marks, calls) = self.marks(m, &|_| false);
        holders(m, marks, calls)
    }

    /// Returns the functions that name a variable of the top level that a hot one names, too, and that holds a list, a map or
    /// the like: they may put something there, directly or through another name.
    pub(super) fn sharing_functions(&self, m: &Module, hot: &HashSet<FunctionId>) -> HashSet<FunctionId> {
        let held: HashSet<Name> = m.body.iter().filter_map(|stmt| held(m, &stmt.kind)).collect();
        if held.is_empty() {
            return HashSet::new();
        }
        let named = |(at, expr): (u32, &ExprKind)| match expr {
            ExprKind::Name(name) if held.contains(name) => Some((at, *name)),
            _ => None,
        };
        let mut named: Vec<(u32, Name)> = m.exprs.iter().filter_map(|e| named((e.span.0, &e.kind))).collect();
        named.sort_unstable();
        let names_of = |id: FunctionId| {
            let (from, to) = m.function(id).span;
            let begin = named.partition_point(|(at, _)| *at < from);
            named[begin..].iter().take_while(move |(at, _)| *at < to).map(|(_, name)| *name)
        };
        let shared: HashSet<Name> = hot.iter().flat_map(|id| names_of(*id)).collect();
        let all = (0..m.functions.len()).map(|number| FunctionId(u32::try_from(number).unwrap_or(u32::MAX)));
        all.filter(|id| !hot.contains(id) && names_of(*id).any(|name| shared.contains(&name))).collect()
    }

    /// Returns the functions of a module that hold a sink, a source or a name from other code of the repository, or call
    /// one that does.
    fn warm_functions(&mut self, module: usize) -> Functions {
        if let Some(known) = self.warm.get(&module) {
            return known.clone();
        }
        let handle = self.module(module);
        let mut foreign: HashSet<Name> = HashSet::new();
        for stmt in &handle.body {
            if let StmtKind::Import(import) = &stmt.kind
                && !self.catalog.knows(self.catalog.canonical(import.module))
            {
                foreign.insert(import.local);
            }
        }
        let matters = |name: Name| self.catalog.is_source_word(name) || foreign.contains(&name);
        let (marks, calls) = self.marks(&handle, &matters);
        let warm = Rc::new(holders(&handle, marks, calls));
        self.warm.insert(module, warm.clone());
        warm
    }

    /// Says whether a call need not be followed: the function has taken many steps before, holds neither a source nor a
    /// sink, and is given nothing but what a caller that nobody knows may give.
    pub(super) fn is_idle(&mut self, closure: &Closure, args: &Args) -> bool {
        if !self.costly.contains(&(closure.module, closure.function)) {
            return false;
        }
        if self.warm_functions(closure.module).contains(&closure.function) {
            return false;
        }
        let given = |value: &Value| {
            let is_code =
                matches!(value.kind, Kind::Function(_) | Kind::Bound(..) | Kind::Partial(..) | Kind::Class(..));
            let labels = self.state.reach(value);
            is_code || labels.all().iter().any(|label| label.origin.trust != Trust::Parameter)
        };
        !args.all().any(|(value, _)| given(value)) && !closure.this.as_ref().is_some_and(given)
    }

    /// Notes how many steps a function has taken.
    pub(super) fn note_cost(&mut self, closure: &Closure, steps: u32) {
        if steps >= COSTLY {
            self.costly.insert((closure.module, closure.function));
        }
    }

    /// Returns where sinks may stand and words that matter beside them, and the other names that stand somewhere.
    fn marks(&self, m: &Module, also: &dyn Fn(Name) -> bool) -> (Vec<u32>, Vec<(u32, Name)>) {
        let imports = m.body.iter().filter_map(|stmt| match &stmt.kind {
            StmtKind::Import(import) => Some((import.local, import.item.unwrap_or(import.local))),
            _ => None,
        });
        let imports: HashMap<Name, Name> = imports.collect();
        // Only there does it matter what a name by itself is.
        let exprs = if self.language == Language::Python { m.exprs.as_slice() } else { &[] };
        let callees: HashSet<u32> = exprs.iter().filter_map(|expr| callee(&expr.kind)).collect();
        let is_any = |name: Name| self.words(name).next().is_some();
        let is_open = is_any(Name::new("*"));
        let mut marks: Vec<u32> = Vec::new();
        let mut calls: Vec<(u32, Name)> = Vec::new();
        for (number, expr) in (0u32..).zip(&m.exprs) {
            let matters = match &expr.kind {
                ExprKind::Name(name) => {
                    let of = imports.get(name).copied().unwrap_or(*name);
                    let is_function = callees.contains(&number) || imports.contains_key(name);
                    also(*name) || self.words(of).any(|word| self.may_stand_alone(word.owner, is_function))
                }
                ExprKind::Member(object, name) => {
                    let owner = match &m.expr(*object).kind {
                        ExprKind::Name(owner) | ExprKind::Member(_, owner) => Some(*owner),
                        _ => None,
                    };
                    let is_module = owner.is_some_and(|owner| imports.contains_key(&owner));
                    also(*name) || self.words(*name).any(|word| self.may_stand_on(word.owner, owner, is_module))
                }
                ExprKind::Markup(_, attributes, _) => attributes.iter().any(|(name, _)| is_any(*name)),
                ExprKind::Index(_, key) => is_open && !matches!(m.expr(*key).kind, ExprKind::Const(_)),
                // A pattern that is slow does harm where it meets a text of a stranger, whatever the call is named.
                ExprKind::Const(Const::Regex(pattern, _) | Const::Text(pattern)) => {
                    [")+", ")*", "){"].iter().any(|end| pattern.contains(end)) && super::slow::is_catastrophic(pattern)
                }
                _ => false,
            };
            match &expr.kind {
                _ if matters => marks.push(expr.span.0),
                ExprKind::Name(name) | ExprKind::Member(_, name) => calls.push((expr.span.0, *name)),
                _ => {}
            }
        }
        (marks, calls)
    }

    fn words(&self, name: Name) -> impl Iterator<Item = &SinkWord> {
        self.catalog.sink_words(name).iter().filter(|word| self.is_active(word.file))
    }

    /// Says whether a name by itself can be a sink that stands on something: an imported function can.
    fn may_stand_alone(&self, owner: Owner, is_function: bool) -> bool {
        self.language != Language::Python || is_function || !matches!(owner, Owner::Module(..))
    }

    /// Says whether a member can be a sink: a module goes by its name or that of an import.
    fn may_stand_on(&self, sink: Owner, owner: Option<Name>, is_module: bool) -> bool {
        match sink {
            _ if self.language != Language::Python => true,
            Owner::Any => true,
            Owner::Nothing => owner.is_some_and(|owner| is_module || owner.as_str().contains("builtins")),
            Owner::Module(first, last) => owner.is_some_and(|owner| is_module || owner == first || owner == last),
        }
    }

    /// Says whether a file imports something that the catalog does not know: code of the same repository, perhaps.
    fn imports_code(&self, m: &Module) -> bool {
        let path = self.units[0].module.file().path.as_str();
        if self.language == Language::Rust && (path.ends_with("main.rs") || path.contains("/bin/")) {
            // A program names the library of its own package without importing it.
            return true;
        }
        m.body.iter().any(|stmt| match &stmt.kind {
            StmtKind::Import(import) => !self.catalog.knows(self.catalog.canonical(import.module)),
            StmtKind::Assign(_, value, _) => matches!(m.expr(*value).kind, ExprKind::Call(_)),
            _ => false,
        })
    }
}

/// Returns the functions that hold a mark or name one that does.
fn holders(m: &Module, mut marks: Vec<u32>, mut calls: Vec<(u32, Name)>) -> HashSet<FunctionId> {
    marks.sort_unstable();
    let holds = |span: (u32, u32), marks: &[u32]| {
        let from = marks.partition_point(|at| *at < span.0);
        marks.get(from).is_some_and(|at| *at < span.1)
    };
    let mut hot: HashSet<FunctionId> = HashSet::new();
    for _ in 0..4 {
        let mut names: HashSet<Name> = HashSet::new();
        for (number, function) in m.functions.iter().enumerate() {
            let id = FunctionId(u32::try_from(number).unwrap_or(u32::MAX));
            if hot.contains(&id) || holds(function.span, &marks) {
                hot.insert(id);
                names.extend(function.name);
                // What makes an object runs its constructor, and others that are never named: `__exit__`.
                let is_special = |n: Name| n.as_str().starts_with("__") || n.as_str() == "constructor";
                let is_unnamed = function.name.is_some_and(is_special);
                names.extend(function.class.filter(|_| is_unnamed).and_then(|class| m.class(class).name));
            }
        }
        let before = marks.len();
        marks.extend(calls.iter().filter(|(_, name)| names.contains(name)).map(|(at, _)| *at));
        calls.retain(|(_, name)| !names.contains(name));
        marks.sort_unstable();
        if marks.len() == before {
            break;
        }
    }
    hot
}

/// Returns the variable that a statement makes a list, a map or an object of a class that is known to be one.
fn held(m: &Module, stmt: &StmtKind) -> Option<Name> {
    let StmtKind::Assign(Pattern::Name(name), value, _) = stmt else { return None };
    let is_held = match &m.expr(*value).kind {
        ExprKind::List(_) | ExprKind::Map(_) => true,
        ExprKind::Call(call) => {
            let made = ["dict", "list", "set", "defaultdict", "OrderedDict", "deque", "Map", "Set", "Array", "Object"];
            matches!(&m.expr(call.callee).kind,
                ExprKind::Name(name) | ExprKind::Member(_, name) if made.contains(&name.as_str()))
        }
        _ => false,
    };
    is_held.then_some(*name)
}

fn callee(kind: &ExprKind) -> Option<u32> {
    match kind {
        ExprKind::Call(call) => Some(call.callee.0),
        _ => None,
    }
}
