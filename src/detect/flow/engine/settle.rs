//! What is known to be harmless where it matters: a rule that suspects such a place is wrong.

use super::Engine;
use crate::detect::flow::Settled;
use crate::detect::flow::catalog::Classes;
use crate::detect::flow::value::{Kind, Label, Value};

/// Classes where the text itself does the harm.
const OF_TEXT: [&str; 14] = [
    "sql", "nosql", "command", "code", "template", "xss", "path", "ssrf", "redirect", "ldap", "xpath", "log", "header",
    "email",
];
/// How deep lists and maps are looked into.
const MAX_DEPTH: u32 = 4;

impl Engine<'_> {
    /// Notes whether a sink was reached with nothing that does harm.
    pub(super) fn settle(&mut self, classes: Classes, value: &Value, span: (u32, u32)) {
        if self.here() == 0 && self.state.alive {
            let classes = classes & !self.catalog.own_sources();
            let is_settled = self.is_settled(value, classes);
            self.settled.entry((span, classes)).and_modify(|known| *known &= is_settled).or_insert(is_settled);
        }
    }

    /// Notes whether a text was put together from nothing that does harm.
    pub(super) fn settle_text(&mut self, plain: bool, span: (u32, u32)) {
        if self.here() == 0 && self.state.alive {
            let classes = OF_TEXT.iter().fold(0, |all, class| all | self.catalog.bit_of(class));
            self.settled.entry((span, classes)).and_modify(|known| *known &= plain).or_insert(plain);
        }
    }

    /// Says whether a value and all in it is known to carry nothing that does harm to classes.
    pub(super) fn is_settled(&self, value: &Value, classes: Classes) -> bool {
        self.is_settled_to(value, classes, MAX_DEPTH)
    }

    fn is_settled_to(&self, value: &Value, classes: Classes, depth: u32) -> bool {
        let value = &self.state.checked(value);
        if value.is_plain() && value.labels.is_empty() {
            return true;
        }
        if !value.labels.is_empty() {
            let path = self.catalog.bit_of("path");
            let redirect = self.catalog.bit_of("redirect");
            let cleaned = |l: &Label| classes != 0 && implied(l, path, redirect) & classes == classes && l.guesses == 0;
            // The rest of a text may be anything.
            return (value.plain || !matches!(value.kind, Kind::Text(_))) && value.labels.all().iter().all(cleaned);
        }
        match (&value.kind, self.state.contents(value.id)) {
            (Kind::Object(_), Some(contents)) if depth > 0 => {
                contents.all().all(|inner| self.is_settled_to(inner, classes, depth - 1))
            }
            _ => false,
        }
    }

    /// Returns what was settled, of an analysis that came to its end.
    pub(super) fn all_settled(&self) -> Vec<Settled> {
        let entries = self.settled.iter().filter(|_| self.incomplete.is_none());
        entries
            .map(|((range, classes), harmless)| Settled { range: *range, classes: *classes, harmless: *harmless })
            .collect()
    }
}

fn implied(label: &Label, path: Classes, redirect: Classes) -> Classes {
    crate::detect::flow::state::implied(label.cleaned, path, redirect)
}
