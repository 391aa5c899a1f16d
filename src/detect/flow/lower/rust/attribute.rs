//! Attributes, as the decorators that they are elsewhere.

use super::{Lowerer, children, first};
use crate::detect::flow::ir::{Arg, Call, ExprId, ExprKind};
use tree_sitter::Node;

/// Attributes that say nothing about what the code does.
const SILENT: [&str; 9] = ["derive", "doc", "allow", "expect", "warn", "deny", "inline", "must_use", "rustfmt.skip"];

/// Traits whose methods change nothing about data.
const COMMON: [&str; 10] =
    ["Debug", "Clone", "Copy", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash", "Default", "Serialize"];

impl Lowerer<'_> {
    /// Lowers attributes to calls of their paths.
    pub(super) fn decorators(&mut self, attributes: &[Node<'_>]) -> Vec<ExprId> {
        attributes.iter().filter_map(|attribute| self.decorator(*attribute)).collect()
    }

    /// Returns the traits that `#[derive(...)]` implements, those of the language itself left out.
    pub(super) fn derived(&mut self, attributes: &[Node<'_>]) -> Vec<ExprId> {
        let mut bases = Vec::new();
        for attribute in attributes.iter().flat_map(|node| children(*node)).filter(|child| child.kind() == "attribute")
        {
            if first(attribute).is_none_or(|path| self.text(path) != "derive") {
                continue;
            }
            let list = attribute.child_by_field_name("arguments").map(|list| self.text(list)).unwrap_or_default();
            let paths = list.trim_matches(['(', ')']).split(',').map(|path| path.trim().replace("::", "."));
            for path in paths.filter(|path| !path.is_empty() && !COMMON.contains(&path.as_str())) {
                bases.push(self.builder.path(attribute, &path));
            }
        }
        bases
    }

    fn decorator(&mut self, node: Node<'_>) -> Option<ExprId> {
        let attribute = children(node).into_iter().find(|child| child.kind() == "attribute")?;
        let path = self.dotted(first(attribute)?);
        if SILENT.contains(&path.as_str()) {
            return None;
        }
        let callee = self.builder.path(first(attribute)?, &path);
        let args = match (attribute.child_by_field_name("arguments"), attribute.child_by_field_name("value")) {
            (Some(tokens), _) => self.macro_args(tokens).into_iter().map(Arg::from).collect(),
            (None, Some(value)) => vec![Arg { name: None, value: self.expr(value), spread: false }],
            (None, None) => Vec::new(),
        };
        Some(self.add(attribute, ExprKind::Call(Call { callee, args, types: Vec::new() })))
    }
}
