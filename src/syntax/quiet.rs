//! Long runs of comments in Python. Its grammar looks ahead over all that follow for each of them, so that some thousand
//! lines of comment alone would take seconds. The parser is given blank lines in place of most: those it skips at once.

use super::language::Language;
use std::borrow::Cow;

/// Lines of comment in a row up to which nothing is done.
const FEW: usize = 400;
/// Lines at the end of a longer run that stay: it is from the last ones that a block's place is told.
const LAST: usize = 50;
/// What a comment to the gate holds.
const MARKER: &str = "portcullis:";

/// Returns the text that the parser is given: as long as `text`, line by line and byte by byte.
///
/// A line that is written like a comment may also be one of a text in quotes. There it means something only by a quote, a
/// brace or a backslash, and lines with one of these stay, as do those that speak to the gate.
pub(super) fn quieted(language: Language, text: &str) -> Cow<'_, str> {
    if language != Language::Python {
        return Cow::Borrowed(text);
    }
    let mut out: Option<String> = None;
    let mut run: Vec<(usize, &str)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n').chain(["."]) {
        let start = at + (line.len() - line.trim_start().len());
        let trimmed = line.trim();
        if trimmed.starts_with('#') {
            run.push((start, trimmed));
        } else if !trimmed.is_empty() {
            if run.len() > FEW {
                for (start, comment) in run[..run.len() - LAST].iter().filter(|(_, comment)| is_mute(comment)) {
                    let blank = " ".repeat(comment.len());
                    out.get_or_insert_with(|| text.to_owned()).replace_range(*start..start + comment.len(), &blank);
                }
            }
            run.clear();
        }
        at += line.len();
    }
    out.map_or(Cow::Borrowed(text), Cow::Owned)
}

fn is_mute(comment: &str) -> bool {
    !comment.contains(['"', '\'', '{', '}', '\\']) && !comment.contains(MARKER)
}

#[cfg(test)]
mod tests {
    use super::{FEW, quieted};
    use crate::syntax::language::Language;

    #[test]
    fn only_mute_lines_of_long_runs_go_and_none_moves() {
        let run = |lines: usize, one: &str| {
            format!("x = 1\n{}{one}\n{}y = 2\n", "# ä b\n".repeat(lines), "  # c\n\n".repeat(60))
        };
        let short = run(FEW - 100, "# d");
        assert_eq!(quieted(Language::Python, &short), short);
        assert_eq!(quieted(Language::Rust, &run(FEW, "# d")), run(FEW, "# d"));
        for stays in ["# it's", "# \"\"\"", "# {f(x)}", "# \\", "# portcullis: ignore x -- y", "  ''' # d"] {
            let long = run(FEW, stays);
            let quiet = quieted(Language::Python, &long);
            assert_eq!(quiet.len(), long.len(), "{stays}");
            assert!(quiet.contains(stays) && quiet.starts_with("x = 1\n") && quiet.ends_with("y = 2\n"), "{stays}");
        }
        let long = run(FEW, "# d");
        let quiet = quieted(Language::Python, &long);
        assert_eq!((quiet.matches('#').count(), quiet.lines().count()), (50, long.lines().count()));
    }
}
