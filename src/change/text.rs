//! From bytes to text: encodings, line endings, and what is no text at all.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use serde::{Deserialize, Serialize};

/// A decoded text, ready to parse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The text. NUL characters and lone carriage returns are replaced by a space and a line feed of the same length.
    pub text: String,
    /// What was done to it that a reader should know, for example `decoded from UTF-16LE`.
    pub notes: Vec<String>,
}

/// Why bytes were not taken for text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotText {
    /// Holds NUL bytes: binary.
    Binary,
    /// Named like source, but mostly not text; the reason.
    Garbled(String),
}

/// Decodes `bytes`.
///
/// `source` says that the file is named like source code: it is then never waved through as binary, because a single
/// NUL byte would be enough to hide it. At most one character in ten may be undecodable.
///
/// # Errors
/// [`NotText::Binary`] for content with NUL bytes that is not named like source, [`NotText::Garbled`] for source that
/// is mostly undecodable.
pub fn decode(bytes: &[u8], source: bool) -> Result<Text, NotText> {
    let bom = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let utf16 = bom.is_some_and(|e| e == UTF_16LE || e == UTF_16BE);
    let has_nul = bytes.iter().take(8000).any(|b| *b == 0);
    if has_nul && !utf16 && !source {
        return Err(NotText::Binary);
    }
    let encoding = bom.unwrap_or(UTF_8);
    let (decoded, _, had_errors) = encoding.decode(bytes);
    let mut text = decoded.into_owned();
    let mut notes = Vec::new();
    if utf16 {
        notes.push(format!("decoded from {}", encoding.name()));
    }
    let odd = text.chars().filter(|c| *c == '\u{fffd}' || *c == '\0').count();
    if odd * 10 > text.chars().count() {
        return Err(NotText::Garbled(format!("{odd} of {} characters are no text", text.chars().count())));
    }
    if had_errors {
        notes.push("invalid bytes read as U+FFFD".to_owned());
    }
    if text.contains('\0') {
        notes.push("NUL characters read as spaces".to_owned());
        text = text.replace('\0', " ");
    }
    if has_lone_cr(&text) {
        notes.push("carriage returns read as line ends".to_owned());
        text = lone_cr_to_lf(&text);
    }
    Ok(Text { text, notes })
}

/// Returns the deepest bracket nesting, strings and comments not told apart: an upper bound that costs next to nothing.
pub fn bracket_depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn has_lone_cr(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().any(|(i, b)| *b == b'\r' && bytes.get(i + 1) != Some(&b'\n'))
}

fn lone_cr_to_lf(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(if c == '\r' && chars.peek() != Some(&'\n') { '\n' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{NotText, decode};

    #[test]
    fn encodings_and_line_ends_are_read_and_noted() {
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("x = 1\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let text = decode(&utf16, true).expect("UTF-16 with a mark is text");
        assert_eq!((text.text.as_str(), text.notes.len()), ("x = 1\n", 1));
        assert_eq!(decode(b"a\rb\r\nc", true).expect("text").text, "a\nb\r\nc");
        assert_eq!(decode(b"# padding padding\n\xff\n", true).expect("text").text, "# padding padding\n\u{fffd}\n");
    }

    #[test]
    fn a_nul_byte_does_not_hide_source() {
        assert_eq!(decode(b"PNG\0\0", false), Err(NotText::Binary));
        assert_eq!(decode(b"eval(x) # \0 and more text", true).expect("text").text, "eval(x) #   and more text");
        assert!(matches!(decode(&[0; 64], true), Err(NotText::Garbled(_))));
    }
}
