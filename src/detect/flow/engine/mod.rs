//! Runs a module with values of which only some things are known, and notes where data does harm.
//!
//! An abstract interpreter (Cousot and Cousot, POPL 1977) over [`super::ir`]: statements run in order, branches whose condition is
//! not known run both ways and are joined, loops run until little changes, functions of the code run where they are called.
//! Every run is bounded in steps; what is cut short is reported.

pub mod alias;
mod answer;
mod beginning;
mod bind;
mod call;
mod call_library;
mod check;
mod checked_type;
mod choose;
mod compare;
mod comprehension;
mod constraint;
mod container;
mod cookie;
mod decorator;
mod entries;
mod exception;
mod existence;
mod expr;
mod extension;
mod extractor;
mod facts;
mod files;
mod fill;
mod focus;
mod fold;
mod formatter;
mod gaps;
mod handler;
mod heat;
mod imports;
mod inherit;
mod invoke;
mod leading;
mod left;
mod lent;
mod listener;
mod logline;
mod markup;
mod member;
mod model;
mod operation;
mod options;
mod outcome;
mod part;
mod paths;
mod pattern;
mod position;
mod promise;
mod protocol;
mod random;
mod reads;
mod reflect;
mod regex;
mod render;
mod response;
mod rounds;
mod route;
mod secret;
mod session;
mod settings;
mod settle;
mod shape;
mod shared;
mod signature;
mod sink;
mod slow;
mod statement;
mod stmt;
mod structure;
#[cfg(test)]
mod tests;
mod text;
mod weight;
mod workspace;
mod writes;

use super::catalog::{Catalog, Classes};
use super::ir::{FunctionId, Module};
use super::name::Name;
use super::state::State;
use super::value::{Data, Kind, Labels, Value, number};
use super::{Flow, FlowStep, Flows, Harm, Loaded, SourceProvider, StepKind};
use crate::deadline::Deadline;
use crate::detect::Context;
use crate::path::RepoPath;
use crate::syntax::SourceFile;
use crate::syntax::language::Language;
use handler::Pending;
use route::RoutePart;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// Steps for one entry, a handler or function that others call, with calls followed as deep as can be.
const MAX_ENTRY_STEPS: u32 = 12_000;
/// The same for a function of which nobody knows who calls it: what is found there is a hint for the most part.
const MAX_OTHER_STEPS: u32 = 5_000;
/// Steps for one entry with few calls followed.
const MAX_SHALLOW_STEPS: u32 = 60_000;
/// Steps for one file.
const MAX_FILE_STEPS: u32 = 1_500_000;
/// Steps in one file after which calls are followed less deep; after twice as many, only those of the entry itself.
const MANY_FILE_STEPS: u32 = 40_000;
/// How many steps are taken between two looks at the clock.
const CLOCK_EVERY: u32 = 64;
/// How deep calls of the code's own functions are followed.
const MAX_CALLS: usize = 16;
/// How deep they are followed where that takes too many steps: into what the entry itself calls.
const FEW_CALLS: usize = 3;
/// How deep expressions and statements are followed, all calls together.
const MAX_DEPTH: u32 = 400;
/// How many other files one file's analysis reads.
const MAX_MODULES: usize = 24;

/// Where something stands: the number of the module, and bytes of its file.
type Place = (usize, (u32, u32));

/// A module, this one's or another file's.
#[derive(Clone)]
enum Handle<'a> {
    Own(&'a Module, &'a SourceFile),
    Other(Arc<Loaded>),
}

impl Handle<'_> {
    fn file(&self) -> &SourceFile {
        match self {
            Self::Own(_, file) => file,
            Self::Other(loaded) => &loaded.file,
        }
    }
}

impl Deref for Handle<'_> {
    type Target = Module;

    fn deref(&self) -> &Module {
        match self {
            Self::Own(module, _) => module,
            Self::Other(loaded) => &loaded.module,
        }
    }
}

/// A module under analysis.
struct Unit<'a> {
    module: Handle<'a>,
    /// Its scope of global variables.
    scope: u32,
    /// What it exports by name, where that differs from its variables.
    exports: BTreeMap<Name, Value>,
}

/// A function under way.
struct Frame {
    module: usize,
    function: Option<FunctionId>,
    /// Its scopes, innermost first.
    scopes: Rc<[u32]>,
    this: Option<Value>,
    /// What it has returned so far, and the state at the returns.
    result: Option<Value>,
    exit: Option<State>,
    /// What it has yielded.
    yielded: Option<Value>,
    /// The state when it began.
    began: Rc<State>,
    /// Loops under way, innermost last: the states at `break` and at `continue`.
    loops: Vec<Loop>,
    /// `try` blocks under way: the state at what they catch.
    catches: Vec<Option<State>>,
    /// Block expressions under way: their values so far.
    values: Vec<Option<Value>>,
    /// Names that belong to outer scopes.
    outer: Vec<Name>,
    /// What variables refer to that hold references.
    references: Vec<lent::Reference>,
    /// Whether a function was made in it, which may see its variables later.
    captured: bool,
    /// The class of sink that what it returns is.
    returns: Classes,
}

#[derive(Default)]
struct Loop {
    breaks: Option<State>,
    continues: Option<State>,
    value: Option<Value>,
}

/// The engine at work on one file.
struct Engine<'a> {
    catalog: &'a Catalog,
    /// Which catalog files matter, by number.
    active: Vec<bool>,
    language: Language,
    units: Vec<Unit<'a>>,
    by_path: HashMap<RepoPath, Option<usize>>,
    /// What paths of modules lead to, by the module that names them.
    modules: HashMap<(usize, &'static str), Option<imports::Found>>,
    /// Crates of the same workspace by module and name.
    crates: HashMap<(usize, Name), Option<Name>>,
    /// What the files of a project say of names.
    named: alias::Known,
    others: &'a dyn SourceProvider,
    /// Which functions of the analysed file matter.
    focus: focus::Focus,
    state: State,
    frames: Vec<Frame>,
    /// Calls of the code's own functions under way, outermost first: where, and in which function.
    calls: Vec<(Place, Option<FunctionId>)>,
    /// What the code has raised since the innermost `try` began.
    raised: Option<Value>,
    /// Whether the sink that is looked at is one where what arrives is no more than a hint.
    is_hint_sink: bool,
    /// A weak hash that has just been made of nothing foreign, and those made so far, by the number of the value.
    quiet_hash: Option<(Place, Name)>,
    quiet_hashes: HashMap<u64, (Place, Name)>,
    /// What the places of things in lists and texts are places of.
    positions: HashMap<u64, (Value, Value)>,
    /// What texts are made of.
    composed: HashMap<u64, Vec<Value>>,
    /// How texts begin that begin with something of the program's own.
    begun: HashMap<u64, beginning::Beginning>,
    /// What was looked up under a name of a stranger, by number: the name, and whether in an object of the code.
    looked_up: HashMap<u64, (Value, bool)>,
    /// Values that queries under way ask for, by number of the query.
    asked_for: HashMap<u64, Vec<Value>>,
    /// Whether the application escapes what it logs, once that was asked.
    whole_lines: Option<bool>,
    /// Comprehensions under way.
    comprehensions: u32,
    /// Responses that were made of a stranger's markup: their numbers and those of their headers, and where.
    answers: Vec<([u64; 2], Place)>,
    pending: Vec<Pending>,
    /// Functions that have run.
    visited: HashSet<(usize, FunctionId)>,
    /// Those of them that were entered as code that is not seen, or a framework, does.
    entered: HashSet<(usize, FunctionId)>,
    found: BTreeMap<sink::Identity, Flow>,
    /// Places of sinks in this file that were reached with nothing that does harm, by class.
    settled: BTreeMap<((u32, u32), Classes, bool), Harm>,
    /// Where a member was read last: what a class has from a library comes in there.
    read_at: (u32, u32),
    /// What parts of routes can hold, by the function that takes them.
    route_parts: HashMap<(usize, FunctionId, Name), RoutePart>,
    /// The paths that classes of the code are kinds of.
    kinds: HashMap<u64, Vec<Name>>,
    /// The classes that what is read as a type of the code is harmless to, by module and name.
    checked_types: HashMap<(usize, Name), Classes>,
    /// What became of what the present call was lent.
    lent: lent::Lent,
    /// Lists that cannot be changed.
    fixed: HashSet<u64>,
    /// What functions have put where others see it.
    shared: shared::Shared,
    /// Functions that have taken many steps, and by module those that matter.
    costly: HashSet<(usize, FunctionId)>,
    warm: HashMap<usize, heat::Functions>,
    next_scope: u32,
    /// Number of the request that handlers are run with.
    given: u32,
    /// What must have the content type of HTML for what the present handler returns to be sent as such.
    html_where: Option<Name>,
    /// Where the present handler was given to its framework, and its name, where that tells what its own file does not.
    given_at: Option<(Place, Name)>,
    /// What is known where the last handler ran to its end.
    ended: Option<State>,
    /// What is known where the present handler passes the request on.
    passed_on: Option<State>,
    depth: u32,
    entry_steps: u32,
    /// How many steps an entry may take with calls followed as deep as can be.
    most_steps: u32,
    /// How deep calls are followed now.
    max_calls: usize,
    /// Whether the entry has to be run again with fewer calls followed.
    exhausted: bool,
    file_steps: u32,
    deadline: Deadline,
    /// Whether the deadline has passed: nothing more is followed.
    is_late: bool,
    incomplete: Option<String>,
}

/// Runs the engine over a file.
pub fn run(file: &SourceFile, module: &Module, catalog: &Catalog, context: Context<'_>) -> Flows {
    super::joined::forget_joined();
    let unit = Unit { module: Handle::Own(module, file), scope: 0, exports: BTreeMap::new() };
    let mut engine = Engine {
        catalog,
        active: catalog.active(file.text()),
        language: file.language,
        units: vec![unit],
        by_path: HashMap::from([(file.path.clone(), Some(0))]),
        modules: HashMap::new(),
        crates: HashMap::new(),
        named: alias::Known::default(),
        others: context.others,
        focus: focus::Focus::of(file, context.focus),
        state: State::new(),
        frames: Vec::new(),
        calls: Vec::new(),
        raised: None,
        is_hint_sink: false,
        quiet_hash: None,
        quiet_hashes: HashMap::new(),
        begun: HashMap::new(),
        positions: HashMap::new(),
        composed: HashMap::new(),
        looked_up: HashMap::new(),
        asked_for: HashMap::new(),
        whole_lines: None,
        comprehensions: 0,
        answers: Vec::new(),
        pending: Vec::new(),
        visited: HashSet::new(),
        entered: HashSet::new(),
        found: BTreeMap::new(),
        settled: BTreeMap::new(),
        read_at: (0, 0),
        route_parts: HashMap::new(),
        kinds: HashMap::new(),
        lent: lent::Lent::default(),
        fixed: HashSet::new(),
        shared: shared::Shared::default(),
        costly: HashSet::new(),
        warm: HashMap::new(),
        checked_types: HashMap::new(),
        next_scope: 1,
        given: 0,
        html_where: None,
        given_at: None,
        ended: None,
        passed_on: None,
        depth: 0,
        entry_steps: 0,
        most_steps: MAX_ENTRY_STEPS,
        max_calls: MAX_CALLS,
        exhausted: false,
        file_steps: 0,
        deadline: context.deadline,
        is_late: false,
        incomplete: None,
    };
    engine.run_entries();
    engine.finish()
}

impl<'a> Engine<'a> {
    fn finish(mut self) -> Flows {
        let files = std::mem::take(&mut self.units).into_iter().skip(1).filter_map(|unit| match unit.module {
            Handle::Other(loaded) => Some(loaded),
            Handle::Own(..) => None,
        });
        let files = files.collect();
        let settled = self.all_settled();
        Flows { settled, flows: self.found.into_values().collect(), files, incomplete: self.incomplete.clone() }
    }

    /// Counts a step; says whether the work may go on.
    fn step(&mut self) -> bool {
        self.entry_steps += 1;
        self.file_steps += 1;
        if self.file_steps > MANY_FILE_STEPS || self.entry_steps > MAX_SHALLOW_STEPS / 2 {
            let is_long = self.file_steps > 2 * MANY_FILE_STEPS || self.entry_steps > MAX_SHALLOW_STEPS / 2;
            self.max_calls = self.max_calls.min(if is_long { 1 } else { FEW_CALLS });
        }
        if self.entry_steps > self.most_steps && self.max_calls > FEW_CALLS {
            self.exhausted = true;
        } else if self.entry_steps > MAX_SHALLOW_STEPS {
            self.give_up("a function takes too many steps to follow");
        } else if self.file_steps > MAX_FILE_STEPS {
            self.give_up("the file takes too many steps to follow");
        } else if self.is_late || (self.file_steps.is_multiple_of(CLOCK_EVERY) && self.deadline.passed()) {
            self.is_late = true;
            self.give_up("following data ran into the time limit");
        } else {
            return true;
        }
        self.state.alive = false;
        false
    }

    /// Runs an entry; where that takes too many steps, once more with fewer calls followed: those left out are then unknown
    /// code.
    fn run_entry(&mut self, most: u32, run: impl Fn(&mut Self)) {
        self.most_steps = most;
        self.entry_steps = 0;
        self.exhausted = false;
        let deep = self.max_calls;
        run(self);
        if std::mem::take(&mut self.exhausted) {
            self.max_calls = FEW_CALLS.min(deep);
            self.entry_steps = 0;
            run(self);
        }
        // What one entry takes is not taken from the next one.
        self.max_calls = deep;
    }

    fn give_up(&mut self, why: &str) {
        self.incomplete.get_or_insert_with(|| why.to_owned());
    }

    fn module(&self, number: usize) -> Handle<'a> {
        self.units[number].module.clone()
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("code runs in a frame")
    }

    fn here(&self) -> usize {
        self.frames.last().map_or(0, |f| f.module)
    }

    fn place(&self, span: (u32, u32)) -> Place {
        (self.here(), span)
    }

    fn fresh_scope(&mut self) -> u32 {
        self.next_scope += 1;
        self.next_scope
    }

    /// Says whether an entry of a catalog file matters here.
    fn is_active(&self, file: u16) -> bool {
        self.active.get(usize::from(file)).copied().unwrap_or(false)
    }

    /// Makes a value of its own: no other is equal.
    fn fresh(&mut self, place: Place, kind: Kind) -> Value {
        let scope = self.frames.last().map_or(0, |f| f.scopes[0]);
        Rc::new(Data::new(number(&("fresh", place, scope)), kind))
    }

    /// Makes an unknown value of its own.
    fn anything(&mut self, place: Place) -> Value {
        self.fresh(place, Kind::Unknown)
    }

    /// Adds a step to the labels of a value.
    fn stepped(&self, value: &Value, place: Place, kind: StepKind) -> Value {
        if value.labels.is_empty() {
            return value.clone();
        }
        let step = FlowStep { file: place.0, range: place.1, kind };
        value.with_labels(value.labels.stepped(&step))
    }

    /// Notes a step of an assignment.
    pub(super) fn assigned(&self, value: &Value, name: &str, span: (u32, u32)) -> Value {
        self.stepped(value, self.place(span), StepKind::Assign(name.to_owned()))
    }

    /// Makes a value of parts: its number and its labels follow from theirs.
    fn derived(&self, what: &str, parts: &[&Value], kind: Kind) -> Value {
        let ids: Vec<u64> = parts.iter().map(|p| p.id).collect();
        let labels = parts.iter().fold(Labels::default(), |all, p| all.join(&self.state.reach(p)));
        let plain = parts.iter().all(|p| self.tells_all(p));
        let mixed = !plain && !labels.is_empty();
        Rc::new(Data { labels, plain, mixed, ..Data::new(number(&(what, ids)), kind) })
    }

    /// Runs `first` and `second` from the present state and joins what comes out.
    fn either<A, B>(&mut self, first: impl FnOnce(&mut Self) -> A, second: impl FnOnce(&mut Self) -> B) -> (A, B) {
        let before = self.state.fork();
        let a = first(self);
        let after_first = std::mem::replace(&mut self.state, before);
        let b = second(self);
        let after_second = std::mem::take(&mut self.state);
        self.state = after_first.join(after_second);
        (a, b)
    }
}

/// Joins a state into a place that may have none yet.
fn merge(into: &mut Option<State>, state: State) {
    *into = Some(match into.take() {
        Some(known) => known.join(state),
        None => state,
    });
}

/// Joins a value into a place that may have none yet.
fn merge_value(into: &mut Option<Value>, value: &Value) {
    *into = Some(match into.take() {
        Some(known) => super::value::join(&known, value),
        None => value.clone(),
    });
}
