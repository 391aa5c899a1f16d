//! `portcullis replay`: the gate over what a repository has merged already, before blocking is switched on.

pub mod figures;
pub mod html;
mod state;
pub mod text;

use super::gather::{self, Wanted};
use super::measure::tally::{Outcome, Seen};
use super::{RunError, check, surroundings};
use crate::causes::chain;
use crate::change::git::Git;
use crate::change::history::Merged;
use crate::change::select::{Candidate, How, Surroundings};
use crate::path::visible;
use figures::{Replay, Row};
use jiff::civil::Date;
use state::{Begun, State};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

/// What to run again.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the repository is.
    pub directory: PathBuf,
    /// The branch, tag or commit whose history counts; `HEAD` by default.
    pub head: Option<String>,
    /// At most so many changes, the newest.
    pub last: Option<u32>,
    /// None from before this day, in UTC.
    pub since: Option<Date>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--rules`.
    pub rules: Vec<PathBuf>,
    /// File that keeps what was done, to go on from there.
    pub state: Option<PathBuf>,
    /// The share of changes, 0 to 1, that the limits which are proposed may stop.
    pub at_most: f64,
    /// Threads.
    pub threads: usize,
}

/// Checks each merged change with the policy of the newest commit. `progress` is called with how many are done, of how many.
///
/// # Errors
/// [`RunError`] where there is no repository or no change, the policy or a rule is wrong, or the state cannot be kept. A
/// single change that cannot be checked is counted and shown.
pub fn run(
    options: &Options,
    around: &Surroundings,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Replay, RunError> {
    let git = Git::open(&options.directory)?;
    let name = options.head.as_deref().unwrap_or("HEAD");
    let head = git.commit(name)?.ok_or_else(|| {
        let name = visible(name);
        RunError::Usage(format!("`{name}` is not a commit of this repository; name a branch, a tag or a commit"))
    })?;
    let mut merged = git.merged(&head, options.last)?;
    if let Some(since) = options.since {
        merged.retain(|change| day_of(change).is_none_or(|day| day >= since));
    }
    let (changes, roots): (Vec<Merged>, Vec<Merged>) = merged.into_iter().partition(|m| m.parent.is_some());
    if changes.is_empty() {
        return Err(RunError::Usage(format!(
            "`{}` has no merged change in that time: each is a commit with a parent, on the way of first parents; a \
             shallow clone has few (fetch with more depth)",
            visible(name)
        )));
    }
    let wanted = Wanted {
        directory: options.directory.clone(),
        config: options.config.clone(),
        rules: options.rules.clone(),
        policy_of: Some(head.clone()),
        ..Wanted::default()
    };
    // What is wrong with the policy or a rule is said once, before anything is checked.
    let first = gather::from_repository(&of_change(&wanted, &changes[0]), around)?;
    let begun = Begun::of(&first.config.digest, first.rules.digest());
    let state = State::open(options.state.as_deref(), begun)?;
    let rows = all_rows(&changes, &wanted, &state, around, (options.threads, progress))?;
    let source = first.config.source.clone();
    Ok(Replay::of(head, (source, first.config.policy.risk), rows, roots.len(), options.at_most))
}

fn all_rows(
    changes: &[Merged],
    wanted: &Wanted,
    state: &State,
    around: &Surroundings,
    (threads, progress): (usize, &(dyn Fn(usize, usize) + Sync)),
) -> Result<Vec<Row>, RunError> {
    let (next, done, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let rows: Mutex<Vec<(usize, Row)>> = Mutex::new(Vec::new());
    let failure: Mutex<Option<RunError>> = Mutex::new(None);
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(change) = changes.get(at) else { return };
            let known = state.known(&change.commit);
            let is_new = known.is_none();
            let outcome = known.unwrap_or_else(|| checked(change, wanted, around));
            let kept = if is_new { state.keep(&change.commit, &outcome) } else { Ok(()) };
            if let Err(error) = kept {
                failed.store(true, Ordering::Relaxed);
                *failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
                return;
            }
            let by = changes.iter().find(|c| c.reverts.iter().any(|id| change.commit.starts_with(id.as_str())));
            let row = Row::of(change, by.map(|c| c.commit.clone()), outcome);
            rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, row));
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, changes.len());
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(work);
        }
        work();
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(error);
    }
    let mut rows = rows.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    rows.sort_by_key(|(at, _)| *at);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Returns the day that a change was committed on, in UTC.
fn day_of(change: &Merged) -> Option<Date> {
    change.date.parse().ok().map(surroundings::day)
}

fn of_change(wanted: &Wanted, change: &Merged) -> Wanted {
    let parent = change.parent.clone().unwrap_or_default();
    let candidate = Candidate { how: How::Exact(parent), reason: "the merged change's first parent".into() };
    Wanted { head: Some(change.commit.clone()), candidates: Some(vec![candidate]), ..wanted.clone() }
}

/// Checks one change on one thread: the others check others.
fn checked(change: &Merged, wanted: &Wanted, around: &Surroundings) -> Outcome {
    let wanted = of_change(wanted, change);
    let (started, clock) = (surroundings::now(), Instant::now());
    let options = check::Options { wanted, threads: 1, ..check::Options::default() };
    let report = gather::from_repository(&options.wanted, around)
        .and_then(|gathered| check::of_gathered(gathered, &options, started, clock));
    match report {
        Ok(outcome) if outcome.report.change.base.is_none() => Outcome::Unreadable("its parent is not here".into()),
        Ok(outcome) => Outcome::Seen(Seen::of(&outcome.report)),
        Err(error) => Outcome::Unreadable(chain(&error).join(": ")),
    }
}
