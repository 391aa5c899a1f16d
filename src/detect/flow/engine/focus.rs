//! Which functions of a file matter, where only what uses certain names does: a file that the change leaves as it is.

use super::Engine;
use super::handler::Pending;
use crate::detect::flow::ir::{FunctionId, StmtKind};
use crate::detect::flow::value::Closure;
use crate::detect::touched;
use crate::syntax::SourceFile;
use std::collections::BTreeSet;

/// Where the names stand in the analysed file, in bytes, in order; nothing where all functions matter.
#[derive(Debug, Default)]
pub(super) struct Focus(Option<Vec<u32>>);

impl Focus {
    pub(super) fn of(file: &SourceFile, names: Option<&BTreeSet<String>>) -> Self {
        let text = file.text();
        let places = |names: &BTreeSet<String>| {
            let words = touched::identifiers(text).into_iter().filter(|range| names.contains(&text[range.clone()]));
            words.filter_map(|range| u32::try_from(range.start).ok()).collect()
        };
        Self(names.map(places))
    }

    fn holds(&self, from: u32, to: u32) -> bool {
        self.0.as_ref().is_none_or(|places| {
            let next = places.partition_point(|at| *at < from);
            places.get(next).is_some_and(|at| *at < to)
        })
    }
}

impl Engine<'_> {
    /// Says whether one of the functions of an entry matters: one of the names stands in it, in its decorators, or in its
    /// class outside of methods.
    pub(super) fn is_in_focus(&self, pending: &Pending) -> bool {
        let matters = |closure: &Closure| closure.module != 0 || self.uses_focus(closure.function);
        self.focus.0.is_none() || std::iter::once(&pending.closure).chain(&pending.then).any(matters)
    }

    fn uses_focus(&self, id: FunctionId) -> bool {
        let module = self.module(0);
        let function = module.function(id);
        let from = function.decorators.iter().map(|d| module.expr(*d).span.0).min().unwrap_or(function.span.0);
        if self.focus.holds(from.min(function.span.0), function.span.1) {
            return true;
        }
        let Some(class) = function.class else { return false };
        let class = module.class(class);
        let values = class.body.iter().filter(|stmt| !matches!(stmt.kind, StmtKind::Function(_))).map(|stmt| stmt.span);
        let head = class.bases.iter().chain(&class.decorators).map(|id| module.expr(*id).span);
        head.chain(values).any(|(from, to)| self.focus.holds(from, to))
    }
}
