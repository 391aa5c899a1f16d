//! What code that is not known may put into the lists, maps and objects that it is given.

use super::Engine;
use super::call::Args;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::joined::parts_of_joined;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Data, Kind, Labels, Shape, Value, join};
use crate::syntax::language::Language;
use std::rc::Rc;

/// How deep objects in objects are looked at.
pub(super) const MAX_DEPTH: u32 = 3;
/// How far it is looked up what a value may be.
const MAX_PARTS: u32 = 6;
/// Words with which names begin of functions that write down what they are given, and nothing into it.
const TELLING: [&str; 18] = [
    "log",
    "logger",
    "debug",
    "info",
    "warn",
    "warning",
    "error",
    "trace",
    "print",
    "println",
    "dump",
    "dumps",
    "stringify",
    "inspect",
    "repr",
    "assert",
    "expect",
    "len",
];

impl Engine<'_> {
    /// Notes what a call of code that is not known may have put into what it was given: anything, and what else it was given.
    pub(super) fn fill_given(&mut self, name: &str, receiver: Option<&Value>, args: &Args, span: (u32, u32)) {
        if self.language == Language::Rust {
            // What it is lent to change is assigned to where it stands.
            self.lent = super::lent::Lent::Away;
            return;
        }
        let is_filled =
            |value: &Value| matches!(value.kind, Kind::Object(Shape::List | Shape::Map | Shape::Instance(..)));
        let is_own = |value: &&Value| matches!(value.kind, Kind::Object(Shape::Instance(..)));
        let receiver = receiver.filter(is_own);
        let given = args.all().map(|(value, _)| value);
        let targets: Vec<Value> = given.chain(receiver).filter(|value| is_filled(value)).cloned().collect();
        if targets.is_empty() || is_telling(name) {
            return;
        }
        let everything: Vec<Value> = args.all().map(|(value, _)| value.clone()).chain(receiver.cloned()).collect();
        for target in targets {
            let others = everything.iter().filter(|value| value.id != target.id);
            let labels = others.fold(Labels::default(), |all, value| all.join(&self.given_labels(value)));
            let place = self.place(span);
            let any = Data::unknown(super::number(&("filled", place, target.id)), labels);
            self.fill_contents(&target, &any, MAX_DEPTH);
        }
    }

    /// Returns the labels that what unknown code was given has after it: where it put what, if anywhere, is a guess.
    pub(super) fn given_labels(&self, value: &Value) -> Labels {
        let labels = self.state.reach(value);
        let known = labels.all().iter().filter(|label| label.origin.trust != Trust::Parameter);
        Labels::of(known.cloned().collect()).guessed().guessed()
    }

    /// Notes that anything in an object may have become a value.
    pub(super) fn fill_contents(&mut self, object: &Value, any: &Value, depth: u32) {
        if depth == 0 || self.fixed.contains(&object.id) {
            return;
        }
        let Some(contents) = self.state.contents(object.id) else {
            self.state.contents_mut(object.id).blur(any);
            return;
        };
        if contents.rest.is_some() && contents.all().all(|inner| self.is_filled(inner, any, depth)) {
            return;
        }
        let mut contents = contents.as_ref().clone();
        let mut inner: Vec<&mut Value> =
            contents.list.iter_mut().flatten().chain(contents.entries.values_mut()).collect();
        for value in &mut inner {
            **value = self.loosened(value, any, depth);
        }
        let rest = contents.rest.as_ref().map_or_else(|| any.clone(), |rest| self.loosened(rest, any, depth));
        contents.rest = Some(rest);
        contents.keys = None;
        self.state.set_contents(object.id, contents);
    }

    /// Says whether it changes nothing to put something into a value or in its place.
    pub(super) fn is_filled(&self, value: &Value, any: &Value, depth: u32) -> bool {
        let value = self.state.checked(value);
        if matches!(value.kind, Kind::Object(_)) {
            if depth <= 1 || self.fixed.contains(&value.id) {
                return true;
            }
            return self.state.contents(value.id).is_some_and(|contents| {
                contents.rest.is_some() && contents.all().all(|inner| self.is_filled(inner, any, depth - 1))
            });
        }
        match () {
            () if !value.labels.is_empty() => value.mixed && any.labels.is_empty(),
            () if any.labels.is_empty() && matches!(value.kind, Kind::Unknown) && !value.plain => true,
            () => is_made_of(value.id, any.id, MAX_PARTS),
        }
    }

    /// Returns what a value may be in whose place another may have been put, or into which anything may.
    pub(super) fn loosened(&mut self, value: &Value, any: &Value, depth: u32) -> Value {
        let value = self.state.checked(value);
        if matches!(value.kind, Kind::Object(_)) {
            self.fill_contents(&value, any, depth.saturating_sub(1));
            return value;
        }
        if value.labels.is_empty() {
            return join(&value, any);
        }
        // How it begins stays known: what is put together of it is told by its data.
        let labels = value.labels.join(&any.labels);
        Rc::new(Data { labels, plain: false, mixed: true, ..value.as_ref().clone() })
    }

    /// Remembers a list that cannot be changed: a tuple of Python.
    pub(super) fn note_fixed(&mut self, value: &Value, span: (u32, u32)) {
        if self.language != Language::Python {
            return;
        }
        let handle = self.module(self.here());
        let first = handle.file().text().as_bytes().get(span.0 as usize);
        if !matches!(first, Some(b'[' | b'{')) {
            self.fixed.insert(value.id);
        }
    }

    /// Says whether a name is that of a function of Python itself: it changes nothing that it is given but what the catalogs
    /// say.
    pub(super) fn is_builtin(&self, keys: &[Name], receiver: Option<&Value>) -> bool {
        self.language == Language::Python
            && receiver.is_none()
            && keys.first().is_some_and(|key| !key.as_str().contains('.'))
    }
}

/// Says whether a value is another one or may be it, its data with it.
pub(super) fn may_be(value: &Value, part: &Value) -> bool {
    is_made_of(value.id, part.id, MAX_PARTS)
        && part.labels.all().iter().all(|l| value.labels.all().iter().any(|known| Rc::ptr_eq(&known.origin, &l.origin)))
}

fn is_made_of(value: u64, part: u64, depth: u32) -> bool {
    value == part
        || depth > 0
            && parts_of_joined(value)
                .is_some_and(|(a, b)| is_made_of(a, part, depth - 1) || is_made_of(b, part, depth - 1))
}

/// Says whether a function, by its name, tells people what it is given.
fn is_telling(name: &str) -> bool {
    let words = super::secret::words(name);
    words.iter().find(|word| !word.is_empty()).is_some_and(|word| TELLING.contains(&word.as_str()))
}
