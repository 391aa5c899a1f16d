//! How often rules were right where they were measured: `precision.yml` of a rule directory, which
//! `portcullis rules measure` writes.
//!
//! A rule's stated confidence counts until its precision is measured. A measurement can only take weight away: it comes
//! from a sample, and what it says in a rule's favour the rule says of itself already.

use super::schema::{RuleProblem, yaml};
use super::{RuleError, RuleSource};
use crate::finding::{Confidence, RuleId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Cases from which on a measurement counts: with fewer, one case more or less moves the precision by over a tenth,
/// which is what lies between a rule that keeps its word, four in five, and one that does not.
pub const MIN_CASES: u32 = 10;
/// Precision from which on high confidence holds: four in five.
const HIGH: f64 = 0.8;
/// Precision from which on medium confidence holds: more often real than not.
const MEDIUM: f64 = 0.5;
/// Quantile of the normal distribution for an interval of 95 %.
const Z: f64 = 1.959_964;

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrecisionFile {
    /// Day of the data, `2026-11-22`.
    pub date: String,
    /// One entry for each rule and confidence that was met.
    pub rules: Vec<Entry>,
}

/// What was measured of one rule at one confidence.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The rule.
    pub rule: RuleId,
    /// The confidence that its findings had: a rule about flows is less sure of some sources than of others.
    pub confidence: Confidence,
    /// Cases.
    pub n: u32,
    /// Of these, real ones.
    #[serde(rename = "true")]
    pub real: u32,
    /// Wilson's interval of 95 % for the precision; for readers.
    pub interval: (f64, f64),
}

/// How often something was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Measured {
    /// Cases.
    pub n: u32,
    /// Of these, real ones.
    #[serde(rename = "true")]
    pub real: u32,
}

impl Measured {
    /// Returns the share of real cases, 0 where there is none.
    pub fn precision(self) -> f64 {
        if self.n == 0 { 0.0 } else { f64::from(self.real) / f64::from(self.n) }
    }

    /// Returns Wilson's interval of 95 %.
    pub fn interval(self) -> (f64, f64) {
        if self.n == 0 {
            return (0.0, 1.0);
        }
        let (n, p) = (f64::from(self.n), self.precision());
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }

    /// Says whether there are enough cases for the measurement to count.
    pub fn counts(self) -> bool {
        self.n >= MIN_CASES
    }

    /// Returns the confidence that is left of a stated one.
    pub fn holds(self, stated: Confidence) -> Confidence {
        let shown = match self.precision() {
            _ if !self.counts() => Confidence::High,
            p if p >= HIGH => Confidence::High,
            p if p >= MEDIUM => Confidence::Medium,
            _ => Confidence::Low,
        };
        stated.min(shown)
    }

    /// Says whether findings of the rule alone do not block, by this measurement.
    pub fn is_low(self) -> bool {
        self.holds(Confidence::High) < Confidence::High
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "measured precision {:.2} of {}", self.precision(), self.n)
    }
}

/// What was measured of a set of rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Precisions {
    entries: BTreeMap<(RuleId, Confidence), Measured>,
}

impl Precisions {
    /// Adds what a file says, in place of what was known.
    pub fn add(&mut self, file: PrecisionFile) {
        self.entries
            .extend(file.rules.into_iter().map(|e| ((e.rule, e.confidence), Measured { n: e.n, real: e.real })));
    }

    /// Leaves only the rules that `keep` names.
    pub fn retain(&mut self, keep: impl Fn(&RuleId) -> bool) {
        self.entries.retain(|(rule, _), _| keep(rule));
    }

    /// Returns what was measured of a rule's findings of one confidence, where it counts.
    pub fn of(&self, rule: &RuleId, confidence: Confidence) -> Option<Measured> {
        self.entries.get(&(rule.clone(), confidence)).copied().filter(|m| m.counts())
    }

    /// Returns everything that was measured of a rule, the surest findings first, few cases or many.
    pub fn of_rule(&self, rule: &RuleId) -> Vec<(Confidence, Measured)> {
        let all = self.entries.iter().rev().filter(|((r, _), _)| r == rule);
        all.map(|((_, confidence), measured)| (*confidence, *measured)).collect()
    }
}

/// Reads the file and checks its numbers.
///
/// # Errors
/// [`RuleError`] where it is not of the form, or counts more real cases than cases.
pub fn read(source: &RuleSource) -> Result<PrecisionFile, RuleError> {
    let wrong = |problem| RuleError { origin: source.origin.clone(), problem };
    let file: PrecisionFile = yaml(&source.text).map_err(wrong)?;
    if let Some(entry) = file.rules.iter().find(|e| e.real > e.n) {
        let what = format!("of `{}` is larger than its `n`", entry.rule);
        return Err(wrong(RuleProblem::Field { field: "true", what }));
    }
    Ok(file)
}

/// Writes the file for what was measured, with a line feed at the end.
pub fn write(date: &str, measured: &BTreeMap<(RuleId, Confidence), Measured>) -> String {
    let mut text = String::from(
        "# How often rules were right where they were measured. Generated, DO NOT EDIT, run\n\
         # `portcullis rules measure --write`; docs/measurements.md says on what.\n",
    );
    text.push_str(&format!("date: {date}\n"));
    text.push_str(if measured.is_empty() { "rules: []\n" } else { "rules:\n" });
    for ((rule, confidence), m) in measured {
        let (low, high) = m.interval();
        text.push_str(&format!(
            "  - {{ rule: {rule}, confidence: {confidence}, n: {}, \"true\": {}, interval: [{low:.2}, {high:.2}] }}\n",
            m.n, m.real
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Measured, Precisions, RuleSource, read, write};
    use crate::finding::{Confidence, RuleId};
    use std::collections::BTreeMap;

    fn measured(n: u32, real: u32) -> Measured {
        Measured { n, real }
    }

    #[test]
    fn wilsons_interval_is_the_one_in_the_books() {
        let rounded = |m: Measured| {
            let (low, high) = m.interval();
            ((low * 1000.0).round(), (high * 1000.0).round())
        };
        assert_eq!(rounded(measured(10, 8)), (490.0, 943.0));
        assert_eq!(rounded(measured(20, 0)), (0.0, 161.0));
        assert_eq!(rounded(measured(0, 0)), (0.0, 1000.0));
    }

    #[test]
    fn a_measurement_only_takes_confidence_away() {
        assert_eq!(measured(10, 8).holds(Confidence::High), Confidence::High);
        assert_eq!(measured(10, 7).holds(Confidence::High), Confidence::Medium);
        assert_eq!(measured(20, 9).holds(Confidence::High), Confidence::Low);
        assert_eq!(measured(20, 20).holds(Confidence::Medium), Confidence::Medium, "it never adds");
        assert_eq!(measured(9, 0).holds(Confidence::High), Confidence::High, "too few cases");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let rule = RuleId::new("python-eval");
        let all = BTreeMap::from([
            ((rule.clone(), Confidence::High), measured(21, 13)),
            ((rule.clone(), Confidence::Medium), measured(3, 1)),
        ]);
        let text = write("2026-11-22", &all);
        let source = |text: String| RuleSource {
            folder: String::new(),
            stem: "precision".into(),
            origin: "precision.yml".into(),
            text: text.into(),
        };
        let mut precisions = Precisions::default();
        precisions.add(read(&source(text.clone())).expect("our own form"));
        assert_eq!(precisions.of(&rule, Confidence::High), Some(measured(21, 13)));
        assert_eq!(precisions.of(&rule, Confidence::Medium), None, "too few cases to count");
        assert_eq!(precisions.of_rule(&rule).len(), 2);
        assert_eq!(measured(21, 13).to_string(), "measured precision 0.62 of 21");
        let wrong = text.replace("\"true\": 13", "\"true\": 22");
        assert!(
            read(&source(wrong)).expect_err("more real ones than cases").to_string().contains("larger than its `n`")
        );
    }
}
