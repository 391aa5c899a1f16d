//! Regular expressions that backtrack without end.

use super::regex::parse_open;
use crate::detect::flow::ir::Const;
use crate::detect::flow::value::{Kind, Value};
use crate::syntax::language::Language;
use regex_syntax::hir::{Class, Hir, HirKind};

/// From how many rounds on a repetition counts as one without end.
const MANY: u32 = 10;

/// Characters; `None` stands for any.
type Signs = Option<Vec<(char, char)>>;

/// Says whether matching can take time that grows exponentially with the text: a repetition without end of something that
/// can match the same text in more than one way, with something after it that can fail.
pub(super) fn is_catastrophic(pattern: &str) -> bool {
    let Some(hir) = parse_open(pattern) else { return false };
    // A pattern that ends in the repetition itself never has to try again.
    if matches!(hir.kind(), HirKind::Repetition(r) if r.max.is_none()) {
        return false;
    }
    has_ambiguous_repetition(&hir, 0)
}

fn has_ambiguous_repetition(hir: &Hir, depth: u32) -> bool {
    if depth > 60 {
        return false;
    }
    match hir.kind() {
        HirKind::Repetition(outer) => {
            let is_long = outer.max.is_none_or(|max| max >= MANY);
            (is_long && is_ambiguous(inside(&outer.sub))) || has_ambiguous_repetition(&outer.sub, depth + 1)
        }
        HirKind::Capture(capture) => has_ambiguous_repetition(&capture.sub, depth + 1),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().any(|p| has_ambiguous_repetition(p, depth + 1))
        }
        _ => false,
    }
}

fn inside(hir: &Hir) -> &Hir {
    match hir.kind() {
        HirKind::Capture(capture) => inside(&capture.sub),
        _ => hir,
    }
}

fn is_endless(hir: &Hir) -> bool {
    matches!(inside(hir).kind(), HirKind::Repetition(r) if r.max.is_none() && r.sub.properties().maximum_len().is_some())
}

fn may_be_empty(hir: &Hir) -> bool {
    hir.properties().minimum_len() == Some(0)
}

/// Says whether something that is repeated can match the same text as one round or as several.
fn is_ambiguous(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(inner) => inner.max.is_none(),
        HirKind::Concat(parts) => can_be_divided(parts) || can_be_moved(parts),
        HirKind::Alternation(parts) => parts.iter().any(is_endless),
        _ => false,
    }
}

/// Says whether a run of one sign fits the parts once or several times: `[a-z]+-?`, `x+x+`.
fn can_be_divided(parts: &[Hir]) -> bool {
    let needed = parts.iter().filter(|part| !may_be_empty(part)).map(signs_of);
    let shared = needed.fold(None, |all: Signs, signs| both(all, signs));
    parts.iter().filter(|part| is_endless(part)).any(|part| !is_none(&both(shared.clone(), signs_of(part))))
}

/// Says whether signs between two endless parts that follow each other, in this round or the next, can belong to either:
/// `\s*;\s*`.
fn can_be_moved(parts: &[Hir]) -> bool {
    let count = parts.len();
    (0..count).filter(|from| is_endless(&parts[*from])).any(|from| {
        for step in 1..=count {
            let to = (from + step) % count;
            if to == from {
                return false;
            }
            if is_endless(&parts[to]) && !is_none(&both(signs_of(&parts[from]), signs_of(&parts[to]))) {
                return true;
            }
            if !may_be_empty(&parts[to]) {
                return false;
            }
        }
        false
    })
}

fn is_none(signs: &Signs) -> bool {
    signs.as_ref().is_some_and(Vec::is_empty)
}

/// Returns the signs that are in both.
fn both(a: Signs, b: Signs) -> Signs {
    let (Some(x), Some(y)) = (&a, &b) else { return a.or(b) };
    let overlap = |p: &(char, char), q: &(char, char)| {
        let (from, to) = (p.0.max(q.0), p.1.min(q.1));
        (from <= to).then_some((from, to))
    };
    Some(x.iter().flat_map(|p| y.iter().filter_map(move |q| overlap(p, q))).collect())
}

/// Returns the signs of which a run alone fits.
fn signs_of(hir: &Hir) -> Signs {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).unwrap_or_default();
            let mut chars = text.chars();
            let first = chars.next().filter(|first| chars.all(|c| c == *first));
            Some(first.map(|c| (c, c)).into_iter().collect())
        }
        HirKind::Class(Class::Unicode(class)) => Some(class.iter().map(|r| (r.start(), r.end())).collect()),
        HirKind::Class(Class::Bytes(_)) => Some(Vec::new()),
        HirKind::Capture(capture) => signs_of(&capture.sub),
        HirKind::Repetition(repetition) => signs_of(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter(|p| !may_be_empty(p)).map(signs_of).fold(None, both),
        HirKind::Alternation(parts) => {
            let all: Option<Vec<_>> = parts.iter().map(signs_of).collect();
            all.map(|all| all.concat())
        }
    }
}

impl super::Engine<'_> {
    /// Notes a pattern that is held against a text of a stranger and can take time without end.
    pub(super) fn match_takes_time(&mut self, pattern: &Value, text: &Value, span: (u32, u32)) {
        if let Kind::Const(Const::Regex(source, flags)) = &pattern.kind {
            let source = super::regex::with_flags(source, flags);
            self.note_slow_match(&source, text, span);
        }
    }

    pub(super) fn note_slow_match(&mut self, pattern: &str, text: &Value, span: (u32, u32)) {
        if self.language != Language::Rust && is_catastrophic(pattern) {
            self.record_at("redos", "a pattern that backtracks without end", text, span);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_catastrophic;

    #[test]
    fn repetitions_of_repetitions_are_catastrophic() {
        let slow = ["^(a+)+$", r"^(?:[a-z0-9]+-?)+:[a-z]+$", r"(\w+\s?)*x", "^(a|b+)*c$", "(x+x+)+y", "^(.*,)*x$"];
        let slower =
            [r"(?:\s*;\s*)*x", r"^(?!-)([a-z0-9]+[._-]?)+@example\.(com|org)$", r"^([\w-]+\.?){1,20}$", r"^(\w+\w)*!"];
        for slow in slow.into_iter().chain(slower) {
            assert!(is_catastrophic(slow), "{slow}");
        }
        let quick = ["^a+$", r"^(\w+-)+x$", "(a+)+", r"^\d{1,3}(\.\d{1,3}){3}$", "(a|b)*c", r"^(\w+\s)*\w+$"];
        for quick in quick.into_iter().chain([r"^[a-z]+(?:-[a-z]+)*$", r"^(?:\s*[a-z];)*$", r"^(,\s*\w+)*$"]) {
            assert!(!is_catastrophic(quick), "{quick}");
        }
    }
}
