//! Types, as far as they tell where data goes.

use super::{Lowering, first_kid, kids};
use crate::detect::flow::ir::Type;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Returns the type in a field of a node: an annotation or the type itself.
    pub(super) fn type_field(&self, node: Node<'_>, field: &str) -> Option<Type> {
        node.child_by_field_name(field).and_then(|annotation| self.annotation(annotation))
    }

    /// Returns the type arguments of a node.
    pub(super) fn type_args(&self, node: Node<'_>) -> Vec<Type> {
        node.child_by_field_name("type_arguments").map(|args| self.all_types(args)).unwrap_or_default()
    }

    fn annotation(&self, node: Node<'_>) -> Option<Type> {
        match node.kind() {
            "type_annotation" | "omitting_type_annotation" | "adding_type_annotation" | "opting_type_annotation" => {
                first_kid(node).map(|of| self.type_of(of))
            }
            "asserts_annotation" => Some(plain("void")),
            "type_predicate_annotation" => Some(plain("boolean")),
            _ => Some(self.type_of(node)),
        }
    }

    fn all_types(&self, node: Node<'_>) -> Vec<Type> {
        kids(node).into_iter().map(|of| self.type_of(of)).collect()
    }

    /// Returns a type.
    pub(super) fn type_of(&self, node: Node<'_>) -> Type {
        match node.kind() {
            "generic_type" => {
                let name = node.child_by_field_name("name").map(|n| self.text(n)).unwrap_or_default();
                Type { name: dotted(name), args: self.type_args(node) }
            }
            "parenthesized_type" | "readonly_type" | "optional_type" | "rest_type" | "flow_maybe_type"
            | "infer_type" => first_kid(node).map_or_else(|| plain("unknown"), |of| self.type_of(of)),
            "required_parameter" | "optional_parameter" => {
                self.type_field(node, "type").unwrap_or_else(|| plain("unknown"))
            }
            "array_type" => with("[]", self.all_types(node)),
            "tuple_type" => with("()", self.all_types(node)),
            "union_type" => with("|", self.members(node)),
            "intersection_type" => with("&", self.members(node)),
            "conditional_type" => {
                let either = ["consequence", "alternative"].map(|field| self.type_field(node, field));
                with("|", either.into_iter().flatten().collect())
            }
            "literal_type" => plain("literal"),
            "template_literal_type" => plain("string"),
            "function_type" | "constructor_type" => plain("fn"),
            "object_type" => plain("{}"),
            "type_query" => plain("typeof"),
            "index_type_query" => plain("keyof"),
            "lookup_type" | "existential_type" | "ERROR" => plain("unknown"),
            "type_predicate" => plain("boolean"),
            "asserts" => plain("void"),
            _ => Type { name: dotted(self.text(node)), args: Vec::new() },
        }
    }

    /// Returns the members of a union or intersection; chains lean to the left.
    fn members(&self, node: Node<'_>) -> Vec<Type> {
        let mut found = Vec::new();
        let mut open = vec![node];
        while let Some(of) = open.pop() {
            if of.kind() == node.kind() {
                open.extend(kids(of).into_iter().rev());
            } else {
                found.push(self.type_of(of));
            }
        }
        found
    }
}

fn with(name: &str, args: Vec<Type>) -> Type {
    Type { name: Name::new(name), args }
}

fn plain(name: &str) -> Type {
    with(name, Vec::new())
}

fn dotted(text: &str) -> Name {
    if text.contains(char::is_whitespace) {
        return Name::new(&text.split_whitespace().collect::<String>());
    }
    super::literal::name(text)
}
