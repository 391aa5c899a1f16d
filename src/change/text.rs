//! From bytes to text: encodings, line endings, and what is no text at all.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
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
    /// Source, but mostly not text or in an encoding that only its interpreter reads; the reason.
    Garbled(String),
}

/// Decodes `bytes`.
///
/// `source` says that the file is named like source code: it is then never waved through as binary, because a single
/// NUL byte would be enough to hide it. At most one character in ten may be undecodable. Source is read in the encoding
/// that it declares the way Python knows (PEP 263): the interpreter does so, too.
///
/// # Errors
/// [`NotText::Binary`] for content with NUL bytes that is not named like source, [`NotText::Garbled`] for source that
/// is mostly undecodable, or declares an encoding that turns one text into another.
pub fn decode(bytes: &[u8], source: bool) -> Result<Text, NotText> {
    let bom = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let utf16 = bom.is_some_and(|e| e == UTF_16LE || e == UTF_16BE);
    let has_nul = bytes.iter().take(8000).any(|b| *b == 0);
    if has_nul && !utf16 && !source {
        return Err(NotText::Binary);
    }
    let encoding = match bom {
        Some(bom) if utf16 => bom,
        _ if !source => UTF_8,
        _ => declared(bytes)?.filter(|_| bom.is_none()).unwrap_or(UTF_8),
    };
    let (decoded, _, had_errors) = encoding.decode(bytes);
    let mut text = decoded.into_owned();
    let mut notes = Vec::new();
    if encoding != UTF_8 {
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

/// Returns the encoding that a comment in the first two lines declares (PEP 263), where it is another than UTF-8.
fn declared(bytes: &[u8]) -> Result<Option<&'static Encoding>, NotText> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for line in bytes.splitn(3, |b| *b == b'\n').take(2) {
        // Whether a lone carriage return ends a line depends on who reads.
        let mut parts = line.split(|b| *b == b'\r').map(|part| part.trim_ascii_start());
        if let Some(name) = parts.clone().find_map(cookie) {
            return encoding(&name);
        }
        if !parts.all(|part| part.is_empty() || part.starts_with(b"#")) {
            break;
        }
    }
    Ok(None)
}

/// Reads `coding: NAME` or `coding=NAME` out of a `#` comment; `#[` and `#![` begin an attribute of Rust.
fn cookie(line: &[u8]) -> Option<String> {
    if !line.starts_with(b"#") || line.starts_with(b"#[") || line.starts_with(b"#![") {
        return None;
    }
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    line.windows(7).enumerate().filter(|(_, w)| matches!(*w, b"coding:" | b"coding=")).find_map(|(at, _)| {
        let rest = &line[at + 7..];
        let rest = &rest[rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count()..];
        let name: String = rest.iter().take_while(|b| is_name(b)).map(|b| char::from(*b)).collect();
        (!name.is_empty()).then_some(name)
    })
}

/// Returns the encoding of a declared name; `None` for UTF-8 and ASCII.
fn encoding(name: &str) -> Result<Option<&'static Encoding>, NotText> {
    let plain = name.to_ascii_lowercase().replace('_', "-");
    let is = |names: &[&str]| {
        names.iter().any(|n| plain.strip_prefix(n).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
    };
    if is(&["utf-8"]) || ["utf8", "u8", "utf", "ascii", "us-ascii"].contains(&plain.as_str()) {
        return Ok(None);
    }
    if is(&["latin-1", "iso-8859-1", "iso-latin-1"]) {
        return Ok(Some(WINDOWS_1252));
    }
    let known = Encoding::for_label(plain.as_bytes()).or_else(|| Encoding::for_label(name.as_bytes()));
    match known.filter(|e| e.is_ascii_compatible()) {
        Some(encoding) => Ok(Some(encoding)),
        None => {
            let name: String = name.chars().take(40).collect();
            Err(NotText::Garbled(format!("declares the encoding `{name}`, which hides code from readers")))
        }
    }
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
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("x = 1\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
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

    #[test]
    fn declared_encoding_is_the_one_that_is_read() {
        let latin: Vec<u8> = [b"# -*- coding: latin-1 -*-\nx = '".as_slice(), &[0xe9; 80], b"'\n"].concat();
        let text = decode(&latin, true).expect("text in Latin-1");
        assert!(text.text.ends_with("\u{e9}'\n"), "{}", text.text);
        assert_eq!(text.notes, ["decoded from windows-1252"]);
        let koi = decode(b"#!/usr/bin/python\n# vim: set fileencoding=koi8_r :\n\xc1\n", true).expect("text");
        assert!(koi.text.ends_with("\u{430}\n"), "{}", koi.text);
        for plain in [
            "# coding: utf-8\n",
            "# coding=ASCII\n",
            "# coding: utf-8-unix\n",
            "x = 1\n# coding: rot13\n",
            "\n\n# coding: rot13\n",
            "# decoding\n",
            "#![doc = \"coding: rot13\"]\n",
            "s = '# coding: rot13'\n",
        ] {
            assert!(decode(plain.as_bytes(), true).is_ok_and(|t| t.notes.is_empty()), "{plain}");
        }
    }

    #[test]
    fn encoding_that_hides_code_is_no_text() {
        let names = [
            "unicode_escape",
            "raw_unicode_escape",
            "utf-7",
            "UTF_7",
            "rot13",
            "rot_13",
            "punycode",
            "utf-16",
            "iso-2022-jp",
            "hz",
            "cp037",
        ];
        for name in names {
            let why = NotText::Garbled(format!("declares the encoding `{name}`, which hides code from readers"));
            for head in [
                "# coding: ",
                "#!/usr/bin/python3\n# -*- coding: ",
                "\n \t\x0c# vim: fileencoding=",
                "#\r# coding=\t",
                "\u{feff}# coding: ",
                "# coding: ?? coding: ",
            ] {
                assert_eq!(decode(format!("{head}{name} -*-\nx\n").as_bytes(), true), Err(why.clone()), "{head}");
            }
        }
    }
}
