//! Types as they are written.

use super::{Lowerer, children, elements, first};
use crate::detect::flow::ir::Type;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowerer<'_> {
    /// Returns the type in a field of a node, where there is one.
    pub(super) fn type_field(&self, node: Node<'_>, field: &str) -> Option<Type> {
        node.child_by_field_name(field).and_then(|of| self.of_type(of))
    }

    /// Returns a type; `None` for what is no type, a lifetime for example.
    pub(super) fn of_type(&self, node: Node<'_>) -> Option<Type> {
        let named = |name: &str, args: Vec<Type>| Some(Type { name: Name::new(name), args });
        match node.kind() {
            "type_identifier" | "primitive_type" | "identifier" | "metavariable" | "self" => {
                Some(Type { name: self.name(node), args: Vec::new() })
            }
            "scoped_type_identifier" | "scoped_identifier" => named(&self.dotted(node), Vec::new()),
            "generic_type" | "generic_type_with_turbofish" => {
                let args = node.child_by_field_name("type_arguments");
                named(&self.dotted(first(node)?), args.map(|args| self.type_arguments(args)).unwrap_or_default())
            }
            "reference_type" | "pointer_type" | "type_binding" | "qualified_type" | "higher_ranked_trait_bound" => {
                self.type_field(node, "type")
            }
            "abstract_type" | "dynamic_type" => self.type_field(node, "trait"),
            "bracketed_type" | "removed_trait_bound" | "bounded_type" => {
                children(node).into_iter().find_map(|child| self.of_type(child))
            }
            "tuple_type" => named("()", children(node).into_iter().filter_map(|child| self.of_type(child)).collect()),
            "unit_type" => named("()", Vec::new()),
            "array_type" => named("[]", self.type_field(node, "element").into_iter().collect()),
            "function_type" => named("fn", Vec::new()),
            "never_type" => named("!", Vec::new()),
            "macro_invocation" => named(&self.dotted(first(node)?), Vec::new()),
            "_" => named("_", Vec::new()),
            kind if kind.ends_with("_literal") => named("literal", Vec::new()),
            "ERROR" => children(node).into_iter().find_map(|child| self.of_type(child)),
            _ => None,
        }
    }

    /// Returns the types between `<` and `>`.
    pub(super) fn type_arguments(&self, node: Node<'_>) -> Vec<Type> {
        let wanted = |child: &Node<'_>| !matches!(child.kind(), "lifetime" | "trait_bounds" | "block" | "<" | ">");
        elements(node).into_iter().filter(wanted).filter_map(|child| self.of_type(child)).collect()
    }
}
