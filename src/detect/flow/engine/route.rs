//! Routes: what the parts of an address that a framework cuts out can hold.

use super::Engine;
use super::call::Args;
use super::handler::NEXT;
use crate::detect::flow::catalog::ONE_SEGMENT;
use crate::detect::flow::ir::{Const, ExprId, ExprKind, FunctionId, Module, Param, ParamKind};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key};
use crate::detect::flow::value::{Closure, Kind, Shape, Value};
use crate::syntax::language::Language;

/// What a part of a route can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoutePart {
    /// A number or the like.
    Plain,
    /// A text without a separator: Python's frameworks cut the address into its parts after they have decoded it.
    Segment,
}

impl Engine<'_> {
    /// Notes what is known where a handler passes the request on; an error goes elsewhere.
    pub(super) fn pass_on(&mut self, path: Name, args: &Args) {
        let is_error = args.value(0).is_some_and(|v| !matches!(v.kind, Kind::Const(Const::Null)));
        if path.as_str() == NEXT && !is_error && self.state.alive {
            let state = self.state.fork();
            super::merge(&mut self.passed_on, state);
        }
    }

    /// Remembers what the parts of a route can hold: `/rooms/<int:number>`, `/files/{name}`.
    pub(super) fn note_route(&mut self, m: &Module, decorator: ExprId, function: (usize, FunctionId), is_known: bool) {
        let ExprKind::Call(call) = &m.expr(decorator).kind else { return };
        let is_route = |name: Name| matches!(name.as_str(), "path" | "rule" | "uri" | "route");
        for arg in call.args.iter().filter(|arg| arg.name.is_none_or(is_route)) {
            let ExprKind::Const(Const::Text(text)) = &m.expr(arg.value).kind else { continue };
            self.note_parts(&text.clone(), function, is_known);
        }
    }

    /// Remembers the parts of the route that a function is given with: `path("rooms/<slug:name>/", show)`.
    pub(super) fn note_route_of(&mut self, args: &super::call::Args, functions: &[Closure]) {
        let Some(text) = args.value(0).and_then(|route| route.as_text()).map(str::to_owned) else { return };
        for closure in functions {
            self.note_parts(&text, (closure.module, closure.function), true);
        }
    }

    fn note_parts(&mut self, text: &str, function: (usize, FunctionId), is_known: bool) {
        for (name, part) in parts_of(text) {
            if part == RoutePart::Plain || (is_known && self.language == Language::Python) {
                self.route_parts.insert((function.0, function.1, Name::new(name)), part);
            }
        }
    }

    /// Returns what a parameter holds that a route fills.
    pub(super) fn routed(&self, value: Value, closure: &Closure, name: Name) -> Value {
        match self.route_parts.get(&(closure.module, closure.function, name)) {
            Some(RoutePart::Plain) => self.number_of(&value),
            Some(RoutePart::Segment) => value.with_labels(value.labels.cleaned(ONE_SEGMENT)),
            None => value,
        }
    }

    /// Returns what `*args` and `**kwargs` of a handler hold: data of the caller, each part of the route as it can be.
    pub(super) fn gathered(&mut self, closure: &Closure, param: &Param, value: Value, at: (u32, u32)) -> Value {
        let mut contents = Contents { rest: Some(value.clone()), ..Contents::default() };
        let shape = match param.kind {
            ParamKind::Rest if self.language == Language::Python => Shape::List,
            ParamKind::Keywords => Shape::Map,
            _ => return value,
        };
        let parts = self.route_parts.keys().filter(|(m, f, _)| (*m, *f) == (closure.module, closure.function));
        for name in parts.map(|(_, _, name)| *name).collect::<Vec<_>>() {
            let part = self.routed(value.clone(), closure, name);
            contents.set(Key::Name(name), part);
        }
        self.object(shape, contents, at)
    }
}

/// Returns the names of a route's parts and what they can hold; a part that may be several or anything is left out.
fn parts_of(route: &str) -> Vec<(&str, RoutePart)> {
    let mut parts = Vec::new();
    for (open, close) in [('<', '>'), ('{', '}')] {
        let mut rest = route;
        while let Some(start) = rest.find(open) {
            let (before, after) = rest.split_at(start);
            let Some(end) = after.find(close) else { break };
            // Groups of a regular expression hold what it says.
            if !before.ends_with("?P") && !before.ends_with('?') {
                parts.extend(part_of(&after[1..end], open == '{'));
            }
            rest = &after[end + 1..];
        }
    }
    parts
}

/// Returns the name of a part and what it can hold: `int:number`, and the other way round `number:int`.
fn part_of(text: &str, name_first: bool) -> Option<(&str, RoutePart)> {
    let (first, second) = text.split_once(':').unwrap_or((text, ""));
    let kind = |word: &str| match word.split('(').next().unwrap_or_default() {
        "int" | "float" | "uuid" | "number" => Some(RoutePart::Plain),
        "" | "str" | "string" | "slug" | "alpha" | "ymd" | "ext" => Some(RoutePart::Segment),
        _ => None,
    };
    let is_name = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    match (second.is_empty(), name_first) {
        (true, _) => is_name(first).then_some((first, RoutePart::Segment)),
        (_, true) => kind(second).filter(|_| is_name(first)).map(|part| (first, part)),
        // Bottle's and Sanic's name comes first, Flask's and Django's last.
        _ => match (kind(first), kind(second)) {
            (Some(part), _) if is_name(second) => Some((second, part)),
            (None, Some(part)) if is_name(first) => Some((first, part)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{RoutePart, parts_of};

    #[test]
    fn parts_of_routes_are_numbers_segments_or_anything() {
        assert_eq!(
            parts_of("/a/<int:x>/<y>/<path:z>/<slug:s>"),
            [("x", RoutePart::Plain), ("y", RoutePart::Segment), ("s", RoutePart::Segment)]
        );
        assert_eq!(parts_of("/{x}/{y:path}/{z:int}"), [("x", RoutePart::Segment), ("z", RoutePart::Plain)]);
        assert_eq!(parts_of("/<x:int>/<y:path>/<z:re:[a-z]+>"), [("x", RoutePart::Plain)]);
        assert_eq!(parts_of("^(?P<name>.+)/$"), []);
    }
}
