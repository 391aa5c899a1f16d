//! What is known at one point of the program: variables, contents of objects, and what checks have said.

use super::catalog::{Classes, LEADING_SLASH, NO_PARENT, NOT_ABSOLUTE, ONE_SLASH};
use super::joined::parts_of_joined;
use super::name::Name;
use super::value::{Kind, Labels, Value, join};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// How deep labels are looked for inside objects.
const MAX_REACH: u32 = 5;
/// How deep the values that a joined one may be are looked at.
const MAX_JOINED: u32 = 5;
/// How many entries an object keeps apart; more go into what is not told apart.
const MAX_ENTRIES: usize = 64;

/// What is known at one point.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// What the modules' top levels have set: shared by all states of a run.
    base: Rc<RefCell<Layer>>,
    /// What is known since.
    top: Layer,
    /// Whether the point can be reached.
    pub(super) alive: bool,
}

#[derive(Debug, Clone, Default)]
struct Layer {
    variables: HashMap<(u32, Name), Value>,
    objects: HashMap<u64, Rc<Contents>>,
    cleaned: HashMap<u64, Classes>,
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
        let top = std::mem::take(&mut self.top);
        let mut base = self.base.borrow_mut();
        base.variables.extend(top.variables);
        base.objects.extend(top.objects);
        base.cleaned.extend(top.cleaned);
        drop(base);
        self.alive = true;
    }

    /// Returns a state of the same base with nothing else known.
    pub(super) fn fresh(&self) -> Self {
        Self { base: self.base.clone(), top: Layer::default(), alive: true }
    }

    /// Returns a variable.
    pub(super) fn variable(&self, scope: u32, name: Name) -> Option<Value> {
        let key = (scope, name);
        self.top.variables.get(&key).cloned().or_else(|| self.base.borrow().variables.get(&key).cloned())
    }

    /// Sets a variable.
    pub(super) fn set_variable(&mut self, scope: u32, name: Name, value: Value) {
        self.top.variables.insert((scope, name), value);
    }

    /// Returns the variables of a scope.
    pub(super) fn variables(&self, scope: u32) -> BTreeMap<Name, Value> {
        let base = self.base.borrow();
        let layers = base.variables.iter().chain(&self.top.variables);
        layers.filter(|((of, _), _)| *of == scope).map(|((_, name), value)| (*name, value.clone())).collect()
    }

    /// Returns the contents of an object; of what is one object or another, those of both.
    pub(super) fn contents(&self, id: u64) -> Option<Rc<Contents>> {
        self.contents_to(id, MAX_JOINED)
    }

    fn contents_to(&self, id: u64, depth: u32) -> Option<Rc<Contents>> {
        let own = self.top.objects.get(&id).cloned().or_else(|| self.base.borrow().objects.get(&id).cloned());
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
        let base = self.base.borrow();
        let of = |id: &u64| self.top.cleaned.get(id).or_else(|| base.cleaned.get(id)).copied().unwrap_or(0);
        // A check of the whole holds for its forms.
        of(&value.id) | value.origin.map_or(0, |(id, classes)| of(&id) & classes)
    }

    /// Returns the classes that checks have said the value of a number itself is harmless to.
    pub(super) fn cleaned_alone(&self, id: u64) -> Classes {
        let known = self.top.cleaned.get(&id).copied();
        known.or_else(|| self.base.borrow().cleaned.get(&id).copied()).unwrap_or(0)
    }

    /// Forgets what checks have said since a state of the same base.
    pub(super) fn forget_checks(&mut self, before: &Self) {
        self.top.cleaned.clone_from(&before.top.cleaned);
    }

    /// Notes that a value is harmless to classes.
    pub(super) fn clean(&mut self, id: u64, classes: Classes) {
        let known = self.base.borrow().cleaned.get(&id).copied().unwrap_or(0);
        *self.top.cleaned.entry(id).or_insert(known) |= classes;
    }

    /// Returns what checks have said since a state of the same base, `before`.
    pub(super) fn cleaned_since(&self, before: &Self) -> Vec<(u64, Classes)> {
        let new = |(id, classes): (&u64, &Classes)| {
            let old = before.top.cleaned.get(id).copied().unwrap_or(0);
            (classes & !old != 0).then_some((*id, *classes))
        };
        self.top.cleaned.iter().filter_map(new).collect()
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

    /// Puts what checks have said into the variables themselves: it holds for what they hold now, wherever the ways meet.
    fn write_down_checks(&mut self) {
        if self.top.cleaned.is_empty() {
            return;
        }
        let mut variables = std::mem::take(&mut self.top.variables);
        for value in variables.values_mut().filter(|v| !v.labels.is_empty()) {
            *value = self.checked(value);
        }
        self.top.variables = variables;
    }

    /// Returns what is known where the program comes from one state or the other, both of the same base.
    pub(super) fn join(mut self, other: Self) -> Self {
        if !self.alive {
            return other;
        }
        if !other.alive {
            return self;
        }
        if self.top.cleaned != other.top.cleaned {
            self.write_down_checks();
        }
        let mut other = other;
        if self.top.cleaned != other.top.cleaned {
            other.write_down_checks();
        }
        let shared = self.base.clone();
        let base = shared.borrow();
        // Where only this side has set what was there before, the other side still has the old value.
        for (key, ours) in &mut self.top.variables {
            if let Some(old) = base.variables.get(key)
                && !other.top.variables.contains_key(key)
            {
                *ours = join(ours, old);
            }
        }
        for (id, ours) in &mut self.top.objects {
            if let Some(old) = base.objects.get(id)
                && !other.top.objects.contains_key(id)
                && !Rc::ptr_eq(ours, old)
            {
                *ours = Rc::new(join_contents(ours, old));
            }
        }
        for (key, theirs) in other.top.variables {
            let ours = self.top.variables.get(&key).or_else(|| base.variables.get(&key));
            let joined = ours.map_or_else(|| theirs.clone(), |ours| join(ours, &theirs));
            self.top.variables.insert(key, joined);
        }
        for (id, theirs) in other.top.objects {
            let joined = match self.top.objects.get(&id).or_else(|| base.objects.get(&id)) {
                Some(ours) if !Rc::ptr_eq(ours, &theirs) => Rc::new(join_contents(ours, &theirs)),
                _ => theirs,
            };
            self.top.objects.insert(id, joined);
        }
        let cleaned = std::mem::take(&mut self.top.cleaned);
        self.top.cleaned = cleaned
            .into_iter()
            .filter_map(|(id, classes)| {
                let shared = classes & other.top.cleaned.get(&id).copied().unwrap_or(0);
                (shared != 0).then_some((id, shared))
            })
            .collect();
        self
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
    classes | within | local
}
