//! Expressions.

use super::operator::operator;
use super::{Lowering, fields, has_token, parts};
use crate::detect::flow::ir::{
    Arg, Block, Call, Clause, Comprehension, Const, Entry, ExprId, ExprKind, Item, Pattern, StmtKind,
};
use crate::detect::flow::lower::stmt;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers an expression.
    pub(super) fn expr(&mut self, node: Node<'_>) -> ExprId {
        if node.is_missing() {
            return self.add(node, ExprKind::Other(Vec::new()));
        }
        let id = match node.kind() {
            "identifier" => self.variable(node),
            "attribute" | "call" | "subscript" => return self.chain(node),
            "binary_operator" | "boolean_operator" => return self.operators(node),
            "string" => self.string(node),
            "concatenated_string" => self.strings(node),
            "integer" | "float" => self.number(node),
            "true" => self.add(node, ExprKind::Const(Const::Bool(true))),
            "false" => self.add(node, ExprKind::Const(Const::Bool(false))),
            "none" => self.add(node, ExprKind::Const(Const::Null)),
            "ellipsis" => self.add(node, ExprKind::Name(Name::new("Ellipsis"))),
            "parenthesized_expression" => return self.parenthesized(node),
            "comparison_operator" => return self.comparison(node),
            "not_operator" => self.wrapped(node, ExprKind::Not),
            "unary_operator" => self.unary(node),
            "conditional_expression" => self.conditional(node),
            "tuple" | "list" | "set" | "expression_list" | "pattern_list" | "tuple_pattern" | "list_pattern" => {
                return self.list(node);
            }
            "dictionary" => return self.dictionary(node),
            "list_comprehension" | "set_comprehension" | "dictionary_comprehension" | "generator_expression" => {
                self.comprehension(node)
            }
            "lambda" => self.lambda(node),
            "await" => self.wrapped(node, ExprKind::Await),
            "yield" => self.yielded(node),
            "named_expression" | "as_pattern" | "assignment" | "augmented_assignment" => self.assigned(node),
            "type" | "as_pattern_target" | "list_splat" | "list_splat_pattern" | "dictionary_splat" => {
                return self.inside(node);
            }
            "generic_type" => self.generic(node),
            kind if is_statement(kind) => return self.statements(node),
            _ => return self.other(node),
        };
        self.with_errors(node, id)
    }

    /// Lowers what has no form of its own: all its parts.
    pub(super) fn other(&mut self, node: Node<'_>) -> ExprId {
        let mut inner = Vec::new();
        for part in parts(node) {
            inner.push(self.expr(part));
        }
        self.add(node, ExprKind::Other(inner))
    }

    /// Adds to an expression what the parser could not read directly below its node.
    pub(super) fn with_errors(&mut self, node: Node<'_>, id: ExprId) -> ExprId {
        if !node.has_error() {
            return id;
        }
        let errors: Vec<ExprId> =
            parts(node).into_iter().filter(Node::is_error).map(|error| self.expr(error)).collect();
        if errors.is_empty() {
            return id;
        }
        let all = std::iter::once(id).chain(errors).collect();
        self.add(node, ExprKind::Other(all))
    }

    fn variable(&mut self, node: Node<'_>) -> ExprId {
        let name = self.name(node);
        self.add(node, ExprKind::Name(name))
    }

    /// Lowers a wrapper that adds nothing to what is in it.
    fn inside(&mut self, node: Node<'_>) -> ExprId {
        match parts(node)[..] {
            [inner] => self.expr(inner),
            _ => self.other(node),
        }
    }

    fn parenthesized(&mut self, node: Node<'_>) -> ExprId {
        match splatted(node) {
            Some(_) => self.list(node),
            None => self.inside(node),
        }
    }

    /// Lowers statements that stand where an expression should, in broken code.
    fn statements(&mut self, node: Node<'_>) -> ExprId {
        let mut block = Block::new();
        self.statement(node, &mut block);
        self.add(node, ExprKind::Block(block))
    }

    /// Lowers the first part of a node and wraps it.
    fn wrapped(&mut self, node: Node<'_>, wrap: fn(ExprId) -> ExprKind) -> ExprId {
        match parts(node).into_iter().find(|part| !part.is_error()) {
            Some(inner) => {
                let inner = self.expr(inner);
                self.add(node, wrap(inner))
            }
            None => self.other(node),
        }
    }

    fn unary(&mut self, node: Node<'_>) -> ExprId {
        match node.child_by_field_name("operator").map_or("", |op| op.kind()) {
            "-" => self.wrapped(node, ExprKind::Negate),
            "+" => self.inside(node),
            _ => self.other(node),
        }
    }

    fn conditional(&mut self, node: Node<'_>) -> ExprId {
        let parts: Vec<_> = parts(node).into_iter().filter(|part| !part.is_error()).collect();
        let [then, condition, otherwise] = parts[..] else { return self.other(node) };
        let condition = self.expr(condition);
        let then = self.expr(then);
        let otherwise = self.expr(otherwise);
        self.add(node, ExprKind::Conditional(condition, then, otherwise))
    }

    /// Lowers members, calls and subscripts that follow one another, from the innermost out.
    fn chain(&mut self, node: Node<'_>) -> ExprId {
        let (base, links) = links(node);
        let base = match base.kind() {
            "attribute" | "call" | "subscript" => self.other(base),
            _ => self.expr(base),
        };
        self.follow(base, links)
    }

    /// Lowers what is done to an expression: the innermost comes last in `links`.
    pub(super) fn follow(&mut self, mut expr: ExprId, links: Vec<Node<'_>>) -> ExprId {
        for link in links.into_iter().rev() {
            expr = match link.kind() {
                "attribute" => self.member(link, expr),
                "call" => self.called(link, expr),
                _ => self.subscript(link, expr),
            };
            expr = self.with_errors(link, expr);
        }
        expr
    }

    fn member(&mut self, node: Node<'_>, object: ExprId) -> ExprId {
        let name = node.child_by_field_name("attribute").map_or_else(|| Name::new(""), |name| self.name(name));
        self.add(node, ExprKind::Member(object, name))
    }

    fn called(&mut self, node: Node<'_>, callee: ExprId) -> ExprId {
        let args = match node.child_by_field_name("arguments") {
            Some(list) if list.kind() == "argument_list" => self.arguments(list),
            Some(one) => vec![plain_arg(self.expr(one))],
            None => Vec::new(),
        };
        self.add(node, ExprKind::Call(Call { callee, args, types: Vec::new() }))
    }

    fn arguments(&mut self, list: Node<'_>) -> Vec<Arg> {
        let mut args = Vec::new();
        for part in parts(list) {
            args.push(self.argument(part));
        }
        args
    }

    fn argument(&mut self, node: Node<'_>) -> Arg {
        match node.kind() {
            "keyword_argument" => {
                let name = node.child_by_field_name("name").map(|name| self.name(name));
                let value = match node.child_by_field_name("value") {
                    Some(value) => self.expr(value),
                    None => self.other(node),
                };
                Arg { name, value: self.with_errors(node, value), spread: false }
            }
            "dictionary_splat" | "dictionary_splat_pattern" => {
                Arg { name: Some(Name::new("**")), value: self.inside(node), spread: true }
            }
            _ => {
                let item = self.item(node);
                Arg { name: None, value: item.value, spread: item.spread }
            }
        }
    }

    /// Lowers `object[key]`, of several keys the tuple, and slices.
    fn subscript(&mut self, node: Node<'_>, object: ExprId) -> ExprId {
        let keys = fields(node, "subscript");
        match keys[..] {
            [key] if key.kind() == "slice" => self.slice(node, object, key),
            [key] if !has_token(node, ",") => {
                let item = self.item(key);
                self.add(node, ExprKind::Index(object, item.value))
            }
            _ => {
                let key = self.keys(node, &keys);
                self.add(node, ExprKind::Index(object, key))
            }
        }
    }

    fn keys(&mut self, node: Node<'_>, keys: &[Node<'_>]) -> ExprId {
        let items = keys.iter().map(|key| match key.kind() {
            "slice" => Item { value: self.slice_object(*key), spread: false },
            _ => self.item(*key),
        });
        let items = items.collect();
        self.add(node, ExprKind::List(items))
    }

    /// Lowers a type with arguments that stands as a value: `list[int]`.
    fn generic(&mut self, node: Node<'_>) -> ExprId {
        let [head, list] = parts(node)[..] else { return self.other(node) };
        let head = self.expr(head);
        let key = match parts(list)[..] {
            [one] => self.expr(one),
            _ => self.list(list),
        };
        self.add(node, ExprKind::Index(head, key))
    }

    /// Lowers `object[from:to]`. With a step it may be anything of the object.
    fn slice(&mut self, node: Node<'_>, object: ExprId, key: Node<'_>) -> ExprId {
        let [from, to, step] = self.bounds(key);
        if step.is_none() {
            return self.add(node, ExprKind::Slice(object, from, to));
        }
        let inner = std::iter::once(object).chain([from, to, step].into_iter().flatten());
        let inner = inner.filter(|id| *id == object || !self.is_constant(*id)).collect();
        self.add(node, ExprKind::Other(inner))
    }

    /// Lowers a slice as the object that it is to whoever it is given to: `slice(from, to, step)`.
    pub(super) fn slice_object(&mut self, key: Node<'_>) -> ExprId {
        let bounds = self.bounds(key);
        let args = bounds.map(|bound| bound.unwrap_or_else(|| self.add(key, ExprKind::Const(Const::Null))));
        let callee = self.add(key, ExprKind::Name(Name::new("slice")));
        self.builder.call(key, callee, args.to_vec())
    }

    fn bounds(&mut self, slice: Node<'_>) -> [Option<ExprId>; 3] {
        let mut bounds = [None; 3];
        let mut at = 0;
        let mut cursor = slice.walk();
        for child in slice.children(&mut cursor).filter(|child| !child.is_extra() || child.is_error()) {
            if child.kind() == ":" {
                at = (at + 1).min(2);
            } else if let Some(bound) = bounds.get_mut(at) {
                let value = self.expr(child);
                *bound = Some(match *bound {
                    Some(before) => self.add(child, ExprKind::Other(vec![before, value])),
                    None => value,
                });
            }
        }
        bounds
    }

    fn is_constant(&self, id: ExprId) -> bool {
        match self.added(id).kind {
            ExprKind::Const(_) => true,
            ExprKind::Negate(inner) => matches!(self.added(inner).kind, ExprKind::Const(_)),
            _ => false,
        }
    }

    fn list(&mut self, node: Node<'_>) -> ExprId {
        let mut items = Vec::new();
        for part in parts(node) {
            items.push(self.item(part));
        }
        self.add(node, ExprKind::List(items))
    }

    /// Lowers an element. The grammar reads `*a.b()` as `(*a).b()`.
    pub(super) fn item(&mut self, node: Node<'_>) -> Item {
        match splatted(node) {
            Some(inner) => Item { value: self.expr(inner), spread: true },
            None => Item { value: self.expr(node), spread: self.starts_with_star(node) },
        }
    }

    fn dictionary(&mut self, node: Node<'_>) -> ExprId {
        let mut entries = Vec::new();
        for part in parts(node) {
            entries.push(self.entry(part));
        }
        self.add(node, ExprKind::Map(entries))
    }

    fn entry(&mut self, node: Node<'_>) -> Entry {
        let key = node.child_by_field_name("key");
        let value = node.child_by_field_name("value");
        if let ("pair", Some(key), Some(value)) = (node.kind(), key, value) {
            let key = Some(self.expr(key));
            let value = self.expr(value);
            return Entry { key, value: self.with_errors(node, value) };
        }
        Entry { key: None, value: self.expr(node) }
    }

    fn comprehension(&mut self, node: Node<'_>) -> ExprId {
        let mut clauses = Vec::new();
        for part in parts(node) {
            match part.kind() {
                "for_in_clause" => clauses.push(self.for_clause(part)),
                "if_clause" => clauses.push(Clause::If(self.inside(part))),
                _ => {}
            }
        }
        let Some(body) = node.child_by_field_name("body") else { return self.other(node) };
        let Entry { key, value: element } = self.entry(body);
        self.add(node, ExprKind::Comprehension(Box::new(Comprehension { clauses, key, element })))
    }

    fn for_clause(&mut self, node: Node<'_>) -> Clause {
        let iterable = match fields(node, "right")[..] {
            [one] => self.expr(one),
            ref several => self.keys(node, several),
        };
        let pattern = node.child_by_field_name("left").map_or(Pattern::Ignore, |left| self.target(left));
        Clause::For(pattern, self.with_errors(node, iterable))
    }

    /// Lowers `yield`. `yield from x` yields what is in `x`; its value is that of `x`.
    fn yielded(&mut self, node: Node<'_>) -> ExprId {
        let Some(inner) = parts(node).into_iter().find(|part| !part.is_error()) else {
            return self.add(node, ExprKind::Yield(None));
        };
        let value = self.expr(inner);
        if !has_token(node, "from") {
            return self.add(node, ExprKind::Yield(Some(value)));
        }
        let name = Name::new("<yielded from>");
        let iterable = self.add(inner, ExprKind::Name(name));
        let each = self.each_yielded(node, iterable);
        let result = self.add(inner, ExprKind::Name(name));
        let result = self.add(inner, ExprKind::Await(result));
        let first = stmt(inner, StmtKind::Assign(Pattern::Name(name), value, None));
        let block = vec![first, stmt(node, each), stmt(node, StmtKind::Value(result))];
        self.add(node, ExprKind::Block(block))
    }

    /// Makes the loop that `yield from` is.
    pub(super) fn each_yielded(&mut self, node: Node<'_>, iterable: ExprId) -> StmtKind {
        let name = Name::new("<yielded>");
        let element = self.add(node, ExprKind::Name(name));
        let element = self.add(node, ExprKind::Yield(Some(element)));
        let body = vec![stmt(node, StmtKind::Expr(element))];
        StmtKind::For { pattern: Pattern::Name(name), iterable, keys: false, body, otherwise: Block::new() }
    }

    /// Lowers an assignment whose value is used.
    fn assigned(&mut self, node: Node<'_>) -> ExprId {
        let (target, value) = match node.kind() {
            "named_expression" => (node.child_by_field_name("name"), node.child_by_field_name("value")),
            "as_pattern" => (node.child_by_field_name("alias"), node.named_child(0)),
            _ => (node.child_by_field_name("left"), node.child_by_field_name("right")),
        };
        let (Some(target), Some(value)) = (target, value) else { return self.other(node) };
        let value = self.expr(value);
        let pattern = Box::new(self.target(target));
        let op = node.child_by_field_name("operator").and_then(|op| operator(op.kind().trim_end_matches('=')));
        match op {
            Some(op) => self.add(node, ExprKind::AssignOp(pattern, op, value)),
            None => self.add(node, ExprKind::Assign(pattern, value)),
        }
    }
}

/// Makes an argument by position.
pub(super) fn plain_arg(value: ExprId) -> Arg {
    Arg { name: None, value, spread: false }
}

/// Returns the innermost object of members, calls and subscripts, and these from the outside in.
pub(super) fn links(node: Node<'_>) -> (Node<'_>, Vec<Node<'_>>) {
    let mut links = Vec::new();
    let mut at = node;
    loop {
        let field = match at.kind() {
            "attribute" => "object",
            "call" => "function",
            "subscript" => "value",
            _ => return (at, links),
        };
        match at.child_by_field_name(field) {
            Some(inner) => links.push(std::mem::replace(&mut at, inner)),
            None => return (at, links),
        }
    }
}

/// Returns what a star stands before, brackets around it or not.
fn splatted(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "list_splat" | "list_splat_pattern" | "dictionary_splat" => node.named_child(0),
        "parenthesized_expression" => node.named_child(0).filter(|inner| !inner.is_extra()).and_then(splatted),
        _ => None,
    }
}

/// Says whether a node is lowered as a statement.
fn is_statement(kind: &str) -> bool {
    kind.ends_with("_statement")
        || matches!(kind, "block" | "function_definition" | "class_definition" | "decorated_definition")
}
