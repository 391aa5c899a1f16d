//! The view model: a copy of the judgement in the words and order of a report, ready to serialise.

use super::way::FlowView;
use crate::detect::rules::precision::Measured;
use crate::finding::{Confidence, Evidence, Finding, Gap, WeightedToken};
use crate::path::visible_lines;
use crate::policy::suppression::{Entry, Status};
use crate::policy::{Disposition, Judged, Judgement, Verdict};
use crate::redact::{Redactor, path_shapes, shapes};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;

/// Name and version of the form. A field that changes meaning or goes makes a new number; a new field does not.
pub const SCHEMA: &str = "portcullis/verdict/1";

/// A verdict with everything that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `portcullis/verdict/1`.
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// `check` or `audit`.
    pub command: String,
    /// The answer.
    pub verdict: Verdict,
    /// Why, one sentence each.
    pub reasons: Vec<String>,
    /// The change's risk.
    pub risk: RiskView,
    /// What was compared.
    pub change: ChangeView,
    /// What was and was not analysed.
    pub coverage: Coverage,
    /// Findings at head, those that matter most first. Ignored ones are only counted, in `counts`.
    pub findings: Vec<FindingView>,
    /// Findings that the change removes.
    pub fixed: Vec<FixedView>,
    /// What became of suppressions.
    pub suppressions: Vec<SuppressionView>,
    /// The policy in force.
    pub policy: PolicyView,
    /// How many findings have which disposition, ignored ones included.
    pub counts: BTreeMap<String, usize>,
    /// Things a reader should know that are no findings and no gaps.
    pub notes: Vec<String>,
    /// Declared times: all that may differ between two runs over the same input.
    pub times: Times,
}

/// What made a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// `portcullis`.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// How many rules.
    pub rules: usize,
    /// Digest of the rules.
    pub rules_digest: String,
    /// Models that were asked, as `name version sha256`.
    pub models: Vec<String>,
}

/// The risk of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskView {
    /// From 0 to 100.
    pub score: f64,
    /// From which on it blocks.
    pub limit: Option<f64>,
    /// Root causes, largest first.
    pub contributions: Vec<ContributionView>,
}

/// A root cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContributionView {
    /// Fingerprint of the finding that stands for it.
    pub fingerprint: String,
    /// Its rule.
    pub rule: String,
    /// Its risk.
    pub risk: f64,
    /// How many findings share it.
    pub findings: usize,
}

/// What was compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangeView {
    /// Commit before.
    pub base: Option<String>,
    /// Why that one.
    pub base_reason: String,
    /// Commit that policy was read from.
    pub policy_commit: Option<String>,
    /// Commit after.
    pub head: Option<String>,
    /// What the head is.
    pub head_reason: String,
}

/// What was and was not analysed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Files that differ (in an audit: files found).
    pub files: usize,
    /// Of these, files that were analysed.
    pub analysed: usize,
    /// Lines that the change adds.
    pub added_lines: u64,
    /// Of these, lines in files that were analysed.
    pub analysed_lines: u64,
    /// Analysed files by language.
    pub languages: BTreeMap<String, usize>,
    /// Files that analysis does not apply to, by reason: `deleted`, `binary`, `other language`, `symlink`, …
    pub not_applicable: BTreeMap<String, usize>,
    /// Added lines in code that the parser could not read.
    pub unread_lines: u64,
    /// What could not be analysed although it should have been.
    pub gaps: Vec<GapView>,
}

/// Something that could not be analysed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GapView {
    /// `base`, `size`, `time`, `depth`, `crash`, `unreadable`, `syntax`, `model` or `environment`.
    pub kind: String,
    /// The file, where it is one.
    pub path: Option<String>,
    /// What exactly.
    pub detail: String,
    /// Whether the policy makes the verdict inconclusive for it.
    pub closes: bool,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingView {
    /// Identity that survives moves.
    pub fingerprint: String,
    /// Identities under former rule names.
    pub aliases: Vec<String>,
    /// Rule id.
    pub rule: String,
    /// One line.
    pub message: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// `low`, `medium` or `high`.
    pub confidence: String,
    /// What was measured of its rule at this confidence, where it was.
    #[serde(default)]
    pub measured: Option<MeasuredView>,
    /// Weakness classes.
    pub cwe: Vec<String>,
    /// File, steering characters made visible.
    pub path: String,
    /// Lines and columns from 1; `end_column` is one past the last.
    pub start_line: u32,
    /// Column of the first character.
    pub start_column: u32,
    /// Last line.
    pub end_line: u32,
    /// One past the last column.
    pub end_column: u32,
    /// Enclosing symbol, or empty.
    pub symbol: String,
    /// `introduced`, `altered` or `existing`.
    pub origin: String,
    /// `blocks`, `warns`, `advisory`, `existing`, `suppressed`, `baseline` or `ignored`.
    pub disposition: String,
    /// Why it blocks, or what suppresses it.
    pub because: Option<String>,
    /// Risk from 0 to 100.
    pub risk: f64,
    /// What made the risk so.
    pub risk_reasons: Vec<String>,
    /// What it rests on: `rule`, `model`, `flow`, `policy`.
    pub evidence: Vec<String>,
    /// The way of the data, where it was followed.
    #[serde(default)]
    pub flow: Option<FlowView>,
    /// Tokens that drove a model's score.
    pub tokens: Vec<WeightedToken>,
    /// Whether it lies in test code.
    pub in_tests: bool,
    /// Why it is dangerous.
    pub why: String,
    /// What to do instead.
    pub fix: String,
    /// Where to read more.
    pub references: Vec<String>,
    /// Number of the excerpt's first line.
    pub excerpt_line: u32,
    /// Source lines, redacted.
    pub excerpt: Vec<String>,
    /// What to underline in the excerpt: line, first column, one past the last.
    pub marks: Vec<(u32, u32, u32)>,
}

/// What was measured of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredView {
    /// Cases.
    pub n: u32,
    /// Of these, real ones.
    #[serde(rename = "true")]
    pub real: u32,
    /// Their share.
    pub precision: f64,
    /// The confidence that this leaves of the stated one.
    pub leaves: String,
}

/// A finding that is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FixedView {
    /// Its identity.
    pub fingerprint: String,
    /// Its rule.
    pub rule: String,
    /// Where it was.
    pub path: String,
    /// The line it began on, at base.
    pub line: u32,
}

/// What became of a suppression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuppressionView {
    /// `comment`, or the place in the policy file.
    pub source: String,
    /// Rules it names.
    pub rules: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who.
    pub owner: Option<String>,
    /// File and line of a comment.
    pub place: Option<String>,
    /// Last day.
    pub expires: Option<String>,
    /// Whether it ends within two weeks.
    pub ends_soon: bool,
    /// Whether it covers what the change itself brings in, which only the policy's `added-up-to` allows.
    #[serde(default)]
    pub covers_added: bool,
    /// `honoured`, `unused`, `not-looked-at`, `expired`, `malformed` or `not-honoured`.
    pub status: String,
    /// Why, where it is not honoured.
    pub because: Option<String>,
}

/// The policy in force.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PolicyView {
    /// Where it came from.
    pub source: String,
    /// Its digest, empty for the defaults.
    pub digest: String,
    /// Lowest severity that blocks.
    pub fail_on_severity: Option<String>,
    /// Lowest confidence that blocks.
    pub fail_on_confidence: String,
}

/// Declared times.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// When the run began, RFC 3339, UTC.
    pub started: String,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

impl Report {
    /// Fills in what a judgement says. The caller adds what only it knows: tool, change, coverage, times.
    pub fn of(judgement: &Judgement, command: &str, tool: Tool) -> Self {
        let mut counts = BTreeMap::new();
        for judged in &judgement.findings {
            *counts.entry(disposition(&judged.disposition).0.to_owned()).or_insert(0) += 1;
        }
        let shown = judgement.findings.iter().filter(|j| !matches!(j.disposition, Disposition::Ignored(_)));
        Self {
            schema: SCHEMA.into(),
            tool,
            command: command.into(),
            verdict: judgement.verdict,
            reasons: judgement.reasons.clone(),
            risk: RiskView {
                score: judgement.risk.score,
                limit: None,
                contributions: judgement.risk.contributions.iter().map(ContributionView::of).collect(),
            },
            change: ChangeView::default(),
            coverage: Coverage {
                gaps: judgement.gaps.iter().map(|(gap, closes)| GapView::of(gap, *closes)).collect(),
                ..Coverage::default()
            },
            findings: shown.map(FindingView::of).collect(),
            fixed: judgement.fixed.iter().map(FixedView::of).collect(),
            suppressions: judgement.ledger.entries.iter().map(SuppressionView::of).collect(),
            policy: PolicyView::default(),
            counts,
            notes: Vec::new(),
            times: Times::default(),
        }
    }

    /// Masks known secrets in every text that can hold words of the scanned code: a secret of one file may stand in
    /// another one, in a name, or in a comment.
    pub fn mask(&mut self, secrets: &Redactor) {
        if secrets.is_empty() {
            return;
        }
        let mask = |text: &mut String| *text = secrets.redact_parts(&secrets.redact_values(text, 6));
        let mask_name = |text: &mut String| *text = secrets.redact_values(text, 8);
        for finding in &mut self.findings {
            finding.excerpt.iter_mut().for_each(mask);
            finding.because.iter_mut().for_each(mask);
            [&mut finding.symbol, &mut finding.path, &mut finding.why].into_iter().for_each(mask_name);
            if let Some(flow) = &mut finding.flow {
                let (lines, names) = flow.texts();
                lines.into_iter().for_each(mask);
                // Message and evidence name source and sink.
                let said = finding.evidence.iter_mut().chain([&mut finding.message]);
                names.into_iter().chain(said).for_each(mask_name);
            }
        }
        for suppression in &mut self.suppressions {
            let texts = std::iter::once(&mut suppression.reason).chain(&mut suppression.place);
            texts.chain(&mut suppression.owner).chain(&mut suppression.because).for_each(mask);
        }
        self.fixed.iter_mut().for_each(|fixed| mask_name(&mut fixed.path));
        for gap in &mut self.coverage.gaps {
            std::iter::once(&mut gap.detail).chain(&mut gap.path).for_each(mask);
        }
        self.notes.iter_mut().for_each(mask);
    }

    /// Returns the same report with the steering characters of every text made visible, wherever the text came from
    /// (a stored report is read back as data that somebody else may have written). Every renderer starts with this.
    ///
    /// # Errors
    /// Where a number is not finite, which no report holds.
    pub fn visible(&self) -> io::Result<Self> {
        serde_json::from_value(made_visible(serde_json::to_value(self)?)).map_err(io::Error::from)
    }
}

fn made_visible(value: Value) -> Value {
    let tame = |text: &str| visible_lines(text).replace('\t', " ");
    match value {
        Value::String(text) => Value::String(tame(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(made_visible).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(k, v)| (tame(&k), made_visible(v))).collect()),
        other => other,
    }
}

impl ContributionView {
    fn of(c: &crate::risk::Contribution) -> Self {
        Self { fingerprint: c.fingerprint.clone(), rule: c.rule.clone(), risk: c.risk, findings: c.findings }
    }
}

impl GapView {
    fn of(gap: &Gap, closes: bool) -> Self {
        Self {
            kind: gap.kind.as_str().into(),
            path: gap.path.as_ref().map(|p| path_shapes(&p.display())),
            detail: clean(&gap.detail),
            closes,
        }
    }
}

impl FindingView {
    fn of(judged: &Judged) -> Self {
        let Judged { finding, measured, risk, origin, disposition: d } = judged;
        let (disposition, because) = disposition(d);
        let span = &finding.location.span;
        Self {
            fingerprint: finding.fingerprint.to_string(),
            aliases: finding.aliases.iter().map(ToString::to_string).collect(),
            rule: finding.rule.to_string(),
            message: clean(&finding.message),
            severity: finding.severity.to_string(),
            confidence: finding.confidence.to_string(),
            measured: measured.map(|m| MeasuredView::of(m, finding.confidence)),
            cwe: finding.cwe.clone(),
            path: path_shapes(&finding.location.path.display()),
            start_line: span.start.line,
            start_column: span.start.column,
            end_line: span.end.line,
            end_column: span.end.column,
            symbol: clean(&finding.location.symbol),
            origin: origin.as_str().into(),
            disposition: disposition.into(),
            because: because.map(|b| clean(b)),
            risk: risk.score,
            risk_reasons: risk.reasons.clone(),
            evidence: finding.evidence.iter().map(evidence).collect(),
            flow: FlowView::of(finding),
            tokens: finding.evidence.iter().flat_map(tokens).cloned().collect(),
            in_tests: finding.in_tests,
            why: clean(&finding.why),
            fix: clean(&finding.fix),
            references: finding.references.clone(),
            excerpt_line: finding.excerpt.first_line,
            excerpt: finding.excerpt.lines.clone(),
            marks: finding.excerpt.marks.iter().map(|m| (m.line, m.start, m.end)).collect(),
        }
    }
}

impl MeasuredView {
    fn of(measured: Measured, stated: Confidence) -> Self {
        let precision = (measured.precision() * 100.0).round() / 100.0;
        Self { n: measured.n, real: measured.real, precision, leaves: measured.holds(stated).to_string() }
    }
}

impl FixedView {
    fn of(finding: &Finding) -> Self {
        Self {
            fingerprint: finding.fingerprint.to_string(),
            rule: finding.rule.to_string(),
            path: path_shapes(&finding.location.path.display()),
            line: finding.location.span.start.line,
        }
    }
}

impl SuppressionView {
    fn of(entry: &Entry) -> Self {
        let (status, because) = match &entry.status {
            Status::Honoured => ("honoured", None),
            Status::Unused => ("unused", None),
            Status::NotLookedAt => ("not-looked-at", None),
            Status::Expired(why) => ("expired", Some(why)),
            Status::Malformed(why) => ("malformed", Some(why)),
            Status::NotHonoured(why) => ("not-honoured", Some(why)),
        };
        Self {
            source: entry.source.clone(),
            rules: entry.rules.iter().map(|r| clean(r)).collect(),
            reason: clean(&entry.reason),
            owner: entry.owner.as_deref().map(clean),
            place: entry.place.as_ref().map(|(path, line)| path_shapes(&format!("{path}:{line}"))),
            expires: entry.expires.map(|d| d.to_string()),
            ends_soon: entry.ends_soon,
            covers_added: entry.covers_added,
            status: status.into(),
            because: because.map(|b| clean(b)),
        }
    }
}

fn disposition(disposition: &Disposition) -> (&'static str, Option<&String>) {
    match disposition {
        Disposition::Blocks(why) => ("blocks", Some(why)),
        Disposition::Warns => ("warns", None),
        Disposition::Existing => ("existing", None),
        Disposition::Advisory => ("advisory", None),
        Disposition::Suppressed(by) => ("suppressed", Some(by)),
        Disposition::Ignored(by) => ("ignored", Some(by)),
        Disposition::Baseline => ("baseline", None),
    }
}

fn evidence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Rule { .. } => "rule".into(),
        Evidence::Model { model, score, band, .. } => format!("model {model}: {band}, {:.0} of 100", score * 100.0),
        Evidence::Flow(flow) => clean(&format!("flow: {} data, from {} to {}", flow.trust, flow.what, flow.sink)),
        Evidence::Policy { what } => format!("policy: {what}"),
    }
}

fn tokens(evidence: &Evidence) -> &[WeightedToken] {
    match evidence {
        Evidence::Model { tokens, .. } => tokens,
        _ => &[],
    }
}

fn clean(text: &str) -> String {
    shapes(&visible_lines(text))
}
