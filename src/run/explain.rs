//! `portcullis explain FINGERPRINT|RULE`: everything known about a finding or a rule.

use super::RunError;
use super::rules::{load, show};
use crate::config::load::{MAX_FILE, read_up_to};
use crate::path::visible;
use crate::report::model::FindingView;
use crate::report::{Report, way};
use std::path::{Path, PathBuf};

/// Explains a rule, or a finding of an earlier verdict.
///
/// # Errors
/// [`RunError`] where neither is known, or the verdict file is not one.
pub fn run(what: &str, from: Option<&Path>, rules: &[PathBuf]) -> Result<String, RunError> {
    let looks_like_fingerprint = what.starts_with("p1-");
    match (looks_like_fingerprint, from) {
        (false, _) => show(&load(rules)?, what),
        (true, None) => Err(RunError::Usage(
            "a fingerprint is explained from a verdict; write one with `check --output json=verdict.json` and give it \
             with --from verdict.json"
                .into(),
        )),
        (true, Some(file)) => explain(what, file, rules),
    }
}

fn explain(fingerprint: &str, file: &Path, rules: &[PathBuf]) -> Result<String, RunError> {
    let text = read_up_to(file, MAX_FILE).map_err(|source| RunError::Read { path: file.to_owned(), source })?;
    let report: Report = serde_json::from_str(&text)
        .map_err(|e| RunError::Usage(format!("{} is not a verdict of this version: {e}", file.display())))?;
    let report = report.visible().map_err(|e| RunError::Internal(e.to_string()))?;
    let named = |f: &&FindingView| f.fingerprint.starts_with(fingerprint) || f.aliases.iter().any(|a| a == fingerprint);
    let found: Vec<&FindingView> = report.findings.iter().filter(named).collect();
    let Some(finding) = found.first() else {
        let fingerprint = visible(fingerprint);
        return Err(RunError::Usage(format!("{} holds no finding {fingerprint}", file.display())));
    };
    let mut text = describe(finding, found.len());
    if let Ok(rule) = show(&load(rules)?, &finding.rule) {
        text.push_str("\nThe rule\n--------\n");
        text.push_str(&rule);
    }
    Ok(text)
}

/// Returns every line that the data of a finding is led over, and what it met on the way.
fn ways(finding: &FindingView) -> Vec<String> {
    let mut lines = way::lines(finding, usize::MAX);
    for sanitizer in finding.flow.iter().flat_map(|flow| &flow.sanitizers) {
        lines.push(format!("met {}, which helps against {}", sanitizer.path, sanitizer.classes.join(", ")));
    }
    if finding.flow.as_ref().is_some_and(|flow| flow.guessed) {
        lines.push("part of the way leads through code that is not known".to_owned());
    }
    lines
}

fn describe(finding: &FindingView, count: usize) -> String {
    let FindingView { path, start_line, start_column, disposition, .. } = finding;
    let mut text = format!("{} {}\n{}\n\n", finding.fingerprint, finding.rule, finding.message);
    text.push_str(&format!("at {path}:{start_line}:{start_column}"));
    if !finding.symbol.is_empty() {
        text.push_str(&format!(" in {}", finding.symbol));
    }
    text.push_str(&format!("\n{disposition}"));
    if let Some(because) = &finding.because {
        text.push_str(&format!(": {because}"));
    }
    text.push_str(&format!("\nrisk {:.1} of 100\n", finding.risk));
    for reason in &finding.risk_reasons {
        text.push_str(&format!("  {reason}\n"));
    }
    for evidence in &finding.evidence {
        text.push_str(&format!("evidence: {evidence}\n"));
    }
    for line in ways(finding) {
        text.push_str(&format!("  {line}\n"));
    }
    for token in &finding.tokens {
        text.push_str(&format!("  token {} on line {}: {:+.2}\n", token.token, token.line, token.weight));
    }
    for (line, source) in (finding.excerpt_line..).zip(&finding.excerpt) {
        text.push_str(&format!("{line:6} | {source}\n"));
    }
    if count > 1 {
        text.push_str(&format!("({count} places share this fingerprint; this is the first)\n"));
    }
    text
}
