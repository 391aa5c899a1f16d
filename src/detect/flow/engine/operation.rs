//! What calls do to functions and texts, whatever the language calls them.

use super::Engine;
use super::call::Args;
use super::facts::ids;
use super::paths::place_of_program;
use crate::detect::flow::catalog::operation::{Operation, Subject};
use crate::detect::flow::catalog::{ALL, NO_PARENT};
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key};
use crate::detect::flow::value::{Data, Kind, Shape, Value, join};
use crate::syntax::language::Language;
use std::rc::Rc;

impl Engine<'_> {
    /// Does what an operation does; `None` where its object is not given, so that nothing is known of the call.
    pub(super) fn operation(
        &mut self,
        operation: Operation,
        subject: Subject,
        keys: &[Name],
        receiver: Option<&Value>,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        let mut args = args.clone();
        let object = match subject {
            // A function of a module or type has its object as the first argument: `Promise.resolve(x)`. What is asked with
            // one argument whether it holds it is a list that was imported: `hosts.includes(x)`.
            Subject::Receiver => {
                let is_asked = matches!(operation, Operation::Contains | Operation::Find) && args.positional.len() == 1;
                receiver.filter(|r| !r.is_name || (is_asked && self.language.is_script())).cloned()
            }
            Subject::First if !args.positional.is_empty() => Some(args.positional.remove(0).0),
            Subject::Second if args.positional.len() > 1 => Some(args.positional.remove(1).0),
            Subject::First | Subject::Second => args.rest.as_ref().map(|(v, _)| v.clone()),
        };
        if let Some(result) = self.operation_without_object(operation, keys, object.as_ref(), &args, span) {
            return Some(result);
        }
        if operation.stands_alone() {
            return self.operation_alone(operation, keys, object.as_ref(), &args, span);
        }
        let object = match object {
            Some(object) => object,
            None if !args.positional.is_empty() && operation != Operation::Call => args.positional.remove(0).0,
            None => args.value(0).cloned()?,
        };
        self.list_operation(operation, &object, &args, span)
            .or_else(|| self.map_operation(operation, &object, &args, span))
            .or_else(|| self.text_operation(operation, &object, &args, span))
            .or_else(|| self.response_operation(operation, &object, &args))
            .or_else(|| self.shape_operation(operation, keys, &object, &args, span))
            .or_else(|| self.function_operation(operation, &object, &args, span))
            .or_else(|| self.check_operation(operation, &object, &args, span))
    }

    fn operation_without_object(
        &mut self,
        operation: Operation,
        keys: &[Name],
        object: Option<&Value>,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        let everything = || object.into_iter().chain(args.all().map(|(v, _)| v));
        match operation {
            Operation::NewList => {
                let mut contents = Contents { list: Some(Vec::new()), ..Contents::default() };
                for (value, _) in &args.positional {
                    self.push_item(&mut contents, value, false, span);
                }
                let shape = match keys.first().map(|key| self.result_kind(*key)) {
                    Some(Kind::Path(path)) if self.catalog.knows(path) => Shape::Library(path),
                    _ => Shape::List,
                };
                Some(self.object(shape, contents, span))
            }
            Operation::NewMap => {
                if let Some(copy) = args.value(0).and_then(|of| self.copy_of_named(of, args, span)) {
                    return Some(copy);
                }
                let mut contents = Contents::default();
                for value in object.into_iter().chain(args.positional.iter().map(|(v, _)| v)) {
                    self.take_entries(&mut contents, value, span);
                }
                for (name, value, _) in &args.named {
                    contents.set(Key::Name(*name), value.clone());
                }
                Some(self.object(Shape::Map, contents, span))
            }
            Operation::Promise => self.promised(args, span),
            Operation::NewThing | Operation::Setting => self.settings_operation(operation, keys, object, args, span),
            Operation::Exit => {
                self.die();
                Some(Data::constant(Const::Null))
            }
            Operation::PathJoin => {
                let parts: Vec<Value> = everything().cloned().collect();
                let parts: Vec<&Value> = parts.iter().collect();
                let value = self.derived("join", &parts, place_of_program(&parts));
                let canonical = self.language.is_script();
                let labels = match parts.first() {
                    Some(first) if canonical => self.joined_below(first, &value.labels),
                    _ => value.labels.clone(),
                };
                let value = Rc::new(Data { canonical, labels, ..value.as_ref().clone() });
                let parts: Vec<Value> = parts.into_iter().cloned().collect();
                self.remember_parts(value.id, &parts);
                Some(self.stepped(&value, self.place(span), crate::detect::flow::StepKind::Part))
            }
            Operation::SplitExtension | Operation::Extension => {
                let path = everything().next()?.clone();
                let extension = self.derived("extension", &[&path], Kind::Unknown);
                let classes = self.catalog.bit_of("path");
                let extension = extension.with_labels(extension.labels.cleaned(classes));
                if operation == Operation::Extension {
                    return Some(extension);
                }
                let root = self.derived("root", &[&path], Kind::Unknown);
                let contents = Contents { list: Some(vec![root, extension]), ..Contents::default() };
                Some(self.object(Shape::List, contents, span))
            }
            Operation::OwnAddress => {
                let parts: Vec<Value> = args.all().map(|(v, _)| v).cloned().collect();
                let parts: Vec<&Value> = parts.iter().collect();
                Some(self.derived("address", &parts, Kind::Text("/-".into())))
            }
            _ => self.operation_on_all(operation, object, args, span),
        }
    }

    /// Does what treats its object as one of its arguments.
    fn operation_on_all(
        &mut self,
        operation: Operation,
        object: Option<&Value>,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        let everything = || object.into_iter().chain(args.all().map(|(v, _)| v));
        match operation {
            Operation::All => {
                let mut contents = Contents { list: Some(Vec::new()), ..Contents::default() };
                let single = args.positional.is_empty() && object.is_some_and(|o| matches!(o.kind, Kind::Object(_)));
                if single
                    || (args.positional.len() == 1 && args.value(0).is_some_and(|v| matches!(v.kind, Kind::Object(_))))
                {
                    return args.value(0).or(object).cloned();
                }
                for value in everything().cloned().collect::<Vec<_>>() {
                    self.push_item(&mut contents, &value, false, span);
                }
                Some(self.object(Shape::List, contents, span))
            }
            Operation::Zip => {
                let lists: Vec<Value> = everything().cloned().collect();
                let pair: Vec<Value> = lists.iter().map(|list| self.element_of(list, span)).collect();
                let pair = self.object(Shape::List, Contents { list: Some(pair), ..Contents::default() }, span);
                Some(self.object_beside(Shape::List, Contents { rest: Some(pair), ..Contents::default() }, span))
            }
            Operation::Arithmetic => {
                let parts: Vec<Value> = everything().cloned().collect();
                if let [one] = parts.as_slice()
                    && let Some(Const::Int(i)) = one.as_const()
                {
                    return Some(Data::constant(Const::Int(i.wrapping_abs())));
                }
                let parts: Vec<&Value> = parts.iter().collect();
                let value = self.derived("arithmetic", &parts, Kind::Unknown);
                Some(self.number_of(&value))
            }
            Operation::Require => {
                let name = everything().next().and_then(|v| v.as_text().map(str::to_owned))?;
                Some(self.required(&name, span))
            }
            Operation::NamedTuple => {
                let all: Vec<Value> = everything().cloned().collect();
                self.named_tuple(&Args::of(all, span), span)
            }
            Operation::Partial => self.partial(object, args, span),
            _ => None,
        }
    }

    pub(super) fn function_operation(
        &mut self,
        operation: Operation,
        object: &Value,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        let function = args.value(0).cloned();
        match operation {
            Operation::Map if let Some(parts) = self.known_elements(object).filter(|_| object.as_text().is_none()) => {
                let function = function?;
                let mut results = Vec::with_capacity(parts.len());
                for (at, part) in (0..).zip(parts) {
                    results.push(self.call_back(&function, vec![part, Data::constant(Const::Int(at))], span));
                }
                Some(self.object_beside(Shape::List, Contents { list: Some(results), ..Contents::default() }, span))
            }
            Operation::Map | Operation::ForEach | Operation::Filter => {
                let function = function?;
                let element = self.element_of(object, span);
                let index = self.truth_value(&[object]);
                let (result, kept) = {
                    let mut kept = element.clone();
                    let result = self.call_back(&function, vec![element.clone(), index], span);
                    if operation == Operation::Filter
                        && let Some(facts) = &result.facts
                    {
                        let of_element = |id: &u64| ids(&element).any(|i| i == *id);
                        let classes =
                            facts.when_true.iter().filter(|(id, _)| of_element(id)).fold(0, |all, (_, c)| all | c);
                        kept = element.with_labels(element.labels.cleaned(classes));
                        kept = Rc::new(Data { id: super::number(&("kept", kept.id)), ..kept.as_ref().clone() });
                    }
                    (result, kept)
                };
                let rest = match operation {
                    Operation::ForEach => return Some(Data::constant(Const::Null)),
                    Operation::Filter => kept,
                    _ => result,
                };
                Some(self.object_beside(Shape::List, Contents { rest: Some(rest), ..Contents::default() }, span))
            }
            Operation::Reduce => {
                let function = function?;
                let element = self.element_of(object, span);
                let start = args.value(1).cloned().unwrap_or_else(|| element.clone());
                let once = self.call_back(&function, vec![start.clone(), element.clone()], span);
                let twice = self.call_back(&function, vec![once.clone(), element], span);
                Some(join(&start, &join(&once, &twice)))
            }
            Operation::Fold => {
                let (start, function) = (args.value(0)?.clone(), args.value(1)?.clone());
                let element = self.element_of(object, span);
                let once = self.call_back(&function, vec![start.clone(), element.clone()], span);
                let twice = self.call_back(&function, vec![once.clone(), element], span);
                Some(join(&start, &join(&once, &twice)))
            }
            Operation::Then => {
                let function = function?;
                // What is found out of one sign is not found out of the text.
                let first = self.catalog.bit_of("argument");
                let origin = object.origin.filter(|(_, of)| !object.is_sign || of & !first == 0);
                let part = Rc::new(Data { origin, ..object.as_ref().clone() });
                Some(self.call_back(&function, vec![part], span))
            }
            Operation::Call => {
                for (function, _) in args.all().map(|(v, at)| (v.clone(), at)).collect::<Vec<_>>() {
                    if matches!(function.kind, Kind::Function(_)) {
                        let call = |e: &mut Self| e.call_back(&function, Vec::new(), span);
                        self.either(|e| e.called_later(&function, call), |_| ());
                    }
                }
                Some(object.clone())
            }
            _ => None,
        }
    }

    fn text_operation(&mut self, operation: Operation, object: &Value, args: &Args, span: (u32, u32)) -> Option<Value> {
        let argument = args.value(0).cloned();
        let result = match operation {
            Operation::JoinBySelf => self.joined(&argument?, object, span),
            Operation::Join => {
                let separator = argument.unwrap_or_else(|| Data::constant(Const::Text(",".into())));
                self.joined(object, &separator, span)
            }
            Operation::Split => self.split(object, argument.as_ref(), span),
            Operation::Concat if matches!(object.kind, Kind::Object(_)) => {
                let mut value = object.clone();
                for (other, _) in args.positional.clone() {
                    value = self.concatenated(&value, &other, span);
                }
                value
            }
            Operation::Concat => {
                let parts: Vec<_> =
                    std::iter::once((object.clone(), span)).chain(args.positional.iter().cloned()).collect();
                self.text_of(&parts, span)
            }
            Operation::AppendText => {
                let parts: Vec<_> =
                    std::iter::once((object.clone(), span)).chain(args.positional.iter().cloned()).collect();
                let value = self.text_of(&parts, span);
                if self.language == Language::Python {
                    // A stream stays what it is, and holds what is written.
                    let written = self.text_of(&args.positional, span);
                    if !written.labels.is_empty() {
                        self.state.contents_mut(object.id).blur(&written);
                    }
                } else if let Some(name) = args.receiver {
                    let handle = self.module(self.here());
                    self.set_through(&handle, name, &value);
                } else if !value.labels.is_empty() {
                    self.state.contents_mut(object.id).blur(&value);
                }
                Data::constant(Const::Null)
            }
            Operation::Format => self.formatted(object, args, span),
            Operation::FormatMap => self.formatted(object, &self.as_keywords(argument?, span), span),
            Operation::FormatCall => self.percent_call(object, args, span),
            Operation::Trim if self.language.is_script() => {
                // Without its space ` ..` at the beginning leads to the folder above.
                let value = self.same_text(operation, object);
                value.with_labels(value.labels.map(|label| label.cleaned &= !NO_PARENT))
            }
            Operation::Lower | Operation::Upper | Operation::Trim | Operation::ToText => {
                self.same_text(operation, object)
            }
            Operation::Part => self.part(object, args),
            Operation::Repeat => self.derived("repeat", &[object], Kind::Unknown),
            Operation::Identity => object.clone(),
            Operation::Regex => {
                let pattern = Key::Name(Name::new("pattern"));
                let mut contents = Contents::default();
                contents.set(pattern, object.clone());
                let id = super::number(&("regex", object.id));
                self.state.set_contents(id, contents);
                let kind = match self.catalog.type_of(Name::new("re.compile()")) {
                    Some(of) => Kind::Path(of),
                    None => Kind::Path(Name::new(if self.language.is_script() { "RegExp" } else { "re.Pattern" })),
                };
                Rc::new(Data::new(id, kind))
            }
            Operation::Decode => {
                let value = self.derived("decode", &[object], Kind::Unknown);
                let value = value.with_labels(self.decoded(&value.labels));
                self.with_beginning(object, value)
            }
            Operation::Recode if super::signature::is_signature(object) => object.clone(),
            Operation::Recode => self.recoded(object),
            _ => return self.replace_operation(operation, object, args, span),
        };
        Some(result)
    }

    /// Does what replaces parts of a text.
    fn replace_operation(
        &mut self,
        operation: Operation,
        object: &Value,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        let argument = args.value(0).cloned();
        let result = match operation {
            Operation::Replace
                if argument.as_ref().is_some_and(|a| matches!(a.kind, Kind::Const(Const::Regex(..)))) =>
            {
                self.replaced_by_pattern(object, &argument?, args.value(1), span)
            }
            Operation::Replace => self.replaced(object, argument.as_ref(), args.value(1), span),
            Operation::RegexReplace => {
                // `re.sub(pattern, new, text)`, or the same on a compiled pattern.
                let (pattern, new, text) = match (args.value(0), args.value(1)) {
                    (Some(new), Some(text)) => (object.clone(), new.clone(), text.clone()),
                    _ => return None,
                };
                self.replaced_by_pattern(&text, &pattern, Some(&new), span)
            }
            Operation::ReplacePattern => match argument.as_ref().map(|a| &a.kind) {
                Some(Kind::Const(Const::Text(_))) => {
                    // Only the first occurrence goes: that proves nothing.
                    let value = self.replaced(object, argument.as_ref(), args.value(1), span);
                    let labels = value.labels.join(&self.state.reach(object));
                    if value.labels.is_empty() { value } else { value.with_labels(labels) }
                }
                _ => self.replaced_by_pattern(object, &argument?, args.value(1), span),
            },
            _ => return self.test_operation(operation, object, args, span),
        };
        Some(result)
    }

    /// Does what asks something of a text, or makes a number or truth of it.
    fn test_operation(&mut self, operation: Operation, object: &Value, args: &Args, span: (u32, u32)) -> Option<Value> {
        let argument = args.value(0).cloned();
        let result = match operation {
            Operation::StartsWith => self.starts_with(object, &argument?),
            Operation::EndsWith => match (object.as_text(), argument.as_ref()?.as_text()) {
                (Some(text), Some(end)) => Data::constant(Const::Bool(text.ends_with(end))),
                (None, Some(end)) => self.ends_with(object, argument.as_ref()?, end),
                _ => self.truth_value(&[object, &argument?]),
            },
            Operation::Contains => {
                let item = argument?;
                match item.kind {
                    // Rust's patterns may be functions: whether any sign is so.
                    Kind::Function(_) => self.check_operation(Operation::AnyOf, object, args, span)?,
                    Kind::Path(_) if item.is_name => self.check_operation(Operation::AnyOf, object, args, span)?,
                    _ => self.contains(object, &item, false),
                }
            }
            Operation::Find => match (object.as_text(), argument.as_ref()?.as_text()) {
                (Some(text), Some(part)) => {
                    let at = text.find(part).map(|at| text[..at].chars().count());
                    Data::constant(Const::Int(at.map_or(-1, |at| i64::try_from(at).unwrap_or(i64::MAX))))
                }
                _ => self.position_of(object, &argument?),
            },
            Operation::ToNumber => match object.as_text().map(|t| t.trim().parse::<i64>()) {
                Some(Ok(number)) => Data::constant(Const::Int(number)),
                _ if matches!(object.kind, Kind::Const(Const::Int(_))) => object.clone(),
                _ => self.number_of(object),
            },
            Operation::ToBool | Operation::ToNot => {
                let is_not = operation == Operation::ToNot;
                let value = match object.verdict() {
                    Some(truth) => Data::constant(Const::Bool(truth != is_not)),
                    None => self.truth_value(&[object]),
                };
                let facts = object.facts.as_deref().cloned().unwrap_or_default();
                let (held, lacking) = (facts.when_true, facts.when_false);
                if is_not { self.with_facts(value, lacking, held) } else { self.with_facts(value, held, lacking) }
            }
            _ => return self.path_operation(operation, object, args),
        };
        Some(result)
    }

    /// Returns the entries of a map as arguments by name.
    fn as_keywords(&self, map: Value, span: (u32, u32)) -> Args {
        let mut args = Args::default();
        self.spread_map(&mut args, &map, span);
        args
    }

    fn percent_call(&mut self, object: &Value, args: &Args, span: (u32, u32)) -> Value {
        let list = args.positional.iter().map(|(v, _)| v.clone()).collect();
        let values = self.object(Shape::List, Contents { list: Some(list), ..Contents::default() }, span);
        self.percent(object, &values, span)
    }

    /// Returns a trivial form of a text.
    fn same_text(&mut self, operation: Operation, object: &Value) -> Value {
        let object = &self.written(object, (0, 0));
        if let Some(text) = object.as_text() {
            let text = match operation {
                Operation::Lower => text.to_lowercase(),
                Operation::Upper => text.to_uppercase(),
                Operation::Trim => text.trim().to_owned(),
                _ => text.to_owned(),
            };
            return Data::constant(Const::Text(text.into()));
        }
        if let (Operation::ToText, Some(Const::Int(i))) = (operation, object.as_const()) {
            return Data::constant(Const::Text(i.to_string().into()));
        }
        let kind = match (&object.kind, operation) {
            (Kind::Text(prefix), Operation::ToText) => Kind::Text(prefix.clone()),
            _ => Kind::Text("".into()),
        };
        let origin = object.origin.or(Some((object.id, ALL)));
        let value = self.derived(operation_name(operation), &[object], kind);
        let value = Data { origin, is_sign: object.is_sign, canonical: object.canonical, ..value.as_ref().clone() };
        self.state.checked(&Rc::new(value))
    }

    fn part(&mut self, object: &Value, args: &Args) -> Value {
        let bound = |i: usize| match args.value(i).map(|v| v.as_const()) {
            None => Some(None),
            Some(Some(Const::Int(i))) => Some(Some(*i)),
            _ => None,
        };
        if let (Some(from), Some(to)) = (bound(0), bound(1)) {
            if let Some(text) = object.as_text() {
                let chars: Vec<char> = text.chars().collect();
                let part: String = super::fold::cut(&chars, from, to).iter().collect();
                return Data::constant(Const::Text(part.into()));
            }
            let list = self.state.contents(object.id).filter(|c| c.rest.is_none()).and_then(|c| c.list.clone());
            if let Some(list) = list {
                let part = super::fold::cut(&list, from, to).to_vec();
                let id = super::number(&("part", object.id, from, to));
                self.state.set_contents(id, Contents { list: Some(part), ..Contents::default() });
                return Rc::new(Data::new(id, Kind::Object(Shape::List)));
            }
        }
        let part = self.derived("part", &[object], Kind::Unknown);
        if matches!(bound(0), Some(None | Some(0))) { part } else { part.with_labels(part.labels.cut()) }
    }
}

fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Lower => "lower",
        Operation::Upper => "upper",
        Operation::Trim => "trim",
        _ => "text",
    }
}
