//! Decorators: what a framework does with a function, and what one of the code itself makes of it.

use super::Engine;
use super::call::Args;
use crate::detect::flow::catalog::Entry;
use crate::detect::flow::catalog::schema::Handler;
use crate::detect::flow::ir::{ExprId, ExprKind, FunctionId, Module};
use crate::detect::flow::value::{Kind, Value};
use crate::syntax::language::Language;

impl Engine<'_> {
    /// Defines a function under its decorators, the lowest of which comes first.
    pub(super) fn function_statement(&mut self, m: &Module, id: FunctionId) {
        let function = m.function(id);
        if function.decorators.is_empty() {
            return;
        }
        let mut value = self.closure(id, None);
        for decorator in function.decorators.iter().rev() {
            value = match self.made_by_decorator(m, *decorator, &value) {
                Some(made) => made,
                None => {
                    self.decorated(m, *decorator, &value);
                    value
                }
            };
        }
        if let Some(name) = function.name {
            self.set(name, value);
        }
    }

    /// Returns what a decorator of the code makes of a function: another one.
    fn made_by_decorator(&mut self, m: &Module, decorator: ExprId, value: &Value) -> Option<Value> {
        if self.language != Language::Python {
            return None;
        }
        let callee = match &m.expr(decorator).kind {
            ExprKind::Call(call) => call.callee,
            _ => decorator,
        };
        if !matches!(m.expr(callee).kind, ExprKind::Name(_)) || !self.is_function(m, callee) {
            return None;
        }
        let function = self.eval(m, decorator);
        if !matches!(function.kind, Kind::Function(_)) {
            return None;
        }
        let made = self.call_back(&function, vec![value.clone()], m.expr(decorator).span);
        matches!(made.kind, Kind::Function(_)).then_some(made)
    }

    fn is_function(&mut self, m: &Module, callee: ExprId) -> bool {
        let value = self.eval(m, callee);
        match &value.kind {
            Kind::Function(_) => true,
            Kind::Path(path) => self.local(*path, (0, 0)).is_some_and(|v| matches!(v.kind, Kind::Function(_))),
            _ => false,
        }
    }

    /// Evaluates a decorator and notes the function or class under it where the catalog says that a framework calls it.
    pub(super) fn decorated(&mut self, m: &Module, decorator: ExprId, value: &Value) {
        let keys = self.decorator_keys(m, decorator);
        let catalog = self.catalog;
        for key in keys {
            let entries: Vec<&Entry<Handler>> =
                catalog.decorators(key).iter().filter(|e| self.is_active(e.file)).collect();
            let said = self.entries_that_hold(m, decorator, &entries);
            if let Kind::Function(closure) = &value.kind {
                for entry in &said {
                    self.enqueue(std::slice::from_ref(closure), entry);
                }
                self.note_route(m, decorator, (closure.module, closure.function), !said.is_empty());
            }
            if !entries.is_empty() {
                return;
            }
        }
    }

    /// Returns the entries whose conditions the decorator's arguments fulfil; where there is none, those without conditions.
    fn entries_that_hold<'e>(
        &mut self,
        m: &Module,
        decorator: ExprId,
        entries: &[&'e Entry<Handler>],
    ) -> Vec<&'e Entry<Handler>> {
        let args = match &m.expr(decorator).kind {
            ExprKind::Call(call) if entries.iter().any(|e| !e.of.when.is_empty()) => self.args(m, call),
            _ => Args::default(),
        };
        let (with, without): (Vec<_>, Vec<_>) = entries.iter().copied().partition(|e| !e.of.when.is_empty());
        let said: Vec<_> = with.into_iter().filter(|e| self.conditions_hold(&e.of.when, None, &args, None)).collect();
        if said.is_empty() { without } else { said }
    }
}
