//! Comparisons, and what follows from them.

use super::Engine;
use super::facts::finding;
use super::fold::lifted;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::catalog::{
    ALL, Classes, LEADING_SLASH, NO_APOSTROPHE, NO_CONSTRUCTOR, NO_PARENT, NO_PROTO, NO_QUOTE, NOT_ABSOLUTE, ONE_SLASH,
};
use crate::detect::flow::ir::{Const, Op};
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Findings, Kind, Label, Labels, Shape, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

/// What catalogs call the host that a request asks for.
const OWN_HOST: &str = "the Host header";
/// How many places of two lists are compared one by one.
const MAX_PLACES: usize = 8;

impl Engine<'_> {
    /// Returns the truth of a comparison, with what it says of its sides.
    pub(super) fn compare(&mut self, op: Op, a: &Value, b: &Value) -> Value {
        match op {
            Op::In => self.contains(b, a, false),
            Op::NotIn => self.contains(b, a, true),
            Op::Eq | Op::NotEq if let Some(truths) = self.places_equal(a, b) => {
                let all = self.any_or_all(Operation::Every, &truths);
                let all = all.unwrap_or_else(|| self.truth_value(&[a, b]));
                if op == Op::Eq { all } else { self.opposite(&all) }
            }
            _ if let Some(truth) = self.compare_position(op, a, b) => truth,
            _ => {
                let result = lifted(op, a, b).or_else(|| same(op, a, b)).unwrap_or_else(|| self.truth_value(&[a, b]));
                if let Some(tested) = tested_for_nothing(a, b) {
                    let facts = tested.facts.as_deref().cloned().unwrap_or_default();
                    return match op {
                        Op::Eq | Op::Is => self.with_facts(result, facts.when_false, facts.when_true),
                        Op::NotEq | Op::IsNot => self.with_facts(result, facts.when_true, facts.when_false),
                        _ => result,
                    };
                }
                let equal = self.equality(a, b);
                match op {
                    Op::Eq | Op::Is => self.with_facts(result, equal, self.difference(a, b)),
                    Op::NotEq | Op::IsNot => self.with_facts(result, self.difference(a, b), equal),
                    Op::Less | Op::LessEq => self.with_facts(result, self.bounded(a, b), self.bounded(b, a)),
                    Op::Greater | Op::GreaterEq => self.with_facts(result, self.bounded(b, a), self.bounded(a, b)),
                    _ => result,
                }
            }
        }
    }

    /// Returns the truths of two lists being equal place by place, where all places of both are known.
    fn places_equal(&mut self, a: &Value, b: &Value) -> Option<Value> {
        let known = |e: &Self, v: &Value| {
            let contents = e.state.contents(v.id).filter(|c| c.rest.is_none() && c.entries.is_empty())?;
            contents.list.clone().filter(|list| !list.is_empty() && list.len() <= MAX_PLACES)
        };
        let (ours, theirs) = (known(self, a)?, known(self, b)?);
        if ours.len() != theirs.len() {
            return None;
        }
        let mut truths = Vec::with_capacity(ours.len());
        for (one, other) in ours.iter().zip(&theirs) {
            let (one, other) = (self.state.checked(one), self.state.checked(other));
            // A list may hold itself: lists in lists are not looked into.
            let is_nested = known(self, &one).is_some() && known(self, &other).is_some();
            let truth = if is_nested { self.truth_value(&[&one, &other]) } else { self.compare(Op::Eq, &one, &other) };
            truths.push(truth);
        }
        let id = super::number(&("places", a.id, b.id));
        self.state.set_contents(id, Contents { list: Some(truths), ..Contents::default() });
        Some(Rc::new(Data::new(id, Kind::Object(Shape::List))))
    }

    pub(super) fn opposite(&self, test: &Value) -> Value {
        let value = match test.truth() {
            Some(truth) => Data::constant(Const::Bool(!truth)),
            None => self.truth_value(&[test]),
        };
        self.negated(test, value)
    }

    /// Returns what follows from a value not being above another: below a length, or a number that no stranger chose, it
    /// reaches no memory that it should not.
    fn bounded(&self, value: &Value, bound: &Value) -> Findings {
        if value.is_length || !self.is_bound(bound) {
            Vec::new()
        } else {
            finding(value, self.catalog.bit_of("memory"))
        }
    }

    /// Says whether a number is fit to be the upper bound of places: a length, or what may be one. A constant says nothing of
    /// what is there.
    fn is_bound(&self, value: &Value) -> bool {
        value.is_length || (value.consts().is_empty() && self.state.reach(value).is_empty())
    }

    /// Returns what follows from two values being equal: the one is as harmless as the other.
    fn equality(&self, a: &Value, b: &Value) -> Findings {
        for (one, other) in [(a, b), (b, a)] {
            if let (Kind::Path(path), Some(type_name), Some(of)) = (&one.kind, other.as_text(), one.origin)
                && path.as_str() == "typeof"
            {
                return vec![(of.0, self.harmless_as(type_name))];
            }
        }
        let signed = self.signed_by(a).into_iter().chain(self.signed_by(b));
        let signed: Findings = signed.flat_map(|v| finding(&v, ALL)).collect();
        if !signed.is_empty() {
            return signed;
        }
        let (left, right) = (self.state.reach(a), self.state.reach(b));
        match (left.is_empty(), right.is_empty()) {
            (false, true) => self.found_equal(a, b),
            (true, false) => self.found_equal(b, a),
            (true, true) => Vec::new(),
            (false, false) => {
                // What is equal to something that is harmless to a class is so, too.
                let own_host = |labels: &Labels| labels.all().iter().all(|label| label.origin.what == OWN_HOST);
                if own_host(&left) != own_host(&right) {
                    // What leads to the host that was asked leads nowhere else.
                    return finding(if own_host(&left) { b } else { a }, self.catalog.bit_of("redirect"));
                }
                let harmless = |labels: &Labels| labels.all().iter().fold(ALL, |all, label| all & label.cleaned);
                let (of_a, of_b) = (harmless(&left), harmless(&right));
                finding(a, of_b & !of_a).into_iter().chain(finding(b, of_a & !of_b)).collect()
            }
        }
    }

    /// Returns the classes that a JavaScript value of a type is harmless to.
    fn harmless_as(&self, type_name: &str) -> Classes {
        match type_name {
            "number" | "boolean" | "bigint" => ALL,
            "string" => ["nosql", "mass-assignment"].iter().fold(0, |all, c| all | self.catalog.bit_of(c)),
            _ => 0,
        }
    }

    /// Returns whether a container holds an item, or that it does not, with what follows.
    pub(super) fn contains(&mut self, container: &Value, item: &Value, negative: bool) -> Value {
        let known = self.is_in(container, item);
        let result = match known {
            Some(truth) => Data::constant(Const::Bool(truth != negative)),
            None => self.truth_value(&[container, item]),
        };
        let (mut held, mut lacking) = (Vec::new(), Vec::new());
        // Whether a text of a stranger holds a text of the program's.
        let is_asked = item.as_text().is_some() && !container.labels.is_empty() && !is_collection(container);
        let several = if self.language == Language::Rust { self.state.contents(item.id) } else { None };
        if let Some(several) = several.filter(|_| !container.labels.is_empty()) {
            // A list of signs, none of which is there.
            let classes = several.all().filter_map(|v| v.as_text()).fold(0, |all, text| all | self.without(text));
            lacking = finding(container, classes);
        } else if let Some(kept) = self.only_some_classes(container).filter(|_| !is_asked) {
            held = self.found_equal(item, container);
            held.iter_mut().for_each(|(_, classes)| *classes &= !kept);
            held.retain(|(_, classes)| *classes != 0);
            let names =
                self.state.contents(container.id).map_or(0, |c| c.all().map(other_than).fold(0, |all, c| all | c));
            if names != 0 {
                lacking = finding(item, names);
            }
        } else if let Some((id, of)) = container.origin.filter(|_| container.canonical && self.is_of_program(item)) {
            // A folder is among those that a canonical path lies in.
            held = vec![(id, of & self.catalog.bit_of("path"))];
        } else if let Some(text) = item.as_text() {
            let classes = self.without(text);
            if classes != 0 {
                lacking = finding(container, classes);
            }
        }
        if negative { self.with_facts(result, lacking, held) } else { self.with_facts(result, held, lacking) }
    }

    /// Returns the classes that what a container holds matters to, where these are only some: names of files and the like.
    fn only_some_classes(&self, container: &Value) -> Option<Classes> {
        let reached = self.state.reach(container);
        let only = |label: &Label| (label.origin.only != 0).then_some(label.origin.only);
        let is_other =
            |label: &&Label| !matches!(label.origin.trust, Trust::Operator | Trust::Environment | Trust::Stored);
        reached.all().iter().filter(is_other).try_fold(0, |all, label| Some(all | only(label)?))
    }

    /// Says whether a value is the program's own, or that of who starts it or sets it up.
    fn is_of_program(&self, value: &Value) -> bool {
        let is_own = |label: &Label| matches!(label.origin.trust, Trust::Operator | Trust::Environment);
        self.state.reach(value).all().iter().all(is_own)
    }

    /// Returns the classes that a text is harmless to because it does not hold a part.
    fn without(&self, part: &str) -> Classes {
        let bits = |classes: &[&str]| classes.iter().fold(0, |all, c| all | self.catalog.bit_of(c));
        match part {
            ".." | "../" => NO_PARENT,
            "/" | "\\" => NO_PARENT | NOT_ABSOLUTE,
            "'" => NO_APOSTROPHE,
            "\"" => NO_QUOTE,
            "__proto__" => NO_PROTO,
            "constructor" | "prototype" => NO_CONSTRUCTOR,
            "\n" | "\r" | "\r\n" => bits(&["header", "log", "email"]),
            _ => 0,
        }
    }

    fn is_in(&self, container: &Value, item: &Value) -> Option<bool> {
        let item = item.as_const()?;
        if let (Some(text), Const::Text(part)) = (container.as_text(), item) {
            return Some(text.contains(part.as_ref()));
        }
        if !matches!(container.kind, Kind::Object(_)) {
            return None;
        }
        let contents = self.state.contents(container.id)?;
        if contents.rest.is_some() {
            return None;
        }
        if let Some(list) = &contents.list {
            let consts: Option<Vec<&Const>> = list.iter().map(|v| v.as_const()).collect();
            return consts.map(|all| all.contains(&item));
        }
        let key = super::member::key_of(item)?;
        Some(contents.entries.contains_key(&key))
    }

    /// Returns whether a text begins with another, with what follows.
    pub(super) fn starts_with(&mut self, text: &Value, start: &Value) -> Value {
        let result = match (text.as_text(), start.as_text()) {
            (Some(text), Some(start)) => Data::constant(Const::Bool(text.starts_with(start))),
            (None, Some(start)) if text.prefix().starts_with(start) => Data::constant(Const::Bool(true)),
            (None, Some(start)) if !text.prefix().is_empty() && !start.starts_with(text.prefix()) => {
                Data::constant(Const::Bool(false))
            }
            _ => self.truth_value(&[text, start]),
        };
        if text.labels.is_empty() || !self.is_of_program(start) {
            return result;
        }
        let bit = |class| self.catalog.bit_of(class);
        let (mut held, mut lacking): (Classes, Classes) = (0, 0);
        // Every canonical path begins at the root.
        let is_root = |start: &str| start.trim_matches(['/', '\\', '.']).is_empty();
        if text.canonical && !start.as_text().is_some_and(is_root) {
            held |= bit("path");
        }
        match start.as_text() {
            Some("/") => (held, lacking) = (held | LEADING_SLASH, lacking | NOT_ABSOLUTE),
            Some("//" | "/\\") => lacking |= ONE_SLASH,
            Some("-") => lacking |= bit("argument"),
            Some(".." | "../") if text.canonical => {
                let is_way = text.origin.is_some_and(|(_, of)| of != ALL && of & NOT_ABSOLUTE != 0);
                lacking |= NO_PARENT | if is_way { bit("path") } else { 0 };
            }
            Some("..") => {}
            Some(start) if fixes_host(start) => held |= bit("redirect") | bit("ssrf"),
            _ => {}
        }
        let (held, lacking) = (
            if held == 0 { Vec::new() } else { finding(text, held) },
            if lacking == 0 { Vec::new() } else { finding(text, lacking) },
        );
        self.with_facts(result, held, lacking)
    }
}

/// Says whether a value is known to hold other values.
fn is_collection(value: &Value) -> bool {
    matches!(value.kind, Kind::Object(_))
}

/// Returns the side that says something by its truth, where the other is nothing: `match is None`.
fn tested_for_nothing<'v>(a: &'v Value, b: &'v Value) -> Option<&'v Value> {
    let is_null = |v: &Value| matches!(v.kind, Kind::Const(Const::Null | Const::Bool(false)));
    [(a, b), (b, a)].into_iter().find(|(test, other)| test.facts.is_some() && is_null(other)).map(|(test, _)| test)
}

impl Engine<'_> {
    /// Returns whether a text ends with another, with what follows: a host name that ends in `.example.com` lies there.
    pub(super) fn ends_with(&mut self, text: &Value, end: &Value, known: &str) -> Value {
        let result = self.truth_value(&[text, end]);
        let places = self.catalog.bit_of("ssrf") | self.catalog.bit_of("redirect");
        match text.origin {
            // What decides about more than addresses is more than a host.
            Some((id, of)) if of & !places == 0 && of != 0 && known.starts_with('.') && known.len() > 3 => {
                self.with_facts(result, vec![(text.id, places), (id, of & places)], Vec::new())
            }
            _ => result,
        }
    }
}

impl Engine<'_> {
    /// Returns what follows from two values being different: a key is not one that leads to a prototype.
    fn difference(&self, a: &Value, b: &Value) -> Findings {
        match (other_than(a), other_than(b)) {
            (0, 0) => [self.first_is_no_parent(a, b), self.first_is_no_parent(b, a)].concat(),
            (0, names) => finding(a, names),
            (names, _) => finding(b, names),
        }
    }
}

/// Returns what is known of a key that is not this one.
fn other_than(name: &Value) -> Classes {
    if let Kind::Path(path) = &name.kind {
        return super::check::part_of_path(path.last());
    }
    match name.as_text() {
        Some("__proto__") => NO_PROTO,
        Some("constructor" | "prototype") => NO_CONSTRUCTOR,
        _ => 0,
    }
}

/// Values with the same number are equal where they are known to be the same thing.
fn same(op: Op, a: &Value, b: &Value) -> Option<Value> {
    let is_thing = |v: &Value| matches!(v.kind, Kind::Object(_) | Kind::Function(_) | Kind::Class(..) | Kind::Text(_));
    let is_null = |v: &Value| matches!(v.kind, Kind::Const(Const::Null));
    let equal = match op {
        Op::Eq | Op::Is => true,
        Op::NotEq | Op::IsNot => false,
        _ => return None,
    };
    let differs = (is_thing(a) && is_null(b)) || (is_thing(b) && is_null(a));
    differs.then(|| Data::constant(Const::Bool(!equal)))
}

/// Says whether a constant beginning settles which host a URL goes to: `https://host/`, or a path on this host.
pub(super) fn fixes_host(start: &str) -> bool {
    if let Some((scheme, rest)) = start.split_once("://") {
        let is_scheme = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        let host = rest.find(['/', '?', '#']);
        return is_scheme && host.is_some_and(|end| end > 0);
    }
    let mut chars = start.chars();
    chars.next() == Some('/') && chars.next().is_some_and(|c| !matches!(c, '/' | '\\'))
}

#[cfg(test)]
mod tests {
    use super::fixes_host;

    #[test]
    fn a_beginning_fixes_the_host_only_where_the_host_ends_in_it() {
        for start in ["https://example.com/", "http://a?x=", "/users/", "/a"] {
            assert!(fixes_host(start), "{start}");
        }
        for start in ["https://", "https://example.com", "//", "/", "", "/\\", "https:///", "example.com/"] {
            assert!(!fixes_host(start), "{start}");
        }
    }
}
