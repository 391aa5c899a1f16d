//! Where something stands in a list or text, and what texts are made of.

use super::Engine;
use super::facts::finding;
use crate::detect::flow::catalog::{Classes, NO_PARENT};
use crate::detect::flow::ir::{Const, Op};
use crate::detect::flow::value::{Data, Findings, Kind, Value};
use std::rc::Rc;

/// How many parts of a text are remembered.
const MAX_PARTS: usize = 6;

impl Engine<'_> {
    /// Returns the place of an item in a list or text, which tells whether it is there.
    pub(super) fn position_of(&mut self, container: &Value, item: &Value) -> Value {
        let place = self.truth_value(&[container, item]);
        let is_known = container.labels.is_empty() && item.labels.is_empty();
        if is_known || !self.language.is_script() {
            return place;
        }
        let id = super::number(&("position", container.id, item.id));
        self.positions.insert(id, (container.clone(), item.clone()));
        Rc::new(Data { id, ..place.as_ref().clone() })
    }

    /// Returns the truth of comparing a place with a number: `list.indexOf(x) === -1` says that it is not there,
    /// `text.indexOf(start) === 0` that the text begins so.
    pub(super) fn compare_position(&mut self, op: Op, a: &Value, b: &Value) -> Option<Value> {
        let (container, item) = self.positions.get(&a.id)?.clone();
        let Some(Const::Int(number)) = b.as_const() else { return None };
        let is_there = match (op, number) {
            (Op::Eq | Op::Is, -1) | (Op::Less, 0) | (Op::LessEq, -1) => false,
            (Op::NotEq | Op::IsNot, -1) | (Op::GreaterEq, 0) | (Op::Greater, -1) => true,
            (Op::Eq | Op::Is | Op::NotEq | Op::IsNot, 0) if !matches!(container.kind, Kind::Object(_)) => {
                let begins = self.starts_with(&container, &item);
                return Some(if matches!(op, Op::Eq | Op::Is) { begins } else { self.opposite(&begins) });
            }
            _ => return None,
        };
        let held = self.contains(&container, &item, false);
        Some(if is_there { held } else { self.opposite(&held) })
    }

    /// Remembers what a text is made of that holds a stranger's data.
    pub(super) fn remember_parts(&mut self, id: u64, parts: &[Value]) {
        let parts: Vec<Value> = parts.iter().filter(|part| !part.labels.is_empty()).cloned().collect();
        if !parts.is_empty() && parts.len() <= MAX_PARTS && self.language.is_script() {
            self.composed.insert(id, parts);
        }
    }

    /// Returns what follows for the parts of a text from what is known of the whole: a text that stands in a list is made of
    /// nothing that does harm.
    pub(super) fn found_of_parts(&self, whole: &Value, classes: Classes) -> Findings {
        let parts = self.composed.get(&whole.id).into_iter().flatten();
        parts.flat_map(|part| finding(part, classes)).collect()
    }

    /// Returns the first part of a canonical path, given what is known of each.
    pub(super) fn first_part_of(&mut self, path: &Value, part: &Value) -> Value {
        let id = super::number(&("first part", path.id));
        self.positions.insert(id, (path.clone(), part.clone()));
        Rc::new(Data { id, ..part.as_ref().clone() })
    }

    /// Returns what follows from a value not being `..` that is the first part of a canonical path: no part of it is.
    pub(super) fn first_is_no_parent(&self, value: &Value, name: &Value) -> Findings {
        match self.positions.get(&value.id).filter(|(path, _)| path.canonical && name.as_text() == Some("..")) {
            Some((path, _)) => vec![(path.id, NO_PARENT)],
            None => Vec::new(),
        }
    }
}
