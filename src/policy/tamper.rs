//! A change that edits what governs the gate is itself a finding. It takes effect only after the merge.

use crate::finding::{Confidence, Evidence, Excerpt, Finding, Fingerprint, Location, MatchKey, RuleId, Severity};
use crate::path::RepoPath;
use crate::span::{Position, Span};

/// Id of the finding.
pub const RULE: &str = "gate-policy-changed";

/// Returns a finding for each changed file that governs the gate: one of `governing`, or one below the rule directory,
/// in whatever case it is written.
pub fn findings(changed: &[RepoPath], governing: &[String], rules: &[String]) -> Vec<Finding> {
    let governs = |path: &str| {
        let below = |dir: &str| {
            path.get(..dir.len()).is_some_and(|p| p.eq_ignore_ascii_case(dir)) && path[dir.len()..].starts_with('/')
        };
        governing.iter().any(|g| path.eq_ignore_ascii_case(g) || below(g)) || rules.iter().any(|r| below(r))
    };
    changed.iter().filter(|path| governs(path.as_str())).map(finding).collect()
}

fn finding(path: &RepoPath) -> Finding {
    let start = Position { line: 1, column: 1 };
    let tokens = [path.as_str()];
    Finding {
        rule: RuleId::new(RULE),
        message: "The change edits what governs this gate".into(),
        severity: Severity::Medium,
        confidence: Confidence::High,
        cwe: vec!["CWE-693".into()],
        location: Location {
            path: path.clone(),
            span: Span { start_byte: 0, end_byte: 0, start, end: start },
            symbol: String::new(),
        },
        fingerprint: Fingerprint::new(RULE, "", &tokens),
        aliases: Vec::new(),
        evidence: vec![Evidence::Policy { what: path.display() }],
        why: "The policy, its suppressions and its baseline decide what may merge. This change was judged by the \
              version at base; the new one holds from the next change on."
            .into(),
        fix: "Have someone who answers for the policy read this file's change. Nothing needs to be done in the code."
            .into(),
        references: vec!["https://cwe.mitre.org/data/definitions/693.html".into()],
        excerpt: Excerpt::default(),
        advisory: false,
        in_tests: false,
        key: MatchKey::new(RULE, "", &tokens),
    }
}
