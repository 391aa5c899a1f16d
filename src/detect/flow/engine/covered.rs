//! Which functions need not be entered for unknown callers, as a call has been followed that was given no more than these
//! give.

use super::Engine;
use super::call::Args;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::ir::{ExprKind, FunctionId, Module, Param, ParamKind};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Closure, Kind, Shape, Value};
use std::collections::HashSet;

impl Engine<'_> {
    /// Says whether a call gives a function of the file nothing that is known better than what an unknown caller gives:
    /// entering it for such a caller as well would find the same again.
    pub(super) fn is_like_entry(&mut self, m: &Module, closure: &Closure, args: &Args) -> bool {
        let known = (closure.module, closure.function);
        let function = m.function(closure.function);
        if closure.module != 0 || !function.exported || self.entered.contains(&known) || self.units[0].scope == 0 {
            return false;
        }
        let is_own = closure.scopes.iter().eq([&self.units[0].scope]);
        if !is_own || args.rest.is_some() || args.keywords.is_some() || !args.named.is_empty() {
            return false;
        }
        let mut params: &[Param] = &function.params;
        let takes_self = params.first().and_then(super::invoke::param_name).is_some_and(|n| n.as_str() == "self");
        if takes_self && function.class.is_some() {
            params = &params[1..];
        }
        let is_open_object = |this: &Value| match &this.kind {
            Kind::Unknown => this.labels.all().iter().any(is_open),
            Kind::Object(Shape::Instance(..)) => self.state.contents(this.id).is_none(),
            _ => false,
        };
        if !closure.this.as_ref().is_none_or(is_open_object) || params.len() != args.positional.len() {
            return false;
        }
        params.iter().zip(&args.positional).all(|(param, (value, _))| self.is_open_argument(m, param, value))
    }

    fn is_open_argument(&mut self, m: &Module, param: &Param, value: &Value) -> bool {
        let value = self.state.checked(value);
        let is_given = param.kind == ParamKind::Plain && param.decorators.is_empty();
        if !is_given || !matches!(value.kind, Kind::Unknown) || self.declared_source(m, param, (0, (0, 0))).is_some() {
            return false;
        }
        // A type says as much of an argument as of the parameter of an unknown caller.
        let is_plain = value.labels.is_empty() && value.plain && param.of_type.is_some();
        is_plain || (value.origin.is_none() && !value.canonical && value.labels.all().iter().any(is_open))
    }

    /// Returns functions in the order in which they are best entered: those that nothing else of the file names first, for
    /// they call the others.
    pub(super) fn callers_first(&self, m: &Module) -> Vec<FunctionId> {
        let named: HashSet<Name> = m
            .exprs
            .iter()
            .filter_map(|expr| match &expr.kind {
                ExprKind::Name(name) | ExprKind::Member(_, name) => Some(*name),
                _ => None,
            })
            .collect();
        let ids = 0..u32::try_from(m.functions.len()).unwrap_or(u32::MAX);
        let is_called = |id: &FunctionId| m.function(*id).name.is_none_or(|name| named.contains(&name));
        let (called, first): (Vec<_>, Vec<_>) = ids.map(FunctionId).partition(is_called);
        first.into_iter().chain(called).collect()
    }
}

fn is_open(label: &crate::detect::flow::value::Label) -> bool {
    label.origin.trust == Trust::Parameter && label.cleaned == 0 && !label.origin.hint && label.origin.only == 0
}
