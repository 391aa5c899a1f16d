//! What is known at one point of the program: variables, contents of objects, and what checks have said.

use super::catalog::{Classes, LEADING_SLASH, NO_PARENT, NOT_ABSOLUTE, ONE_SLASH, OWN_PAGE};
use super::joined::parts_of_joined;
use super::layers::{Chain, Layer, Map};
use super::name::Name;
use super::value::{Kind, Labels, Value, join};
use foldhash::fast::FixedState;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::Hash;
use std::rc::Rc;

/// How deep labels are looked for inside objects.
const MAX_REACH: u32 = 5;
/// How deep the values that a joined one may be are looked at.
const MAX_JOINED: u32 = 5;
/// How many entries an object keeps apart; more go into what is not told apart.
const MAX_ENTRIES: usize = 64;

/// What is known at one point.
///
/// States that come from the same point share what was known there: a chain of layers, the nearest first. Only what each
/// has set since is its own, so that a branch costs what it changes.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// What the modules' top levels have set: shared by all states of a run.
    base: Rc<RefCell<Layer>>,
    /// What was known where the way last parted.
    chain: Chain,
    /// What is known since.
    top: Layer,
    /// Whether the point can be reached.
    pub(super) alive: bool,
}

/// A key of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    /// A text.
    Name(Name),
    /// A number.
    Index(i64),
}

/// What is in an object.
#[derive(Debug, Clone, Default)]
pub(super) struct Contents {
    /// Elements in order, where their places are known; where there is a `rest` too, it comes after them.
    pub(super) list: Option<Vec<Value>>,
    /// Values by key.
    pub(super) entries: BTreeMap<Key, Value>,
    /// What may stand under any other key or place.
    pub(super) rest: Option<Value>,
    /// What those keys may be, where that is known.
    pub(super) keys: Option<Value>,
    /// Whether `--` was added to it: programs take nothing after it as an option.
    pub(super) ended: bool,
}

impl Contents {
    /// Returns everything in it.
    pub(super) fn all(&self) -> impl Iterator<Item = &Value> {
        self.list.iter().flatten().chain(self.entries.values()).chain(&self.rest)
    }

    /// Adds a value whose place is not known.
    pub(super) fn blur(&mut self, value: &Value) {
        self.rest = Some(self.rest.as_ref().map_or_else(|| value.clone(), |rest| join(rest, value)));
    }

    /// Takes over entries under keys that are not known: each key that is there already may be one of them.
    pub(super) fn cover(&mut self, value: &Value) {
        for known in self.entries.values_mut() {
            *known = join(known, value);
        }
        self.blur(value);
    }

    /// Forgets the places of list elements.
    pub(super) fn scatter(&mut self) {
        for value in self.list.take().into_iter().flatten() {
            self.blur(&value);
        }
    }

    /// Turns a list round.
    pub(super) fn reverse(&mut self) {
        if self.rest.is_some() {
            self.scatter();
        }
        if let Some(list) = &mut self.list {
            list.reverse();
        }
    }

    /// Puts a list into an order that is not known: any element may stand anywhere.
    pub(super) fn shuffle(&mut self) {
        if self.rest.is_some() {
            self.scatter();
        }
        let Some(list) = self.list.as_mut().filter(|list| list.len() > 1) else { return };
        let any = list.iter().skip(1).fold(list[0].clone(), |any, value| join(&any, value));
        list.iter_mut().for_each(|slot| *slot = any.clone());
    }

    /// Takes an element out of a list, or whatever stands under a key that is not known.
    pub(super) fn take_out(&mut self, index: Option<i64>) {
        let place = |list: &Vec<Value>| {
            let index = index?;
            let index = if index < 0 { index + i64::try_from(list.len()).ok()? } else { index };
            usize::try_from(index).ok().filter(|at| *at < list.len())
        };
        match &mut self.list {
            Some(list) if let Some(at) = place(list) => {
                list.remove(at);
            }
            Some(_) => self.scatter(),
            None => {}
        }
    }

    /// Sets a key.
    pub(super) fn set(&mut self, key: Key, value: Value) {
        if let (Some(list), Key::Index(index)) = (&mut self.list, &key)
            && let Some(slot) = usize::try_from(*index).ok().and_then(|i| list.get_mut(i))
        {
            *slot = value;
        } else if self.entries.len() >= MAX_ENTRIES && !self.entries.contains_key(&key) {
            self.blur(&value);
        } else {
            self.entries.insert(key, value);
        }
    }

    /// Returns what stands under a key: `Err` with what may, where it is not known to stand there.
    pub(super) fn get(&self, key: &Key) -> Result<&Value, Option<&Value>> {
        if let (Some(list), Key::Index(index)) = (&self.list, key) {
            let index = if *index < 0 { index + i64::try_from(list.len()).unwrap_or(0) } else { *index };
            if let Some(value) = usize::try_from(index).ok().and_then(|i| list.get(i)) {
                return Ok(value);
            }
        }
        self.entries.get(key).ok_or(self.rest.as_ref())
    }

    /// Returns everything in it, joined.
    pub(super) fn any(&self) -> Option<Value> {
        let mut all = self.all();
        let first = all.next()?.clone();
        Some(all.fold(first, |joined, value| join(&joined, value)))
    }
}

impl State {
    /// Makes the state of a fresh program.
    pub(super) fn new() -> Self {
        Self { alive: true, ..Self::default() }
    }

    /// Adds what is known to the base: it then holds in every state of the run.
    pub(super) fn freeze(&mut self) {
        let chain = std::mem::take(&mut self.chain);
        let mut base = self.base.borrow_mut();
        for layer in chain.flat() {
            base.extend(layer);
        }
        base.extend(std::mem::take(&mut self.top));
        drop(base);
        self.alive = true;
    }

    /// Returns a state of the same base with nothing else known.
    pub(super) fn fresh(&self) -> Self {
        Self { base: self.base.clone(), alive: true, ..Self::default() }
    }

    /// Returns the same state, to go another way with: both share what is known now.
    pub(super) fn fork(&mut self) -> Self {
        self.gather();
        if !self.top.is_empty() {
            self.chain.push(std::mem::take(&mut self.top));
        }
        self.clone()
    }

    /// Takes back layers that no other state shares.
    fn gather(&mut self) {
        while let Some(mut layer) = self.chain.pop_own() {
            layer.extend(std::mem::take(&mut self.top));
            self.top = layer;
        }
    }

    /// Returns a variable.
    pub(super) fn variable(&self, scope: u32, name: Name) -> Option<Value> {
        let key = (scope, name);
        let known = self.layers().find_map(|layer| layer.variables.get(&key).cloned());
        known.or_else(|| self.base.borrow().variables.get(&key).cloned())
    }

    /// Sets a variable.
    pub(super) fn set_variable(&mut self, scope: u32, name: Name, value: Value) {
        self.top.variables.insert((scope, name), value);
    }

    /// Forgets the variables of a scope that nothing can see any more, as far as no other state shares them.
    pub(super) fn forget_scope(&mut self, scope: u32) {
        self.gather();
        self.top.variables.retain(|(of, _), _| *of != scope);
    }

    /// Returns the variables of a scope.
    pub(super) fn variables(&self, scope: u32) -> BTreeMap<Name, Value> {
        let mut found: BTreeMap<Name, Value> = BTreeMap::new();
        let base = self.base.borrow();
        for layer in self.layers().chain(std::iter::once(&*base)) {
            for ((_, name), value) in layer.variables.iter().filter(|((of, _), _)| *of == scope) {
                found.entry(*name).or_insert_with(|| value.clone());
            }
        }
        found
    }

    /// Returns the contents of an object; of what is one object or another, those of both.
    pub(super) fn contents(&self, id: u64) -> Option<Rc<Contents>> {
        self.contents_to(id, MAX_JOINED)
    }

    fn contents_to(&self, id: u64, depth: u32) -> Option<Rc<Contents>> {
        let known = self.layers().find_map(|layer| layer.objects.get(&id).cloned());
        let own = known.or_else(|| self.base.borrow().objects.get(&id).cloned());
        if own.is_some() || depth == 0 {
            return own;
        }
        let (a, b) = parts_of_joined(id)?;
        match (self.contents_to(a, depth - 1), self.contents_to(b, depth - 1)) {
            (Some(a), Some(b)) => Some(Rc::new(join_contents(&a, &b))),
            (one, other) => one.or(other),
        }
    }

    /// Returns the contents of an object, to be changed; none at first.
    pub(super) fn contents_mut(&mut self, id: u64) -> &mut Contents {
        let known = if self.top.objects.contains_key(&id) { None } else { self.contents(id) };
        Rc::make_mut(self.top.objects.entry(id).or_insert_with(|| known.unwrap_or_default()))
    }

    /// Sets the contents of an object.
    pub(super) fn set_contents(&mut self, id: u64, contents: Contents) {
        self.top.objects.insert(id, Rc::new(contents));
    }

    /// Returns the classes that checks have said a value is harmless to.
    pub(super) fn cleaned(&self, value: &Value) -> Classes {
        // A check of the whole holds for its forms.
        let of_whole = value.origin.map_or(0, |(id, classes)| self.cleaned_alone(id) & classes);
        self.cleaned_alone(value.id) | of_whole
    }

    /// Returns the classes that checks have said the value of a number itself is harmless to.
    pub(super) fn cleaned_alone(&self, id: u64) -> Classes {
        let known = self.layers().find_map(|layer| layer.cleaned.get(&id).copied());
        known.or_else(|| self.base.borrow().cleaned.get(&id).copied()).unwrap_or(0)
    }

    /// Forgets what checks have said since a state of the same base.
    pub(super) fn forget_checks(&mut self, before: &Self) {
        let shared = self.chain.shared(&before.chain);
        for id in self.since(shared).flat_map(|layer| layer.cleaned.keys().copied()).collect::<Vec<_>>() {
            self.top.cleaned.insert(id, before.cleaned_alone(id));
        }
        for id in before.since(shared).flat_map(|layer| layer.cleaned.keys().copied()) {
            self.top.cleaned.insert(id, before.cleaned_alone(id));
        }
    }

    /// Notes that a value is harmless to classes.
    pub(super) fn clean(&mut self, id: u64, classes: Classes) {
        let known = self.cleaned_alone(id);
        self.top.cleaned.insert(id, known | classes);
    }

    /// Returns what checks have said since a state of the same base, `before`.
    pub(super) fn cleaned_since(&self, before: &Self) -> Vec<(u64, Classes)> {
        let shared = self.chain.shared(&before.chain);
        let ids: BTreeSet<u64> = self.since(shared).flat_map(|layer| layer.cleaned.keys().copied()).collect();
        let new = |id: u64| {
            let classes = self.cleaned_alone(id);
            (classes & !before.cleaned_alone(id) != 0).then_some((id, classes))
        };
        ids.into_iter().filter_map(new).collect()
    }

    /// Returns the layers, the latest first, without the base.
    fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.top).chain(self.chain.layers())
    }

    /// Returns what was set since another state of the same base, from which this one follows.
    pub(super) fn set_since(&self, before: &Self) -> impl Iterator<Item = &Layer> {
        self.since(self.chain.shared(&before.chain))
    }

    /// Takes over what another state has set since a third one, from which it follows and which follows from this one.
    pub(super) fn take_over(&mut self, other: Self, since: &Self) {
        let shared = other.chain.shared(&since.chain);
        if shared < since.chain.len() {
            // Its layers were made one: they cannot be told apart any more.
            *self = other;
            return;
        }
        let set: Vec<&Layer> = other.since(shared).collect();
        for layer in set.into_iter().rev() {
            self.top.extend(layer.clone());
        }
        self.alive = other.alive;
    }

    /// Returns the layers above a part of the chain.
    fn since(&self, shared: usize) -> impl Iterator<Item = &Layer> {
        self.layers().take(1 + self.chain.len() - shared)
    }

    /// Returns a value with what checks have said of it.
    pub(super) fn checked(&self, value: &Value) -> Value {
        if value.labels.is_empty() {
            return value.clone();
        }
        match self.cleaned(value) {
            0 => value.clone(),
            classes => value.with_labels(value.labels.cleaned(classes)),
        }
    }

    /// Returns the labels of a value and of everything in it.
    pub(super) fn reach(&self, value: &Value) -> Labels {
        self.reach_to(value, MAX_REACH)
    }

    fn reach_to(&self, value: &Value, depth: u32) -> Labels {
        let mut labels = self.checked(value).labels.clone();
        if depth == 0 {
            return labels;
        }
        if let Some(contents) = self.contents(value.id) {
            for inner in contents.all() {
                labels = labels.join(&self.reach_to(inner, depth - 1));
            }
        }
        match &value.kind {
            Kind::Bound(of, _) => labels = labels.join(&self.reach_to(of, depth - 1)),
            Kind::Partial(_, args) => {
                for arg in args.iter() {
                    labels = labels.join(&self.reach_to(arg, depth - 1));
                }
            }
            _ => {}
        }
        labels
    }

    /// Puts what checks have said of some values into the variables that hold them: it holds for what they hold now,
    /// wherever the ways meet.
    fn write_down_checks(&mut self, of: &BTreeSet<u64>) {
        let holds = |value: &Value| of.contains(&value.id) || value.origin.is_some_and(|(id, _)| of.contains(&id));
        let mut held = Vec::new();
        for (key, value) in self.layers().flat_map(|layer| &layer.variables) {
            let is_latest = || self.variable(key.0, key.1).is_some_and(|latest| Rc::ptr_eq(&latest, value));
            if !value.labels.is_empty() && holds(value) && is_latest() {
                held.push((*key, self.checked(value)));
            }
        }
        self.top.variables.extend(held);
    }

    /// Returns what is known where the program comes from one state or the other, both of the same base.
    pub(super) fn join(mut self, mut other: Self) -> Self {
        if !self.alive {
            return other;
        }
        if !other.alive {
            return self;
        }
        let shared = self.chain.shared(&other.chain);
        let told = |state: &Self| -> Vec<u64> {
            state.since(shared).flat_map(|layer| layer.cleaned.keys().copied()).collect()
        };
        let mut ids: BTreeSet<u64> = told(&self).into_iter().collect();
        ids.extend(told(&other));
        let both: Vec<(u64, Classes, Classes)> =
            ids.iter().map(|id| (*id, self.cleaned_alone(*id), other.cleaned_alone(*id))).collect();
        let differ: BTreeSet<u64> =
            both.iter().filter(|(_, ours, theirs)| ours != theirs).map(|(id, ..)| *id).collect();
        if !differ.is_empty() {
            self.write_down_checks(&differ);
            other.write_down_checks(&differ);
        }
        let mut joined = Layer::default();
        for (key, ours, theirs) in self.differences(&other, shared, |layer| &layer.variables) {
            // What was found out of a value that one side has put something else in place of stays with it.
            let value = if ours.id == theirs.id {
                join(&ours, &theirs)
            } else {
                join(&self.checked(&ours), &other.checked(&theirs))
            };
            joined.variables.insert(key, value);
        }
        for (id, ours, theirs) in self.differences(&other, shared, |layer| &layer.objects) {
            let contents = if Rc::ptr_eq(&ours, &theirs) { ours } else { Rc::new(join_contents(&ours, &theirs)) };
            joined.objects.insert(id, contents);
        }
        joined.cleaned = both.into_iter().map(|(id, ours, theirs)| (id, ours & theirs)).collect();
        drop(other);
        self.chain.cut(shared);
        self.top = joined;
        self.gather();
        self
    }

    /// Returns what either side has set since the ways parted, as both have it; where only one has anything, that.
    fn differences<K: Copy + Eq + Hash, V: Clone>(
        &self,
        other: &Self,
        shared: usize,
        of: impl Fn(&Layer) -> &Map<K, V>,
    ) -> Vec<(K, V, V)> {
        let base = self.base.borrow();
        let known = |state: &Self, key: &K| {
            let known = state.layers().find_map(|layer| of(layer).get(key).cloned());
            known.or_else(|| of(&base).get(key).cloned())
        };
        let mut seen = HashSet::with_hasher(FixedState::default());
        let keys = self.since(shared).chain(other.since(shared)).flat_map(|layer| of(layer).keys().copied());
        let keys = keys.filter(|key| seen.insert(*key));
        keys.filter_map(|key| match (known(self, &key), known(other, &key)) {
            (Some(ours), Some(theirs)) => Some((key, ours, theirs)),
            (one, other) => one.or(other).map(|only| (key, only.clone(), only)),
        })
        .collect()
    }
}

fn join_contents(a: &Contents, b: &Contents) -> Contents {
    let mut joined = a.clone();
    joined.ended &= b.ended;
    match (&mut joined.list, &b.list) {
        (Some(ours), Some(theirs)) if ours.len() == theirs.len() => {
            for (x, y) in ours.iter_mut().zip(theirs) {
                *x = join(x, y);
            }
        }
        (None, None) => {}
        (Some(ours), Some(theirs)) => {
            // What both begin with keeps its place.
            let shared = ours.len().min(theirs.len());
            let longer = ours.split_off(shared);
            for (x, y) in ours.iter_mut().zip(theirs) {
                *x = join(x, y);
            }
            for value in longer.iter().chain(&theirs[shared..]) {
                joined.blur(value);
            }
        }
        (_, theirs) => {
            let theirs = theirs.clone();
            joined.scatter();
            for value in theirs.into_iter().flatten() {
                joined.blur(&value);
            }
        }
    }
    for (key, value) in &b.entries {
        match joined.entries.get_mut(key) {
            Some(known) => *known = join(known, value),
            None => joined.set(key.clone(), value.clone()),
        }
    }
    joined.keys = match (&a.rest, &b.rest, &a.keys, &b.keys) {
        (Some(_), Some(_), Some(x), Some(y)) => Some(join(x, y)),
        (Some(_), None, keys, _) | (None, Some(_), _, keys) => keys.clone(),
        _ => None,
    };
    if let Some(rest) = &b.rest {
        joined.blur(rest);
    }
    joined
}

/// Returns the classes that what is known about the form of a text makes it harmless to, beside those that were named.
pub(super) fn implied(classes: Classes, path: Classes, redirect: Classes) -> Classes {
    let within = if classes & (NO_PARENT | NOT_ABSOLUTE) == NO_PARENT | NOT_ABSOLUTE { path } else { 0 };
    let local = if classes & (LEADING_SLASH | ONE_SLASH) == LEADING_SLASH | ONE_SLASH { redirect } else { 0 };
    let own = if classes & OWN_PAGE != 0 { redirect } else { 0 };
    classes | within | local | own
}
