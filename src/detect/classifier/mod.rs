//! What a learned network makes of changed functions: hints, never verdicts.
//!
//! [`windows`] turns a file of the change into numbers, [`findings`] has a [`Scorer`] judge them. Both are pure; the
//! network and its runtime are behind the scorer. Knows no model by name: thresholds come from the card.

pub mod calibrate;
mod shape;
pub mod tokens;
mod window;

use crate::detect::excerpt::excerpt;
use crate::finding::{Confidence, Evidence, Excerpt, Finding, Fingerprint, Location, MatchKey, RuleId, WeightedToken};
use crate::model::{Band, Input, ModelError, Scorer};
use crate::path::RepoPath;
use crate::redact::Redactor;
use crate::span::Span;
use crate::syntax::SourceFile;
use crate::syntax::language::Language;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tokens::{LENGTH, Token, TokenMark};

/// The rule that every finding of the network carries.
pub const RULE: &str = "model-attention";

/// Tokens named in a finding.
const NAMED_TOKENS: usize = 8;

/// One stretch of changed code as the network sees it, and what is needed to speak of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The file.
    pub path: RepoPath,
    /// Its language.
    pub language: Language,
    /// The function, or what is around code outside functions.
    pub symbol: String,
    /// The changed lines in the window, from the first to the last.
    pub span: Span,
    /// Tokens in order, without padding; at most [`LENGTH`].
    pub tokens: Vec<Token>,
    /// Added and removed tokens of the function that no window holds; counted on its first window.
    pub truncated: usize,
    /// Whether it is test code.
    pub in_tests: bool,
    /// Source around it, redacted.
    pub excerpt: Excerpt,
}

impl Window {
    /// Returns the ids of the tokens, padded.
    pub fn ids(&self) -> Vec<i64> {
        let mut ids: Vec<i64> = self.tokens.iter().map(|t| tokens::id(&t.text)).collect();
        ids.resize(LENGTH, 0);
        ids
    }

    /// Returns the marks of the tokens, padded.
    pub fn marks(&self) -> Vec<i64> {
        let mut marks: Vec<i64> = self.tokens.iter().map(|t| t.mark.number()).collect();
        marks.resize(LENGTH, 0);
        marks
    }

    /// Returns how many tokens have a mark.
    pub fn count(&self, mark: TokenMark) -> usize {
        self.tokens.iter().filter(|t| t.mark == mark).count()
    }
}

/// Cuts what a change touches in one file into windows. `before` is the same file before the change; `redactor` knows
/// the file's secrets.
pub fn windows(after: &SourceFile, before: Option<&SourceFile>, redactor: &Redactor) -> Vec<Window> {
    let mut windows = Vec::new();
    for unit in window::units(after, before) {
        let mut truncated = unit.truncated;
        for tokens in unit.windows {
            let range = changed_range(after, &unit.range, &tokens);
            windows.push(Window {
                path: after.path.clone(),
                language: after.language,
                symbol: unit.symbol.clone(),
                span: after.span(range.clone()),
                tokens,
                truncated: std::mem::take(&mut truncated),
                in_tests: after.is_test_code(&range),
                excerpt: excerpt(after, &range, redactor),
            });
        }
    }
    windows
}

/// Returns the bytes from the first to the last changed line; the unit's first line where all was removed.
fn changed_range(file: &SourceFile, unit: &Range<usize>, tokens: &[Token]) -> Range<usize> {
    let mut added = tokens.iter().filter(|t| t.mark == TokenMark::Added).map(|t| t.line);
    let first = added.next();
    let last = added.next_back().or(first);
    let line = |line: u32| file.index.line_range(line, file.text());
    match (first, last) {
        (Some(first), Some(last)) => line(first).start..line(last.max(first)).end,
        _ => {
            let anchor = tokens.first().map_or(1, |t| t.line);
            let range = line(anchor);
            if range.is_empty() { line(file.index.line_of(unit.start)) } else { range }
        }
    }
}

/// Scores windows and returns a hint for each that reaches a band. Test code gets none: the network was not trained on
/// it.
///
/// # Errors
/// [`ModelError`] where the network cannot be run; never the fault of the scanned code.
pub fn findings(windows: &[&Window], scorer: &mut dyn Scorer, bands: &[Band]) -> Result<Vec<Finding>, ModelError> {
    let mut findings = Vec::new();
    for window in windows.iter().filter(|w| !w.in_tests) {
        let scored = scorer.score(Input { ids: &window.ids(), marks: &window.marks() })?;
        let Some(band) = calibrate::band(bands, scored.probability) else { continue };
        let evidence = Evidence::Model {
            model: format!("{} {}", scorer.name(), scorer.version()),
            score: scored.probability,
            band: calibrate::words(band),
            tokens: driving_tokens(window, &scored.tokens),
        };
        findings.push(finding(window, band, bands, evidence));
    }
    Ok(findings)
}

/// Returns the tokens with the largest shares that speak for a weakness, the strongest first.
fn driving_tokens(window: &Window, weights: &[f32]) -> Vec<WeightedToken> {
    let mut weighted: Vec<WeightedToken> = window
        .tokens
        .iter()
        .zip(weights)
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(t, weight)| WeightedToken { token: t.text.clone(), line: t.line, weight: *weight })
        .collect();
    weighted.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.line.cmp(&b.line)));
    weighted.truncate(NAMED_TOKENS);
    weighted
}

fn finding(window: &Window, band: &Band, bands: &[Band], evidence: Evidence) -> Finding {
    let texts: Vec<&str> =
        window.tokens.iter().filter(|t| t.mark != TokenMark::Removed).map(|t| t.text.as_str()).collect();
    Finding {
        rule: RuleId::new(RULE),
        message: format!("a model finds this change {}; look at it, it proves nothing", band.name),
        severity: calibrate::severity(bands, band),
        confidence: Confidence::Low,
        cwe: Vec::new(),
        location: Location { path: window.path.clone(), span: window.span, symbol: window.symbol.clone() },
        fingerprint: Fingerprint::new(RULE, &window.symbol, &texts),
        aliases: Vec::new(),
        evidence: vec![evidence],
        why: "the change resembles changes that later turned out to bring in a weakness. This is a statistical hint, not \
              a weakness that was found: most such hints are wrong"
            .to_owned(),
        fix: "have someone who knows this code read the change; there may be nothing to fix".to_owned(),
        references: Vec::new(),
        excerpt: window.excerpt.clone(),
        advisory: true,
        in_tests: window.in_tests,
        key: MatchKey::new(RULE, &window.symbol, &texts),
    }
}

#[cfg(test)]
mod tests;
