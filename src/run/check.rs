//! `portcullis check`: from a change to a verdict.

use super::analyse::Analyser;
use super::dependents::{self, Dependent, Dependents};
use super::gather::{self, Gathered, Wanted, short};
use super::others::Side;
use super::score::{MAX_WINDOWS, Scored, Scorers};
use super::worker::is_risky_text;
use super::{RunError, exit, scope, surroundings};
use crate::change::git::with_short_ids;
use crate::change::select::Surroundings;
use crate::change::text::Text;
use crate::change::{ChangedFile, Content};
use crate::compare::{AddedLines, Comparison, Origin, compare, once_per_line};
use crate::config::{Config, FILE_NAMES};
use crate::detect::classifier::Window;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::rules::RuleSet;
use crate::detect::{Analysis, Job, Remark, content_gap, gap, settle_across};
use crate::finding::{Finding, Gap, GapKind};
use crate::path::RepoPath;
use crate::policy::suppression::{FileRemarks, Ledger};
use crate::policy::{self, Judgement, Verdict, judge, tamper};
use crate::redact::Redactor;
use crate::report::Report;
use crate::report::model::{ChangeView, Coverage, PolicyView, Times, Tool};
use crate::syntax::is_generated;
use crate::syntax::language::Language;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Instant;

/// Added lines in unreadable code from which on a file is a gap, where they are also half of what was added to it.
const UNREAD_LINES: u32 = 1;

/// What to check and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What to compare.
    pub wanted: Wanted,
    /// `--diff`.
    pub patch: Option<PathBuf>,
    /// Overrides of the policy from the command line.
    pub overrides: Overrides,
    /// Threads.
    pub threads: usize,
}

/// What the command line says against the policy. The caller is trusted: it is the pipeline, not the change.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--fail-on-severity`.
    pub severity: Option<crate::config::SeverityLimit>,
    /// `--fail-on-risk`.
    pub risk: Option<f64>,
    /// `--classifier` or `--no-classifier`.
    pub classifier: Option<bool>,
}

impl Overrides {
    /// Applies what was given.
    pub fn apply(&self, config: &mut Config) {
        if let Some(limit) = self.severity {
            config.policy.severity = limit.severity();
        }
        if let Some(risk) = self.risk {
            config.policy.risk = (risk <= 100.0).then_some(risk);
        }
        config.classifier = self.classifier.unwrap_or(config.classifier);
        config.analysis.windows = config.classifier;
    }
}

/// A report, and the status to exit with.
#[derive(Debug)]
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// The status.
    pub exit: u8,
    /// Whether anything was there to analyse.
    pub had_input: bool,
}

/// Checks a change.
///
/// # Errors
/// [`RunError`] where no verdict can be given, not even an inconclusive one.
pub fn run(options: &Options, around: &Surroundings) -> Result<Outcome, RunError> {
    let (started, clock) = (surroundings::now(), Instant::now());
    let gathered = match &options.patch {
        Some(patch) => gather::from_patch(patch, &options.wanted)?,
        None => gather::from_repository(&options.wanted, around)?,
    };
    of_gathered(gathered, options, started, clock)
}

/// Checks a change that was gathered.
///
/// # Errors
/// [`RunError`] where a rule cannot be used.
pub fn of_gathered(
    mut gathered: Gathered,
    options: &Options,
    started: Timestamp,
    clock: Instant,
) -> Result<Outcome, RunError> {
    options.overrides.apply(&mut gathered.config);
    gathered.config.policy.measured = gathered.rules.precisions()?;
    for language in languages(&gathered.change.files) {
        gathered.rules.for_language(language)?;
    }
    let (scorers, sides) = (Scorers::default(), Side::of_change(&gathered));
    let (analyses, around) = std::thread::scope(|scope| {
        if gathered.config.classifier && options.threads > 1 && !gathered.change.files.is_empty() {
            scope.spawn(|| scorers.warm());
        }
        analyse_files(&gathered, &sides, options)
    });
    let windows: Vec<&Window> = analyses.iter().flat_map(|a| &a.windows).collect();
    let scored = scorers.score(&windows, MAX_WINDOWS);
    let (judgement, coverage, repeated) = conclude(&gathered, &analyses, &around, &scored, started);
    let models = scored.model.iter().cloned().collect();
    let mut report = Report::of(&judgement, "check", tool(&gathered.rules, models));
    report.change = change_view(&gathered);
    report.coverage = Coverage { gaps: report.coverage.gaps, ..coverage };
    report.notes = notes(&gathered, &options.wanted);
    report.notes.extend(around.dependents.notes.iter().cloned().chain(sides.1.notes()));
    if scored.left_out > 0 {
        report.notes.push(format!("the network looked at the first windows only; {} were left out", scored.left_out));
    }
    if repeated > 0 {
        report
            .notes
            .push(format!("a rule speaks once in a generated file; {repeated} more of its findings are not listed"));
    }
    report.policy = policy_view(&gathered.config);
    report.risk.limit = gathered.config.policy.risk;
    report.mask(&secrets(analyses.iter().chain(&around.analyses)));
    report.times = times(started, clock);
    Ok(Outcome {
        exit: status(judgement.verdict, gathered.config.policy.inconclusive_passes),
        had_input: report.coverage.analysed > 0,
        report,
    })
}

/// The unchanged files that use what the change touches, and what was found in them.
#[derive(Default)]
struct Around {
    dependents: Dependents,
    analyses: Vec<Analysis>,
}

fn analyse_files(gathered: &Gathered, sides: &(Side<'_>, Side<'_>), options: &Options) -> (Vec<Analysis>, Around) {
    let analyser = Analyser::new(&gathered.rules, &gathered.config.analysis, options.threads);
    let mut analyses: Vec<Analysis> =
        analyser.all(&gathered.change.files, sides, Job::of, |_, analysis| analysis.unwrap_or_default());
    let receives = |language, text: &str| analyser.may_receive(language, text);
    let mut dependents = dependents::of(gathered, &options.wanted.paths, (&analyses, sides), &receives);
    let mut around = analyser.unchanged(&dependents.files, sides);
    dependents.tell(&around);
    settle_across(&mut analyses.iter_mut().chain(&mut around).collect::<Vec<_>>());
    (analyses, Around { dependents, analyses: around })
}

/// Returns the secrets that the analyses met, together.
pub fn secrets<'a>(analyses: impl IntoIterator<Item = &'a Analysis>) -> Redactor {
    let mut secrets = Redactor::default();
    analyses.into_iter().for_each(|a| secrets.merge(a.secrets.clone()));
    secrets
}

/// Returns the exit status of a verdict.
pub fn status(verdict: Verdict, inconclusive_passes: bool) -> u8 {
    match verdict {
        Verdict::Pass => exit::PASS,
        Verdict::Blocked => exit::BLOCKED,
        Verdict::Inconclusive if inconclusive_passes => exit::PASS,
        Verdict::Inconclusive => exit::INCONCLUSIVE,
    }
}

/// Returns the declared times of a run.
pub fn times(started: Timestamp, clock: Instant) -> Times {
    let elapsed_ms = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    Times { started: started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), elapsed_ms }
}

fn languages(files: &[ChangedFile]) -> Vec<Language> {
    let side = |path, content: &Content| content.text().and_then(|t| Language::of_file(path, &t.text));
    let mut found: Vec<Language> = files
        .iter()
        .flat_map(|f| [side(&f.path, &f.after), side(f.old_path.as_ref().unwrap_or(&f.path), &f.before)])
        .flatten()
        .collect();
    found.sort();
    found.dedup();
    found
}

fn conclude(
    gathered: &Gathered,
    analyses: &[Analysis],
    around: &Around,
    scored: &Scored,
    started: Timestamp,
) -> (Judgement, Coverage, usize) {
    let Gathered { change, config, baseline, .. } = gathered;
    let mut gaps = change.gaps.clone();
    gaps.extend(scored.gap.clone());
    if change.files.iter().any(is_closed_off) {
        gaps.extend(around.closed_off());
    }
    let coverage = cover(&change.files, analyses, &mut gaps);
    if !surroundings::clock_is_plausible(started) {
        let detail = format!("the clock says {started}; end dates of suppressions cannot be told");
        gaps.push(Gap { kind: GapKind::Environment, path: None, detail });
    }
    let mut comparison = comparison(&change.files, analyses, around, &config.policy);
    around.keep_opened(&mut comparison);
    once_per_line(&mut comparison.head);
    let repeated = leave_out_repeats(&mut comparison, &change.files, &config.policy);
    let hints = scored.findings.iter().filter(|hint| !is_said(hint, &comparison)).cloned();
    let more: Vec<_> = tampering(gathered).into_iter().chain(hints).collect();
    comparison.head.extend(more.into_iter().map(|f| (f, Origin::Introduced)));
    let settled = around.remarks(&comparison);
    let remarks = analyses.iter().map(|a| FileRemarks { after: &a.remarks_after, in_change: true });
    let remarks: Vec<FileRemarks<'_>> = remarks.chain([FileRemarks { after: &settled, in_change: false }]).collect();
    let day = surroundings::day(started);
    let ledger = Ledger::open(&config.policy.suppressions, &remarks, day);
    let mut judgement = judge(comparison, gaps, &config.policy, ledger, baseline);
    judgement.ledger.tell_unused(&|listed| scope::of_change(gathered, analyses, listed));
    (judgement, coverage, repeated)
}

impl Around {
    /// Leaves of what unchanged files hold only the ways of data that the change opens, and says what opens them.
    fn keep_opened(&self, comparison: &mut Comparison) {
        let uses: HashMap<&RepoPath, &String> =
            self.dependents.files.iter().map(|file| (&file.file.path, &file.uses)).collect();
        let is_proven = |f: &Finding| f.flow().is_some_and(|flow| flow.trust != Trust::Parameter.as_str());
        comparison.head.retain(|(finding, origin)| {
            !uses.contains_key(&finding.location.path) || (*origin == Origin::Introduced && is_proven(finding))
        });
        comparison.fixed.retain(|finding| !uses.contains_key(&finding.location.path) || is_proven(finding));
        for (finding, _) in &mut comparison.head {
            if let Some(used) = uses.get(&finding.location.path) {
                finding.why =
                    format!("{}\nThe change leaves this file as it is, but touches what it uses: {used}.", finding.why);
            }
        }
    }

    /// Returns a gap for each file from which data leads into one of the change that nobody could follow it into.
    fn closed_off(&self) -> impl Iterator<Item = Gap> {
        let alone = self.dependents.files.iter().zip(&self.analyses).filter(|(_, a)| a.alone);
        alone.map(|(dependent, _)| gap(GapKind::Size, &dependent.file.path, CLOSED_OFF))
    }

    /// Returns the comments of unchanged files that speak of what was kept of them.
    fn remarks(&self, comparison: &Comparison) -> Vec<Remark> {
        let speaks = |remark: &&Remark| {
            let lines = |f: &Finding| f.location.span.start.line..=f.location.span.last_line();
            comparison.head.iter().any(|(f, _)| f.location.path == remark.path && lines(f).contains(&remark.target))
        };
        self.analyses.iter().flat_map(|a| &a.remarks_after).filter(speaks).cloned().collect()
    }
}

/// Leaves one finding of each rule and weight in each generated file that a change brings in, and says how many went. What
/// such a file repeats, nobody reads line by line; one is enough to block it.
fn leave_out_repeats(comparison: &mut Comparison, files: &[ChangedFile], policy: &policy::Options) -> usize {
    let text = |f: &ChangedFile| f.after.text().is_some_and(|t| is_generated(&f.path, &t.text));
    let generated: HashSet<&RepoPath> = files.iter().filter(|f| text(f)).map(|f| &f.path).collect();
    let before = comparison.head.len();
    let mut seen = HashSet::new();
    comparison.head.retain(|(finding, origin)| {
        let path = &finding.location.path;
        let counts = *origin == Origin::Introduced && !policy.waives(finding) && generated.contains(path);
        // What would be judged otherwise is no repeat: a hint must not stand for a proven flow.
        let weight =
            (finding.severity, finding.confidence, finding.advisory, finding.flow().map(|flow| flow.trust.clone()));
        !counts || seen.insert((path.clone(), finding.rule.clone(), finding.in_tests, weight))
    });
    before - comparison.head.len()
}

/// Says whether something firmer is said of the same place, so that a hint adds nothing.
fn is_said(hint: &Finding, comparison: &Comparison) -> bool {
    let same_place =
        |f: &Finding| f.location.path == hint.location.path && f.location.span.overlaps(&hint.location.span);
    comparison.head.iter().any(|(finding, _)| same_place(finding))
}

fn comparison(files: &[ChangedFile], analyses: &[Analysis], around: &Around, policy: &policy::Options) -> Comparison {
    let changed = files.iter().zip(analyses).map(|(file, a)| {
        let (path, old_path) = (&file.path, file.old_path.as_ref().unwrap_or(&file.path));
        (a, AddedLines { path, old_path, added: &file.added, only_added: file.partial || a.before_unread })
    });
    let unchanged = around.dependents.files.iter().zip(&around.analyses).map(|(Dependent { file, .. }, a)| {
        (a, AddedLines { path: &file.path, old_path: &file.path, added: &file.added, only_added: a.before_unread })
    });
    let sides: Vec<(&Analysis, AddedLines<'_>)> = changed.chain(unchanged).collect();
    compare(&sides, &|finding| policy.waives(finding))
}

fn tampering(gathered: &Gathered) -> Vec<Finding> {
    let config = &gathered.config;
    let mut governing: Vec<String> = FILE_NAMES.iter().map(|n| (*n).to_owned()).collect();
    governing.extend(config.path.clone());
    governing.extend(config.baseline.clone());
    let rules: Vec<String> = config.rules.iter().chain(&gathered.named_rules).cloned().collect();
    tamper::findings(&gathered.changed_paths, &governing, &rules)
}

/// What is said of a file that is analysed by itself.
const CLOSED_OFF: &str = "data cannot be followed between it and other files, of which the change makes one too large or \
                          too deep for that";

/// Says whether a file is left to a worker at head.
fn is_large(file: &ChangedFile) -> bool {
    file.after.text().is_some_and(|text| is_risky_text(&text.text))
}

/// Says whether a change makes a file one that is left to a worker. Where that cannot follow data between it and other
/// files either, a way could hide so. One that was so before stays what it was.
fn is_closed_off(file: &ChangedFile) -> bool {
    let is_source = |text: &Text| Language::of_file(&file.path, &text.text).is_some();
    let is_closed = |content: &Content| content.text().is_some_and(|text| is_source(text) && is_risky_text(&text.text));
    // What a tool has put together for the browser uses no other file.
    let uses_none = |text: &str| !["'./", "\"./", "'../", "\"../"].iter().any(|start| text.contains(start));
    let is_bundle = |text: &Text| {
        let is_script = Language::of_file(&file.path, &text.text).is_some_and(Language::is_script);
        is_script && is_generated(&file.path, &text.text) && uses_none(&text.text)
    };
    !file.after.text().is_some_and(is_bundle) && !file.partial && is_closed(&file.after) && !is_closed(&file.before)
}

/// Counts what was and was not analysed; adds gaps of files to `gaps`.
fn cover(files: &[ChangedFile], analyses: &[Analysis], gaps: &mut Vec<Gap>) -> Coverage {
    let mut coverage = Coverage { files: files.len(), ..Coverage::default() };
    let closes_off = files.iter().any(is_closed_off);
    for (file, analysis) in files.iter().zip(analyses) {
        let added = u64::from(file.added.len());
        coverage.added_lines += added;
        coverage.unread_lines += u64::from(analysis.unread_lines);
        if let Some(reason) = not_applicable(file, analysis) {
            *coverage.not_applicable.entry(reason.to_owned()).or_insert(0) += 1;
        } else if let Some(gap) = content_gap(&file.path, &file.after) {
            gaps.push(gap);
        } else if analysis.gaps.is_empty() && analysis.alone && closes_off && (is_closed_off(file) || !is_large(file)) {
            gaps.push(gap(GapKind::Size, &file.path, CLOSED_OFF));
        } else if analysis.gaps.is_empty() {
            coverage.analysed += 1;
            coverage.analysed_lines += added;
            if let Some(language) = analysis.language {
                *coverage.languages.entry(language.name().to_owned()).or_insert(0) += 1;
            }
        }
        gaps.extend(analysis.gaps.iter().cloned());
        let unread = analysis.unread_lines;
        if unread >= UNREAD_LINES && unread * 2 >= file.added.len() {
            gaps.push(gap(GapKind::Syntax, &file.path, format!("{unread} of {added} added lines could not be parsed")));
        }
    }
    coverage
}

fn not_applicable(file: &ChangedFile, analysis: &Analysis) -> Option<&'static str> {
    match &file.after {
        Content::Absent => Some("deleted"),
        Content::Symlink => Some("symbolic link"),
        Content::Submodule => Some("submodule"),
        Content::Binary => Some("binary"),
        Content::Other => Some("other language or format"),
        Content::Text(_) if analysis.language.is_none() => Some("other language or format"),
        _ => None,
    }
}

/// Returns what reports say of this program.
pub fn tool(rules: &RuleSet, models: Vec<String>) -> Tool {
    Tool {
        name: "portcullis".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        rules: rules.len(),
        rules_digest: rules.digest().into(),
        models,
    }
}

fn change_view(gathered: &Gathered) -> ChangeView {
    let (base, head) = (&gathered.change.base, &gathered.change.head);
    ChangeView {
        base: base.commit.clone(),
        base_reason: crate::redact::shapes(&with_short_ids(&base.reason)),
        policy_commit: base.policy_commit.clone(),
        head: head.commit.clone(),
        head_reason: head.reason.clone(),
    }
}

/// Returns the policy as reports show it.
pub fn policy_view(config: &Config) -> PolicyView {
    PolicyView {
        source: config.source.clone(),
        digest: config.digest.clone(),
        fail_on_severity: config.policy.severity.map(|s| s.to_string()),
        fail_on_confidence: config.policy.confidence.to_string(),
    }
}

fn notes(gathered: &Gathered, wanted: &Wanted) -> Vec<String> {
    let mut notes = Vec::new();
    if !wanted.paths.is_empty() {
        notes.push(format!("limited to {}", wanted.paths.join(", ")));
    }
    if gathered.change.files.iter().any(|f| f.partial) {
        notes.push("the patch shows parts of files; code outside it was not seen".to_owned());
    }
    for file in &gathered.change.files {
        for note in file.after.text().map(|t| t.notes.as_slice()).unwrap_or_default() {
            notes.push(format!("{}: {note}", file.path));
        }
    }
    if let Some(commit) = &gathered.change.base.policy_commit {
        notes.push(format!("policy read from {}, the tip of the base", short(commit)));
    }
    notes
}
