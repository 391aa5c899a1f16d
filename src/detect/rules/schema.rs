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
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Largest rule file in bytes.
const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting of brackets in a rule file.
const MAX_DEPTH: usize = 200;
/// Largest compiled regular expression of a user's rule in bytes; a larger one is refused before it costs time.
const MAX_REGEX: usize = 1 << 20;

/// A rule file, `rules/<language>/<id>.yml`. It has either `match` or `flow`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["match"] }, { "required": ["flow"] }]))]
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
    #[serde(rename = "match", default)]
    #[schemars(with = "Option<SerializableRule>")]
    pub matching: Option<Value>,
    /// In place of `match`: data that reaches a place where it does harm.
    #[serde(default)]
    pub flow: Option<FlowRule>,
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

/// What a rule about flows speaks of. The catalogs, `rules/<language>/flow/*.yml`, say where data comes in, where it does
/// harm and what makes it harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FlowRule {
    /// The class of weakness, as the sinks of the catalogs name it: `sql`.
    pub class: String,
    /// Whether only sources that name this class count, besides sinks that need no data: weak random numbers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_sources: bool,
    /// What constant text before the data makes it harmless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_prefix: Option<FixedPrefix>,
}

/// What constant text before the data has to hold for the data to be harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FixedPrefix {
    /// Scheme and host, up to the slash after them, or a path on the same host.
    Host,
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
        let rule: Self = yaml(text)?;
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
        match (&self.matching, &self.flow) {
            (None, None) => return wrong("match", "is missing, and there is no `flow` in its place".into()),
            (Some(_), Some(_)) => return wrong("flow", "stands beside `match`; a rule has one of them".into()),
            (Some(_), None) => {}
            (None, Some(flow)) => self.check_flow(flow)?,
        }
        if self.examples.bad.len() < 2 || self.examples.good.len() < 2 {
            return wrong("examples", "needs at least two bad and two good snippets".into());
        }
        Ok(())
    }

    fn check_flow(&self, flow: &FlowRule) -> Result<(), RuleProblem> {
        let wrong = |field, what: &str| Err(RuleProblem::Field { field, what: what.into() });
        if !is_class(&flow.class) {
            return wrong("flow.class", "must be 2 to 40 characters of a-z, 0-9 and `-`, and begin with a letter");
        }
        for (field, given) in
            [("constraints", self.constraints.is_some()), ("utils", self.utils.is_some()), ("secret", self.secret)]
        {
            if given {
                return wrong(field, "has no meaning beside `flow`");
            }
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
        let matching = self.matching.clone().ok_or("a rule about flows has no part that could be matched")?;
        core.insert("rule".into(), matching);
        core.extend(self.constraints.clone().map(|c| ("constraints".to_owned(), c)));
        core.extend(self.utils.clone().map(|u| ("utils".to_owned(), u)));
        let mut core = Value::Object(core);
        simplify_all(&mut core);
        serde_json::from_value(core).map_err(|e| e.to_string())
    }

    /// Says which regular expression of the rule is too costly to compile, if any.
    pub(super) fn costly_regex(&self) -> Option<RuleProblem> {
        let mut open: Vec<&Value> = self.matching.iter().chain(&self.constraints).chain(&self.utils).collect();
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
        let Some(matching) = &self.matching else { return Hints::default() };
        let words = |reach| clauses(matching, self.utils.as_ref(), reach);
        let (near, mut far) = (words(Reach::Node), words(Reach::File));
        far.retain(|clause| !near.contains(clause));
        Hints { near: near.into(), clauses: far.into(), ..Hints::default() }
    }

    /// Returns the kinds of nodes that the rule can match, none where that cannot be told.
    pub(super) fn kinds(&self) -> Vec<String> {
        self.matching.as_ref().map(|matching| kinds(matching, self.utils.as_ref())).unwrap_or_default()
    }

    /// Returns a weaker rule that is cheaper to compile.
    pub(super) fn sketch(&self) -> Option<Value> {
        let mut sketch = sketch(self.matching.as_ref()?, self.utils.as_ref())?;
        simplify_all(&mut sketch);
        Some(sketch)
    }
}

/// Reads a YAML file of a rule directory.
///
/// # Errors
/// [`RuleProblem::Form`] where it is too large, too deep, or not of the form of `T`.
pub fn yaml<T: DeserializeOwned>(text: &str) -> Result<T, RuleProblem> {
    // The YAML reader takes time that grows with the square of the depth, before it refuses.
    if text.len() > MAX_BYTES || bracket_depth(text) > MAX_DEPTH {
        return Err(RuleProblem::Form(format!("larger than {MAX_BYTES} bytes or nested more than {MAX_DEPTH} deep")));
    }
    serde_yaml::from_str(text).map_err(|e| RuleProblem::Form(e.to_string()))
}

/// Says whether a text can name a class of weakness: `sql`, `prototype-pollution`.
pub fn is_class(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_cwe(text: &str) -> bool {
    text.strip_prefix("CWE-").is_some_and(|n| !n.is_empty() && n.len() <= 5 && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Returns the JSON schema of a rule file, with a line feed at the end.
pub fn json() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(RuleFile)).expect("a schema is JSON") + "\n"
}

#[cfg(test)]
mod tests {
    use super::RuleFile;

    fn read(part: &str) -> Result<RuleFile, String> {
        let text = format!(
            "id: x-flow\nmessage: m\nseverity: high\nconfidence: high\ncwe: [CWE-89]\n{part}\nwhy: w\nfix: f\n\
             references: []\nexamples: {{ bad: [a, b], good: [c, d] }}\n"
        );
        RuleFile::read(&text, "python", "x-flow").map_err(|e| e.to_string())
    }

    #[test]
    fn a_rule_matches_or_follows_and_never_both() {
        let flow = read("flow: { class: ssrf, own-sources: true, fixed-prefix: host }").expect("well-formed").flow;
        assert!(flow.is_some_and(|f| f.class == "ssrf" && f.own_sources && f.fixed_prefix.is_some()));
        let refused = |part: &str| read(part).expect_err(part);
        assert!(refused("").starts_with("`match` is missing"));
        assert!(refused("match: { kind: call }\nflow: { class: sql }").starts_with("`flow` stands beside `match`"));
        assert!(refused("flow: { class: SQL }").starts_with("`flow.class` must be"));
        assert!(refused("flow: { class: sql }\nsecret: true").starts_with("`secret` has no meaning"));
        assert!(refused("flow: { class: sql }\nutils: {}").starts_with("`utils` has no meaning"));
        assert!(refused("flow: { class: sql, sink: x }").contains("unknown field `sink`"));
    }
}
