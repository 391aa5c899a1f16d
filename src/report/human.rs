//! For people, on a terminal: the verdict first, what to do last, and little else when all is well.

use super::model::{FindingView, GapView};
use super::remedy::Remedy;
use super::{Report, Style, text, way};
use crate::policy::Verdict;
use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use anstyle::{AnsiColor, Style as Pen};
use std::io::{self, Write};
use std::ops::Range;

/// Findings shown in full.
const FULL: usize = 30;
/// Findings shown in one line each, after those.
const BRIEF: usize = 300;
/// Lines of source that the way of data is shown by.
const STOPS: usize = 8;
/// Columns where the reader does not say how many.
const WIDTH: usize = 100;

/// Writes the report for a terminal.
///
/// # Errors
/// Whatever the writer says.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let report = &report.visible()?;
    let paper = Paper::new(style);
    paper.verdict(report, out)?;
    let (hints, findings): (Vec<_>, Vec<_>) =
        text::shown(report, style).into_iter().partition(|f| f.disposition == "advisory");
    paper.findings(&findings, out)?;
    paper.hints(&hints, out)?;
    paper.list("Suppressions", &text::suppressions(report), out)?;
    paper.gaps(report, out)?;
    paper.list("Notes", &report.notes.iter().map(|n| text::line(n)).collect::<Vec<_>>(), out)?;
    paper.basis(report, out)?;
    paper.remedy(report, out)
}

/// How to write: with which pens, and how wide.
struct Paper {
    color: bool,
    width: usize,
    renderer: Renderer,
}

impl Paper {
    fn new(style: Style) -> Self {
        let width = if style.width == 0 { WIDTH } else { style.width.clamp(40, 200) };
        let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
        Self { color: style.color, width, renderer: renderer.term_width(width) }
    }

    fn ink(&self, pen: Pen, text: &str) -> String {
        if self.color { format!("{pen}{text}{pen:#}") } else { text.to_owned() }
    }

    fn bold(&self, text: &str) -> String {
        self.ink(Pen::new().bold(), text)
    }

    fn verdict(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let color = match report.verdict {
            Verdict::Pass => AnsiColor::Green,
            Verdict::Blocked => AnsiColor::Red,
            Verdict::Inconclusive => AnsiColor::Yellow,
        };
        let word = self.ink(color.on_default().bold(), text::verdict(report));
        match report.reasons.as_slice() {
            [] => writeln!(out, "{word}"),
            [reason] => writeln!(out, "{word}: {}", text::line(reason)),
            reasons => {
                writeln!(out, "{word}")?;
                reasons.iter().try_for_each(|r| writeln!(out, "  - {}", text::line(r)))
            }
        }
    }

    fn findings(&self, findings: &[&FindingView], out: &mut dyn Write) -> io::Result<()> {
        for finding in findings.iter().take(FULL) {
            writeln!(out, "\n{}", self.block(finding))?;
        }
        if findings.len() <= FULL {
            return Ok(());
        }
        let brief = &findings[FULL..findings.len().min(FULL + BRIEF)];
        writeln!(out, "\nShowing {FULL} of {} findings in full; the next {} by risk:", findings.len(), brief.len())?;
        for f in brief {
            let place = text::place(f);
            writeln!(out, "  {} {:>5.1} {place}: {} [{}]", f.disposition, f.risk, text::line(&f.message), f.rule)?;
        }
        let left = findings.len() - FULL - brief.len();
        if left > 0 {
            writeln!(out, "  and {left} more: see the JSON or SARIF report")?;
        }
        Ok(())
    }

    fn block(&self, f: &FindingView) -> String {
        let level = match f.disposition.as_str() {
            "blocks" => Level::ERROR.with_name("blocks"),
            "warns" => Level::WARNING.with_name("warns"),
            _ => Level::NOTE.with_name("existing"),
        };
        let title = level.primary_title(text::clip(&text::line(&f.message), 300)).id(text::line(&f.rule));
        let marks: Vec<_> = marks(f).into_iter().map(|range| AnnotationKind::Primary.span(range)).collect();
        // Without a mark the library would begin a line with `:::`, and the excerpt would show nothing in particular.
        let mut parts: Vec<Element<'_>> = vec![if marks.is_empty() {
            let place = Origin::path(text::line(&f.path)).line(f.start_line as usize);
            place.char_column(f.start_column as usize).into()
        } else {
            let snippet = Snippet::source(f.excerpt.join("\n")).line_start(f.excerpt_line as usize);
            snippet.fold(false).path(text::line(&f.path)).annotations(marks).into()
        }];
        if f.flow.is_some() {
            parts.push(Level::NOTE.with_name("way").message(self.way(f)).into());
        }
        for (name, words) in lines_below(f) {
            parts.push(Level::NOTE.with_name(name).message(self.wrapped(&words, name.len() + 9)).into());
        }
        with_column(self.renderer.render(&[title.elements(parts)]), f)
    }

    /// Breaks a text into lines that fit beside a margin. None begins with `::`, which a CI runner would obey.
    fn wrapped(&self, words: &str, margin: usize) -> String {
        let width = self.width.saturating_sub(margin).max(20);
        let mut lines = vec![String::new()];
        for word in words.split_whitespace() {
            let last = lines.last_mut().map(|l| (l.chars().count(), l));
            match last {
                Some((0, line)) => line.push_str(word),
                Some((n, line)) if n + 1 + word.chars().count() <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ if word.starts_with("::") => lines.push(format!("\\u{{3a}}{}", &word[1..])),
                _ => lines.push(word.to_owned()),
            }
        }
        lines.join("\n")
    }

    /// Returns the way of the data, a stop with its line of source after it.
    fn way(&self, f: &FindingView) -> String {
        let mut lines = Vec::new();
        for (i, stop) in way::stops(f, STOPS).into_iter().enumerate() {
            let place = if stop.place.is_empty() { stop.place } else { format!("{} ", stop.place) };
            lines.push(self.wrapped(&format!("{}. {place}{}", i + 1, text::clip(&stop.what, 200)), 12));
            if !stop.source.is_empty() {
                lines.push(format!("   | {}", text::clip(&stop.source, self.width.saturating_sub(18).max(20))));
            }
        }
        lines.join("\n")
    }

    fn hints(&self, hints: &[&FindingView], out: &mut dyn Write) -> io::Result<()> {
        if hints.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{} (advice; they never block)", self.bold("Hints"))?;
        for f in hints.iter().take(FULL) {
            writeln!(out, "  - {}: {} [{}]", text::place(f), text::line(&f.message), text::line(&f.rule))?;
            // Neither begins with `::`, which a CI runner would obey.
            for words in says(f).map(|says| format!("model {says}")).into_iter().chain(way::brief(f)) {
                writeln!(out, "      {words}")?;
            }
        }
        if hints.len() > FULL {
            writeln!(out, "  showing {FULL} of {} hints", hints.len())?;
        }
        Ok(())
    }

    fn list(&self, title: &str, lines: &[String], out: &mut dyn Write) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", self.bold(title))?;
        lines.iter().take(FULL).try_for_each(|l| writeln!(out, "  - {}", text::clip(l, 500)))?;
        if lines.len() > FULL {
            writeln!(out, "  showing {FULL} of {}", lines.len())?;
        }
        Ok(())
    }

    fn gaps(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let one = |g: &&GapView| {
            let path = g.path.as_ref().map(|p| format!("{}: ", text::line(p))).unwrap_or_default();
            let open = if g.closes { "" } else { " (the policy lets it pass)" };
            format!("{path}{} [{}]{open}", text::line(&g.detail), g.kind)
        };
        self.list("Not analysed", &text::gaps(report).iter().map(one).collect::<Vec<_>>(), out)
    }

    /// Says what the verdict rests on: coverage, base, policy. A clean pass needs no more than two lines of it.
    fn basis(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let coverage = &report.coverage;
        writeln!(out, "\n{} {}", self.bold("Checked:"), text::checked(coverage))?;
        let (languages, other) = (text::tally(&coverage.languages), text::tally(&coverage.not_applicable));
        if !languages.is_empty() {
            writeln!(out, "  languages: {languages}")?;
        }
        if !other.is_empty() {
            writeln!(out, "  not applicable: {other}")?;
        }
        let quiet = ["existing", "suppressed", "baseline", "ignored"];
        let quiet = quiet.iter().filter_map(|d| report.counts.get(*d).filter(|n| **n > 0).map(|n| format!("{n} {d}")));
        let mut quiet: Vec<String> = quiet.collect();
        if !report.fixed.is_empty() {
            quiet.push(format!("{} fixed by this change", report.fixed.len()));
        }
        if !quiet.is_empty() {
            writeln!(out, "  findings beside those above: {}", quiet.join(", "))?;
        }
        if text::has_change(report) {
            writeln!(out, "{} {}", self.bold("Compared:"), text::compared(&report.change))?;
        }
        if report.verdict != Verdict::Pass || !report.findings.is_empty() {
            writeln!(out, "{} {}", self.bold("Policy:"), text::policy(report))?;
            let limit = report.risk.limit.map(|l| format!(", limit {l:.0}")).unwrap_or_default();
            writeln!(out, "{} {:.1} of 100{limit}", self.bold("Risk:"), report.risk.score)?;
        }
        Ok(())
    }

    fn remedy(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let Some(remedy) = Remedy::of(report) else { return Ok(()) };
        let places = remedy.places();
        let mut steps: Vec<String> = Vec::new();
        if let Some(fixing) = remedy.fixing() {
            let more = if places.len() > 5 { ", …" } else { "" };
            let named: Vec<String> = places.iter().take(5).map(|p| text::line(p)).collect();
            steps.push(format!("{fixing} ({}{more})", named.join(", ")));
        }
        for (advice, paths) in remedy.opening() {
            let paths: Vec<String> = paths.iter().map(|p| text::line(p)).collect();
            let of = if paths.is_empty() { String::new() } else { format!(" ({})", paths.join(", ")) };
            steps.push(format!("{advice}{of}"));
        }
        if steps.is_empty() {
            steps.push(format!("lower the risk of {}, largest part first", text::subject(report)));
        }
        writeln!(out, "\n{} {}", self.bold("To pass:"), steps.join("; "))
    }
}

/// Returns what a model says of a finding.
fn says(f: &FindingView) -> Option<String> {
    let (says, drivers) = text::model(f)?;
    let says = says.trim_start_matches("model ");
    Some(if drivers.is_empty() { says.to_owned() } else { format!("{says}; driven by {}", drivers.join(", ")) })
}

/// Returns what stands below the excerpt: a name and a text each.
fn lines_below(f: &FindingView) -> Vec<(&'static str, String)> {
    let because = text::because(f).map(|b| format!("; {b}")).unwrap_or_default();
    let mut lines = vec![("what", format!("{}, risk {:.1}{because}", text::measure(f), f.risk))];
    for (name, words) in [("why", &f.why), ("fix", &f.fix)] {
        if !words.trim().is_empty() {
            lines.push((name, text::clip(&text::line(words), 1000)));
        }
    }
    if let Some(says) = says(f) {
        lines.push(("model", says));
    }
    lines.push(("id", text::line(&f.fingerprint)));
    lines
}

/// Returns a block with the finding's own column behind its place. The library counts in the excerpt, which of a long line
/// is a stretch, and in which some characters are written as several.
fn with_column(block: String, f: &FindingView) -> String {
    let Some((line, column, _)) = f.marks.first().filter(|(_, column, _)| *column != f.start_column) else {
        return block;
    };
    let place = format!("{}:{line}:", text::line(&f.path));
    // Colours may stand between the arrow and the place.
    let arrow = block.find("-->").unwrap_or_default();
    let at = block[arrow..].find(&format!("{place}{column}")).map(|at| arrow + at + place.len());
    match at {
        Some(at) => format!("{}{}{}", &block[..at], f.start_column, &block[at + column.to_string().len()..]),
        None => block,
    }
}

/// Returns what to underline, as byte ranges of the excerpt's lines joined with line feeds.
fn marks(f: &FindingView) -> Vec<Range<usize>> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in &f.excerpt {
        starts.push(at);
        at += line.len() + 1;
    }
    let byte = |line: u32, column: u32| {
        let i = line.checked_sub(f.excerpt_line)? as usize;
        let text = f.excerpt.get(i)?;
        let offset = text.char_indices().nth((column as usize).checked_sub(1)?).map_or(text.len(), |(b, _)| b);
        Some(starts.get(i)? + offset)
    };
    let range = |(line, start, end): &(u32, u32, u32)| {
        let (a, b) = (byte(*line, *start)?, byte(*line, *end)?);
        (a < b).then_some(a..b)
    };
    f.marks.iter().filter_map(range).collect()
}
