//! Literals: strings, templates, numbers, regular expressions.

use super::{Lowering, kids};
use crate::detect::flow::ir::{Const, ExprId, ExprKind};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers a string.
    pub(super) fn string(&mut self, node: Node<'_>) -> ExprId {
        let text = string_value(self.text(node));
        self.builder.text_const(node, &text)
    }

    /// Lowers a template literal: a text constant, or text of its pieces.
    pub(super) fn template(&mut self, node: Node<'_>) -> ExprId {
        let parts = self.pieces(node);
        match parts.as_slice() {
            [] => self.builder.text_const(node, ""),
            [(piece, false)] => *piece,
            _ => self.add(node, ExprKind::Text(parts.into_iter().map(|(part, _)| part).collect())),
        }
    }

    /// Lowers the template of a tagged call to the arguments that the tag gets: the constant text, then the values.
    pub(super) fn tagged(&mut self, node: Node<'_>) -> Vec<ExprId> {
        let (values, pieces): (Vec<_>, Vec<_>) = self.pieces(node).into_iter().partition(|(_, is_value)| *is_value);
        let mut args = vec![self.add(node, ExprKind::Text(pieces.into_iter().map(|(piece, _)| piece).collect()))];
        args.extend(values.into_iter().map(|(value, _)| value));
        args
    }

    /// Returns the parts of a template in order, and of each whether it is a value between the constant pieces.
    fn pieces(&mut self, node: Node<'_>) -> Vec<(ExprId, bool)> {
        let mut parts = Vec::new();
        let whole = self.text(node);
        let end = node.end_byte() - usize::from(whole.len() > 1 && whole.ends_with('`'));
        let mut from = node.start_byte() + usize::from(whole.starts_with('`'));
        for child in kids(node) {
            if !matches!(child.kind(), "template_substitution" | "ERROR") {
                continue;
            }
            self.piece(from, child.start_byte(), &mut parts);
            from = child.end_byte();
            for value in kids(child) {
                parts.push((self.expr(value), true));
            }
        }
        self.piece(from, end, &mut parts);
        parts
    }

    fn piece(&mut self, from: usize, to: usize, parts: &mut Vec<(ExprId, bool)>) {
        let Some(text) = self.builder.text.get(from..to).filter(|text| !text.is_empty()) else { return };
        let text = unescape(text).replace("\r\n", "\n");
        let at = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        let piece = self.builder.expr_at((at(from), at(to)), ExprKind::Const(Const::Text(text.into())));
        parts.push((piece, false));
    }

    /// Lowers a regular expression.
    pub(super) fn regex(&mut self, node: Node<'_>) -> ExprId {
        let part = |field: &str| node.child_by_field_name(field).map(|n| self.text(n)).unwrap_or_default();
        let (pattern, flags) = (part("pattern"), part("flags"));
        self.add(node, ExprKind::Const(Const::Regex(pattern.into(), flags.into())))
    }

    /// Lowers a number.
    pub(super) fn number(&mut self, node: Node<'_>) -> ExprId {
        let value = number(self.text(node));
        self.add(node, ExprKind::Const(value))
    }
}

/// Returns an identifier as a name, its escapes resolved.
pub(super) fn name(text: &str) -> Name {
    if text.contains('\\') { Name::new(&unescape(text)) } else { Name::new(text) }
}

/// Returns the value of a quoted string.
pub(super) fn string_value(quoted: &str) -> String {
    let inner = quoted.strip_prefix(['"', '\'']).unwrap_or(quoted);
    let inner = if inner.len() + 1 == quoted.len() { inner.strip_suffix(['"', '\'']).unwrap_or(inner) } else { inner };
    unescape(inner)
}

/// Resolves escapes. What is no escape stays.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = escape(&rest[at + 1..], &mut out);
    }
    out.push_str(rest);
    out
}

/// Resolves the escape that `text` begins with, after its backslash, and returns what follows.
fn escape<'t>(text: &'t str, out: &mut String) -> &'t str {
    let Some(first) = text.chars().next() else { return text };
    let rest = &text[first.len_utf8()..];
    match first {
        'n' => out.push('\n'),
        't' => out.push('\t'),
        'r' => out.push('\r'),
        'b' => out.push('\u{8}'),
        'f' => out.push('\u{c}'),
        'v' => out.push('\u{b}'),
        '\r' => return rest.strip_prefix('\n').unwrap_or(rest),
        '\n' | '\u{2028}' | '\u{2029}' => {}
        'x' => return code(rest, rest.get(..2), 2, out),
        'u' => return unicode(rest, out),
        '0'..='7' => {
            let limit = if first <= '3' { 3 } else { 2 };
            let length = text.bytes().take(limit).take_while(|b| matches!(b, b'0'..=b'7')).count();
            let value = u32::from_str_radix(&text[..length], 8).unwrap_or_default();
            out.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
            return &text[length..];
        }
        other => out.push(other),
    }
    rest
}

/// Resolves `XXXX` or `{X...}` after `\u`; two halves of a surrogate pair are one character.
fn unicode<'t>(text: &'t str, out: &mut String) -> &'t str {
    if let Some((digits, after)) = text.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
        let value = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        out.push(value.unwrap_or(char::REPLACEMENT_CHARACTER));
        return after;
    }
    let unit = |text: &str| u16::from_str_radix(text.get(..4)?, 16).ok();
    let low = text.get(4..).and_then(|after| after.strip_prefix("\\u")).and_then(unit);
    if let (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) = (unit(text), low) {
        let pair = char::decode_utf16([high, low]).next().and_then(Result::ok);
        out.push(pair.unwrap_or(char::REPLACEMENT_CHARACTER));
        return &text[10..];
    }
    code(text, text.get(..4), 4, out)
}

fn code<'t>(text: &'t str, digits: Option<&str>, length: usize, out: &mut String) -> &'t str {
    let Some(value) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else { return text };
    out.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
    &text[length..]
}

fn number(text: &str) -> Const {
    let plain: String = text.trim_end_matches('n').chars().filter(|c| *c != '_').collect();
    let lower = plain.to_ascii_lowercase();
    let radix = |prefix: &str, radix: u32| {
        let digits = lower.strip_prefix(prefix)?;
        Some(i64::from_str_radix(digits, radix).map_or(Const::Float(f64::MAX), Const::Int))
    };
    if let Some(value) = radix("0x", 16).or_else(|| radix("0b", 2)).or_else(|| radix("0o", 8)) {
        return value;
    }
    let legacy = lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|b| matches!(b, b'0'..=b'7'));
    if legacy {
        return radix("0", 8).unwrap_or(Const::Int(0));
    }
    match lower.parse::<i64>() {
        Ok(value) => Const::Int(value),
        Err(_) => Const::Float(lower.parse().unwrap_or(f64::NAN)),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::{number, string_value, unescape};
    use crate::detect::flow::ir::Const;

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(unescape(r"a\n\t\x41\u0042\u{1F600}\ud83d\ude00\0\'\q\101"), "a\n\tAB😀😀\0'qA");
        assert_eq!(unescape("a\\\nb\\\r\nc"), "abc");
        assert_eq!(unescape(r"\ud83d \u{} \xé"), "\u{fffd} \u{fffd} xé".replace('x', ""));
        assert_eq!((string_value("'it\"s'").as_str(), string_value("'").as_str()), ("it\"s", ""));
    }

    #[test]
    fn numbers_have_every_base() {
        for (text, value) in [("0x1F", 31), ("0b1_01", 5), ("0o17", 15), ("017", 15), ("1_000", 1000), ("12n", 12)] {
            assert_eq!(number(text), Const::Int(value), "{text}");
        }
        assert_eq!(
            (number("1.5"), number("1e3"), number(".5")),
            (Const::Float(1.5), Const::Float(1e3), Const::Float(0.5))
        );
    }
}
