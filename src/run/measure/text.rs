//! The measurement as tables for a reader.

use super::manifest::Label;
use super::tally::{Figures, LabelFigures, Measurement, Outcome, Row, RuleFigures};
use crate::detect::rules::precision::{MIN_CASES, Measured};
use crate::path::visible;

/// Writes the measurement, with a line feed at the end.
pub fn write(measurement: &Measurement) -> String {
    let rows = measurement.rows.len();
    let sum = |of: fn(&Figures) -> u32| measurement.labels.iter().map(|l| of(&l.all)).sum::<u32>();
    let (unreadable, inconclusive) = (sum(|f| f.unreadable), sum(|f| f.inconclusive));
    let mut text = format!(
        "{rows} changes of {}, rules {}: {unreadable} could not be read, {inconclusive} got no verdict\n",
        measurement.date, measurement.rules_digest
    );
    for label in measurement.labels.iter().filter(|l| l.all.rows > 0) {
        text.push_str(&match label.label {
            Label::Ordinary => ordinary(label.all),
            _ => weak(label),
        });
    }
    let blocked: Vec<&Row> = measurement.rows.iter().filter(|r| r.blocked().is_some()).collect();
    if !blocked.is_empty() {
        text.push_str("\nBlocked\n");
        blocked.into_iter().for_each(|row| text.push_str(&blocks(row)));
    }
    if !measurement.rules.is_empty() {
        text.push_str(&rules(&measurement.rules));
    }
    let lost = measurement.rows.iter().filter_map(|row| match &row.outcome {
        Outcome::Unreadable(why) => Some(format!("  {}: {}\n", name(row), visible(why))),
        Outcome::Seen(_) => None,
    });
    for (title, lines) in [
        ("Could not be read", lost.collect::<Vec<_>>()),
        ("Judgements of findings that are not there", listed(&measurement.unused_judgements)),
    ] {
        if !lines.is_empty() {
            text.push_str(&format!("\n{title}\n{}", lines.concat()));
        }
    }
    text
}

fn listed(lines: &[String]) -> Vec<String> {
    lines.iter().map(|l| format!("  {}\n", visible(l))).collect()
}

fn weak(label: &LabelFigures) -> String {
    let width = label.classes.keys().map(|c| c.chars().count()).max().unwrap_or(0).max(5);
    let line = |name: &str, f: Figures| {
        let (rows, blocked, rightly) = (f.rows, f.blocked, f.rightly);
        format!("  {:width$}  {rows:4}  {blocked:7}  {rightly:8}\n", visible(name))
    };
    let mut text = format!("\n{}\n  {:width$}  rows  blocked  in class\n", heading(label.label), "class");
    for (name, figures) in &label.classes {
        text.push_str(&line(name, *figures));
    }
    text.push_str(&line("all", label.all));
    text.push_str(&format!("  {}\n", share(label.all.share(), "blocked")));
    text
}

fn ordinary(all: Figures) -> String {
    let (rows, blocked) = (all.rows, all.blocked);
    let mistaken = share(all.mistaken(), "blocked by mistake");
    format!("\n{}\n  {rows} rows, {blocked} blocked\n  {mistaken}\n", heading(Label::Ordinary))
}

fn heading(label: Label) -> &'static str {
    match label {
        Label::FixReversed => "Security fixes reversed",
        Label::Contributing => "Changes that brought a weakness in",
        Label::Ordinary => "Ordinary changes",
    }
}

fn share(of: Measured, what: &str) -> String {
    let (low, high) = of.interval();
    let percent = |x: f64| x * 100.0;
    format!(
        "{} of {} {what}: {:.1} % (95 %: {:.1} to {:.1})",
        of.real,
        of.n,
        percent(of.precision()),
        percent(low),
        percent(high)
    )
}

fn name(row: &Row) -> String {
    let short = |revision: &str| visible(&revision.chars().take(13).collect::<String>());
    format!("{} {} ({})", visible(&row.change.repository), short(&row.change.head), row.change.label.as_str())
}

/// Says what blocks a change, a line each; where no finding does, its risk.
fn blocks(row: &Row) -> String {
    let Some(seen) = row.outcome.seen() else { return String::new() };
    let mut text = format!("  {}\n", name(row));
    let by: Vec<_> = seen.findings.iter().filter(|f| f.blocks).collect();
    if by.is_empty() {
        text.push_str(&format!("    risk {:.1}\n", seen.risk));
    }
    for finding in by {
        let real = match finding.real {
            Some(true) => "real",
            Some(false) => "not real",
            None => "not judged",
        };
        text.push_str(&format!("    {}:{} {}, {real}\n", finding.path, finding.line, finding.rule));
    }
    text
}

fn rules(rules: &[RuleFigures]) -> String {
    let width = rules.iter().map(|r| r.rule.as_str().len()).max().unwrap_or(0);
    let mut text = format!(
        "\nRules: precision counts from {MIN_CASES} cases on\n  {:width$}  confidence  cases  real  unknown  precision\n",
        "rule"
    );
    for r in rules {
        let (low, high) = r.interval;
        let precision = match r.precision {
            Some(precision) => format!("{precision:.2} ({low:.2} to {high:.2})"),
            None => "-".into(),
        };
        let left = r.measured.holds(r.confidence);
        let counts = if left < r.confidence { format!(", counts as {left}") } else { String::new() };
        text.push_str(&format!(
            "  {:width$}  {:10}  {:5}  {:4}  {:7}  {precision}{counts}\n",
            r.rule.as_str(),
            r.confidence.as_str(),
            r.measured.n,
            r.measured.real,
            r.unjudged
        ));
    }
    text
}
