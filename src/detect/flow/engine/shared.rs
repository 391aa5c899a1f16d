//! What functions put into variables and objects that outlive them, for the other functions to see.
//!
//! Who calls which function first is not known, so what one may have written is known nowhere else: where a function begins,
//! each outer variable, part and field that some function writes ([`super::writes`]) may hold anything beside what it was
//! made with. What a function was seen to put there stays, with its data, for those that are run later; where it is more than
//! was known, those that were run before are run once more.

use super::fill::may_be;
use super::handler::Pending;
use super::reads::{News, Reads};
use super::writes::{Write, Writes};
use super::{Engine, MAX_FILE_STEPS};
use crate::detect::flow::ir::ClassId;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key, State};
use crate::detect::flow::value::{Closure, Data, Kind, Labels, Shape, Value, join};
use std::collections::HashSet;
use std::rc::Rc;

/// How many variables and objects are kept.
pub(super) const MAX_KEPT: usize = 300;
/// How many objects are looked at for fields that functions write, and how deep.
pub(super) const MAX_OBJECTS: usize = 2000;
const MAX_DEPTH: u32 = 3;
/// The part of the steps of a file after which nothing is run once more.
const FEW_STEPS: u32 = MAX_FILE_STEPS / 4;

/// What functions have put where others see it.
#[derive(Default)]
pub(super) struct Shared {
    /// What the functions of each module write, by number of the module.
    writes: Vec<Option<Rc<Writes>>>,
    /// Variables, each with whether it is known that functions of its own module write it.
    pub(super) variables: Vec<((u32, Name), Value, bool)>,
    pub(super) contents: Vec<(u64, Contents)>,
    /// Lists, maps and objects that the code itself makes, by number: before that nobody has them.
    pub(super) made: HashSet<u64>,
    /// What came in that those run before could not know: names of variables, numbers of objects.
    pub(super) news: Vec<News>,
    /// What has run, how much of the news was there when it began, and what it has looked at.
    ran: Vec<(Pending, usize, Reads)>,
    /// What the present one has looked at.
    reads: Reads,
    /// Whether entries are run for the second time.
    is_again: bool,
    /// Whether some could not be run a second time.
    pub(super) is_cut: bool,
}

impl Shared {
    /// Says whether what was run is known to have seen all that others wrote.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_cut
    }
}

impl Engine<'_> {
    pub(super) fn writes_of(&mut self, unit: usize) -> Rc<Writes> {
        if self.shared.writes.len() <= unit {
            self.shared.writes.resize(unit + 1, None);
        }
        if let Some(known) = &self.shared.writes[unit] {
            return known.clone();
        }
        let writes = Rc::new(Writes::of(&self.module(unit)));
        self.shared.writes[unit] = Some(writes.clone());
        writes
    }

    /// Forgets of the present state what functions of a module write in a scope: its top level, or a function around others.
    pub(super) fn open_scope(&mut self, unit: usize, scope: u32) {
        let writes = self.writes_of(unit);
        if writes.is_empty() {
            return;
        }
        for (name, write) in &writes.names {
            let Some(known) = self.state.variable(scope, *name) else { continue };
            let value = self.beside(&known, write, super::number(&("shared", scope, name)));
            if Rc::ptr_eq(&value, &known) {
                continue;
            }
            self.state.set_variable(scope, *name, value.clone());
            let exports = self.units[unit].exports.values_mut().filter(|v| Rc::ptr_eq(v, &known));
            exports.for_each(|export| *export = value.clone());
        }
        for (root, paths) in &writes.parts {
            let Some(known) = self.state.variable(scope, *root) else { continue };
            let known = self.in_module(unit, |e| e.resolved(&known));
            for path in paths {
                self.open_part(&known, path, (scope, *root));
            }
        }
        if scope == self.units[unit].scope && !(writes.fields.is_empty() && writes.made_fields.is_empty()) {
            self.open_fields(unit, &writes);
        }
    }

    /// Forgets a part of what a variable holds.
    fn open_part(&mut self, value: &Value, path: &[Option<Key>], (scope, root): (u32, Name)) {
        let id = super::number(&("shared", value.id));
        let (Some(key), rest) = (path.first(), path.get(1..).unwrap_or_default()) else { return };
        match &value.kind {
            Kind::Module(unit) => {
                let Some(Key::Name(name)) = key else { return };
                let scope = self.units[*unit].scope;
                let Some(known) = self.state.variable(scope, *name) else { return };
                if rest.is_empty() {
                    let known = self.beside(&known, &Write::Any, id);
                    self.state.set_variable(scope, *name, known);
                } else {
                    self.open_part(&known, rest, (scope, *name));
                }
            }
            Kind::Object(Shape::List | Shape::Map | Shape::Instance(..)) | Kind::Class(..) => {
                let contents = self.state.contents(value.id);
                let inner = key.as_ref().and_then(|key| contents.as_ref()?.get(key).ok().cloned());
                match (key, inner) {
                    (Some(key), Some(inner)) if rest.is_empty() => {
                        let inner = self.beside(&inner, &Write::Any, id);
                        self.state.contents_mut(value.id).set(key.clone(), inner);
                    }
                    (Some(_), Some(inner)) => self.open_part(&inner, rest, (scope, root)),
                    (Some(key), None) if matches!(value.kind, Kind::Object(Shape::Map)) => {
                        let any = Data::unknown(id, Labels::default());
                        self.state.contents_mut(value.id).set(key.clone(), any);
                    }
                    (Some(_), None) => {}
                    (None, _) => self.open_contents(value, id),
                }
            }
            // A text in a lock, and the like.
            Kind::Const(_) | Kind::OneOf(_) | Kind::Text(_) => {
                let value = self.beside(value, &Write::Any, id);
                self.state.set_variable(scope, root, value);
            }
            _ => {}
        }
    }

    /// Forgets what a list, map or object holds.
    fn open_contents(&mut self, object: &Value, id: u64) {
        let any = Data::unknown(id, Labels::default());
        self.fill_contents(object, &any, MAX_DEPTH);
    }

    /// Returns what a variable may hold that some function writes: of an object, what it holds may be anything.
    fn beside(&mut self, known: &Value, write: &Write, id: u64) -> Value {
        let as_stored = known;
        let known = &self.state.checked(known);
        let any = match write {
            Write::Consts(all) if !all.is_empty() => {
                return all
                    .iter()
                    .fold(known.clone(), |value, constant| join(&value, &Data::constant(constant.clone())));
            }
            Write::Number => Rc::new(Data { plain: true, ..Data::new(id, Kind::Unknown) }),
            _ => Data::unknown(id, Labels::default()),
        };
        if matches!(known.kind, Kind::Object(_)) {
            self.open_contents(known, id);
            return if known.id == as_stored.id { as_stored.clone() } else { known.clone() };
        }
        if self.is_filled(known, &any, MAX_DEPTH) {
            return as_stored.clone();
        }
        self.loosened(known, &any, MAX_DEPTH)
    }

    /// Forgets the fields that methods write, of the classes of a module and of the objects that its variables hold.
    fn open_fields(&mut self, unit: usize, writes: &Writes) {
        let count = u32::try_from(self.module(unit).classes.len()).unwrap_or(u32::MAX);
        for class in (0..count).map(ClassId) {
            let id = super::member::class_id(unit, class);
            self.open_fields_of(id, writes, true);
        }
        let mut seen: HashSet<u64> = HashSet::new();
        let mut next: Vec<(Value, u32)> =
            self.state.variables(self.units[unit].scope).into_values().map(|v| (v, 0)).collect();
        while let Some((value, depth)) = next.pop() {
            if !matches!(value.kind, Kind::Object(_)) || seen.len() > MAX_OBJECTS || !seen.insert(value.id) {
                continue;
            }
            if matches!(value.kind, Kind::Object(Shape::Map | Shape::Instance(..))) {
                self.open_fields_of(value.id, writes, false);
            }
            if let Some(contents) = self.state.contents(value.id).filter(|_| depth < MAX_DEPTH) {
                next.extend(contents.all().map(|inner| (inner.clone(), depth + 1)));
            }
        }
    }

    fn open_fields_of(&mut self, object: u64, writes: &Writes, is_class: bool) {
        let Some(contents) = self.state.contents(object) else { return };
        for (key, value) in &contents.entries {
            let Key::Name(name) = key else { continue };
            let id = super::number(&("shared", object, name));
            let made = writes.made_fields.get(name).filter(|_| is_class);
            for write in writes.fields.get(name).into_iter().chain(made) {
                let known = self.state.contents(object).and_then(|c| c.get(key).ok().cloned());
                let value = self.beside(known.as_ref().unwrap_or(value), write, id);
                self.state.contents_mut(object).set(key.clone(), value);
            }
            if writes.changed_fields.contains_key(name) && matches!(value.kind, Kind::Object(_)) {
                self.open_contents(value, id);
            }
        }
    }

    /// Makes of a state what a function sees that is called by itself: what others may have written is not known. `is_known`
    /// says whether that was seen to for its module.
    pub(super) fn as_seen_by(&mut self, state: State, closure: &Closure, is_known: bool) -> State {
        let before = std::mem::replace(&mut self.state, state);
        self.see_others(closure, is_known);
        std::mem::replace(&mut self.state, before)
    }

    /// The same for the present state.
    pub(super) fn see_others(&mut self, closure: &Closure, is_known: bool) {
        if self.is_late {
            return;
        }
        let module = self.units[closure.module].scope;
        for scope in closure.scopes.iter().filter(|scope| !is_known || **scope != module) {
            self.open_scope(closure.module, *scope);
        }
        let variables = std::mem::take(&mut self.shared.variables);
        for (number, ((scope, name), value, is_expected)) in variables.iter().enumerate() {
            let known = self.state.variable(*scope, *name);
            if known.as_ref().is_some_and(|known| !matches!(known.kind, Kind::Object(_)) && may_be(known, value)) {
                continue;
            }
            let mut value = known.map_or_else(|| value.clone(), |known| join(&self.state.checked(&known), value));
            if !is_expected || matches!(value.kind, Kind::Object(_)) {
                value = self.beside(&value, &Write::Any, super::number(&("kept", number)));
            }
            self.state.set_variable(*scope, *name, value);
        }
        self.shared.variables = variables;
        let contents = std::mem::take(&mut self.shared.contents);
        for (id, kept) in &contents {
            let any = Data::unknown(super::number(&("kept", id)), Labels::default());
            for (key, value) in &kept.entries {
                let known = self.state.contents(*id).and_then(|c| c.get(key).ok().cloned());
                let known = match known {
                    Some(known) if may_be(&known, value) => continue,
                    Some(known) => join(&self.state.checked(&known), value),
                    None => self.loosened(value, &any, MAX_DEPTH),
                };
                self.state.contents_mut(*id).set(key.clone(), known);
            }
            if let Some(rest) = &kept.rest {
                let object = Rc::new(Data::new(*id, Kind::Object(Shape::Map)));
                self.fill_contents(&object, rest, MAX_DEPTH);
            }
        }
        self.shared.contents = contents;
    }

    /// Runs a function that code which is not known may call at any time. What others may have written is seen by it alone:
    /// of the state it runs in, only what it sets itself is kept.
    pub(super) fn called_later(&mut self, function: &Value, run: impl FnOnce(&mut Self) -> Value) {
        let Kind::Function(closure) = &function.kind else {
            run(self);
            return;
        };
        let before = self.state.fork();
        self.see_others(closure, false);
        let seen = self.state.fork();
        run(self);
        let after = std::mem::replace(&mut self.state, before);
        self.state.take_over(after, &seen);
    }

    /// Remembers what is run, to run it again where that is called for.
    pub(super) fn note_run(&mut self, pending: &Pending) {
        if !self.shared.is_again {
            let reads = std::mem::take(&mut self.shared.reads);
            if let Some((.., of)) = self.shared.ran.last_mut() {
                *of = reads;
            }
            self.shared.ran.push((pending.clone(), self.shared.news.len(), Reads::default()));
        }
    }

    /// Remembers that a value was looked at.
    pub(super) fn note_read(&mut self, value: &Value) {
        if !self.shared.is_again && !matches!(value.kind, Kind::Const(_) | Kind::OneOf(_) | Kind::Text(_)) {
            self.shared.reads.values.insert(value.id);
        }
    }

    /// Remembers that a variable was looked at.
    pub(super) fn note_read_of(&mut self, name: Name) {
        if !self.shared.is_again {
            self.shared.reads.names.insert(name);
        }
    }

    /// Runs once more what has looked at something that was written later.
    pub(super) fn run_again(&mut self) {
        let reads = std::mem::take(&mut self.shared.reads);
        let mut ran = std::mem::take(&mut self.shared.ran);
        if let Some((.., of)) = ran.last_mut() {
            *of = reads;
        }
        let news = self.shared.news.clone();
        self.shared.is_again = true;
        for (pending, known, reads) in ran {
            let later = news.get(known..).unwrap_or_default();
            if later.is_empty() || !holds_any(reads, later) {
                continue;
            }
            if self.file_steps > FEW_STEPS || self.incomplete.is_some() {
                self.shared.is_cut = true;
                return;
            }
            self.run_pending(pending);
            self.run_all_pending();
            if self.incomplete.take().is_some() {
                // The first time all was run to its end.
                self.shared.is_cut = true;
                self.pending.clear();
                return;
            }
        }
    }
}

fn holds_any(reads: Reads, news: &[News]) -> bool {
    let reads = reads.with_parts();
    news.iter().any(|news| reads.hold(*news))
}
