//! `portcullis audit`: whole trees, in git or not, with the same engine on all cores. Never a gate by itself.

#![expect(clippy::disallowed_methods, reason = "I/O edge: walks directories and reads files")]

use super::check::{Outcome, Overrides, policy_view, status, times};
use super::gather::{Wanted, policy_outside_git};
use super::{RunError, analyse, exit, publish, surroundings};
use crate::change::text::{NotText, decode};
use crate::compare::{Comparison, Origin};
use crate::config::SeverityLimit;
use crate::detect::{Analysis, Job, gap};
use crate::finding::{Finding, Gap, GapKind};
use crate::path::RepoPath;
use crate::policy::baseline::Baseline;
use crate::policy::suppression::{FileRemarks, Ledger};
use crate::policy::{Disposition, Verdict, judge, plural};
use crate::report::Report;
use crate::report::model::{ChangeView, Coverage, Tool};
use crate::syntax::language::Language;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Folders of code that others wrote.
const VENDORED: [&str; 14] = [
    "node_modules", "vendor", "third_party", "third-party", "bower_components", "site-packages", ".venv", "venv",
    "__pypackages__", ".tox", "target", "dist", ".git", ".next",
];
/// Endings of generated files.
const GENERATED: [&str; 6] = [".min.js", ".bundle.js", "-min.js", "_pb2.py", "_pb2_grpc.py", ".generated.ts"];
/// Bytes at the head of a file in which a mark of generated code is looked for.
const HEAD: usize = 1024;

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
    let mut coverage = Coverage::default();
    let (files, vendored) = walk(options, &mut coverage)?;
    for row in &crate::syntax::language::LANGUAGES {
        rules.for_language(row.language)?;
    }
    let bar = progress(options.progress, files.len());
    let gaps = Mutex::new(Vec::new());
    let skipped = Mutex::new(Vec::new());
    let results: Vec<(RepoPath, Option<Analysis>)> = analyse::all(
        &files,
        options.threads,
        &rules,
        &config.analysis,
        |file| read(file, config.file_bytes, options.vendored, &gaps, &skipped),
        |file, analysis| {
            bar.inc(1);
            (file.shown.clone(), analysis)
        },
    );
    bar.finish_and_clear();
    let mut gaps: Vec<Gap> = gaps.into_inner().unwrap_or_default();
    for reason in skipped.into_inner().unwrap_or_default() {
        *coverage.not_applicable.entry(reason).or_insert(0) += 1;
    }
    let mut head: Vec<(Finding, Origin)> = Vec::new();
    let mut remarks = Vec::new();
    for (_, analysis) in results {
        let Some(analysis) = analysis else { continue };
        count(&analysis, &mut coverage);
        gaps.extend(analysis.gaps);
        head.extend(analysis.after.into_iter().map(|f| (f, Origin::Introduced)));
        remarks.push(analysis.remarks_after);
    }
    gaps.sort();
    head.sort_by(|(a, _), (b, _)| (&a.location, &a.rule).cmp(&(&b.location, &b.rule)));
    if let Some(path) = &options.write_baseline {
        let text = Baseline::of(head.iter().map(|(f, _)| f)).write();
        publish::replace(path, text.as_bytes()).map_err(|source| RunError::Write { path: path.clone(), source })?;
    }
    let comparison = Comparison { head, fixed: Vec::new() };
    let remarks: Vec<FileRemarks<'_>> =
        remarks.iter().map(|r| FileRemarks { before: &[], after: r, added: None }).collect();
    let ledger = Ledger::open(&config.policy.suppressions, &remarks, &comparison, surroundings::day(started));
    let mut policy = config.policy.clone();
    policy.severity = options.fail_on.and_then(SeverityLimit::severity);
    policy.confidence = crate::finding::Confidence::Low;
    policy.risk = None;
    let mut judgement = judge(comparison, gaps, &policy, ledger, &baseline);
    if options.fail_on.is_none() {
        // An audit without --fail-on reports and never blocks, whatever single decisions of the policy say.
        for judged in &mut judgement.findings {
            if matches!(judged.disposition, Disposition::Blocks(_)) {
                judged.disposition = Disposition::Warns;
            }
        }
        if judgement.verdict == Verdict::Blocked {
            judgement.verdict = Verdict::Pass;
            judgement.reasons.retain(|r| !r.contains("blocks"));
        }
    }
    let tool = Tool {
        name: "portcullis".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        rules: rules.len(),
        rules_digest: rules.digest().into(),
        models: Vec::new(),
    };
    let mut report = Report::of(&judgement, "audit", tool);
    report.change = ChangeView {
        base_reason: "none: an audit compares nothing".into(),
        head_reason: "the files as they are".into(),
        ..ChangeView::default()
    };
    report.coverage = Coverage { gaps: report.coverage.gaps, ..coverage };
    report.policy = policy_view(&config);
    report.notes = notes(options, vendored);
    report.times = times(started, clock);
    let exit = match (options.fail_on, judgement.verdict) {
        (None, _) => exit::PASS,
        (Some(_), verdict) => status(verdict, config.policy.inconclusive_passes),
    };
    Ok(Outcome { exit, had_input: report.coverage.analysed > 0, report })
}

struct File {
    disk: PathBuf,
    shown: RepoPath,
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

/// Finds the files, and counts the folders of vendored code that were not entered.
fn walk(options: &Options, coverage: &mut Coverage) -> Result<(Vec<File>, usize), RunError> {
    let root = &options.wanted.directory;
    let roots = if options.paths.is_empty() { vec![PathBuf::from(".")] } else { options.paths.clone() };
    let mut files = Vec::new();
    let passed_by = Arc::new(AtomicUsize::new(0));
    for path in &roots {
        let start = root.join(path);
        std::fs::symlink_metadata(&start).map_err(|source| RunError::Read { path: start.clone(), source })?;
        let vendored = options.vendored;
        let mut builder = ignore::WalkBuilder::new(&start);
        builder.hidden(false).follow_links(false).require_git(false).ignore(false).git_global(false);
        builder.git_ignore(!options.no_ignore).git_exclude(!options.no_ignore).parents(!options.no_ignore);
        let counter = Arc::clone(&passed_by);
        builder.filter_entry(move |entry| {
            if entry.depth() == 0 || !is_vendored(entry.path()) {
                return true;
            }
            // Git's own folder is nobody's code.
            let enter = vendored && entry.file_name() != ".git";
            counter.fetch_add(usize::from(!enter && entry.file_name() != ".git"), Ordering::Relaxed);
            enter
        });
        for entry in builder.build() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(_) => {
                    *coverage.not_applicable.entry("unreadable directory entry".into()).or_insert(0) += 1;
                    continue;
                }
            };
            let kind = entry.file_type();
            if kind.is_some_and(|t| t.is_dir()) {
                continue;
            }
            coverage.files += 1;
            if !kind.is_some_and(|t| t.is_file()) {
                *coverage.not_applicable.entry("symbolic link or special file".into()).or_insert(0) += 1;
                continue;
            }
            let disk = entry.into_path();
            let relative = disk.strip_prefix(root).unwrap_or(&disk);
            let relative = relative.strip_prefix(".").unwrap_or(relative);
            files.push(File { shown: RepoPath::from_bytes(relative.as_os_str().as_encoded_bytes()), disk });
        }
    }
    files.sort_by(|a, b| a.shown.cmp(&b.shown));
    files.dedup_by(|a, b| a.shown == b.shown);
    Ok((files, passed_by.load(Ordering::Relaxed)))
}

fn is_vendored(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    VENDORED.contains(&name.as_ref()) && path.is_dir()
}

fn read(file: &File, max: u64, vendored: bool, gaps: &Mutex<Vec<Gap>>, skipped: &Mutex<Vec<String>>) -> Option<Job> {
    let note = |reason: &str| {
        if let Ok(mut list) = skipped.lock() {
            list.push(reason.to_owned());
        }
        None
    };
    let fail = |kind, detail: String| {
        if let Ok(mut list) = gaps.lock() {
            list.push(gap(kind, &file.shown, detail));
        }
        None
    };
    let source = Language::of_path(&file.shown).is_some();
    if !source && !file.shown.extension().is_empty() {
        return note("other language or format");
    }
    if !vendored && GENERATED.iter().any(|e| file.shown.as_str().ends_with(e)) {
        return note("generated");
    }
    let size = std::fs::metadata(&file.disk).map(|m| m.len()).unwrap_or(0);
    if size > max {
        return if source { fail(GapKind::Size, format!("{size} bytes, over the size limit")) } else { note("other language or format") };
    }
    let bytes = match std::fs::read(&file.disk) {
        Ok(bytes) => bytes,
        Err(error) => return fail(GapKind::Unreadable, error.to_string()),
    };
    match decode(&bytes, source) {
        Err(NotText::Binary) => note("binary"),
        Err(NotText::Garbled(why)) => fail(GapKind::Unreadable, why),
        Ok(text) if Language::of_file(&file.shown, &text.text).is_none() => note("other language or format"),
        Ok(text) if !vendored && is_generated(&text.text) => note("generated"),
        Ok(text) => Some(Job::whole(file.shown.clone(), text)),
    }
}

fn is_generated(text: &str) -> bool {
    let head = &text[..text.floor_char_boundary(HEAD)];
    ["@generated", "DO NOT EDIT", "Code generated by", "This file is automatically generated"].iter().any(|m| head.contains(m))
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
