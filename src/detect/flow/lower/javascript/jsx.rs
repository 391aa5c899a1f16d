//! JSX.

use super::{Lowering, first_kid, kids};
use crate::detect::flow::ir::{Const, ExprId, ExprKind};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers an element or fragment.
    pub(super) fn markup(&mut self, node: Node<'_>) -> ExprId {
        let head = node.child_by_field_name("open_tag").unwrap_or(node);
        let tag = head.child_by_field_name("name").map_or_else(|| Name::new(""), |name| self.name(name));
        let mut attributes = Vec::new();
        let mut cursor = head.walk();
        for attribute in head.children_by_field_name("attribute", &mut cursor) {
            let attribute = self.attribute(attribute);
            attributes.push(attribute);
        }
        let mut children = Vec::new();
        if node.kind() == "jsx_element" {
            for child in kids(node) {
                self.child(child, &mut children);
            }
        }
        self.add(node, ExprKind::Markup(tag, attributes, children))
    }

    fn attribute(&mut self, node: Node<'_>) -> (Name, ExprId) {
        if node.kind() != "jsx_attribute" {
            return (Name::new("..."), self.only(node));
        }
        let parts = kids(node);
        let name = parts.first().map_or_else(|| Name::new(""), |name| self.name(*name));
        let value = match parts.get(1) {
            Some(value) if value.kind() == "string" => {
                let text = self.text(*value);
                let text = references(text.trim_matches(if text.starts_with('\'') { '\'' } else { '"' }));
                self.builder.text_const(*value, &text)
            }
            Some(value) => self.expr(*value),
            None => self.add(node, ExprKind::Const(Const::Bool(true))),
        };
        (name, value)
    }

    fn child(&mut self, node: Node<'_>, children: &mut Vec<ExprId>) {
        match node.kind() {
            "jsx_opening_element" | "jsx_closing_element" => {}
            "jsx_text" | "html_character_reference" => {
                let text = references(&joined(self.text(node)));
                if !text.is_empty() {
                    children.push(self.builder.text_const(node, &text));
                }
            }
            "jsx_expression" => {
                if first_kid(node).is_some() {
                    children.push(self.only(node));
                }
            }
            _ => children.push(self.expr(node)),
        }
    }
}

/// Joins the lines of text between tags as JSX does: without the white space at line ends.
fn joined(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('\n') {
        return text.into();
    }
    let last = text.split('\n').count();
    let lines = text.split('\n').enumerate().map(|(number, line)| {
        let line = if number == 0 { line } else { line.trim_start() };
        if number + 1 == last { line } else { line.trim_end() }
    });
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ").into()
}

/// Resolves character references: `&amp;`, `&#39;`. Unknown ones stay.
fn references(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|b| b == b';');
        match end.and_then(|end| Some((reference(&rest[1..end])?, end))) {
            Some((character, end)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let value = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(value.ok()?)?
        }
    })
}
