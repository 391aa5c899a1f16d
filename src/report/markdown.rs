//! The comment on a pull request: the verdict, what to do in order of risk, and the grounds behind a fold.
//!
//! Paths, symbols, excerpts and even messages may be written by whoever wrote the change, so nothing of them may become
//! a link, an image, HTML, a heading, a mention or a command to a bot. Names stand in code spans; prose keeps plain
//! words only and puts every other word in a code span. The output holds no links at all, and no line begins with `/`.

use super::model::FindingView;
use super::remedy::Remedy;
use super::{Report, Style, text, way};
use std::io::{self, Write};

/// How much to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Bytes at most.
    budget: usize,
    /// Whether to begin with the marker by which the comment is found again.
    marker: bool,
}

impl Shape {
    /// A comment: GitHub takes 65,536 characters, and a character is at least one byte.
    const COMMENT: Self = Self { budget: 64_000, marker: true };
    /// A job summary: GitHub takes 1 MiB from one step, whatever else the step writes.
    pub(super) const SUMMARY: Self = Self { budget: 900_000, marker: false };
}

/// The first line of a comment, by which a later run finds it.
pub const MARKER: &str = "<!-- portcullis:sticky v=1 -->";

/// Lines of source that the way of data is shown by.
const STOPS: usize = 8;
/// Entries of a list at most.
const LIST: usize = 20;
/// Bytes of a list at most. Six such parts leave room for findings in a comment whatever stands in them.
const PART: usize = 8_000;

/// Writes the report as a comment.
///
/// # Errors
/// Whatever the writer says.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(compose(&report.visible()?, style, Shape::COMMENT).as_bytes())
}

/// Returns the report as Markdown within the budget. The report's steering characters must have been made visible.
pub(super) fn compose(report: &Report, style: Style, shape: Shape) -> String {
    let mut page = String::new();
    if shape.marker {
        page.push_str(&format!("{MARKER}\n\n"));
    }
    page.push_str(&format!("### Portcullis: {}\n\n", report.verdict.as_str()));
    let reasons: Vec<String> = report.reasons.iter().map(|r| prose(&text::clip(r, 300))).collect();
    push_lines(&reasons, &mut page);
    push_remedy(report, &mut page);
    let footer = footer(report);
    let room = shape.budget.saturating_sub(page.len() + footer.len() + 200);
    let findings = text::shown(report, style);
    let mut body = String::new();
    let mut told = 0;
    for finding in &findings {
        let block = block(told + 1, finding);
        if body.len() + block.len() > room {
            break;
        }
        body.push_str(&block);
        told += 1;
    }
    page.push_str(&body);
    if told < findings.len() {
        let all = findings.len();
        page.push_str(&format!("\n**Showing {told} of {all} findings**, by risk. The other reports hold them all.\n"));
    }
    page.push_str(&footer);
    page
}

fn push_remedy(report: &Report, page: &mut String) {
    let Some(remedy) = Remedy::of(report) else { return };
    page.push_str("\n**To pass:** ");
    let mut steps = Vec::new();
    if let Some(fixing) = remedy.fixing() {
        let places = remedy.places();
        let more = if places.len() > 5 { ", …" } else { "" };
        let named: Vec<String> = places.iter().take(5).map(|p| code(&text::clip(p, 300))).collect();
        steps.push(format!("{fixing} ({}{more})", named.join(", ")));
    }
    for (advice, paths) in remedy.opening() {
        let paths: Vec<String> = paths.iter().map(|p| code(&text::clip(p, 300))).collect();
        let of = if paths.is_empty() { String::new() } else { format!(" ({})", paths.join(", ")) };
        steps.push(format!("{}{of}", prose(advice)));
    }
    if steps.is_empty() {
        steps.push(format!("lower the risk of {}, largest part first", text::subject(report)));
    }
    let mut room = PART;
    steps.retain(|step| {
        room = room.saturating_sub(step.len());
        room > 0
    });
    page.push_str(&steps.join("; "));
    page.push('\n');
}

/// Returns one finding: what and where in sight, why and how sure behind a fold.
fn block(number: usize, f: &FindingView) -> String {
    let word = match f.disposition.as_str() {
        "blocks" => "Blocks",
        "warns" => "Warns",
        "advisory" => "Hint",
        _ => "Existing",
    };
    let place = format!("{}:{}", text::clip(&f.path, 300), f.start_line);
    let message = prose(&text::clip(&f.message, 300));
    let mut block = format!("\n**{number}. {word}:** {} {message}\n", code(&place));
    block.push_str("\n<details><summary>Why, what to do, how sure</summary>\n\n");
    block.push_str(&excerpt(f));
    block.push_str(&stops(f));
    for (name, words) in [("Why", &f.why), ("Fix", &f.fix)] {
        if !words.trim().is_empty() {
            block.push_str(&format!("**{name}:** {}\n\n", prose(&text::clip(words, 1000))));
        }
    }
    block.push_str(&format!("**How sure:** {}, risk {:.1} of 100", prose(&text::measure(f)), f.risk));
    if let Some(because) = text::because(f) {
        block.push_str(&format!("; {}", prose(&because)));
    }
    if let Some((says, drivers)) = text::model(f) {
        block.push_str(&format!("; {}", prose(&says)));
        if !drivers.is_empty() {
            let drivers: Vec<String> = drivers.iter().map(|d| code(d)).collect();
            block.push_str(&format!("; driven by {}", drivers.join(", ")));
        }
    }
    block.push_str(&format!("\n\n**Rule:** {}, fingerprint {}", code(&text::clip(&f.rule, 100)), code(&f.fingerprint)));
    if !f.symbol.is_empty() {
        block.push_str(&format!(", in {}", code(&text::clip(&f.symbol, 200))));
    }
    for reference in f.references.iter().take(3) {
        block.push_str(&format!("\n\n**See:** {}", code(&text::clip(reference, 300))));
    }
    block.push_str("\n\n</details>\n");
    block
}

/// Returns the way of the data as a numbered list.
fn stops(f: &FindingView) -> String {
    let item = |stop: way::Stop| {
        let place =
            if stop.place.is_empty() { stop.place } else { format!("{} ", code(&text::clip(&stop.place, 200))) };
        let source =
            if stop.source.is_empty() { stop.source } else { format!(": {}", code(&text::clip(&stop.source, 120))) };
        format!("{place}{}{source}", prose(&text::clip(&stop.what, 200)))
    };
    let items: Vec<String> = way::stops(f, STOPS).into_iter().map(item).collect();
    if items.is_empty() {
        return String::new();
    }
    let list: String = items.iter().enumerate().map(|(i, item)| format!("{}. {item}\n", i + 1)).collect();
    format!("**How the data gets there:**\n\n{list}\n")
}

/// Returns the excerpt in a fence longer than any run of backticks in it. Line numbers stand before the lines, so that
/// none begins with what a forge could take for a command.
fn excerpt(f: &FindingView) -> String {
    if f.excerpt.iter().all(|l| l.trim().is_empty()) {
        return String::new();
    }
    let lines: Vec<String> =
        f.excerpt.iter().take(12).map(|l| text::clip(&l.replace(['\n', '\t'], " "), 200)).collect();
    let fence = "`".repeat(lines.iter().map(|l| longest_run(l)).max().unwrap_or(0).max(2) + 1);
    let mut block = format!("{fence}text\n");
    for (n, line) in (f.excerpt_line..).zip(&lines) {
        block.push_str(format!("{n:>5} | {line}").trim_end());
        block.push('\n');
        for (_, start, end) in f.marks.iter().filter(|m| m.0 == n) {
            let (start, end) = (*start.min(&200) as usize, *end.min(&201) as usize);
            let marks = "^".repeat(end.saturating_sub(start).max(1));
            block.push_str(&format!("      | {}{marks}\n", " ".repeat(start.saturating_sub(1))));
        }
    }
    block.push_str(&format!("{fence}\n\n"));
    block
}

/// Returns what the verdict rests on.
fn footer(report: &Report) -> String {
    let mut lines = vec![format!("Checked {}", text::checked(&report.coverage))];
    for (name, counts) in
        [("languages", &report.coverage.languages), ("not applicable", &report.coverage.not_applicable)]
    {
        let tally = text::tally(counts);
        if !tally.is_empty() {
            lines.push(format!("{name}: {}", prose(&text::clip(&tally, 500))));
        }
    }
    if text::has_change(report) {
        lines.push(format!("Compared {}", prose(&text::clip(&text::compared(&report.change), 500))));
    }
    lines.push(format!("Policy {}", prose(&text::clip(&text::policy(report), 500))));
    let limit = report.risk.limit.map(|l| format!(", limit {l:.0}")).unwrap_or_default();
    lines.push(format!("Risk {:.1} of 100{limit}", report.risk.score));
    if !report.fixed.is_empty() {
        lines.push(format!("Fixed by this change: {}", report.fixed.len()));
    }
    let (name, version) = (prose(&report.tool.name), prose(&report.tool.version));
    lines.push(format!("{name} {version}, {} rules", report.tool.rules));
    let gaps = text::gaps(report).into_iter().map(|g| {
        let path = g.path.as_ref().map(|p| format!("{} ", code(&text::clip(p, 300)))).unwrap_or_default();
        let open = if g.closes { "" } else { " (the policy lets it pass)" };
        format!("{path}{}: {}{open}", prose(&g.kind), prose(&text::clip(&g.detail, 300)))
    });
    let mut footer = String::new();
    push_list("Not analysed", &gaps.collect::<Vec<_>>(), &mut footer);
    let told: Vec<String> = text::suppressions(report).iter().map(|s| prose(&text::clip(s, 400))).collect();
    push_list("Suppressions", &told, &mut footer);
    let notes: Vec<String> = report.notes.iter().map(|n| prose(&text::clip(n, 400))).collect();
    push_list("Notes", &notes, &mut footer);
    footer.push_str("\n<details><summary>Coverage and base</summary>\n\n");
    push_lines(&lines, &mut footer);
    footer.push_str("\n</details>\n");
    footer
}

fn push_list(title: &str, lines: &[String], page: &mut String) {
    if !lines.is_empty() {
        page.push_str(&format!("\n**{title}:**\n\n"));
        push_lines(lines, page);
    }
}

/// Writes a list of at most [`LIST`] entries and [`PART`] bytes, and says what is left out.
fn push_lines(lines: &[String], page: &mut String) {
    let begin = page.len();
    let mut told = 0;
    for line in lines.iter().take(LIST) {
        if page.len() + line.len() - begin > PART {
            break;
        }
        page.push_str(&format!("- {line}\n"));
        told += 1;
    }
    if told < lines.len() {
        page.push_str(&format!("- showing {told} of {}\n", lines.len()));
    }
}

/// Returns `text` as a code span that nothing in the text can end.
pub(super) fn code(text: &str) -> String {
    let text = text::line(text);
    if text.is_empty() {
        return "(empty)".into();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Returns `text` as a paragraph in which every word that could mean something to a renderer, a mention filter or a bot
/// stands in a code span. Stretches between backticks become code spans whole.
pub(super) fn prose(text: &str) -> String {
    let flat = text::line(text);
    let parts: Vec<&str> = flat.split('`').collect();
    let balanced = parts.len() % 2 == 1;
    let mut out: Vec<String> = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        if i % 2 == 1 && (balanced || i + 1 < parts.len()) {
            if !part.trim().is_empty() {
                out.push(code(part));
            }
        } else {
            out.extend(words(part));
        }
    }
    // Punctuation after a code span belongs to it: no space before it.
    let mut text = String::new();
    for word in out {
        if !text.is_empty() && !matches!(word.as_str(), "." | "," | ";" | ":" | ")" | "?") {
            text.push(' ');
        }
        text.push_str(&word);
    }
    text
}

/// Returns the words of a stretch without backticks; neighbours that are not plain share a code span.
fn words(part: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut held: Vec<&str> = Vec::new();
    let mut lead = "";
    let release = |held: &mut Vec<&str>, lead: &str, trail: &str, out: &mut Vec<String>| {
        if !held.is_empty() {
            out.push(format!("{lead}{}{trail}", code(&held.join(" "))));
            held.clear();
        }
    };
    for word in part.split(' ').filter(|w| !w.is_empty()) {
        let inner = word.trim_start_matches(['(', '"', '\'']);
        let core = inner.trim_end_matches(['.', ',', ';', ':', ')', '?', '"', '\'']);
        if is_plain(word) || core.is_empty() {
            release(&mut held, lead, "", &mut out);
            out.push(if is_plain(word) { word.to_owned() } else { code(word) });
            continue;
        }
        let (before, after) = (&word[..word.len() - inner.len()], &inner[core.len()..]);
        if held.is_empty() || !before.is_empty() {
            release(&mut held, lead, "", &mut out);
            lead = before;
        }
        held.push(core);
        if !after.is_empty() {
            release(&mut held, lead, after, &mut out);
        }
    }
    release(&mut held, lead, "", &mut out);
    out
}

/// Says whether a word means nothing to any renderer: letters, digits and harmless marks, not shaped like an address, a
/// command, a commit, an issue or a picture.
fn is_plain(word: &str) -> bool {
    let safe = |c: char| c.is_alphanumeric() || ".,;:()'\"-/?=%".contains(c) || (!c.is_ascii() && !c.is_control());
    let lower = word.to_lowercase();
    let inner_colon = word.trim_end_matches(':').contains(':');
    let commit = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| part.len() >= 7 && part.chars().all(|c| c.is_ascii_hexdigit()));
    // What counts as a letter before `GH-12` differs between renderers, so only ASCII does.
    let issue = lower.match_indices("gh-").any(|(at, _)| {
        let is_number = lower[at + 3..].starts_with(|c: char| c.is_ascii_digit());
        is_number && !lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
    });
    // `example.com` and `job.py` are addresses to some renderers; `e.g.` and `0.5` are not.
    let domain = lower.split('.').skip(1).any(|part| part.chars().take_while(|c| c.is_alphabetic()).count() > 1);
    word.chars().all(safe)
        && !domain
        && !inner_colon
        && !commit
        && !issue
        && !lower.contains("www.")
        && !word.starts_with(['/', '-', '=', ':'])
        && !word.ends_with('=')
        && !word.trim_end_matches(['%', '.', ',', ')', ';', ':']).contains('%')
        && !word.contains("--")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
