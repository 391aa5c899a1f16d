//! Makes the regular expressions of a rule cheap to compile: `\w` and `\d` cover hundreds of Unicode ranges each, which
//! costs more at every start than matching ever gives back.
//!
//! `\w` becomes the ASCII word characters and everything beyond ASCII, so no identifier is missed; `\d` the ASCII digits.

use serde_json::Value;

const WORD: &str = r"0-9A-Za-z_\x{80}-\x{10FFFF}";
const DIGIT: &str = "0-9";

/// Rewrites every regular expression of a rule in place.
pub(super) fn simplify_all(rule: &mut Value) {
    match rule {
        Value::Object(parts) => {
            for (key, part) in parts {
                match part {
                    Value::String(regex) if key == "regex" => *regex = simplify(regex),
                    part => simplify_all(part),
                }
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(simplify_all),
        _ => {}
    }
}

/// Rewrites one regular expression. Those with free spacing are left as they are.
fn simplify(regex: &str) -> String {
    if regex.contains("(?x") || regex.contains("x)") {
        return regex.to_owned();
    }
    let mut out = String::with_capacity(regex.len() * 2);
    let mut class = String::new();
    let (mut depth, mut has_word) = (0u32, false);
    let mut chars = regex.chars().peekable();
    while let Some(c) = chars.next() {
        let target = if depth > 0 { &mut class } else { &mut out };
        match (c, depth) {
            ('\\', _) => match (chars.next(), depth) {
                (Some('w'), 0) => target.push_str(&format!("(?-i:[{WORD}])")),
                (Some('d'), 0) => target.push_str(&format!("[{DIGIT}]")),
                (Some('w'), _) => {
                    has_word = true;
                    target.push_str(WORD);
                }
                (Some('d'), _) => target.push_str(DIGIT),
                (other, _) => {
                    target.push('\\');
                    target.extend(other);
                }
            },
            ('[', _) => {
                depth += 1;
                class.push('[');
                // A bracket that comes first stands for itself.
                class.extend(chars.next_if_eq(&'^'));
                class.extend(chars.next_if_eq(&']').map(|_| "\\]"));
            }
            (']', 1) => {
                // All letters are in it, so case makes no difference; folding the wide range would be slow.
                out.push_str(if has_word { "(?-i:" } else { "" });
                out.push_str(&class);
                out.push_str(if has_word { "])" } else { "]" });
                class.clear();
                (depth, has_word) = (0, false);
            }
            (']', 2..) => {
                depth -= 1;
                class.push(']');
            }
            (c, _) => target.push(c),
        }
    }
    out + &class
}

#[cfg(test)]
mod tests {
    use super::simplify;
    use regex::Regex;

    #[test]
    fn simplified_expressions_match_the_same_code() {
        let regexes = [
            r"(?i)^\w+\.[\w$-]*key\d{2}$",
            r"[^\w\s]",
            r"[]\w]+x",
            r"^[^]\d]$",
            r"a[\[\]]b",
            r"\\w",
            r"[[:alpha:]\d]+z",
        ];
        let texts = ["größe.api_Key12", "a.$-KEY00", " ", "-", "]x", "7", "a[b", r"\w", "abc9z", "", "ſ.key11"];
        for regex in regexes {
            let (old, new) = (Regex::new(regex).expect("valid"), Regex::new(&simplify(regex)).expect("still valid"));
            for text in texts {
                assert_eq!(old.is_match(text), new.is_match(text), "{regex} -> {} on {text}", simplify(regex));
            }
        }
    }
}
