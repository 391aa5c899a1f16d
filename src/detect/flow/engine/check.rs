//! Checks of every element, and conversions by type.

use super::Engine;
use super::call::Args;
use super::facts::ids;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::catalog::{ALL, Classes, NO_PARENT, NOT_ABSOLUTE};
use crate::detect::flow::ir::{Arm, ClassId, Const, ExprId, ExprKind, Method, Module, Op, Pattern, StmtKind};
use crate::detect::flow::name::Name;
use crate::detect::flow::outcome::Outcome;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Closure, Data, Findings, Kind, Label, Shape, Value, join};
use crate::syntax::language::Language;
use std::rc::Rc;

impl Engine<'_> {
    /// Makes of a value what a type says that a call names: `parse::<u32>()`.
    fn convert_to_named(&mut self, object: &Value, args: &Args) -> Value {
        let of = args.types.first().filter(|of| of.name.as_str() != "_").cloned();
        let value = self.derived("convert", &[object], Kind::Unknown);
        match of {
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
        }
    }

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
                let known = self.known_elements(object).filter(|parts| !parts.is_empty() && object.as_text().is_none());
                if let Some(parts) = known {
                    let truths = parts.into_iter().map(|part| self.call_back(&function, vec![part], span)).collect();
                    let truths = Contents { list: Some(truths), ..Contents::default() };
                    let truths = self.object_beside(Shape::List, truths, span);
                    return self.any_or_all(operation, &truths);
                }
                let part = self.part_to_check(object, span);
                let result = self.call_back(&function, vec![part], span);
                let truth = self.truth_value(&[object, &function]);
                let facts = result.facts.as_deref().cloned().unwrap_or_default();
                // Where all are so, each is; where none is so, each is not.
                Some(match operation {
                    Operation::Every => self.with_facts(truth, facts.when_true, Vec::new()),
                    _ => {
                        let same = self.same_as_one(object, &function, span);
                        self.with_facts(truth, same, facts.when_false)
                    }
                })
            }
            Operation::Convert => Some(self.convert_to_named(object, args)),
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
            Operation::ThenSome => {
                // What a truth lets through is there where it held.
                let inner = args.value(0)?.clone();
                if let Kind::Function(closure) = &inner.kind
                    && !self.module(closure.module).function(closure.function).params.is_empty()
                {
                    return Some(self.call_back(&inner, vec![object.clone()], span));
                }
                let facts = object.facts.as_deref().cloned().unwrap_or_default();
                let (value, ()) = self.either(
                    |e| {
                        e.assume(object, true);
                        let value = if matches!(inner.kind, Kind::Function(_)) {
                            e.call_back(&inner, Vec::new(), span)
                        } else {
                            inner.clone()
                        };
                        e.state.checked(&value)
                    },
                    |_| (),
                );
                let value = Rc::new(Data { outcome: Some(Outcome::Either), facts: None, ..value.as_ref().clone() });
                Some(self.with_facts(value, facts.when_true, facts.when_false))
            }
            _ => self.sign_operation(operation, object, args, span),
        }
    }

    /// Returns what is known where a function holds for some element of a list of the program's own: what it asks to be the
    /// same as the element is one of the list, `hosts.some(host => host === url.hostname)`.
    fn same_as_one(&mut self, list: &Value, function: &Value, span: (u32, u32)) -> Findings {
        let is_own = |label: &Label| matches!(label.origin.trust, Trust::Operator | Trust::Environment);
        if !self.state.reach(list).all().iter().all(is_own) || !matches!(function.kind, Kind::Function(_)) {
            return Vec::new();
        }
        // Stands for any of them: nothing begins or ends with it, and no host or path is in it.
        let one = Data::constant(Const::Text("element".into()));
        let (result, ()) = self.either(|e| e.call_back(function, vec![one], span), |_| ());
        result.facts.as_deref().map(|facts| facts.when_true.clone()).unwrap_or_default()
    }

    /// Does what asks something of a path, or takes the signs of a text.
    fn sign_operation(&mut self, operation: Operation, object: &Value, args: &Args, span: (u32, u32)) -> Option<Value> {
        match operation {
            Operation::OpenFile => {
                // What is written into a log stands between the lines of the program.
                let path = args.value(0).unwrap_or(object);
                let name = path.prefix().rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
                let is_log = name.ends_with(".log") || name.contains("audit") || name.contains("access_log");
                let of = Name::new(if is_log { "std.fs.LogFile" } else { "std.fs.File" });
                let place = self.place(span);
                Some(self.fresh(place, Kind::Path(of)))
            }
            Operation::IsAbsolute | Operation::IsRelative => {
                let truth = self.truth_value(&[object]);
                let found = super::facts::finding(object, NOT_ABSOLUTE);
                Some(if operation == Operation::IsRelative {
                    self.with_facts(truth, found, Vec::new())
                } else {
                    self.with_facts(truth, Vec::new(), found)
                })
            }
            Operation::Signs => {
                let id = super::number(&("signs", object.id));
                let origin = object.origin.or(Some((object.id, ALL)));
                Some(Rc::new(Data { id, origin, is_sign: true, facts: None, outcome: None, ..object.as_ref().clone() }))
            }
            Operation::Gathered => {
                let id = super::number(&("gathered", object.id));
                let whole = Data { id, is_sign: false, ..object.as_ref().clone() };
                Some(if object.is_sign { Rc::new(whole) } else { object.clone() })
            }
            Operation::FirstSign => {
                let first = self.element_of(object, span);
                let origin = object.origin.filter(|_| object.is_sign);
                let argument = self.catalog.bit_of("argument");
                let origin = origin.map(|(id, of)| (id, of & argument));
                Some(if origin.is_some() {
                    let id = super::number(&("first", object.id));
                    Rc::new(Data { id, origin, is_sign: true, ..first.as_ref().clone() })
                } else {
                    first
                })
            }
            _ => self.event_operation(operation, object, args, span),
        }
    }

    /// Does what calls functions that were given before, and what asserts.
    fn event_operation(
        &mut self,
        operation: Operation,
        object: &Value,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        match operation {
            Operation::Made if object.is_name => Some(self.call_back(object, Vec::new(), span)),
            Operation::Listen => {
                let id = super::number(&("listeners", object.id, args.value(0)?.as_text()?));
                let function = args.value(1)?.clone();
                let contents = self.state.contents_mut(id);
                contents.list.get_or_insert_with(Vec::new).push(function);
                Some(object.clone())
            }
            Operation::Emit => {
                let id = super::number(&("listeners", object.id, args.value(0)?.as_text()?));
                let given: Vec<Value> = args.positional.iter().skip(1).map(|(v, _)| v.clone()).collect();
                let contents = self.state.contents(id);
                for function in contents.iter().flat_map(|c| c.all()) {
                    self.either(|e| e.call_back(function, given.clone(), span), |_| ());
                }
                Some(self.truth_value(&[object]))
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

    /// Returns a method of Rust's type that an object is of: fields of the same name do not hide it.
    pub(super) fn method_of(&mut self, receiver: &Value, name: Name) -> Option<Closure> {
        let Kind::Object(Shape::Instance(module, class)) = receiver.kind else { return None };
        let handle = self.module(module);
        let known = handle.class(class).name?;
        let parts = handle.classes.iter().filter(|c| c.name == Some(known));
        let function = parts.flat_map(|c| &c.body).find_map(|stmt| match stmt.kind {
            StmtKind::Function(id) if handle.function(id).name == Some(name) => Some(id),
            _ => None,
        })?;
        let this = (handle.function(function).method != Method::Static).then(|| receiver.clone());
        let scopes = Rc::from([self.units[module].scope]);
        Some(Closure { module, function, scopes, this })
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

    /// Takes in at an arm that takes all the rest that a sign is none of those that the arms before it take: once the signs
    /// that do harm are replaced, the others do none. The same for the parts of a path.
    pub(super) fn assume_other_signs(&mut self, m: &Module, before: &[Arm], pattern: &Pattern, value: &Value) {
        if self.language != Language::Rust
            || value.labels.is_empty()
            || !matches!(pattern, Pattern::Ignore | Pattern::Name(_))
        {
            return;
        }
        let before = before.iter().filter(|arm| arm.guard.is_none());
        if value.is_sign {
            let gone: Vec<(char, char)> = before.clone().filter_map(|arm| signs(m, &arm.pattern)).flatten().collect();
            let gone = super::regex::Allowed::of(gone);
            let classes = super::regex::ENOUGH.iter().filter(|(_, all)| all.chars().all(|c| gone.holds(c)));
            let classes = classes.fold(0, |all, (class, _)| all | self.catalog.bit_of(class));
            self.state.clean(value.id, classes);
        }
        let parts = before.fold(0, |all, arm| all | lacking_part(m, &arm.pattern));
        if parts != 0 {
            self.clean_value(value, parts);
        }
    }

    /// Takes in that a part of a path is an ordinary name: `Component::Normal(name)`.
    pub(super) fn assume_normal(&mut self, name: Name, value: &Value) {
        if name.last() == "Normal" && self.language == Language::Rust {
            let path = self.catalog.bit_of("path");
            self.clean_value(value, path | NO_PARENT | NOT_ABSOLUTE);
        }
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
            _ => return [super::facts::finding(value, ALL), self.found_of_parts(value, ALL)].concat(),
        };
        super::facts::finding(value, self.harmless_signs(signs))
    }
}

/// Returns what a path is known not to have where none of its parts fits a pattern: `Component::ParentDir`.
fn lacking_part(m: &Module, pattern: &Pattern) -> Classes {
    match pattern {
        Pattern::Value(expr) => match &m.expr(*expr).kind {
            ExprKind::Name(name) | ExprKind::Member(_, name) => part_of_path(name.as_str()),
            _ => 0,
        },
        Pattern::Variant(name, _) => part_of_path(name.last()),
        Pattern::Any(patterns) => patterns.iter().fold(0, |all, p| all | lacking_part(m, p)),
        _ => 0,
    }
}

/// Returns what a path without a sort of parts is known to be.
pub(super) fn part_of_path(name: &str) -> Classes {
    match name {
        "ParentDir" => NO_PARENT,
        "RootDir" => NOT_ABSOLUTE,
        _ => 0,
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
