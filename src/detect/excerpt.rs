//! The one place where source text becomes something that may be shown.

use crate::finding::{Excerpt, Mark};
use crate::path::visible_lines;
use crate::redact::Redactor;
use crate::syntax::SourceFile;
use std::ops::Range;

/// Lines shown before and after the marked ones.
const CONTEXT: u32 = 1;
/// Lines shown of one match at most, context included.
const MAX_LINES: u32 = 8;
/// Characters shown of one line at most.
const MAX_COLUMNS: usize = 200;

/// Returns the lines around a byte range, secrets masked, steering characters made visible, and what to underline.
pub fn excerpt(file: &SourceFile, range: &Range<usize>, redactor: &Redactor) -> Excerpt {
    let span = file.span(range.clone());
    let first = span.start.line.saturating_sub(CONTEXT).max(1);
    let last = (span.last_line() + CONTEXT).min(file.index.line_count()).min(first + MAX_LINES - 1);
    let mut excerpt = Excerpt { first_line: first, ..Excerpt::default() };
    for line in first..=last.max(first) {
        let bytes = file.index.line_range(line, file.text());
        let raw = file.text().get(bytes).unwrap_or_default();
        let (shown, columns) = shown_line(&redactor.redact(raw));
        if (span.start.line..=span.last_line()).contains(&line) {
            let indent = raw.chars().take_while(|c| c.is_whitespace()).count() + 1;
            let start = if line == span.start.line { span.start.column as usize } else { indent };
            let end = if line == span.end.line { span.end.column as usize } else { raw.chars().count() + 1 };
            let at = |column: usize| columns.get(column - 1).copied().unwrap_or_else(|| *columns.last().unwrap_or(&1));
            let (start, end) = (at(start), at(end));
            if end > start {
                excerpt.marks.push(Mark { line, start, end });
            }
        }
        excerpt.lines.push(shown);
    }
    excerpt
}

/// Returns one line as it may be shown, without the white space around it.
pub fn line(file: &SourceFile, number: u32, redactor: &Redactor) -> String {
    let raw = file.text().get(file.index.line_range(number, file.text())).unwrap_or_default();
    shown_line(redactor.redact(raw).trim()).0
}

/// Returns the line as shown, and for each character of the original the column it begins at (one more for the end).
fn shown_line(line: &str) -> (String, Vec<u32>) {
    let mut shown = String::new();
    let mut columns = Vec::new();
    let mut column = 1u32;
    for c in line.chars() {
        columns.push(column);
        if columns.len() > MAX_COLUMNS {
            shown.push('…');
            return (shown, columns);
        }
        let text = match c {
            '\t' => " ".to_owned(),
            // `##[` is a command to GitHub's runner anywhere in a log (see `path::visible`).
            '[' if shown.ends_with("##") => "\\u{5b}".to_owned(),
            c => visible_lines(&c.to_string()),
        };
        column += u32::try_from(text.chars().count()).unwrap_or(1);
        shown.push_str(&text);
    }
    columns.push(column);
    (shown, columns)
}
