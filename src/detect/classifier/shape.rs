//! Literals as classes: what a text or a number looks like, never what it says.

/// Words that stand for themselves as literals, because they choose how safe a call is. No secret is among them.
const TELLING: [&str; 56] = [
    "*",
    "0.0.0.0",
    "127.0.0.1",
    "::",
    "a",
    "admin",
    "aes",
    "allow",
    "any",
    "base64",
    "bash",
    "cbc",
    "cmd",
    "deny",
    "des",
    "ecb",
    "eval",
    "exec",
    "file",
    "ftp",
    "get",
    "gzip",
    "hex",
    "hs256",
    "html",
    "http",
    "https",
    "id",
    "json",
    "key",
    "latin-1",
    "lax",
    "localhost",
    "md5",
    "none",
    "null",
    "password",
    "path",
    "post",
    "r",
    "rb",
    "root",
    "rsa",
    "script",
    "secret",
    "sh",
    "sha1",
    "sha256",
    "shell",
    "strict",
    "token",
    "url",
    "utf-8",
    "utf8",
    "w",
    "wb",
];

/// Returns the class token of a text literal, given what stands between its delimiters.
pub(super) fn of_text(content: &str, has_holes: bool) -> String {
    let text = content.trim();
    let lower = text.get(..200.min(text.len())).map_or_else(|| text.to_ascii_lowercase(), str::to_ascii_lowercase);
    if let Ok(i) = TELLING.binary_search(&lower.as_str()) {
        return format!("<str={}>", TELLING[i]);
    }
    let class = match () {
        () if has_holes && is_sql(&lower) => "sql-format",
        () if has_holes && is_html(text) => "html-format",
        () if has_holes => "format",
        () if text.is_empty() => "empty",
        () if text.contains("://") => "url",
        () if is_sql(&lower) => "sql",
        () if is_html(text) => "html",
        () if is_template(text) => "format",
        () if is_path(text) => "path",
        () if is_hex(text) => "hex",
        () if is_base64(text) => "b64",
        () if is_key_like(text) => "key-like",
        () if text.chars().all(|c| c.is_ascii_digit()) => "digits",
        () if text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') => "word",
        () if text.contains(char::is_whitespace) => "words",
        () => "other",
    };
    format!("<str:{class}>")
}

/// Returns the class token of a number literal.
pub(super) fn of_number(text: &str) -> &'static str {
    let text: String = text.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0b", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return of_value(u64::from_str_radix(digits.trim_end_matches(|c: char| !c.is_digit(radix)), radix).ok());
        }
    }
    if text.starts_with("0o") {
        return "<num:octal>";
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if matches!(text.as_bytes().get(digits), Some(b'.' | b'e')) || text.contains("f32") || text.contains("f64") {
        return "<num:float>";
    }
    of_value(text[..digits].parse().ok())
}

fn of_value(value: Option<u64>) -> &'static str {
    match value {
        Some(0) => "<num:0>",
        Some(1) => "<num:1>",
        Some(2..=255) => "<num:small>",
        _ => "<num:big>",
    }
}

fn is_sql(lower: &str) -> bool {
    let starts = ["select ", "insert ", "update ", "delete ", "create ", "drop ", "alter ", "with ", "replace "];
    let goes_on = [" from ", " into ", " set ", " table ", " where ", " values", " database "];
    let lower = format!("{} ", lower.replace(['\n', '\t'], " "));
    starts.iter().any(|s| lower.starts_with(s)) && goes_on.iter().any(|s| lower.contains(s))
}

fn is_html(text: &str) -> bool {
    let opens = text
        .match_indices('<')
        .any(|(i, _)| text[i + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!'));
    opens && text.contains('>')
}

/// Says whether the text has places to fill in: `%s`, `{}`, `{name}`, `${name}`.
fn is_template(text: &str) -> bool {
    let bytes = text.as_bytes();
    let percent =
        bytes.windows(2).any(|w| w[0] == b'%' && matches!(w[1], b's' | b'd' | b'r' | b'(' | b'x' | b'i' | b'f'));
    let brace = text.match_indices('{').any(|(i, _)| {
        let inner = text[i + 1..].split('}').next().unwrap_or_default();
        inner.len() < text.len() - i - 1 && inner.len() <= 40 && !inner.contains(char::is_whitespace)
    });
    percent || brace
}

fn is_path(text: &str) -> bool {
    let starts = text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text.starts_with("~/");
    let inner = text.contains('/') || text.contains('\\');
    text.len() > 1 && !text.contains(char::is_whitespace) && (starts || inner)
}

fn is_hex(text: &str) -> bool {
    text.len() >= 16 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_base64(text: &str) -> bool {
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_');
    text.len() >= 24 && text.bytes().all(alphabet) && is_mixed(text) && text.bytes().any(|b| b.is_ascii_uppercase())
}

fn is_key_like(text: &str) -> bool {
    text.len() >= 16 && text.bytes().all(|b| b.is_ascii_graphic()) && is_mixed(text)
}

fn is_mixed(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits >= 3 && text.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::{TELLING, of_number, of_text};

    #[test]
    fn telling_words_can_be_searched() {
        assert!(TELLING.is_sorted());
    }

    #[test]
    fn texts_get_the_class_of_their_shape() {
        for (text, class) in [
            ("", "<str:empty>"),
            ("https://a.b/c", "<str:url>"),
            ("SELECT a\nFROM b", "<str:sql>"),
            ("<b>hi</b>", "<str:html>"),
            ("/etc/passwd", "<str:path>"),
            ("hello %s", "<str:format>"),
            ("0123456789abcdef", "<str:hex>"),
            ("QUJDREVGR0hJSktMTU5PUFFS0123", "<str:b64>"),
            ("sk_live_12345678", "<str:key-like>"),
            ("username", "<str:word>"),
            ("two words", "<str:words>"),
            ("MD5", "<str=md5>"),
            ("42", "<str:digits>"),
        ] {
            assert_eq!(of_text(text, false), class, "{text}");
        }
        assert_eq!(of_text("select * from t where a = ", true), "<str:sql-format>");
    }

    #[test]
    fn numbers_get_the_class_of_their_value() {
        for (text, class) in [
            ("0", "<num:0>"),
            ("1u8", "<num:1>"),
            ("0xff", "<num:small>"),
            ("65_536", "<num:big>"),
            ("1.5", "<num:float>"),
            ("2e3", "<num:float>"),
            ("0o777", "<num:octal>"),
        ] {
            assert_eq!(of_number(text), class, "{text}");
        }
    }
}
