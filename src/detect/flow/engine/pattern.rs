//! Binding: what a pattern makes of a value, and setting variables.

use super::member::Key;
use super::{Engine, Frame};
use crate::detect::flow::ir::{Const, ExprKind, Module, Pattern, Type};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Kind, Shape, Value, join};
use crate::syntax::language::Language;

/// Constructors that stand for what is inside them.
const TRANSPARENT: [&str; 6] = ["Some", "Ok", "Err", "Box", "Cow", "Just"];

impl Engine<'_> {
    /// Binds a value to a pattern. `span` is where the value stands.
    pub(super) fn bind(&mut self, m: &Module, pattern: &Pattern, value: &Value, span: (u32, u32)) {
        match pattern {
            Pattern::Name(name) => self.assign_name(*name, value, span),
            Pattern::Place(place) => self.assign_place(m, *place, value, span),
            Pattern::List(patterns, rest) => self.bind_list(m, patterns, *rest, value, span),
            Pattern::Map(entries, rest) => {
                for (key, pattern, default) in entries {
                    let is_lacking = self.lacks(value, &Data::constant(Const::Text(key.as_str().into())));
                    let part = if is_lacking && self.language.is_script() {
                        Data::constant(Const::Null)
                    } else {
                        self.member(value, *key, span)
                    };
                    let part = match default {
                        Some(default) if self.may_lack(&part) => {
                            let default = self.eval(m, *default);
                            if is_missing(&part) { default } else { join(&part, &default) }
                        }
                        _ => part,
                    };
                    self.bind(m, pattern, &part, span);
                }
                if let Some(rest) = rest {
                    let rest_value = self.derived("rest", &[value], Kind::Unknown);
                    self.assign_name(*rest, &rest_value, span);
                }
            }
            Pattern::Variant(name, patterns) => {
                if let [pattern] = patterns.as_slice()
                    && (TRANSPARENT.contains(&name.last()) || !matches!(value.kind, Kind::Object(_)))
                {
                    self.assume_normal(*name, value);
                    let is_error = self.language == Language::Rust && name.last() == "Err" && value.outcome.is_none();
                    let value = super::outcome::inside(&self.state.checked(value));
                    // What a library says of a failure is about the data, and seldom the data.
                    let value = if is_error { value.with_labels(value.labels.guessed()) } else { value };
                    let value = self.of_class(*name, &value);
                    return self.bind(m, pattern, &value, span);
                }
                self.bind_list(m, patterns, None, value, span);
            }
            Pattern::Value(_) | Pattern::Ignore => {}
            Pattern::Any(patterns) => {
                for pattern in patterns {
                    self.bind(m, pattern, value, span);
                }
            }
            Pattern::Bind(name, pattern) => {
                self.assign_name(*name, value, span);
                self.bind(m, pattern, value, span);
            }
            Pattern::Default(pattern, default) => {
                let value = if self.may_lack(value) {
                    let default = self.eval(m, *default);
                    if is_missing(value) { default } else { join(value, &default) }
                } else {
                    value.clone()
                };
                self.bind(m, pattern, &value, span);
            }
        }
    }

    /// Returns a value that fits a class pattern of Python: a number carries nothing, a text is no object.
    fn of_class(&mut self, name: Name, value: &Value) -> Value {
        let path = if self.language == Language::Python { self.resolve_dotted(name) } else { None };
        match path {
            Some(path) if self.catalog.is_clean_type(path) => self.number_of(value),
            Some(path) if path.as_str() == "str" && matches!(value.kind, Kind::Unknown | Kind::Path(_)) => {
                std::rc::Rc::new(Data { kind: Kind::Text("".into()), ..value.as_ref().clone() })
            }
            _ => value.clone(),
        }
    }

    fn may_lack(&self, value: &Value) -> bool {
        matches!(value.kind, Kind::Unknown | Kind::Path(_)) || is_missing(value)
    }

    fn bind_list(&mut self, m: &Module, patterns: &[Pattern], rest: Option<usize>, value: &Value, span: (u32, u32)) {
        for (i, pattern) in patterns.iter().enumerate() {
            if rest == Some(i) {
                let tail = self.tail(value, i, patterns.len() - i - 1, span);
                self.bind(m, pattern, &tail, span);
                continue;
            }
            let index = i64::try_from(i).unwrap_or(i64::MAX);
            let part = match rest {
                Some(at) if i > at => {
                    let from_end = i64::try_from(patterns.len() - i).unwrap_or(i64::MAX);
                    self.index(value, &Data::constant(Const::Int(-from_end)), span)
                }
                _ => self.index(value, &Data::constant(Const::Int(index)), span),
            };
            self.bind(m, pattern, &part, span);
        }
    }

    /// Returns what a list holds between so many places at its beginning and so many at its end.
    fn tail(&mut self, value: &Value, before: usize, after: usize, span: (u32, u32)) -> Value {
        let known = self.state.contents(value.id).filter(|c| c.rest.is_none()).and_then(|c| c.list.clone());
        let (Kind::Object(Shape::List), Some(list)) = (&value.kind, known) else {
            return self.derived("tail", &[value], Kind::Unknown);
        };
        let end = list.len().saturating_sub(after);
        let list = list.get(before..end).unwrap_or_default().to_vec();
        self.object_beside(Shape::List, Contents { list: Some(list), ..Contents::default() }, span)
    }

    fn assign_name(&mut self, name: Name, value: &Value, span: (u32, u32)) {
        let value = self.assigned(value, name.as_str(), span);
        self.sink_of_name(name, &value, span);
        self.unsettle_references(name);
        self.set(name, value);
    }

    /// Sets a variable of the present function, or of the outer one that a declaration names.
    pub(super) fn set(&mut self, name: Name, value: Value) {
        let scope = match self.frames.last() {
            Some(frame) if frame.outer.contains(&name) => self.outer_scope(frame, name),
            Some(frame) => frame.scopes[0],
            None => 0,
        };
        self.state.set_variable(scope, name, value);
    }

    fn outer_scope(&self, frame: &Frame, name: Name) -> u32 {
        let outer = frame.scopes.iter().skip(1);
        let known = outer.clone().find(|scope| self.state.variable(**scope, name).is_some());
        known.or(outer.last()).copied().unwrap_or(frame.scopes[0])
    }

    /// Sets a variable where it is declared: an assignment as an expression declares none.
    pub(super) fn set_where_known(&mut self, name: Name, value: Value) {
        let scope = self.frames.last().map_or(0, |frame| {
            let known = frame.scopes.iter().find(|scope| self.state.variable(**scope, name).is_some());
            if self.language == Language::Python { frame.scopes[0] } else { known.copied().unwrap_or(frame.scopes[0]) }
        });
        self.state.set_variable(scope, name, value);
    }

    /// Says whether a value fits a pattern, where that is known.
    pub(super) fn fits(&mut self, m: &Module, pattern: &Pattern, value: &Value) -> Option<bool> {
        match pattern {
            Pattern::Name(_) | Pattern::Ignore => Some(true),
            Pattern::Bind(_, inner) => self.fits(m, inner, value),
            Pattern::Value(expr) => {
                let expected = self.eval(m, *expr);
                let (Some(expected), all) = (expected.as_const(), value.consts()) else { return None };
                if all.is_empty() {
                    return None;
                }
                match all.iter().filter(|c| *c == expected).count() {
                    0 => Some(false),
                    n if n == all.len() => Some(true),
                    _ => None,
                }
            }
            Pattern::Any(patterns) => {
                let mut all_fail = true;
                for pattern in patterns {
                    match self.fits(m, pattern, value) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => all_fail = false,
                    }
                }
                all_fail.then_some(false)
            }
            _ => None,
        }
    }

    /// Notes that a value is one of the constants of a pattern.
    pub(super) fn assume_fits(&mut self, m: &Module, pattern: &Pattern, value: &Value) {
        if value.labels.is_empty() {
            return;
        }
        let signs = super::check::signs(m, pattern);
        match signs {
            Some(signs) if value.is_sign || !is_constant(m, pattern) => {
                let classes = self.harmless_signs(signs);
                self.clean_value(value, classes);
            }
            _ if is_constant(m, pattern) => self.clean_value(value, crate::detect::flow::catalog::ALL),
            _ => {}
        }
    }

    /// Returns what an annotation makes of a value: in languages that convert by it.
    pub(super) fn converted(&mut self, value: &Value, of: &Type) -> Value {
        if self.language == Language::Rust && self.is_clean(of) {
            if value.is_sign {
                // What is found out of a sign is found out of the text.
                return value.clone();
            }
            return self.as_number(value);
        }
        let is_open = match value.kind {
            Kind::Unknown => true,
            Kind::Path(path) => self.language == Language::Python && !self.catalog.knows(path),
            _ => false,
        };
        if is_open
            && let Some(path) = self.path_of_type(of)
            && self.catalog.knows(path)
        {
            return std::rc::Rc::new(Data { kind: Kind::Path(path), ..value.as_ref().clone() });
        }
        value.clone()
    }

    /// Returns a number made of a value: it carries nothing but what only numbers do harm with.
    pub(super) fn number_of(&self, value: &Value) -> Value {
        let memory = self.catalog.bit_of("memory");
        let kept = memory | self.catalog.own_sources();
        let labels = self.state.reach(value).map(|label| label.cleaned |= !kept);
        std::rc::Rc::new(Data { labels, plain: true, ..Data::new(super::number(&("number", value.id)), Kind::Unknown) })
    }

    /// Returns what a conversion to a number makes of a value: constants, also those of libraries, stay what they are.
    pub(super) fn as_number(&self, value: &Value) -> Value {
        let is_number = |c: &Const| matches!(c, Const::Int(_) | Const::Float(_) | Const::Bool(_));
        let stays = match &value.kind {
            Kind::Const(constant) => is_number(constant),
            Kind::OneOf(constants) => constants.iter().all(is_number),
            Kind::Path(path) => path.last().starts_with(|c: char| c.is_ascii_uppercase()),
            _ => false,
        };
        if stays && value.labels.is_empty() {
            return value.clone();
        }
        let number = self.number_of(value);
        // A truth, or a success, says what it said.
        std::rc::Rc::new(Data { facts: value.facts.clone(), outcome: value.outcome, ..number.as_ref().clone() })
    }

    /// Returns an unknown value of a type.
    pub(super) fn of_type(&mut self, of: &Type, span: (u32, u32)) -> Value {
        let place = self.place(span);
        match self.path_of_type(of) {
            Some(path) => self.fresh(place, Kind::Path(path)),
            None => self.anything(place),
        }
    }

    /// Returns the path of a type as the catalog knows it, wrappers looked through.
    pub(super) fn path_of_type(&mut self, of: &Type) -> Option<Name> {
        if let Some((module, of)) = self.alias_of(of) {
            return self.in_module(module, |e| e.path_of_type(&of));
        }
        let path = self.resolve_dotted(of.name)?;
        if self.catalog.is_wrapper(path) || of.name.as_str() == "|" {
            return of.args.iter().find_map(|arg| self.path_of_type(arg));
        }
        Some(path)
    }

    /// Says whether values of a type can carry no attack.
    pub(super) fn is_clean(&mut self, of: &Type) -> bool {
        let may_be_enum = matches!(self.language, Language::Python | Language::Rust) && of.args.is_empty();
        if may_be_enum && self.is_enumeration(of.name) {
            return true;
        }
        if let Some((module, of)) = self.alias_of(of) {
            return self.in_module(module, |e| e.is_clean(&of));
        }
        if of.name.as_str() == "()" && !of.args.is_empty() {
            // Only the empty pair holds nothing.
            return of.args.iter().all(|arg| self.is_clean(arg));
        }
        let Some(path) = self.resolve_dotted(of.name) else { return false };
        if self.catalog.is_clean_type(path) {
            return true;
        }
        let is_wrapper = self.catalog.is_wrapper(path) || matches!(of.name.as_str(), "|" | "()" | "[]");
        if self.language == Language::Rust
            && matches!(of.args.as_slice(), [part] if matches!(part.name.as_str(), "u8" | "char"))
        {
            // Many of them are a text.
            return false;
        }
        if path.last() == "Result" && self.language == Language::Rust {
            return of.args.first().is_some_and(|arg| self.is_clean(arg));
        }
        is_wrapper && !of.args.is_empty() && of.args.iter().all(|arg| is_null(arg) || self.is_clean(arg))
    }

    /// Says whether a name is that of an enumeration of the code: its values are those that it lists.
    fn is_enumeration(&mut self, name: Name) -> bool {
        let (first, rest) = name.as_str().split_once('.').map_or((name.as_str(), None), |(a, b)| (a, Some(b)));
        let Some(known) = self.look_up(Name::new(first)) else { return false };
        let mut known = self.resolved(&known);
        for member in rest.iter().flat_map(|rest| rest.split('.')) {
            if !matches!(known.kind, Kind::Module(_) | Kind::Class(..)) {
                return false;
            }
            known = self.member(&known, Name::new(member), (0, 0));
        }
        matches!(known.kind, Kind::Class(module, class) if self.is_enum(module, class, 0))
    }

    /// Resolves a dotted path of the code through variables and imports.
    pub(super) fn resolve_dotted(&mut self, dotted: Name) -> Option<Name> {
        let text = dotted.as_str();
        let (first, rest) = text.split_once('.').map_or((text, None), |(a, b)| (a, Some(b)));
        let known = self.look_up(Name::new(first));
        let path = match known.as_ref().map(|v| &v.kind) {
            Some(Kind::Path(path)) => *path,
            Some(_) => return None,
            None => Name::new(first),
        };
        Some(self.catalog.canonical(rest.map_or(path, |rest| path.join(rest))))
    }

    /// Returns the key of a place, and what lies there is set.
    pub(super) fn assign_place(
        &mut self,
        m: &Module,
        place: crate::detect::flow::ir::ExprId,
        value: &Value,
        span: (u32, u32),
    ) {
        match &m.expr(place).kind {
            ExprKind::Member(object, name) => {
                let object = self.eval(m, *object);
                let value = self.assigned(value, name.as_str(), span);
                self.sink_of_name(*name, &value, m.expr(place).span);
                self.assign_member(&object, *name, &value, m.expr(place).span);
            }
            ExprKind::Index(object, key) => {
                let object = self.eval(m, *object);
                let key = self.eval(m, *key);
                if let Some(name) = key.as_text() {
                    self.sink_of_name(Name::new(name), value, m.expr(place).span);
                }
                self.assign_index(&object, &key, value, m.expr(place).span);
            }
            ExprKind::Name(name) => self.assign_name(*name, value, span),
            ExprKind::Lent(reference) => self.assign_through(m, *reference, value, span),
            ExprKind::Slice(object, ..) => {
                let object = self.eval(m, *object);
                let element = self.element_of(value, span);
                let contents = self.state.contents_mut(object.id);
                contents.scatter();
                contents.blur(&element);
            }
            _ => {
                self.eval(m, place);
            }
        }
    }

    pub(super) fn key_text(key: &Key) -> String {
        match key {
            Key::Name(name) => name.to_string(),
            Key::Index(index) => index.to_string(),
        }
    }
}

fn is_null(of: &Type) -> bool {
    matches!(of.name.as_str(), "None" | "null" | "undefined")
}

fn is_missing(value: &Value) -> bool {
    matches!(value.kind, Kind::Const(Const::Null))
}

fn is_constant(m: &Module, pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Value(expr) => {
            matches!(m.expr(*expr).kind, ExprKind::Const(_) | ExprKind::Name(_) | ExprKind::Member(..))
        }
        Pattern::Any(patterns) => !patterns.is_empty() && patterns.iter().all(|p| is_constant(m, p)),
        Pattern::Bind(_, inner) => is_constant(m, inner),
        Pattern::Variant(name, inner) => {
            matches!(inner.as_slice(), [one] if TRANSPARENT.contains(&name.last()) && is_constant(m, one))
        }
        _ => false,
    }
}
