//! GitHub workflow commands: annotations on the lines of a change. The runner shows at most ten errors and ten warnings
//! of a step and drops the rest without a word, so the riskiest are chosen here and the rest is said in a notice.

use super::markdown::{self, Shape};
use super::model::FindingView;
use super::{Report, Style, text, way};
use std::io::{self, Write};

/// Annotations of one level that a runner shows.
const LIMIT: usize = 10;

/// Writes workflow commands, one a line, and nothing else.
///
/// # Errors
/// Whatever the writer says.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let report = &report.visible()?;
    let all = text::shown(report, style);
    let (errors, warnings): (Vec<_>, Vec<_>) = all.iter().copied().partition(|f| f.disposition == "blocks");
    let gaps = text::gaps(report);
    let closed = gaps.iter().any(|g| g.closes);
    // One place is kept for what could not be analysed: a reader must not take the list for the whole truth.
    let errors_told = errors.len().min(LIMIT - usize::from(closed));
    let warnings_told = warnings.len().min(LIMIT - usize::from(!closed && !gaps.is_empty()));
    for finding in &errors[..errors_told] {
        annotate("error", finding, out)?;
    }
    for finding in &warnings[..warnings_told] {
        annotate("warning", finding, out)?;
    }
    let told = errors_told + warnings_told;
    if let Some(first) = gaps.first() {
        let file = first.path.as_ref().map(|p| format!("file={},", property(p))).unwrap_or_default();
        let more = if gaps.len() > 1 { format!(" (showing 1 of {} such gaps)", gaps.len()) } else { String::new() };
        let level = if closed { "error" } else { "warning" };
        let detail = text::clip(&text::line(&first.detail), 500);
        writeln!(out, "::{level} {file}title=Portcullis%3A not analysed::{}", data(&format!("{detail}{more}")))?;
    }
    let showing = if told < all.len() { format!("\nshowing {told} of {} findings", all.len()) } else { String::new() };
    let title = property(&format!("Portcullis: {}", report.verdict.as_str()));
    let words = format!("{}{showing}", text::clip(&text::reasons(report), 1000));
    writeln!(out, "::notice title={title}::{}", data(if words.is_empty() { "no reason given" } else { &words }))
}

/// Writes a job summary: Markdown, under GitHub's limit for one step.
///
/// # Errors
/// Whatever the writer says.
pub fn summary(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(markdown::compose(&report.visible()?, Style::default(), Shape::SUMMARY).as_bytes())
}

fn annotate(level: &str, f: &FindingView, out: &mut dyn Write) -> io::Result<()> {
    let end = f.end_line.max(f.start_line);
    // The runner ignores columns of annotations over several lines.
    let columns = if end == f.start_line && f.end_column > f.start_column {
        format!(",col={},endColumn={}", f.start_column, f.end_column)
    } else {
        String::new()
    };
    let title = property(&text::clip(&text::line(&f.rule), 100));
    let mut words = format!("{} ({})", text::clip(&text::line(&f.message), 300), text::measure(f));
    if let Some(way) = way::brief(f) {
        words.push_str(&format!("\nWay of the data: {way}"));
    }
    if !f.fix.trim().is_empty() {
        words.push_str(&format!("\nFix: {}", text::clip(&text::line(&f.fix), 600)));
    }
    let (file, line) = (property(&f.path), f.start_line.max(1));
    writeln!(out, "::{level} file={file},line={line},endLine={end}{columns},title={title}::{}", data(&words))
}

/// Escapes the text of a command, as `actions/toolkit` does.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command, as `actions/toolkit` does.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
