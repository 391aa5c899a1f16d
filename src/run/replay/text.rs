//! The replay for a reader.

use super::figures::{Replay, Row, Share};
use crate::path::visible;
use crate::policy::Verdict;
use crate::run::measure::tally::Outcome;

/// Characters of a commit that are shown.
pub(super) const SHORT: usize = 12;

/// Writes it, with a line feed at the end.
pub fn write(replay: &Replay) -> String {
    let mut text = format!("{}\n", headline(replay));
    text.push_str(&format!("Policy: {}, of commit {}\n", visible(&replay.policy), short(&replay.head)));
    text.push_str(&format!("False alarms: {}\n", false_alarms(replay)));
    for line in left_open(replay) {
        text.push_str(&format!("{line}\n"));
    }
    let blocked: Vec<&Row> = replay.changes.iter().filter(|row| row.blocked().is_some()).collect();
    if !blocked.is_empty() {
        text.push_str("\nWould have been blocked\n");
        blocked.into_iter().for_each(|row| text.push_str(&blocks(row)));
    }
    if !replay.rules.is_empty() {
        text.push_str("\nRules that blocked, changes each\n");
        let mut rules: Vec<(&String, &u32)> = replay.rules.iter().collect();
        rules.sort_by_key(|(rule, count)| (std::cmp::Reverse(**count), *rule));
        rules.into_iter().for_each(|(rule, count)| text.push_str(&format!("  {count:4}  {}\n", visible(rule))));
    }
    text.push_str("\nA limit on the risk of a change alone would have stopped\n");
    for limit in &replay.limits {
        text.push_str(&format!("  {:3}  {}\n", limit.risk, of_all(limit.changes, replay.checked)));
    }
    text.push_str(&format!("\n{}\n", proposal(replay)));
    let open: Vec<String> = replay.changes.iter().filter_map(no_verdict).collect();
    if !open.is_empty() {
        text.push_str(&format!("\nGot no verdict\n{}", open.concat()));
    }
    let lost = replay.changes.iter().filter_map(|row| match &row.outcome {
        Outcome::Unreadable(why) => Some(format!("  {}: {}\n", short(&row.commit), visible(why))),
        Outcome::Seen(_) => None,
    });
    let lost: Vec<String> = lost.collect();
    if !lost.is_empty() {
        text.push_str(&format!("\nCould not be read\n{}", lost.concat()));
    }
    text
}

/// Says in one line what it came to.
pub(super) fn headline(replay: &Replay) -> String {
    let (first, last) = (replay.changes.last(), replay.changes.first());
    let day =
        |row: Option<&Row>| row.map_or_else(String::new, |row| visible(&row.date.chars().take(10).collect::<String>()));
    let blocked = of_all(replay.blocked, replay.checked);
    format!("{} merged changes, {} to {}: {blocked} blocked", replay.changes.len(), day(first), day(last))
}

/// Says what there is no verdict on, a line for each kind.
pub(super) fn left_open(replay: &Replay) -> impl Iterator<Item = String> {
    let kinds = [
        (replay.inconclusive, "got no verdict"),
        (replay.unreadable, "could not be read"),
        (u32::try_from(replay.without_parent).unwrap_or(u32::MAX), "left out, without a parent in this clone"),
    ];
    kinds.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"))
}

/// Says how many false alarms there were at most.
pub(super) fn false_alarms(replay: &Replay) -> String {
    let Share { share, low, high } = replay.false_alarms;
    let percent = |x: f64| x * 100.0;
    let mut text =
        format!("at most {:.1} % of changes (95 %: {:.1} to {:.1})", percent(share), percent(low), percent(high));
    text.push_str(", every blocked change counted that no later one took back; read them to know");
    if replay.blocked_and_reverted > 0 {
        text.push_str(&format!("; {} of the blocked ones were taken back", replay.blocked_and_reverted));
    }
    text
}

/// Says which limits would fit.
pub(super) fn proposal(replay: &Replay) -> String {
    let share = replay.at_most * 100.0;
    let now = match replay.risk_limit {
        Some(limit) => format!("the policy's limit on risk is {limit}"),
        None => "the policy has no limit on risk".to_owned(),
    };
    let Some(risk) = replay.proposed_risk else {
        return format!(
            "No limit would have stopped as few as {share} % of the changes: read what is blocked, and suppress or \
             switch off what is wrong, before blocking is switched on; {now}"
        );
    };
    let by_findings = of_all(replay.blocked_by_findings, replay.checked);
    let (severity, why) = match replay.keeps_severity {
        true => ("", format!("single findings would have blocked {by_findings}")),
        false => ("severity: none, ", format!("single findings alone would have blocked {by_findings}")),
    };
    format!(
        "Proposed: `fail-on: {{{severity}risk: {risk}}}` in portcullis.yml, which would have stopped at most {share} % \
         of the changes; {why}; {now}"
    )
}

/// Says how many of how many.
pub(super) fn of_all(part: u32, all: u32) -> String {
    let share = if all == 0 { 0.0 } else { f64::from(part) / f64::from(all) * 100.0 };
    format!("{part} of {all} ({share:.1} %)")
}

pub(super) fn short(commit: &str) -> String {
    visible(&commit.chars().take(SHORT).collect::<String>())
}

/// Says why a change got no verdict, where it got none.
fn no_verdict(row: &Row) -> Option<String> {
    let seen = row.outcome.seen().filter(|seen| seen.verdict == Verdict::Inconclusive)?;
    let mut text = format!("  {} {}\n", short(&row.commit), visible(&row.subject));
    for gap in &seen.gaps {
        text.push_str(&format!("    {}\n", visible(gap)));
    }
    Some(text)
}

fn blocks(row: &Row) -> String {
    let Some(seen) = row.blocked() else { return String::new() };
    let day: String = row.date.chars().take(10).collect();
    let mut text =
        format!("  {} {} risk {:.1}  {}\n", short(&row.commit), visible(&day), seen.risk, visible(&row.subject));
    if let Some(by) = &row.reverted_by {
        text.push_str(&format!("    taken back by {}\n", short(by)));
    }
    for finding in seen.findings.iter().filter(|finding| finding.blocks) {
        let place = format!("{}:{}", visible(&finding.path), finding.line);
        text.push_str(&format!("    {place} {}: {}\n", visible(finding.rule.as_str()), visible(&finding.message)));
    }
    text
}
