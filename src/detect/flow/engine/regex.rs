//! What a regular expression lets through.

use regex_syntax::hir::{Class, Hir, HirKind, Look};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// How many patterns a thread remembers.
const REMEMBERED: usize = 256;

/// Characters that do harm, by class of weakness: a text without them does none.
pub(super) const HARMFUL: [(&str, &str); 13] = [
    // Digits and the signs between them compute, and no more.
    ("code", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_'\"`\\$@{}[];=\n"),
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

/// Characters without which a text does no harm where it is meant for one place: between tags or quotes, in a filter.
pub(super) const ENOUGH: [(&str, &str); 5] =
    [("xss", "<>\"'"), ("ldap", "*()\\"), ("header", "\r\n"), ("log", "\r\n"), ("email", "\r\n")];

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

    /// Returns the character that alone can be in it.
    pub(super) fn only(&self) -> Option<char> {
        match self.ranges.as_slice() {
            [(from, to)] if from == to => Some(*from),
            _ => None,
        }
    }

    /// Says whether only letters, digits and `_` can be in it, of any script.
    pub(super) fn is_plain(&self) -> bool {
        !(0u8..128).map(char::from).any(|c| self.holds(c) && !c.is_ascii_alphanumeric() && c != '_')
    }
}

/// Returns a pattern with the flags of a literal: where `^` and `$` mean lines, they do not hold the whole text.
pub(super) fn with_flags(pattern: &str, flags: &str) -> String {
    let flags: String = flags.chars().filter(|c| matches!(c, 'i' | 'm' | 's')).collect();
    if flags.is_empty() { pattern.to_owned() } else { format!("(?{flags}){pattern}") }
}

/// Returns what a text can hold if a pattern matches all of it; `None` where it may hold anything.
///
/// `full` says that the match is of the whole text even without anchors.
pub(super) fn allowed(pattern: &str, full: bool) -> Option<Allowed> {
    let hir = parse_open(pattern)?;
    let mut allowed = Allowed::default();
    if !full && !is_anchored(&hir) {
        return None;
    }
    collect(&hir, &mut allowed, 0).then_some(allowed)
}

/// Returns the characters that a pattern matches one of, or one after the other: `[a-z]`, `[\r\n]+`, `(.)`.
pub(super) fn single(pattern: &str) -> Option<Allowed> {
    let hir = parse(pattern)?;
    let mut inner = &*hir;
    loop {
        inner = match inner.kind() {
            HirKind::Repetition(repetition) if repetition.min <= 1 && repetition.max.is_none() => &repetition.sub,
            HirKind::Capture(capture) => &capture.sub,
            _ => break,
        };
    }
    let is_one = match inner.kind() {
        HirKind::Class(_) => true,
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).is_ok_and(|t| t.chars().count() == 1),
        _ => false,
    };
    let mut allowed = Allowed::default();
    (is_one && collect(inner, &mut allowed, 0)).then_some(allowed)
}

/// Says whether no text that fits a pattern is made of points alone: `..` leads out of a folder without a slash.
pub(super) fn needs_more_than_points(pattern: &str) -> bool {
    parse_open(pattern).is_some_and(|hir| has_other_sign(&hir, 0))
}

fn has_other_sign(hir: &Hir, depth: u32) -> bool {
    match hir.kind() {
        _ if depth > 60 => false,
        HirKind::Literal(literal) => literal.0.iter().any(|byte| *byte != b'.'),
        HirKind::Class(Class::Unicode(class)) => !class.iter().any(|r| (r.start()..=r.end()).contains(&'.')),
        HirKind::Repetition(repetition) => repetition.min > 0 && has_other_sign(&repetition.sub, depth + 1),
        HirKind::Capture(capture) => has_other_sign(&capture.sub, depth + 1),
        HirKind::Concat(parts) => parts.iter().any(|part| has_other_sign(part, depth + 1)),
        HirKind::Alternation(parts) => parts.iter().all(|part| has_other_sign(part, depth + 1)),
        _ => false,
    }
}

/// Reads a pattern without what it looks ahead or back at: the texts that fit it fit the rest, too.
pub(super) fn parse_open(pattern: &str) -> Option<Rc<Hir>> {
    parse(&without_looks(pattern))
}

/// Returns a pattern without `(?=...)`, `(?!...)`, `(?<=...)` and `(?<!...)`.
fn without_looks(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let length = if c == '\\' { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) } else { c.len_utf8() };
        let is_look = ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| rest.starts_with(look));
        if is_look && !in_class {
            rest = &rest[group_end(rest)..];
            continue;
        }
        in_class = (in_class || c == '[') && c != ']';
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// Returns where the group ends that a pattern begins with.
fn group_end(pattern: &str) -> usize {
    let (mut depth, mut in_class, mut escaped) = (0_u32, false, false);
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class && depth == 1 => return at + 1,
            ')' if !in_class => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    pattern.len()
}

/// Reads a pattern. Loops and callers come to the same ones again and again, so what was read last is remembered.
fn parse(pattern: &str) -> Option<Rc<Hir>> {
    thread_local! {
        static READ: RefCell<HashMap<String, Option<Rc<Hir>>>> = RefCell::default();
    }
    READ.with_borrow_mut(|read| {
        if let Some(known) = read.get(pattern) {
            return known.clone();
        }
        if read.len() >= REMEMBERED {
            read.clear();
        }
        let hir = regex_syntax::ParserBuilder::new().nest_limit(60).build().parse(&translated(pattern)).ok();
        read.entry(pattern.to_owned()).or_insert(hir.map(Rc::new)).clone()
    })
}

/// Writes a pattern of Python or JavaScript as this crate's: `\Z` is `\z`, `\/` is a slash, `[` inside a class is itself.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('Z') => out.push_str("\\z"),
                Some('/') => out.push('/'),
                Some(next) => out.extend(['\\', next]),
                None => out.push('\\'),
            },
            '[' if in_class && chars.peek() != Some(&':') => out.push_str("\\["),
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
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
    use super::{allowed, needs_more_than_points, single};

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
        assert!(needs_more_than_points(r"^[\w-]+\.(png|jpg)$") && needs_more_than_points("^a.+$"));
        assert!(!needs_more_than_points(r"^[\w.-]+$") && !needs_more_than_points(r"^[a-z]*\.\.?$"));
        assert!(allowed("^(", false).is_none());
        assert!(allowed(r"^(?!.*\.\.)(?!-)[a-z]+(?<=[a)])$", false).expect("looks restrict further").is_plain());
        assert!(allowed(r"^[^/[\]&&]+$", false).expect("a bracket in a class").holds('.'));
    }

    #[test]
    fn patterns_of_one_character_are_told_from_others() {
        let signs = single(r"[.*+?^${}()|[\]\\]").expect("a class");
        assert!(".*[]\\$^".chars().all(|c| signs.holds(c)) && !signs.holds('a'));
        assert!(single(r"[^\w]+").expect("a class").holds(';'));
        assert!(single(r"\n").expect("a letter").holds('\n'));
        assert!(single(r"\r\n").is_none() && single("a|bc").is_none() && single("^a").is_none());
    }
}
