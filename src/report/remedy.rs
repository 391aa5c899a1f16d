//! The smallest thing that turns the gate green.

use super::Report;
use super::model::{FindingView, GapView};
use super::text::by_risk;
use crate::policy::{Verdict, plural};
use crate::risk::{together, weigh};
use std::collections::{BTreeMap, BTreeSet};

/// Files named with a piece of advice.
const NAMED: usize = 3;

/// What to do so that the gate lets the change pass.
#[derive(Debug, Clone, Default)]
pub(super) struct Remedy<'a> {
    /// Findings to fix, most risky first.
    pub(super) fix: Vec<&'a FindingView>,
    /// What has to become analysable.
    pub(super) open: Vec<&'a GapView>,
    /// Whether nothing was compared, so that there is no base branch.
    pub(super) audit: bool,
}

impl<'a> Remedy<'a> {
    /// Finds it; `None` where the gate is green.
    pub(super) fn of(report: &'a Report) -> Option<Self> {
        if report.verdict == Verdict::Pass {
            return None;
        }
        let mut fix: Vec<&FindingView> = report.findings.iter().filter(|f| f.disposition == "blocks").collect();
        fix.extend(over_limit(report));
        fix.sort_by(|a, b| by_risk(a, b));
        let open = report.coverage.gaps.iter().filter(|g| g.closes).collect();
        Some(Self { fix, open, audit: super::text::is_audit(report) })
    }

    /// Returns the places to fix, each line once, in order of risk.
    pub(super) fn places(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let all = self.fix.iter().map(|f| format!("{}:{}", f.path, f.start_line));
        all.filter(|place| seen.insert(place.clone())).collect()
    }

    /// Returns what to do about findings, without the places.
    pub(super) fn fixing(&self) -> Option<String> {
        let lines = self.places().len();
        (lines > 0).then(|| format!("fix {}", plural(lines, "line", "lines")))
    }

    /// Returns what to do about gaps, each piece of advice once, with the first files that it is for.
    pub(super) fn opening(&self) -> Vec<(&'static str, Vec<&'a str>)> {
        let mut steps: Vec<(&'static str, Vec<&'a str>)> = Vec::new();
        for gap in &self.open {
            let advice = advise(gap);
            let advice = if self.audit { advice.trim_end_matches(" on the base branch") } else { advice };
            let i = steps.iter().position(|(text, _)| *text == advice).unwrap_or_else(|| {
                steps.push((advice, Vec::new()));
                steps.len() - 1
            });
            if let Some(path) = gap.path.as_deref().filter(|_| steps[i].1.len() < NAMED) {
                steps[i].1.push(path);
            }
        }
        steps
    }
}

/// Returns the findings that have to go, beside the blocking ones, for the risk to fall below its limit: those of the
/// largest root causes first. Root causes are told as `risk::of_change` tells them.
fn over_limit(report: &Report) -> Vec<&FindingView> {
    let Some(limit) = report.risk.limit else { return Vec::new() };
    let mut by_path: BTreeMap<&str, Vec<Vec<&FindingView>>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|f| f.disposition == "warns" && f.origin != "altered") {
        let causes = by_path.entry(&finding.path).or_default();
        match causes.iter_mut().find(|cause| cause.first().is_some_and(|first| same_cause(first, finding))) {
            Some(cause) => cause.push(finding),
            None => causes.push(vec![finding]),
        }
    }
    let largest = |cause: &Vec<&FindingView>| cause.iter().map(|f| f.risk).fold(0.0, f64::max);
    let mut causes: Vec<Vec<&FindingView>> = by_path.into_values().flatten().collect();
    causes.sort_by(|a, b| largest(a).total_cmp(&largest(b)));
    let mut gone = Vec::new();
    loop {
        let risks: Vec<_> = causes.iter().map(|c| ((&c[0].rule, &c[0].path), largest(c))).collect();
        if together(weigh(&risks)) < limit {
            return gone;
        }
        match causes.pop() {
            Some(cause) => gone.extend(cause),
            None => return gone,
        }
    }
}

fn same_cause(a: &FindingView, b: &FindingView) -> bool {
    let (from, to) = (|f: &FindingView| (f.start_line, f.start_column), |f: &FindingView| (f.end_line, f.end_column));
    let overlap = from(a) < to(b) && from(b) < to(a);
    overlap || (a.rule == b.rule && a.symbol == b.symbol && !a.symbol.is_empty())
}

/// Returns what helps against a kind of gap.
fn advise(gap: &GapView) -> &'static str {
    match gap.kind.as_str() {
        "base" => advise_on_base(&gap.detail),
        "size" => "make the file smaller, or raise the size limit in the policy on the base branch",
        "time" => "run again, or raise the time limit in the policy on the base branch",
        "depth" => "nest the code less deeply",
        "crash" => "run again, and report it if it happens twice",
        "unreadable" => "store the file as readable text",
        "syntax" => "fix the syntax errors",
        "model" => "install the model files that belong to this version",
        "environment" => "repair the clock or the variables of the job",
        _ => "make it analysable",
    }
}

/// Returns what helps where no base was found, which the reason says.
fn advise_on_base(reason: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    match () {
        () if says(&["compares nothing"]) => "give a base with --base, or use `portcullis audit` for the whole tree",
        () if says(&["which this clone lacks"]) => "fetch the commit that the job names, or use --deepen",
        () if says(&["names no commit that"]) => {
            "give a base with --base, or use `portcullis audit` for the whole tree"
        }
        () if says(&["does not contain", "brings in nothing"]) => "check out the head of the change, or give --head",
        () if says(&["cannot be read", "names no base_sha"]) => {
            "repair the event of the job, or give a base with --base"
        }
        () if says(&["could not be deepened"]) => "let the job reach the remote, or clone with the whole history",
        () if says(&["shallow", "needs more history"]) => "fetch the base commit (a full clone, or `fetch-depth: 0`)",
        () => "give a base that shares history with the change, with --base",
    }
}
