//! Which code goes into which window: the units that a change touches, and what is kept where one does not fit.
//!
//! A *unit* is the outermost named function around a changed line that has at most [`LARGEST_UNIT`] lines, else the
//! innermost; code outside functions is one unit a file. Functions inside a unit that are units themselves are left out
//! of it. A removed line belongs to the unit of the function of the same name, else to where it was taken from.

use super::tokens::{self, LENGTH, MOST_TOKENS, Selection, Token, TokenMark};
use crate::span::LineSet;
use crate::syntax::{Function, SourceFile};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Most lines of a function that takes in the functions inside it.
const LARGEST_UNIT: u32 = 80;
/// Most windows of one unit.
const MOST_WINDOWS: usize = 4;
/// Places kept for removed tokens where the code after the change would fill the window.
const ROOM_FOR_REMOVED: usize = 64;
/// Farthest and nearest distance, in tokens, from a changed token to context that is kept.
const DISTANCES: (usize, usize) = (LENGTH, 8);

/// A unit with the windows made of it.
pub(super) struct Unit {
    pub symbol: String,
    pub range: Range<usize>,
    /// Windows of at least one token each, specials included, padding not.
    pub windows: Vec<Vec<Token>>,
    /// Added and removed tokens that no window holds.
    pub truncated: usize,
}

/// Cuts what a change touches into units. Cheap where nothing is changed.
pub(super) fn units(after: &SourceFile, before: Option<&SourceFile>) -> Vec<Unit> {
    let removed = before.map_or_else(LineSet::default, |_| after.removed.clone());
    if after.added.is_empty() && removed.is_empty() {
        return Vec::new();
    }
    let touched = Touched::new(after, before, &removed);
    let functions = &after.outline.functions;
    let mut units = Vec::new();
    for (owner, part) in &touched.parts {
        let nested: Vec<Range<usize>> = match owner {
            Some(i) => inside(functions, *i, &touched),
            None => outermost(functions),
        };
        let range = owner.map_or(0..after.text().len(), |i| functions[i].range.clone());
        let selection = Selection {
            range: range.clone(),
            nested: &nested,
            marked: &after.added,
            mark: TokenMark::Added,
            context: true,
        };
        let code = tokens::read(after, &selection);
        let gone = before.map_or_else(Vec::new, |b| removed_tokens(b, &part.removed));
        let overflow = usize::from(code.len() >= MOST_TOKENS);
        let (windows, truncated) = cut(code, &part.anchors, gone, tokens::language_token(after.language));
        if windows.is_empty() {
            continue;
        }
        let symbol = owner.map_or_else(|| module_symbol(after, part), |i| functions[i].symbol.clone());
        units.push(Unit { symbol, range, windows, truncated: truncated + overflow });
    }
    units
}

/// What of the change lies in one unit.
#[derive(Default)]
struct Part {
    removed: LineSet,
    /// Lines after the change at which something was removed.
    anchors: Vec<u32>,
    first_line: Option<u32>,
}

struct Touched {
    parts: BTreeMap<Option<usize>, Part>,
}

impl Touched {
    fn new(after: &SourceFile, before: Option<&SourceFile>, removed: &LineSet) -> Self {
        let functions = &after.outline.functions;
        let owners = owners(functions, after.index.line_count());
        let units = unit_of_each(functions);
        let unit_at = |line: u32| owners.get(line as usize).copied().flatten().map(|i| units[i]);
        let mut parts: BTreeMap<Option<usize>, Part> = BTreeMap::new();
        for line in lines(&after.added) {
            parts.entry(unit_at(line)).or_default().first_line.get_or_insert(line);
        }
        let Some(before) = before else { return Self { parts } };
        let former = &before.outline.functions;
        let former_owners = self::owners(former, before.index.line_count());
        let by_symbol: HashMap<&str, usize> =
            functions.iter().enumerate().rev().map(|(i, f)| (f.symbol.as_str(), i)).collect();
        let places = Places::new(&after.added, removed);
        for line in lines(removed) {
            let at = places.line_before(line);
            let same_name = former_owners
                .get(line as usize)
                .copied()
                .flatten()
                .and_then(|i| by_symbol.get(former[i].symbol.as_str()))
                .map(|i| units[*i]);
            let unit = same_name.or_else(|| {
                let (above, below) = (unit_at(at), unit_at(at + 1));
                if after.added.contains(at + 1) || above == below { below } else { None }
            });
            let part = parts.entry(unit).or_default();
            part.removed.insert(line, line);
            part.anchors.push(at + 1);
            part.first_line.get_or_insert(at.max(1));
        }
        Self { parts }
    }
}

/// Returns the innermost function of every line, by line number.
fn owners(functions: &[Function], line_count: u32) -> Vec<Option<usize>> {
    let mut owners = vec![None; line_count as usize + 2];
    for (i, function) in functions.iter().enumerate() {
        let (first, last) = (function.lines.0 as usize, (function.lines.1 as usize).min(owners.len() - 1));
        if first <= last {
            owners[first..=last].fill(Some(i));
        }
    }
    owners
}

/// Returns for every function the one that is its unit.
fn unit_of_each(functions: &[Function]) -> Vec<usize> {
    let mut units = Vec::with_capacity(functions.len());
    let mut open: Vec<usize> = Vec::new();
    for (i, function) in functions.iter().enumerate() {
        while open.last().is_some_and(|o| functions[*o].range.end < function.range.end) {
            open.pop();
        }
        let small = |o: &usize| functions[*o].lines.1 - functions[*o].lines.0 < LARGEST_UNIT;
        units.push(open.last().filter(|o| small(o)).map_or(i, |o| units[*o]));
        open.push(i);
    }
    units
}

/// Returns the functions inside function `unit` that are units with changes of their own.
fn inside(functions: &[Function], unit: usize, touched: &Touched) -> Vec<Range<usize>> {
    let range = &functions[unit].range;
    let is_inside = |f: &Function| f.range.start >= range.start && f.range.end <= range.end && f.range != *range;
    touched.parts.keys().flatten().map(|i| &functions[*i]).filter(|f| is_inside(f)).map(|f| f.range.clone()).collect()
}

fn outermost(functions: &[Function]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for function in functions {
        if found.last().is_none_or(|last| last.end <= function.range.start) {
            found.push(function.range.clone());
        }
    }
    found
}

fn module_symbol(file: &SourceFile, part: &Part) -> String {
    let line = part.first_line.unwrap_or(1);
    file.symbol_at(&file.index.line_range(line, file.text())).to_owned()
}

fn removed_tokens(before: &SourceFile, removed: &LineSet) -> Vec<Token> {
    let (Some(first), Some(last)) = (removed.ranges().first(), removed.ranges().last()) else { return Vec::new() };
    let text = before.text();
    let range = before.index.line_range(first.0, text).start..before.index.line_range(last.1, text).end;
    let selection = Selection { range, nested: &[], marked: removed, mark: TokenMark::Removed, context: false };
    tokens::read(before, &selection)
}

fn lines(set: &LineSet) -> impl Iterator<Item = u32> + '_ {
    set.ranges().iter().flat_map(|(first, last)| *first..=*last)
}

/// Finds for lines of the text before the change their place after it.
struct Places<'a> {
    added: &'a LineSet,
    removed: &'a LineSet,
}

impl<'a> Places<'a> {
    fn new(added: &'a LineSet, removed: &'a LineSet) -> Self {
        Self { added, removed }
    }

    /// Returns the line after the change that is the last kept one before removed line `line`; 0 where there is none.
    fn line_before(&self, line: u32) -> u32 {
        let gone: u32 =
            self.removed.ranges().iter().take_while(|(a, _)| *a < line).map(|(a, b)| line.min(b + 1) - a).sum();
        let mut at = (line - 1).saturating_sub(gone);
        if at == 0 {
            return 0;
        }
        for (first, last) in self.added.ranges() {
            if *first > at {
                break;
            }
            at += last - first + 1;
        }
        at
    }
}

/// Cuts one unit's tokens into windows; also returns how many changed tokens no window holds.
fn cut(code: Vec<Token>, anchors: &[u32], gone: Vec<Token>, language: &str) -> (Vec<Vec<Token>>, usize) {
    let Some(line) = code.first().or(gone.first()).map(|t| t.line) else { return (Vec::new(), 0) };
    let added = code.iter().filter(|t| t.mark == TokenMark::Added).count();
    if added == 0 && gone.is_empty() {
        return (Vec::new(), 0);
    }
    let special = |text: &str, line: u32| Token { text: text.to_owned(), line, mark: TokenMark::Context };
    let room = LENGTH - 1;
    let kept_gone =
        if gone.is_empty() { 0 } else { gone.len().min(ROOM_FOR_REMOVED.max((room - 1).saturating_sub(code.len()))) };
    let first_room = if kept_gone == 0 { room } else { room - 1 - kept_gone };
    let mut stream = select(code, anchors, first_room);
    let mut windows = Vec::new();
    let lost_gone = gone.len() - kept_gone;
    let mut gone = Some(gone).filter(|_| kept_gone > 0);
    loop {
        let take = if windows.is_empty() { first_room } else { room };
        let rest = stream.split_off(take.min(stream.len()));
        let mut window = vec![special(language, stream.first().map_or(line, |t| t.line))];
        window.append(&mut stream);
        if let Some(gone) = gone.take() {
            window.push(special("<removed>", gone[0].line));
            window.extend(gone.into_iter().take(kept_gone));
        }
        windows.push(window);
        stream = rest;
        if stream.is_empty() || windows.len() == MOST_WINDOWS {
            break;
        }
    }
    let held = windows.iter().flatten().filter(|t| t.mark == TokenMark::Added).count();
    (windows, added - held + lost_gone)
}

/// Keeps the tokens near changed ones: all where they fit, else as far around as fits, else the nearest around each.
fn select(code: Vec<Token>, anchors: &[u32], room: usize) -> Vec<Token> {
    if code.len() <= room {
        return code;
    }
    let distances = distances(&code, anchors);
    let (mut far, near) = DISTANCES;
    while far > near && length_within(&distances, far) > room {
        far = (far * 3 / 4).max(near);
    }
    let mut kept = Vec::new();
    let mut gap = false;
    for (token, distance) in code.into_iter().zip(distances) {
        if distance > far {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) {
            kept.push(Token { text: "<gap>".to_owned(), line: token.line, mark: TokenMark::Context });
        }
        kept.push(token);
    }
    kept
}

/// Returns how far each token is from the nearest changed one, in tokens.
fn distances(code: &[Token], anchors: &[u32]) -> Vec<usize> {
    let mut distances: Vec<usize> =
        code.iter().map(|t| if t.mark == TokenMark::Added { 0 } else { usize::MAX / 2 }).collect();
    for anchor in anchors {
        let at = code.partition_point(|t| t.line < *anchor).min(code.len() - 1);
        distances[at] = 0;
    }
    for i in 1..distances.len() {
        distances[i] = distances[i].min(distances[i - 1] + 1);
    }
    for i in (1..distances.len()).rev() {
        distances[i - 1] = distances[i - 1].min(distances[i] + 1);
    }
    distances
}

/// Returns how many places the tokens within `far` take, gaps included.
fn length_within(distances: &[usize], far: usize) -> usize {
    let kept = distances.iter().filter(|d| **d <= far).count();
    let gaps = distances.windows(2).filter(|w| w[0] > far && w[1] <= far).count();
    kept + gaps
}

#[cfg(test)]
mod tests {
    use super::{Places, cut};
    use crate::detect::classifier::tokens::{LENGTH, Token, TokenMark};
    use crate::span::LineSet;

    fn run(count: u32, mark: TokenMark) -> Vec<Token> {
        (1..=count).map(|line| Token { text: "x".into(), line, mark }).collect()
    }

    #[test]
    fn long_code_is_cut_around_what_changed() {
        let mut code = run(1000, TokenMark::Context);
        code[500].mark = TokenMark::Added;
        let (windows, truncated) = cut(code, &[], run(3, TokenMark::Removed), "<python>");
        assert_eq!((windows.len(), truncated), (1, 0));
        let window = &windows[0];
        assert!(window.len() <= LENGTH);
        assert_eq!((window[0].text.as_str(), window[1].text.as_str()), ("<python>", "<gap>"));
        assert_eq!(window.iter().filter(|t| t.mark == TokenMark::Removed).count(), 3);
        assert!(window.iter().any(|t| t.mark == TokenMark::Added));
    }

    #[test]
    fn much_added_code_takes_several_windows_and_what_is_lost_is_counted() {
        let (windows, truncated) = cut(run(2000, TokenMark::Added), &[], run(100, TokenMark::Removed), "<rust>");
        assert_eq!(windows.len(), 4);
        assert!(windows.iter().all(|w| w.len() == LENGTH));
        assert_eq!(truncated, 2000 - (LENGTH - 1 - 65) - 3 * (LENGTH - 1) + 36);
    }

    #[test]
    fn removed_lines_find_their_place() {
        // Before: 1 2 3 4 5, lines 2 and 4 removed; after: 1 A 3 5, line 2 added.
        let added = LineSet::range(2, 2);
        let mut removed = LineSet::range(2, 2);
        removed.insert(4, 4);
        let places = Places::new(&added, &removed);
        assert_eq!((places.line_before(2), places.line_before(4)), (1, 3));
        assert_eq!(Places::new(&LineSet::default(), &LineSet::range(1, 2)).line_before(2), 0);
    }
}
