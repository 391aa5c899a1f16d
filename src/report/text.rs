//! Words and orders that several formats share, and the making of safe one-line texts.

use super::model::{ChangeView, Coverage, FindingView, GapView, SuppressionView};
use super::{Report, Style};
use crate::policy::{Verdict, plural};
use std::cmp::Ordering;

/// Returns `text` on one line: every run of white space becomes one space.
pub(super) fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns at most `max` characters of `text`; `…` stands for what is left out.
pub(super) fn clip(text: &str, max: usize) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// Returns the findings, blocking ones first, then by risk, then by place.
pub(super) fn ordered(report: &Report) -> Vec<&FindingView> {
    let mut all: Vec<&FindingView> = report.findings.iter().collect();
    all.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| by_risk(a, b)));
    all
}

/// Orders by risk, then by place, so that every cut is by risk and every order is total.
pub(super) fn by_risk(a: &FindingView, b: &FindingView) -> Ordering {
    b.risk.total_cmp(&a.risk).then_with(|| by_place(a, b))
}

/// Orders by place, then by rule.
pub(super) fn by_place(a: &FindingView, b: &FindingView) -> Ordering {
    a.path.cmp(&b.path).then_with(|| {
        (a.start_line, a.start_column, &a.rule, &a.fingerprint).cmp(&(
            b.start_line,
            b.start_column,
            &b.rule,
            &b.fingerprint,
        ))
    })
}

/// Returns the findings that a reader of the change wants to see: no suppressed ones, existing ones only on request.
pub(super) fn shown(report: &Report, style: Style) -> Vec<&FindingView> {
    let mut all = ordered(report);
    all.retain(|f| match f.disposition.as_str() {
        "blocks" | "warns" | "advisory" => true,
        "existing" => style.existing,
        _ => false,
    });
    all
}

fn rank(finding: &FindingView) -> u8 {
    match finding.disposition.as_str() {
        "blocks" => 0,
        "warns" => 1,
        "advisory" => 2,
        "existing" => 3,
        _ => 4,
    }
}

/// Returns the verdict in a word that begins a sentence.
pub(super) fn verdict(report: &Report) -> &'static str {
    match report.verdict {
        Verdict::Pass => "Pass",
        Verdict::Blocked => "Blocked",
        Verdict::Inconclusive => "Inconclusive",
    }
}

/// Returns the reasons as one text.
pub(super) fn reasons(report: &Report) -> String {
    report.reasons.iter().map(|r| line(r)).collect::<Vec<_>>().join("; ")
}

/// Returns `path:line:column`.
pub(super) fn place(finding: &FindingView) -> String {
    format!("{}:{}:{}", line(&finding.path), finding.start_line, finding.start_column)
}

/// Returns severity, confidence, what was measured, and weakness classes.
pub(super) fn measure(finding: &FindingView) -> String {
    let mut parts = vec![format!("{} severity", finding.severity), format!("{} confidence", finding.confidence)];
    if let Some(m) = &finding.measured {
        let counts = if m.leaves == finding.confidence { String::new() } else { format!(" (counts as {})", m.leaves) };
        parts.push(format!("measured precision {:.2} of {}{counts}", m.precision, m.n));
    }
    parts.extend(finding.cwe.iter().map(|c| line(c)));
    if finding.in_tests {
        parts.push("in test code".into());
    }
    if finding.origin == "altered" {
        parts.push("there before, edited here".into());
    }
    parts.join(", ")
}

/// Returns why a finding blocks, where its severity and confidence do not say it already.
pub(super) fn because(finding: &FindingView) -> Option<String> {
    let because = finding.because.as_ref().filter(|b| !b.starts_with("severity "))?;
    Some(format!("{} by {}", finding.disposition, clip(&line(because), 300)))
}

/// Returns what a model says of a finding and the tokens that drove it.
pub(super) fn model(finding: &FindingView) -> Option<(String, Vec<String>)> {
    let says = finding.evidence.iter().find(|e| e.starts_with("model "))?;
    Some((clip(&line(says), 200), drivers(finding, 6)))
}

/// Returns up to `max` tokens that speak for a weakness, strongest first, each once.
fn drivers(finding: &FindingView, max: usize) -> Vec<String> {
    let mut tokens: Vec<_> = finding.tokens.iter().filter(|t| t.weight > 0.0).collect();
    tokens.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| (a.line, &a.token).cmp(&(b.line, &b.token))));
    let mut names: Vec<String> = Vec::new();
    for token in tokens {
        let name = clip(&line(&token.token), 40);
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(max);
    names
}

/// Returns what was analysed, in one sentence without a full stop.
pub(super) fn checked(coverage: &Coverage) -> String {
    let mut text = format!("{} of {}", coverage.analysed, plural(coverage.files, "file", "files"));
    if coverage.added_lines > 0 {
        let lines = if coverage.added_lines == 1 { "line" } else { "lines" };
        text.push_str(&format!(", {} of {} added {lines}", coverage.analysed_lines, coverage.added_lines));
    }
    if coverage.unread_lines > 0 {
        text.push_str(&format!(", {} of them not understood", coverage.unread_lines));
    }
    text
}

/// Returns counts by name, most frequent first.
pub(super) fn tally(counts: &std::collections::BTreeMap<String, usize>) -> String {
    let mut all: Vec<_> = counts.iter().filter(|(_, n)| **n > 0).collect();
    all.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    all.iter().map(|(name, n)| format!("{} {n}", line(name))).collect::<Vec<_>>().join(", ")
}

/// Returns the gaps, those that decide the verdict first.
pub(super) fn gaps(report: &Report) -> Vec<&GapView> {
    let mut gaps: Vec<&GapView> = report.coverage.gaps.iter().collect();
    gaps.sort_by_key(|g| !g.closes);
    gaps
}

/// Returns the first twelve characters of a commit and why it was taken, where known.
pub(super) fn commit(id: Option<&String>, reason: &str) -> String {
    let short = id.map_or_else(|| "unknown".to_owned(), |id| line(id).chars().take(12).collect());
    if reason.is_empty() { short } else { format!("{short} ({})", line(reason)) }
}

/// Returns what was compared, in one sentence without a full stop.
pub(super) fn compared(change: &ChangeView) -> String {
    let base = commit(change.base.as_ref(), &change.base_reason);
    format!("base {base}, head {}", commit(change.head.as_ref(), &change.head_reason))
}

/// Returns what the report is about: a change, or in an audit the tree as it is.
pub(super) fn subject(report: &Report) -> &'static str {
    if is_audit(report) { "the tree" } else { "the change" }
}

/// Says whether nothing was compared, because a whole tree was asked for.
pub(super) fn is_audit(report: &Report) -> bool {
    report.command == "audit"
}

/// Returns whether the report says anything about what was compared.
pub(super) fn has_change(report: &Report) -> bool {
    let change = &report.change;
    if is_audit(report) {
        return false;
    }
    change.base.is_some() || change.head.is_some() || !change.base_reason.is_empty() || !change.head_reason.is_empty()
}

/// Returns the policy and its limits, in one sentence without a full stop.
pub(super) fn policy(report: &Report) -> String {
    let policy = &report.policy;
    let source = if policy.source.is_empty() { "defaults".to_owned() } else { line(&policy.source) };
    let mut parts = Vec::new();
    if let Some(severity) = &policy.fail_on_severity {
        parts.push(format!("{severity} severity with {} confidence", policy.fail_on_confidence));
    }
    if let Some(limit) = report.risk.limit {
        parts.push(format!("risk {limit:.0}"));
    }
    if parts.is_empty() { source } else { format!("{source}; blocks from {} on", parts.join(", or ")) }
}

/// Returns the suppressions that a reader should know of: those without effect, those that end soon, and those of the
/// change's own findings, which somebody should look at.
pub(super) fn suppressions(report: &Report) -> Vec<String> {
    let is_silent = |s: &SuppressionView| matches!(s.status.as_str(), "honoured" | "not-looked-at");
    let told = report.suppressions.iter().filter(|s| !is_silent(s) || s.ends_soon || s.covers_added);
    told.map(|s| {
        let who = s.place.as_ref().map_or_else(|| line(&s.source), |p| format!("comment at {}", line(p)));
        let rules = s.rules.iter().map(|r| line(r)).collect::<Vec<_>>().join(", ");
        let status = match s.status.as_str() {
            "honoured" | "not-looked-at" => {
                let added = format!("added by this change and honoured, as the policy allows: {}", line(&s.reason));
                let ends = format!("ends on {}", s.expires.as_deref().unwrap_or("an unknown day"));
                let parts = [(s.covers_added, added), (s.ends_soon, ends)];
                parts.into_iter().filter(|(told, _)| *told).map(|(_, text)| text).collect::<Vec<_>>().join("; ")
            }
            "not-honoured" => "not honoured".into(),
            other => other.to_owned(),
        };
        let because = s.because.as_ref().map(|b| format!(", {}", line(b))).unwrap_or_default();
        let rules = if rules.is_empty() { rules } else { format!(" ({rules})") };
        format!("{who}{rules}: {status}{because}")
    })
    .collect()
}
