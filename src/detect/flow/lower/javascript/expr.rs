//! Expressions.

use super::scope::Binding;
use super::{Lowering, first_kid, kids};
use crate::detect::flow::ir::{Const, Entry, ExprId, ExprKind, Item, Method, StmtKind};
use crate::detect::flow::lower::stmt;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers an expression. Each arm is one call, so that the frame stays small: this recurses with the tree.
    pub(super) fn expr(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "identifier"
            | "property_identifier"
            | "private_property_identifier"
            | "shorthand_property_identifier"
            | "statement_identifier"
            | "type_identifier"
            | "this"
            | "super"
            | "import" => self.variable(node),
            "call_expression" | "member_expression" | "subscript_expression" | "non_null_expression" => {
                self.chain(node)
            }
            "string" => self.string(node),
            "template_string" => self.template(node),
            "number" => self.number(node),
            "regex" => self.regex(node),
            "true" | "false" | "null" | "undefined" => self.word(node),
            "object" | "object_pattern" => self.object(node),
            "array" | "array_pattern" => self.array(node),
            "arrow_function" | "function_expression" | "generator_function" | "function" => {
                self.function_value(node, None)
            }
            "class" => self.class_value(node, None, Vec::new()),
            "binary_expression" => self.binary(node),
            "unary_expression" => self.unary(node),
            "update_expression" => self.update(node),
            "assignment_expression" => self.assignment(node),
            "augmented_assignment_expression" => self.augmented(node),
            "ternary_expression" => self.ternary(node),
            "await_expression" => self.awaited(node),
            "yield_expression" => self.yielded(node),
            "new_expression" => self.construct(node),
            "sequence_expression" => self.sequence(node),
            "meta_property" => self.meta(node),
            "parenthesized_expression" | "jsx_expression" | "spread_element" | "decorator" => self.only(node),
            "as_expression" | "satisfies_expression" | "instantiation_expression" => self.first(node),
            "type_assertion" => self.last(node),
            "jsx_element" | "jsx_self_closing_element" => self.markup(node),
            _ => self.fallback(node),
        }
    }

    /// Lowers the expression in a field of a node.
    pub(super) fn field(&mut self, node: Node<'_>, field: &str) -> ExprId {
        match node.child_by_field_name(field) {
            Some(child) => self.expr(child),
            None => self.add(node, ExprKind::Other(Vec::new())),
        }
    }

    /// Lowers what has no form of its own: its value may be any of its parts.
    pub(super) fn fallback(&mut self, node: Node<'_>) -> ExprId {
        if is_statement(node.kind()) {
            let mut block = Vec::new();
            self.stmt(node, &mut block);
            return self.add(node, ExprKind::Block(block));
        }
        let mut parts = Vec::new();
        for child in kids(node) {
            if !is_type(child.kind()) {
                parts.push(self.expr(child));
            }
        }
        self.add(node, ExprKind::Other(parts))
    }

    /// Lowers a value that is bound to a name: functions and classes without a name of their own get it.
    pub(super) fn named(&mut self, node: Node<'_>, name: Option<Name>) -> ExprId {
        match node.kind() {
            "arrow_function" | "function_expression" | "generator_function" => self.function_value(node, name),
            "class" => self.class_value(node, name, Vec::new()),
            _ => self.expr(node),
        }
    }

    fn variable(&mut self, node: Node<'_>) -> ExprId {
        let name = self.resolve(self.name(node));
        self.add_name(node, name)
    }

    fn word(&mut self, node: Node<'_>) -> ExprId {
        let value = match node.kind() {
            "true" => Const::Bool(true),
            "false" => Const::Bool(false),
            _ => Const::Null,
        };
        self.add(node, ExprKind::Const(value))
    }

    fn first(&mut self, node: Node<'_>) -> ExprId {
        match first_kid(node) {
            Some(child) => self.expr(child),
            None => self.fallback(node),
        }
    }

    fn last(&mut self, node: Node<'_>) -> ExprId {
        match kids(node).pop() {
            Some(child) => self.expr(child),
            None => self.fallback(node),
        }
    }

    fn assignment(&mut self, node: Node<'_>) -> ExprId {
        let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
            return self.fallback(node);
        };
        let name = self.identifier(left);
        let pattern = self.pattern(left, Binding::Assign);
        let value = self.named(right, name);
        self.add(node, ExprKind::Assign(Box::new(pattern), value))
    }

    fn augmented(&mut self, node: Node<'_>) -> ExprId {
        let op = node.child_by_field_name("operator").and_then(|op| super::operator::assignment_operator(op.kind()));
        let (Some(op), Some(left)) = (op, node.child_by_field_name("left")) else { return self.fallback(node) };
        let pattern = self.pattern(left, Binding::Assign);
        let value = self.field(node, "right");
        self.add(node, ExprKind::AssignOp(Box::new(pattern), op, value))
    }

    fn ternary(&mut self, node: Node<'_>) -> ExprId {
        let [condition, then, other] = ["condition", "consequence", "alternative"].map(|field| self.field(node, field));
        self.add(node, ExprKind::Conditional(condition, then, other))
    }

    fn awaited(&mut self, node: Node<'_>) -> ExprId {
        let value = self.first(node);
        self.add(node, ExprKind::Await(value))
    }

    fn yielded(&mut self, node: Node<'_>) -> ExprId {
        let value = first_kid(node).map(|child| self.expr(child));
        self.add(node, ExprKind::Yield(value))
    }

    fn sequence(&mut self, node: Node<'_>) -> ExprId {
        let mut parts = kids(node);
        let last = parts.pop();
        let mut block = Vec::new();
        for part in parts {
            self.expr_stmt(part, part, &mut block);
        }
        let value = match last {
            Some(last) => self.expr(last),
            None => self.add(node, ExprKind::Const(Const::Null)),
        };
        self.add_block(node, block, value)
    }

    fn array(&mut self, node: Node<'_>) -> ExprId {
        let mut items = Vec::new();
        for element in elements(node) {
            let spread = element.is_some_and(|e| matches!(e.kind(), "spread_element" | "rest_pattern"));
            let value = match element {
                Some(element) if spread => self.only(element),
                Some(element) => self.expr(element),
                None => self.add(node, ExprKind::Const(Const::Null)),
            };
            items.push(Item { value, spread });
        }
        self.add(node, ExprKind::List(items))
    }

    fn object(&mut self, node: Node<'_>) -> ExprId {
        let mut entries = Vec::new();
        for child in kids(node) {
            let entry = self.entry(child);
            entries.push(entry);
        }
        self.add(node, ExprKind::Map(entries))
    }

    fn entry(&mut self, node: Node<'_>) -> Entry {
        match node.kind() {
            "pair" => {
                let key = node.child_by_field_name("key").map(|key| self.key(key));
                Entry { key, value: self.field(node, "value") }
            }
            "method_definition" => {
                let key = node.child_by_field_name("name").map(|key| self.key(key));
                let id = self.method(node, Vec::new(), None);
                // A setter is not the value under its key.
                let is_setter =
                    self.builder.module.function(id).method == Method::Plain && super::has_token(node, "set");
                let key = match key.filter(|_| is_setter) {
                    Some(_) => {
                        let name = self.builder.module.function(id).name.map_or("set", Name::as_str);
                        Some(self.builder.text_const(node, name))
                    }
                    None => key,
                };
                Entry { key, value: self.add(node, ExprKind::Function(id)) }
            }
            "shorthand_property_identifier" | "shorthand_property_identifier_pattern" | "identifier" => {
                let name = self.name(node);
                let key = self.builder.text_const(node, name.as_str());
                let name = self.resolve(name);
                Entry { key: Some(key), value: self.add_name(node, name) }
            }
            "spread_element" | "rest_pattern" => Entry { key: None, value: self.only(node) },
            _ => Entry { key: None, value: self.expr(node) },
        }
    }

    /// Lowers the key of a property: an expression where it is computed, else a text constant.
    pub(super) fn key(&mut self, node: Node<'_>) -> ExprId {
        match node.kind() {
            "computed_property_name" => self.only(node),
            "string" => self.string(node),
            "number" => self.number(node),
            _ => {
                let name = self.name(node);
                self.builder.text_const(node, name.as_str())
            }
        }
    }

    /// Returns the name of a property; computed ones that are no constant text as they are written.
    pub(super) fn key_name(&self, node: Node<'_>) -> Name {
        let constant = first_kid(node).filter(|key| node.kind() == "computed_property_name" && key.kind() == "string");
        let node = constant.unwrap_or(node);
        match node.kind() {
            "string" => Name::new(&super::literal::string_value(self.text(node))),
            _ => self.name(node),
        }
    }

    /// Returns the name that a node is, where it is a plain one.
    pub(super) fn identifier(&self, node: Node<'_>) -> Option<Name> {
        (node.kind() == "identifier").then(|| self.name(node))
    }

    /// Evaluates a computed key, where that may do more than give a name.
    pub(super) fn key_effect(&mut self, node: Node<'_>, out: &mut crate::detect::flow::ir::Block) {
        let computed = first_kid(node).filter(|_| node.kind() == "computed_property_name");
        if let Some(key) = computed.filter(|key| !matches!(key.kind(), "string" | "number" | "member_expression")) {
            let value = self.expr(key);
            out.push(stmt(key, StmtKind::Expr(value)));
        }
    }
}

/// Returns the elements of an array or array pattern, `None` for holes.
pub(super) fn elements(node: Node<'_>) -> Vec<Option<Node<'_>>> {
    let mut found = Vec::new();
    let mut open = true;
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        if child.is_named() {
            if !child.is_extra() || child.is_error() {
                found.push(Some(child));
                open = false;
            }
        } else if child.kind() == "," {
            if open {
                found.push(None);
            }
            open = true;
        }
    }
    found
}

/// Says whether nodes of a kind are types, which have no value.
pub(super) fn is_type(kind: &str) -> bool {
    kind.ends_with("_type")
        || kind.ends_with("_signature")
        || matches!(kind, "type_annotation" | "type_arguments" | "type_parameters" | "type_predicate_annotation")
        || matches!(kind, "type_parameter" | "constraint" | "default_type" | "this_type" | "type_predicate" | "asserts")
        || matches!(kind, "asserts_annotation" | "accessibility_modifier" | "override_modifier" | "comment")
}

/// Says whether nodes of a kind are statements: those that [`Lowering::stmt`] knows, and no others, or the two would call
/// each other without end.
fn is_statement(kind: &str) -> bool {
    kind.ends_with("_statement")
        || kind.ends_with("_declaration")
        || matches!(kind, "statement_block" | "import_alias" | "internal_module" | "module" | "class_body")
        || matches!(kind, "method_definition" | "switch_case" | "switch_default" | "else_clause" | "finally_clause")
}
