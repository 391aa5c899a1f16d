//! The one small intermediate representation that each language is lowered to.
//!
//! A module is a tree of statements over an arena of expressions. What it keeps of a language is what decides where
//! data goes: bindings, calls with receiver and arguments, fields and elements, operators, text building, branches,
//! loops, returns, closures, exceptions. What it drops is everything else. Names are resolved by the engine, not here.

use super::name::Name;
use std::ops::Range;

/// A file, lowered.
#[derive(Debug, Default)]
pub struct Module {
    /// Every expression of the file.
    pub exprs: Vec<Expr>,
    /// Every function, method, lambda and closure of the file.
    pub functions: Vec<Function>,
    /// Every class, structure, enumeration, trait and `impl` block of the file.
    pub classes: Vec<Class>,
    /// What runs when the file is loaded. In Rust the items, in order.
    pub body: Block,
}

/// Number of an expression in [`Module::exprs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// Number of a function in [`Module::functions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionId(pub u32);

/// Number of a class in [`Module::classes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub u32);

/// Statements in order.
pub type Block = Vec<Stmt>;

/// An expression and where it stands.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Bytes of the file, from and to.
    pub span: (u32, u32),
}

impl Expr {
    /// Returns the bytes as a range.
    pub fn range(&self) -> Range<usize> {
        self.span.0 as usize..self.span.1 as usize
    }
}

/// A literal value.
#[derive(Debug, Clone, PartialEq)]
pub enum Const {
    /// `None`, `null`, `undefined`, `()`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text, escapes resolved.
    Text(std::sync::Arc<str>),
    /// Bytes.
    Bytes(std::sync::Arc<[u8]>),
    /// A regular expression literal: pattern and flags.
    Regex(std::sync::Arc<str>, std::sync::Arc<str>),
}

/// What an expression is.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A literal.
    Const(Const),
    /// A variable, function, class, module or built-in by its plain name; `self` and `this` too (Rust's and Python's
    /// `self` as `self`, JavaScript's as `this`), `super` as `super`. Rust's `crate` as `crate`.
    Name(Name),
    /// `object.field`; Rust's `a::b` too, so that a path is a chain of members. `a?.b` is `a.b`. Tuple fields are
    /// [`ExprKind::Index`] with a number.
    Member(ExprId, Name),
    /// `object[key]`.
    Index(ExprId, ExprId),
    /// `object[from:to]`, `&text[a..b]`: the object, and the bounds where they are given.
    Slice(ExprId, Option<ExprId>, Option<ExprId>),
    /// A call. A method call has a [`ExprKind::Member`] as callee. `new F(x)` is the call `F(x)`. A macro other than those that
    /// build text or lists is a call of its name with `!` (`Name("println!")`).
    Call(Call),
    /// An operator with two operands, both always evaluated except for `And`, `Or` and `Nullish`.
    Binary(Op, ExprId, ExprId),
    /// `not x`, `!x`.
    Not(ExprId),
    /// `-x`.
    Negate(ExprId),
    /// `typeof x`.
    TypeOf(ExprId),
    /// `condition ? then : otherwise`.
    Conditional(ExprId, ExprId, ExprId),
    /// Text built from pieces, each converted to text: f-strings, template literals, `format!`. Constant pieces are
    /// constants. Python's `%` and `.format()` stay operators and calls.
    Text(Vec<ExprId>),
    /// A list, tuple, set, array, `vec![]`.
    List(Vec<Item>),
    /// A dictionary, object literal; structure literals are calls with keyword arguments.
    Map(Vec<Entry>),
    /// A lambda, closure, arrow function, function expression.
    Function(FunctionId),
    /// A class expression.
    Class(ClassId),
    /// `await x`, `x?`, `&x`, `*x`, `x as T` of no interest: nothing but `x` itself, kept where a later reader may
    /// want to know. Lowerings may also leave such wrappers out.
    Await(ExprId),
    /// Rust's `&mut x`, which another may change; on the left side of an assignment `*x`, what `x` refers to.
    Lent(ExprId),
    /// `yield x`.
    Yield(Option<ExprId>),
    /// A conversion by type: Rust's `x as u32`. (TypeScript's `as` converts nothing: it is left out.)
    Cast(ExprId, Type),
    /// An assignment whose value is used (`:=`, JavaScript's `=`): pattern and value.
    Assign(Box<Pattern>, ExprId),
    /// `x += y` as an expression.
    AssignOp(Box<Pattern>, Op, ExprId),
    /// A comprehension or generator expression.
    Comprehension(Box<Comprehension>),
    /// Statements, and the value of the last expression: Rust's blocks, `if`, `match` and `loop` as values, `do` expressions.
    /// The value is what [`Stmt::Value`] gives inside; of several the join.
    Block(Block),
    /// JSX: tag, attributes (spread attributes under the name `...`), children.
    Markup(Name, Vec<(Name, ExprId)>, Vec<ExprId>),
    /// Anything else: its value may be any of its parts.
    Other(Vec<ExprId>),
}

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is called.
    pub callee: ExprId,
    /// Its arguments in order.
    pub args: Vec<Arg>,
    /// Type arguments: `parse::<u32>()`, `query_as::<_, User>()`.
    pub types: Vec<Type>,
}

/// An argument.
#[derive(Debug, Clone)]
pub struct Arg {
    /// Its name, where it is given by name; fields of structure literals too.
    pub name: Option<Name>,
    /// Its value.
    pub value: ExprId,
    /// Whether it spreads: `*args` (name empty), `**kwargs` (name `**`), `...args`.
    pub spread: bool,
}

/// An element of a list.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// Its value.
    pub value: ExprId,
    /// Whether it spreads.
    pub spread: bool,
}

/// An entry of a map. A spread entry has no key.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its key, an expression; identifiers as keys are text constants.
    pub key: Option<ExprId>,
    /// Its value.
    pub value: ExprId,
}

/// A comprehension: clauses from the outside in, then the element.
#[derive(Debug, Clone)]
pub struct Comprehension {
    /// `for` and `if` clauses in order.
    pub clauses: Vec<Clause>,
    /// The key, for dictionaries.
    pub key: Option<ExprId>,
    /// The element or value.
    pub element: ExprId,
}

/// A clause of a comprehension.
#[derive(Debug, Clone)]
pub enum Clause {
    /// `for pattern in iterable`.
    For(Pattern, ExprId),
    /// `if condition`.
    If(ExprId),
}

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    /// Remainder; with text on the left, Python's formatting.
    Mod,
    Pow,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    /// `==` and `===`.
    Eq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    /// `is`; JavaScript's `instanceof` is `InstanceOf`.
    Is,
    IsNot,
    In,
    NotIn,
    InstanceOf,
    And,
    Or,
    /// `??`.
    Nullish,
    /// `a..b`.
    Range,
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Bytes of the file, from and to.
    pub span: (u32, u32),
}

/// What a statement is.
#[derive(Debug, Clone)]
pub enum StmtKind {
    /// An expression for its effect.
    Expr(ExprId),
    /// The value of the block expression around it: Rust's tail expression.
    Value(ExprId),
    /// `pattern = value`, `let`, `const`, `var`, `with ... as`, with the type that is written.
    Assign(Pattern, ExprId, Option<Type>),
    /// `place += value`.
    AssignOp(Pattern, Op, ExprId),
    /// A declaration without value.
    Declare(Name, Option<Type>),
    /// A branch. Python's `elif` and the like are nested.
    If(ExprId, Block, Block),
    /// A branch by pattern: Rust's `if let` and `let ... else`; names bound by the pattern are known in the first block
    /// and, where the second block never ends normally (`let else`), after it. `match` is [`StmtKind::Match`].
    IfLet(Pattern, ExprId, Block, Block),
    /// `while condition`; `true` for endless loops. The last block is Python's `else`, or a `for(;;)` update
    /// is at the end of the body.
    While(ExprId, Block, Block),
    /// `for pattern in iterable`; JavaScript's `for in` iterates over the keys of the iterable: `keys` is true.
    For {
        /// What each element is bound to.
        pattern: Pattern,
        /// What is iterated over.
        iterable: ExprId,
        /// Whether over its keys.
        keys: bool,
        /// The body.
        body: Block,
        /// Python's `else`.
        otherwise: Block,
    },
    /// Python's `with value as pattern`, around a block.
    With(Pattern, ExprId, Block),
    /// `match`, `switch`: subject and arms in order.
    Match(ExprId, Vec<Arm>),
    /// `return`.
    Return(Option<ExprId>),
    /// `raise`, `throw`, `panic!`: ends the path.
    Raise(Option<ExprId>),
    /// `break`, in Rust perhaps with a value.
    Break(Option<ExprId>),
    /// `continue`.
    Continue,
    /// `try`.
    Try {
        /// What is tried.
        body: Block,
        /// The handlers: what the exception is bound to, and the block.
        handlers: Vec<(Option<Pattern>, Block)>,
        /// Python's `else`.
        otherwise: Block,
        /// `finally`.
        finally: Block,
    },
    /// A named function; methods stand in the body of their class.
    Function(FunctionId),
    /// A named class; `impl` blocks too.
    Class(ClassId),
    /// An import of one name.
    Import(Import),
    /// `export` of a value under a name (`default` for the default export): `export default x`, `export { a as b }`.
    /// `module.exports = x` and `exports.a = x` stay assignments.
    Export(Name, ExprId),
    /// `del x`, `delete a.b`.
    Delete(Pattern),
    /// `global x`, `nonlocal x`: these names belong to an outer scope.
    Outer(Vec<Name>),
    /// Statements with a scope of their own, where that matters to the language; else lowerings flatten.
    Block(Block),
}

/// An arm of a `match` or `switch`.
#[derive(Debug, Clone)]
pub struct Arm {
    /// What the subject must be; several `case` labels are [`Pattern::Any`].
    pub pattern: Pattern,
    /// The guard.
    pub guard: Option<ExprId>,
    /// What is done.
    pub body: Block,
    /// Whether the end of the body runs on into the next arm (`switch` without `break`). A `break` that ends an arm is left out.
    pub falls_through: bool,
}

/// What a value is bound to or taken apart by.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// A variable.
    Name(Name),
    /// A place: `object.field`, `object[key]` ([`ExprKind::Member`] or [`ExprKind::Index`]).
    Place(ExprId),
    /// `a, b, *rest`: patterns in order, and which of them takes the rest.
    List(Vec<Self>, Option<usize>),
    /// `{ a, b: c = 1, ...rest }`, structure patterns: key, pattern, default; and what takes the rest.
    Map(Vec<(Name, Self, Option<ExprId>)>, Option<Name>),
    /// `Some(x)`, `Path(id)`, `web::Path(x)`, `case Point(x=0)`: the constructor as a dotted path, positional patterns.
    Variant(Name, Vec<Self>),
    /// A value that has to be equal: a literal or a constant path.
    Value(ExprId),
    /// One of several.
    Any(Vec<Self>),
    /// A name for the whole and a pattern inside: `x @ p`, `case p as x`.
    Bind(Name, Box<Self>),
    /// A pattern with a default for what is missing: `[a = 1]`.
    Default(Box<Self>, ExprId),
    /// `_`, `default`, and whatever binds nothing.
    Ignore,
}

/// A type as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Type {
    /// The dotted path, unresolved: `str`, `web.Path`, `express.Request`, `Optional`. References, `mut`, `dyn`, `impl` and lifetimes
    /// are left out; tuples are `()`, arrays and slices `[]`, unions `|`, literal types `literal`, functions `fn`.
    pub name: Name,
    /// Its arguments.
    pub args: Vec<Self>,
}

/// A function.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name; `None` for lambdas and closures. Arrow functions bound to a name have that name.
    pub name: Option<Name>,
    /// Its parameters, `self` included where it is written as one (Python, Rust).
    pub params: Vec<Param>,
    /// Its type parameters in order, which calls may give types for (Rust).
    pub generics: Vec<Name>,
    /// Its body. An expression body is a [`StmtKind::Return`], as is Rust's tail expression of a function.
    pub body: Block,
    /// Decorators and attributes: Python's and TypeScript's as expressions, Rust's (`#[get("/x")]`) as calls of their path.
    pub decorators: Vec<ExprId>,
    /// Type of the result, where it is written.
    pub returns: Option<Type>,
    /// Whether other files can call it: `export`, `pub`; every named function at the top level of a Python file or class.
    pub exported: bool,
    /// Whether it is `async`.
    pub is_async: bool,
    /// The class that it is a method of.
    pub class: Option<ClassId>,
    /// What kind of method it is.
    pub method: Method,
    /// Bytes of the file, from and to.
    pub span: (u32, u32),
}

/// What kind of method a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// A plain function, or a method that takes its object.
    #[default]
    Plain,
    /// Without an object: `static`, `@staticmethod`, Rust functions of an `impl` without `self`.
    Static,
    /// Python's `@classmethod`.
    OfClass,
    /// Read like a field: `@property`, `get x()`.
    Getter,
    /// The constructor: `__init__`, `constructor`.
    Constructor,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Param {
    /// What it binds.
    pub pattern: Pattern,
    /// Its default.
    pub default: Option<ExprId>,
    /// Its type, where it is written.
    pub of_type: Option<Type>,
    /// How arguments come to it.
    pub kind: ParamKind,
    /// Whether it is lent what it is given, to change it: Rust's `&mut`.
    pub lent: bool,
    /// Decorators: Nest's `@Body()`, `@Param('id')`.
    pub decorators: Vec<ExprId>,
}

/// How arguments come to a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParamKind {
    /// By position or name.
    #[default]
    Plain,
    /// The remaining arguments by position: `*args`, `...args`.
    Rest,
    /// The remaining arguments by name: `**kwargs`.
    Keywords,
    /// By name only.
    Named,
}

/// A class, structure, enumeration, trait or `impl` block.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its name; for an `impl` block the name of the type.
    pub name: Option<Name>,
    /// Its bases; for an `impl Trait for` the trait.
    pub bases: Vec<ExprId>,
    /// Fields with the types that are written, those of constructor parameter properties included.
    pub fields: Vec<(Name, Option<Type>)>,
    /// Methods as [`StmtKind::Function`], assignments of class variables and field initialisers as [`StmtKind::Assign`]
    /// to plain names.
    pub body: Block,
    /// Decorators and attributes (`#[derive(...)]` is left out).
    pub decorators: Vec<ExprId>,
    /// Whether other files can use it.
    pub exported: bool,
    /// Whether it is an enumeration without fields that hold data.
    pub is_enum: bool,
}

/// An import of one name.
#[derive(Debug, Clone)]
pub struct Import {
    /// What it is called here; `*` where everything is imported.
    pub local: Name,
    /// The module as written, dotted in Python and Rust (`.helpers`, `crate.db`), a path in JavaScript (`./db`).
    /// JavaScript's `node:` is left out.
    pub module: Name,
    /// The name inside the module: `None` for the module itself (`import os`, `import * as fs`), `default` for
    /// JavaScript's default import, `*` for everything.
    pub item: Option<Name>,
}

impl Module {
    /// Returns an expression.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// Returns a function.
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    /// Returns a class.
    pub fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.0 as usize]
    }
}
