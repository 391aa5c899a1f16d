//! Statements.

use super::scope::{Binding, Target, TargetKind};
use super::{Lowering, first_kid, kids};
use crate::detect::flow::ir::{Block, Const, ExprId, ExprKind, Pattern, Stmt, StmtKind};
use crate::detect::flow::lower::{span, stmt};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers a statement and appends what it becomes. Each arm is one call: this recurses with the tree.
    pub(super) fn stmt(&mut self, node: Node<'_>, out: &mut Block) {
        match node.kind() {
            "expression_statement" => self.expression(node, out),
            "lexical_declaration" | "using_declaration" => self.declaration(node, Binding::Lexical, out),
            "variable_declaration" => self.declaration(node, Binding::Function, out),
            "function_declaration" | "generator_function_declaration" => drop(self.function_stmt(node, out)),
            "class_declaration" | "abstract_class_declaration" => drop(self.class_stmt(node, Vec::new(), out)),
            "enum_declaration" => drop(self.enumeration(node, out)),
            "internal_module" | "module" => self.namespace(node, out),
            "ambient_declaration" => self.ambient(node, out),
            "import_alias" => self.alias(node, out),
            "import_statement" => self.import(node, out),
            "export_statement" => self.export(node, out),
            "statement_block" => self.block(node, out),
            "if_statement" => self.branch(node, out),
            "else_clause" | "finally_clause" => self.inner(node, out),
            "switch_statement" => self.switch(node, None, out),
            "for_statement" => self.counted(node, None, out),
            "for_in_statement" => self.each(node, None, out),
            "while_statement" => self.repeat(node, None, out),
            "do_statement" => self.repeat_after(node, None, out),
            "labeled_statement" => self.labelled(node, out),
            "try_statement" => self.attempt(node, out),
            "with_statement" => self.with(node, out),
            "break_statement" => self.leave(node, out),
            "continue_statement" => self.next(node, out),
            "return_statement" => self.leaving(node, StmtKind::Return, out),
            "throw_statement" => self.leaving(node, StmtKind::Raise, out),
            // Nothing happens in these when the file runs.
            "empty_statement"
            | "debugger_statement"
            | "hash_bang_line"
            | "comment"
            | "html_comment"
            | "function_signature"
            | "type_alias_declaration"
            | "interface_declaration"
            | "index_signature"
            | "method_signature"
            | "abstract_method_signature" => {}
            // These stand here in what the parser could not read.
            "ERROR" | "class_body" | "switch_case" | "switch_default" => self.unread(node, out),
            "method_definition" => self.stray_method(node, out),
            _ => self.expr_stmt(node, node, out),
        }
    }

    /// Lowers what the parser could not read: whatever stands inside, in order.
    fn unread(&mut self, node: Node<'_>, out: &mut Block) {
        for child in kids(node) {
            if !super::expr::is_type(child.kind()) {
                self.stmt(child, out);
            }
        }
    }

    /// Lowers a method whose class the parser could not read.
    fn stray_method(&mut self, node: Node<'_>, out: &mut Block) {
        let id = self.method(node, Vec::new(), None);
        out.push(stmt(node, StmtKind::Function(id)));
    }

    fn expression(&mut self, node: Node<'_>, out: &mut Block) {
        let parts = kids(node);
        match parts.as_slice() {
            [only] => self.expr_stmt(*only, node, out),
            _ => self.unread(node, out),
        }
    }

    /// Lowers an expression that stands for its effect; `whole` is the statement.
    pub(super) fn expr_stmt(&mut self, node: Node<'_>, whole: Node<'_>, out: &mut Block) {
        let kind = match node.kind() {
            "sequence_expression" => {
                for part in kids(node) {
                    self.expr_stmt(part, part, out);
                }
                return;
            }
            "internal_module" => return self.namespace(node, out),
            "parenthesized_expression" if node.named_child_count() == 1 => {
                return first_kid(node).map_or((), |inner| self.expr_stmt(inner, whole, out));
            }
            "assignment_expression" => self.assign(node),
            "augmented_assignment_expression" | "update_expression" => self.assign_op(node),
            "unary_expression" => self.delete_stmt(node),
            _ => None,
        };
        let kind = kind.unwrap_or_else(|| StmtKind::Expr(self.expr(node)));
        out.push(stmt(whole, kind));
    }

    fn assign(&mut self, node: Node<'_>) -> Option<StmtKind> {
        let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
        let name = self.identifier(left);
        let pattern = self.pattern(left, Binding::Assign);
        Some(StmtKind::Assign(pattern, self.named(right, name), None))
    }

    fn assign_op(&mut self, node: Node<'_>) -> Option<StmtKind> {
        if node.kind() == "update_expression" {
            let (place, op) = self.step(node)?;
            let one = self.add(node, ExprKind::Const(Const::Int(1)));
            return Some(StmtKind::AssignOp(place, op, one));
        }
        let op = super::operator::assignment_operator(node.child_by_field_name("operator")?.kind())?;
        let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
        let pattern = self.pattern(left, Binding::Assign);
        Some(StmtKind::AssignOp(pattern, op, self.expr(right)))
    }

    fn delete_stmt(&mut self, node: Node<'_>) -> Option<StmtKind> {
        let op = node.child_by_field_name("operator").map(|op| op.kind());
        let place = node.child_by_field_name("argument").filter(|_| op == Some("delete"))?;
        Some(StmtKind::Delete(self.pattern(place, Binding::Assign)))
    }

    /// Lowers `let`, `const` and `var`.
    pub(super) fn declaration(&mut self, node: Node<'_>, how: Binding, out: &mut Block) {
        let declarators = kids(node);
        for declarator in &declarators {
            if declarator.kind() != "variable_declarator" {
                self.stmt(*declarator, out);
                continue;
            }
            let whole = if declarators.len() == 1 { node } else { *declarator };
            let Some(target) = declarator.child_by_field_name("name") else { continue };
            let name = self.identifier(target);
            let of_type = self.type_field(*declarator, "type");
            let is_made = how == Binding::Lexical || name.is_some_and(|name| self.makes_variable(name));
            let pattern = self.pattern(target, how);
            let kind = match (declarator.child_by_field_name("value"), pattern) {
                (Some(value), pattern) => StmtKind::Assign(pattern, self.named(value, name), of_type),
                (None, Pattern::Name(name)) if is_made => StmtKind::Declare(name, of_type),
                (None, _) => continue,
            };
            out.push(stmt(whole, kind));
        }
    }

    fn block(&mut self, node: Node<'_>, out: &mut Block) {
        self.open_block();
        for child in kids(node) {
            self.stmt(child, out);
        }
        self.close_block();
    }

    /// Lowers the statement inside an `else` or `finally`.
    fn inner(&mut self, node: Node<'_>, out: &mut Block) {
        for child in kids(node) {
            self.stmt(child, out);
        }
    }

    /// Lowers the statement in a field of a node to a block of its own.
    fn field_block(&mut self, node: Node<'_>, field: &str) -> Block {
        let mut block = Vec::new();
        if let Some(child) = node.child_by_field_name(field) {
            self.stmt(child, &mut block);
        }
        block
    }

    fn branch(&mut self, node: Node<'_>, out: &mut Block) {
        let condition = self.field(node, "condition");
        let then = self.field_block(node, "consequence");
        let other = self.field_block(node, "alternative");
        out.push(stmt(node, StmtKind::If(condition, then, other)));
    }

    fn with(&mut self, node: Node<'_>, out: &mut Block) {
        let object = self.field(node, "object");
        out.push(stmt(node, StmtKind::Expr(object)));
        out.extend(self.field_block(node, "body"));
    }

    fn leaving(&mut self, node: Node<'_>, kind: fn(Option<ExprId>) -> StmtKind, out: &mut Block) {
        let value = first_kid(node).map(|value| self.expr(value));
        out.push(stmt(node, kind(value)));
    }

    fn attempt(&mut self, node: Node<'_>, out: &mut Block) {
        let body = self.field_block(node, "body");
        let mut handlers = Vec::new();
        if let Some(handler) = node.child_by_field_name("handler") {
            self.open_block();
            let bound = handler.child_by_field_name("parameter").map(|p| self.pattern(p, Binding::Lexical));
            handlers.push((bound, self.field_block(handler, "body")));
            self.close_block();
        }
        let finally = self.field_block(node, "finalizer");
        out.push(stmt(node, StmtKind::Try { body, handlers, otherwise: Vec::new(), finally }));
    }

    fn truth(&mut self, node: Node<'_>) -> ExprId {
        self.add(node, ExprKind::Const(Const::Bool(true)))
    }

    /// Lowers the body of a loop.
    fn loop_body(&mut self, node: Node<'_>, label: Option<Name>) -> Block {
        self.targets.push(Target { label, kind: TargetKind::Loop, breaks: Vec::new() });
        let body = self.field_block(node, "body");
        self.targets.pop();
        body
    }

    fn repeat(&mut self, node: Node<'_>, label: Option<Name>, out: &mut Block) {
        let condition = self.field(node, "condition");
        let body = self.loop_body(node, label);
        out.push(stmt(node, StmtKind::While(condition, body, Vec::new())));
    }

    /// Lowers `do ... while`: an endless loop that is left where the condition fails.
    fn repeat_after(&mut self, node: Node<'_>, label: Option<Name>, out: &mut Block) {
        let forever = self.truth(node);
        let mut body = self.loop_body(node, label);
        let condition = self.field(node, "condition");
        let end = node.child_by_field_name("condition").unwrap_or(node);
        body.push(stmt(end, StmtKind::If(condition, Vec::new(), vec![stmt(end, StmtKind::Break(None))])));
        out.push(stmt(node, StmtKind::While(forever, body, Vec::new())));
    }

    fn counted(&mut self, node: Node<'_>, label: Option<Name>, out: &mut Block) {
        self.open_block();
        if let Some(first) = node.child_by_field_name("initializer") {
            self.stmt(first, out);
        }
        let condition = match node.child_by_field_name("condition") {
            Some(condition) if condition.kind() != "empty_statement" => self.expr_or_statement(condition),
            _ => self.truth(node),
        };
        let mut body = self.loop_body(node, label);
        if let Some(update) = node.child_by_field_name("increment") {
            self.expr_stmt(update, update, &mut body);
        }
        self.close_block();
        out.push(stmt(node, StmtKind::While(condition, body, Vec::new())));
    }

    /// Lowers the condition of a `for`, which TypeScript's grammar wraps in a statement.
    fn expr_or_statement(&mut self, node: Node<'_>) -> ExprId {
        match first_kid(node).filter(|_| node.kind() == "expression_statement") {
            Some(inner) => self.expr(inner),
            None => self.expr(node),
        }
    }

    fn each(&mut self, node: Node<'_>, label: Option<Name>, out: &mut Block) {
        let iterable = self.field(node, "right");
        let keys = node.child_by_field_name("operator").is_some_and(|op| op.kind() == "in");
        let how = match node.child_by_field_name("kind").map(|kind| kind.kind()) {
            Some("var") => Binding::Function,
            Some(_) => Binding::Lexical,
            None => Binding::Assign,
        };
        self.open_block();
        let pattern = node.child_by_field_name("left").map_or(Pattern::Ignore, |left| self.pattern(left, how));
        let body = self.loop_body(node, label);
        self.close_block();
        out.push(stmt(node, StmtKind::For { pattern, iterable, keys, body, otherwise: Vec::new() }));
    }

    fn labelled(&mut self, node: Node<'_>, out: &mut Block) {
        let label = node.child_by_field_name("label").map(|label| self.name(label));
        let Some(body) = node.child_by_field_name("body") else { return };
        match body.kind() {
            "for_statement" => self.counted(body, label, out),
            "for_in_statement" => self.each(body, label, out),
            "while_statement" => self.repeat(body, label, out),
            "do_statement" => self.repeat_after(body, label, out),
            "switch_statement" => self.switch(body, label, out),
            _ => {
                self.targets.push(Target { label, kind: TargetKind::Labelled, breaks: Vec::new() });
                let mut block = Vec::new();
                self.stmt(body, &mut block);
                let is_left = self.targets.pop().is_some_and(|target| !target.breaks.is_empty());
                if !is_left {
                    return out.extend(block);
                }
                // A loop that runs once, so that a `break` inside leaves it.
                let forever = self.truth(node);
                block.push(stmt(node, StmtKind::Break(None)));
                out.push(stmt(node, StmtKind::While(forever, block, Vec::new())));
            }
        }
    }

    /// Lowers `break`. One with the label of an outer statement leaves the nearest loop or `switch` only: more
    /// paths than there are.
    fn leave(&mut self, node: Node<'_>, out: &mut Block) {
        let label = node.child_by_field_name("label").map(|label| self.name(label));
        let mut targets = self.targets.iter_mut().rev();
        let target = match label {
            Some(label) => targets.find(|target| target.label == Some(label)),
            None => targets.find(|target| target.kind != TargetKind::Labelled),
        };
        if let Some(target) = target {
            target.breaks.push(span(node).0);
        }
        out.push(stmt(node, StmtKind::Break(None)));
    }

    /// Lowers `continue`. One with the label of an outer loop leaves the inner one.
    fn next(&mut self, node: Node<'_>, out: &mut Block) {
        let label = node.child_by_field_name("label").map(|label| self.name(label));
        let nearest = self.targets.iter().rev().find(|target| target.kind == TargetKind::Loop);
        let is_outer = label.is_some() && nearest.is_some_and(|target| target.label != label);
        out.push(stmt(node, if is_outer { StmtKind::Break(None) } else { StmtKind::Continue }));
    }
}

/// Says whether a block never ends normally, as far as its last statement tells.
pub(super) fn ends(block: &[Stmt]) -> bool {
    match block.last().map(|last| &last.kind) {
        Some(StmtKind::Return(_) | StmtKind::Raise(_) | StmtKind::Break(_) | StmtKind::Continue) => true,
        Some(StmtKind::If(_, then, other)) => ends(then) && ends(other),
        Some(StmtKind::Block(inner)) => ends(inner),
        Some(StmtKind::Try { body, handlers, finally, .. }) => {
            ends(finally) || (ends(body) && handlers.iter().all(|(_, handler)| ends(handler)))
        }
        _ => false,
    }
}
