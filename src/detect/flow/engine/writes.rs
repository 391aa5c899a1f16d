//! What the functions of a module write that outlives them: outer variables, parts of what these hold, and fields.
//!
//! One look over the module, by names alone: whether a function runs at all, and when, does not matter here.

use crate::detect::flow::ir::{Block, Const, ExprId, ExprKind, FunctionId, Method, Module, Op, Pattern, StmtKind};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Key;
use std::collections::{BTreeMap, HashMap};

/// How many constants are told apart.
const MAX_CONSTS: usize = 4;
/// How many parts of one variable are told apart, and how deep.
const MAX_PARTS: usize = 64;
const MAX_DEPTH: usize = 4;

/// Methods that change what they are called on.
const CHANGING: [&str; 34] = [
    "append",
    "appendleft",
    "push",
    "push_back",
    "push_front",
    "push_str",
    "add",
    "extend",
    "extendleft",
    "extend_from_slice",
    "insert",
    "insert_str",
    "unshift",
    "update",
    "setdefault",
    "set",
    "put",
    "splice",
    "fill",
    "lock",
    "write",
    "borrow_mut",
    "store",
    "replace",
    "get_mut",
    "swap",
    "with",
    "with_borrow_mut",
    "entry",
    "setItem",
    "assign",
    "merge",
    "__setitem__",
    "__setattr__",
];
/// Functions that change what they are given first.
const FILLING: [&str; 8] =
    ["assign", "merge", "defaults", "extend", "setattr", "defineProperty", "defaultsDeep", "mergeWith"];

/// What is written somewhere.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Write {
    /// One of these.
    Consts(Vec<Const>),
    /// A number.
    Number,
    /// Anything.
    Any,
}

/// What the functions of a module write.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// Variables of outer scopes.
    pub(super) names: BTreeMap<Name, Write>,
    /// Parts of what variables hold: by variable the keys that lead to them, `None` for any key.
    pub(super) parts: BTreeMap<Name, Vec<Vec<Option<Key>>>>,
    /// Fields of objects.
    pub(super) fields: HashMap<Name, Write>,
    /// Fields of which a part is written.
    pub(super) changed_fields: HashMap<Name, ()>,
    /// Fields that constructors set: of an object whose making was not seen, they may hold that.
    pub(super) made_fields: HashMap<Name, Write>,
}

impl Writes {
    /// Looks over a module.
    pub(super) fn of(m: &Module) -> Self {
        let mut writes = Self::default();
        for function in &m.functions {
            writes.outer_names(&function.body);
        }
        for (number, function) in (0..).zip(&m.functions) {
            writes.block(m, &function.body, FunctionId(number));
        }
        for (id, function) in inner_exprs(m) {
            writes.expr(m, id, function);
        }
        writes
    }

    /// Says whether nothing is written.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
            && self.parts.is_empty()
            && self.fields.is_empty()
            && self.changed_fields.is_empty()
            && self.made_fields.is_empty()
    }

    fn outer_names(&mut self, block: &Block) {
        for stmt in block {
            if let StmtKind::Outer(names) = &stmt.kind {
                self.names.extend(names.iter().map(|name| (*name, Write::Consts(Vec::new()))));
            }
            inner_blocks(&stmt.kind, &mut |inner| self.outer_names(inner));
        }
    }

    fn block(&mut self, m: &Module, block: &Block, function: FunctionId) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Assign(pattern, value, _) => self.assigned(m, pattern, write_of(m, *value), function),
                StmtKind::AssignOp(pattern, op, value) => self.assigned(m, pattern, counted(m, *op, *value), function),
                StmtKind::IfLet(pattern, ..) | StmtKind::With(pattern, ..) | StmtKind::For { pattern, .. } => {
                    self.assigned(m, pattern, Write::Any, function);
                }
                StmtKind::Delete(Pattern::Place(place)) => self.place(m, *place, &Write::Any, function),
                _ => {}
            }
            inner_blocks(&stmt.kind, &mut |inner| self.block(m, inner, function));
        }
    }

    fn expr(&mut self, m: &Module, id: ExprId, function: FunctionId) {
        match &m.expr(id).kind {
            ExprKind::Assign(pattern, value) => self.assigned(m, pattern, write_of(m, *value), function),
            ExprKind::AssignOp(pattern, op, value) => self.assigned(m, pattern, counted(m, *op, *value), function),
            ExprKind::Block(block) => self.block(m, block, function),
            ExprKind::Call(call) => {
                let callee = match &m.expr(call.callee).kind {
                    ExprKind::Member(object, name) => Some((Some(*object), *name)),
                    ExprKind::Name(name) => Some((None, *name)),
                    _ => None,
                };
                let Some((object, name)) = callee else { return };
                if let Some(object) = object.filter(|_| CHANGING.contains(&name.as_str())) {
                    self.part(m, object, vec![None], &Write::Any, function);
                }
                if let Some(first) = call.args.first().filter(|_| FILLING.contains(&name.as_str())) {
                    self.part(m, first.value, vec![None], &Write::Any, function);
                }
            }
            _ => {}
        }
    }

    fn assigned(&mut self, m: &Module, pattern: &Pattern, write: Write, function: FunctionId) {
        match pattern {
            Pattern::Name(name) => {
                if let Some(known) = self.names.get_mut(name) {
                    known.add(write);
                }
            }
            Pattern::Place(place) => self.place(m, *place, &write, function),
            Pattern::List(inner, _) | Pattern::Variant(_, inner) | Pattern::Any(inner) => {
                inner.iter().for_each(|p| self.assigned(m, p, Write::Any, function));
            }
            Pattern::Map(entries, rest) => {
                entries.iter().for_each(|(_, p, _)| self.assigned(m, p, Write::Any, function));
                if let Some(known) = rest.as_ref().and_then(|name| self.names.get_mut(name)) {
                    known.add(Write::Any);
                }
            }
            Pattern::Bind(name, inner) => {
                self.assigned(m, &Pattern::Name(*name), Write::Any, function);
                self.assigned(m, inner, Write::Any, function);
            }
            Pattern::Default(inner, _) => self.assigned(m, inner, Write::Any, function),
            Pattern::Value(_) | Pattern::Ignore => {}
        }
    }

    /// Notes that a place is written.
    fn place(&mut self, m: &Module, place: ExprId, write: &Write, function: FunctionId) {
        let (object, key) = match &m.expr(place).kind {
            ExprKind::Member(object, name) => (*object, Some(Key::Name(*name))),
            ExprKind::Index(object, key) => (*object, constant_key(m, *key)),
            ExprKind::Slice(object, ..) => (*object, None),
            ExprKind::Lent(inner) => return self.place(m, *inner, write, function),
            ExprKind::Name(name) => {
                if let Some(known) = self.names.get_mut(name) {
                    known.add(write.clone());
                }
                return;
            }
            _ => return,
        };
        self.part(m, object, vec![key], write, function);
    }

    /// Notes that a part of what an expression gives is written; `path` are the keys that lead to it, the last first.
    fn part(&mut self, m: &Module, of: ExprId, mut path: Vec<Option<Key>>, write: &Write, function: FunctionId) {
        let mut at = of;
        let root = loop {
            match &m.expr(at).kind {
                ExprKind::Member(object, name) => {
                    path.push(Some(Key::Name(*name)));
                    at = *object;
                }
                ExprKind::Index(object, key) => {
                    path.push(constant_key(m, *key));
                    at = *object;
                }
                // What a call on a thing gives may be a part of it: `CMD.lock().unwrap()`.
                ExprKind::Call(call) => match &m.expr(call.callee).kind {
                    ExprKind::Member(object, _) => {
                        path.push(None);
                        at = *object;
                    }
                    _ => return,
                },
                ExprKind::Await(inner) | ExprKind::Lent(inner) => at = *inner,
                ExprKind::Name(name) => break *name,
                _ => return,
            }
        };
        path.reverse();
        if let (Some(Some(Key::Name(field))), [_]) = (path.last(), path.as_slice()) {
            let is_own = matches!(root.as_str(), "self" | "this");
            let is_made = is_own && m.function(function).method == Method::Constructor;
            let fields = if is_made { &mut self.made_fields } else { &mut self.fields };
            fields.entry(*field).or_insert_with(|| Write::Consts(Vec::new())).add(write.clone());
            if is_own {
                return;
            }
        } else if let Some(Some(Key::Name(field))) = path.first().filter(|_| matches!(root.as_str(), "self" | "this")) {
            self.changed_fields.insert(*field, ());
            return;
        }
        path.truncate(MAX_DEPTH);
        let known = self.parts.entry(root).or_default();
        if known.len() >= MAX_PARTS {
            *known = vec![vec![None]];
        } else if !known.contains(&path) {
            known.push(path);
        }
    }
}

impl Write {
    /// Takes in what is written elsewhere.
    fn add(&mut self, other: Self) {
        let is_number = |c: &Const| matches!(c, Const::Int(_) | Const::Float(_));
        *self = match (std::mem::replace(self, Self::Any), other) {
            (Self::Consts(mut all), Self::Consts(more)) => {
                for constant in more {
                    if !all.contains(&constant) {
                        all.push(constant);
                    }
                }
                if all.len() <= MAX_CONSTS { Self::Consts(all) } else { Self::Any }
            }
            (Self::Number, Self::Number) => Self::Number,
            (Self::Consts(all), Self::Number) | (Self::Number, Self::Consts(all)) if all.iter().all(is_number) => {
                Self::Number
            }
            _ => Self::Any,
        };
    }
}

fn write_of(m: &Module, value: ExprId) -> Write {
    match &m.expr(value).kind {
        ExprKind::Const(constant) => Write::Consts(vec![constant.clone()]),
        _ => Write::Any,
    }
}

/// Returns what an operator with a constant makes of a number.
fn counted(m: &Module, op: Op, value: ExprId) -> Write {
    let is_number = matches!(&m.expr(value).kind, ExprKind::Const(Const::Int(_) | Const::Float(_)));
    let counts = matches!(op, Op::Add | Op::Sub | Op::Mul | Op::Div | Op::FloorDiv | Op::BitAnd | Op::BitOr);
    if is_number && counts { Write::Number } else { Write::Any }
}

fn constant_key(m: &Module, key: ExprId) -> Option<Key> {
    match &m.expr(key).kind {
        ExprKind::Const(constant) => super::member::key_of(constant),
        _ => None,
    }
}

/// Calls a function with each block right inside a statement.
fn inner_blocks(kind: &StmtKind, visit: &mut dyn FnMut(&Block)) {
    match kind {
        StmtKind::If(_, a, b) | StmtKind::IfLet(_, _, a, b) | StmtKind::While(_, a, b) => {
            visit(a);
            visit(b);
        }
        StmtKind::For { body, otherwise, .. } => {
            visit(body);
            visit(otherwise);
        }
        StmtKind::With(_, _, body) | StmtKind::Block(body) => visit(body),
        StmtKind::Match(_, arms) => arms.iter().for_each(|arm| visit(&arm.body)),
        StmtKind::Try { body, handlers, otherwise, finally } => {
            visit(body);
            handlers.iter().for_each(|(_, block)| visit(block));
            visit(otherwise);
            visit(finally);
        }
        _ => {}
    }
}

/// Returns the expressions that may write and stand in a function, each with the innermost one.
fn inner_exprs(m: &Module) -> Vec<(ExprId, FunctionId)> {
    let writes = |kind: &ExprKind| {
        matches!(kind, ExprKind::Assign(..) | ExprKind::AssignOp(..) | ExprKind::Block(_) | ExprKind::Call(_))
    };
    let mut exprs: Vec<(u32, ExprId)> =
        (0..).zip(&m.exprs).filter(|(_, e)| writes(&e.kind)).map(|(n, e)| (e.span.0, ExprId(n))).collect();
    exprs.sort_unstable();
    let mut functions: Vec<((u32, u32), FunctionId)> =
        (0..).zip(&m.functions).map(|(number, f)| (f.span, FunctionId(number))).collect();
    functions.sort_unstable_by_key(|(span, _)| (span.0, std::cmp::Reverse(span.1)));
    let mut functions = functions.into_iter().peekable();
    let mut around: Vec<(u32, FunctionId)> = Vec::new();
    let mut found = Vec::new();
    for (at, id) in exprs {
        while let Some((span, function)) = functions.next_if(|(span, _)| span.0 <= at) {
            around.retain(|(end, _)| *end > span.0);
            around.push((span.1, function));
        }
        around.retain(|(end, _)| *end > at);
        found.extend(around.last().map(|(_, function)| (id, *function)));
    }
    found
}
