//! Literals: numbers, text, bytes.

use super::Lowerer;
use crate::detect::flow::ir::{Const, ExprId, ExprKind};
use std::borrow::Cow;
use std::ops::Range;
use tree_sitter::Node;

/// Types that a number may end in.
const SUFFIXES: [&str; 14] =
    ["u128", "i128", "usize", "isize", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "u8", "i8"];

impl Lowerer<'_> {
    /// Lowers a literal of any kind.
    pub(super) fn literal(&mut self, node: Node<'_>) -> ExprId {
        let text = self.text(node);
        let constant = match node.kind() {
            "integer_literal" => integer(text),
            "float_literal" => float(text),
            "negative_literal" => negative(text),
            "boolean_literal" => Const::Bool(text == "true"),
            "char_literal" => character(text),
            _ => string(text),
        };
        self.add(node, ExprKind::Const(constant))
    }
}

/// Where the content of a string literal stands in its text, and whether it is raw.
pub(super) fn content(literal: &str) -> (Range<usize>, bool) {
    let Some(open) = literal.find('"') else { return (0..literal.len(), true) };
    let raw = literal[..open].contains('r');
    let hashes = literal[..open].bytes().filter(|b| *b == b'#').count();
    let close = literal.len().saturating_sub(1 + hashes);
    let closed = close > open && literal.as_bytes().get(close) == Some(&b'"');
    (open + 1..if closed { close } else { literal.len() }, raw)
}

/// Resolves the escapes of text. What is no escape stays as it is.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    escapes(text, |piece| match piece {
        Piece::Text(text) => out.push_str(text),
        Piece::Char(c) | Piece::Byte(c, _) => out.push(c),
    });
    Cow::Owned(out)
}

/// Returns how many bytes the escape at the start of `text` has.
pub(super) fn escape_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(1) {
        Some(b'x') => 4.min(text.len()),
        Some(b'u') if bytes.get(2) == Some(&b'{') => text.find('}').map_or(2, |at| at + 1),
        Some(b'\n' | b'\r') => text.len() - text[1..].trim_start_matches([' ', '\t', '\n', '\r']).len(),
        Some(_) => 1 + text[1..].chars().next().map_or(0, char::len_utf8),
        None => 1,
    }
}

enum Piece<'a> {
    Text(&'a str),
    Char(char),
    /// `\x41`: a character in text, a byte in bytes.
    Byte(char, u8),
}

fn escapes<'a>(text: &'a str, mut each: impl FnMut(Piece<'a>)) {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        if at > 0 {
            each(Piece::Text(&rest[..at]));
        }
        rest = &rest[at..];
        let mut length = escape_length(rest);
        while !rest.is_char_boundary(length) {
            length += 1;
        }
        let escape = &rest[..length];
        let hex = |from: usize, to: usize| escape.get(from..to).and_then(|h| u32::from_str_radix(h, 16).ok());
        match escape.as_bytes().get(1) {
            Some(b'n') => each(Piece::Char('\n')),
            Some(b'r') => each(Piece::Char('\r')),
            Some(b't') => each(Piece::Char('\t')),
            Some(b'0') => each(Piece::Char('\0')),
            Some(b'\\' | b'\'' | b'"') => each(Piece::Text(&escape[1..])),
            Some(b'\n' | b'\r') => {}
            Some(b'x') => match hex(2, 4).and_then(|c| u8::try_from(c).ok()) {
                Some(byte) => each(Piece::Byte(char::from(byte), byte)),
                None => each(Piece::Text(escape)),
            },
            Some(b'u') => {
                let digits = escape.get(3..length.saturating_sub(1)).unwrap_or_default().replace('_', "");
                match u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32) {
                    Some(c) => each(Piece::Char(c)),
                    None => each(Piece::Text(escape)),
                }
            }
            _ => each(Piece::Text(escape)),
        }
        rest = &rest[length..];
    }
    if !rest.is_empty() {
        each(Piece::Text(rest));
    }
}

fn string(literal: &str) -> Const {
    let (range, raw) = content(literal);
    let text = &literal[range];
    if !literal.starts_with('b') {
        return Const::Text(if raw { text.into() } else { unescape(text).into() });
    }
    let mut bytes = Vec::with_capacity(text.len());
    if raw {
        bytes.extend_from_slice(text.as_bytes());
    } else {
        escapes(text, |piece| match piece {
            Piece::Text(text) => bytes.extend_from_slice(text.as_bytes()),
            Piece::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Piece::Byte(_, byte) => bytes.push(byte),
        });
    }
    Const::Bytes(bytes.into())
}

fn character(literal: &str) -> Const {
    let inner = literal.trim_start_matches('b').trim_start_matches('\'');
    let value = unescape(inner.strip_suffix('\'').unwrap_or(inner));
    match value.chars().next() {
        Some(c) if literal.starts_with('b') => Const::Int(i64::from(u32::from(c))),
        _ => Const::Text(value.as_ref().into()),
    }
}

fn negative(text: &str) -> Const {
    let text = text.trim_start_matches('-').trim_start();
    match if text.contains('.') { float(text) } else { integer(text) } {
        Const::Int(value) => Const::Int(value.wrapping_neg()),
        Const::Float(value) => Const::Float(-value),
        other => other,
    }
}

fn integer(text: &str) -> Const {
    let digits = text.replace('_', "");
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits.as_str()),
    };
    let suffix = SUFFIXES.iter().find(|s| digits.ends_with(**s) && (radix < 16 || !s.starts_with('f'))).copied();
    let plain = digits.strip_suffix(suffix.unwrap_or_default()).unwrap_or(digits);
    if suffix.is_some_and(|s| s.starts_with('f')) {
        return float(plain);
    }
    match i64::from_str_radix(plain, radix) {
        Ok(value) => Const::Int(value),
        // Too large for 64 bits with sign: the size is what matters.
        Err(_) => Const::Float(u128::from_str_radix(plain, radix).map_or(f64::INFINITY, |value| value as f64)),
    }
}

fn float(text: &str) -> Const {
    let digits = text.replace('_', "");
    let plain = digits.strip_suffix("f32").or_else(|| digits.strip_suffix("f64")).unwrap_or(&digits);
    Const::Float(plain.parse().unwrap_or(f64::NAN))
}
