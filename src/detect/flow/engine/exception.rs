//! Exceptions: what is raised, and what catches it.

use super::{Engine, merge, merge_value};
use crate::detect::flow::ir::{Block, Module, Pattern};
use crate::detect::flow::value::{Data, Value};

impl Engine<'_> {
    /// Ends the path at an exception: handlers around it see the state.
    pub(super) fn raise(&mut self, value: Option<&Value>) {
        if let Some(value) = value.filter(|_| self.state.alive) {
            merge_value(&mut self.raised, value);
        }
        let state = self.state.clone();
        if let Some(catch) = self.frame().catches.last_mut() {
            merge(catch, state);
        }
        self.die();
    }

    /// Runs `try`.
    pub(super) fn attempt(
        &mut self,
        m: &Module,
        body: &Block,
        handlers: &[(Option<Pattern>, Block)],
        otherwise: &Block,
        finally: &Block,
    ) {
        let before = self.state.clone();
        self.frame().catches.push(None);
        let outer = self.raised.take();
        self.block(m, body);
        let thrown = std::mem::replace(&mut self.raised, outer);
        let raised = self.frame().catches.pop().flatten();
        let body_end = self.state.clone();
        if self.state.alive {
            self.block(m, otherwise);
        }
        let mut end = std::mem::take(&mut self.state);
        if !handlers.is_empty() {
            // Anything in the body may raise: what was known before it, at its end, and at what it raises by itself.
            let mut caught = before.join(body_end);
            if let Some(raised) = raised {
                caught = caught.join(raised);
            }
            for (pattern, block) in handlers {
                self.state = caught.clone();
                if let Some(pattern) = pattern {
                    let exception = self.exception(thrown.as_ref());
                    self.bind(m, pattern, &exception, (0, 0));
                }
                self.block(m, block);
                end = end.join(std::mem::take(&mut self.state));
            }
        }
        self.state = end;
        if !finally.is_empty() {
            let alive = self.state.alive;
            self.state.alive = true;
            self.block(m, finally);
            self.state.alive &= alive;
        }
    }

    /// Returns what a handler is given: what the code has raised itself, where that carries something.
    fn exception(&self, thrown: Option<&Value>) -> Value {
        match thrown {
            Some(thrown) if !self.state.reach(thrown).is_empty() => thrown.clone(),
            _ => Data::path(self.catalog.path("Exception")),
        }
    }
}
