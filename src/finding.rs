//! What is said about one place in the code: finding, rule id, severity, confidence, evidence, fingerprint.
//!
//! Knows no stage: a rule code is data, and nothing here says how a finding was made.

use crate::path::RepoPath;
use crate::span::Span;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// How bad it is if the weakness is real and reached, by the usual four words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Hardening, or harm only together with something else.
    Low,
    /// Harm under conditions that are not rare.
    #[serde(alias = "moderate")]
    Medium,
    /// Direct harm to confidentiality, integrity or availability.
    High,
    /// Direct takeover or mass disclosure.
    Critical,
}

impl Severity {
    /// Returns the word used in reports and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How likely it is that a report of this kind is a real weakness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// A hint: less than half are real.
    Low,
    /// More often real than not.
    Medium,
    /// Four in five or more are real.
    High,
}

impl Confidence {
    /// Returns the word used in reports and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a rule, for example `python-subprocess-shell-true`: lower-case letters, digits and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(String);

impl RuleId {
    /// Makes an id without checking it; [`RuleId::is_valid`] says whether the shape is right.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether the id is 3 to 80 characters of `a-z`, `0-9` and `-`, starting with a letter.
    pub fn is_valid(&self) -> bool {
        (3..=80).contains(&self.0.len())
            && self.0.starts_with(|c: char| c.is_ascii_lowercase())
            && self.0.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An identity of a finding that survives moves and reformatting.
///
/// Version 1 is `p1-` and 24 hexadecimal digits of SHA-256 over the rule, the enclosing symbol and the normalised
/// tokens of the match (leaf tokens without comments and white space; literals of secret rules reduced to their class).
/// Neither path nor line take part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The version that [`Fingerprint::new`] makes.
    pub const VERSION: u32 = 1;

    /// Makes a fingerprint of version 1.
    pub fn new(rule: &str, symbol: &str, tokens: &[impl AsRef<str>]) -> Self {
        let digest = digest(rule, symbol, tokens);
        let hex: String = digest[..12].iter().map(|b| format!("{b:02x}")).collect();
        Self(format!("p{}-{hex}", Self::VERSION))
    }

    /// Reads a fingerprint that a user typed or a file holds. `None` where the shape is not `p1-` and 24 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("p1-")?;
        let ok = hex.len() == 24 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        ok.then(|| Self(text.to_owned()))
    }

    /// Returns the fingerprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key by which a finding at base and one at head are held for the same; never shown.
///
/// Unlike the fingerprint it sees literals of secret rules in full, so a replaced key is a new finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MatchKey {
    /// With the enclosing symbol.
    pub placed: [u8; 32],
    /// Without it, for code that moved to another function.
    pub floating: [u8; 32],
    /// The names and literals of the match, in their order; `None` where no edit of the code leaves the finding an old one.
    pub values: Option<[u8; 32]>,
}

impl MatchKey {
    /// Makes the key of a match of `rule` inside `symbol` with the given tokens.
    pub fn new(rule: &str, symbol: &str, tokens: &[impl AsRef<str>]) -> Self {
        Self { placed: digest(rule, symbol, tokens), floating: digest(rule, "\u{0}anywhere", tokens), values: None }
    }

    /// Adds the names and literals of the match.
    pub fn with_values(self, values: &[impl AsRef<str>]) -> Self {
        Self { values: Some(digest("", "", values)), ..self }
    }
}

impl fmt::Debug for MatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MatchKey(..)")
    }
}

fn digest(rule: &str, symbol: &str, tokens: &[impl AsRef<str>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [rule, symbol] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    for token in tokens {
        hash.update(token.as_ref().as_bytes());
        hash.update([0x1f]);
    }
    hash.finalize().into()
}

/// Where a finding lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The file.
    pub path: RepoPath,
    /// The stretch of its text.
    pub span: Span,
    /// The enclosing symbols from the outside in, joined with `.`; empty at the top level of a file.
    pub symbol: String,
}

/// A few source lines around a finding, redacted: the only form in which source text leaves the analysis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// Number of the first line.
    pub first_line: u32,
    /// The lines, without line endings, at most 200 characters each.
    pub lines: Vec<String>,
    /// What to underline: line number, first column and one past the last, in characters from 1.
    pub marks: Vec<Mark>,
}

/// A stretch of one excerpt line to underline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Line number in the file, from 1.
    pub line: u32,
    /// First column, in characters from 1.
    pub start: u32,
    /// One past the last column.
    pub end: u32,
}

/// What a finding rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Evidence {
    /// A rule matched.
    Rule {
        /// Digest of the rule set, 12 hexadecimal digits.
        rules: String,
    },
    /// A model scored the code.
    Model {
        /// Model name and version.
        model: String,
        /// Probability from 0 to 1.
        score: f32,
        /// Score band in words.
        band: String,
        /// The tokens that drove the score, strongest first.
        tokens: Vec<WeightedToken>,
    },
    /// Data was followed from where it comes in to where it does harm.
    Flow(FlowEvidence),
    /// The change touches what governs the gate.
    Policy {
        /// What was touched.
        what: String,
    },
}

/// The way of data through the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowEvidence {
    /// Whose data it is: `remote`, `peer`, `stored`, `operator`, `environment`, `parameter` or `own`.
    pub trust: String,
    /// What the source is, in words: `query string`.
    pub what: String,
    /// What is called or assigned at the sink: `sqlite3.Cursor.execute`.
    pub sink: String,
    /// From the source to the sink, both included; the sink alone where no data is needed.
    pub steps: Vec<FlowStep>,
    /// Calls on the way that make data harmless, but not for this sink.
    pub sanitizers: Vec<MetSanitizer>,
    /// Whether the data went through code that is not known.
    pub guessed: bool,
}

/// One step of the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowStep {
    /// The file.
    pub path: RepoPath,
    /// Where in it.
    pub span: Span,
    /// `source`, `assign`, `argument`, `return`, `sanitized`, `part`, `through` or `sink`.
    pub kind: String,
    /// What happens there, in words.
    pub what: String,
    /// The line of source it begins on, redacted.
    pub line: String,
}

/// A call that makes data harmless for other purposes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetSanitizer {
    /// What is called.
    pub path: String,
    /// The classes of weakness that it helps against.
    pub classes: Vec<String>,
}

/// A token and its share in a model's score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightedToken {
    /// The token as the model sees it (sub-words and literal classes, never literal text).
    pub token: String,
    /// Line of the token, from 1.
    pub line: u32,
    /// Its part of the score before the sigmoid; above 0 speaks for a weakness.
    pub weight: f32,
}

/// One thing found, at one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule that says it.
    pub rule: RuleId,
    /// One line that names the bad pattern.
    pub message: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Weakness classes, `CWE-89` and the like, most specific first.
    pub cwe: Vec<String>,
    /// Where.
    pub location: Location,
    /// Identity that survives moves.
    pub fingerprint: Fingerprint,
    /// Fingerprints under former names of the rule.
    pub aliases: Vec<Fingerprint>,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// Why it is dangerous here.
    pub why: String,
    /// What to do instead.
    pub fix: String,
    /// Where to read more.
    pub references: Vec<String>,
    /// Source around it, redacted.
    pub excerpt: Excerpt,
    /// Whether it speaks of the change only as advice: it never blocks and is never counted as a reason to.
    pub advisory: bool,
    /// Whether it lies in test code.
    pub in_tests: bool,
    /// The key for comparing base and head.
    pub key: MatchKey,
}

impl Finding {
    /// Returns the way of the data, where the finding rests on one.
    pub fn flow(&self) -> Option<&FlowEvidence> {
        self.evidence.iter().find_map(|evidence| match evidence {
            Evidence::Flow(flow) => Some(flow),
            _ => None,
        })
    }

    /// Says whether `fingerprint` is this finding's, now or under a former name of its rule.
    pub fn answers_to(&self, fingerprint: &str) -> bool {
        self.fingerprint.as_str() == fingerprint || self.aliases.iter().any(|a| a.as_str() == fingerprint)
    }
}

/// Something that could not be read or analysed, in a file or as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// Why.
    pub kind: GapKind,
    /// The file, where it is one.
    pub path: Option<RepoPath>,
    /// What exactly, in a sentence without a full stop.
    pub detail: String,
}

/// Why something could not be analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// No base commit could be told or reached.
    Base,
    /// Over a size limit.
    Size,
    /// Over a time limit.
    Time,
    /// Nested deeper than the limit.
    Depth,
    /// The worker that analysed it died.
    Crash,
    /// The content is missing or is no text.
    Unreadable,
    /// The parser could not make sense of added lines.
    Syntax,
    /// A model could not be run.
    Model,
    /// The clock, the environment or the event cannot be trusted.
    Environment,
}

impl GapKind {
    /// Every kind, in report order.
    pub const ALL: [Self; 9] = [
        Self::Base,
        Self::Size,
        Self::Time,
        Self::Depth,
        Self::Crash,
        Self::Unreadable,
        Self::Syntax,
        Self::Model,
        Self::Environment,
    ];

    /// Returns the word used in reports and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Size => "size",
            Self::Time => "time",
            Self::Depth => "depth",
            Self::Crash => "crash",
            Self::Unreadable => "unreadable",
            Self::Syntax => "syntax",
            Self::Model => "model",
            Self::Environment => "environment",
        }
    }
}

impl fmt::Display for GapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, MatchKey, RuleId};

    #[test]
    fn fingerprints_are_versioned_and_read_back() {
        let a = Fingerprint::new("r", "f", &["x", "y"]);
        assert!(a.as_str().starts_with("p1-"));
        assert_eq!(Fingerprint::parse(a.as_str()), Some(a.clone()));
        assert_ne!(a, Fingerprint::new("r", "f", &["xy"]));
        assert_ne!(a, Fingerprint::new("r", "g", &["x", "y"]));
        assert_eq!(Fingerprint::parse("p1-ABC"), None);
    }

    #[test]
    fn floating_keys_forget_the_symbol_only() {
        let (a, b) = (MatchKey::new("r", "f", &["x"]), MatchKey::new("r", "g", &["x"]));
        assert_ne!(a.placed, b.placed);
        assert_eq!(a.floating, b.floating);
    }

    #[test]
    fn rule_ids_have_one_shape() {
        assert!(RuleId::new("python-eval").is_valid());
        assert!(!RuleId::new("Python_eval").is_valid());
    }
}
