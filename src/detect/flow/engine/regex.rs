//! What a regular expression lets through.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Characters that do harm, by class of weakness: a text without them does none.
pub(super) const HARMFUL: [(&str, &str); 12] = [
    ("sql", "'\"\\`;-/*() "),
    ("command", " \t\n;&|$`<>(){}[]*?!\\'\"~#"),
    ("argument", "-"),
    ("xss", "<>\"'&`"),
    ("path", "./\\"),
    ("header", "\r\n"),
    ("log", "\r\n"),
    ("email", "\r\n"),
    ("ldap", "*()\\\0"),
    ("xpath", "'\"[]()/@|"),
    ("redirect", "/:\\"),
    ("ssrf", "/:.@"),
];

/// The characters that a text can hold if it matches.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    ranges: Vec<(char, char)>,
}

impl Allowed {
    /// Makes it of ranges.
    pub(super) fn of(ranges: Vec<(char, char)>) -> Self {
        Self { ranges }
    }

    /// Says whether a character can be in the text.
    pub(super) fn holds(&self, c: char) -> bool {
        self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&c))
    }

    /// Says whether only letters, digits and `_` can be in it, of any script.
    pub(super) fn is_plain(&self) -> bool {
        !(0u8..128).map(char::from).any(|c| self.holds(c) && !c.is_ascii_alphanumeric() && c != '_')
    }
}

/// Returns what a text can hold if a pattern matches all of it; `None` where it may hold anything.
///
/// `full` says that the match is of the whole text even without anchors.
pub(super) fn allowed(pattern: &str, full: bool) -> Option<Allowed> {
    // Python's `\Z` is this crate's `\z`; JavaScript's `\/` is a slash.
    let pattern = pattern.replace("\\Z", "\\z").replace("\\/", "/");
    let hir = regex_syntax::ParserBuilder::new().nest_limit(60).build().parse(&pattern).ok()?;
    let mut allowed = Allowed::default();
    if !full && !is_anchored(&hir) {
        return None;
    }
    collect(&hir, &mut allowed, 0).then_some(allowed)
}

/// Says whether a pattern can only match from the beginning to the end of the text.
fn is_anchored(hir: &Hir) -> bool {
    let properties = hir.properties();
    let is_start = properties.look_set_prefix().contains(Look::Start);
    is_start && properties.look_set_suffix().contains(Look::End)
}

fn collect(hir: &Hir, allowed: &mut Allowed, depth: u32) -> bool {
    if depth > 60 {
        return false;
    }
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => {
                allowed.ranges.extend(text.chars().map(|c| (c, c)));
                true
            }
            Err(_) => false,
        },
        HirKind::Class(Class::Unicode(class)) => {
            allowed.ranges.extend(class.iter().map(|r| (r.start(), r.end())));
            true
        }
        HirKind::Class(Class::Bytes(_)) => false,
        // `$` without `\z` lets a line end through in some languages; what it lets through is one line end.
        HirKind::Look(_) => true,
        HirKind::Repetition(repetition) => collect(&repetition.sub, allowed, depth + 1),
        HirKind::Capture(capture) => collect(&capture.sub, allowed, depth + 1),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(|p| collect(p, allowed, depth + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn only_anchored_patterns_say_something_of_the_whole_text() {
        assert!(allowed("^[a-z]+$", false).expect("anchored").is_plain());
        assert!(allowed(r"^\w+\Z", false).expect("anchored").is_plain());
        assert!(allowed("[a-z]+", true).expect("full").is_plain());
        for open in ["[a-z]+", "^[a-z]+", "[a-z]+$", "^a|b$", "(?m)^a$"] {
            assert!(allowed(open, false).is_none(), "{open}");
        }
        assert!(!allowed("^.+$", false).expect("anchored").is_plain());
        assert!(allowed(r"^[\w.-]+$", false).expect("anchored").holds('.'));
        assert!(!allowed(r"^[\w.-]+$", false).expect("anchored").holds('/'));
        assert!(allowed("^(", false).is_none());
    }
}
