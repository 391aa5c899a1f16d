//! Where a rule and a flow speak of the same place, one of them is enough.
//!
//! Data that was followed all the way says more than a pattern, so its finding stays. A hint, data of a caller that
//! nobody has seen, says less: it gives way.

use super::Analysis;
use super::flow::Harm;
use crate::finding::{Confidence, Finding, MatchKey};
use crate::path::RepoPath;
use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// What is said of a rule's finding where data was followed and found harmless.
const HARMLESS: &str = "Here the data was followed: all that reaches this place is a constant, a number, or was cleaned or \
                        checked for this use.";

/// The same where what reaches it comes from whoever starts the program.
const OF_OPERATOR: &str = "Here the data was followed: all that reaches this place is a constant or what whoever starts the \
                           program gives it (arguments, standard input, environment). It matters where somebody else \
                           decides what these are.";

/// What following data has told of a place.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Bytes of the analysed file.
    pub range: Range<usize>,
    /// The weaknesses that it is about.
    pub cwe: Arc<BTreeSet<String>>,
    /// What harm is done by all that reaches the place.
    pub harm: Harm,
    /// Whether it is a sink, which tells of all that does harm there; otherwise a text that is put together.
    pub is_sink: bool,
}

/// Lowers the confidence of what rules suspect where data was followed and found harmless, or nobody's but the operator's, as
/// a hint about it has it: everywhere in the matched code
/// that this weakness is about.
pub(super) fn demote(findings: &mut [Finding], settled: &[Settled]) {
    if settled.is_empty() {
        return;
    }
    for finding in findings.iter_mut().filter(|f| f.flow().is_none() && !f.advisory && f.confidence > Confidence::Low) {
        let span = &finding.location.span;
        let about = |s: &&Settled| {
            s.range.start < span.end_byte
                && span.start_byte < s.range.end
                && finding.cwe.iter().any(|c| s.cwe.contains(c))
        };
        let places: Vec<&Settled> = settled.iter().filter(about).collect();
        let within = |text: &Settled, sink: &Settled| {
            sink.is_sink && sink.range.start <= text.range.start && text.range.end <= sink.range.end
        };
        // What a sink takes tells more than the texts in it, of which some are values beside the statement.
        let matters = |place: &&&Settled| place.is_sink || !places.iter().any(|sink| within(place, sink));
        let told = match places.iter().filter(matters).map(|place| place.harm).max() {
            Some(Harm::None) => HARMLESS,
            Some(Harm::OfOperator) => OF_OPERATOR,
            Some(Harm::Any) | None => continue,
        };
        finding.confidence = Confidence::Low;
        finding.why = format!("{}\n{told}", finding.why);
    }
}

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
            let (apart, kept): (Vec<Finding>, _) =
                findings.into_iter().partition(|f| shared.contains(&f.location.path));
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
///
/// What was known to be harmless at base and is not at head is no old finding: the change took the reason away.
pub(super) fn settle<T: Borrow<Finding>>(before: &mut Vec<T>, after: &mut Vec<T>) {
    let is_firm = |new: &Finding, old: &Finding| new.key == old.key && !is_demoted(new);
    before.retain(|old| !is_demoted(old.borrow()) || !after.iter().any(|new| is_firm(new.borrow(), old.borrow())));
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
        (false, false) => !kept.contains_key(&f.key) && flows.iter().any(|o| !o.advisory && same_place(f, o)),
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

fn is_demoted(finding: &Finding) -> bool {
    finding.flow().is_none() && [HARMLESS, OF_OPERATOR].iter().any(|told| finding.why.ends_with(told))
}

#[cfg(test)]
mod tests {
    use super::{Harm, Settled, demote, settle, settle_across};
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
    fn what_is_known_to_be_harmless_loses_its_confidence() {
        let settled = |from, to, harm, cwe: &str| Settled {
            range: from..to,
            cwe: std::sync::Arc::new([cwe.to_owned()].into()),
            harm,
            is_sink: false,
        };
        let confidence = |places: &[Settled]| {
            let mut findings = [finding("sql-built", 2)];
            demote(&mut findings, places);
            findings[0].confidence
        };
        assert_eq!(confidence(&[settled(200, 210, Harm::None, "CWE-89")]), Confidence::Low);
        assert_eq!(confidence(&[settled(200, 210, Harm::None, "CWE-78")]), Confidence::High);
        assert_eq!(confidence(&[settled(900, 910, Harm::None, "CWE-89")]), Confidence::High);
        let inner = settled(202, 204, Harm::Any, "CWE-89");
        assert_eq!(confidence(&[settled(200, 210, Harm::None, "CWE-89"), inner]), Confidence::High);
        let (operator, other) = (settled(200, 210, Harm::OfOperator, "CWE-89"), settled(202, 204, Harm::Any, "CWE-89"));
        assert_eq!(confidence(&[operator.clone(), settled(202, 204, Harm::None, "CWE-89")]), Confidence::Low);
        assert_eq!(confidence(&[operator, other]), Confidence::High, "something else reaches it, too");
        let sink = Settled { is_sink: true, ..settled(200, 210, Harm::None, "CWE-89") };
        let (beside, elsewhere) = (settled(205, 208, Harm::Any, "CWE-89"), settled(195, 205, Harm::Any, "CWE-89"));
        assert_eq!(confidence(&[sink.clone(), beside]), Confidence::Low, "a value beside the statement");
        assert_eq!(confidence(&[sink, elsewhere]), Confidence::High);
    }

    #[test]
    fn a_check_that_is_taken_away_makes_an_old_finding_new() {
        let mut old = finding("sql-built", 2);
        let all = [Settled {
            range: 0..1_000,
            cwe: std::sync::Arc::new(["CWE-89".to_owned()].into()),
            harm: Harm::None,
            is_sink: false,
        }];
        demote(std::slice::from_mut(&mut old), &all);
        let (mut before, mut after) = (vec![old.clone()], vec![finding("sql-built", 2)]);
        settle(&mut before, &mut after);
        assert_eq!((before.len(), after.len()), (0, 1));
        let (mut before, mut after) = (vec![old.clone()], vec![old]);
        settle(&mut before, &mut after);
        assert_eq!((before.len(), after.len()), (1, 1));
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
