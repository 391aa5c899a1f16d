//! What a regular expression says of the beginning of a text that it lets through.

use super::Engine;
use super::compare::fixes_host;
use super::regex::{Allowed, parse_open};
use crate::detect::flow::catalog::{ALL, Classes, LEADING_SLASH, NOT_ABSOLUTE, ONE_SLASH};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// How many characters at the beginning are looked at.
const MAX_SIGNS: usize = 64;

/// The characters that a text can begin with, place by place as far as that is known.
#[derive(Debug, Default)]
struct Leading {
    places: Vec<Vec<(char, char)>>,
    /// Whether nothing is known of what follows.
    is_open: bool,
}

impl Engine<'_> {
    /// Returns the classes that a text is harmless to where a pattern fits it.
    pub(super) fn harmless_by_match(&self, text: &str, full: bool, classes: Classes) -> Classes {
        let allowed = super::regex::allowed(text, full);
        let bit = |class: &str| self.catalog.bit_of(class);
        let mut harmless = self.harmless_beginning(text, full);
        if let Some(allowed) = allowed {
            harmless |= if allowed.is_plain() { ALL } else { 0 };
            let is_name = !allowed.holds('/') && !allowed.holds('\\');
            if is_name && super::regex::needs_more_than_points(text) {
                harmless |= bit("path");
            }
            for (class, harmful) in super::regex::HARMFUL {
                if !harmful.chars().any(|c| allowed.holds(c)) {
                    harmless |= bit(class);
                }
            }
        }
        harmless & classes
    }

    /// Returns the classes that a text is harmless to because of how a pattern that fits it makes it begin.
    pub(super) fn harmless_beginning(&self, pattern: &str, full: bool) -> Classes {
        let Some(leading) = leading(pattern, full) else { return 0 };
        let bit = |class| self.catalog.bit_of(class);
        let places: Vec<Allowed> = leading.places.into_iter().map(Allowed::of).collect();
        let Some(first) = places.first() else { return 0 };
        let mut classes = if first.holds('-') { 0 } else { bit("argument") };
        if !first.holds('/') && !first.holds('\\') {
            classes |= NOT_ABSOLUTE;
        }
        let text: String = places.iter().map_while(Allowed::only).collect();
        if fixes_host(&text) {
            classes |= bit("ssrf") | bit("redirect");
        }
        let is_slash_alone = places.get(1).is_some_and(|second| !second.holds('/') && !second.holds('\\'));
        if first.only() == Some('/') && (is_slash_alone || denies_second_slash(pattern)) {
            classes |= LEADING_SLASH | ONE_SLASH;
        }
        classes
    }
}

/// Says whether a pattern refuses two slashes by looking ahead: `^\/(?!\/)`.
fn denies_second_slash(pattern: &str) -> bool {
    let rest = pattern.trim_start_matches('^').trim_start_matches('\\');
    let Some(ahead) = rest.strip_prefix('/').and_then(|rest| rest.strip_prefix("(?!")) else { return false };
    let end = ahead.find(')').unwrap_or(ahead.len());
    ahead[..end].contains('/')
}

/// Returns how a text begins that a pattern fits; `None` where it is not held to begin with the match.
fn leading(pattern: &str, full: bool) -> Option<Leading> {
    let hir = parse_open(pattern)?;
    if !full && !hir.properties().look_set_prefix().contains(Look::Start) {
        return None;
    }
    let mut leading = Leading::default();
    leading.add(&hir, 0);
    Some(leading)
}

impl Leading {
    fn add(&mut self, hir: &Hir, depth: u32) {
        if self.is_open || depth > 60 || self.places.len() >= MAX_SIGNS {
            self.is_open = true;
            return;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => self.places.extend(text.chars().map(|c| vec![(c, c)])),
                Err(_) => self.is_open = true,
            },
            HirKind::Class(Class::Unicode(class)) => {
                self.places.push(class.iter().map(|r| (r.start(), r.end())).collect());
            }
            HirKind::Class(Class::Bytes(_)) => self.is_open = true,
            HirKind::Capture(capture) => self.add(&capture.sub, depth + 1),
            HirKind::Concat(parts) => self.add_concat(parts, depth),
            HirKind::Repetition(repetition) => {
                let is_sure = repetition.min >= 1;
                if is_sure {
                    self.add(&repetition.sub, depth + 1);
                }
                self.is_open |= !is_sure || repetition.max != Some(1);
            }
            HirKind::Alternation(parts) => {
                let first: Option<Vec<_>> = parts.iter().map(|p| first_of(p, depth + 1)).collect();
                self.places.extend(first.map(|all| all.concat()));
                self.is_open = true;
            }
        }
    }

    /// Adds parts one after the other; one that may be missing leaves the place to the next.
    fn add_concat(&mut self, parts: &[Hir], depth: u32) {
        let mut missing: Vec<(char, char)> = Vec::new();
        for part in parts {
            if self.is_open {
                return;
            }
            if part.properties().minimum_len() == Some(0) && !matches!(part.kind(), HirKind::Look(_) | HirKind::Empty) {
                let Some(first) = first_of(inside(part), depth + 1) else {
                    self.is_open = true;
                    return;
                };
                missing.extend(first);
            } else if missing.is_empty() {
                self.add(part, depth + 1);
            } else {
                self.is_open = true;
                let Some(first) = first_of(part, depth + 1) else { return };
                self.places.push([missing, first].concat());
                return;
            }
        }
        // All of it may be missing: nothing is known.
        self.is_open |= !missing.is_empty();
    }
}

/// Returns what is inside a repetition or group.
fn inside(hir: &Hir) -> &Hir {
    match hir.kind() {
        HirKind::Repetition(repetition) => inside(&repetition.sub),
        HirKind::Capture(capture) => inside(&capture.sub),
        _ => hir,
    }
}

/// Returns the characters that what a pattern fits can begin with; `None` where it can be empty.
fn first_of(hir: &Hir, depth: u32) -> Option<Vec<(char, char)>> {
    let mut leading = Leading::default();
    leading.add(hir, depth);
    leading.places.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::{denies_second_slash, leading};
    use crate::detect::flow::engine::regex::Allowed;

    fn first(pattern: &str, sign: char) -> Option<bool> {
        let places = leading(pattern, false)?.places;
        Some(Allowed::of(places.into_iter().next()?).holds(sign))
    }

    #[test]
    fn the_first_character_is_known_where_the_pattern_begins_the_text() {
        for pattern in ["^[a-z][a-z-]*$", "^(?:v|release)-", "^[^-]", "^_?[a-z]+", r"^(main|dev)$", "^[a-z]{3}-"] {
            assert_eq!(first(pattern, '-'), Some(false), "{pattern}");
        }
        for pattern in ["^-?[0-9]+$", "^[a-z-]+$", "^(?:a|-b)"] {
            assert_eq!(first(pattern, '-'), Some(true), "{pattern}");
        }
        for pattern in ["[a-z]", "^[a-z]*", "^(a|b*)", "(?m)^a"] {
            assert_eq!(first(pattern, '-'), None, "{pattern}");
        }
        let url = leading(r"^https:\/\/shop\.example\/", false).expect("it begins the text").places;
        let text: String = url.into_iter().map(Allowed::of).map_while(|a| a.only()).collect();
        assert_eq!(text, "https://shop.example/");
        assert!(denies_second_slash(r"^\/(?!\/)") && denies_second_slash(r"^/(?![/\\])"));
        assert!(!denies_second_slash(r"^\/[a-z]") && !denies_second_slash(r"^\/(?!a)"));
    }
}
