//! Counts: pure, from what was seen of each change to figures.

use super::manifest::{Change, Judgements, Label};
use crate::detect::rules::precision::Measured;
use crate::finding::{Confidence, RuleId};
use crate::policy::Verdict;
use crate::report::Report;
use crate::report::model::FindingView;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Name and version of the form.
const SCHEMA: &str = "portcullis/measurement/1";

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    /// `portcullis/measurement/1`.
    pub schema: String,
    /// Day of the data.
    pub date: String,
    /// Digest of the rules.
    pub rules_digest: String,
    /// Figures of each label.
    pub labels: Vec<LabelFigures>,
    /// Figures of each rule that spoke, at each confidence.
    pub rules: Vec<RuleFigures>,
    /// Judgements of findings that are not there.
    pub unused_judgements: Vec<String>,
    /// Each change.
    pub rows: Vec<Row>,
}

/// Figures of one label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelFigures {
    /// The label.
    pub label: Label,
    /// All its changes together.
    pub all: Figures,
    /// By class of weakness; none for ordinary changes.
    pub classes: BTreeMap<String, Figures>,
}

/// How changes fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Changes.
    pub rows: u32,
    /// Of these, such as could not be read.
    pub unreadable: u32,
    /// Such as got no verdict.
    pub inconclusive: u32,
    /// Such as are blocked.
    pub blocked: u32,
    /// Of the blocked ones, such as a finding of the label's class, or one that was judged to be real, blocks.
    pub rightly: u32,
}

/// What was measured of a rule's findings of one confidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleFigures {
    /// The rule.
    pub rule: RuleId,
    /// Confidence of the findings.
    pub confidence: Confidence,
    /// Cases and real ones among them.
    #[serde(flatten)]
    pub measured: Measured,
    /// Share of real cases; null where there is no case.
    pub precision: Option<f64>,
    /// Wilson's interval of 95 %.
    pub interval: (f64, f64),
    /// Cases of which nothing is known, which do not count.
    pub unjudged: u32,
}

/// A change and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// What was seen, or why nothing.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What was seen of a change, or why nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was checked.
    Seen(Seen),
    /// It could not be read, and why.
    Unreadable(String),
}

/// What a check said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The verdict.
    pub verdict: Verdict,
    /// Risk of the change.
    pub risk: f64,
    /// What the change brings in, hints left out.
    pub findings: Vec<SeenFinding>,
    /// What could not be analysed, a line each.
    pub gaps: Vec<String>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeenFinding {
    /// Its rule.
    pub rule: RuleId,
    /// How sure.
    pub confidence: String,
    /// How bad.
    pub severity: String,
    /// Weakness classes.
    pub cwe: Vec<String>,
    /// The file.
    pub path: String,
    /// The line it begins on.
    pub line: u32,
    /// One line that names the bad pattern.
    pub message: String,
    /// Whether it lies in test code.
    pub in_tests: bool,
    /// Whether it blocks.
    pub blocks: bool,
    /// Whether it is real, by a judgement or by the label; null where neither says.
    pub real: Option<bool>,
}

impl Seen {
    /// Takes from a report what counts.
    pub fn of(report: &Report) -> Self {
        let counts =
            |f: &&FindingView| f.origin == "introduced" && matches!(f.disposition.as_str(), "blocks" | "warns");
        let mut findings: Vec<SeenFinding> = report.findings.iter().filter(counts).map(SeenFinding::of).collect();
        findings.sort_by(|a, b| (&a.path, a.line, &a.rule).cmp(&(&b.path, b.line, &b.rule)));
        let gaps = report.coverage.gaps.iter().map(|gap| match &gap.path {
            Some(path) => format!("{path}: {}", gap.detail),
            None => gap.detail.clone(),
        });
        Self { verdict: report.verdict, risk: report.risk.score, findings, gaps: gaps.collect() }
    }
}

impl SeenFinding {
    fn of(f: &FindingView) -> Self {
        Self {
            rule: RuleId::new(f.rule.clone()),
            confidence: f.confidence.clone(),
            severity: f.severity.clone(),
            cwe: f.cwe.clone(),
            path: f.path.clone(),
            line: f.start_line,
            message: f.message.clone(),
            in_tests: f.in_tests,
            blocks: f.disposition == "blocks",
            real: None,
        }
    }

    fn confidence(&self) -> Confidence {
        let all = [Confidence::Low, Confidence::Medium, Confidence::High];
        all.into_iter().find(|c| c.as_str() == self.confidence).unwrap_or(Confidence::Low)
    }
}

impl Outcome {
    /// Returns what was seen.
    pub fn seen(&self) -> Option<&Seen> {
        match self {
            Self::Seen(seen) => Some(seen),
            Self::Unreadable(_) => None,
        }
    }
}

impl Row {
    /// Says whether it is blocked, and whether by something real.
    pub fn blocked(&self) -> Option<bool> {
        let seen = self.outcome.seen().filter(|s| s.verdict == Verdict::Blocked)?;
        let by: Vec<_> = seen.findings.iter().filter(|f| f.blocks).collect();
        let real = |f: &SeenFinding| f.real == Some(true);
        // A change that only its risk blocks is blocked by all that it brings in.
        Some(if by.is_empty() { seen.findings.iter().any(real) } else { by.into_iter().any(real) })
    }
}

impl Figures {
    fn add(&mut self, row: &Row) {
        self.rows += 1;
        match &row.outcome {
            Outcome::Unreadable(_) => self.unreadable += 1,
            Outcome::Seen(seen) => self.inconclusive += u32::from(seen.verdict == Verdict::Inconclusive),
        }
        self.blocked += u32::from(row.blocked().is_some());
        self.rightly += u32::from(row.blocked() == Some(true));
    }

    /// Returns how many were read and blocked.
    pub fn share(self) -> Measured {
        Measured { n: self.rows - self.unreadable, real: self.blocked }
    }

    /// Returns how many were read and blocked by nothing real.
    pub fn mistaken(self) -> Measured {
        Measured { n: self.rows - self.unreadable, real: self.blocked - self.rightly }
    }
}

impl Measurement {
    /// Returns what was measured of each rule at each confidence.
    pub fn precisions(&self) -> BTreeMap<(RuleId, Confidence), Measured> {
        let known = self.rules.iter().filter(|r| r.measured.n > 0);
        known.map(|r| ((r.rule.clone(), r.confidence), r.measured)).collect()
    }
}

/// Counts.
pub fn measure(date: &str, rules_digest: &str, mut rows: Vec<Row>, judged: &Judgements) -> Measurement {
    let unused_judgements = settle(&mut rows, judged);
    let figures = |rows: &mut dyn Iterator<Item = &Row>| {
        let mut figures = Figures::default();
        rows.for_each(|row| figures.add(row));
        figures
    };
    let labels = Label::ALL.into_iter().map(|label| {
        let of: Vec<&Row> = rows.iter().filter(|r| r.change.label == label).collect();
        let names: BTreeSet<&str> = of.iter().filter(|_| label != Label::Ordinary).map(|r| class(&r.change)).collect();
        let one = |name: &str| figures(&mut of.iter().copied().filter(|r| class(&r.change) == name));
        let classes = names.into_iter().map(|name| (name.to_owned(), one(name))).collect();
        LabelFigures { label, all: figures(&mut of.iter().copied()), classes }
    });
    Measurement {
        schema: SCHEMA.into(),
        date: date.into(),
        rules_digest: rules_digest.into(),
        labels: labels.collect(),
        rules: rule_figures(&rows),
        unused_judgements,
        rows,
    }
}

/// Returns the class by which a change is counted.
fn class(change: &Change) -> &str {
    change.class.as_deref().or(change.cwe.first().map(String::as_str)).unwrap_or("unknown")
}

/// Says of each finding whether it is real: a judgement says so, or else the label. Of an ordinary change nothing is; of
/// another one what has its class, and of the rest nothing is known. Returns the judgements of findings that are not there.
fn settle(rows: &mut [Row], judged: &Judgements) -> Vec<String> {
    let mut used = vec![false; judged.findings.len()];
    for Row { change, outcome } in rows {
        let Outcome::Seen(seen) = outcome else { continue };
        for finding in &mut seen.findings {
            let judgement = judged.findings.iter().position(|j| {
                (&j.repository, &j.head) == (&change.repository, &change.head)
                    && (j.path.as_str(), j.line, j.rule.as_str())
                        == (finding.path.as_str(), finding.line, finding.rule.as_str())
            });
            finding.real = match judgement {
                Some(number) => {
                    used[number] = true;
                    Some(judged.findings[number].real)
                }
                None if change.label == Label::Ordinary => Some(false),
                None => finding.cwe.iter().any(|c| change.cwe.contains(c)).then_some(true),
            };
        }
    }
    let unused = judged.findings.iter().zip(used).filter(|(_, used)| !used);
    unused.map(|(j, _)| format!("{} {} {}:{} {}", j.repository, j.head, j.path, j.line, j.rule)).collect()
}

/// Counts the cases of each rule at each confidence. What a rule says more than once of one file of a change is one case,
/// real only where nothing of it is wrong: a rule that is wrong about a file is often wrong about all of it, and the
/// interval holds for cases that do not hang together. Test code is left out where it does not block.
fn rule_figures(rows: &[Row]) -> Vec<RuleFigures> {
    let mut cases: BTreeMap<(&RuleId, Confidence, usize, &str), Option<bool>> = BTreeMap::new();
    for (number, row) in rows.iter().enumerate() {
        let findings = row.outcome.seen().map(|s| s.findings.as_slice()).unwrap_or_default();
        for finding in findings.iter().filter(|f| f.blocks || !f.in_tests) {
            let case = cases.entry((&finding.rule, finding.confidence(), number, &finding.path)).or_default();
            *case = match (*case, finding.real) {
                (Some(a), Some(b)) => Some(a && b),
                (a, b) => a.or(b),
            };
        }
    }
    let mut counted: BTreeMap<(&RuleId, std::cmp::Reverse<Confidence>), (Measured, u32)> = BTreeMap::new();
    for ((rule, confidence, ..), real) in cases {
        let (measured, unjudged) = counted.entry((rule, std::cmp::Reverse(confidence))).or_default();
        match real {
            None => *unjudged += 1,
            Some(real) => {
                measured.n += 1;
                measured.real += u32::from(real);
            }
        }
    }
    let hundredths = |x: f64| (x * 100.0).round() / 100.0;
    let figures = counted.into_iter().map(|((rule, confidence), (measured, unjudged))| RuleFigures {
        rule: rule.clone(),
        confidence: confidence.0,
        measured,
        precision: (measured.n > 0).then(|| hundredths(measured.precision())),
        interval: (hundredths(measured.interval().0), hundredths(measured.interval().1)),
        unjudged,
    });
    figures.collect()
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Row, Seen, SeenFinding, measure};
    use crate::finding::RuleId;
    use crate::policy::Verdict;
    use crate::run::measure::manifest::{Change, Judgements, Label};

    fn finding(path: &str, line: u32, cwe: &str) -> SeenFinding {
        SeenFinding {
            rule: RuleId::new("python-x"),
            confidence: "high".into(),
            severity: "high".into(),
            cwe: vec![cwe.into()],
            path: path.into(),
            line,
            message: "m".into(),
            in_tests: path.starts_with("tests/"),
            blocks: !path.starts_with("tests/"),
            real: None,
        }
    }

    fn row(label: Label, findings: Vec<SeenFinding>) -> Row {
        let cwe = if label == Label::Ordinary { Vec::new() } else { vec!["CWE-79".into()] };
        let change = Change { repository: "a/b".into(), base: "x".into(), head: "y".into(), label, class: None, cwe };
        let verdict = if findings.iter().any(|f| f.blocks) { Verdict::Blocked } else { Verdict::Pass };
        Row { change, outcome: Outcome::Seen(Seen { verdict, risk: 0.0, findings, gaps: Vec::new() }) }
    }

    #[test]
    fn one_file_of_a_change_is_one_case_of_a_rule() {
        let rows = vec![
            row(Label::Ordinary, vec![finding("a.py", 1, "CWE-79"), finding("a.py", 9, "CWE-79")]),
            row(Label::Ordinary, vec![finding("tests/a.py", 1, "CWE-79")]),
            row(Label::Contributing, vec![finding("a.py", 1, "CWE-79"), finding("b.py", 1, "CWE-89")]),
            row(Label::FixReversed, vec![finding("a.py", 1, "CWE-89"), finding("a.py", 2, "CWE-79")]),
        ];
        let measured = measure("2026-11-22", "", rows, &Judgements::default());
        let [rule] = measured.rules.as_slice() else { panic!("one rule, one confidence: {:?}", measured.rules) };
        assert_eq!((rule.measured.n, rule.measured.real, rule.unjudged), (3, 2, 1));
        let ordinary = measured.labels[2].all;
        assert_eq!((ordinary.rows, ordinary.blocked, ordinary.rightly), (2, 1, 0));
        assert_eq!(measured.labels[0].classes["CWE-79"].rightly, 1);
    }

    #[test]
    fn a_change_that_only_its_risk_blocks_is_blocked_by_all_that_it_brings_in() {
        let mut one = row(Label::Contributing, vec![finding("a.py", 1, "CWE-79")]);
        let Outcome::Seen(seen) = &mut one.outcome else { panic!("it was seen") };
        (seen.verdict, seen.findings[0].blocks) = (Verdict::Blocked, false);
        let measured = measure("2026-11-22", "", vec![one], &Judgements::default());
        assert_eq!((measured.labels[1].all.blocked, measured.labels[1].all.rightly), (1, 1));
    }
}
