//! Python's special methods: what the language calls on objects of the code without their name being written.

use super::Engine;
use super::call::Args;
use crate::detect::flow::ir::{Block, Const, ExprId, Module, Pattern};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Closure, Data, Kind, Shape, Value};
use crate::syntax::language::Language;

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
        let before = self.state.clone();
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
        let written = self.special(value, &["__format__", "__str__", "__repr__"], &Args::default(), span);
        written.unwrap_or_else(|| value.clone())
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
        contents.list.as_ref().filter(|list| list.len() <= FEW).map(|list| list.iter().map(|v| self.state.checked(v)).collect())
    }
}
