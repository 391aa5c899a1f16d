//! Python's special methods: what the language calls on objects of the code without their name being written.

use super::Engine;
use super::call::Args;
use crate::detect::flow::ir::{Block, Const, ExprId, Module, Pattern};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key};
use crate::detect::flow::value::{Closure, Data, Kind, Shape, Value};
use crate::syntax::language::Language;

/// What stands for a type of tuples with names.
const NAMED_TUPLE: &str = "namedtuple";

impl Engine<'_> {
    /// Calls the first of some special methods that the class of an object has.
    pub(super) fn special(&mut self, object: &Value, names: &[&str], args: &Args, span: (u32, u32)) -> Option<Value> {
        let Kind::Object(Shape::Instance(module, class)) = object.kind else { return None };
        if self.language != Language::Python {
            return None;
        }
        for name in names {
            let Some(member) = self.class_member(module, class, Name::new(name), Some(object)) else { continue };
            if let Kind::Function(closure) = &member.kind {
                let closure = Closure { this: Some(object.clone()), ..closure.clone() };
                return Some(self.invoke(&closure, args, span));
            }
        }
        None
    }

    /// Runs `with value as pattern`: what it opens tells what is bound, and is closed at the end of the block.
    pub(super) fn with_block(&mut self, m: &Module, pattern: &Pattern, value: ExprId, body: &Block) {
        let span = m.expr(value).span;
        let object = self.eval(m, value);
        let entered = match self.special(&object, &["__enter__", "__aenter__"], &Args::default(), span) {
            Some(entered) => entered,
            // A generator that a decorator makes a context of: what it yields.
            None if matches!(object.kind, Kind::Object(Shape::List)) => self.element_of(&object, span),
            None => object.clone(),
        };
        self.bind(m, pattern, &entered, span);
        let before = self.state.fork();
        self.block(m, body);
        if !matches!(object.kind, Kind::Object(Shape::Instance(..))) {
            return;
        }
        let is_alive = self.state.alive;
        if !is_alive {
            self.state = before;
        }
        let null = Data::constant(Const::Null);
        let args = Args::of(vec![null.clone(), null.clone(), null], span);
        self.special(&object, &["__exit__", "__aexit__"], &args, span);
        self.state.alive &= is_alive;
    }

    /// Returns an element of an object of the code that can be iterated over.
    pub(super) fn iterated(&mut self, object: &Value, span: (u32, u32)) -> Option<Value> {
        let none = Args::default();
        let Some(iterator) = self.special(object, &["__iter__", "__aiter__"], &none, span) else {
            let place = self.place(span);
            let index = self.anything(place);
            return self.special(object, &["__getitem__"], &Args::of(vec![index], span), span);
        };
        match self.special(&iterator, &["__next__", "__anext__"], &none, span) {
            Some(element) => Some(element),
            None if iterator.id == object.id => None,
            None => Some(self.element_of(&iterator, span)),
        }
    }

    /// Returns what stands for the truth of a value: of an object of the code, what it says itself.
    pub(super) fn condition(&mut self, m: &Module, test: ExprId) -> Value {
        let value = self.eval(m, test);
        self.special(&value, &["__bool__", "__len__"], &Args::default(), m.expr(test).span).unwrap_or(value)
    }

    /// Returns a value as it becomes part of a text.
    pub(super) fn written(&mut self, value: &Value, span: (u32, u32)) -> Value {
        let is_list = match &value.kind {
            Kind::Object(Shape::List | Shape::Map) => true,
            Kind::Path(path) => matches!(path.as_str(), "list" | "dict" | "set" | "tuple" | "frozenset"),
            _ => false,
        };
        if self.language == Language::Python && is_list {
            return self.as_one_line(value);
        }
        let written = self.special(value, &["__format__", "__str__", "__repr__"], &Args::default(), span);
        written.unwrap_or_else(|| value.clone())
    }

    /// Returns the function that a call of Python hands on with its arguments, and these: `Thread(target=f, args=(x,))`,
    /// `executor.submit(f, x)`.
    pub(super) fn handed_on(&mut self, args: &Args, span: (u32, u32)) -> Option<(Value, Args)> {
        if self.language != Language::Python {
            return None;
        }
        let is_function = |v: &Value| matches!(v.kind, Kind::Function(_) | Kind::Partial(..));
        let named = args
            .named
            .iter()
            .find(|(name, v, _)| matches!(name.as_str(), "target" | "function" | "func") && is_function(v));
        let mut given = Args::default();
        if let Some((_, function, _)) = named {
            for (name, value, at) in &args.named {
                match name.as_str() {
                    "args" => match self.state.contents(value.id).and_then(|c| c.list.clone()) {
                        Some(list) => given.positional.extend(list.into_iter().map(|v| (v, *at))),
                        None => given.rest = Some((self.element_of(value, span), *at)),
                    },
                    "kwargs" => {
                        for (key, value) in self.state.contents(value.id).iter().flat_map(|c| &c.entries) {
                            if let Key::Name(name) = key {
                                given.named.push((*name, value.clone(), *at));
                            }
                        }
                    }
                    _ => {}
                }
            }
            return Some((function.clone(), given));
        }
        let at = args.positional.iter().position(|(v, _)| is_function(v))?;
        let others = args.positional.get(at + 1..).filter(|others| !others.is_empty())?;
        given.positional = others.to_vec();
        given.named.clone_from(&args.named);
        Some((args.positional[at].0.clone(), given))
    }

    /// Makes a type of tuples with names for their places.
    pub(super) fn named_tuple(&mut self, args: &Args, span: (u32, u32)) -> Option<Value> {
        let fields = args.value(1)?;
        let names: Vec<Value> = match fields.as_text() {
            Some(text) => text
                .split([' ', ','])
                .filter(|name| !name.is_empty())
                .map(|name| Data::constant(Const::Text(name.into())))
                .collect(),
            None => self.state.contents(fields.id)?.list.clone()?,
        };
        let place = self.place(span);
        let made = self.fresh(place, Kind::Path(Name::new(NAMED_TUPLE)));
        self.state.set_contents(made.id, Contents { list: Some(names), ..Contents::default() });
        Some(made)
    }

    /// Makes a tuple of such a type.
    pub(super) fn tuple_of(&mut self, of: &Value, args: &Args, span: (u32, u32)) -> Option<Value> {
        let names = match &of.kind {
            Kind::Path(path) if path.as_str() == NAMED_TUPLE => self.state.contents(of.id)?.list.clone()?,
            _ => return None,
        };
        let mut contents = Contents { list: Some(Vec::new()), ..Contents::default() };
        for (at, name) in names.iter().enumerate() {
            let name = Name::new(name.as_text()?);
            let value = args.value(at).or(args.by_name(name.as_str()).map(|(v, _)| v));
            let value = value.cloned().unwrap_or_else(|| Data::constant(Const::Null));
            contents.entries.insert(Key::Name(name), value.clone());
            contents.list.get_or_insert_default().push(value);
        }
        Some(self.object(Shape::List, contents, span))
    }

    /// Returns the elements of something of which all are known, in order: few enough to go through one by one.
    pub(super) fn known_elements(&self, over: &Value) -> Option<Vec<Value>> {
        const FEW: usize = 8;
        if let Some(text) = over.as_text() {
            let signs: Vec<char> = text.chars().take(FEW + 1).collect();
            let part = |c: &char| Data::constant(Const::Text(c.to_string().into()));
            return (signs.len() <= FEW).then(|| signs.iter().map(part).collect());
        }
        if !matches!(over.kind, Kind::Object(Shape::List)) || !over.labels.is_empty() {
            return None;
        }
        let contents = self.state.contents(over.id).filter(|c| c.rest.is_none() && c.entries.is_empty())?;
        contents
            .list
            .as_ref()
            .filter(|list| list.len() <= FEW)
            .map(|list| list.iter().map(|v| self.state.checked(v)).collect())
    }
}
