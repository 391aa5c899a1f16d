//! `portcullis audit`: whole trees, in git or not, with the same engine on all cores. Never a gate by itself.

use super::analyse::Analyser;
use super::check::{Outcome, Overrides, policy_view, status, times, tool};
use super::gather::{Wanted, policy_outside_git};
use super::others::Side;
use super::score::{Scored, Scorers};
use super::{RunError, exit, publish, scope, surroundings, tree};
use crate::compare::{Comparison, Origin, once_per_line};
use crate::config::{Config, SeverityLimit};
use crate::detect::rules::RuleSet;
use crate::detect::{Analysis, Remark, settle_across};
use crate::finding::{Confidence, Finding, Gap};
use crate::path::RepoPath;
use crate::policy::baseline::Baseline;
use crate::policy::suppression::{FileRemarks, Ledger};
use crate::policy::{self, Decision, judge, plural};
use crate::redact::Redactor;
use crate::report::Report;
use crate::report::model::{ChangeView, Coverage, PolicyView};
use crate::syntax::language::LANGUAGES;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::PathBuf;
use std::time::Instant;

/// What to audit and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and directories; none is the current directory.
    pub paths: Vec<PathBuf>,
    /// Policy and rules.
    pub wanted: Wanted,
    /// Overrides of the policy.
    pub overrides: Overrides,
    /// `--fail-on`: lowest severity that makes the audit exit with 1.
    pub fail_on: Option<SeverityLimit>,
    /// `--include-vendored`.
    pub vendored: bool,
    /// `--no-ignore`.
    pub no_ignore: bool,
    /// `--write-baseline`.
    pub write_baseline: Option<PathBuf>,
    /// Whether to show progress.
    pub progress: bool,
    /// Threads.
    pub threads: usize,
}

/// Audits trees.
///
/// # Errors
/// [`RunError`] where a path does not exist or the policy is broken.
pub fn run(options: &Options) -> Result<Outcome, RunError> {
    let (started, clock) = (surroundings::now(), Instant::now());
    let (mut config, rules, baseline) = policy_outside_git(&options.wanted)?;
    options.overrides.apply(&mut config);
    for row in &LANGUAGES {
        rules.for_language(row.language)?;
    }
    let mut found = analyse_tree(options, &config, &rules)?;
    found.gaps.sort();
    found.gaps.dedup();
    found.head.sort_by(|(a, _), (b, _)| (&a.location, &a.rule).cmp(&(&b.location, &b.rule)));
    once_per_line(&mut found.head);
    if let Some(path) = &options.write_baseline {
        let text = Baseline::of(found.head.iter().map(|(f, _)| f).filter(|f| !f.advisory)).write();
        publish::replace(path, text.as_bytes()).map_err(|source| RunError::Write { path: path.clone(), source })?;
    }
    let comparison = Comparison { head: found.head, fixed: Vec::new() };
    let remarks: Vec<FileRemarks<'_>> =
        found.remarks.iter().map(|r| FileRemarks { after: r, in_change: false }).collect();
    let ledger = Ledger::open(&config.policy.suppressions, &remarks, surroundings::day(started));
    let policy = policy::Options { measured: rules.precisions()?, ..policy_of(options, &config) };
    let mut judgement = judge(comparison, found.gaps, &policy, ledger, &baseline);
    let gaps: Vec<RepoPath> = judgement.gaps.iter().filter_map(|(gap, _)| gap.path.clone()).collect();
    judgement.ledger.tell_unused(&|listed| scope::of_tree(&options.paths, &gaps, listed));
    let mut report = Report::of(&judgement, "audit", tool(&rules, found.models));
    report.change = ChangeView {
        base_reason: "none: an audit compares nothing".into(),
        head_reason: "the files as they are".into(),
        ..ChangeView::default()
    };
    report.coverage = Coverage { gaps: report.coverage.gaps, ..found.coverage };
    report.policy = PolicyView {
        fail_on_severity: policy.severity.map(|s| s.to_string()),
        fail_on_confidence: policy.confidence.to_string(),
        ..policy_view(&config)
    };
    report.notes = notes(options, found.vendored);
    report.notes.extend(found.notes);
    report.mask(&found.secrets);
    report.times = times(started, clock);
    let exit = match (options.fail_on, judgement.verdict) {
        (None, _) => exit::PASS,
        (Some(_), verdict) => status(verdict, config.policy.inconclusive_passes),
    };
    Ok(Outcome { exit, had_input: report.coverage.analysed > 0, report })
}

/// Returns the policy of an audit: only `--fail-on` blocks, whatever single decisions of the policy say without it.
fn policy_of(options: &Options, config: &Config) -> policy::Options {
    let mut policy = config.policy.clone();
    policy.severity = options.fail_on.and_then(SeverityLimit::severity);
    policy.confidence = Confidence::Low;
    policy.risk = None;
    policy.test_code = true;
    policy.whole_tree = true;
    if options.fail_on.is_none() {
        for rule in policy.decisions.iter_mut().filter(|d| d.decision == Decision::Block) {
            rule.decision = Decision::Warn;
        }
    }
    policy
}

/// What the analysis of a tree found.
#[derive(Default)]
struct Found {
    head: Vec<(Finding, Origin)>,
    remarks: Vec<Vec<Remark>>,
    gaps: Vec<Gap>,
    models: Vec<String>,
    coverage: Coverage,
    vendored: usize,
    secrets: Redactor,
    notes: Vec<String>,
}

fn analyse_tree(options: &Options, config: &Config, rules: &RuleSet) -> Result<Found, RunError> {
    let mut found = Found::default();
    let losses = tree::Losses::default();
    let (files, vendored) = tree::walk(options, &mut found.coverage, &losses)?;
    found.vendored = vendored;
    let bar = progress(options.progress, files.len());
    let scorers = Scorers::default();
    let root = || Side::of_directory(options.wanted.directory.clone(), config);
    let sides = (root(), root());
    let analyser = Analyser::new(rules, &config.analysis, options.threads);
    let mut results: Vec<Option<(Analysis, Scored)>> = analyser.all(
        &files,
        &sides,
        |file| tree::read(file, config.file_bytes, options.vendored, &losses),
        |_, analysis| {
            bar.inc(1);
            let mut analysis = analysis?;
            let windows = std::mem::take(&mut analysis.windows);
            let scored = scorers.score(&windows.iter().collect::<Vec<_>>(), usize::MAX);
            Some((analysis, scored))
        },
    );
    bar.finish_and_clear();
    settle_across(&mut results.iter_mut().flatten().map(|(analysis, _)| analysis).collect::<Vec<_>>());
    found.notes = sides.1.notes();
    let (gaps, skipped) = losses.into_inner();
    found.gaps = gaps;
    for reason in skipped {
        *found.coverage.not_applicable.entry(reason).or_insert(0) += 1;
    }
    for (analysis, scored) in results.into_iter().flatten() {
        count(&analysis, &mut found.coverage);
        found.secrets.merge(analysis.secrets);
        found.gaps.extend(analysis.gaps);
        found.gaps.extend(scored.gap);
        let findings = analysis.after.into_iter().chain(scored.findings);
        found.head.extend(findings.map(|f| (f, Origin::Introduced)));
        found.remarks.push(analysis.remarks_after);
        if let Some(model) = scored.model.filter(|m| !found.models.contains(m)) {
            found.models.push(model);
        }
    }
    Ok(found)
}

/// Says what was left out on purpose, and how to have it in.
fn notes(options: &Options, vendored: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if !options.no_ignore {
        notes.push("files that .gitignore names were left out; --no-ignore takes them in".to_owned());
    }
    if vendored > 0 {
        let folders = plural(vendored, "folder", "folders");
        notes.push(format!("{folders} of vendored code not entered; --include-vendored enters them"));
    }
    notes
}

fn count(analysis: &Analysis, coverage: &mut Coverage) {
    coverage.unread_lines += u64::from(analysis.unread_lines);
    if let Some(language) = analysis.language.filter(|_| analysis.gaps.is_empty()) {
        coverage.analysed += 1;
        *coverage.languages.entry(language.name().to_owned()).or_insert(0) += 1;
    }
}

fn progress(wanted: bool, files: usize) -> ProgressBar {
    let target = if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(files as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} files  {wide_bar}  {elapsed}") {
        bar.set_style(style);
    }
    bar
}
