//! From what was written to what holds.

use super::{Config, DecisionEntry, OnGap, OnInconclusive, PolicyFile, SeverityLimit, SuppressionEntry};
use crate::causes::nearest;
use crate::change::text::bracket_depth;
use crate::finding::Fingerprint;
use crate::policy::DecisionRule;
use crate::policy::suppression::Listed;
use globset::{GlobBuilder, GlobMatcher};
use sha2::{Digest, Sha256};

/// Longest path pattern; longer ones are refused before they are compiled.
const MAX_PATTERN: usize = 512;
/// Deepest nesting of brackets in a policy file.
const MAX_DEPTH: usize = 200;
/// Largest policy file in bytes.
const MAX_FILE: usize = 1 << 20;

/// What is wrong with a policy file: its author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not YAML of the right form.
    #[error("{origin}: {message}")]
    Form {
        /// The file.
        origin: String,
        /// What the reader says, with line and column.
        message: String,
        /// The valid key nearest to an unknown one.
        nearest: Option<String>,
    },
    /// A value that cannot be.
    #[error("{origin}: `{key}` {what}")]
    Value {
        /// The file.
        origin: String,
        /// Path of the key: `suppressions[0].expires`.
        key: String,
        /// What is wrong.
        what: String,
    },
}

impl Config {
    /// Reads and validates a policy file. `origin` names it in errors and reports.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong with it.
    pub fn read(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let form = |message: String| ConfigError::Form {
            origin: origin.to_owned(),
            nearest: nearest_key(&message),
            message: plain(message),
        };
        if text.len() > MAX_FILE {
            return Err(form(format!("{} bytes, a policy has at most {MAX_FILE}", text.len())));
        }
        // The YAML reader takes time that grows with the square of the depth, before it refuses.
        if bracket_depth(text) > MAX_DEPTH {
            return Err(form(format!("nested more than {MAX_DEPTH} levels deep")));
        }
        let file: PolicyFile = match text.trim() {
            "" => PolicyFile::default(),
            _ => serde_yaml::from_str(text).map_err(|e| form(e.to_string()))?,
        };
        let mut config = file.validate(origin)?;
        origin.clone_into(&mut config.source);
        config.digest = Sha256::digest(text.as_bytes())[..6].iter().map(|b| format!("{b:02x}")).collect();
        Ok(config)
    }
}

impl PolicyFile {
    /// Turns what was written into what holds.
    fn validate(self, origin: &str) -> Result<Config, ConfigError> {
        let check = Check { origin };
        let mut config = Config::default();
        if let Some(version) = self.version.filter(|v| *v != 1) {
            return check.fail("version", format!("is {version}; this program reads version 1"));
        }
        let policy = &mut config.policy;
        if let Some(limit) = self.fail_on.severity {
            policy.severity = limit.severity();
        }
        policy.confidence = self.fail_on.confidence.unwrap_or(policy.confidence);
        policy.test_code = self.fail_on.test_code.unwrap_or(policy.test_code);
        if let Some(risk) = self.fail_on.risk {
            if !(0.0..=1000.0).contains(&risk) {
                return check.fail("fail-on.risk", format!("is {risk}; it must be 0 to 100, or over 100 for never"));
            }
            policy.risk = (risk <= 100.0).then_some(risk);
        }
        for (i, entry) in self.decisions.into_iter().enumerate() {
            policy.decisions.push(check.decision(i, entry)?);
        }
        policy.open = self.gaps.into_iter().filter(|(_, on)| *on == OnGap::Open).map(|(kind, _)| kind).collect();
        policy.inconclusive_passes = self.inconclusive == Some(OnInconclusive::Pass);
        for (i, entry) in self.suppressions.into_iter().enumerate() {
            policy.suppressions.listed.push(check.suppression(i, entry)?);
        }
        policy.suppressions.inline = self.inline_suppressions.enabled.unwrap_or(true);
        policy.suppressions.added_up_to = self.inline_suppressions.added_up_to.and_then(SeverityLimit::severity);
        config.file_bytes = check.positive("limits.file-bytes", self.limits.file_bytes, config.file_bytes)?;
        config.change_bytes = check.positive("limits.change-bytes", self.limits.change_bytes, config.change_bytes)?;
        let analysis = &mut config.analysis;
        analysis.time_ms = check.positive("limits.file-ms", self.limits.file_ms, analysis.time_ms)?;
        let depth = check.positive("limits.depth", self.limits.depth.map(u64::from), u64::from(analysis.depth))?;
        analysis.depth = u32::try_from(depth.min(20_000)).unwrap_or(20_000);
        config.baseline = check.path("baseline", self.baseline)?;
        config.rules = check.path("rules", self.rules)?;
        config.classifier = self.classifier.unwrap_or(config.classifier);
        Ok(config)
    }
}

struct Check<'a> {
    origin: &'a str,
}

impl Check<'_> {
    fn fail<T>(&self, key: impl Into<String>, what: impl Into<String>) -> Result<T, ConfigError> {
        Err(ConfigError::Value { origin: self.origin.to_owned(), key: key.into(), what: what.into() })
    }

    fn positive(&self, key: &str, value: Option<u64>, default: u64) -> Result<u64, ConfigError> {
        match value {
            Some(0) => self.fail(key, "is 0; it must be larger"),
            Some(value) => Ok(value),
            None => Ok(default),
        }
    }

    fn path(&self, key: &str, path: Option<String>) -> Result<Option<String>, ConfigError> {
        let Some(path) = path else { return Ok(None) };
        let path = path.trim_end_matches('/').trim_start_matches("./").to_owned();
        if path.is_empty() || path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return self.fail(key, format!("is `{path}`; it must be a path inside the repository"));
        }
        Ok(Some(path))
    }

    fn glob(&self, key: String, pattern: Option<String>) -> Result<Option<GlobMatcher>, ConfigError> {
        let Some(pattern) = pattern else { return Ok(None) };
        if pattern.len() > MAX_PATTERN {
            return self.fail(key, format!("has {} characters; at most {MAX_PATTERN} are allowed", pattern.len()));
        }
        if let Some(count) = repetition(&pattern) {
            let what = format!("is a path pattern, in which `{count}` does not repeat anything: write `*` or `**`");
            return self.fail(key, what);
        }
        match GlobBuilder::new(&pattern).literal_separator(true).build() {
            Ok(glob) => Ok(Some(glob.compile_matcher())),
            Err(error) => self.fail(key, format!("is not a path pattern: {}", error.kind())),
        }
    }

    fn cwe(&self, key: String, cwe: Option<&String>) -> Result<(), ConfigError> {
        match cwe {
            Some(c) if c.strip_prefix("CWE-").is_none_or(|n| n.parse::<u32>().is_err()) => {
                self.fail(key, format!("is `{c}`; write it like CWE-89"))
            }
            _ => Ok(()),
        }
    }

    fn decision(&self, i: usize, entry: DecisionEntry) -> Result<DecisionRule, ConfigError> {
        let name = format!("decisions[{i}]");
        if entry.rule.is_none() && entry.cwe.is_none() && entry.path.is_none() {
            return self.fail(name, "names neither `rule` nor `cwe` nor `path`");
        }
        self.cwe(format!("{name}.cwe"), entry.cwe.as_ref())?;
        let path = self.glob(format!("{name}.path"), entry.path)?;
        Ok(DecisionRule { rule: entry.rule, cwe: entry.cwe, path, decision: entry.decision, name })
    }

    fn suppression(&self, i: usize, entry: SuppressionEntry) -> Result<Listed, ConfigError> {
        let name = format!("suppressions[{i}]");
        if entry.rule.is_none() && entry.fingerprint.is_none() {
            return self.fail(name, "names neither `rule` nor `fingerprint`; a suppression is never blanket");
        }
        if entry.reason.trim().is_empty() || entry.owner.trim().is_empty() {
            return self.fail(name, "needs a `reason` and an `owner`");
        }
        if let Some(text) = entry.fingerprint.as_ref().filter(|f| Fingerprint::parse(f).is_none()) {
            return self.fail(
                format!("{name}.fingerprint"),
                format!("is `{text}`; fingerprints look like p1-0123456789abcdef01234567"),
            );
        }
        let expires = match entry.expires.as_deref().map(str::parse) {
            None => None,
            Some(Ok(date)) => Some(date),
            Some(Err(_)) => return self.fail(format!("{name}.expires"), "is not a date like 2027-01-31"),
        };
        let path = self.glob(format!("{name}.path"), entry.path)?;
        Ok(Listed {
            name,
            rule: entry.rule,
            fingerprint: entry.fingerprint,
            path,
            reason: entry.reason,
            owner: entry.owner,
            expires,
        })
    }
}

/// Says in the author's words what the reader says in those of this program.
fn plain(message: String) -> String {
    const WORDS: [(&str, &str); 9] = [
        ("expected struct PolicyFile", "expected keys with values, like `fail-on: {severity: high}`"),
        ("expected struct FailOn", "expected keys with values, like `severity: high`"),
        ("expected struct LimitEntries", "expected keys with values, like `depth: 500`"),
        ("expected struct InlineEntries", "expected keys with values, like `enabled: true`"),
        ("expected struct", "expected keys with values:"),
        ("expected f64", "expected a number"),
        ("expected u32", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected a sequence", "expected a list"),
    ];
    WORDS.iter().fold(message, |text, (theirs, ours)| text.replace(theirs, ours))
}

/// Finds the valid key nearest to the unknown one that serde names: "unknown field `x`, expected one of `a`, `b`".
fn nearest_key(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("unknown field `").or_else(|| message.split_once("unknown variant `"))?;
    let (unknown, rest) = rest.split_once('`')?;
    let valid = rest.split('`').skip(1).step_by(2);
    nearest(unknown, valid).map(str::to_owned)
}

/// Returns the first repetition of a regular expression in a path pattern: `{3}` or `{3,}`. Taken for a pattern it is
/// valid and matches no path that anybody has, so the entry would do nothing.
fn repetition(pattern: &str) -> Option<&str> {
    let open = |(at, _)| {
        let inner = &pattern[at + 1..at + 1 + pattern[at + 1..].find('}')?];
        let digits = inner.strip_suffix(',').unwrap_or(inner);
        let repeats = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        repeats.then(|| &pattern[at..at + inner.len() + 2])
    };
    pattern.match_indices('{').find_map(open)
}

#[cfg(test)]
mod tests {
    use super::{Config, ConfigError};

    #[test]
    fn unknown_keys_name_the_nearest_valid_one() {
        let error = Config::read("fail-on:\n  severty: high\n", "portcullis.yml").expect_err("a typo");
        assert!(matches!(&error, ConfigError::Form { nearest: Some(n), .. } if n == "severity"), "{error:?}");
    }

    #[test]
    fn hostile_path_patterns_are_refused_or_cheap() {
        let read = |pattern: &str| {
            let begin = std::time::Instant::now();
            let read = Config::read(&format!("decisions:\n  - {{path: '{pattern}', decision: ignore}}\n"), "p");
            assert!(begin.elapsed().as_millis() < 100, "{pattern}");
            read.map(drop)
        };
        let long = "(a*)*{1000}".repeat(60);
        for pattern in [&*long, "(a*)*{1000}", "a{1000000000}", "x/{2,}/y", "{a,{b,{c,{d", "[z-a]"] {
            assert!(read(pattern).is_err(), "{pattern}");
        }
        let said = read("(a*)*{1000}").expect_err("a repetition").to_string();
        assert!(said.contains("`{1000}` does not repeat anything"), "{said}");
        for pattern in ["v{1,2}/*.py", "app/(shop)/{a,b}.tsx", "{2024,2025}/**", &"*a".repeat(250)] {
            assert!(read(pattern).is_ok(), "{pattern}");
        }
    }
}
