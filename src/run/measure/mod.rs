//! `portcullis rules measure`: runs labelled old changes as `check` would, and counts what the rules are right about.

pub mod manifest;
pub mod tally;
pub mod text;

use super::gather::{self, Wanted};
use super::{RunError, check, publish, surroundings};
use crate::causes::chain;
use crate::change::select::{Candidate, How, Surroundings};
use crate::config::load::{MAX_FILE, read_up_to};
use crate::detect::rules::precision;
use crate::detect::rules::schema::RuleProblem;
use crate::path::visible;
use crate::report::Report;
use manifest::{Change, Judgements, Manifest};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tally::{Measurement, Outcome, Row, Seen};

/// Time for one side of one file in milliseconds. It is ten times what a check gives, so that the machine on which is
/// measured takes no part in the figures.
const TIME_MS: u64 = 20_000;

/// What to measure.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The manifest.
    pub manifest: PathBuf,
    /// Where the repositories lie.
    pub repositories: PathBuf,
    /// Judgements of single findings.
    pub judged: Option<PathBuf>,
    /// Where the precision of each rule goes.
    pub write: Option<PathBuf>,
    /// Directories of the user's rules.
    pub rules: Vec<PathBuf>,
    /// Threads.
    pub threads: usize,
}

/// Measures.
///
/// # Errors
/// [`RunError`] where the manifest or the judgements cannot be used, no change can be read, or the result cannot be
/// written. A single change that cannot be read is counted and shown.
pub fn run(options: &Options, around: &Surroundings) -> Result<Measurement, RunError> {
    let manifest = read(&options.manifest, Manifest::read)?;
    let judged = match &options.judged {
        Some(file) => read(file, crate::detect::rules::schema::yaml::<Judgements>)?,
        None => Judgements::default(),
    };
    let rules = gather::rules_of(&options.rules, Vec::new())?;
    let rows: Vec<Row> = manifest
        .changes
        .iter()
        .map(|change| {
            let outcome = seen(change, options, around).map_or_else(Outcome::Unreadable, Outcome::Seen);
            Row { change: change.clone(), outcome }
        })
        .collect();
    if let Some(Row { outcome: Outcome::Unreadable(why), .. }) = rows.first()
        && rows.iter().all(|r| r.outcome.seen().is_none())
    {
        return Err(RunError::Usage(format!("none of the manifest's changes can be read; the first: {why}")));
    }
    let measurement = tally::measure(&manifest.date, rules.digest(), rows, &judged);
    if let Some(path) = &options.write {
        let text = precision::write(&manifest.date, &measurement.precisions());
        publish::replace(path, text.as_bytes()).map_err(|source| RunError::Write { path: path.clone(), source })?;
    }
    Ok(measurement)
}

/// Returns the measurement as JSON with a line feed at the end.
pub fn json(measurement: &Measurement) -> String {
    serde_json::to_string_pretty(measurement).expect("numbers and strings are always JSON") + "\n"
}

fn read<T>(file: &Path, form: impl Fn(&str) -> Result<T, RuleProblem>) -> Result<T, RunError> {
    let text = read_up_to(file, MAX_FILE).map_err(|source| RunError::Read { path: file.to_owned(), source })?;
    form(&text).map_err(|problem| RunError::Usage(format!("{}: {problem}", visible(&file.display().to_string()))))
}

/// Checks one change; what stands in the way of that is said in words.
fn seen(change: &Change, options: &Options, around: &Surroundings) -> Result<Seen, String> {
    let how = How::Exact(change.base.clone());
    let wanted = Wanted {
        directory: options.repositories.join(&change.repository),
        head: Some(change.head.clone()),
        candidates: Some(vec![Candidate { how, reason: "the manifest".into() }]),
        rules: options.rules.clone(),
        built_in_policy: true,
        ..Wanted::default()
    };
    let report = report(wanted, options.threads, around).map_err(|error| chain(&error).join(": "))?;
    if report.change.base.is_none() {
        return Err(format!("base `{}` is not a commit of this repository", visible(&change.base)));
    }
    Ok(Seen::of(&report))
}

fn report(wanted: Wanted, threads: usize, around: &Surroundings) -> Result<Report, RunError> {
    let (started, clock) = (surroundings::now(), Instant::now());
    let mut gathered = gather::from_repository(&wanted, around)?;
    gathered.config.analysis.time_ms = TIME_MS;
    let options = check::Options { wanted, threads, ..check::Options::default() };
    Ok(check::of_gathered(gathered, &options, started, clock)?.report)
}
