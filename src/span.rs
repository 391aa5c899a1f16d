//! Places in a text: byte offsets, line and column positions, sets of lines.
//!
//! Knows nothing of files, languages or findings.

use serde::{Deserialize, Serialize};

/// A point in a text: line and column count from 1, the column in characters (Unicode scalar values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A half-open stretch of text: bytes `start_byte..end_byte`, and the same ends as positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start_byte: usize,
    /// One past the last byte.
    pub end_byte: usize,
    /// Position of the first character.
    pub start: Position,
    /// Position just after the last character.
    pub end: Position,
}

impl Span {
    /// Returns the last line that holds a character of the span (an end at column 1 belongs to the line before).
    pub fn last_line(&self) -> u32 {
        if self.end.column == 1 && self.end.line > self.start.line { self.end.line - 1 } else { self.end.line }
    }

    /// Says whether the two spans share at least one byte.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start_byte < other.end_byte && other.start_byte < self.end_byte
    }
}

/// The line starts of one text: turns byte offsets into positions.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<usize>,
    len: usize,
}

impl LineIndex {
    /// Indexes `text`. Lines end at LF; a CR before it belongs to its line.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1));
        Self { starts, len: text.len() }
    }

    /// Returns how many lines there are; a text that ends with LF has no further empty line.
    pub fn line_count(&self) -> u32 {
        let n = self.starts.len();
        let last_is_empty = self.starts.last() == Some(&self.len);
        to_u32(if last_is_empty { n - 1 } else { n })
    }

    /// Returns the line, from 1, that holds `byte`.
    pub fn line_of(&self, byte: usize) -> u32 {
        to_u32(self.starts.partition_point(|s| *s <= byte))
    }

    /// Returns the byte range of a line without its line ending, or an empty range past the end.
    pub fn line_range(&self, line: u32, text: &str) -> std::ops::Range<usize> {
        let i = line.saturating_sub(1) as usize;
        let Some(&start) = self.starts.get(i) else { return self.len..self.len };
        let end = self.starts.get(i + 1).map_or(self.len, |s| s - 1);
        let end = if text.as_bytes().get(start..end).is_some_and(|l| l.ends_with(b"\r")) { end - 1 } else { end };
        start..end
    }

    /// Returns the position of `byte` in `text`, which must be the indexed text.
    pub fn position(&self, byte: usize, text: &str) -> Position {
        let byte = byte.min(self.len);
        let line = self.line_of(byte);
        let start = self.starts[line as usize - 1];
        let column = text.get(start..byte).map_or(byte - start, |s| s.chars().count());
        Position { line, column: to_u32(column + 1) }
    }

    /// Returns the span of a byte range in `text`, which must be the indexed text.
    pub fn span(&self, range: std::ops::Range<usize>, text: &str) -> Span {
        Span {
            start_byte: range.start,
            end_byte: range.end,
            start: self.position(range.start, text),
            end: self.position(range.end, text),
        }
    }
}

/// A set of lines, kept as sorted, disjoint, inclusive ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSet {
    ranges: Vec<(u32, u32)>,
}

impl LineSet {
    /// Returns the set of lines `first..=last`, or the empty set where `last < first`.
    pub fn range(first: u32, last: u32) -> Self {
        let mut set = Self::default();
        set.insert(first, last);
        set
    }

    /// Adds `first..=last`. Ranges must arrive in rising order.
    pub fn insert(&mut self, first: u32, last: u32) {
        if last < first {
            return;
        }
        match self.ranges.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => self.ranges.push((first, last)),
        }
    }

    /// Says whether any line of `first..=last` is in the set.
    pub fn intersects(&self, first: u32, last: u32) -> bool {
        let i = self.ranges.partition_point(|(_, end)| *end < first);
        self.ranges.get(i).is_some_and(|(start, _)| *start <= last)
    }

    /// Says whether `line` is in the set.
    pub fn contains(&self, line: u32) -> bool {
        self.intersects(line, line)
    }

    /// Returns how many lines the set holds.
    pub fn len(&self) -> u32 {
        self.ranges.iter().map(|(a, b)| b - a + 1).sum()
    }

    /// Says whether the set holds no line.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Returns the ranges, inclusive, in rising order.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{LineIndex, LineSet, Position};

    #[test]
    fn positions_count_characters_and_lines_from_one() {
        let text = "aé\r\nb\n";
        let index = LineIndex::new(text);
        assert_eq!(index.line_count(), 2);
        assert_eq!(index.position(3, text), Position { line: 1, column: 3 });
        assert_eq!(index.position(5, text), Position { line: 2, column: 1 });
        assert_eq!(&text[index.line_range(1, text)], "aé");
        assert_eq!(index.line_range(9, text), text.len()..text.len());
    }

    #[test]
    fn line_sets_join_touching_ranges() {
        let mut set = LineSet::range(2, 3);
        set.insert(4, 4);
        set.insert(9, 8);
        set.insert(10, 12);
        assert_eq!(set.ranges(), &[(2, 4), (10, 12)]);
        assert!(set.contains(4) && !set.contains(5) && set.intersects(5, 10));
        assert_eq!(set.len(), 6);
    }
}
