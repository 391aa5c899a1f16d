//! From findings and gaps to a verdict. Pure; never sees source text, never reads configuration files.

pub mod baseline;
pub mod suppression;
pub mod tamper;

use crate::compare::{Comparison, Origin};
use crate::detect::rules::precision::{Measured, Precisions};
use crate::finding::{Confidence, Finding, Gap, GapKind, Severity};
use crate::risk::{ChangeRisk, Risk, of_change, of_finding};
use baseline::Baseline;
use globset::GlobMatcher;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use suppression::{Ledger, Suppressions};

/// What the policy says, validated.
#[derive(Debug, Clone)]
pub struct Options {
    /// Lowest severity that blocks, together with `confidence`; `None`: severity never blocks.
    pub severity: Option<Severity>,
    /// Lowest confidence that blocks.
    pub confidence: Confidence,
    /// Whether findings in test code block like all others; where not, only critical ones do.
    pub test_code: bool,
    /// Whether a whole tree is judged (an audit), not a change.
    pub whole_tree: bool,
    /// Risk of the change from which on it is blocked; `None`: risk never blocks.
    pub risk: Option<f64>,
    /// Decisions for rules, classes and paths; the first that fits counts.
    pub decisions: Vec<DecisionRule>,
    /// Kinds of gap that do not make the verdict inconclusive.
    pub open: BTreeSet<GapKind>,
    /// Whether an inconclusive verdict still exits 0.
    pub inconclusive_passes: bool,
    /// Suppressions.
    pub suppressions: Suppressions,
    /// What was measured of the rules: a precision below what a confidence promises lowers it.
    pub measured: Precisions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            severity: Some(Severity::High),
            confidence: Confidence::High,
            test_code: false,
            whole_tree: false,
            risk: Some(70.0),
            decisions: Vec::new(),
            open: BTreeSet::new(),
            inconclusive_passes: false,
            suppressions: Suppressions::default(),
            measured: Precisions::default(),
        }
    }
}

/// A decision for findings that fit all criteria it names.
#[derive(Debug, Clone)]
pub struct DecisionRule {
    /// Rule id.
    pub rule: Option<String>,
    /// Weakness class.
    pub cwe: Option<String>,
    /// Path.
    pub path: Option<GlobMatcher>,
    /// What to do.
    pub decision: Decision,
    /// How it is named in reports: `decisions[2]`.
    pub name: String,
}

/// What a policy can do with a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It blocks, whatever its severity.
    Block,
    /// It is shown and never blocks.
    Warn,
    /// It is counted, not shown, and never blocks.
    Ignore,
}

/// The answer of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing stands against merging.
    Pass,
    /// The policy forbids merging.
    Blocked,
    /// Something could not be analysed, so nothing can be said.
    Inconclusive,
}

impl Verdict {
    /// Returns the word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Blocked => "blocked",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// What became of a finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "disposition", content = "because", rename_all = "kebab-case")]
pub enum Disposition {
    /// It blocks, and why.
    Blocks(String),
    /// It is shown.
    Warns,
    /// It was there before the change.
    Existing,
    /// It is a model's hint.
    Advisory,
    /// A suppression covers it; which.
    Suppressed(String),
    /// A decision of the policy ignores it; which.
    Ignored(String),
    /// The baseline holds it.
    Baseline,
}

/// A finding with its risk and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The finding.
    pub finding: Finding,
    /// What was measured of its rule, where it counts.
    pub measured: Option<Measured>,
    /// Its risk.
    pub risk: Risk,
    /// Where it comes from.
    pub origin: Origin,
    /// What became of it.
    pub disposition: Disposition,
}

/// The verdict with everything that led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// Why, one sentence each, most important first.
    pub reasons: Vec<String>,
    /// Risk of the change.
    pub risk: ChangeRisk,
    /// Every finding at head; most risky first.
    pub findings: Vec<Judged>,
    /// Findings at base that are gone.
    pub fixed: Vec<Finding>,
    /// Gaps, with whether the policy closes on them.
    pub gaps: Vec<(Gap, bool)>,
    /// What became of each suppression.
    pub ledger: Ledger,
}

impl Options {
    /// Says whether the policy lets a finding through where it stands: ignored, only warned of, or suppressed.
    pub fn waives(&self, finding: &Finding) -> bool {
        let decided = self.decisions.iter().find(|d| d.fits(finding));
        decided.is_some_and(|d| d.decision != Decision::Block)
            || self.suppressions.listed.iter().any(|l| l.fits(finding))
    }
}

/// Decides.
pub fn judge(
    comparison: Comparison,
    gaps: Vec<Gap>,
    options: &Options,
    mut ledger: Ledger,
    baseline: &Baseline,
) -> Judgement {
    let mut known = baseline.counter();
    let mut findings: Vec<Judged> = comparison
        .head
        .into_iter()
        .map(|(finding, origin)| {
            let measured = options.measured.of(&finding.rule, finding.confidence);
            let disposition = dispose(&finding, origin, options, measured, &mut ledger, &mut known);
            Judged { risk: of_finding(&finding, measured), measured, finding, origin, disposition }
        })
        .collect();
    findings.sort_by(|a, b| {
        let rank = |j: &Judged| (rank(&j.disposition), std::cmp::Reverse((j.risk.score * 10.0) as i64));
        rank(a).cmp(&rank(b)).then_with(|| a.finding.location.cmp(&b.finding.location))
    });
    let counted = findings.iter().filter(|j| counts(j)).map(|j| (&j.finding, &j.risk));
    let risk = of_change(counted);
    let gaps: Vec<(Gap, bool)> =
        gaps.into_iter().map(|g| (!options.open.contains(&g.kind), g)).map(|(c, g)| (g, c)).collect();
    let mut judgement = Judgement {
        verdict: Verdict::Pass,
        reasons: Vec::new(),
        risk,
        findings,
        fixed: comparison.fixed,
        gaps,
        ledger,
    };
    conclude(&mut judgement, options);
    judgement
}

fn rank(disposition: &Disposition) -> u8 {
    match disposition {
        Disposition::Blocks(_) => 0,
        Disposition::Warns => 1,
        Disposition::Advisory => 2,
        Disposition::Existing => 3,
        Disposition::Suppressed(_) => 4,
        Disposition::Baseline => 5,
        Disposition::Ignored(_) => 6,
    }
}

fn counts(judged: &Judged) -> bool {
    matches!(judged.disposition, Disposition::Blocks(_) | Disposition::Warns) && judged.origin != Origin::Altered
}

fn dispose(
    finding: &Finding,
    origin: Origin,
    options: &Options,
    measured: Option<Measured>,
    ledger: &mut Ledger,
    known: &mut BTreeMap<String, u32>,
) -> Disposition {
    let decided = options.decisions.iter().find(|d| d.fits(finding));
    if let Some(DecisionRule { decision: Decision::Ignore, name, .. }) = decided {
        return Disposition::Ignored(name.clone());
    }
    if let Some(by) = ledger.covers(finding, origin) {
        return Disposition::Suppressed(by);
    }
    // What a change brings in is never in the baseline, however much it looks like something that is.
    if (origin == Origin::Existing || options.whole_tree) && baseline::take(known, finding) {
        return Disposition::Baseline;
    }
    if origin == Origin::Existing {
        return Disposition::Existing;
    }
    match decided.map(|d| (d.decision, &d.name)) {
        Some((Decision::Block, name)) if !finding.advisory => Disposition::Blocks(format!("{name} of the policy")),
        Some((Decision::Warn, _)) => {
            if finding.advisory {
                Disposition::Advisory
            } else {
                Disposition::Warns
            }
        }
        _ if finding.advisory => Disposition::Advisory,
        _ if origin == Origin::Altered => Disposition::Warns,
        _ => match options.severity {
            Some(severity)
                if finding.severity >= bar(severity, finding, options)
                    && measured.map_or(finding.confidence, |m| m.holds(finding.confidence)) >= options.confidence =>
            {
                Disposition::Blocks(format!("severity {}, confidence {}", finding.severity, finding.confidence))
            }
            _ => Disposition::Warns,
        },
    }
}

/// Returns the severity from which on a finding blocks: test code does not run in production, so there only what is
/// critical anywhere does, such as a live credential.
fn bar(severity: Severity, finding: &Finding, options: &Options) -> Severity {
    if finding.in_tests && !options.test_code { Severity::Critical } else { severity }
}

impl DecisionRule {
    fn fits(&self, finding: &Finding) -> bool {
        self.rule.as_ref().is_none_or(|r| r == finding.rule.as_str())
            && self.cwe.as_ref().is_none_or(|c| finding.cwe.contains(c))
            && self.path.as_ref().is_none_or(|p| p.is_match(finding.location.path.as_str()))
    }
}

fn conclude(judgement: &mut Judgement, options: &Options) {
    let blocking = judgement.findings.iter().filter(|j| matches!(j.disposition, Disposition::Blocks(_))).count();
    if blocking > 0 {
        judgement.reasons.push(format!("{} the policy blocks", plural(blocking, "finding that", "findings that")));
    }
    let whole = if options.whole_tree { "tree" } else { "change" };
    let over = options.risk.filter(|limit| judgement.risk.score >= *limit);
    // What rules say that were measured and found wanting does not block, however often they say it.
    let trusted = |j: &&Judged| counts(j) && !j.measured.is_some_and(Measured::is_low);
    let only_low = judgement.risk.score > 0.0 && !judgement.findings.iter().any(|j| trusted(&j));
    if let Some(limit) = over {
        let but = if only_low { ", but only by rules whose measured precision is too low to block alone" } else { "" };
        let score = judgement.risk.score;
        judgement.reasons.push(format!("the {whole}'s risk {score:.1} reaches the limit {limit:.0}{but}"));
    }
    let closed = judgement.gaps.iter().filter(|(_, closes)| *closes).count();
    if blocking > 0 || (over.is_some() && !only_low) {
        judgement.verdict = Verdict::Blocked;
    } else if closed > 0 {
        judgement.verdict = Verdict::Inconclusive;
    }
    if closed > 0 {
        judgement.reasons.push(format!("{} of the {whole} could not be analysed", plural(closed, "part", "parts")));
    }
    if judgement.verdict == Verdict::Pass {
        let shown = judgement.findings.iter().filter(|j| j.disposition == Disposition::Warns).count();
        judgement.reasons.push(match shown {
            0 if options.whole_tree && judgement.findings.is_empty() => "the tree holds no finding".to_owned(),
            0 if options.whole_tree => "the tree holds only hints and findings that are accepted already".to_owned(),
            0 => "the change brings in no finding".to_owned(),
            n if options.whole_tree => format!("{}, none of which blocks", plural(n, "finding", "findings")),
            n => format!("{} below what the policy blocks", plural(n, "finding", "findings")),
        });
    }
}

/// Writes a count with the right word.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
