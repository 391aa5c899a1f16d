//! One number for a finding and one for a change, from 0 to 100, each with its reasons.

use crate::detect::rules::precision::Measured;
use crate::finding::{Confidence, Finding, Severity};
use serde::Serialize;
use std::collections::BTreeMap;

/// The risk of one finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Risk {
    /// From 0 to 100, one decimal.
    pub score: f64,
    /// What made it so, in order of effect.
    pub reasons: Vec<String>,
}

/// The risk of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct ChangeRisk {
    /// 100 x (1 - product of (1 - r/100)) over what distinct root causes weigh; one decimal.
    pub score: f64,
    /// What each root cause contributes, largest first.
    pub contributions: Vec<Contribution>,
}

/// One root cause in the risk of a change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// Fingerprint of the finding that stands for it.
    pub fingerprint: String,
    /// Its rule.
    pub rule: String,
    /// What it weighs, from 0 to 100: its risk, halved for every larger one of its rule in the file.
    pub risk: f64,
    /// How many findings share the root cause.
    pub findings: usize,
}

/// Likelihood that a finding of this confidence is real, as long as its rule's precision is not measured to be lower.
fn likelihood(confidence: Confidence) -> f64 {
    match confidence {
        Confidence::High => 0.9,
        Confidence::Medium => 0.6,
        Confidence::Low => 0.3,
    }
}

/// Harm if it is real, from 0 to 100: the middle of CVSS's bands for the four words, times ten.
fn harm(severity: Severity) -> f64 {
    match severity {
        Severity::Critical => 95.0,
        Severity::High => 70.0,
        Severity::Medium => 40.0,
        Severity::Low => 15.0,
    }
}

/// Says whose data it is that a flow carries. What that means for the risk is in severity and confidence already.
fn owner(trust: &str) -> &'static str {
    match trust {
        "remote" => "data of anyone on the network",
        "peer" => "data of another service",
        "stored" => "data from a file or a database",
        "operator" => "data of whoever starts the program",
        "environment" => "data of the environment that the program runs in",
        "parameter" => "data of a caller that was not seen",
        _ => "made by the program itself",
    }
}

/// Weight of a finding in test code: it does not run in production.
const IN_TESTS: f64 = 0.25;

/// Returns the risk of a finding: harm times likelihood, lower in test code. A measurement can lower the likelihood.
pub fn of_finding(finding: &Finding, measured: Option<Measured>) -> Risk {
    let stated = likelihood(finding.confidence);
    let lower = measured.filter(|m| m.precision() < stated);
    let mut score = harm(finding.severity) * lower.map_or(stated, Measured::precision);
    let mut reasons = vec![
        format!("severity {}: harm {:.0} of 100", finding.severity, harm(finding.severity)),
        match lower {
            Some(measured) => format!("{measured}: likelihood {:.2}", measured.precision()),
            None => format!("confidence {}: likelihood {stated:.1}", finding.confidence),
        },
    ];
    if let Some(flow) = finding.flow() {
        reasons.push(format!("source: {}, {}", flow.what, owner(&flow.trust)));
    }
    if finding.in_tests {
        score *= IN_TESTS;
        reasons.push(format!("in test code: weight {IN_TESTS}"));
    }
    if finding.advisory {
        reasons.push("advisory: not part of the whole risk".into());
    }
    Risk { score: one_decimal(score), reasons }
}

/// Returns the risk of a change from its findings and their risks. Advisory findings take no part.
///
/// Findings share a root cause where their spans overlap, or where the same rule speaks more than once in one symbol:
/// the largest risk among them counts once. Every further cause of one rule in one file weighs half of the one before:
/// a rule that is wrong about a file is often wrong about all of it.
pub fn of_change<'a>(findings: impl IntoIterator<Item = (&'a Finding, &'a Risk)>) -> ChangeRisk {
    let mut causes: Vec<(&Finding, f64, usize)> = Vec::new();
    let mut in_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (finding, risk) in findings.into_iter().filter(|(f, _)| !f.advisory) {
        let here = in_file.entry(finding.location.path.as_str()).or_default();
        match here.iter().copied().find(|i| same_cause(causes[*i].0, finding)) {
            Some(i) => {
                let (stands, score, count) = &mut causes[i];
                *count += 1;
                if risk.score > *score {
                    (*stands, *score) = (finding, risk.score);
                }
            }
            None => {
                here.push(causes.len());
                causes.push((finding, risk.score, 1));
            }
        }
    }
    let places: Vec<_> =
        causes.iter().map(|(f, risk, _)| ((f.rule.as_str(), f.location.path.as_str()), *risk)).collect();
    let weights = weigh(&places);
    let mut contributions: Vec<Contribution> = causes
        .into_iter()
        .zip(&weights)
        .map(|((finding, _, findings), weight)| Contribution {
            fingerprint: finding.fingerprint.to_string(),
            rule: finding.rule.to_string(),
            risk: one_decimal(*weight),
            findings,
        })
        .collect();
    contributions.sort_by(|a, b| b.risk.total_cmp(&a.risk).then_with(|| a.fingerprint.cmp(&b.fingerprint)));
    ChangeRisk { score: together(weights), contributions }
}

/// Returns what each risk weighs: those of one key are halved for every larger one among them.
pub fn weigh<K: Ord>(risks: &[(K, f64)]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..risks.len()).collect();
    order.sort_by(|a, b| risks[*b].1.total_cmp(&risks[*a].1));
    let mut larger: BTreeMap<&K, i32> = BTreeMap::new();
    let mut weights = vec![0.0; risks.len()];
    for i in order {
        let (key, risk) = &risks[i];
        let before = larger.entry(key).or_default();
        weights[i] = risk / 2f64.powi(*before);
        *before += 1;
    }
    weights
}

/// Returns the risk of several together: 100 x (1 - product of (1 - r/100)), one decimal.
pub fn together(risks: impl IntoIterator<Item = f64>) -> f64 {
    one_decimal(100.0 * (1.0 - risks.into_iter().map(|r| 1.0 - r / 100.0).product::<f64>()))
}

/// Says whether two findings of one file are one defect.
fn same_cause(a: &Finding, b: &Finding) -> bool {
    let (x, y) = (&a.location, &b.location);
    x.span.overlaps(&y.span) || (a.rule == b.rule && x.symbol == y.symbol && !x.symbol.is_empty())
}

fn one_decimal(score: f64) -> f64 {
    (score * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::{together, weigh};

    #[test]
    fn repeats_of_one_key_weigh_less_and_less() {
        let risks = [("a", 24.0), ("b", 40.0), ("a", 48.0), ("a", 8.0)];
        assert_eq!(weigh(&risks), [12.0, 40.0, 48.0, 2.0]);
        let eight = [("assert in one file", 24.0); 8];
        assert!(together(weigh(&eight)) < 45.0);
        let apart: Vec<_> = (0..8).map(|file| (file, 24.0)).collect();
        assert!(together(weigh(&apart)) > 85.0);
    }
}
