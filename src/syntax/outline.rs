//! One iterative walk over a tree: functions and their names, comments, unreadable parts, depth.

use super::language::{Language, Role};
use crate::span::LineSet;
use std::ops::Range;
use tree_sitter::{Node, Tree, TreeCursor};

/// What one walk over a file's tree finds.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// Functions, closures with a name, and methods, in source order; an outer one comes before those inside it.
    pub functions: Vec<Function>,
    /// Comments in source order.
    pub comments: Vec<Comment>,
    /// Lines that hold code the parser could not read.
    pub errors: LineSet,
    /// Deepest nesting, in nodes.
    pub depth: u32,
    /// Every node, outer ones before those inside them: its place is its number among the descendants of the root.
    pub nodes: Vec<Mark>,
    scopes: Vec<Scope>,
}

/// A node, as far as has to be known to decide whether to look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its kind.
    pub kind: u16,
    /// Its first byte.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
}

impl Mark {
    /// Returns its bytes.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name with those around it, joined with `.`.
    pub symbol: String,
    /// Its bytes, from the first character of its head to the last of its body.
    pub range: Range<usize>,
    /// First and last line, from 1.
    pub lines: (u32, u32),
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its bytes, delimiters included.
    pub range: Range<usize>,
    /// First and last line, from 1.
    pub lines: (u32, u32),
    /// Whether nothing but white space stands before it on its first line.
    pub alone: bool,
}

impl Comment {
    /// Returns the comment as written, from the text it was found in.
    pub fn text<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.range.clone()).unwrap_or_default()
    }
}

#[derive(Debug, Clone)]
struct Scope {
    range: Range<usize>,
    symbol: String,
    /// Whether it is compiled for tests only.
    test: bool,
}

impl Outline {
    /// Returns the symbol of the innermost named function or container around a byte range, or `""`.
    pub fn symbol_at(&self, range: &Range<usize>) -> &str {
        self.scope_at(range).map_or("", |s| &s.symbol)
    }

    /// Says whether a byte range lies in an item that is compiled for tests only.
    pub fn is_test_at(&self, range: &Range<usize>) -> bool {
        self.scope_at(range).is_some_and(|s| s.test)
    }

    fn scope_at(&self, range: &Range<usize>) -> Option<&Scope> {
        let upto = self.scopes.partition_point(|s| s.range.start <= range.start);
        self.scopes[..upto].iter().rev().find(|s| s.range.end >= range.end)
    }
}

/// Says whether attributes make an item of Rust test code: `#[cfg(test)]`, `#[test]`, `#[tokio::test]` and the like.
fn is_test_item(node: Node<'_>, text: &str) -> bool {
    let mut before = node.prev_sibling();
    while let Some(attribute) =
        before.filter(|n| matches!(n.kind(), "attribute_item" | "line_comment" | "block_comment"))
    {
        let written = text.get(attribute.byte_range()).unwrap_or_default();
        if attribute.kind() == "attribute_item" && (written.contains("cfg(test)") || written.ends_with("test]")) {
            return true;
        }
        before = attribute.prev_sibling();
    }
    false
}

/// Walks the tree; stops one level below `max_depth`.
pub(super) fn read(language: Language, tree: &Tree, text: &str, max_depth: u32) -> Outline {
    let kinds = language.kinds();
    let mut outline = Outline::default();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut cursor = tree.walk();
    let has_errors = tree.root_node().has_error();
    let mut depth = 0u32;
    loop {
        let node = cursor.node();
        outline.depth = outline.depth.max(depth);
        if depth > max_depth {
            return outline;
        }
        let (kind, bytes) = (node.kind_id(), node.byte_range());
        let offset = |byte| u32::try_from(byte).unwrap_or(u32::MAX);
        outline.nodes.push(Mark { kind, start: offset(bytes.start), end: offset(bytes.end) });
        match kinds.role(kind) {
            role @ (Role::Function | Role::Container) => {
                while open.last().is_some_and(|(end, _)| *end <= bytes.start) {
                    open.pop();
                }
                if let Some(name) = name_of(node, text) {
                    let outer = open.last().map(|(_, i)| &outline.scopes[*i]);
                    let around = outer.map_or("", |s| s.symbol.as_str());
                    let test =
                        outer.is_some_and(|s| s.test) || (language == Language::Rust && is_test_item(node, text));
                    let symbol = if around.is_empty() { name.to_owned() } else { format!("{around}.{name}") };
                    open.push((node.end_byte(), outline.scopes.len()));
                    outline.scopes.push(Scope { range: node.byte_range(), symbol: symbol.clone(), test });
                    if role == Role::Function {
                        outline.functions.push(Function { symbol, range: node.byte_range(), lines: lines_of(node) });
                    }
                }
            }
            Role::Comment => outline.comments.push(comment_of(node, text)),
            Role::Literal | Role::Other => {}
        }
        if has_errors && (node.is_error() || node.is_missing()) {
            let (first, last) = lines_of(node);
            outline.errors.insert(first, last);
        }
        if !advance(&mut cursor, &mut depth) {
            return outline;
        }
    }
}

fn advance(cursor: &mut TreeCursor<'_>, depth: &mut u32) -> bool {
    if cursor.goto_first_child() {
        *depth += 1;
        return true;
    }
    loop {
        if cursor.goto_next_sibling() {
            return true;
        }
        if !cursor.goto_parent() {
            return false;
        }
        *depth -= 1;
    }
}

fn comment_of(node: Node<'_>, text: &str) -> Comment {
    let start = node.start_byte();
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    Comment {
        range: node.byte_range(),
        lines: lines_of(node),
        alone: text[line_start..start].chars().all(char::is_whitespace),
    }
}

fn lines_of(node: Node<'_>) -> (u32, u32) {
    let (start, end) = (node.start_position(), node.end_position());
    let last = if end.column == 0 && end.row > start.row { end.row } else { end.row + 1 };
    (u32::try_from(start.row + 1).unwrap_or(u32::MAX), u32::try_from(last).unwrap_or(u32::MAX))
}

/// Returns the name a scope goes by: its own, else that of the variable, field or property it is assigned to.
fn name_of<'t>(node: Node<'_>, text: &'t str) -> Option<&'t str> {
    let own = ["name", "type"].iter().find_map(|f| node.child_by_field_name(f));
    let named = own.or_else(|| {
        let parent = node.parent()?;
        match parent.kind() {
            "variable_declarator" => parent.child_by_field_name("name"),
            "assignment_expression" => parent.child_by_field_name("left"),
            "pair" => parent.child_by_field_name("key"),
            "public_field_definition" | "field_definition" => {
                parent.child_by_field_name("name").or_else(|| parent.child_by_field_name("property"))
            }
            _ => None,
        }
    })?;
    let name = text.get(named.byte_range())?;
    (name.len() <= 120 && !name.contains('\n')).then_some(name)
}
