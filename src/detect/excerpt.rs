//! The one place where source text becomes something that may be shown.

use crate::finding::{Excerpt, Mark};
use crate::path::visible_lines;
use crate::redact::Redactor;
use crate::syntax::SourceFile;
use std::ops::{Range, RangeInclusive};

/// Lines shown before and after the marked ones.
const CONTEXT: u32 = 1;
/// Lines shown of one match at most, context included.
const MAX_LINES: u32 = 8;
/// Characters shown of one line at most, ellipses included.
const MAX_COLUMNS: usize = 200;
/// Bytes read on both sides of what is shown, to tell whether it is part of a secret.
const AROUND: usize = 600;

/// Returns the lines around a byte range, secrets masked, steering characters made visible, and what to underline.
pub fn excerpt(file: &SourceFile, range: &Range<usize>, redactor: &Redactor) -> Excerpt {
    let span = file.span(range.clone());
    let first = span.start.line.saturating_sub(CONTEXT).max(1);
    let last = (span.last_line() + CONTEXT).min(file.index.line_count()).min(first + MAX_LINES - 1).max(first);
    let mut excerpt = Excerpt { first_line: first, ..Excerpt::default() };
    let masked = Masked::new(file, first..=last, redactor);
    for line in first..=last {
        let bytes = file.index.line_range(line, file.text());
        let raw = file.text().get(bytes.clone()).unwrap_or_default();
        let length = raw.chars().count();
        if !(span.start.line..=span.last_line()).contains(&line) {
            excerpt.lines.push(masked.shown(&bytes, window(length, &(0..0), MAX_COLUMNS / 2)).0);
            continue;
        }
        let indent = raw.chars().take_while(|c| c.is_whitespace()).count();
        let start = if line == span.start.line { span.start.column as usize - 1 } else { indent };
        let end = if line == span.end.line { span.end.column as usize - 1 } else { length };
        let window = window(length, &(start..end), MAX_COLUMNS / 2);
        let (shown, columns) = masked.shown(&bytes, window.clone());
        let at = |place: usize| {
            let place = place.clamp(window.start, window.end) - window.start;
            columns.get(place).or(columns.last()).copied().unwrap_or(1)
        };
        let (start, end) = (at(start), at(end));
        if end > start {
            excerpt.marks.push(Mark { line, start, end });
        }
        excerpt.lines.push(shown);
    }
    excerpt
}

/// Returns the line that a byte range begins in, as it may be shown, without the white space around it. Of a long line
/// it is the stretch that begins shortly before the range.
pub fn line(file: &SourceFile, range: &Range<usize>, redactor: &Redactor) -> String {
    let span = file.span(range.clone());
    let number = span.start.line;
    let bytes = file.index.line_range(number, file.text());
    let raw = file.text().get(bytes.clone()).unwrap_or_default();
    let indent = raw.len() - raw.trim_start().len();
    let skipped = raw[..indent].chars().count();
    let start = (span.start.column as usize - 1).saturating_sub(skipped);
    let end = if span.end.line == number { (span.end.column as usize - 1).saturating_sub(skipped) } else { start };
    let bytes = bytes.start + indent..bytes.start + indent + raw.trim().len();
    let window = window(raw.trim().chars().count(), &(start..end.max(start)), 20);
    Masked::new(file, number..=number, redactor).shown(&bytes, window).0
}

/// Returns which characters of a line are shown: those around the marked ones, `lead` of them before where the line is
/// cut there.
fn window(length: usize, marked: &Range<usize>, lead: usize) -> Range<usize> {
    let width = MAX_COLUMNS - 2;
    if length <= MAX_COLUMNS {
        return 0..length;
    }
    if marked.end.max(marked.start + 1) <= width {
        return 0..width;
    }
    let before = width.saturating_sub(marked.len()).div_ceil(2).clamp(20, lead.max(20));
    let start = marked.start.saturating_sub(before).min(length - width);
    start..start + width
}

/// Source text whose secrets are masked with a look at what stands around it: the name of a command on the line above.
struct Masked<'a> {
    file: &'a SourceFile,
    redactor: &'a Redactor,
    /// The masked text of the lines and where it begins, where they are short enough to be masked at once.
    whole: Option<(usize, String)>,
}

impl<'a> Masked<'a> {
    fn new(file: &'a SourceFile, lines: RangeInclusive<u32>, redactor: &'a Redactor) -> Self {
        let start = file.index.line_range(*lines.start(), file.text()).start;
        let end = file.index.line_range(*lines.end(), file.text()).end;
        let mut masked = Self { file, redactor, whole: None };
        if end.saturating_sub(start) <= 8 * AROUND {
            masked.whole = Some(masked.around(&(start..end)));
        }
        masked
    }

    /// Returns the masked text of a byte range and what stands around it, and where that begins.
    fn around(&self, bytes: &Range<usize>) -> (usize, String) {
        let text = self.file.text();
        let mut start = bytes.start.saturating_sub(AROUND);
        let mut end = (bytes.end + AROUND).min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        while !text.is_char_boundary(end) {
            end += 1;
        }
        (start, self.redactor.redact(&text[start..end]))
    }

    /// Returns a stretch of a line as shown, and for each of its characters the column it begins at (one more for the
    /// end). The line is given in bytes, the stretch in characters of it.
    fn shown(&self, line: &Range<usize>, window: Range<usize>) -> (String, Vec<u32>) {
        let text = self.file.text();
        let raw = text.get(line.clone()).unwrap_or_default();
        let byte = |n: usize| line.start + raw.char_indices().nth(n).map_or(raw.len(), |(at, _)| at);
        let bytes = byte(window.start)..byte(window.end);
        let cut = (bytes.start > line.start, bytes.end < line.end);
        let own;
        let (from, masked) = match &self.whole {
            Some(whole) => whole,
            None => {
                own = self.around(&bytes);
                &own
            }
        };
        // Masked character for character, so the stretch is found by counting.
        let before = text[*from..bytes.start].chars().count();
        let stretch = masked.chars().skip(before).take(window.len());
        written(stretch, cut)
    }
}

/// Writes characters as they may be shown, and says for each the column it begins at.
fn written(text: impl Iterator<Item = char>, cut: (bool, bool)) -> (String, Vec<u32>) {
    let mut shown = String::new();
    let mut columns = Vec::new();
    let mut column = 1u32;
    if cut.0 {
        shown.push('…');
        column += 1;
    }
    for c in text {
        columns.push(column);
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
    if cut.1 {
        shown.push('…');
    }
    (shown, columns)
}

#[cfg(test)]
mod tests {
    use super::{MAX_COLUMNS, excerpt, line};
    use crate::change::text::Text;
    use crate::redact::Redactor;
    use crate::syntax::{Limits, SourceFile, language::Language, parse};
    use std::time::Duration;

    fn python(text: &str) -> SourceFile {
        let text = Text { text: text.to_owned(), notes: vec![] };
        let limits = Limits { time: Duration::from_secs(60), depth: 1_000 };
        parse(&"a.py".into(), Language::Python, &text, &limits).expect("small")
    }

    fn marked(text: &str, what: &str) -> (String, String) {
        let file = python(text);
        let start = text.find(what).expect("it is there");
        let shown = excerpt(&file, &(start..start + what.len()), &Redactor::default());
        let mark = shown.marks[0];
        let row = &shown.lines[(mark.line - shown.first_line) as usize];
        let chars = row.chars().skip(mark.start as usize - 1).take((mark.end - mark.start) as usize);
        (row.clone(), chars.collect())
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let long = format!("a = 1; {}eval(x); {}\n", "é = 2; ".repeat(100), "c = 3; ".repeat(100));
        let (row, mark) = marked(&long, "eval(x)");
        assert_eq!(mark, "eval(x)");
        assert!(row.starts_with('…') && row.ends_with('…') && row.chars().count() <= MAX_COLUMNS, "{row}");
        let (row, mark) = marked(&format!("eval(x); {}\n", "c = 3; ".repeat(100)), "eval(x)");
        assert!(mark == "eval(x)" && row.starts_with("eval") && row.ends_with('…'), "{row}");
        let (row, mark) = marked(&format!("{}eval(x)\n", "c = 3; ".repeat(100)), "eval(x)");
        assert!(mark == "eval(x)" && row.starts_with('…') && row.ends_with("eval(x)"), "{row}");
        let call = format!("eval('{}')", "y".repeat(500));
        let (row, mark) = marked(&format!("{}{call}\n", "c = 3; ".repeat(100)), &call);
        assert!(mark.starts_with("eval('yyy") && row.chars().count() <= MAX_COLUMNS, "{row}");
    }

    #[test]
    fn a_step_in_a_long_line_is_shown_from_shortly_before_it() {
        let text = format!("    {}eval(x)\n", "c = 3; ".repeat(100));
        let start = text.find("eval").expect("it is there");
        let shown = line(&python(&text), &(start..start + 7), &Redactor::default());
        assert!(shown.starts_with('…') && shown.contains("eval(x)"), "{shown}");
        assert_eq!(line(&python("  f(x)\n"), &(2..6), &Redactor::default()), "f(x)");
    }

    #[test]
    fn secrets_are_told_by_what_stands_around_them() {
        let text = "run([\n    \"mysql\",\n    \"-pletmein\",\n    x,\n])\nreturn y\n";
        let at = text.find("x,").expect("it is there");
        let shown = excerpt(&python(text), &(at..at + 1), &Redactor::default());
        assert_eq!(shown.lines, ["    \"-p*******\",", "    x,", "])"]);
        let mut redactor = Redactor::default();
        redactor.learn("kq7Rm2-payment-Zx81vTn4");
        let text = "f('kq7Rm2', x)\n";
        assert_eq!(excerpt(&python(text), &(12..13), &redactor).lines, ["f('******', x)"]);
        // In a line that is too long to be masked whole, a secret is known although only a part of it is shown.
        let text = format!("{}'{}'; eval(x)\n", "c = 3; ".repeat(900), "kq7Rm2-payment-Zx81vTn4".repeat(9));
        let at = text.find("eval").expect("it is there");
        let shown = excerpt(&python(&text), &(at..at + 7), &redactor);
        assert!(!shown.lines[0].contains("7Rm2") && shown.lines[0].contains("eval(x)"), "{:?}", shown.lines);
    }
}
