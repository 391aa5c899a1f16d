//! Which lines of two texts differ. Worked out here from the contents, never taken from git's patch output:
//! a `.gitattributes` of the change could make git call a source file binary.

use crate::span::{LineIndex, LineSet};
use imara_diff::{Algorithm, Diff, InternedInput};

/// Returns the lines of `before` that are removed or rewritten, and the lines of `after` that are added or rewritten.
///
/// Line endings count as part of the line only in so far as CR before LF is ignored: a file whose line endings alone
/// change has no new lines.
pub fn changed_lines(before: &str, after: &str) -> (LineSet, LineSet) {
    let input = InternedInput::new(Lines(before), Lines(after));
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_no_heuristic(&input);
    let (mut removed, mut added) = (LineSet::default(), LineSet::default());
    for hunk in diff.hunks() {
        removed.insert(hunk.before.start + 1, hunk.before.end);
        added.insert(hunk.after.start + 1, hunk.after.end);
    }
    (removed, added)
}

/// Returns every line of `text`.
pub fn all_lines(text: &str) -> LineSet {
    LineSet::range(1, LineIndex::new(text).line_count())
}

struct Lines<'a>(&'a str);

impl<'a> imara_diff::TokenSource for Lines<'a> {
    type Token = &'a str;
    type Tokenizer = std::str::Lines<'a>;

    fn tokenize(&self) -> Self::Tokenizer {
        self.0.lines()
    }

    fn estimate_tokens(&self) -> u32 {
        u32::try_from(self.0.len() / 32).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::changed_lines;

    #[test]
    fn rewritten_lines_count_on_both_sides() {
        let (removed, added) = changed_lines("a\nb\nc\n", "a\nB\nc\nd\n");
        assert_eq!(removed.ranges(), &[(2, 2)]);
        assert_eq!(added.ranges(), &[(2, 2), (4, 4)]);
    }

    #[test]
    fn line_endings_alone_are_no_change() {
        let (removed, added) = changed_lines("a\nb\n", "a\r\nb\r\n");
        assert!(removed.is_empty() && added.is_empty());
    }
}
