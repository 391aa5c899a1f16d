//! Text, bytes and numbers as they are written.

use super::{Lowering, has_token, parts};
use crate::detect::flow::ir::{Const, ExprId, ExprKind};
use crate::detect::flow::lower::span;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

/// Text in the making: finished pieces, and a constant piece that may still grow.
#[derive(Default)]
struct Pieces {
    parts: Vec<ExprId>,
    text: String,
    bytes: Vec<u8>,
    binary: bool,
    /// Bytes of the file that the constant piece comes from.
    span: Option<(u32, u32)>,
}

/// How a string is written.
#[derive(Clone, Copy)]
struct Form {
    raw: bool,
    binary: bool,
    formatted: bool,
}

impl Lowering<'_> {
    /// Lowers a string, bytes or an f-string.
    pub(super) fn string(&mut self, node: Node<'_>) -> ExprId {
        let mut pieces = Pieces::default();
        self.string_pieces(node, &mut pieces);
        self.finish_text(node, pieces)
    }

    /// Lowers strings that follow one another.
    pub(super) fn strings(&mut self, node: Node<'_>) -> ExprId {
        let mut pieces = Pieces::default();
        for part in parts(node) {
            if part.kind() == "string" {
                self.string_pieces(part, &mut pieces);
            } else {
                self.flush(&mut pieces);
                let part = self.expr(part);
                pieces.parts.push(part);
            }
        }
        self.finish_text(node, pieces)
    }

    fn finish_text(&mut self, node: Node<'_>, mut pieces: Pieces) -> ExprId {
        if !pieces.parts.is_empty() {
            self.flush(&mut pieces);
            return self.add(node, ExprKind::Text(pieces.parts));
        }
        let constant = if pieces.binary { Const::Bytes(pieces.bytes.into()) } else { Const::Text(pieces.text.into()) };
        self.add(node, ExprKind::Const(constant))
    }

    /// Ends the constant piece, where there is one.
    fn flush(&mut self, pieces: &mut Pieces) {
        if let Some(span) = pieces.span.take() {
            let text = std::mem::take(&mut pieces.text);
            if !text.is_empty() {
                let piece = self.builder.expr_at(span, ExprKind::Const(Const::Text(text.into())));
                pieces.parts.push(piece);
            }
        }
    }

    fn string_pieces(&mut self, node: Node<'_>, pieces: &mut Pieces) {
        let mut form = Form { raw: false, binary: false, formatted: false };
        let mut at = node.start_byte();
        let mut end = node.end_byte();
        let mut quote = 0;
        let mut cursor = node.walk();
        let mut inner = Vec::new();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "string_start" => {
                    let start = self.builder.text(child);
                    form = Form::of(start);
                    quote = start.len() - start.trim_end_matches(['"', '\'', '`']).len();
                    at = child.end_byte();
                }
                // In raw strings it may hold the last of the text, too.
                "string_end" if !child.is_missing() => end = child.end_byte().saturating_sub(quote),
                "interpolation" => inner.push(child),
                _ => {}
            }
        }
        pieces.binary |= form.binary;
        for child in inner {
            self.constant(at..child.start_byte(), form, pieces);
            self.interpolation(child, pieces);
            at = child.end_byte();
        }
        self.constant(at..end, form, pieces);
    }

    /// Adds a stretch of the file to the constant piece.
    fn constant(&mut self, range: std::ops::Range<usize>, form: Form, pieces: &mut Pieces) {
        let raw = self.builder.text.get(range.clone()).unwrap_or_default();
        if !raw.is_empty() {
            let (from, to) = (u32::try_from(range.start), u32::try_from(range.end));
            pieces.grow(from.unwrap_or(u32::MAX), to.unwrap_or(u32::MAX));
            pieces.unescape(raw, form);
        }
    }

    /// Lowers `{x!r:spec}`: `x`, `repr(x)`, `format(x, spec)`.
    fn interpolation(&mut self, node: Node<'_>, pieces: &mut Pieces) {
        let Some(inner) = node.child_by_field_name("expression") else {
            self.flush(pieces);
            let part = self.other(node);
            pieces.parts.push(part);
            return;
        };
        let specifier = node.child_by_field_name("format_specifier");
        let conversion = node.child_by_field_name("type_conversion");
        let shows_itself = has_token(node, "=");
        if shows_itself {
            let named = self.builder.text.get(node.start_byte() + 1..inner.end_byte()).unwrap_or_default();
            pieces.grow(span(node).0 + 1, span(inner).1);
            pieces.text.push_str(named.trim());
            pieces.text.push('=');
        }
        self.flush(pieces);
        let mut value = self.expr(inner);
        let convert = match conversion.map(|conversion| self.builder.text(conversion)) {
            Some("!r") => Some("repr"),
            Some("!a") => Some("ascii"),
            Some("!s") => Some("str"),
            _ if shows_itself && specifier.is_none() => Some("repr"),
            _ => None,
        };
        if let Some(convert) = convert {
            let callee = self.add(node, ExprKind::Name(Name::new(convert)));
            value = self.builder.call(node, callee, vec![value]);
        }
        if let Some(specifier) = specifier {
            let specifier = self.specifier(specifier);
            let callee = self.add(node, ExprKind::Name(Name::new("format")));
            value = self.builder.call(node, callee, vec![value, specifier]);
        }
        let errors: Vec<_> = parts(node).into_iter().filter(Node::is_error).collect();
        pieces.parts.push(value);
        for error in errors {
            let part = self.expr(error);
            pieces.parts.push(part);
        }
    }

    /// Lowers a format specifier, which may have expressions in it.
    fn specifier(&mut self, node: Node<'_>) -> ExprId {
        let form = Form { raw: true, binary: false, formatted: false };
        let mut pieces = Pieces::default();
        let mut at = node.start_byte() + 1;
        for child in parts(node) {
            self.constant(at..child.start_byte(), form, &mut pieces);
            if child.is_error() {
                self.flush(&mut pieces);
                let part = self.expr(child);
                pieces.parts.push(part);
            } else {
                self.interpolation(child, &mut pieces);
            }
            at = child.end_byte();
        }
        self.constant(at..node.end_byte(), form, &mut pieces);
        self.finish_text(node, pieces)
    }

    /// Lowers a number. Imaginary ones are of no interest.
    pub(super) fn number(&mut self, node: Node<'_>) -> ExprId {
        let kind = number(self.builder.text(node)).map_or(ExprKind::Other(Vec::new()), ExprKind::Const);
        self.add(node, kind)
    }
}

fn number(text: &str) -> Option<Const> {
    let text = text.replace('_', "").to_ascii_lowercase();
    let text = text.trim_end_matches('l');
    let based = |digits: &str, base: u32| {
        let whole = i64::from_str_radix(digits, base).ok().map(Const::Int);
        let value =
            || digits.chars().try_fold(0.0, |sum, c| Some(sum * f64::from(base) + f64::from(c.to_digit(base)?)));
        whole.or_else(|| value().map(Const::Float))
    };
    match text.get(..2) {
        Some("0x") => based(&text[2..], 16),
        Some("0o") => based(&text[2..], 8),
        Some("0b") => based(&text[2..], 2),
        _ if !text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok().map(Const::Float),
        // So were octal numbers written once.
        _ if text.len() > 1 && text.starts_with('0') => based(text, 8).or_else(|| based(text, 10)),
        _ => based(text, 10),
    }
}

impl Form {
    fn of(start: &str) -> Self {
        let has =
            |letter: char| start.chars().take_while(char::is_ascii_alphabetic).any(|c| c.eq_ignore_ascii_case(&letter));
        Self { raw: has('r'), binary: has('b'), formatted: has('f') || has('t') }
    }
}

impl Pieces {
    fn grow(&mut self, from: u32, to: u32) {
        self.span = Some((self.span.map_or(from, |span| span.0), to));
    }

    /// Adds the text that `raw` stands for.
    fn unescape(&mut self, raw: &str, form: Form) {
        let plain = |c: char| !(c == '\r' || (c == '\\' && !form.raw) || (form.formatted && matches!(c, '{' | '}')));
        let mut rest = raw;
        loop {
            let stop = rest.find(|c| !plain(c)).unwrap_or(rest.len());
            let (before, odd) = rest.split_at(stop);
            self.push(before, form);
            let mut chars = odd.chars();
            rest = match chars.next() {
                None => return,
                Some('\r') => {
                    self.push("\n", form);
                    odd[1..].strip_prefix('\n').unwrap_or(&odd[1..])
                }
                Some('\\') => self.escape(&odd[1..], form),
                // Of doubled braces one counts.
                Some(brace) => {
                    self.push(&odd[..1], form);
                    odd[1..].strip_prefix(brace).unwrap_or(&odd[1..])
                }
            };
        }
    }

    fn push(&mut self, text: &str, form: Form) {
        if form.binary {
            self.bytes.extend_from_slice(text.as_bytes());
        } else {
            self.text.push_str(text);
        }
    }

    /// Adds what the escape stands for whose text after the backslash begins `rest`, and returns what follows it.
    fn escape<'t>(&mut self, rest: &'t str, form: Form) -> &'t str {
        let Some(letter) = rest.chars().next() else {
            self.push("\\", form);
            return rest;
        };
        let after = &rest[letter.len_utf8()..];
        let simple = match letter {
            '\n' => "",
            '\r' => return after.strip_prefix('\n').unwrap_or(after),
            'n' => "\n",
            'r' => "\r",
            't' => "\t",
            'a' => "\x07",
            'b' => "\x08",
            'f' => "\x0c",
            'v' => "\x0b",
            '\\' => "\\",
            '\'' => "'",
            '"' => "\"",
            '0'..='7' => return self.code(rest, 1..=3, 8, form).unwrap_or(after),
            'x' => return self.code(after, 2..=2, 16, form).unwrap_or_else(|| self.unknown(letter, after, form)),
            'u' if !form.binary => {
                return self.code(after, 4..=4, 16, form).unwrap_or_else(|| self.unknown(letter, after, form));
            }
            'U' if !form.binary => {
                return self.code(after, 8..=8, 16, form).unwrap_or_else(|| self.unknown(letter, after, form));
            }
            _ => return self.unknown(letter, after, form),
        };
        self.push(simple, form);
        after
    }

    /// Adds an escape that stands for itself.
    fn unknown<'t>(&mut self, letter: char, after: &'t str, form: Form) -> &'t str {
        self.push("\\", form);
        self.push(letter.encode_utf8(&mut [0; 4]), form);
        after
    }

    /// Adds the character with the number that `rest` begins with.
    fn code<'t>(
        &mut self,
        rest: &'t str,
        digits: std::ops::RangeInclusive<usize>,
        base: u32,
        form: Form,
    ) -> Option<&'t str> {
        let count = rest.chars().take(*digits.end()).take_while(|c| c.is_digit(base)).count();
        let (number, after) = digits.contains(&count).then(|| rest.split_at(count))?;
        let number = u32::from_str_radix(number, base).ok()?;
        if form.binary {
            self.bytes.push(u8::try_from(number & 0xFF).unwrap_or_default());
        } else {
            self.text.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Some(after)
    }
}
