//! The token stream of code: the contract between the product and the training of its models.
//!
//! # The contract, version 1
//!
//! Training reads windows that this code wrote (`portcullis tokens`), so both sides see the same numbers. Any change to
//! what follows is a new version: raise [`CONTRACT`], train again, and renew the golden files in `tests/fixtures/tokens`.
//!
//! **Tokens** are made from the leaves of the syntax tree, in source order:
//! - *Comments* and text that is a Python statement of its own (a docstring) are dropped.
//! - *Literal text* becomes one token for its shape: `<str:empty>`, `<str:url>`, `<str:sql>`, `<str:html>`,
//!   `<str:format>`, `<str:regex>`, `<str:path>`, `<str:hex>`, `<str:b64>`, `<str:key-like>`, `<str:digits>`, `<str:word>`,
//!   `<str:words>`, `<str:other>`, or `<str=WORD>` for a word of the fixed list in `shape.rs`. Its words never become
//!   tokens. Text with holes is `<str:format>`, `<str:sql-format>` or `<str:html-format>`, and the expressions in the
//!   holes follow as tokens.
//! - *Numbers* become `<num:0>`, `<num:1>`, `<num:small>` (to 255), `<num:big>`, `<num:octal>`, `<num:float>`.
//! - *Names* are split at `_`, `-`, `$`, `@`, `#`, between lower and upper case, before the last capital of a run that a
//!   small letter follows, and between letters and digits; the parts are lower-cased, cut to 16 characters, at most 6 a
//!   name; a part of digits longer than two is `<digits>`.
//! - *Keywords, operators and brackets* stay as they are, cut to 16 characters.
//!
//! **Ids**: 0 padding, 1 what could not be read, 2 the separator before removed tokens, 3 a place where tokens were left
//! out, 4 to 7 the language (Python, JavaScript, TypeScript with or without JSX, Rust), 8 a nested function that has a
//! window of its own. Every other token has the id 16 + FNV-1a-64(UTF-8 bytes) mod ([`VOCABULARY`] - 16).
//!
//! **Marks**: 0 padding, 1 context, 2 added, 3 removed. A token is added where any of its lines is; one with an id below
//! 16 is always context, except 1.
//!
//! **Windows** are [`LENGTH`] places: the language (mark 1), tokens of the code after the change in source order, and,
//! where lines were removed, the separator (mark 1) and the tokens of removed lines; then padding. `window.rs` says what
//! is kept where that does not fit.

use super::shape;
use crate::span::LineSet;
use crate::syntax::SourceFile;
use crate::syntax::language::{Language, Role};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tree_sitter::{Node, TreeCursor};

/// Version of the contract in this module's documentation.
pub const CONTRACT: u32 = 1;

/// Number of different ids.
pub const VOCABULARY: i64 = 8192;

/// Places in one window.
pub const LENGTH: usize = 256;

/// Most tokens read from one stretch of code; what is beyond is counted as truncated.
pub(super) const MOST_TOKENS: usize = 20_000;

const RESERVED: i64 = 16;
const LONGEST: usize = 16;
const MOST_PARTS: usize = 6;

/// One token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// As the model sees it; never the text of a literal.
    pub text: String,
    /// First line, from 1: of the code after the change, or before it for removed tokens.
    pub line: u32,
    /// What it is to the change.
    pub mark: TokenMark,
}

/// What a token is to the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenMark {
    /// It was there before.
    Context,
    /// The change adds it.
    Added,
    /// The change removes it.
    Removed,
}

impl TokenMark {
    /// Returns the number that the model gets.
    pub fn number(self) -> i64 {
        match self {
            Self::Context => 1,
            Self::Added => 2,
            Self::Removed => 3,
        }
    }
}

/// Returns the id of a token's text.
pub fn id(text: &str) -> i64 {
    match text {
        "<unread>" => 1,
        "<removed>" => 2,
        "<gap>" => 3,
        "<python>" => 4,
        "<javascript>" => 5,
        "<typescript>" => 6,
        "<rust>" => 7,
        "<function>" => 8,
        other => RESERVED + i64::try_from(fnv1a(other) % hashed()).expect("a remainder of 8176 fits"),
    }
}

/// Returns the token that names a language.
pub(super) fn language_token(language: Language) -> &'static str {
    match language {
        Language::Python => "<python>",
        Language::JavaScript => "<javascript>",
        Language::TypeScript | Language::Tsx => "<typescript>",
        Language::Rust => "<rust>",
    }
}

fn hashed() -> u64 {
    (VOCABULARY - RESERVED).unsigned_abs()
}

fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// What to read of a file.
pub(super) struct Selection<'a> {
    /// Bytes to read.
    pub range: Range<usize>,
    /// Sorted stretches inside it that become one `<function>` token each.
    pub nested: &'a [Range<usize>],
    /// Lines whose tokens have the mark.
    pub marked: &'a LineSet,
    /// The mark of tokens on those lines.
    pub mark: TokenMark,
    /// Whether tokens on other lines are kept, as context.
    pub context: bool,
}

/// Reads tokens off a file's tree.
pub(super) fn read(file: &SourceFile, selection: &Selection<'_>) -> Vec<Token> {
    let root = file.document.root();
    let mut reader = Reader { file, selection, tokens: Vec::new(), literals: Vec::new() };
    reader.walk(root.get_inner_node().walk());
    reader.tokens
}

struct Reader<'a> {
    file: &'a SourceFile,
    selection: &'a Selection<'a>,
    tokens: Vec<Token>,
    /// For every open ancestor, whether it is literal text.
    literals: Vec<bool>,
}

impl Reader<'_> {
    fn walk(&mut self, mut cursor: TreeCursor<'_>) {
        loop {
            let node = cursor.node();
            let into = self.visit(node);
            if into && cursor.goto_first_child() {
                self.literals.push(self.role(node) == Role::Literal);
                continue;
            }
            while self.tokens.len() < MOST_TOKENS && !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                self.literals.pop();
            }
            if self.tokens.len() >= MOST_TOKENS || cursor.node().start_byte() >= self.selection.range.end {
                return;
            }
        }
    }

    fn role(&self, node: Node<'_>) -> Role {
        self.file.language.kinds().role(node.kind_id())
    }

    /// Takes what a node itself says; returns whether its children are to be visited.
    fn visit(&mut self, node: Node<'_>) -> bool {
        let range = node.byte_range();
        if range.end <= self.selection.range.start || range.start >= self.selection.range.end {
            return false;
        }
        if self.literals.last() == Some(&true) && !is_hole(node) {
            return false;
        }
        if self.is_nested(&range) {
            if self.selection.context {
                self.tokens.push(Token {
                    text: "<function>".to_owned(),
                    line: first_line(node),
                    mark: TokenMark::Context,
                });
            }
            return false;
        }
        if !self.selection.context && !self.selection.marked.intersects(first_line(node), last_line(node)) {
            return false;
        }
        match self.role(node) {
            Role::Comment => return false,
            Role::Literal => {
                self.literal(node);
                return true;
            }
            Role::Function | Role::Container | Role::Other => {}
        }
        if is_docstring(node) {
            return false;
        }
        if node.child_count() > 0 {
            return true;
        }
        self.leaf(node);
        false
    }

    fn is_nested(&self, range: &Range<usize>) -> bool {
        let nested = self.selection.nested;
        nested.binary_search_by(|n| n.start.cmp(&range.start).then(n.end.cmp(&range.end))).is_ok()
    }

    fn leaf(&mut self, node: Node<'_>) {
        let text = self.file.text().get(node.byte_range()).unwrap_or_default().trim();
        let Some(first) = text.chars().next() else { return };
        if first.is_ascii_digit() {
            return self.push(shape::of_number(text).to_owned(), node);
        }
        let is_name = first.is_alphabetic() || matches!(first, '_' | '$' | '@' | '#');
        if is_name && (node.is_named() || node.is_error()) {
            for part in parts(text).into_iter().take(MOST_PARTS) {
                self.push(part, node);
            }
        } else if node.is_error() {
            self.push("<unread>".to_owned(), node);
        } else {
            self.push(text.chars().take(LONGEST).collect(), node);
        }
    }

    fn push(&mut self, text: String, node: Node<'_>) {
        let marked = self.selection.marked.intersects(first_line(node), last_line(node));
        let mark = if marked { self.selection.mark } else { TokenMark::Context };
        if marked || self.selection.context {
            self.tokens.push(Token { text, line: first_line(node), mark });
        }
    }

    fn literal(&mut self, node: Node<'_>) {
        let is_markup = node.kind() == "jsx_text";
        let content = self.content(node);
        let content = if is_markup { content.trim() } else { without_delimiters(&content) };
        if node.kind() == "regex" {
            self.push("<str:regex>".to_owned(), node);
        } else if !is_markup || !content.is_empty() {
            self.push(shape::of_text(content, has_holes(node)), node);
        }
    }

    /// Returns what stands in a text literal, without holes.
    fn content(&self, node: Node<'_>) -> String {
        let text = self.file.text();
        let mut content = String::new();
        let mut at = node.start_byte();
        let mut cursor = node.walk();
        for child in node.children(&mut cursor).filter(|c| is_hole(*c)) {
            content.push_str(text.get(at..child.start_byte()).unwrap_or_default());
            at = child.end_byte();
        }
        content.push_str(text.get(at..node.end_byte()).unwrap_or_default());
        content
    }
}

fn without_delimiters(text: &str) -> &str {
    let text = match text.find(['"', '\'', '`', '/']) {
        // A prefix such as `rb`, `f` or `r#` stands before the quote.
        Some(at) if at <= 4 && text[..at].chars().all(|c| c.is_ascii_alphabetic() || c == '#') => &text[at..],
        _ => text,
    };
    for quote in ["\"\"\"", "'''", "\"", "'", "`"] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.trim_end_matches('#').strip_suffix(quote).unwrap_or(inner);
        }
    }
    text
}

fn is_hole(node: Node<'_>) -> bool {
    matches!(node.kind(), "interpolation" | "template_substitution")
}

fn has_holes(node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    node.children(&mut cursor).any(is_hole)
}

/// Says whether a node is a statement of nothing but literal text, which in Python documents or comments.
fn is_docstring(node: Node<'_>) -> bool {
    node.kind() == "expression_statement"
        && node.child_count() == 1
        && node.child(0).is_some_and(|c| c.kind() == "string" && !has_holes(c))
}

fn first_line(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX)
}

fn last_line(node: Node<'_>) -> u32 {
    let (start, end) = (node.start_position(), node.end_position());
    let row = if end.column == 0 && end.row > start.row { end.row } else { end.row + 1 };
    u32::try_from(row).unwrap_or(u32::MAX)
}

/// Splits a name into lower-cased parts.
fn parts(name: &str) -> Vec<String> {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Lower,
        Upper,
        Digit,
        Gap,
    }
    let class = |c: char| match c {
        c if c.is_ascii_digit() => Class::Digit,
        c if c.is_uppercase() => Class::Upper,
        c if c.is_alphabetic() => Class::Lower,
        _ => Class::Gap,
    };
    let chars: Vec<char> = name.chars().collect();
    let mut found: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut before = Class::Gap;
    for (i, c) in chars.iter().enumerate() {
        let now = class(*c);
        let next_is_lower = chars.get(i + 1).is_some_and(|n| class(*n) == Class::Lower);
        let starts = match (before, now) {
            (Class::Lower, Class::Upper) | (_, Class::Gap) => true,
            (Class::Upper, Class::Upper) => next_is_lower,
            (Class::Digit, Class::Lower | Class::Upper) | (Class::Lower | Class::Upper, Class::Digit) => true,
            _ => false,
        };
        if starts {
            close(&mut found, &mut current);
        }
        if now != Class::Gap {
            current.extend(c.to_lowercase());
        }
        before = now;
    }
    close(&mut found, &mut current);
    if found.is_empty() { vec!["_".to_owned()] } else { found }
}

fn close(found: &mut Vec<String>, current: &mut String) {
    if current.is_empty() {
        return;
    }
    let is_number = current.starts_with(|c: char| c.is_ascii_digit());
    found.push(if is_number && current.len() > 2 {
        "<digits>".to_owned()
    } else {
        current.chars().take(LONGEST).collect()
    });
    current.clear();
}

#[cfg(test)]
mod tests {
    use super::{VOCABULARY, id, parts, without_delimiters};

    #[test]
    fn names_are_split_at_humps_gaps_and_digits() {
        assert_eq!(parts("getHTTPResponse_v2"), ["get", "http", "response", "v", "2"]);
        assert_eq!(parts("__init__"), ["init"]);
        assert_eq!(parts("_"), ["_"]);
        assert_eq!(parts("sha256"), ["sha", "<digits>"]);
    }

    #[test]
    fn ids_stay_in_the_vocabulary_and_apart_from_the_reserved() {
        assert_eq!(id("<removed>"), 2);
        assert!(["password", "(", "<str:sql>", "é"].iter().all(|t| (16..VOCABULARY).contains(&id(t))));
        // FNV-1a-64 of "a" is af63dc4c8601ec8c.
        assert_eq!(id("a"), 16 + i64::try_from(0xaf63_dc4c_8601_ec8c_u64 % 8176).expect("small"));
    }

    #[test]
    fn delimiters_and_prefixes_are_no_content() {
        for text in ["\"x\"", "rb'x'", "r#\"x\"#", "'''x'''", "`x`", "f\"x\""] {
            assert_eq!(without_delimiters(text), "x", "{text}");
        }
    }
}
