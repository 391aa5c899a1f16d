//! What the rounds of a loop have found out of all that it goes over.

use super::{Engine, State};
use crate::detect::flow::catalog::Classes;
use crate::detect::flow::value::{Kind, Value};

impl Engine<'_> {
    /// What every round of a loop that ends by itself has found out of the element holds for all of them, also where there
    /// are none.
    pub(super) fn note_each(&mut self, over: &Value, element: &Value, exits: Option<&mut State>) {
        let ends_early = self.frame().loops.last().is_none_or(|l| l.breaks.is_some());
        let (false, true, Some(exits)) = (ends_early, self.state.alive, exits) else { return };
        let classes = self.state.cleaned_alone(element.id);
        if classes != 0 && !element.labels.is_empty() {
            exits.clean(element.id, classes);
            if matches!(over.kind, Kind::Unknown | Kind::Text(_)) {
                exits.clean(over.id, classes);
            }
        }
    }

    /// Returns what the body of a loop has found out of an element wherever it goes on to the next.
    pub(super) fn held_in_round(&mut self, element: &Value) -> Classes {
        let mut ends: Vec<&State> = Vec::new();
        let continues = self.frames.last().and_then(|f| f.loops.last()).and_then(|l| l.continues.as_ref());
        ends.extend(continues.filter(|state| state.alive));
        ends.extend(Some(&self.state).filter(|state| state.alive));
        match ends.split_first() {
            Some((first, others)) => others.iter().fold(first.cleaned(element), |all, s| all & s.cleaned(element)),
            None => 0,
        }
    }
}
