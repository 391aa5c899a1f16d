//! Patterns, and the left sides of assignments.

use super::{Lowerer, children, elements, first};
use crate::detect::flow::ir::{Const, ExprKind, Op, Pattern};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowerer<'_> {
    /// Lowers a pattern.
    pub(super) fn pattern(&mut self, node: Node<'_>) -> Pattern {
        match node.kind() {
            "identifier" | "shorthand_field_identifier" => self.named_pattern(node),
            "self" | "metavariable" => Pattern::Name(self.name(node)),
            "scoped_identifier" | "generic_pattern" => {
                let path = self.dotted(node);
                Pattern::Value(self.builder.path(node, &path))
            }
            "tuple_pattern" | "slice_pattern" => self.list_pattern(node),
            "tuple_struct_pattern" => self.variant_pattern(node),
            "struct_pattern" => self.struct_pattern(node),
            "mut_pattern" | "ref_pattern" | "reference_pattern" => {
                let inner = elements(node).into_iter().find(|child| child.kind() != "mutable_specifier");
                inner.map_or(Pattern::Ignore, |inner| self.pattern(inner))
            }
            "captured_pattern" => self.captured_pattern(node),
            "or_pattern" => self.or_pattern(node),
            "range_pattern" => self.range_pattern(node),
            "match_pattern" => elements(node).first().map_or(Pattern::Ignore, |inner| self.pattern(*inner)),
            "_" | "remaining_field_pattern" => Pattern::Ignore,
            "ERROR" => {
                let parts: Vec<_> = children(node).into_iter().map(|child| self.pattern(child)).collect();
                if parts.is_empty() { Pattern::Ignore } else { Pattern::Any(parts) }
            }
            _ => Pattern::Value(self.expr(node)),
        }
    }

    /// Lowers the left side of an assignment.
    pub(super) fn place(&mut self, node: Node<'_>) -> Pattern {
        match node.kind() {
            "identifier" if self.text(node) == "_" => Pattern::Ignore,
            "identifier" | "self" | "metavariable" => Pattern::Name(self.name(node)),
            "tuple_expression" | "array_expression" => {
                let mut rest = None;
                let mut parts = Vec::new();
                for child in children(node).into_iter().filter(|child| child.kind() != "attribute_item") {
                    if child.kind() == "range_expression" {
                        rest = Some(parts.len());
                        parts.push(Pattern::Ignore);
                    } else {
                        parts.push(self.place(child));
                    }
                }
                Pattern::List(parts, rest)
            }
            "unary_expression" if let Some(name) = first(node).filter(|inner| inner.kind() == "identifier") => {
                let name = self.expr(name);
                Pattern::Place(self.add(node, ExprKind::Lent(name)))
            }
            "parenthesized_expression" | "reference_expression" | "unary_expression" => {
                let inner = elements(node).into_iter().rfind(|child| child.is_named());
                inner.map_or(Pattern::Ignore, |inner| self.place(inner))
            }
            _ => {
                let mut id = self.expr(node);
                if !matches!(self.builder.module.expr(id).kind, ExprKind::Member(..) | ExprKind::Index(..)) {
                    // Assigned through a reference that some call returned.
                    id = self.add(node, ExprKind::Member(id, Name::new("*")));
                }
                Pattern::Place(id)
            }
        }
    }

    /// A small letter makes a variable, a capital a constant or a variant.
    fn named_pattern(&mut self, node: Node<'_>) -> Pattern {
        let text = self.text(node);
        if text == "_" {
            Pattern::Ignore
        } else if text.starts_with(char::is_uppercase) {
            Pattern::Value(self.add_name(node, text))
        } else {
            Pattern::Name(self.name(node))
        }
    }

    fn list_pattern(&mut self, node: Node<'_>) -> Pattern {
        let mut rest = None;
        let mut parts = Vec::new();
        let inside = elements(node);
        if let [only] = inside.as_slice()
            && node.kind() == "tuple_pattern"
            && only.kind() != "remaining_field_pattern"
            && !self.text(node).trim_end_matches([')', ' ', '\n']).ends_with(',')
        {
            return self.pattern(*only);
        }
        for child in inside {
            match child.kind() {
                "remaining_field_pattern" => {
                    rest = Some(parts.len());
                    parts.push(Pattern::Ignore);
                }
                "captured_pattern" if last_is_rest(child) => {
                    rest = Some(parts.len());
                    parts.push(first(child).map_or(Pattern::Ignore, |name| Pattern::Name(self.name(name))));
                }
                _ => parts.push(self.pattern(child)),
            }
        }
        Pattern::List(parts, rest)
    }

    fn variant_pattern(&mut self, node: Node<'_>) -> Pattern {
        let of = node.child_by_field_name("type");
        let path = of.map(|of| self.dotted(of)).unwrap_or_default();
        let parts = elements(node).into_iter().filter(|child| Some(*child) != of);
        Pattern::Variant(Name::new(&path), parts.map(|child| self.pattern(child)).collect())
    }

    fn struct_pattern(&mut self, node: Node<'_>) -> Pattern {
        let mut entries = Vec::new();
        for field in children(node).into_iter().filter(|child| child.kind() == "field_pattern") {
            let Some(key) = field.child_by_field_name("name") else { continue };
            let name = self.name(key);
            let inner = field.child_by_field_name("pattern").map(|inner| self.pattern(inner));
            entries.push((name, inner.unwrap_or(Pattern::Name(name)), None));
        }
        Pattern::Map(entries, None)
    }

    fn captured_pattern(&mut self, node: Node<'_>) -> Pattern {
        let parts = elements(node);
        match (parts.first(), parts.last()) {
            (Some(name), Some(inner)) => {
                let name = self.name(*name);
                Pattern::Bind(name, Box::new(self.pattern(*inner)))
            }
            _ => Pattern::Ignore,
        }
    }

    /// Flattens `a | b | c`, which is nested to the left.
    fn or_pattern(&mut self, node: Node<'_>) -> Pattern {
        let mut right = Vec::new();
        let mut at = node;
        while at.kind() == "or_pattern" {
            let mut parts = elements(at);
            let Some(left) = (!parts.is_empty()).then(|| parts.remove(0)) else { break };
            right.extend(parts.into_iter().rev());
            at = left;
        }
        let mut all = if at.kind() == "or_pattern" { Vec::new() } else { vec![self.pattern(at)] };
        all.extend(right.into_iter().rev().map(|part| self.pattern(part)));
        if all.len() == 1 { all.swap_remove(0) } else { Pattern::Any(all) }
    }

    fn range_pattern(&mut self, node: Node<'_>) -> Pattern {
        let left = node.child_by_field_name("left").map(|side| self.expr(side));
        let right = node.child_by_field_name("right").map(|side| self.expr(side));
        let null = ExprKind::Const(Const::Null);
        let left = left.unwrap_or_else(|| self.add(node, null.clone()));
        let right = right.unwrap_or_else(|| self.add(node, null));
        Pattern::Value(self.add(node, ExprKind::Binary(Op::Range, left, right)))
    }
}

fn last_is_rest(node: Node<'_>) -> bool {
    elements(node).last().is_some_and(|last| last.kind() == "remaining_field_pattern")
}
