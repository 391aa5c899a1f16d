//! Calls of what the code does not define: what the catalog says of them.

use super::Engine;
use super::call::Args;
use super::facts::finding;
use super::member::Key;
use super::part::name_in;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::catalog::schema::{Beginning, Handler, Source, Trust, Validator};
use crate::detect::flow::catalog::{ALL, Classes, Entry, KEEPS_QUOTES, KEEPS_SCHEME, OWN_PAGE, OWN_PATH};
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Data, Findings, Kind, Labels, Origin, Shape, Value};
use crate::detect::flow::{FlowStep, StepKind};
use std::rc::Rc;

impl Engine<'_> {
    /// Calls something that the catalog may speak of, under the first of the keys that it knows.
    pub(super) fn call_library(
        &mut self,
        keys: &[Name],
        receiver: Option<&Value>,
        args: &Args,
        span: (u32, u32),
    ) -> Value {
        if let Some(signature) = receiver.filter(|r| super::signature::is_signature(r)) {
            return signature.clone();
        }
        self.register_callbacks(keys, args, span);
        self.sinks_of_call(keys, receiver, args, span);
        let quiet_hash = self.quiet_hash.take();
        self.hash_update(keys.first().map_or("", |key| key.last()), receiver, args);
        // What holds request data is a map or list like any other, whatever its type is called.
        let any = receiver.filter(|r| !r.labels.is_empty()).and(keys.first());
        let any = any.map(|key| Name::new(&format!("*.{}", key.last())));
        let operation = keys.iter().chain(&any).find_map(|key| self.catalog.operation(*key));
        let result = match operation {
            Some((operation, subject)) => self.operation(operation, subject, keys, receiver, args, span),
            None => None,
        };
        let is_own = result.is_some();
        let result = match result {
            Some(result) => {
                match keys.first().and_then(|key| self.catalog.type_of(self.catalog.canonical(key.called()))) {
                    Some(of)
                        if matches!(result.kind, Kind::Unknown)
                            || (matches!(operation, Some((Operation::Identity, _)))
                                && matches!(&result.kind, Kind::Text(start) if start.is_empty())
                                && !super::handler::is_plain_type(self.language, of))
                            || (matches!(operation, Some((Operation::Recode, _)))
                                && !super::handler::is_plain_type(self.language, of)) =>
                    {
                        Rc::new(Data { kind: Kind::Path(of), ..result.as_ref().clone() })
                    }
                    _ => result,
                }
            }
            None => {
                self.run_callbacks(keys, receiver, args, span);
                self.unknown_result(keys, receiver, args, span)
            }
        };
        let is_finished = |of: Operation| {
            of.is_of_template() || matches!(of, Operation::ParseShape | Operation::Sign | Operation::Signature)
        };
        let is_shaped = is_own && operation.is_some_and(|(of, _)| is_finished(of));
        let result = if is_shaped { result } else { self.sanitized(keys, receiver, args, result, span) };
        let held = receiver.filter(|r| super::files::is_file(r)).map(|r| r.labels.clone());
        let result = self.sourced(keys, args, result, is_own, span);
        let result = match held.filter(|held| !held.is_empty()) {
            Some(held) => result.with_labels(result.labels.join(&held)),
            None => result,
        };
        let result = self.through_files(keys, receiver, args, result);
        if let Some(made) = quiet_hash {
            self.quiet_hashes.insert(result.id, made);
        }
        self.looked_for(keys, receiver, args, &result);
        self.answered(&result, self.place(span));
        self.validated(keys, receiver, args, result, span)
    }

    /// Runs the functions given to a call that is not known: sooner or later they are called.
    fn run_callbacks(&mut self, keys: &[Name], receiver: Option<&Value>, args: &Args, span: (u32, u32)) {
        let says = |e: &Entry<Handler>| e.of.when.is_empty() || self.conditions_hold(&e.of.when, receiver, args, None);
        if keys.iter().any(|key| self.catalog.callbacks(*key).iter().any(says)) {
            return;
        }
        if let Some((function, given)) = self.handed_on(args, span) {
            self.either(|e| e.called_later(&function, |e| e.call_value(&function, &given, span)), |_| ());
            return;
        }
        let functions: Vec<Value> =
            args.all().filter(|(v, _)| matches!(v.kind, Kind::Function(_))).map(|(v, _)| v.clone()).collect();
        for function in functions {
            let labels = receiver.map_or_else(Labels::default, |r| self.state.reach(r)).guessed();
            let id = super::number(&("callback", function.id));
            let given = Data::unknown(id, labels);
            let call = |e: &mut Self| e.call_back(&function, vec![given.clone(), given.clone()], span);
            self.either(|e| e.called_later(&function, call), |_| ());
        }
    }

    /// Takes from a result what the catalog says that the call makes harmless.
    fn sanitized(
        &mut self,
        keys: &[Name],
        receiver: Option<&Value>,
        args: &Args,
        result: Value,
        span: (u32, u32),
    ) -> Value {
        let catalog = self.catalog;
        let (mut classes, mut path): (Classes, Option<Name>) = (0, None);
        let mut leaves: Classes = 0;
        for key in keys {
            for entry in catalog.sanitizers(*key).iter().filter(|e| self.is_active(e.file)) {
                if self.conditions_hold(&entry.of.when, receiver, args, None) {
                    classes |= entry.classes;
                    leaves |= entry.of.leaves.iter().fold(0, |all, what| all | left(what));
                    path = Some(*key);
                }
            }
            if path.is_some() {
                break;
            }
        }
        let Some(path) = path else { return result };
        let reached = self.state.reach(&result);
        if reached.is_empty() {
            // What it makes of something harmless is harmless.
            let plain = result.plain || receiver.into_iter().chain(args.all().map(|(v, _)| v)).all(|v| v.is_plain());
            return Rc::new(Data { plain, ..result.as_ref().clone() });
        }
        let place = self.place(span);
        let labels = reached.map(|label| {
            // What is dangerous for what it is stays so.
            if label.origin.only == 0 || label.origin.only & classes != 0 {
                label.cleaned |= classes & if label.origin.only == 0 { ALL } else { label.origin.only };
                label.cleaned |= leaves;
            }
        });
        let step = FlowStep { file: place.0, range: place.1, kind: StepKind::Sanitized(path.to_string()) };
        let labels = labels.stepped(&step);
        let id = super::number(&("clean", result.id, classes));
        let kind = if matches!(result.kind, Kind::Object(_)) { Kind::Unknown } else { result.kind.clone() };
        // What is the same text all the same: a check of it holds for the one before.
        let same = receiver.filter(|r| r.id == result.id).map(|r| (r.id, ALL));
        Rc::new(Data { id, labels, kind, origin: result.origin.or(same), ..result.as_ref().clone() })
    }

    /// Adds to a result what the catalog says that comes in by the call.
    fn sourced(&mut self, keys: &[Name], args: &Args, result: Value, is_own: bool, span: (u32, u32)) -> Value {
        let catalog = self.catalog;
        let mut labels = Labels::default();
        let mut is_source = false;
        let name = args.value(0).or_else(|| args.by_name("key").map(|(key, _)| key)).and_then(name_in);
        for key in keys {
            let is_named = |entry: &Entry<Source>| name.is_some_and(|name| entry.of.is_named(name));
            let any_named = catalog.call_sources(*key).iter().any(is_named);
            for entry in catalog.call_sources(*key) {
                let counts = if any_named { is_named(entry) } else { entry.of.named.is_empty() };
                if !self.is_active(entry.file) || !counts {
                    continue;
                }
                if entry.of.trust == Trust::Stored && args.value(0).is_some_and(super::files::is_own_file) {
                    // What lies beside the program was written with it.
                    continue;
                }
                if entry.of.picks.is_some_and(|at| self.is_picked(args.value(at as usize), span))
                    || entry.of.fills.is_some_and(|at| self.is_random_already(args.value(at as usize)))
                {
                    continue;
                }
                let label = self.label(entry, self.place(span));
                match entry.of.fills.and_then(|at| args.value(at as usize).cloned()) {
                    Some(filled) => {
                        let value = Data::unknown(super::number(&("filled", span)), label);
                        let contents = self.state.contents_mut(filled.id);
                        contents.scatter();
                        contents.blur(&value);
                    }
                    None => {
                        labels = labels.join(&label);
                        is_source = true;
                    }
                }
            }
            if is_source {
                break;
            }
        }
        if !is_source {
            return result;
        }
        let labels = if is_own { result.labels.join(&labels) } else { labels };
        let id = super::number(&(result.id, span));
        let kind = if matches!(result.kind, Kind::Object(_) | Kind::Const(_)) && !is_own {
            Kind::Unknown
        } else {
            result.kind.clone()
        };
        Rc::new(Data { id, labels, kind, ..result.as_ref().clone() })
    }

    /// Makes the label of a source of the catalog.
    pub(super) fn label(&self, entry: &Entry<Source>, place: super::Place) -> Labels {
        let encoded = entry.of.encoded.iter().fold(0, |all, class| all | self.catalog.bit_of(class));
        let Source { trust, hint, .. } = *entry.of;
        let origin = Origin { trust, what: entry.of.what.clone(), only: entry.classes, hint, place };
        let begins = match entry.of.begins {
            Some(Beginning::Page) => OWN_PAGE,
            Some(Beginning::Path) => OWN_PATH,
            None => 0,
        };
        let labels = Labels::source(origin).cleaned(encoded | begins);
        match &self.given_at {
            Some(((file, range), name)) => {
                let kind = StepKind::Argument(name.to_string());
                labels.stepped(&FlowStep { file: *file, range: *range, kind })
            }
            None => labels,
        }
    }

    /// Adds to a result what the catalog says that it tells of what was checked.
    fn validated(
        &mut self,
        keys: &[Name],
        receiver: Option<&Value>,
        args: &Args,
        result: Value,
        span: (u32, u32),
    ) -> Value {
        let catalog = self.catalog;
        let entries: Vec<&Entry<Validator>> =
            keys.iter().flat_map(|key| catalog.validators(*key)).filter(|e| self.is_active(e.file)).collect();
        let (mut when_true, mut when_false): (Findings, Findings) = Default::default();
        for entry in entries {
            let validator = &entry.of;
            if validator.value.as_deref() == Some("named") {
                // What a lookup finds exactly that has this value under this name.
                let exact = args.named.iter().filter(|(name, ..)| !name.as_str().contains("__"));
                for (_, value, _) in exact {
                    self.clean_value(value, entry.classes);
                }
                continue;
            }
            let checked = match validator.value.as_deref() {
                Some("receiver") => receiver.or(args.value(0)).cloned(),
                Some(at) => match at.parse::<usize>() {
                    Ok(position) => args.value(position).cloned(),
                    Err(_) => args.by_name(at).map(|(value, _)| value.clone()),
                },
                None => args.value(0).or(args.by_name("url").map(|(v, _)| v)).cloned(),
            };
            let Some(checked) = checked else { continue };
            let classes = match &validator.pattern {
                Some(at) => self.classes_of_match(at, validator.full, entry.classes, (receiver, args), &checked, span),
                None => entry.classes,
            };
            if classes == 0 {
                continue;
            }
            let mut found = finding(&checked, classes);
            found.extend(self.found_of_parts(&checked, classes & self.soft_classes()));
            if validator.pattern.is_some() {
                // What a match holds is a part of the text.
                found.extend(finding(&result, classes));
            }
            if validator.raises {
                self.clean_found(&found);
            } else if validator.negative {
                when_false.extend(found);
            } else {
                when_true.extend(found);
            }
        }
        if let (Some("isinstance"), Some(value), Some(of)) =
            (keys.first().map(|k| k.as_str()), args.value(0), args.value(1))
            && self.is_clean_test(of)
        {
            when_true.extend(finding(value, ALL));
        } else if let (Some("isinstance"), Some(value), Some(Kind::Path(of))) =
            (keys.first().map(|k| k.as_str()), args.value(0), args.value(1).map(|v| &v.kind))
            && matches!(of.as_str(), "str" | "bytes")
        {
            let classes = self.catalog.bit_of("nosql") | self.catalog.bit_of("mass-assignment");
            when_true.extend(finding(value, classes));
        }
        self.with_facts(result, when_true, when_false)
    }

    fn is_clean_test(&self, of: &Value) -> bool {
        match &of.kind {
            Kind::Path(path) => self.catalog.is_clean_type(*path),
            Kind::Object(_) => self.state.contents(of.id).is_some_and(|c| {
                let mut all = c.all().peekable();
                all.peek().is_some() && all.all(|v| self.is_clean_test(v))
            }),
            _ => false,
        }
    }

    /// Returns the pattern that stands at a position, or that the receiver was compiled from.
    fn pattern_at(&self, at: &str, receiver: Option<&Value>, args: &Args) -> Option<String> {
        let pattern = match at {
            "receiver" => receiver.cloned(),
            position => position.parse().ok().and_then(|at: usize| args.value(at).cloned()),
        }?;
        match &pattern.kind {
            Kind::Const(Const::Text(text)) => return Some(text.to_string()),
            Kind::Const(Const::Regex(text, flags)) => return Some(super::regex::with_flags(text, flags)),
            _ => {}
        }
        let contents = self.state.contents(pattern.id)?;
        contents.entries.get(&Key::Name(Name::new("pattern")))?.as_text().map(str::to_owned)
    }

    /// Returns the classes that a regular-expression match makes a text harmless to. A match that can take time without end
    /// is a weakness of its own.
    fn classes_of_match(
        &mut self,
        at: &str,
        full: bool,
        classes: Classes,
        (receiver, args): (Option<&Value>, &Args),
        checked: &Value,
        span: (u32, u32),
    ) -> Classes {
        let Some(text) = self.pattern_at(at, receiver, args) else { return 0 };
        self.note_slow_match(&text, checked, span);
        self.harmless_by_match(&text, full, classes)
    }

    /// Says whether every condition of a catalog entry holds, or may hold.
    pub(super) fn conditions_hold(
        &self,
        conditions: &std::collections::BTreeMap<String, serde_json::Value>,
        receiver: Option<&Value>,
        args: &Args,
        key: Option<&Value>,
    ) -> bool {
        conditions.iter().all(|(at, expected)| {
            if let Some((base, step)) = at.strip_suffix(']').and_then(|at| at.split_once('[')) {
                let (_, Some(list)) = self.given(base, receiver, args, key) else { return false };
                return self.elements_at(&list, step).iter().any(|given| self.one_holds(true, Some(given), expected));
            }
            let (known, given) = self.given(at, receiver, args, key);
            self.one_holds(known, given.as_ref(), expected)
        })
    }

    /// Says whether conditions that hold do so for certain: what a setting decides is not known.
    pub(super) fn is_certain(
        &self,
        conditions: &std::collections::BTreeMap<String, serde_json::Value>,
        receiver: Option<&Value>,
        args: &Args,
        key: Option<&Value>,
    ) -> bool {
        conditions.iter().filter(|(at, _)| !at.ends_with(']')).all(|(at, expected)| {
            let is_expected = |given: &Const| {
                expected
                    .as_array()
                    .map_or_else(|| is_equal(given, expected), |any| any.iter().any(|e| is_equal(given, e)))
            };
            match self.given(at, receiver, args, key) {
                (known, None) => known,
                (_, Some(given)) => match given.consts() {
                    [] => !expected.is_boolean(),
                    all => all.iter().all(is_expected) || !expected.is_boolean(),
                },
            }
        })
    }

    /// Returns the elements of a list that a condition speaks of, those that are known: the one at a place, or all.
    fn elements_at(&self, list: &Value, step: &str) -> Vec<Value> {
        let Some(contents) = self.state.contents(list.id) else { return Vec::new() };
        let is_known = |v: &&Value| matches!(v.kind, Kind::Const(_) | Kind::OneOf(_) | Kind::Path(_));
        match step.parse() {
            Ok(place) => contents.get(&Key::Index(place)).ok().filter(is_known).into_iter().cloned().collect(),
            Err(_) => contents.all().filter(is_known).cloned().collect(),
        }
    }

    fn one_holds(&self, known: bool, given: Option<&Value>, expected: &serde_json::Value) -> bool {
        match expected {
            serde_json::Value::Array(any) => any.iter().any(|e| self.condition_holds(known, given, e)),
            one => self.condition_holds(known, given, one),
        }
    }

    fn condition_holds(&self, known: bool, given: Option<&Value>, expected: &serde_json::Value) -> bool {
        match (expected.as_str(), given) {
            (Some("absent"), given) => known && given.is_none(),
            (Some("present"), given) => given.is_some() || !known,
            (Some("text"), Some(given)) => !matches!(
                given.kind,
                Kind::Object(Shape::List | Shape::Map | Shape::Instance(..))
                    | Kind::Function(_)
                    | Kind::Class(..)
                    | Kind::Bound(..)
                    | Kind::Partial(..)
            ),
            (Some("markup"), Some(given)) => {
                let start = given.prefix().trim_start();
                start.is_empty() || start.starts_with('<')
            }
            (Some("built"), Some(given)) => matches!(given.kind, Kind::Text(_)),
            (Some("constant"), Some(given)) => !given.consts().is_empty(),
            (_, None) => !known,
            (_, Some(given)) => match &given.kind {
                Kind::Const(_) | Kind::OneOf(_) => given.consts().iter().any(|c| is_equal(c, expected)),
                Kind::Path(path) => expected.as_str().is_some_and(|e| self.catalog.path(e) == *path),
                Kind::Class(module, class) => {
                    let kinds = self.kinds.get(&super::member::class_id(*module, *class));
                    let is_one = |e: &str| kinds.is_some_and(|kinds| kinds.contains(&self.catalog.path(e)));
                    expected.as_str().is_some_and(is_one)
                }
                Kind::Object(_) | Kind::Function(_) | Kind::Text(_) => false,
                _ => expected.as_str().is_none_or(|e| !e.contains('.')),
            },
        }
    }

    /// Returns the argument that a condition speaks of, and whether it is known that none is given where it is none.
    pub(super) fn given(
        &self,
        at: &str,
        receiver: Option<&Value>,
        args: &Args,
        key: Option<&Value>,
    ) -> (bool, Option<Value>) {
        let (base, rest) = at.split_once('.').map_or((at, None), |(a, b)| (a, Some(b)));
        let value = match base {
            "receiver" => receiver.cloned(),
            "key" => key.cloned(),
            "value" => args.value(0).cloned(),
            _ => match base.parse::<usize>() {
                Ok(position) => args.value(position).cloned(),
                Err(_) => args.by_name(base).map(|(v, _)| v.clone()),
            },
        };
        let known = args.keywords.is_none() && args.rest.is_none();
        let (Some(value), Some(rest)) = (&value, rest) else { return (known, value) };
        let mut value = value.clone();
        for part in rest.split('.') {
            let Some(contents) = self.state.contents(value.id) else {
                if base == "receiver" {
                    // Nothing was set there.
                    return (true, None);
                }
                let is_nothing = matches!(value.kind, Kind::Const(_) | Kind::Text(_) | Kind::Function(_));
                return (is_nothing, None);
            };
            match contents.get(&Key::Name(Name::new(part))) {
                Ok(inner) => value = inner.clone(),
                Err(rest) => return (rest.is_none(), rest.cloned()),
            }
        }
        (true, Some(value))
    }
}

/// Returns what is noted of a text of which an escape leaves something.
fn left(what: &str) -> Classes {
    match what {
        "scheme" => KEEPS_SCHEME,
        "quotes" => KEEPS_QUOTES,
        _ => 0,
    }
}

fn is_equal(constant: &Const, expected: &serde_json::Value) -> bool {
    match constant {
        Const::Null => expected.is_null(),
        Const::Bool(b) => expected.as_bool() == Some(*b),
        Const::Int(i) => expected.as_i64() == Some(*i),
        Const::Float(f) => expected.as_f64() == Some(*f),
        Const::Text(t) => expected.as_str() == Some(t),
        _ => false,
    }
}
