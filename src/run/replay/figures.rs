//! What a replay came to: counts, the false-alarm rate, and limits that would stop few changes.

use crate::change::history::Merged;
use crate::detect::rules::precision::Measured;
use crate::policy::Verdict;
use crate::run::measure::tally::{Outcome, Seen};
use serde::Serialize;
use std::collections::BTreeMap;

/// Limits on the risk of a change that are tried.
const LIMITS: [u8; 12] = [40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95];

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replay {
    /// The newest commit, whose policy was used.
    pub head: String,
    /// Where the policy comes from.
    pub policy: String,
    /// The limit on the risk of a change in that policy, 0 to 100.
    pub risk_limit: Option<f64>,
    /// Commits without a parent here, which are no changes.
    pub without_parent: usize,
    /// Changes that were checked.
    pub checked: u32,
    /// Changes that would have been blocked.
    pub blocked: u32,
    /// Of these, changes that a later commit took back.
    pub blocked_and_reverted: u32,
    /// Changes without a verdict.
    pub inconclusive: u32,
    /// Changes that could not be read.
    pub unreadable: u32,
    /// The share of checked changes that were blocked though nobody took them back: an upper bound of the false alarms,
    /// since a weakness may have been merged and never found.
    pub false_alarms: Share,
    /// Changes that single findings blocked, whatever the risk of the whole.
    pub blocked_by_findings: u32,
    /// What other limits would have stopped.
    pub limits: Vec<Limit>,
    /// The lowest limit that stops no more than was asked for; null where none does.
    pub proposed_risk: Option<u8>,
    /// Whether single findings block no more changes than that, so that the policy may go on blocking by severity.
    pub keeps_severity: bool,
    /// The share of changes, 0 to 1, that a proposed limit may stop.
    pub at_most: f64,
    /// By month, `YYYY-MM`: changes, and blocked ones.
    pub months: BTreeMap<String, (u32, u32)>,
    /// By rule: how often it blocked.
    pub rules: BTreeMap<String, u32>,
    /// Each change, the newest first.
    pub changes: Vec<Row>,
}

/// A share with Wilson's interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// The share, 0 to 1.
    pub share: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What a limit on the risk of a change would have stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// The limit.
    pub risk: u8,
    /// Changes at or above it.
    pub changes: u32,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The commit.
    pub commit: String,
    /// When it was committed.
    pub date: String,
    /// The first line of its message.
    pub subject: String,
    /// The commit that took it back, where one says so.
    pub reverted_by: Option<String>,
    /// What was said of it.
    pub outcome: Outcome,
}

impl Row {
    /// Makes the row of a change.
    pub fn of(change: &Merged, reverted_by: Option<String>, outcome: Outcome) -> Self {
        Self {
            commit: change.commit.clone(),
            date: change.date.clone(),
            subject: change.subject.clone(),
            reverted_by,
            outcome,
        }
    }

    /// Returns what was seen of it, where it was blocked.
    pub fn blocked(&self) -> Option<&Seen> {
        self.outcome.seen().filter(|seen| seen.verdict == Verdict::Blocked)
    }
}

impl Replay {
    /// Counts.
    pub fn of(
        head: String,
        (policy, risk_limit): (String, Option<f64>),
        changes: Vec<Row>,
        without_parent: usize,
        at_most: f64,
    ) -> Self {
        let seen: Vec<&Seen> = changes.iter().filter_map(|row| row.outcome.seen()).collect();
        let blocked: Vec<&Row> = changes.iter().filter(|row| row.blocked().is_some()).collect();
        let checked = count(seen.len());
        let reverted = blocked.iter().filter(|row| row.reverted_by.is_some()).count();
        let limits = LIMITS.map(|risk| Limit {
            risk,
            changes: count(seen.iter().filter(|seen| seen.risk >= f64::from(risk)).count()),
        });
        let is_few = |changes: u32| f64::from(changes) <= at_most * f64::from(checked);
        let has_finding = |row: &&&Row| row.blocked().is_some_and(|seen| seen.findings.iter().any(|f| f.blocks));
        let by_findings = count(blocked.iter().filter(has_finding).count());
        let mut months: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        let mut rules: BTreeMap<String, u32> = BTreeMap::new();
        for row in &changes {
            let month = months.entry(row.date.chars().take(7).collect()).or_default();
            month.0 += 1;
            month.1 += u32::from(row.blocked().is_some());
            let findings = row.blocked().into_iter().flat_map(|seen| &seen.findings);
            let by: std::collections::BTreeSet<&str> = findings.filter(|f| f.blocks).map(|f| f.rule.as_str()).collect();
            for rule in by {
                *rules.entry(rule.to_owned()).or_default() += 1;
            }
        }
        Self {
            head,
            policy,
            risk_limit,
            without_parent,
            checked,
            blocked: count(blocked.len()),
            blocked_and_reverted: count(reverted),
            inconclusive: count(seen.iter().filter(|seen| seen.verdict == Verdict::Inconclusive).count()),
            unreadable: count(changes.len()) - checked,
            false_alarms: Share::of(count(blocked.len() - reverted), checked),
            blocked_by_findings: by_findings,
            keeps_severity: is_few(by_findings),
            proposed_risk: limits.iter().find(|limit| is_few(limit.changes)).map(|limit| limit.risk),
            limits: limits.to_vec(),
            at_most,
            months,
            rules,
            changes,
        }
    }
}

impl Share {
    fn of(part: u32, n: u32) -> Self {
        let measured = Measured { n, real: part };
        let (low, high) = measured.interval();
        Self { share: measured.precision(), low, high }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Replay, Row};
    use crate::policy::Verdict;
    use crate::run::measure::tally::{Outcome, Seen};

    fn row(risk: f64, verdict: Verdict, reverted: bool) -> Row {
        Row {
            commit: "a".repeat(40),
            date: "2026-01-02T00:00:00Z".into(),
            subject: String::new(),
            reverted_by: reverted.then(|| "b".repeat(40)),
            outcome: Outcome::Seen(Seen { verdict, risk, findings: Vec::new(), gaps: Vec::new() }),
        }
    }

    #[test]
    fn limits_are_proposed_that_stop_few() {
        let mut rows: Vec<Row> = (0..97).map(|_| row(10.0, Verdict::Pass, false)).collect();
        rows.push(row(62.0, Verdict::Pass, false));
        rows.push(row(81.0, Verdict::Blocked, true));
        rows.push(row(90.0, Verdict::Blocked, false));
        let lost = Row { outcome: Outcome::Unreadable("gone".into()), ..row(0.0, Verdict::Pass, false) };
        rows.push(lost);
        let replay = |at_most| Replay::of(String::new(), (String::new(), Some(70.0)), rows.clone(), 0, at_most);
        let one = replay(0.01);
        assert_eq!((one.checked, one.blocked, one.blocked_and_reverted, one.unreadable), (100, 2, 1, 1));
        assert_eq!(one.proposed_risk, Some(85));
        assert_eq!(replay(0.02).proposed_risk, Some(65));
        assert_eq!(replay(0.0).proposed_risk, Some(95));
        assert!((one.false_alarms.share - 0.01).abs() < 1e-9);
        assert_eq!(one.months["2026-01"], (101, 2));
    }
}
