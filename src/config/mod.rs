//! The policy file: its form, its validation, its defaults. Each stage owns its own options; here they come together.

pub mod load;
mod validate;

use crate::detect;
use crate::finding::{Confidence, GapKind, Severity};
use crate::policy::{self, Decision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use validate::ConfigError;

/// Names under which a policy is looked for at the root of the repository, in this order.
pub const FILE_NAMES: [&str; 4] = ["portcullis.yml", "portcullis.yaml", ".portcullis.yml", ".github/portcullis.yml"];

/// `portcullis.yml`: what may be merged.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct PolicyFile {
    /// Form of the file: 1.
    pub version: Option<u32>,
    /// What blocks a merge.
    pub fail_on: FailOn,
    /// Decisions for rules, weakness classes and paths; the first that fits a finding counts.
    pub decisions: Vec<DecisionEntry>,
    /// For each kind of gap, whether it makes the verdict inconclusive (`closed`, the default) or not (`open`).
    pub gaps: BTreeMap<GapKind, OnGap>,
    /// Exit status of an inconclusive verdict: `fail` is 3 (the default), `pass` is 0.
    pub inconclusive: Option<OnInconclusive>,
    /// Limits of the analysis.
    pub limits: LimitEntries,
    /// Findings that are accepted, each with reason and owner.
    pub suppressions: Vec<SuppressionEntry>,
    /// What comments in the code may do.
    pub inline_suppressions: InlineEntries,
    /// Path of a baseline file in the repository, made by `portcullis audit --write-baseline`.
    pub baseline: Option<String>,
    /// Directory in the repository with rules of your own, `<language>/<id>.yml`.
    pub rules: Option<String>,
    /// Whether the network scores changed functions (default false: it does not beat simpler models yet). Its findings are
    /// advice and never block.
    pub classifier: Option<bool>,
}

/// What blocks a merge.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct FailOn {
    /// Lowest severity that blocks, together with `confidence` (default high); `none`: severity never blocks.
    pub severity: Option<SeverityLimit>,
    /// Lowest confidence that blocks (default high).
    pub confidence: Option<Confidence>,
    /// Whether findings in test code block like all others (default false: only critical ones do).
    pub test_code: Option<bool>,
    /// Risk of the whole change, 0 to 100, from which on it is blocked (default 70); over 100: never.
    pub risk: Option<f64>,
}

/// A severity, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SeverityLimit {
    /// Severity does not block.
    None,
    /// Low and above.
    Low,
    /// Medium and above.
    #[serde(alias = "moderate")]
    Medium,
    /// High and above.
    High,
    /// Critical only.
    Critical,
}

impl SeverityLimit {
    /// Returns the severity, where there is one.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::None => None,
            Self::Low => Some(Severity::Low),
            Self::Medium => Some(Severity::Medium),
            Self::High => Some(Severity::High),
            Self::Critical => Some(Severity::Critical),
        }
    }
}

/// A decision; all criteria that it names must fit.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DecisionEntry {
    /// Rule id.
    pub rule: Option<String>,
    /// Weakness class, `CWE-79`.
    pub cwe: Option<String>,
    /// Path with `*`, `**` and `?`.
    pub path: Option<String>,
    /// What to do.
    pub decision: Decision,
}

/// What a gap does to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnGap {
    /// It is shown, and the verdict stands.
    Open,
    /// It makes the verdict inconclusive.
    Closed,
}

/// How an inconclusive verdict exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnInconclusive {
    /// With status 3.
    Fail,
    /// With status 0.
    Pass,
}

/// Limits of the analysis.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LimitEntries {
    /// Largest file in bytes (default 2097152).
    pub file_bytes: Option<u64>,
    /// Processor time for one side of one file in milliseconds, for parsing and again for matching (default 2000).
    pub file_ms: Option<u64>,
    /// Deepest nesting of a syntax tree in nodes (default 1000).
    pub depth: Option<u32>,
    /// Largest change in bytes, both sides of all files together (default 268435456).
    pub change_bytes: Option<u64>,
}

/// A suppression; all criteria that it names must fit, and it names at least one.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SuppressionEntry {
    /// Rule id.
    pub rule: Option<String>,
    /// Fingerprint, as reports show it.
    pub fingerprint: Option<String>,
    /// Path with `*`, `**` and `?`.
    pub path: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day it holds, `2027-01-31`.
    pub expires: Option<String>,
}

/// What comments in the code may do.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct InlineEntries {
    /// Whether comments count at all (default true).
    pub enabled: Option<bool>,
    /// Highest severity up to which a comment that a change adds counts in the same change (default none).
    pub added_up_to: Option<SeverityLimit>,
}

/// The policy in force, validated, with where it came from.
#[derive(Debug, Clone)]
pub struct Config {
    /// `portcullis.yml at 1234abcd`, or `built-in defaults`.
    pub source: String,
    /// 12 hexadecimal digits of SHA-256 over the file; empty for the defaults.
    pub digest: String,
    /// Path of the policy file in the repository, where it has one.
    pub path: Option<String>,
    /// For the verdict.
    pub policy: policy::Options,
    /// For the analysis of a file.
    pub analysis: detect::Options,
    /// Largest file, in bytes.
    pub file_bytes: u64,
    /// Largest change, in bytes.
    pub change_bytes: u64,
    /// Path of the baseline in the repository.
    pub baseline: Option<String>,
    /// Directory of rules in the repository.
    pub rules: Option<String>,
    /// Whether the network scores.
    pub classifier: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source: "built-in defaults".into(),
            digest: String::new(),
            path: None,
            policy: policy::Options::default(),
            analysis: detect::Options::default(),
            file_bytes: 2 << 20,
            change_bytes: 256 << 20,
            baseline: None,
            rules: None,
            classifier: false,
        }
    }
}

/// Returns the JSON schema of the policy file, with a line feed at the end.
pub fn schema() -> String {
    let schema = schemars::schema_for!(PolicyFile);
    serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"
}
