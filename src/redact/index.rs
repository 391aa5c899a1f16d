//! All known secrets at once: what a text costs grows with the text, not with how many secrets there are.

use super::{mask, mask_ranges, windows};
use aho_corasick::AhoCorasick;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// What is made of values and parts when a text is first masked.
#[derive(Clone)]
pub(super) struct Index {
    /// Finds all values; none where there is none.
    values: Option<AhoCorasick>,
    /// How many characters each of them has.
    lengths: Vec<usize>,
    /// By each stretch of characters of the parts, those that hold it.
    pieces: HashMap<String, Vec<usize>>,
    parts: Vec<String>,
}

impl Index {
    pub(super) fn of(values: &BTreeSet<String>, parts: &BTreeSet<String>) -> Self {
        let mut pieces: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, part) in parts.iter().enumerate() {
            for piece in windows(part) {
                match pieces.get_mut(piece) {
                    Some(numbers) if numbers.last() == Some(&number) => {}
                    Some(numbers) => numbers.push(number),
                    None => drop(pieces.insert(piece.to_owned(), vec![number])),
                }
            }
        }
        Self {
            // It fails where there are billions of characters.
            values: (!values.is_empty()).then(|| AhoCorasick::new(values).ok()).flatten(),
            lengths: values.iter().map(|value| value.chars().count()).collect(),
            pieces,
            parts: parts.iter().cloned().collect(),
        }
    }

    /// Returns `text` with the values masked that have at least `min` characters.
    pub(super) fn mask_values(&self, text: &str, min: usize) -> String {
        if self.values.is_none() && !self.lengths.is_empty() {
            return mask(text);
        }
        let found = self.values.iter().flat_map(|values| values.find_overlapping_iter(text));
        let long = found.filter(|found| self.lengths.get(found.pattern().as_usize()).is_some_and(|long| *long >= min));
        mask_ranges(text, long.map(|found| found.range()).collect())
    }

    pub(super) fn has_pieces(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Returns what a text shares with the parts.
    pub(super) fn shared(&self, text: &str) -> Vec<Range<usize>> {
        let mut shared: Vec<Range<usize>> = Vec::new();
        for piece in windows(text).filter(|piece| self.pieces.contains_key(*piece)) {
            let start = piece.as_ptr() as usize - text.as_ptr() as usize;
            let range = start..start + piece.len();
            match shared.last_mut() {
                Some(last) if last.end > range.start => last.end = range.end,
                _ => shared.push(range),
            }
        }
        shared
    }

    /// Returns the parts that may hold what is shared: all others do not.
    pub(super) fn holders(&self, shared: &str) -> impl Iterator<Item = &str> {
        let numbers = windows(shared).next().and_then(|piece| self.pieces.get(piece));
        numbers.into_iter().flatten().filter_map(|number| self.parts.get(*number)).map(String::as_str)
    }
}
