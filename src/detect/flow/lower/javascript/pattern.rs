//! What values are bound to.

use super::scope::Binding;
use super::{Lowering, first_kid, kids};
use crate::detect::flow::ir::{ExprId, Pattern};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers what is bound or assigned to.
    pub(super) fn pattern(&mut self, node: Node<'_>, how: Binding) -> Pattern {
        match node.kind() {
            "identifier" | "shorthand_property_identifier_pattern" | "shorthand_property_identifier" => {
                let name = self.name(node);
                Pattern::Name(self.bind(name, how))
            }
            "object_pattern" | "object" => self.object_pattern(node, how),
            "array_pattern" | "array" => self.array_pattern(node, how),
            "assignment_pattern" | "object_assignment_pattern" | "assignment_expression" => {
                let (pattern, default) = self.with_default(node, how);
                match default {
                    Some(default) => Pattern::Default(Box::new(pattern), default),
                    None => pattern,
                }
            }
            "rest_pattern"
            | "spread_element"
            | "parenthesized_expression"
            | "non_null_expression"
            | "as_expression"
            | "satisfies_expression" => match first_kid(node) {
                Some(inner) => self.pattern(inner, how),
                None => Pattern::Ignore,
            },
            "type_assertion" => match kids(node).pop() {
                Some(inner) => self.pattern(inner, how),
                None => Pattern::Ignore,
            },
            "undefined" => Pattern::Ignore,
            _ => Pattern::Place(self.expr(node)),
        }
    }

    /// Lowers `pattern = default`.
    pub(super) fn with_default(&mut self, node: Node<'_>, how: Binding) -> (Pattern, Option<ExprId>) {
        if !matches!(node.kind(), "assignment_pattern" | "object_assignment_pattern" | "assignment_expression") {
            return (self.pattern(node, how), None);
        }
        let left = node.child_by_field_name("left");
        let name = left.and_then(|left| self.identifier(left));
        let pattern = left.map_or(Pattern::Ignore, |left| self.pattern(left, how));
        let default = node.child_by_field_name("right").map(|right| self.named(right, name));
        (pattern, default)
    }

    fn array_pattern(&mut self, node: Node<'_>, how: Binding) -> Pattern {
        let mut parts = Vec::new();
        let mut rest = None;
        for element in super::expr::elements(node) {
            let Some(element) = element else {
                parts.push(Pattern::Ignore);
                continue;
            };
            if matches!(element.kind(), "rest_pattern" | "spread_element") {
                rest = Some(parts.len());
            }
            let part = self.pattern(element, how);
            parts.push(part);
        }
        Pattern::List(parts, rest)
    }

    fn object_pattern(&mut self, node: Node<'_>, how: Binding) -> Pattern {
        let mut entries = Vec::new();
        let mut rest = None;
        for child in kids(node) {
            match child.kind() {
                "pair_pattern" | "pair" => {
                    let key = child.child_by_field_name("key").map(|key| self.key_name(key));
                    let Some(value) = child.child_by_field_name("value") else { continue };
                    let (pattern, default) = self.with_default(value, how);
                    entries.push((key.unwrap_or_else(|| Name::new("")), pattern, default));
                }
                "rest_pattern" | "spread_element" => {
                    let Some(inner) = first_kid(child) else { continue };
                    let name = self.name(inner);
                    rest = Some(if inner.kind() == "identifier" { self.bind(name, how) } else { name });
                }
                "object_assignment_pattern" | "assignment_expression" | "assignment_pattern" => {
                    let key = child.child_by_field_name("left").map(|left| self.name(left));
                    let (pattern, default) = self.with_default(child, how);
                    entries.push((key.unwrap_or_else(|| Name::new("")), pattern, default));
                }
                _ => {
                    let key = self.name(child);
                    let pattern = self.pattern(child, how);
                    entries.push((key, pattern, None));
                }
            }
        }
        Pattern::Map(entries, rest)
    }
}
