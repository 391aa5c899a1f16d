//! Checks of every element, and conversions by type.

use super::Engine;
use super::call::Args;
use super::facts::ids;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::catalog::{ALL, Classes};
use crate::detect::flow::ir::{ClassId, Const, ExprId, ExprKind, Module, Op, Pattern};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Closure, Data, Findings, Kind, Value, join};
use crate::syntax::language::Language;
use std::rc::Rc;

impl Engine<'_> {
    /// Does what calls do that hold the parts of something against a function, or make something of another type of it.
    pub(super) fn check_operation(
        &mut self,
        operation: Operation,
        object: &Value,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        match operation {
            Operation::Keep => {
                let function = args.value(0)?.clone();
                let part = self.part_to_check(object, span);
                let result = self.call_back(&function, vec![part.clone()], span);
                let classes = found_of(&part, result.facts.as_ref().map_or(&Vec::new(), |f| &f.when_true));
                let labels = self.state.reach(object).cleaned(classes);
                let id = super::number(&("kept", object.id, function.id));
                Some(Rc::new(Data { id, labels, ..object.as_ref().clone() }))
            }
            Operation::Every | Operation::AnyOf if args.positional.is_empty() => self.any_or_all(operation, object),
            Operation::Every | Operation::AnyOf => {
                let function = args.value(0)?.clone();
                let part = self.part_to_check(object, span);
                let result = self.call_back(&function, vec![part], span);
                let truth = self.truth_value(&[object, &function]);
                let facts = result.facts.as_deref().cloned().unwrap_or_default();
                // Where all are so, each is; where none is so, each is not.
                Some(match operation {
                    Operation::Every => self.with_facts(truth, facts.when_true, Vec::new()),
                    _ => self.with_facts(truth, Vec::new(), facts.when_false),
                })
            }
            Operation::Convert => {
                let of = args.types.first().filter(|of| of.name.as_str() != "_").cloned();
                let value = self.derived("convert", &[object], Kind::Unknown);
                Some(match of {
                    Some(of) if self.is_clean(&of) => self.number_of(object),
                    Some(of) => {
                        let kind = self.path_of_type(&of).map_or(Kind::Unknown, Kind::Path);
                        Rc::new(Data { kind, ..value.as_ref().clone() })
                    }
                    // Most often a number; else an address or a path, which the types around it would tell.
                    None => {
                        let bit = |class| self.catalog.bit_of(class);
                        let kept = bit("memory") | bit("ssrf") | bit("redirect");
                        let only_open = |l: &crate::detect::flow::value::Label| l.origin.only == 0;
                        let labels = value.labels.map(|l| l.cleaned |= if only_open(l) { !kept } else { 0 });
                        value.with_labels(labels)
                    }
                })
            }
            Operation::OrElse => {
                let other = args.value(0)?.clone();
                let other = if matches!(other.kind, Kind::Function(_) | Kind::Path(_)) && other.labels.is_empty() {
                    self.call_back(&other, Vec::new(), span)
                } else {
                    other
                };
                let object = super::outcome::inside(object);
                Some(if matches!(object.kind, Kind::Const(Const::Null)) { other } else { join(&object, &other) })
            }
            Operation::Assert | Operation::AssertEqual => {
                let test = match operation {
                    Operation::AssertEqual => self.compare(Op::Eq, object, args.value(0)?),
                    _ => object.clone(),
                };
                self.assume(&test, true);
                if test.truth() == Some(false) {
                    self.die();
                }
                Some(Data::constant(Const::Null))
            }
            Operation::Made if matches!(object.kind, Kind::Function(_)) => {
                Some(self.call_back(object, Vec::new(), span))
            }
            Operation::Made => Some(object.clone()),
            _ => None,
        }
    }

    /// Returns the method of the code that a value has by its declared type.
    pub(super) fn declared_method(&mut self, receiver: &Value, name: Name) -> Option<Closure> {
        let (module, class) = receiver.declared?;
        let method = self.class_member(module, class, name, Some(receiver));
        match method.or_else(|| self.implemented(module, class, name, receiver))?.kind.clone() {
            Kind::Function(closure) => Some(Closure { this: Some(receiver.clone()), ..closure }),
            _ => None,
        }
    }

    /// Returns a method of a trait as the only type of the same file that implements it has it.
    fn implemented(&mut self, module: usize, class: ClassId, name: Name, of: &Value) -> Option<Value> {
        let handle = self.module(module);
        let known = handle.class(class).name?;
        let mut found = None;
        for (number, other) in handle.classes.iter().enumerate().filter(|(_, c)| c.name != Some(known)) {
            let is_base = |base: &ExprId| match &handle.expr(*base).kind {
                ExprKind::Name(name) | ExprKind::Member(_, name) => *name == known,
                _ => false,
            };
            if other.bases.iter().any(is_base) {
                let id = ClassId(u32::try_from(number).ok()?);
                let method = self.class_member(module, id, name, Some(of));
                if found.is_some() && method.is_some() {
                    return None;
                }
                found = found.or(method);
            }
        }
        found
    }

    /// Returns what stands for each part of something: an element of a list that is known; of a text, and of what is not
    /// known, the whole, so that what is found out of each sign holds for it.
    fn part_to_check(&mut self, object: &Value, span: (u32, u32)) -> Value {
        if matches!(object.kind, Kind::Object(_)) {
            return self.element_of(object, span);
        }
        let id = super::number(&("sign", object.id));
        let origin = object.origin.or(Some((object.id, ALL)));
        let is_sign = self.language == Language::Rust;
        Rc::new(Data { id, origin, is_sign, facts: None, outcome: None, ..object.as_ref().clone() })
    }

    /// Returns the classes that a text of nothing but some signs is harmless to.
    pub(super) fn harmless_signs(&self, signs: Vec<(char, char)>) -> Classes {
        let allowed = super::regex::Allowed::of(signs);
        let harmful = super::regex::HARMFUL.iter().filter(|(_, harmful)| !harmful.chars().any(|c| allowed.holds(c)));
        let classes = harmful.fold(0, |all, (class, _)| all | self.catalog.bit_of(class));
        if allowed.is_plain() { ALL } else { classes }
    }

    /// Returns what follows for a value from it being equal to a constant, or one of the signs of one.
    pub(super) fn found_equal(&self, value: &Value, constant: &Value) -> Findings {
        let signs: Vec<(char, char)> = match constant.as_const() {
            Some(Const::Text(text)) if value.is_sign => text.chars().map(|c| (c, c)).collect(),
            Some(Const::Bytes(bytes)) if value.is_sign => {
                bytes.iter().map(|b| (char::from(*b), char::from(*b))).collect()
            }
            None if value.is_sign && matches!(constant.kind, Kind::Object(_)) => {
                let all = self.state.contents(constant.id);
                let texts = all.iter().flat_map(|c| c.all()).filter_map(|v| v.as_text());
                texts.flat_map(str::chars).map(|c| (c, c)).collect()
            }
            Some(Const::Int(byte)) if value.is_sign => {
                u8::try_from(*byte).map(char::from).into_iter().map(|c| (c, c)).collect()
            }
            _ => return super::facts::finding(value, ALL),
        };
        super::facts::finding(value, self.harmless_signs(signs))
    }
}

/// Returns the signs that a pattern takes, where it takes single signs: `'a'..='z' | '_'`.
pub(super) fn signs(m: &Module, pattern: &Pattern) -> Option<Vec<(char, char)>> {
    let sign = |expr: ExprId| match &m.expr(expr).kind {
        ExprKind::Const(Const::Text(text)) => {
            let mut chars = text.chars();
            chars.next().filter(|_| chars.next().is_none())
        }
        _ => None,
    };
    match pattern {
        Pattern::Value(expr) => match &m.expr(*expr).kind {
            ExprKind::Binary(Op::Range, from, to) => Some(vec![(sign(*from)?, sign(*to)?)]),
            _ => sign(*expr).map(|c| vec![(c, c)]),
        },
        Pattern::Any(patterns) => {
            let parts: Option<Vec<_>> = patterns.iter().map(|p| signs(m, p)).collect();
            parts.map(|parts| parts.concat())
        }
        _ => None,
    }
}

/// Returns the classes that findings say a value is harmless to.
fn found_of(value: &Value, findings: &Findings) -> Classes {
    let of_value = |id: &u64| ids(value).any(|i| i == *id);
    findings.iter().filter(|(id, _)| of_value(id)).fold(0, |all, (_, classes)| all | classes)
}
