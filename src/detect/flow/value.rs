//! What the engine knows of a value: where its data comes from, and what it is.
//!
//! Values are numbered: equal numbers are equal values, so that what a check says of one holds for its copies.

use super::catalog::Classes;
use super::ir::{ClassId, Const, FunctionId};
use super::joined::{joined_number, success_of};
pub(super) use super::label::{Label, Labels, Origin};
use super::name::Name;
use super::outcome::Outcome;
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

/// A value, shared.
pub(super) type Value = Rc<Data>;

/// How many constants a value may be one of.
const MAX_CONSTS: usize = 4;

/// What is known of a value.
#[derive(Debug, Clone)]
pub(super) struct Data {
    /// Its number.
    pub(super) id: u64,
    /// Where its data comes from.
    pub(super) labels: Labels,
    /// What it is.
    pub(super) kind: Kind,
    /// Number of the value that this one is a form or a part of, and the classes to which a check of this one makes that one
    /// harmless: every class for trivial forms (trimmed, lower case), `ssrf` and `redirect` for the host of a URL.
    pub(super) origin: Option<(u64, Classes)>,
    /// Whether it is a canonical path.
    pub(super) canonical: bool,
    /// Whether it is known to carry nothing that does harm: a number, a truth, what a check has let through.
    pub(super) plain: bool,
    /// Whether something that is not known became a part of it, so that its labels do not tell everything.
    pub(super) mixed: bool,
    /// Whether it is what a library's name stands for: a module, a type, a function; not something of that type.
    pub(super) is_name: bool,
    /// Whether it was read under a key of data from outside, so that it may be a prototype.
    pub(super) keyed: bool,
    /// Whether it is a success or a failure, where it is one of these at all: Rust's `Ok`, `Some` and `Err`.
    pub(super) outcome: Option<Outcome>,
    /// Whether it is any one sign of a text.
    pub(super) is_sign: bool,
    /// Whether it is the length of something.
    pub(super) is_length: bool,
    /// What follows if it is true, or false.
    pub(super) facts: Option<Rc<Facts>>,
    /// The class of the code that its type names: a structure of request data.
    pub(super) declared: Option<(usize, ClassId)>,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Not known.
    Unknown,
    /// A constant.
    Const(Const),
    /// One of a few constants.
    OneOf(Rc<[Const]>),
    /// A text with a known beginning.
    Text(Arc<str>),
    /// What a catalog may speak of: a module, a function, an instance of a type.
    Path(Name),
    /// A function of the code, with the scopes around it and the object that it is a method of.
    Function(Closure),
    /// A class of the code.
    Class(usize, ClassId),
    /// A list, map or object: its contents are in the state, under the value's number.
    Object(Shape),
    /// A file of the code.
    Module(usize),
    /// A method of a value that is no object of the code.
    Bound(Value, Name),
    /// A function with its first arguments.
    Partial(Value, Rc<[Value]>),
}

/// What sort of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A list.
    List,
    /// A map.
    Map,
    /// An instance of a class of the code: module and class.
    Instance(usize, ClassId),
    /// A thing of a library, which the engine keeps contents of.
    Library(Name),
}

/// A function with what it can see.
#[derive(Debug, Clone)]
pub(super) struct Closure {
    /// Its module.
    pub(super) module: usize,
    /// The function.
    pub(super) function: FunctionId,
    /// The scopes around it, innermost first.
    pub(super) scopes: Rc<[u32]>,
    /// Its object.
    pub(super) this: Option<Value>,
}

/// What a test says of values: number of the value, and the classes that it is harmless to.
pub(super) type Findings = Vec<(u64, Classes)>;

/// What follows from a value's truth.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Where it is true.
    pub(super) when_true: Findings,
    /// Where it is false.
    pub(super) when_false: Findings,
}

impl Data {
    /// Makes a value of a kind and number, without labels.
    pub(super) fn new(id: u64, kind: Kind) -> Self {
        Self {
            id,
            labels: Labels::default(),
            kind,
            origin: None,
            canonical: false,
            plain: false,
            mixed: false,
            is_name: false,
            keyed: false,
            outcome: None,
            is_sign: false,
            is_length: false,
            facts: None,
            declared: None,
        }
    }

    /// Makes a constant.
    pub(super) fn constant(constant: Const) -> Value {
        Rc::new(Self::new(number_of_const(&constant), Kind::Const(constant)))
    }

    /// Makes an unknown value with labels.
    pub(super) fn unknown(id: u64, labels: Labels) -> Value {
        Rc::new(Self { labels, ..Self::new(id, Kind::Unknown) })
    }

    /// Makes what a path stands for.
    pub(super) fn path(path: Name) -> Value {
        Rc::new(Self { is_name: true, ..Self::new(number(&("path", path)), Kind::Path(path)) })
    }

    /// Returns the same value with other labels.
    pub(super) fn with_labels(self: &Rc<Self>, labels: Labels) -> Value {
        if labels.is_empty() && self.labels.is_empty() {
            return self.clone();
        }
        let plain = self.plain || (labels.is_empty() && !matches!(self.kind, Kind::Text(_)));
        Rc::new(Self { labels, plain, ..self.as_ref().clone() })
    }

    /// Says whether the value itself is known to carry nothing that does harm.
    pub(super) fn is_plain(&self) -> bool {
        self.plain || matches!(self.kind, Kind::Const(_) | Kind::OneOf(_))
    }

    /// Returns the constant that it is.
    pub(super) fn as_const(&self) -> Option<&Const> {
        match &self.kind {
            Kind::Const(constant) => Some(constant),
            _ => None,
        }
    }

    /// Returns the text that it is.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Const(Const::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns every constant that it can be, where it can be nothing else.
    pub(super) fn consts(&self) -> &[Const] {
        match &self.kind {
            Kind::Const(constant) => std::slice::from_ref(constant),
            Kind::OneOf(constants) => constants,
            _ => &[],
        }
    }

    /// Returns the beginning of the text that is known.
    pub(super) fn prefix(&self) -> &str {
        match &self.kind {
            Kind::Const(Const::Text(text)) | Kind::Text(text) => text,
            _ => "",
        }
    }

    /// Returns the truth of the value, where it is known. `lists` says whether empty lists and maps are false, as in Python.
    pub(super) fn truth(&self) -> Option<bool> {
        match &self.kind {
            Kind::OneOf(constants) => {
                let first = truth_of(constants.first()?);
                constants.iter().all(|c| truth_of(c) == first).then_some(first)
            }
            Kind::Const(constant) => Some(truth_of(constant)),
            Kind::Text(prefix) if !prefix.is_empty() => Some(true),
            Kind::Function(_) | Kind::Class(..) | Kind::Module(_) => Some(true),
            _ => None,
        }
    }
}

/// Returns the truth of a constant.
pub(super) fn truth_of(constant: &Const) -> bool {
    match constant {
        Const::Null => false,
        Const::Bool(b) => *b,
        Const::Int(i) => *i != 0,
        Const::Float(f) => *f != 0.0,
        Const::Text(t) => !t.is_empty(),
        Const::Bytes(b) => !b.is_empty(),
        Const::Regex(..) => true,
    }
}

/// Returns what is known where a value is one or the other.
pub(super) fn join(a: &Value, b: &Value) -> Value {
    if Rc::ptr_eq(a, b) {
        return a.clone();
    }
    let same = a.id == b.id;
    let kind = match success_of(a, b) {
        _ if same => a.kind.clone(),
        Some(object) => object.kind.clone(),
        None => join_kinds(&a.kind, &b.kind),
    };
    let id = if same || matches!(kind, Kind::Const(_)) { a.id } else { joined_number(a, b) };
    Rc::new(Data {
        id,
        labels: a.labels.join(&b.labels),
        kind,
        origin: if a.origin == b.origin { a.origin } else { None },
        canonical: a.canonical && b.canonical,
        plain: a.is_plain() && b.is_plain(),
        mixed: a.mixed || b.mixed || is_mixed(a, b) || is_mixed(b, a),
        is_name: a.is_name && b.is_name,
        keyed: a.keyed || b.keyed,
        is_sign: a.is_sign && b.is_sign,
        outcome: super::outcome::join(a, b),
        is_length: a.is_length && b.is_length,
        facts: join_facts(a, b),
        declared: if a.declared == b.declared { a.declared } else { None },
    })
}

/// Says whether a value with labels is joined with one of which nothing is known.
fn is_mixed(a: &Value, b: &Value) -> bool {
    let is_thing = matches!(b.kind, Kind::Path(_)) && !b.is_name;
    let is_unknown = is_thing || matches!(b.kind, Kind::Unknown | Kind::Text(_));
    !a.labels.is_empty() && b.labels.is_empty() && is_unknown && !b.is_plain()
}

fn join_kinds(a: &Kind, b: &Kind) -> Kind {
    match (a, b) {
        (Kind::Const(_) | Kind::OneOf(_), Kind::Const(_) | Kind::OneOf(_)) => join_consts(a, b),
        (Kind::Path(p), Kind::Path(q)) if p == q => a.clone(),
        // What may be null, and is else of a kind, is of that kind where it is used.
        (Kind::Const(Const::Null), other) | (other, Kind::Const(Const::Null)) => other.clone(),
        (Kind::Unknown, Kind::Path(_) | Kind::Function(_)) => b.clone(),
        (Kind::Path(_) | Kind::Function(_), Kind::Unknown) => a.clone(),
        (Kind::Text(_) | Kind::Const(Const::Text(_)), Kind::Text(_) | Kind::Const(Const::Text(_))) => {
            let prefix = |k: &Kind| match k {
                Kind::Text(t) | Kind::Const(Const::Text(t)) => t.clone(),
                _ => "".into(),
            };
            let (a, b) = (prefix(a), prefix(b));
            let end = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y).map(|((at, _), _)| at);
            let end = end.unwrap_or_else(|| a.len().min(b.len()));
            Kind::Text(a.get(..end).unwrap_or_default().into())
        }
        (Kind::Object(x), Kind::Object(y)) if x == y => a.clone(),
        (Kind::Module(x), Kind::Module(y)) if x == y => a.clone(),
        (Kind::Class(m, x), Kind::Class(n, y)) if (m, x) == (n, y) => a.clone(),
        (Kind::Function(x), Kind::Function(y)) if x.module == y.module && x.function == y.function => a.clone(),
        _ => Kind::Unknown,
    }
}

fn join_consts(a: &Kind, b: &Kind) -> Kind {
    let list = |k: &Kind| match k {
        Kind::Const(c) => vec![c.clone()],
        Kind::OneOf(cs) => cs.to_vec(),
        _ => Vec::new(),
    };
    let mut all = list(a);
    for constant in list(b) {
        if !all.contains(&constant) {
            all.push(constant);
        }
    }
    match all.len() {
        1 => Kind::Const(all.remove(0)),
        n if n <= MAX_CONSTS => Kind::OneOf(all.into()),
        _ => Kind::Unknown,
    }
}

/// Where one of two values is false, the truth of the joined one is that of the other.
fn join_facts(a: &Value, b: &Value) -> Option<Rc<Facts>> {
    if a.facts.is_none() && b.facts.is_none() {
        return None;
    }
    let none = Rc::new(Facts::default());
    let (x, y) = (a.facts.as_ref().unwrap_or(&none), b.facts.as_ref().unwrap_or(&none));
    let side = |fit: bool, of: fn(&Facts) -> &Findings| match (a.verdict(), b.verdict()) {
        (Some(t), _) if t != fit => of(y).clone(),
        (_, Some(t)) if t != fit => of(x).clone(),
        _ => both(of(x), of(y)),
    };
    let facts = Facts { when_true: side(true, |f| &f.when_true), when_false: side(false, |f| &f.when_false) };
    (!facts.when_true.is_empty() || !facts.when_false.is_empty()).then(|| Rc::new(facts))
}

/// Returns what two tests agree on.
pub(super) fn both(a: &Findings, b: &Findings) -> Findings {
    let shared = |(id, classes): &(u64, Classes)| {
        let other = b.iter().filter(|(i, _)| i == id).fold(0, |all, (_, c)| all | c);
        (classes & other != 0).then_some((*id, classes & other))
    };
    a.iter().filter_map(shared).collect()
}

/// Returns the number of something that is always the same for the same parts, which are numbers and our own words.
pub(super) fn number(parts: &impl Hash) -> u64 {
    FixedState::default().hash_one(parts)
}

/// The same for texts of the scanned code, which could be made to have the same number under a weaker hash.
fn number_of_text(parts: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

fn number_of_const(constant: &Const) -> u64 {
    match constant {
        Const::Null => number(&0u8),
        Const::Bool(b) => number(&(1u8, b)),
        Const::Int(i) => number(&(2u8, i)),
        Const::Float(f) => number(&(3u8, f.to_bits())),
        Const::Text(t) => number_of_text(&(4u8, t)),
        Const::Bytes(b) => number_of_text(&(5u8, b)),
        Const::Regex(p, f) => number_of_text(&(6u8, p, f)),
    }
}
