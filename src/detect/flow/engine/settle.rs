//! What is known to be harmless where it matters: a rule that suspects such a place is wrong.

use super::Engine;
use crate::detect::flow::catalog::Classes;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::state::implied;
use crate::detect::flow::value::{Kind, Label, Labels, Value};
use crate::detect::flow::{Harm, Settled};

/// Classes where the text itself does the harm.
const OF_TEXT: [&str; 14] = [
    "sql", "nosql", "command", "code", "template", "xss", "path", "ssrf", "redirect", "ldap", "xpath", "log", "header",
    "email",
];
/// How deep lists and maps are looked into.
const MAX_DEPTH: u32 = 4;

impl Engine<'_> {
    /// Notes what harm is done by what a sink was reached with.
    pub(super) fn settle(&mut self, classes: Classes, value: &Value, span: (u32, u32)) {
        let classes = classes & !self.catalog.own_sources();
        let harm = self.harm(value, classes, MAX_DEPTH);
        self.note_harm(classes, harm, (span, true));
    }

    /// Notes what harm a text that was put together does, by class. `plain` says whether nothing unknown is in it beside the
    /// data of its labels.
    pub(super) fn settle_text(&mut self, plain: bool, labels: &Labels, span: (u32, u32)) {
        let all = OF_TEXT.iter().fold(0, |all, class| all | self.catalog.bit_of(class));
        let each = |of: &dyn Fn(&Label) -> Classes| {
            labels.all().iter().fold(if plain { all } else { 0 }, |rest, label| rest & of(label))
        };
        let harmless = each(&|label| self.harmless_to(label));
        let tame = each(&|label| if is_of_operator(label) { all } else { self.harmless_to(label) });
        self.note_harm(harmless, Harm::None, (span, false));
        self.note_harm(tame & !harmless, Harm::OfOperator, (span, false));
        self.note_harm(all & !tame, Harm::Any, (span, false));
    }

    fn note_harm(&mut self, classes: Classes, harm: Harm, (span, is_sink): ((u32, u32), bool)) {
        if classes != 0 && self.here() == 0 && self.state.alive {
            self.settled.entry((span, classes, is_sink)).and_modify(|known| *known = harm.max(*known)).or_insert(harm);
        }
    }

    /// Returns the classes that the data of a source is known to be harmless to by now.
    fn harmless_to(&self, label: &Label) -> Classes {
        let (path, redirect) = (self.catalog.bit_of("path"), self.catalog.bit_of("redirect"));
        if label.guesses == 0 { implied(label.cleaned, path, redirect) } else { 0 }
    }

    /// Says whether nothing that is not known is in a value, beside the data of its labels.
    pub(super) fn tells_all(&self, value: &Value) -> bool {
        self.tells_all_to(value, MAX_DEPTH)
    }

    fn tells_all_to(&self, value: &Value, depth: u32) -> bool {
        // A function of the code holds no data.
        if value.is_plain() || matches!(value.kind, Kind::Function(_)) {
            return true;
        }
        if !value.labels.is_empty() {
            // The rest of a text may be anything.
            return !value.mixed && !matches!(value.kind, Kind::Text(_));
        }
        match (&value.kind, self.state.contents(value.id)) {
            (Kind::Object(_), Some(contents)) if depth > 0 => {
                contents.all().all(|inner| self.tells_all_to(inner, depth - 1))
            }
            _ => false,
        }
    }

    /// Returns what harm a value and all in it does to classes.
    fn harm(&self, value: &Value, classes: Classes, depth: u32) -> Harm {
        let value = &self.state.checked(value);
        if value.is_plain() && value.labels.is_empty() {
            return Harm::None;
        }
        if !value.labels.is_empty() {
            let of = |label: &Label| match () {
                () if self.harmless_to(label) & classes == classes => Harm::None,
                () if is_of_operator(label) => Harm::OfOperator,
                () => Harm::Any,
            };
            let worst = value.labels.all().iter().map(of).max();
            return worst.filter(|_| self.tells_all_to(value, depth)).unwrap_or(Harm::Any);
        }
        match (&value.kind, self.state.contents(value.id)) {
            (Kind::Object(_), Some(contents)) if depth > 0 => {
                contents.all().map(|inner| self.harm(inner, classes, depth - 1)).max().unwrap_or(Harm::None)
            }
            _ => Harm::Any,
        }
    }

    /// Returns what was settled, of an analysis that came to its end.
    pub(super) fn all_settled(&self) -> Vec<Settled> {
        let entries = self.settled.iter().filter(|_| self.incomplete.is_none() && self.shared.is_whole());
        let place = |((range, classes, is_sink), harm): (&((u32, u32), Classes, bool), &Harm)| Settled {
            range: *range,
            classes: *classes,
            harm: *harm,
            is_sink: *is_sink,
        };
        entries.map(place).collect()
    }
}

/// Says whether data is that of whoever starts the program or sets it up, and went through nothing that is not known.
fn is_of_operator(label: &Label) -> bool {
    matches!(label.origin.trust, Trust::Operator | Trust::Environment) && label.guesses == 0
}
