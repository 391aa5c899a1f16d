//! Where a rule and a flow speak of the same place, one of them is enough.
//!
//! Data that was followed all the way says more than a pattern, so its finding stays. A hint, data of a caller that
//! nobody has seen, says less: it gives way.

use super::Analysis;
use crate::finding::{Finding, MatchKey};
use crate::path::RepoPath;
use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};

/// A finding, and which of several analyses it is of.
struct Owned(usize, Finding);

impl Borrow<Finding> for Owned {
    fn borrow(&self) -> &Finding {
        &self.1
    }
}

/// Drops what the analysis of another file says better: data is followed from one file into the next, so that the proof
/// for a place may come from elsewhere.
pub fn settle_across(analyses: &mut [&mut Analysis]) {
    let mut owners: HashMap<&RepoPath, HashSet<usize>> = HashMap::new();
    for (number, analysis) in analyses.iter().enumerate() {
        for finding in analysis.before.iter().chain(&analysis.after) {
            owners.entry(&finding.location.path).or_default().insert(number);
        }
    }
    let shared: HashSet<RepoPath> = owners.iter().filter(|(_, of)| of.len() > 1).map(|(p, _)| (*p).clone()).collect();
    if shared.is_empty() {
        return;
    }
    let mut take = |side: fn(&mut Analysis) -> &mut Vec<Finding>| {
        let mut taken: HashMap<RepoPath, Vec<Owned>> = HashMap::new();
        for (number, analysis) in analyses.iter_mut().enumerate() {
            let findings = std::mem::take(side(analysis));
            let (apart, kept): (Vec<Finding>, _) = findings.into_iter().partition(|f| shared.contains(&f.location.path));
            *side(analysis) = kept;
            for finding in apart {
                taken.entry(finding.location.path.clone()).or_default().push(Owned(number, finding));
            }
        }
        taken
    };
    let (mut before, mut after) = (take(|a| &mut a.before), take(|a| &mut a.after));
    for path in &shared {
        let (mut old, mut new) = (before.remove(path).unwrap_or_default(), after.remove(path).unwrap_or_default());
        settle(&mut old, &mut new);
        old.into_iter().for_each(|Owned(number, finding)| analyses[number].before.push(finding));
        new.into_iter().for_each(|Owned(number, finding)| analyses[number].after.push(finding));
    }
}

/// Drops what another finding says better, on both sides.
///
/// A rule's finding that stays at head also stays at base, and one that is dropped at head is dropped there, too: what
/// changed is the proof, not the code.
pub(super) fn settle<T: Borrow<Finding>>(before: &mut Vec<T>, after: &mut Vec<T>) {
    let dropped = drop_lesser(after, &HashMap::new());
    let mut stays: HashMap<MatchKey, usize> = HashMap::new();
    for finding in after.iter().map(Borrow::borrow).filter(|f| f.flow().is_none()) {
        *stays.entry(finding.key.clone()).or_insert(0) += 1;
    }
    drop_lesser(before, &stays);
    for finding in dropped.iter().filter(|f| f.flow().is_none()) {
        let is_same = |f: &Finding| f.flow().is_none() && f.key == finding.key;
        if !stays.contains_key(&finding.key)
            && let Some(at) = before.iter().position(|f| is_same(f.borrow()))
        {
            before.remove(at);
        }
    }
}

/// Drops the findings that give way, except those of rules with a key of `kept`, and returns them.
fn drop_lesser<T: Borrow<Finding>>(findings: &mut Vec<T>, kept: &HashMap<MatchKey, usize>) -> Vec<Finding> {
    let flows: Vec<&Finding> = findings.iter().map(Borrow::borrow).filter(|f| f.flow().is_some()).collect();
    if flows.is_empty() {
        return Vec::new();
    }
    let lesser = |f: &Finding| match (f.flow().is_some(), f.advisory) {
        // A rule's finding gives way to a flow, a hint to both.
        (false, false) => {
            !kept.contains_key(&f.key) && flows.iter().any(|o| !o.advisory && same_place(f, o))
        }
        (true, true) => findings.iter().map(Borrow::borrow).any(|o| !o.advisory && same_place(f, o)),
        _ => false,
    };
    let lesser: Vec<bool> = findings.iter().map(|f| lesser(f.borrow())).collect();
    let mut dropped = Vec::new();
    let mut number = 0;
    findings.retain(|finding| {
        number += 1;
        if lesser[number - 1] {
            dropped.push(finding.borrow().clone());
        }
        !lesser[number - 1]
    });
    dropped
}

/// Says whether two findings speak of the same weakness on the same line.
fn same_place(a: &Finding, b: &Finding) -> bool {
    let (x, y) = (&a.location, &b.location);
    x.path == y.path
        && (x.span.start.line == y.span.start.line || x.span.overlaps(&y.span))
        && a.cwe.iter().any(|cwe| b.cwe.contains(cwe))
}

#[cfg(test)]
mod tests {
    use super::{settle, settle_across};
    use crate::detect::Analysis;
    use crate::finding::{
        Confidence, Evidence, Excerpt, Finding, Fingerprint, FlowEvidence, Location, MatchKey, RuleId, Severity,
    };
    use crate::path::RepoPath;
    use crate::span::{Position, Span};

    fn finding(rule: &str, line: u32) -> Finding {
        let at = |column| Position { line, column };
        let byte = line as usize * 100;
        Finding {
            rule: RuleId::new(rule),
            message: "m".into(),
            severity: Severity::High,
            confidence: Confidence::High,
            cwe: vec!["CWE-89".into()],
            location: Location {
                path: RepoPath::from("a.py"),
                span: Span { start_byte: byte, end_byte: byte + 9, start: at(1), end: at(10) },
                symbol: String::new(),
            },
            fingerprint: Fingerprint::new(rule, "", &["x"]),
            aliases: Vec::new(),
            evidence: Vec::new(),
            why: String::new(),
            fix: String::new(),
            references: Vec::new(),
            excerpt: Excerpt::default(),
            advisory: false,
            in_tests: false,
            key: MatchKey::new(rule, "", &["x"]),
        }
    }

    fn flow(line: u32, advisory: bool) -> Finding {
        let evidence = FlowEvidence {
            trust: "remote".into(),
            what: "w".into(),
            sink: "s".into(),
            steps: Vec::new(),
            sanitizers: Vec::new(),
            guessed: false,
        };
        Finding { advisory, evidence: vec![Evidence::Flow(evidence)], ..finding("flow", line) }
    }

    fn settled(mut before: Vec<Finding>, mut after: Vec<Finding>) -> (String, String) {
        settle(&mut before, &mut after);
        let shown = |f: &[Finding]| f.iter().map(|f| f.rule.to_string()).collect::<Vec<_>>().join(" ");
        (shown(&before), shown(&after))
    }

    #[test]
    fn a_proven_flow_stands_for_the_rule_and_a_hint_gives_way_to_it() {
        let both = |advisory| settled(Vec::new(), vec![finding("rule", 3), flow(3, advisory)]).1;
        assert_eq!(both(false), "flow");
        assert_eq!(both(true), "rule");
        assert_eq!(settled(Vec::new(), vec![finding("rule", 3), flow(4, false)]).1, "rule flow");
        assert_eq!(settled(Vec::new(), vec![flow(3, true), flow(3, false)]).1, "flow");
        let other = Finding { cwe: vec!["CWE-78".into()], ..finding("rule", 3) };
        assert_eq!(settled(Vec::new(), vec![other, flow(3, false)]).1, "rule flow");
    }

    #[test]
    fn what_only_changes_its_proof_is_neither_new_nor_fixed() {
        let (rule, proven) = (|| finding("rule", 3), || flow(3, false));
        let (before, after) = settled(vec![rule(), proven()], vec![rule()]);
        assert_eq!((before.as_str(), after.as_str()), ("rule flow", "rule"), "the rule's finding is an old one");
        let (before, after) = settled(vec![rule()], vec![rule(), proven()]);
        assert_eq!((before.as_str(), after.as_str()), ("", "flow"), "the rule's finding is not fixed");
        let (before, after) = settled(vec![rule(), proven()], vec![rule(), proven()]);
        assert_eq!((before.as_str(), after.as_str()), ("flow", "flow"));
    }

    #[test]
    fn a_proof_from_another_file_stands_for_the_hint_at_its_end() {
        let hint = Analysis { after: vec![finding("rule", 5), flow(3, true)], ..Analysis::default() };
        let proof = Analysis { after: vec![flow(3, false)], ..Analysis::default() };
        let (mut a, mut b) = (hint, proof);
        settle_across(&mut [&mut a, &mut b]);
        assert_eq!((a.after.len(), a.after[0].rule.to_string().as_str(), b.after.len()), (1, "rule", 1));
    }
}
