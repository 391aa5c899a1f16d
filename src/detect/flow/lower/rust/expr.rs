//! Expressions.

use super::{Goal, Lowerer, children, elements, first};
use crate::detect::flow::ir::{
    Arg, Block, Call, Const, ExprId, ExprKind, Function, Item, Method, Op, Param, ParamKind, Pattern, Stmt, StmtKind,
};
use crate::detect::flow::lower::{span, stmt};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowerer<'_> {
    /// Lowers an expression. Anything else becomes its parts.
    pub(super) fn expr(&mut self, node: Node<'_>) -> ExprId {
        self.depth += 1;
        let id = self.expr_inside(node);
        self.depth -= 1;
        id
    }

    fn expr_inside(&mut self, node: Node<'_>) -> ExprId {
        let kind = node.kind();
        match kind {
            "identifier"
            | "self"
            | "super"
            | "crate"
            | "metavariable"
            | "type_identifier"
            | "primitive_type"
            | "field_identifier"
            | "shorthand_field_identifier" => {
                let name = self.name(node);
                self.add(node, ExprKind::Name(name))
            }
            "scoped_identifier" | "scoped_type_identifier" | "generic_type" => self.path(node),
            "range_expression" => self.range(node),
            "array_expression" => self.array(node),
            "tuple_expression" => self.list(node),
            "unit_expression" => self.add(node, ExprKind::Const(Const::Null)),
            "struct_expression" => self.structure(node),
            "closure_expression" => self.closure(node),
            "async_block" | "gen_block" => self.later(node),
            "if_expression" => self.choice(node),
            "block" | "unsafe_block" | "const_block" | "try_block" => self.block_value(node),
            "match_expression"
            | "while_expression"
            | "loop_expression"
            | "for_expression"
            | "return_expression"
            | "break_expression"
            | "continue_expression" => self.control(node),
            "assignment_expression" if is_open_range(node) => self.range(node),
            "assignment_expression" | "compound_assignment_expr" => self.assignment(node),
            "yield_expression" => {
                let value = first(node).map(|value| self.expr(value));
                self.add(node, ExprKind::Yield(value))
            }
            "macro_invocation" => self.macro_value(node),
            _ if kind.ends_with("_literal") => self.literal(node),
            _ if left(node).is_some() => self.spine(node),
            _ => self.other(node),
        }
    }

    /// Adds an expression whose value may be any of the node's parts.
    pub(super) fn other(&mut self, node: Node<'_>) -> ExprId {
        let mut parts = Vec::new();
        for child in children(node) {
            if !matches!(child.kind(), "lifetime" | "label" | "mutable_specifier" | "attribute_item") {
                parts.push(self.expr(child));
            }
        }
        self.add(node, ExprKind::Other(parts))
    }

    /// Lowers what is nested to the left, a chain of calls for example, from the inside out.
    fn spine(&mut self, node: Node<'_>) -> ExprId {
        let mut open = Vec::new();
        let mut at = node;
        while let Some(inner) = left(at) {
            open.push(at);
            at = inner;
        }
        let mut id = self.expr(at);
        while let Some(outer) = open.pop() {
            id = self.extend(outer, id);
        }
        id
    }

    /// Adds the expression `node`, whose leftmost part is `inner`.
    fn extend(&mut self, node: Node<'_>, inner: ExprId) -> ExprId {
        match node.kind() {
            "call_expression" => self.call(node, inner),
            "field_expression" => self.field(node, inner),
            "binary_expression" => self.binary(node, inner),
            "index_expression" => self.index(node, inner),
            "try_expression" | "await_expression" => self.add(node, ExprKind::Await(inner)),
            "type_cast_expression" => match self.type_field(node, "type") {
                Some(of) => self.add(node, ExprKind::Cast(inner, of)),
                None => inner,
            },
            "unary_expression" => match node.child(0).map(|operator| operator.kind()) {
                Some("-") => self.add(node, ExprKind::Negate(inner)),
                Some("!") => self.add(node, ExprKind::Not(inner)),
                _ => inner,
            },
            "reference_expression" if has_mut(node) => self.add(node, ExprKind::Lent(inner)),
            _ => inner,
        }
    }

    fn call(&mut self, node: Node<'_>, callee: ExprId) -> ExprId {
        let types = node.child_by_field_name("function").map(|callee| self.call_types(callee)).unwrap_or_default();
        let mut args = Vec::new();
        for child in node.child_by_field_name("arguments").map(children).unwrap_or_default() {
            if child.kind() != "attribute_item" {
                args.push(Arg { name: None, value: self.expr(child), spread: false });
            }
        }
        let callee = self.entry_made(node, callee, &mut args).unwrap_or(callee);
        self.add(node, ExprKind::Call(Call { callee, args, types }))
    }

    /// Makes one call of the two of `map.entry(key).or_insert(value)`: `map.entry_or_insert(key, value)`.
    fn entry_made(&mut self, node: Node<'_>, callee: ExprId, args: &mut Vec<Arg>) -> Option<ExprId> {
        let module = &self.builder.module;
        let ExprKind::Member(entry, name) = module.expr(callee).kind else { return None };
        let ExprKind::Call(inner) = &module.expr(entry).kind else { return None };
        let ExprKind::Member(map, method) = module.expr(inner.callee).kind else { return None };
        if name.as_str() != "or_insert" || method.as_str() != "entry" || inner.args.len() != 1 {
            return None;
        }
        args.splice(0..0, inner.args.clone());
        Some(self.add(node, ExprKind::Member(map, Name::new("entry_or_insert"))))
    }

    /// Returns the types of `f::<T>` and of `F::<T>::new`.
    fn call_types(&self, callee: Node<'_>) -> Vec<crate::detect::flow::ir::Type> {
        let owner = match callee.kind() {
            "generic_function" => Some(callee),
            "scoped_identifier" => callee.child_by_field_name("path").filter(|path| path.kind() == "generic_type"),
            _ => None,
        };
        let arguments = owner.and_then(|owner| owner.child_by_field_name("type_arguments"));
        arguments.map(|arguments| self.type_arguments(arguments)).unwrap_or_default()
    }

    fn field(&mut self, node: Node<'_>, object: ExprId) -> ExprId {
        match node.child_by_field_name("field") {
            Some(field) if field.kind().ends_with("_literal") => {
                let key = self.literal(field);
                self.add(node, ExprKind::Index(object, key))
            }
            Some(field) => {
                let name = self.name(field);
                self.add(node, ExprKind::Member(object, name))
            }
            None => object,
        }
    }

    fn binary(&mut self, node: Node<'_>, a: ExprId) -> ExprId {
        let operator = node.child_by_field_name("operator").map(|operator| operator.kind());
        let b = node.child_by_field_name("right").map(|right| self.expr(right));
        match (operator.and_then(operator_of), b) {
            (Some(operator), Some(b)) => self.add(node, ExprKind::Binary(operator, a, b)),
            (_, b) => self.add(node, ExprKind::Other(std::iter::once(a).chain(b).collect())),
        }
    }

    fn index(&mut self, node: Node<'_>, object: ExprId) -> ExprId {
        let Some(key) = children(node).into_iter().nth(1) else { return object };
        if key.kind() == "range_expression" || is_open_range(key) {
            let (from, to) = self.bounds(key);
            return self.add(node, ExprKind::Slice(object, from, to));
        }
        let key = self.expr(key);
        self.add(node, ExprKind::Index(object, key))
    }

    /// Lowers a path to a chain of members.
    fn path(&mut self, node: Node<'_>) -> ExprId {
        let path = self.dotted(node);
        self.builder.path(node, &path)
    }

    fn bounds(&mut self, node: Node<'_>) -> (Option<ExprId>, Option<ExprId>) {
        if node.kind() == "assignment_expression" {
            return (None, node.child_by_field_name("right").map(|right| self.expr(right)));
        }
        let (mut from, mut to, mut passed) = (None, None, false);
        let mut cursor = node.walk();
        let parts: Vec<_> = node.children(&mut cursor).filter(|child| !child.is_extra()).collect();
        for part in parts {
            if !part.is_named() {
                passed = true;
            } else if passed {
                to = Some(self.expr(part));
            } else {
                from = Some(self.expr(part));
            }
        }
        (from, to)
    }

    fn range(&mut self, node: Node<'_>) -> ExprId {
        let (from, to) = self.bounds(node);
        let null = ExprKind::Const(Const::Null);
        let from = from.unwrap_or_else(|| self.add(node, null.clone()));
        let to = to.unwrap_or_else(|| self.add(node, null));
        self.add(node, ExprKind::Binary(Op::Range, from, to))
    }

    /// Lowers `[a, b]` to a list, `[a; n]` to the call that `vec![a; n]` is.
    fn array(&mut self, node: Node<'_>) -> ExprId {
        let Some(length) = node.child_by_field_name("length") else { return self.list(node) };
        let parts = children(node).into_iter().filter(|child| child.kind() != "attribute_item" && *child != length);
        let mut args: Vec<_> = parts.map(|child| self.expr(child)).collect();
        args.push(self.expr(length));
        let callee = self.add_name(node, "vec!");
        self.builder.call(node, callee, args)
    }

    fn list(&mut self, node: Node<'_>) -> ExprId {
        let mut items = Vec::new();
        for child in children(node) {
            if child.kind() != "attribute_item" {
                items.push(Item { value: self.expr(child), spread: false });
            }
        }
        self.add(node, ExprKind::List(items))
    }

    fn structure(&mut self, node: Node<'_>) -> ExprId {
        let named = node.child_by_field_name("name");
        let callee = match named {
            Some(name) => self.path(name),
            None => self.add_name(node, "_"),
        };
        let arguments = named.and_then(|name| name.child_by_field_name("type_arguments"));
        let types = arguments.map(|arguments| self.type_arguments(arguments)).unwrap_or_default();
        let mut args = Vec::new();
        for field in node.child_by_field_name("body").map(children).unwrap_or_default() {
            let inner = children(field).into_iter().rfind(|child| child.kind() != "attribute_item");
            let (name, value) = match field.kind() {
                "shorthand_field_initializer" => (inner.map(|name| self.name(name)), inner),
                "field_initializer" => {
                    let name = field.child_by_field_name("field");
                    (name.map(|name| self.name(name)), field.child_by_field_name("value"))
                }
                "base_field_initializer" => (Some(Name::new("**")), inner),
                _ => (None, Some(field)),
            };
            if let Some(value) = value {
                let spread = field.kind() == "base_field_initializer";
                args.push(Arg { name, value: self.expr(value), spread });
            }
        }
        self.add(node, ExprKind::Call(Call { callee, args, types }))
    }

    fn closure(&mut self, node: Node<'_>) -> ExprId {
        let mut params = Vec::new();
        for child in node.child_by_field_name("parameters").map(elements).unwrap_or_default() {
            params.push(self.closure_param(child));
        }
        let body = match node.child_by_field_name("body") {
            Some(block) if block.kind() == "block" => self.round(block, Goal::Effect, Goal::Return),
            Some(value) => {
                let mut body = Block::new();
                let outer = std::mem::replace(&mut self.breaks, Goal::Effect);
                self.run(value, value, Goal::Return, &mut body);
                self.breaks = outer;
                body
            }
            None => Block::new(),
        };
        let mut cursor = node.walk();
        let is_async = node.children(&mut cursor).any(|child| child.kind() == "async");
        let returns = self.type_field(node, "return_type");
        self.lambda(node, params, body, returns, is_async)
    }

    fn closure_param(&mut self, node: Node<'_>) -> Param {
        let inner = node.child_by_field_name("pattern").filter(|_| node.kind() == "parameter");
        Param {
            pattern: self.pattern(inner.unwrap_or(node)),
            default: None,
            of_type: self.type_field(node, "type").filter(|_| inner.is_some()),
            kind: ParamKind::Plain,
            lent: is_lent(node),
            decorators: Vec::new(),
        }
    }

    fn lambda(
        &mut self,
        node: Node<'_>,
        params: Vec<Param>,
        body: Block,
        returns: Option<crate::detect::flow::ir::Type>,
        is_async: bool,
    ) -> ExprId {
        let function = self.builder.function(Function {
            name: None,
            params,
            generics: Vec::new(),
            body,
            decorators: Vec::new(),
            returns,
            exported: false,
            is_async,
            class: None,
            method: Method::Plain,
            span: span(node),
        });
        self.add(node, ExprKind::Function(function))
    }

    /// Lowers `async { }` to the call of a function without parameters: its `return` and its endless loops are its own.
    fn later(&mut self, node: Node<'_>) -> ExprId {
        let body = children(node).into_iter().find(|child| child.kind() == "block");
        let body = body.map(|body| self.round(body, Goal::Effect, Goal::Return)).unwrap_or_default();
        let function = self.lambda(node, Vec::new(), body, None, true);
        self.builder.call(node, function, Vec::new())
    }

    /// Lowers a block to its value; where it has no statements, to the value alone.
    fn block_value(&mut self, node: Node<'_>) -> ExprId {
        let mut body = Block::new();
        self.run(node, node, Goal::Value, &mut body);
        if let [Stmt { kind: StmtKind::Block(inner), .. }] = body.as_mut_slice() {
            let inner = std::mem::take(inner);
            if let [Stmt { kind: StmtKind::Value(id), .. }] = inner.as_slice() {
                return *id;
            }
            body = inner;
        }
        self.add(node, ExprKind::Block(body))
    }

    /// Lowers `if a { b } else { c }` as a value.
    fn choice(&mut self, node: Node<'_>) -> ExprId {
        let mut body = Block::new();
        self.run(node, node, Goal::Value, &mut body);
        if let [Stmt { kind: StmtKind::If(condition, then, otherwise), .. }] = body.as_slice()
            && let [Stmt { kind: StmtKind::Value(a), .. }] = then.as_slice()
            && let [Stmt { kind: StmtKind::Value(b), .. }] = otherwise.as_slice()
        {
            let kind = ExprKind::Conditional(*condition, *a, *b);
            return self.add(node, kind);
        }
        self.add(node, ExprKind::Block(body))
    }

    fn control(&mut self, node: Node<'_>) -> ExprId {
        let mut body = Block::new();
        self.run(node, node, Goal::Value, &mut body);
        self.add(node, ExprKind::Block(body))
    }

    fn assignment(&mut self, node: Node<'_>) -> ExprId {
        let right = node.child_by_field_name("right").map(|right| self.expr(right));
        let right = right.unwrap_or_else(|| self.add(node, ExprKind::Other(Vec::new())));
        let place = node.child_by_field_name("left").map_or(Pattern::Ignore, |left| self.place(left));
        let kind = match compound(node) {
            Some(operator) => ExprKind::AssignOp(Box::new(place), operator, right),
            None => ExprKind::Assign(Box::new(place), right),
        };
        self.add(node, kind)
    }

    /// Lowers an assignment as a statement.
    pub(super) fn assignment_stmt(&mut self, node: Node<'_>, whole: Node<'_>, out: &mut Block) {
        let right = node.child_by_field_name("right").map(|right| self.expr(right));
        let right = right.unwrap_or_else(|| self.add(node, ExprKind::Other(Vec::new())));
        let place = node.child_by_field_name("left").map_or(Pattern::Ignore, |left| self.place(left));
        out.push(match compound(node) {
            Some(operator) => stmt(whole, StmtKind::AssignOp(place, operator, right)),
            None => stmt(whole, StmtKind::Assign(place, right, None)),
        });
    }
}

/// Says whether a parameter is lent what it is given: `&mut T`.
pub(super) fn is_lent(node: Node<'_>) -> bool {
    node.child_by_field_name("type").is_some_and(|of| of.kind() == "reference_type" && has_mut(of))
}

fn has_mut(node: Node<'_>) -> bool {
    children(node).iter().any(|child| child.kind() == "mutable_specifier")
}

/// Returns the leftmost part of an expression that begins with one and is more than it.
fn left(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "call_expression" | "generic_function" => node.child_by_field_name("function"),
        "field_expression" | "type_cast_expression" | "reference_expression" => node.child_by_field_name("value"),
        "binary_expression" => node.child_by_field_name("left"),
        "try_expression"
        | "await_expression"
        | "index_expression"
        | "parenthesized_expression"
        | "unary_expression"
        | "expression_statement" => first(node),
        _ => None,
    }
}

fn operator_of(text: &str) -> Option<Op> {
    Some(match text {
        "+" => Op::Add,
        "-" => Op::Sub,
        "*" => Op::Mul,
        "/" => Op::Div,
        "%" => Op::Mod,
        "&" => Op::BitAnd,
        "|" => Op::BitOr,
        "^" => Op::BitXor,
        "<<" => Op::ShiftLeft,
        ">>" => Op::ShiftRight,
        "==" => Op::Eq,
        "!=" => Op::NotEq,
        "<" => Op::Less,
        "<=" => Op::LessEq,
        ">" => Op::Greater,
        ">=" => Op::GreaterEq,
        "&&" => Op::And,
        "||" => Op::Or,
        _ => return None,
    })
}

/// Says whether an assignment is what the grammar takes `..=b` for.
fn is_open_range(node: Node<'_>) -> bool {
    node.child_by_field_name("left")
        .is_some_and(|left| left.kind() == "range_expression" && left.byte_range().len() == 2)
}

/// Returns the operator of `+=` and its like.
fn compound(node: Node<'_>) -> Option<Op> {
    operator_of(node.child_by_field_name("operator")?.kind().strip_suffix('=')?)
}
