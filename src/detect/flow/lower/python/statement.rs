//! Statements without blocks.

use super::expr::{links, plain_arg};
use super::operator::operator;
use super::{Lowering, fields, has_token, name, parts};
use crate::detect::flow::ir::{Arg, Block, Call, ExprId, ExprKind, Import, Pattern, Stmt, StmtKind, Type};
use crate::detect::flow::lower::{span, stmt};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers a statement; some are several here, some none.
    pub(super) fn statement(&mut self, node: Node<'_>, out: &mut Block) {
        match node.kind() {
            "expression_statement" => self.expression_statement(node, out),
            "return_statement" => {
                let value = self.optional(node);
                out.push(stmt(node, StmtKind::Return(value)));
            }
            "if_statement" => self.branch(node, out),
            "function_definition" | "class_definition" | "decorated_definition" => self.definition(node, out),
            "import_statement" => self.import(node, out),
            "import_from_statement" => self.import_from(node, out),
            "future_import_statement" => self.import_names(node, Name::new("__future__"), out),
            "for_statement" => self.for_loop(node, out),
            "while_statement" => self.while_loop(node, out),
            "try_statement" => self.try_block(node, out),
            "with_statement" => self.with_block(node, out),
            "match_statement" => self.match_block(node, out),
            "raise_statement" => self.raise(node, out),
            "assert_statement" => self.assertion(node, out),
            "delete_statement" => self.delete(node, out),
            "pass_statement" => {}
            "break_statement" => out.push(stmt(node, StmtKind::Break(None))),
            "continue_statement" => out.push(stmt(node, StmtKind::Continue)),
            "global_statement" | "nonlocal_statement" => {
                let names = parts(node).into_iter().filter(|part| part.kind() == "identifier");
                let names = names.map(|part| self.name(part)).collect();
                out.push(stmt(node, StmtKind::Outer(names)));
            }
            "print_statement" | "exec_statement" => self.word_call(node, out),
            "type_alias_statement" => self.alias(node, out),
            "block" | "module" | "ERROR" => {
                for part in parts(node) {
                    self.statement(part, out);
                }
                return;
            }
            kind if kind.ends_with("_statement") => {
                let expr = self.other(node);
                out.push(stmt(node, StmtKind::Expr(expr)));
                return;
            }
            _ => {
                let expr = self.expr(node);
                out.push(stmt(node, StmtKind::Expr(expr)));
                return;
            }
        }
        self.errors_below(node, out);
    }

    /// Lowers what the parser could not read directly below a statement.
    fn errors_below(&mut self, node: Node<'_>, out: &mut Block) {
        if node.has_error() {
            for error in parts(node).into_iter().filter(Node::is_error) {
                self.statement(error, out);
            }
        }
    }

    fn optional(&mut self, node: Node<'_>) -> Option<ExprId> {
        parts(node).into_iter().find(|part| !part.is_error()).map(|value| self.expr(value))
    }

    fn expression_statement(&mut self, node: Node<'_>, out: &mut Block) {
        let inner = parts(node);
        match inner[..] {
            [one] if one.kind() == "assignment" => self.assignment(one, node, out),
            [one] if one.kind() == "augmented_assignment" => self.augmented(one, node, out),
            [one] if one.kind() == "yield" && has_token(one, "from") => self.yield_from(one, node, out),
            ref all => {
                for one in all.iter().filter(|one| !one.is_error()) {
                    let expr = self.expr(*one);
                    out.push(stmt(node, StmtKind::Expr(expr)));
                }
            }
        }
    }

    fn yield_from(&mut self, node: Node<'_>, whole: Node<'_>, out: &mut Block) {
        let Some(iterable) = self.optional(node) else { return };
        let each = self.each_yielded(node, iterable);
        out.push(stmt(whole, each));
    }

    fn assignment(&mut self, node: Node<'_>, whole: Node<'_>, out: &mut Block) {
        let Some(left) = node.child_by_field_name("left") else {
            let expr = self.other(node);
            return out.push(stmt(whole, StmtKind::Expr(expr)));
        };
        let annotation = node.child_by_field_name("type");
        let of_type = annotation.map(|annotation| self.of_type(annotation));
        // The value is computed before the places that it goes to.
        let value = node.child_by_field_name("right").map(|right| self.expr(right));
        for note in annotation.map(|annotation| self.notes(annotation)).unwrap_or_default() {
            out.push(stmt(whole, StmtKind::Expr(note)));
        }
        self.record_field(left, of_type.as_ref());
        let kind = match value {
            Some(value) => StmtKind::Assign(self.target(left), value, of_type),
            None if left.kind() == "identifier" => StmtKind::Declare(self.name(left), of_type),
            None => StmtKind::Expr(self.expr(left)),
        };
        out.push(stmt(whole, kind));
        self.errors_below(node, out);
    }

    /// Notes a field of the class around: a name in its body, or `self.name: type` in a method.
    fn record_field(&mut self, left: Node<'_>, of_type: Option<&Type>) {
        let (class, name) = match (left.kind(), left.child_by_field_name("object")) {
            ("identifier", _) => (self.scope.class, left),
            ("attribute", Some(object)) if of_type.is_some() && self.builder.text(object) == "self" => {
                (self.scope.owner, left.child_by_field_name("attribute").unwrap_or(left))
            }
            _ => return,
        };
        let name = self.name(name);
        if let Some(class) = class.and_then(|class| self.builder.module.classes.get_mut(class.0 as usize)) {
            class.fields.push((name, of_type.cloned()));
        }
    }

    fn augmented(&mut self, node: Node<'_>, whole: Node<'_>, out: &mut Block) {
        let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
        let (Some(left), Some(right)) = (left, right) else {
            let expr = self.other(node);
            return out.push(stmt(whole, StmtKind::Expr(expr)));
        };
        let sign = node.child_by_field_name("operator").map_or("", |op| op.kind());
        let kind = match operator(sign.trim_end_matches('=')) {
            Some(op) => {
                let pattern = self.target(left);
                StmtKind::AssignOp(pattern, op, self.expr(right))
            }
            None => {
                let both = vec![self.expr(left), self.expr(right)];
                let value = self.add(node, ExprKind::Other(both));
                StmtKind::Assign(self.target(left), value, None)
            }
        };
        out.push(stmt(whole, kind));
        self.errors_below(node, out);
    }

    /// Lowers `import a.b`, which binds `a`, and `import a.b as c`, which binds the whole.
    fn import(&mut self, node: Node<'_>, out: &mut Block) {
        for import in fields(node, "name") {
            let (module, alias) = self.aliased(import);
            let first = Name::new(module.as_str().split('.').next().unwrap_or_default());
            let import = match alias {
                Some(local) => Import { local, module, item: None },
                None => Import { local: first, module: first, item: None },
            };
            out.push(stmt(node, StmtKind::Import(import)));
        }
    }

    fn import_from(&mut self, node: Node<'_>, out: &mut Block) {
        let module = node.child_by_field_name("module_name").map_or_else(|| Name::new(""), |name| self.dotted(name));
        if parts(node).iter().any(|part| part.kind() == "wildcard_import") {
            let all = Name::new("*");
            out.push(stmt(node, StmtKind::Import(Import { local: all, module, item: Some(all) })));
        }
        self.import_names(node, module, out);
    }

    fn import_names(&mut self, node: Node<'_>, module: Name, out: &mut Block) {
        for import in fields(node, "name") {
            let (item, alias) = self.aliased(import);
            let local = alias.unwrap_or(item);
            out.push(stmt(node, StmtKind::Import(Import { local, module, item: Some(item) })));
        }
    }

    /// Returns what is imported, and the name that is given to it.
    fn aliased(&self, node: Node<'_>) -> (Name, Option<Name>) {
        match (node.child_by_field_name("name"), node.child_by_field_name("alias")) {
            (Some(name), Some(alias)) => (self.dotted(name), Some(self.name(alias))),
            _ => (self.dotted(node), None),
        }
    }

    fn raise(&mut self, node: Node<'_>, out: &mut Block) {
        let cause = node.child_by_field_name("cause");
        let value = parts(node).into_iter().find(|part| !part.is_error() && Some(*part) != cause);
        let value = value.map(|value| self.expr(value));
        // The cause is kept for what it calls; nobody reads it from the exception.
        if let Some(cause) = cause {
            let cause = self.expr(cause);
            out.push(stmt(node, StmtKind::Expr(cause)));
        }
        out.push(stmt(node, StmtKind::Raise(value)));
    }

    /// Lowers `assert x, message` as `if not x: raise AssertionError(message)`.
    fn assertion(&mut self, node: Node<'_>, out: &mut Block) {
        let mut inner = parts(node).into_iter().filter(|part| !part.is_error());
        let Some(condition) = inner.next() else { return };
        let condition = self.expr(condition);
        let condition = self.add(node, ExprKind::Not(condition));
        let args = inner.map(|message| self.expr(message)).collect();
        let callee = self.add(node, ExprKind::Name(Name::new("AssertionError")));
        let error = self.builder.call(node, callee, args);
        let raise = stmt(node, StmtKind::Raise(Some(error)));
        out.push(stmt(node, StmtKind::If(condition, vec![raise], Block::new())));
    }

    fn delete(&mut self, node: Node<'_>, out: &mut Block) {
        for part in parts(node).into_iter().filter(|part| !part.is_error()) {
            let several = matches!(part.kind(), "expression_list" | "tuple" | "list" | "parenthesized_expression");
            for target in if several { parts(part) } else { vec![part] } {
                let pattern = self.target(target);
                out.push(stmt(node, StmtKind::Delete(pattern)));
            }
        }
    }

    /// Lowers the statements that `print` and `exec` once were.
    fn word_call(&mut self, node: Node<'_>, out: &mut Block) {
        let word = if node.kind() == "print_statement" { "print" } else { "exec" };
        let mut args = Vec::new();
        for part in parts(node) {
            let to = part.kind() == "chevron";
            let value = if to { part.named_child(0).unwrap_or(part) } else { part };
            let value = if value.kind() == "chevron" { self.other(value) } else { self.expr(value) };
            args.push(Arg { name: to.then(|| name("file")), value, spread: false });
        }
        let from = span(node).0;
        let callee = (from, from + u32::try_from(word.len()).unwrap_or_default());
        let callee = self.builder.expr_at(callee, ExprKind::Name(Name::new(word)));
        let call = self.add(node, ExprKind::Call(Call { callee, args, types: Vec::new() }));
        out.push(stmt(node, StmtKind::Expr(call)));
    }

    /// Lowers `type A = B`.
    fn alias(&mut self, node: Node<'_>, out: &mut Block) {
        let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
        let (Some(left), Some(right)) = (left, right) else {
            let expr = self.other(node);
            return out.push(stmt(node, StmtKind::Expr(expr)));
        };
        let value = self.expr(right);
        let pattern = match self.place_of_type(node, left) {
            Some(place) => Pattern::Place(place),
            None => Pattern::Name(self.of_type(left).name),
        };
        out.push(Stmt { kind: StmtKind::Assign(pattern, value, None), span: span(node) });
    }

    /// Lowers the target of `type(a).b = c`, which the grammar reads as an alias.
    fn place_of_type(&mut self, node: Node<'_>, left: Node<'_>) -> Option<ExprId> {
        let (base, links) = links(left.named_child(0)?);
        if !matches!(base.kind(), "parenthesized_expression" | "tuple") || links.is_empty() {
            return None;
        }
        let args = parts(base).into_iter().map(|part| self.expr(part)).collect::<Vec<_>>();
        let from = span(node).0;
        let callee = self.builder.expr_at((from, from + 4), ExprKind::Name(name("type")));
        let args = args.into_iter().map(plain_arg).collect();
        let kind = ExprKind::Call(Call { callee, args, types: Vec::new() });
        let base = self.builder.expr_at((from, span(base).1), kind);
        Some(self.follow(base, links))
    }
}
