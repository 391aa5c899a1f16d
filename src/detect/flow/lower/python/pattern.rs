//! What values are bound to: targets of assignments, and the patterns of `match`.

use super::{Lowering, fields, has_token, parts};
use crate::detect::flow::ir::{Const, ExprId, ExprKind, Pattern};
use crate::detect::flow::lower::span;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers the target of an assignment, a loop, `with` or `del`.
    pub(super) fn target(&mut self, node: Node<'_>) -> Pattern {
        match node.kind() {
            "identifier" if node.is_missing() => Pattern::Ignore,
            "identifier" => Pattern::Name(self.name(node)),
            "tuple_pattern" if !has_token(node, ",") => self.target_inside(node),
            "tuple" | "list" | "expression_list" | "pattern_list" | "tuple_pattern" | "list_pattern" => {
                self.targets(node)
            }
            "parenthesized_expression" | "as_pattern_target" | "list_splat" | "list_splat_pattern" => {
                self.target_inside(node)
            }
            "subscript" => Pattern::Place(self.place(node)),
            _ => Pattern::Place(self.expr(node)),
        }
    }

    /// Lowers the one target in brackets or behind a star.
    fn target_inside(&mut self, node: Node<'_>) -> Pattern {
        match parts(node)[..] {
            [inner] => self.target(inner),
            [] => Pattern::List(Vec::new(), None),
            _ => Pattern::Place(self.other(node)),
        }
    }

    fn targets(&mut self, node: Node<'_>) -> Pattern {
        let inner = parts(node);
        let is_rest = |part: &Node<'_>| matches!(part.kind(), "list_splat" | "list_splat_pattern");
        let rest = inner.iter().position(is_rest);
        Pattern::List(inner.into_iter().map(|part| self.target(part)).collect(), rest)
    }

    /// Lowers `object[key]` as a place; a slice is a key as any other there.
    fn place(&mut self, node: Node<'_>) -> ExprId {
        match (node.child_by_field_name("value"), &fields(node, "subscript")[..]) {
            (Some(object), [key]) if key.kind() == "slice" => {
                let object = self.expr(object);
                let key = self.slice_object(*key);
                self.add(node, ExprKind::Index(object, key))
            }
            _ => self.expr(node),
        }
    }

    /// Lowers the patterns that stand in a node: all of them, commas between.
    pub(super) fn cases(&mut self, node: Node<'_>) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        let mut minus = false;
        let mut cursor = node.walk();
        for child in node.children(&mut cursor).filter(|child| !child.is_extra() || child.is_error()) {
            match child.kind() {
                "-" => minus = true,
                "_" => patterns.push(Pattern::Ignore),
                ":" => break,
                "integer" | "float" if std::mem::take(&mut minus) => {
                    let value = self.number(child);
                    let value = self.add(child, ExprKind::Negate(value));
                    patterns.push(Pattern::Value(value));
                }
                _ if child.is_named() => patterns.push(self.case(child)),
                _ => {}
            }
        }
        patterns
    }

    /// Lowers one pattern of `match`.
    fn case(&mut self, node: Node<'_>) -> Pattern {
        match node.kind() {
            "case_pattern" => self.only_case(node),
            "as_pattern" => self.case_as(node),
            "union_pattern" => Pattern::Any(self.cases(node)),
            "list_pattern" => self.sequence(node),
            "tuple_pattern" if has_token(node, ",") || node.named_child_count() == 0 => self.sequence(node),
            "tuple_pattern" => self.only_case(node),
            "dict_pattern" => self.mapping(node),
            "class_pattern" => self.class_case(node),
            "keyword_pattern" => self.keyword(node).map_or(Pattern::Ignore, |(_, pattern)| pattern),
            "splat_pattern" => self.rest_name(node).map_or(Pattern::Ignore, Pattern::Name),
            "identifier" => self.capture(self.name(node)),
            "dotted_name" => self.case_name(node),
            _ => Pattern::Value(self.expr(node)),
        }
    }

    fn only_case(&mut self, node: Node<'_>) -> Pattern {
        let mut inner = self.cases(node);
        match inner.len() {
            0 => Pattern::Ignore,
            1 => inner.swap_remove(0),
            _ => Pattern::List(inner, None),
        }
    }

    fn case_as(&mut self, node: Node<'_>) -> Pattern {
        let inner = parts(node);
        let [pattern, .., alias] = inner[..] else { return self.only_case(node) };
        let pattern = self.case(pattern);
        match self.capture(self.name(alias)) {
            Pattern::Name(name) => Pattern::Bind(name, Box::new(pattern)),
            _ => pattern,
        }
    }

    fn capture(&self, name: Name) -> Pattern {
        if name.as_str() == "_" { Pattern::Ignore } else { Pattern::Name(name) }
    }

    fn case_name(&mut self, node: Node<'_>) -> Pattern {
        let name = self.dotted(node);
        if !name.as_str().contains('.') {
            return self.capture(name);
        }
        let mut names = parts(node).into_iter();
        let Some(first) = names.next() else { return Pattern::Ignore };
        let mut value = self.expr(first);
        for part in names {
            let kind = ExprKind::Member(value, self.name(part));
            value = self.builder.expr_at((span(node).0, span(part).1), kind);
        }
        Pattern::Value(value)
    }

    fn sequence(&mut self, node: Node<'_>) -> Pattern {
        let rest = parts(node).iter().position(|part| {
            part.kind() == "splat_pattern" || part.named_child(0).is_some_and(|inner| inner.kind() == "splat_pattern")
        });
        Pattern::List(self.cases(node), rest)
    }

    fn rest_name(&self, node: Node<'_>) -> Option<Name> {
        parts(node).first().map(|name| self.name(*name)).filter(|name| name.as_str() != "_")
    }

    fn mapping(&mut self, node: Node<'_>) -> Pattern {
        let mut entries = Vec::new();
        let mut rest = None;
        let mut key = None;
        let mut minus = false;
        let mut cursor = node.walk();
        let children: Vec<_> = node.children(&mut cursor).collect();
        for child in children {
            match child.kind() {
                "splat_pattern" => rest = self.rest_name(child),
                "case_pattern" => {
                    let pattern = self.case(child);
                    entries.push((key.take().unwrap_or_else(|| Name::new("")), pattern, None));
                }
                "-" => minus = true,
                _ if child.is_named() && !child.is_extra() => {
                    key = Some(self.key(child, std::mem::take(&mut minus)));
                }
                _ => {}
            }
        }
        Pattern::Map(entries, rest)
    }

    /// Returns the key of a mapping pattern: of text the text, else as it is written.
    fn key(&mut self, node: Node<'_>, negative: bool) -> Name {
        if matches!(node.kind(), "string" | "concatenated_string") {
            let text = self.expr(node);
            if let ExprKind::Const(Const::Text(text)) = &self.added(text).kind {
                return Name::new(text);
            }
        }
        let text = self.builder.text(node);
        if negative { Name::new(&format!("-{text}")) } else { Name::new(text) }
    }

    /// Lowers `Point(a, x=b)`. What is taken apart by name alone is taken apart like a mapping.
    fn class_case(&mut self, node: Node<'_>) -> Pattern {
        let mut class = Name::new("");
        let mut patterns = Vec::new();
        let mut named = Vec::new();
        for part in parts(node) {
            let inner = part.named_child(0).filter(|inner| inner.kind() == "keyword_pattern");
            match (part.kind(), inner) {
                ("dotted_name", _) if class.as_str().is_empty() => class = self.dotted(part),
                ("keyword_pattern", _) => named.extend(self.keyword(part)),
                (_, Some(inner)) => named.extend(self.keyword(inner)),
                _ => patterns.push(self.case(part)),
            }
        }
        if !named.is_empty() {
            let entries = named.into_iter().map(|(name, pattern)| (name, pattern, None)).collect();
            let entries = Pattern::Map(entries, None);
            if patterns.is_empty() {
                return entries;
            }
            patterns.push(entries);
        }
        Pattern::Variant(class, patterns)
    }

    fn keyword(&mut self, node: Node<'_>) -> Option<(Name, Pattern)> {
        let name = self.name(parts(node).into_iter().next()?);
        let mut patterns = self.cases(node);
        let pattern = if patterns.len() < 2 { Pattern::Ignore } else { patterns.swap_remove(1) };
        Some((name, pattern))
    }
}
