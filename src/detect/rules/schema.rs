//! The form of a rule file.

use super::matcher::Hints;
use super::regexes::simplify_all;
use super::sketch::{kinds, sketch};
use super::words::{Reach, clauses};
use crate::change::text::bracket_depth;
use crate::finding::{Confidence, RuleId, Severity};
use crate::syntax::language::{LANGUAGES, Language};
use ast_grep_config::{SerializableRule, SerializableRuleCore};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Largest rule file in bytes.
const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting of brackets in a rule file.
const MAX_DEPTH: usize = 200;
/// Largest compiled regular expression of a user's rule in bytes; a larger one is refused before it costs time.
const MAX_REGEX: usize = 1 << 20;

/// A rule file, `rules/<language>/<id>.yml`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// The rule's name: the file's name without `.yml`. It names the bad pattern.
    #[schemars(with = "String")]
    pub id: RuleId,
    /// One line that says the bad pattern, without a full stop.
    pub message: String,
    /// How bad a real match is.
    pub severity: Severity,
    /// How likely a match is real: `high` means four in five.
    pub confidence: Confidence,
    /// Weakness classes, most specific first: `CWE-89`.
    pub cwe: Vec<String>,
    /// Languages, where fewer than the folder's.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Former ids, so that suppressions and baselines stay good.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What matches, in ast-grep's rule language.
    #[serde(rename = "match")]
    #[schemars(with = "SerializableRule")]
    pub matching: Value,
    /// Conditions on single metavariables.
    #[serde(default)]
    #[schemars(with = "Option<HashMap<String, SerializableRule>>")]
    pub constraints: Option<Value>,
    /// Named parts for `matches`.
    #[serde(default)]
    #[schemars(with = "Option<HashMap<String, SerializableRule>>")]
    pub utils: Option<Value>,
    /// Whether literals in the match are secrets, to be masked in every output.
    #[serde(default)]
    pub secret: bool,
    /// Why it is dangerous.
    pub why: String,
    /// What to write instead.
    pub fix: String,
    /// Where to read more.
    pub references: Vec<String>,
    /// The rule's own tests.
    pub examples: Examples,
}

/// Code that must match, and code that must not.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// At least two snippets; each must match.
    pub bad: Vec<String>,
    /// At least two snippets; none may match.
    pub good: Vec<String>,
}

/// What is wrong with a rule file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// The YAML does not have the form of a rule.
    #[error("{0}")]
    Form(String),
    /// A field has a value it cannot have.
    #[error("`{field}` {what}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The `match` part is refused by the matcher.
    #[error("`match` cannot be used for {language}: {what}")]
    Match {
        /// The language it was compiled for.
        language: &'static str,
        /// What the matcher says.
        what: String,
    },
}

impl RuleFile {
    /// Reads a rule and checks what the form alone does not say.
    ///
    /// # Errors
    /// [`RuleProblem`] for anything but a well-formed rule whose id is `stem`.
    pub fn read(text: &str, folder: &str, stem: &str) -> Result<Self, RuleProblem> {
        // The YAML reader takes time that grows with the square of the depth, before it refuses.
        if text.len() > MAX_BYTES || bracket_depth(text) > MAX_DEPTH {
            return Err(RuleProblem::Form(format!(
                "larger than {MAX_BYTES} bytes or nested more than {MAX_DEPTH} deep"
            )));
        }
        let rule: Self = serde_yaml::from_str(text).map_err(|e| RuleProblem::Form(e.to_string()))?;
        rule.check(folder, stem)?;
        Ok(rule)
    }

    fn check(&self, folder: &str, stem: &str) -> Result<(), RuleProblem> {
        let wrong = |field, what: String| Err(RuleProblem::Field { field, what });
        if self.id.as_str() != stem {
            return wrong("id", format!("is `{}` but the file is `{stem}.yml`", self.id));
        }
        if !self.id.is_valid() {
            return wrong("id", "must be 3 to 80 characters of a-z, 0-9 and `-`".into());
        }
        if let Some(cwe) = self.cwe.iter().find(|c| !is_cwe(c)) {
            return wrong("cwe", format!("holds `{cwe}`, not of the form CWE-89"));
        }
        if self.cwe.is_empty() {
            return wrong("cwe", "names no weakness class".into());
        }
        if self.message.contains('\n') || self.message.chars().count() > 120 || self.message.ends_with('.') {
            return wrong("message", "must be one line of at most 120 characters without a full stop".into());
        }
        if Language::named(folder).is_none() {
            let names: Vec<_> = LANGUAGES.iter().map(|r| r.name).collect();
            return wrong("id", format!("lies in folder `{folder}`, which is none of {}", names.join(", ")));
        }
        if let Some(name) = self.languages.iter().find(|n| Language::named(n).is_none()) {
            return wrong("languages", format!("names `{name}`, which is not analysed"));
        }
        if self.examples.bad.len() < 2 || self.examples.good.len() < 2 {
            return wrong("examples", "needs at least two bad and two good snippets".into());
        }
        Ok(())
    }

    /// Says whether the rule applies to a language that its folder serves.
    pub fn applies_to(&self, language: Language) -> bool {
        super::applies_to(&self.languages, language)
    }

    /// Returns the part that ast-grep compiles.
    ///
    /// # Errors
    /// What ast-grep's reader says where the part does not have the form of its rule language.
    pub fn core(&self) -> Result<SerializableRuleCore, String> {
        let mut core = Map::new();
        core.insert("rule".into(), self.matching.clone());
        core.extend(self.constraints.clone().map(|c| ("constraints".to_owned(), c)));
        core.extend(self.utils.clone().map(|u| ("utils".to_owned(), u)));
        let mut core = Value::Object(core);
        simplify_all(&mut core);
        serde_json::from_value(core).map_err(|e| e.to_string())
    }

    /// Says which regular expression of the rule is too costly to compile, if any.
    pub(super) fn costly_regex(&self) -> Option<RuleProblem> {
        let mut open: Vec<&Value> = vec![&self.matching];
        open.extend(self.constraints.iter().chain(&self.utils));
        while let Some(part) = open.pop() {
            match part {
                Value::Object(parts) => {
                    let regex = parts.get("regex").and_then(Value::as_str);
                    let costly = regex.filter(|r| {
                        let built = regex::RegexBuilder::new(r).size_limit(MAX_REGEX).build();
                        matches!(built, Err(regex::Error::CompiledTooBig(_)))
                    });
                    if costly.is_some() {
                        let what = "holds a regular expression that is too large when compiled".into();
                        return Some(RuleProblem::Field { field: "match", what });
                    }
                    open.extend(parts.values());
                }
                Value::Array(parts) => open.extend(parts),
                _ => {}
            }
        }
        None
    }

    /// Returns what can be told of the rule before it is compiled.
    pub(super) fn hints(&self) -> Hints {
        let words = |reach| clauses(&self.matching, self.utils.as_ref(), reach);
        let (near, mut far) = (words(Reach::Node), words(Reach::File));
        far.retain(|clause| !near.contains(clause));
        Hints { near: near.into(), clauses: far.into(), ..Hints::default() }
    }

    /// Returns the kinds of nodes that the rule can match, none where that cannot be told.
    pub(super) fn kinds(&self) -> Vec<String> {
        kinds(&self.matching, self.utils.as_ref())
    }

    /// Returns a weaker rule that is cheaper to compile.
    pub(super) fn sketch(&self) -> Option<Value> {
        let mut sketch = sketch(&self.matching, self.utils.as_ref())?;
        simplify_all(&mut sketch);
        Some(sketch)
    }
}

fn is_cwe(text: &str) -> bool {
    text.strip_prefix("CWE-").is_some_and(|n| !n.is_empty() && n.len() <= 5 && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Returns the JSON schema of a rule file, with a line feed at the end.
pub fn json() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(RuleFile)).expect("a schema is JSON") + "\n"
}
