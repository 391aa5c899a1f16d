//! From a file to what is wrong in it: the detectors, and the analysis of both sides of a changed file.
//!
//! Problems in the scanned code are part of the result, never an `Err`. Which findings matter is decided later.

pub mod classifier;
pub mod excerpt;
mod finder;
pub mod flow;
mod loosen;
mod overlap;
pub mod rules;
pub mod specifiers;
pub mod touched;

use crate::change::text::Text;
use crate::change::{ChangedFile, Content, Status};
use crate::deadline::Deadline;
use crate::finding::{Finding, Gap, GapKind};
use crate::path::RepoPath;
use crate::redact::Redactor;
use crate::span::LineSet;
use crate::syntax::language::Language;
use crate::syntax::{Limits, ParseGap, SourceFile, parse};
use classifier::Window;
use flow::catalog::schema::Trust;
use flow::{NoOthers, SourceProvider};
pub use overlap::settle_across;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// Finds weaknesses in one parsed file.
pub trait Detector: Send + Sync {
    /// Returns what it finds, and what it could not do, before the context's deadline.
    fn detect(&self, file: &SourceFile, context: Context<'_>) -> Detections;
}

/// What a detector is told besides the file.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// When it has to stop.
    pub deadline: Deadline,
    /// The other files of the same side.
    pub others: &'a dyn SourceProvider,
    /// Names: only functions that use one of them matter. `None`: all do.
    pub focus: Option<&'a BTreeSet<String>>,
}

/// Where the other files of both sides come from.
#[derive(Clone, Copy)]
pub struct Others<'a> {
    /// Those at base.
    pub before: &'a dyn SourceProvider,
    /// Those at head.
    pub after: &'a dyn SourceProvider,
}

impl Others<'_> {
    /// No file but the analysed one.
    pub fn none() -> Self {
        Self { before: &NoOthers, after: &NoOthers }
    }
}

/// What a detector returns.
#[derive(Debug, Default)]
pub struct Detections {
    /// What it found.
    pub findings: Vec<Finding>,
    /// What it could not do.
    pub gaps: Vec<Gap>,
    /// The secrets it met.
    pub redactor: Redactor,
    /// Places where it knows that data does harm, or does not.
    pub settled: Vec<overlap::Settled>,
}

/// One file to analyse: its text on both sides. Travels to worker processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Path at head (at base, for a deletion).
    pub path: RepoPath,
    /// Path at base, where it differs.
    pub old_path: Option<RepoPath>,
    /// Text at base.
    pub before: Option<Text>,
    /// Text at head.
    pub after: Option<Text>,
    /// Lines of `after` that are new.
    pub added: LineSet,
    /// Lines of `before` that are gone.
    pub removed: LineSet,
    /// Whether the texts are only parts of the file.
    pub partial: bool,
    /// Whether a change brings in the file, so that all its names are touched.
    #[serde(default)]
    pub is_new: bool,
}

/// What the analysis of one file needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Time for one side of one file, in milliseconds.
    pub time_ms: u64,
    /// Deepest nesting that is analysed.
    pub depth: u32,
    /// Whether to cut windows for the network.
    pub windows: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { time_ms: 2_000, depth: 1_000, windows: true }
    }
}

impl Options {
    fn limits(&self) -> Limits {
        Limits { time: Duration::from_millis(self.time_ms), depth: self.depth }
    }
}

/// What the analysis of one file found. Travels back from worker processes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Language at head, where it has one.
    pub language: Option<Language>,
    /// Findings at base.
    pub before: Vec<Finding>,
    /// Findings at head.
    pub after: Vec<Finding>,
    /// Comments at head that speak to the gate.
    pub remarks_after: Vec<Remark>,
    /// What could not be analysed at head. For gaps at base see `before_unread`.
    pub gaps: Vec<Gap>,
    /// Whether the base side exists and could not be analysed: then old findings cannot be told by comparing.
    pub before_unread: bool,
    /// Added lines in code that the parser could not read.
    pub unread_lines: u32,
    /// Token windows of changed functions.
    pub windows: Vec<Window>,
    /// Names of what the change touches in a file; of one that is new, all.
    pub touched: BTreeSet<String>,
    /// Whether data was not followed between it and other files, though it should have been.
    pub alone: bool,
    /// The secrets met on both sides, for masking them in what is said of other files.
    pub secrets: Redactor,
}

/// A comment that speaks to the gate: it holds `portcullis:`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The file.
    pub path: RepoPath,
    /// The comment as written, delimiters included.
    pub text: String,
    /// First and last line of the comment.
    pub lines: (u32, u32),
    /// Line the comment speaks of: its own, or the next line of code where it stands alone.
    pub target: u32,
}

/// What marks a comment as meant for the gate.
pub const MARKER: &str = "portcullis:";

impl Job {
    /// Makes the job of a changed file; `None` where neither side is text.
    pub fn of(file: &ChangedFile) -> Option<Self> {
        let (before, after) = (file.before.text().cloned(), file.after.text().cloned());
        if before.is_none() && after.is_none() {
            return None;
        }
        Some(Self {
            path: file.path.clone(),
            old_path: file.old_path.clone(),
            before,
            after,
            added: file.added.clone(),
            removed: file.removed.clone(),
            partial: file.partial,
            is_new: file.status == Status::Added && !file.partial,
        })
    }

    /// Makes the job of a whole file, for an audit.
    pub fn whole(path: RepoPath, text: Text) -> Self {
        let added = crate::change::lines::all_lines(&text.text);
        Self {
            path,
            old_path: None,
            before: None,
            after: Some(text),
            added,
            removed: LineSet::default(),
            partial: false,
            is_new: false,
        }
    }

    /// Returns the language of the head side, else of the base side.
    pub fn language(&self) -> Option<Language> {
        let of = |text: &Option<Text>, path: &RepoPath| text.as_ref().and_then(|t| Language::of_file(path, &t.text));
        of(&self.after, &self.path).or_else(|| of(&self.before, self.old_path.as_ref().unwrap_or(&self.path)))
    }
}

/// Analyses both sides of one file.
///
/// The base side is read only where it can matter: where the change removes lines, or the head side has findings that
/// could be old.
///
/// Where a rule and a flow speak of the same place, only one of them stays: see [`overlap`].
pub fn analyse(job: &Job, detectors: &[&dyn Detector], options: &Options, others: Others<'_>) -> Analysis {
    let mut analysis = Analysis { language: job.language(), ..Analysis::default() };
    let after = side(&job.path, job.after.as_ref(), options, |gap| analysis.gaps.push(gap));
    let after = after.map(|mut file| {
        file.added.clone_from(&job.added);
        file.removed.clone_from(&job.removed);
        file.partial = job.partial;
        let (findings, gaps, redactor) = run(&file, detectors, options, others.after, None);
        analysis.after = findings;
        analysis.gaps.extend(gaps);
        analysis.remarks_after = remarks(&file);
        analysis.unread_lines = unread(&file);
        (file, redactor)
    });
    let matters = !job.removed.is_empty() || !analysis.after.is_empty() || after.is_none();
    let before = if matters { analyse_base(job, detectors, options, others.before, &mut analysis) } else { None };
    let sides = (analysis.before.as_slice(), analysis.after.as_slice());
    if let (Some((file, _)), Some(_)) = (&after, &job.before)
        && loosen::loosens(before.as_ref(), file, (&job.removed, &job.added), sides)
    {
        analysis.touched = touched::names(file, &job.added);
        analysis.touched.extend(before.iter().flat_map(|file| touched::names(file, &job.removed)));
        if before.as_ref().is_some_and(|old| loosen::redirected(old, file).iter().any(|name| name == "*")) {
            analysis.touched.insert(touched::DEFAULT.to_owned());
        }
    }
    if let Some((file, _)) = after.as_ref().filter(|_| job.is_new) {
        analysis.touched = touched::names(file, &job.added);
    }
    overlap::settle(&mut analysis.before, &mut analysis.after);
    if let Some((file, redactor)) = after {
        if options.windows {
            analysis.windows = classifier::windows(&file, before.as_ref(), &redactor);
        }
        analysis.secrets.merge(redactor);
    }
    analysis
}

/// Analyses a file that a change leaves as it is, for the ways of data that code elsewhere opens or closes in it: the base
/// side only where data of a known source arrives at head. Only functions that use one of the names in `focus` are looked at.
pub fn analyse_unchanged(
    file: &SourceFile,
    focus: &BTreeSet<String>,
    flow: &dyn Detector,
    options: &Options,
    others: Others<'_>,
) -> Analysis {
    let ways = |others| {
        let (mut findings, gaps, secrets) = run(file, &[flow], options, others, Some(focus));
        findings.retain(|f| f.flow().is_some_and(|flow| flow.trust != Trust::Parameter.as_str()));
        (findings, gaps, secrets)
    };
    let (after, gaps, secrets) = ways(others.after);
    let mut analysis = Analysis { language: Some(file.language), gaps, secrets, ..Analysis::default() };
    if !after.is_empty() {
        let (before, gaps, secrets) = ways(others.before);
        (analysis.before, analysis.before_unread) = (before, !gaps.is_empty());
        analysis.secrets.merge(secrets);
        analysis.remarks_after = remarks(file);
    }
    analysis.after = after;
    analysis
}

fn analyse_base(
    job: &Job,
    detectors: &[&dyn Detector],
    options: &Options,
    others: &dyn SourceProvider,
    analysis: &mut Analysis,
) -> Option<SourceFile> {
    let path = job.old_path.as_ref().unwrap_or(&job.path);
    let mut file = side(path, job.before.as_ref(), options, |_| analysis.before_unread = true)?;
    file.added.clone_from(&job.removed);
    file.partial = job.partial;
    let (mut findings, gaps, redactor) = run(&file, detectors, options, others, None);
    // A comment let this code through as it was: an edit of it is for somebody to look at.
    for remark in remarks(&file) {
        let covers =
            |f: &&mut Finding| (f.location.span.start.line..=f.location.span.last_line()).contains(&remark.target);
        findings.iter_mut().filter(covers).for_each(|f| f.key.values = None);
    }
    analysis.before = findings;
    analysis.before_unread |= !gaps.is_empty();
    analysis.secrets.merge(redactor);
    Some(file)
}

fn side(path: &RepoPath, text: Option<&Text>, options: &Options, mut on_gap: impl FnMut(Gap)) -> Option<SourceFile> {
    let text = text?;
    let language = Language::of_file(path, &text.text)?;
    match parse(path, language, text, &options.limits()) {
        Ok(file) => Some(file),
        Err(ParseGap::Time) => {
            on_gap(gap(GapKind::Time, path, format!("parsing took longer than {} ms", options.time_ms)));
            None
        }
        Err(ParseGap::Depth(_)) => {
            on_gap(gap(GapKind::Depth, path, format!("nested more than {} levels deep", options.depth)));
            None
        }
    }
}

fn run(
    file: &SourceFile,
    detectors: &[&dyn Detector],
    options: &Options,
    others: &dyn SourceProvider,
    focus: Option<&BTreeSet<String>>,
) -> (Vec<Finding>, Vec<Gap>, Redactor) {
    let deadline = Deadline::after(Duration::from_millis(options.time_ms));
    let context = Context { deadline, others, focus };
    let (mut findings, mut gaps, mut redactor) = (Vec::new(), Vec::new(), Redactor::default());
    let mut settled = Vec::new();
    for detector in detectors {
        let detections = detector.detect(file, context);
        findings.extend(detections.findings);
        gaps.extend(detections.gaps);
        redactor.merge(detections.redactor);
        settled.extend(detections.settled);
    }
    overlap::demote(&mut findings, &settled);
    findings.sort_by(|a, b| (&a.location, &a.rule).cmp(&(&b.location, &b.rule)));
    (findings, gaps, redactor)
}

/// Parses a small file for a test.
#[cfg(test)]
fn parsed(language: Language, text: &str) -> SourceFile {
    let text = Text { text: text.to_owned(), notes: Vec::new() };
    let limits = Limits { time: Duration::from_secs(5), depth: 500 };
    parse(&RepoPath::from("a"), language, &text, &limits).expect("small")
}

fn remarks(file: &SourceFile) -> Vec<Remark> {
    let text = file.text();
    if !text.contains(MARKER) {
        return Vec::new();
    }
    let comments = &file.outline.comments;
    let remark = |(i, comment): (usize, &crate::syntax::Comment)| {
        let written = comment.text(text);
        written.contains(MARKER).then(|| Remark {
            path: file.path.clone(),
            text: written.to_owned(),
            lines: comment.lines,
            target: if comment.alone { next_code_line(file, i) } else { comment.lines.0 },
        })
    };
    comments.iter().enumerate().filter_map(remark).collect()
}

/// Returns the first line after the comment that is neither blank nor a comment of its own.
fn next_code_line(file: &SourceFile, comment: usize) -> u32 {
    let comments = &file.outline.comments;
    let text = |line| file.text().get(file.index.line_range(line, file.text())).unwrap_or_default().trim();
    // Of a long run of comments in Python not all are in the tree. After a comment no line is within a text in quotes.
    let is_comment = |line: &str| file.language == Language::Python && line.starts_with('#');
    let blank = |line| text(line).is_empty() || is_comment(text(line));
    let after_blanks = |line| (line..=file.index.line_count()).find(|l| !blank(*l)).unwrap_or(line);
    let mut line = after_blanks(comments[comment].lines.1 + 1);
    for next in &comments[comment + 1..] {
        if next.alone && next.lines.0 == line {
            line = after_blanks(next.lines.1 + 1);
        }
    }
    line
}

fn unread(file: &SourceFile) -> u32 {
    let mut unread = LineSet::default();
    for (first, last) in file.outline.errors.ranges() {
        for line in *first..=*last {
            if file.added.contains(line) {
                unread.insert(line, line);
            }
        }
    }
    unread.len()
}

/// Makes a gap of a file.
pub fn gap(kind: GapKind, path: &RepoPath, detail: impl Into<String>) -> Gap {
    Gap { kind, path: Some(path.clone()), detail: detail.into() }
}

/// Says why the head side of a file is not analysed, where it is not text.
pub fn content_gap(path: &RepoPath, content: &Content) -> Option<Gap> {
    match content {
        Content::TooLarge { bytes } => Some(gap(GapKind::Size, path, format!("{bytes} bytes, over the size limit"))),
        Content::Unreadable(why) => Some(gap(GapKind::Unreadable, path, why.clone())),
        _ => None,
    }
}
