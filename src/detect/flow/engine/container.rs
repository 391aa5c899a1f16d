//! What calls do to lists and maps, whatever the language calls them.

use super::Engine;
use super::call::Args;
use super::member::key_of_const;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key};
use crate::detect::flow::value::{Data, Kind, Labels, Shape, Value, join};
use std::rc::Rc;

impl Engine<'_> {
    /// Makes a second object that stands at the same place.
    pub(super) fn object_beside(&mut self, shape: Shape, contents: Contents, span: (u32, u32)) -> Value {
        let value = self.object(shape, Contents::default(), (span.1, span.0));
        self.state.set_contents(value.id, contents);
        value
    }

    pub(super) fn list_operation(
        &mut self,
        operation: Operation,
        object: &Value,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        let null = || Data::constant(Const::Null);
        match operation {
            Operation::Push | Operation::PushSelf | Operation::Unshift | Operation::Insert => {
                let mut contents = self.list_contents(object);
                let values: Vec<Value> = args.positional.iter().chain(&args.rest).map(|(v, _)| v.clone()).collect();
                self.add_to_list(operation, &mut contents, &values, span);
                self.put_back(object, contents, args);
                Some(if operation == Operation::PushSelf { object.clone() } else { null() })
            }
            Operation::Extend | Operation::ExtendSelf => {
                let mut contents = self.list_contents(object);
                for (value, _) in args.positional.clone() {
                    self.push_item(&mut contents, &value, true, span);
                }
                self.put_back(object, contents, args);
                Some(if operation == Operation::ExtendSelf { object.clone() } else { null() })
            }
            Operation::Pop | Operation::Shift => Some(self.take_from_list(operation, object, args, span)),
            Operation::RemoveValue => {
                let wanted = args.value(0)?.as_const()?.clone();
                let contents = self.state.contents_mut(object.id);
                if let Some(list) = &mut contents.list
                    && let Some(at) = list.iter().position(|v| v.as_const() == Some(&wanted))
                {
                    list.remove(at);
                }
                Some(null())
            }
            Operation::Clear => {
                let is_list = self.state.contents(object.id).is_some_and(|c| c.list.is_some());
                let list = is_list.then(Vec::new);
                self.state.set_contents(object.id, Contents { list, ..Contents::default() });
                Some(null())
            }
            Operation::Reverse | Operation::Sort | Operation::Sorted => self.put_in_order(operation, object, span),
            Operation::ListOf if args.value(0).is_some_and(|f| matches!(f.kind, Kind::Function(_))) => {
                // `Array.from(list, function)`.
                self.function_operation(Operation::Map, object, args, span)
            }
            Operation::ListOf | Operation::Copy => {
                if let Kind::Object(shape) = object.kind {
                    let contents = self.state.contents(object.id).map(|c| c.as_ref().clone()).unwrap_or_default();
                    let shape = if operation == Operation::ListOf { Shape::List } else { shape };
                    let copy = self.object(shape, contents, span);
                    return Some(copy.with_labels(object.labels.clone()));
                }
                Some(object.clone())
            }
            Operation::Length => Some(match object.as_text() {
                Some(text) => Data::constant(Const::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))),
                None => match self.length(object) {
                    Some(length) => Rc::new(Data { is_length: true, ..length.as_ref().clone() }),
                    None => {
                        let length = self.derived("length", &[object], Kind::Unknown);
                        let length = self.number_of(&length);
                        Rc::new(Data { is_length: true, ..length.as_ref().clone() })
                    }
                },
            }),
            Operation::Element => Some(self.element_of(object, span)),
            Operation::Enumerate => {
                let element = self.element_of(object, span);
                let index = self.truth_value(&[object]);
                let pair = Contents { list: Some(vec![index, element]), ..Contents::default() };
                let pair = self.object(Shape::List, pair, span);
                Some(self.object_beside(Shape::List, Contents { rest: Some(pair), ..Contents::default() }, span))
            }
            Operation::At => Some(match args.value(0).cloned() {
                Some(index) => self.index(object, &index, span),
                None => self.element_of(object, span),
            }),
            _ => None,
        }
    }

    /// Puts a list, or a copy of it, into another order.
    fn put_in_order(&mut self, operation: Operation, object: &Value, span: (u32, u32)) -> Option<Value> {
        if operation == Operation::Sorted {
            let list = self.list_operation(Operation::ListOf, object, &Args::default(), span)?;
            return self.put_in_order(Operation::Sort, &list, span);
        }
        if operation == Operation::Reverse {
            self.state.contents_mut(object.id).reverse();
        } else if self.state.contents(object.id).is_some() {
            self.state.contents_mut(object.id).shuffle();
        }
        Some(object.clone())
    }

    /// Returns the length of a list whose length is known.
    pub(super) fn length(&self, object: &Value) -> Option<Value> {
        let contents = self.state.contents(object.id)?;
        let length = match (&contents.list, &contents.rest) {
            (Some(list), None) => list.len(),
            (None, None) if matches!(object.kind, Kind::Object(Shape::Map)) => contents.entries.len(),
            _ => return Some(self.truth_value(&[object])),
        };
        Some(Data::constant(Const::Int(i64::try_from(length).unwrap_or(i64::MAX))))
    }

    fn list_contents(&self, object: &Value) -> Contents {
        match self.state.contents(object.id) {
            Some(contents) => contents.as_ref().clone(),
            None => Contents::default(),
        }
    }

    fn add_to_list(&mut self, operation: Operation, contents: &mut Contents, values: &[Value], span: (u32, u32)) {
        match (operation, values) {
            (Operation::Insert, [at, value, ..]) => match (&mut contents.list, at.as_const()) {
                (Some(list), Some(Const::Int(at))) => {
                    let at = usize::try_from(*at).unwrap_or(0).min(list.len());
                    list.insert(at, value.clone());
                }
                (None, _) if let Some(key) = key_of_const(at) => contents.set(key, value.clone()),
                _ => {
                    contents.scatter();
                    contents.blur(value);
                }
            },
            (Operation::Unshift, values) => {
                for value in values.iter().rev() {
                    match &mut contents.list {
                        Some(list) => list.insert(0, value.clone()),
                        None => contents.blur(value),
                    }
                }
            }
            (_, values) => {
                for value in values {
                    self.push_item(contents, value, false, span);
                }
            }
        }
    }

    /// Stores what an object holds now. A thing of unknown kind that is added to carries what is added.
    fn put_back(&mut self, object: &Value, contents: Contents, args: &Args) {
        self.state.set_contents(object.id, contents);
        let _ = args;
    }

    fn take_from_list(&mut self, operation: Operation, object: &Value, args: &Args, span: (u32, u32)) -> Value {
        let key = args.value(0).and_then(key_of_const);
        let Some(contents) = self.state.contents(object.id) else { return self.element_of(object, span) };
        let mut contents = contents.as_ref().clone();
        if contents.list.is_some() && contents.rest.is_some() {
            contents.scatter();
        }
        let taken = match (&mut contents.list, key) {
            (Some(list), None) if !list.is_empty() && (operation == Operation::Shift || args.positional.is_empty()) => {
                Some(list.remove(if operation == Operation::Shift { 0 } else { list.len() - 1 }))
            }
            (Some(list), Some(Key::Index(at))) => {
                let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
                let at = usize::try_from(if at < 0 { at + length } else { at }).unwrap_or(usize::MAX);
                (at < list.len()).then(|| list.remove(at))
            }
            (None, Some(key)) => contents.entries.remove(&key),
            _ => None,
        };
        match taken {
            Some(value) => {
                self.state.set_contents(object.id, contents);
                self.state.checked(&value)
            }
            None if matches!(object.kind, Kind::Object(Shape::Map)) && args.value(0).is_some() => {
                let found = self.map_operation(Operation::Get, object, args, span);
                found.unwrap_or_else(|| self.element_of(object, span))
            }
            None => match args.value(1) {
                Some(default) => join(&self.element_of(object, span), default),
                None => self.element_of(object, span),
            },
        }
    }

    /// Says whether a dictionary has a method of a name.
    pub(super) fn is_of_dict(&self, name: Name) -> bool {
        self.catalog.operation(Name::new("dict").member(name)).is_some()
    }

    pub(super) fn map_operation(
        &mut self,
        operation: Operation,
        object: &Value,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        match operation {
            Operation::Get | Operation::GetAttribute => {
                let key = args.value(0).cloned()?;
                let found = match (operation, key.as_text()) {
                    (Operation::GetAttribute, Some(name)) => self.member(object, Name::new(name), span),
                    _ => self.index(object, &key, span),
                };
                if operation == Operation::GetAttribute && key.as_text().is_none() {
                    return Some(self.looked_up(object, &key, found));
                }
                // What a map gives is what was put into it, never a prototype.
                let is_map = found.keyed && operation == Operation::Get;
                let found = if is_map { Rc::new(Data { keyed: false, ..found.as_ref().clone() }) } else { found };
                let is_certain = self
                    .state
                    .contents(object.id)
                    .zip(key_of_const(&key))
                    .is_some_and(|(contents, key)| contents.get(&key).is_ok());
                Some(match args.value(1) {
                    Some(default) if !is_certain => {
                        let lacks = self.lacks(object, &key);
                        if lacks { default.clone() } else { join(&found, default) }
                    }
                    _ => found,
                })
            }
            Operation::Get2 | Operation::Set2 => {
                let (section, option) = (args.value(0)?.clone(), args.value(1)?.clone());
                let (name, key) = (key_of_const(&section)?, key_of_const(&option)?);
                let known = self.state.contents(object.id).and_then(|c| c.get(&name).ok().cloned());
                if operation == Operation::Set2 {
                    let value = args.value(2)?.clone();
                    let value = self.assigned(&value, &Self::key_text(&key), span);
                    let id = super::number(&("section", object.id, section.id));
                    let inner = known.unwrap_or_else(|| Rc::new(Data::new(id, Kind::Object(Shape::Map))));
                    self.state.contents_mut(inner.id).set(key, value);
                    self.state.contents_mut(object.id).set(name, inner);
                    return Some(Data::constant(Const::Null));
                }
                match known.and_then(|inner| self.state.contents(inner.id)).and_then(|c| c.get(&key).ok().cloned()) {
                    Some(value) => Some(self.state.checked(&value)),
                    None => Some(self.derived("option", &[object], Kind::Unknown).with_labels(object.labels.clone())),
                }
            }
            Operation::Set | Operation::SetDefault => {
                let (key, value) = (args.value(0)?.clone(), args.value(1).cloned());
                let Some(value) = value else {
                    // `set.add(x)` and the like.
                    let mut contents = self.list_contents(object);
                    self.push_item(&mut contents, &key, false, span);
                    self.state.set_contents(object.id, contents);
                    return Some(object.clone());
                };
                let value = self.assigned(&value, &key.as_text().map_or_else(String::new, str::to_owned), span);
                if operation == Operation::SetDefault {
                    let known = self.index(object, &key, span);
                    let known = join(&known, &value);
                    self.assign_index(object, &key, &known, span);
                    return Some(known);
                }
                self.assign_index(object, &key, &value, span);
                Some(object.clone())
            }
            Operation::RemoveKey => {
                let key = args.value(0).and_then(key_of_const)?;
                self.state.contents_mut(object.id).entries.remove(&key);
                Some(Data::constant(Const::Null))
            }
            Operation::Update => {
                let mut contents = self.list_contents(object);
                for (value, _) in args.positional.clone() {
                    self.take_entries(&mut contents, &value, span);
                }
                for (name, value, _) in &args.named {
                    contents.set(Key::Name(*name), value.clone());
                }
                self.state.set_contents(object.id, contents);
                Some(object.clone())
            }
            _ => self.all_of_map(operation, object, span),
        }
    }

    /// Returns a list of what a map holds.
    fn all_of_map(&mut self, operation: Operation, object: &Value, span: (u32, u32)) -> Option<Value> {
        match operation {
            Operation::Keys => {
                let key = self.key_of(object, span);
                Some(self.object_beside(Shape::List, Contents { rest: Some(key), ..Contents::default() }, span))
            }
            Operation::Values => {
                let contents = match self.state.contents(object.id) {
                    Some(contents) => Contents { rest: contents.any(), ..Contents::default() },
                    None => Contents { rest: Some(self.element_of(object, span)), ..Contents::default() },
                };
                Some(self.object_beside(Shape::List, contents, span))
            }
            Operation::Items => {
                let key = self.key_of(object, span);
                let value = match self.state.contents(object.id).and_then(|c| c.any()) {
                    Some(value) => self.state.checked(&value),
                    None => self.element_of(object, span),
                };
                let pair = Contents { list: Some(vec![key, value]), ..Contents::default() };
                let pair = self.object(Shape::List, pair, span);
                Some(self.object_beside(Shape::List, Contents { rest: Some(pair), ..Contents::default() }, span))
            }
            _ => None,
        }
    }

    /// Says whether an object is known not to hold a key.
    pub(super) fn lacks(&self, object: &Value, key: &Value) -> bool {
        let (Some(contents), Some(key)) = (self.state.contents(object.id), key_of_const(key)) else { return false };
        matches!(object.kind, Kind::Object(_))
            && object.labels.is_empty()
            && contents.rest.is_none()
            && contents.get(&key).is_err()
    }

    /// Adds the entries of a value, a map or a list of pairs, to a map.
    pub(super) fn take_entries(&mut self, contents: &mut Contents, value: &Value, span: (u32, u32)) {
        let Some(inner) = self.state.contents(value.id) else {
            if !self.state.reach(value).is_empty() {
                let any = self.derived("entry", &[value], Kind::Unknown);
                contents.cover(&any);
                contents.keys = None;
            } else if !value.is_plain() {
                let any = Data::unknown(super::number(&("entry", value.id)), Labels::default());
                contents.cover(&any);
                contents.keys = None;
            }
            return;
        };
        if let Some(rest) = &inner.rest {
            let rest = if self.state.contents(rest.id).is_some() {
                self.index(rest, &Data::constant(Const::Int(1)), span)
            } else {
                rest.clone()
            };
            if inner.keys.is_none() && inner.list.is_none() { contents.cover(&rest) } else { contents.blur(&rest) }
        }
        for (key, value) in &inner.entries {
            contents.set(key.clone(), value.clone());
        }
        for pair in inner.list.iter().flatten() {
            let key = self.index(pair, &Data::constant(Const::Int(0)), span);
            let value = self.index(pair, &Data::constant(Const::Int(1)), span);
            match key_of_const(&key) {
                Some(key) => contents.set(key, value),
                None => contents.blur(&value),
            }
        }
    }
}
