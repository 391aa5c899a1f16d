//! What a function leaves behind where others see it: noted when it has run.

use super::Engine;
use super::reads::News;
use super::shared::{MAX_KEPT, MAX_OBJECTS};
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::joined::parts_of_joined;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key, State};
use crate::detect::flow::value::{Closure, Data, Kind, Labels, Value, join};
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

impl Engine<'_> {
    /// Notes what a function has put, since it began, where others see it.
    pub(super) fn note_shared(&mut self, begin: &State, closure: &Closure) {
        if self.is_late {
            return;
        }
        let mut variables = BTreeSet::new();
        let mut objects = BTreeSet::new();
        for layer in self.state.set_since(begin) {
            let is_outer = |scope: u32| closure.scopes.contains(&scope) || self.units.iter().any(|u| u.scope == scope);
            variables.extend(layer.variables.keys().filter(|(scope, _)| is_outer(*scope)).copied());
            objects.extend(layer.objects.keys().copied());
        }
        let mut put = Vec::new();
        for (scope, name) in variables {
            let (Some(value), known) = (self.state.variable(scope, name), begin.variable(scope, name)) else {
                continue;
            };
            if known.is_none_or(|known| !is_same(&known, &value)) {
                let is_expected = self.writes_of(closure.module).names.contains_key(&name);
                put.push(value.clone());
                let value = self.whole(&value);
                self.keep_variable((scope, name), value, is_expected);
            }
        }
        let is_new = |id: &u64| self.shared.made.contains(id) && begin.contents(*id).is_none();
        let (made, known): (Vec<u64>, Vec<u64>) = objects.into_iter().partition(is_new);
        for id in known {
            if let Some(contents) = self.state.contents(id) {
                put.extend(contents.all().cloned());
                self.note_contents(begin, id, &contents);
            }
        }
        // What was made since is seen by others only where it was put somewhere.
        let with_data = |id: u64| {
            let contents = self.state.contents(id)?;
            let has_data = contents.all().any(|value| !value.labels.is_empty());
            has_data.then_some((id, contents))
        };
        let made: Vec<(u64, Rc<Contents>)> = made.into_iter().filter_map(with_data).collect();
        if made.is_empty() {
            return;
        }
        let scopes: BTreeSet<u32> = closure.scopes.iter().copied().chain([self.units[closure.module].scope]).collect();
        put.extend(scopes.into_iter().flat_map(|scope| self.state.variables(scope).into_values()));
        put.extend(closure.this.clone());
        let put = self.held_by(put);
        for (id, contents) in made.into_iter().filter(|(id, _)| put.as_ref().is_none_or(|put| put.contains(id))) {
            self.note_contents(begin, id, &contents);
        }
    }

    /// Returns the numbers of values and of all that is in them; nothing where they are too many.
    fn held_by(&self, values: Vec<Value>) -> Option<HashSet<u64>> {
        let mut held = HashSet::new();
        let mut scopes: HashSet<u32> = HashSet::new();
        let mut next = values;
        while let Some(value) = next.pop() {
            if !held.insert(value.id) {
                continue;
            }
            if held.len() > MAX_OBJECTS {
                return None;
            }
            let mut ids = vec![value.id];
            while let Some(id) = ids.pop() {
                let parts = parts_of_joined(id).into_iter().flat_map(|(a, b)| [a, b]);
                ids.extend(parts.filter(|id| held.insert(*id)));
            }
            match &value.kind {
                Kind::Bound(of, _) => next.push(of.clone()),
                Kind::Partial(of, given) => next.extend(std::iter::once(of).chain(given.iter()).cloned()),
                Kind::Module(unit) if scopes.insert(self.units[*unit].scope) => {
                    next.extend(self.state.variables(self.units[*unit].scope).into_values());
                }
                Kind::Function(closure) => {
                    next.extend(closure.this.clone());
                    for scope in closure.scopes.iter().filter(|scope| scopes.insert(**scope)) {
                        next.extend(self.state.variables(*scope).into_values());
                    }
                }
                _ => {}
            }
            next.extend(self.state.contents(value.id).iter().flat_map(|contents| contents.all().cloned()));
        }
        Some(held)
    }

    fn note_contents(&mut self, begin: &State, id: u64, contents: &Rc<Contents>) {
        let known = begin.contents(id);
        if known.as_ref().is_some_and(|known| Rc::ptr_eq(known, contents)) {
            return;
        }
        let mut news = Contents::default();
        for (key, value) in &contents.entries {
            let before = known.as_ref().and_then(|known| known.get(key).ok());
            if before.is_none_or(|before| !is_same(before, value)) {
                news.set(key.clone(), self.part_to_share(value));
            }
        }
        let list = known.as_ref().and_then(|known| known.list.as_deref()).unwrap_or_default();
        for (at, value) in contents.list.iter().flatten().enumerate() {
            if list.get(at).is_none_or(|before| !is_same(before, value)) {
                news.blur(&self.part_to_share(value));
            }
        }
        if let Some(rest) = &contents.rest {
            let before = known.as_ref().and_then(|known| known.rest.as_ref());
            if before.is_none_or(|before| !is_same(before, rest)) {
                news.blur(&self.part_to_share(rest));
            }
        }
        let has_data = news.all().any(|value| !value.labels.is_empty());
        if has_data || (known.is_some() && news.all().next().is_some()) {
            self.keep_contents(id, news, known.as_deref());
        }
    }

    /// Returns a value with what is in it, for those who see no more than the value.
    fn whole(&self, value: &Value) -> Value {
        let value = self.state.checked(value);
        let labels = shared_labels(&self.state.reach(&value));
        Rc::new(Data { labels, facts: None, ..value.as_ref().clone() })
    }

    fn part_to_share(&self, value: &Value) -> Value {
        let value = self.state.checked(value);
        let labels = shared_labels(&value.labels);
        Rc::new(Data { labels, facts: None, ..value.as_ref().clone() })
    }

    fn keep_variable(&mut self, of: (u32, Name), value: Value, is_expected: bool) {
        let is_full = self.shared.variables.len() >= MAX_KEPT;
        let known = self.shared.variables.iter_mut().find(|(key, ..)| *key == of);
        let is_new = match known {
            Some((_, known, _)) => {
                let joined = join(known, &value);
                let is_new = count(&joined.labels) != count(&known.labels);
                *known = joined;
                is_new
            }
            None if !is_full => {
                let is_new = !is_expected || !value.labels.is_empty();
                self.shared.variables.push((of, value, is_expected));
                is_new
            }
            None => {
                self.shared.is_cut = true;
                false
            }
        };
        self.shared.news.extend(is_new.then_some(News::Variable(of.1)));
    }

    fn keep_contents(&mut self, id: u64, news: Contents, begin: Option<&Contents>) {
        // Where nothing was known already of what stands there, nothing was wrong of those who saw it before.
        let was_open = |key: &Key| begin.is_some_and(|c| c.get(key).map_or_else(|r| r.is_some_and(is_open), is_open));
        let all_open = news.entries.keys().all(was_open)
            && news.rest.as_ref().is_none_or(|_| begin.is_some_and(|c| c.rest.as_ref().is_some_and(is_open)));
        let at = self.shared.contents.iter().position(|(known, _)| *known == id);
        let at = match at {
            Some(at) => at,
            None if self.shared.contents.len() < MAX_KEPT => {
                self.shared.contents.push((id, Contents::default()));
                self.shared.contents.len() - 1
            }
            None => {
                self.shared.is_cut = true;
                return;
            }
        };
        let known = &mut self.shared.contents[at].1;
        let before: usize = known.all().map(|v| count(&v.labels)).sum();
        let is_first = known.all().next().is_none();
        for (key, value) in news.entries {
            match known.entries.get_mut(&key) {
                Some(slot) => *slot = join(slot, &value),
                None => known.set(key, value),
            }
        }
        if let Some(rest) = &news.rest {
            known.blur(rest);
        }
        let after: usize = known.all().map(|v| count(&v.labels)).sum();
        let is_new = before != after || (is_first && !all_open);
        self.shared.news.extend(is_new.then_some(News::Object(id)));
    }
}

fn is_same(a: &Value, b: &Value) -> bool {
    Rc::ptr_eq(a, b) || (a.id == b.id && count(&a.labels) == count(&b.labels))
}

fn is_open(value: &Value) -> bool {
    matches!(value.kind, Kind::Unknown) && !value.plain
}

fn count(labels: &Labels) -> usize {
    labels.all().len()
}

/// Returns the labels that others see: what a caller nobody knows gave one function is none of theirs.
fn shared_labels(labels: &Labels) -> Labels {
    Labels::of(labels.all().iter().filter(|label| label.origin.trust != Trust::Parameter).cloned().collect())
}
