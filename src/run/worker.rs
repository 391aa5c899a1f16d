//! I/O: analysis in a process of its own, for files that could take the gate down: large, deep or with endless lines.
//!
//! One line of JSON in, one line out, and between them questions for other files, which the gate reads: a worker opens no
//! file and starts no program. The process has a memory limit; the gate kills it when its time is up and goes on
//! with a new one. What counts is the processor's time, so that a busy machine makes no gaps. Small changes never start
//! one.

#![expect(clippy::disallowed_methods, reason = "I/O edge: starts and ends worker processes")]

use super::RunError;
use super::others::{LeftOut, Share, Side};
use crate::change::text::{Text, bracket_depth};
use crate::detect::flow::catalog::load::Catalogs;
use crate::detect::flow::detector::FlowDetector;
use crate::detect::rules::matcher::RuleDetector;
use crate::detect::rules::{RuleSet, RuleSource, load};
use crate::detect::{Analysis, Job, Options, Others, analyse, analyse_unchanged, gap};
use crate::finding::GapKind;
use crate::path::RepoPath;
use crate::syntax::language::Language;
use crate::syntax::{Limits, parse};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Address space of a worker in bytes.
const MEMORY: u64 = 1 << 30;
/// Address space that a worker's allocator reserves at a time: by default it is as much as a worker may have in all.
const ARENA: &str = "64MiB";
/// Texts up to this size are analysed in the gate's own process, where nothing else speaks against it.
const SMALL: usize = 96 << 10;
/// Lines up to this length are ordinary.
const LINE: usize = 20_000;
/// Bracket nesting up to this depth is ordinary.
const NESTING: usize = 150;

/// How many times its limit of processor time a worker may take on the clock: it may also hang, or never get its turn.
const PATIENCE: u32 = 8;

#[derive(Serialize, Deserialize)]
struct Request {
    task: Task,
    options: Options,
    /// Whether the gate answers for other files.
    follow: bool,
}

/// A request as it is sent.
#[derive(Serialize)]
struct RequestOut<'a> {
    task: &'a Task,
    options: Options,
    follow: bool,
}

/// What a worker is to analyse.
#[derive(Debug, Serialize, Deserialize)]
pub enum Task {
    /// Both sides of a file.
    Changed(Box<Job>),
    /// A file that a change leaves as it is: path, text, and the names that matter.
    Unchanged(RepoPath, Text, BTreeSet<String>),
}

/// What a worker says.
#[derive(Serialize, Deserialize)]
enum Said {
    /// It asks for the text of another file.
    Wants { path: RepoPath, after: bool, is_source: bool },
    /// It is done, and has left out so much of base and head.
    Done(Box<Analysis>, LeftOut, LeftOut),
}

impl Task {
    fn path(&self) -> &RepoPath {
        match self {
            Self::Changed(job) => &job.path,
            Self::Unchanged(path, ..) => path,
        }
    }

    fn language(&self) -> Option<Language> {
        match self {
            Self::Changed(job) => job.language(),
            Self::Unchanged(path, text, _) => Language::of_file(path, &text.text),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Hello {
    /// Rules and catalogs that are not inside the executable: folder, stem, origin, text.
    rules: Vec<(String, String, String, String)>,
}

/// Says whether a job goes to a worker.
pub fn is_risky(job: &Job) -> bool {
    [&job.before, &job.after].into_iter().flatten().any(|text| is_risky_text(&text.text))
}

/// Says whether a text could take down the process that parses it.
pub fn is_risky_text(text: &str) -> bool {
    text.len() > SMALL || text.lines().any(|line| line.len() > LINE) || bracket_depth(text) > NESTING
}

/// Workers that wait for the next file.
pub struct Pool<'a> {
    idle: Mutex<Vec<Worker>>,
    rules: &'a RuleSet,
    options: Options,
}

struct Worker {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
}

impl<'a> Pool<'a> {
    /// Makes an empty pool; workers start when they are first needed.
    pub fn new(rules: &'a RuleSet, options: Options) -> Self {
        Self { idle: Mutex::new(Vec::new()), rules, options }
    }

    /// Analyses in a worker, which follows data into what `others` holds. Where that does not end well it is tried once
    /// more without them, and the analysis says so; that a worker died stays a gap.
    pub fn analyse(&self, task: &Task, others: Option<&(Side<'_>, Side<'_>)>) -> Analysis {
        let Some(others) = others.filter(|(before, after)| before.serves_workers() || after.serves_workers()) else {
            return self.once(task, None);
        };
        let whole = self.once(task, Some(others));
        let is_cut = |a: &Analysis| a.gaps.iter().any(|gap| matches!(gap.kind, GapKind::Time | GapKind::Crash));
        if !is_cut(&whole) && !whole.before_unread {
            return whole;
        }
        let alone = self.once(task, None);
        let is_better = (!is_cut(&alone) && is_cut(&whole)) || (!alone.before_unread && whole.before_unread);
        if !is_better {
            return whole;
        }
        // That a worker died is said whatever a second one finds.
        let died = whole.gaps.into_iter().filter(|gap| gap.kind == GapKind::Crash);
        Analysis { alone: true, gaps: died.chain(alone.gaps).collect(), ..alone }
    }

    /// Analyses in a worker. A worker that dies or runs out of time becomes a gap of the file.
    fn once(&self, task: &Task, others: Option<&(Side<'_>, Side<'_>)>) -> Analysis {
        let failed = |kind, detail: String| Analysis {
            language: task.language(),
            before_unread: true,
            gaps: vec![gap(kind, task.path(), detail)],
            ..Analysis::default()
        };
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let mut worker = match idle.map_or_else(|| Worker::start(self.rules), Ok) {
            Ok(worker) => worker,
            Err(error) => return failed(GapKind::Crash, format!("no worker could be started: {error}")),
        };
        match worker.ask(task, &self.options, others) {
            Ok(analysis) => {
                if let Ok(mut idle) = self.idle.lock() {
                    idle.push(worker);
                }
                analysis
            }
            Err(reason) => {
                worker.end();
                match reason {
                    Loss::Time(limit) => {
                        let ms = limit.as_millis();
                        failed(GapKind::Time, format!("it took more than {ms} ms of the processor's time, or hung"))
                    }
                    Loss::Died => {
                        failed(GapKind::Crash, "the worker that analysed it died (out of memory, or a crash)".into())
                    }
                }
            }
        }
    }
}

impl Drop for Pool<'_> {
    fn drop(&mut self) {
        if let Ok(idle) = self.idle.get_mut() {
            idle.drain(..).for_each(|mut worker| worker.end());
        }
    }
}

enum Loss {
    Time(Duration),
    Died,
}

impl Worker {
    fn start(rules: &RuleSet) -> std::io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("worker")
            .env("MIMALLOC_ARENA_RESERVE", ARENA)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("the worker has no pipes"));
        };
        let own = |s: &RuleSource| match &s.text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some((s.folder.clone(), s.stem.clone(), s.origin.clone(), text.clone())),
        };
        // What was measured matters to the digest of the set alone.
        let all = rules.sources().iter().chain(rules.catalogs()).chain(rules.measurements());
        let hello = Hello { rules: all.filter_map(own).collect() };
        // A worker that is gone already is noticed when it is asked: it died, like one that goes later.
        drop(writeln!(input, "{}", serde_json::to_string(&hello)?));
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, input, answers })
    }

    fn ask(&mut self, task: &Task, options: &Options, others: Option<&(Side<'_>, Side<'_>)>) -> Result<Analysis, Loss> {
        let request = RequestOut { task, options: *options, follow: others.is_some() };
        self.tell(&request)?;
        // Twice the limit, and half a second to start: with the built-in limits no file takes longer than five seconds.
        let limit = Duration::from_millis(options.time_ms.saturating_mul(2).saturating_add(500));
        let (process, begin) = (self.child.id(), Instant::now());
        let before = worked(process).unwrap_or_default();
        loop {
            let work = || worked(process).map(|now| now.saturating_sub(before));
            let answer = match wait(&self.answers, begin, limit, work) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => return Err(Loss::Time(limit)),
                Err(RecvTimeoutError::Disconnected) => return Err(Loss::Died),
            };
            match serde_json::from_str(&answer) {
                Ok(Said::Done(analysis, before, after)) => {
                    if let Some((base, head)) = others {
                        base.tell(before);
                        head.tell(after);
                    }
                    return Ok(*analysis);
                }
                Ok(Said::Wants { path, after, is_source }) => {
                    let side = others.map(|(base, head)| if after { head } else { base });
                    let text = side.and_then(|side| side.for_worker(&path, is_source));
                    self.tell(&text)?;
                }
                Err(_) => return Err(Loss::Died),
            }
        }
    }

    fn tell(&mut self, what: &impl Serialize) -> Result<(), Loss> {
        let line = serde_json::to_string(what).map_err(|_| Loss::Died)?;
        writeln!(self.input, "{line}").and_then(|()| self.input.flush()).map_err(|_| Loss::Died)
    }

    fn end(&mut self) {
        // Already dead is as good as killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits for an answer until whoever gives it has worked for `limit`, as `worked` says, and [`PATIENCE`] times as long
/// since `begin` at most. Where nothing is known of its work, all time counts.
fn wait<T>(
    answers: &Receiver<T>,
    begin: Instant,
    limit: Duration,
    worked: impl Fn() -> Option<Duration>,
) -> Result<T, RecvTimeoutError> {
    let mut next = limit;
    loop {
        match answers.recv_timeout(next) {
            Err(RecvTimeoutError::Timeout) => {}
            other => return other,
        }
        let left = limit.saturating_sub(worked().unwrap_or(limit));
        if left.is_zero() || begin.elapsed() >= limit * PATIENCE {
            return Err(RecvTimeoutError::Timeout);
        }
        next = left.max(Duration::from_millis(10));
    }
}

/// Returns how long the processor has worked for a process of ours; `None` where that is not known.
#[cfg(target_os = "linux")]
fn worked(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in brackets and may hold anything; after it come state, parent and so on.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // Linux counts these in hundredths of a second for every program, whatever it counts in itself.
    Some(Duration::from_millis((ticks(11)? + ticks(12)?).saturating_mul(10)))
}

/// Elsewhere all time counts.
#[cfg(not(target_os = "linux"))]
fn worked(_process: u32) -> Option<Duration> {
    None
}

/// Serves as a worker until the input ends; from here on the process has a memory limit.
///
/// # Errors
/// [`RunError::Internal`] where the gate does not speak the protocol.
pub fn serve(input: impl BufRead + Send, output: impl Write + Send) -> Result<(), RunError> {
    limit_memory();
    converse(input, output)
}

/// Answers the gate's requests until the input ends.
///
/// # Errors
/// [`RunError::Internal`] where the gate does not speak the protocol.
pub fn converse(input: impl BufRead + Send, output: impl Write + Send) -> Result<(), RunError> {
    let line = Line(Mutex::new((input.lines(), output)));
    let Some(hello) = line.hear::<Hello>()? else { return Ok(()) };
    let mut sources = load::embedded();
    sources.extend(hello.rules.into_iter().map(|(folder, stem, origin, text)| RuleSource {
        folder,
        stem,
        origin,
        text: Cow::Owned(text),
    }));
    let rules = RuleSet::new(sources);
    let catalogs = Catalogs::of(&rules);
    let (matcher, flow) = (RuleDetector { rules: &rules }, FlowDetector { rules: &rules, catalogs: &catalogs });
    let ask = |path: &RepoPath, after: bool, is_source: bool| {
        line.say(&Said::Wants { path: path.clone(), after, is_source }).ok()?;
        line.hear::<Option<Text>>().ok()??
    };
    let mut sides = None;
    while let Some(Request { task, options, follow }) = line.hear()? {
        let sides = follow.then(|| &*sides.get_or_insert_with(|| Side::of_gate(&ask, &options)));
        let (before, after) = (Share::of(sides.map(|s| &s.0)), Share::of(sides.map(|s| &s.1)));
        let others = Others { before: &before, after: &after };
        let analysis = match task {
            Task::Changed(job) => analyse(&job, &[&matcher, &flow], &options, others),
            Task::Unchanged(path, text, focus) => unchanged(&path, &text, &focus, &flow, &options, others),
        };
        line.say(&Said::Done(Box::new(analysis), before.left_out(), after.left_out()))?;
    }
    Ok(())
}

fn unchanged(
    path: &RepoPath,
    text: &Text,
    focus: &BTreeSet<String>,
    flow: &FlowDetector<'_>,
    options: &Options,
    others: Others<'_>,
) -> Analysis {
    let limits = Limits { time: Duration::from_millis(options.time_ms), depth: options.depth };
    let file = Language::of_file(path, &text.text).and_then(|language| parse(path, language, text, &limits).ok());
    match file {
        Some(file) => analyse_unchanged(&file, focus, flow, options, others),
        None => Analysis {
            gaps: vec![gap(GapKind::Time, path, "it could not be parsed again".to_owned())],
            ..Analysis::default()
        },
    }
}

/// The two ends that a worker has: what the gate says, and what it hears.
struct Line<I, O>(Mutex<(std::io::Lines<I>, O)>);

impl<I: BufRead, O: Write> Line<I, O> {
    /// Reads a line; `None` at the end.
    fn hear<T: DeserializeOwned>(&self) -> Result<Option<T>, RunError> {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(line) = ends.0.next() else { return Ok(None) };
        let line = line.map_err(|e| internal(&e))?;
        serde_json::from_str(&line).map(Some).map_err(|e| internal(&e))
    }

    fn say(&self, what: &impl Serialize) -> Result<(), RunError> {
        let line = serde_json::to_string(what).map_err(|e| internal(&e))?;
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(ends.1, "{line}").and_then(|()| ends.1.flush()).map_err(|e| internal(&e))
    }
}

fn internal(error: &dyn std::fmt::Display) -> RunError {
    RunError::Internal(format!("worker protocol: {error}"))
}

#[cfg(unix)]
fn limit_memory() {
    // A refused limit leaves the worker as safe as any process: it can still be killed for time.
    drop(rlimit::Resource::AS.set(MEMORY, MEMORY));
}

#[cfg(not(unix))]
fn limit_memory() {}

#[cfg(test)]
mod tests {
    use super::{PATIENCE, wait};
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::{Duration, Instant};

    const LIMIT: Duration = Duration::from_millis(40);

    #[test]
    fn a_worker_that_does_not_get_its_turn_is_waited_for() {
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            std::thread::sleep(LIMIT * 3);
            sender.send(1).expect("somebody waits");
        });
        assert_eq!(wait(&answers, Instant::now(), LIMIT, || Some(Duration::ZERO)), Ok(1));
    }

    #[test]
    fn a_worker_that_works_for_too_long_or_hangs_is_given_up() {
        let (_sender, answers) = channel::<u8>();
        for (worked, least) in [(Some(LIMIT), LIMIT), (None, LIMIT), (Some(Duration::ZERO), LIMIT * PATIENCE)] {
            let begin = Instant::now();
            assert_eq!(wait(&answers, Instant::now(), LIMIT, || worked), Err(RecvTimeoutError::Timeout));
            assert!(begin.elapsed() >= least, "{worked:?}: {:?}", begin.elapsed());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn work_of_a_process_is_counted() {
        let process = std::process::id();
        let before = super::worked(process).expect("/proc is there");
        let begin = Instant::now();
        while super::worked(process).expect("/proc is there") < before + Duration::from_millis(50) {
            assert!(begin.elapsed() < Duration::from_secs(60), "it grows");
        }
        assert_eq!(super::worked(0), None);
    }
}
