//! Finds the commit that a change is compared with: tries the candidates in their order, and deepens for the first that
//! the clone does not reach before a lesser one counts.

use super::RunError;
use super::gather::{Wanted, short, short_name};
use crate::change::Base;
use crate::change::git::{Git, GitError, is_oid};
use crate::change::select::{Candidate, Choice, How, Surroundings, choose, expected_head};

/// How much history is fetched, step by step, with `--deepen`.
const DEEPEN: [u32; 6] = [4, 16, 64, 256, 1024, 16_384];

/// What became of a candidate.
enum Tried {
    /// It says which commit is the base.
    Found(Base),
    /// It could do so with more history.
    Open,
    /// It does not apply here.
    Out,
}

/// What became of all of them.
#[derive(Default)]
struct Search<'a> {
    found: Option<Base>,
    /// Those before the found one that could be found with more history.
    open: Vec<&'a Candidate>,
    shallow: bool,
}

/// Returns the base of a change, or one without a commit and the reason why there is none.
///
/// # Errors
/// [`RunError`] where git fails, or the base that was asked for does not exist.
pub(super) fn find(git: &Git, wanted: &Wanted, around: &Surroundings, head: &str) -> Result<Base, RunError> {
    let choice = match &wanted.candidates {
        Some(list) => Choice::Candidates(list.clone()),
        None => choose(wanted.base.as_deref(), around),
    };
    let candidates = match choice {
        Choice::NoBase(why) => return Ok(Base { commit: None, policy_commit: None, reason: why }),
        Choice::Candidates(list) => list,
    };
    let mut search = search(git, &candidates, head)?;
    let mut after = String::new();
    if search.shallow && wanted.deepen {
        for depth in DEEPEN {
            if !search.shallow || (search.found.is_some() && search.open.is_empty()) {
                break;
            }
            let wanted = search.open.first().copied().and_then(revision);
            let wanted = wanted.or_else(|| candidates.iter().rev().find_map(revision)).unwrap_or_default();
            if let Err(GitError::Failed { message, .. }) = git.deepen(depth, wanted) {
                after = format!(", since the history could not be deepened: {message}");
                break;
            }
            search = self::search(git, &candidates, head)?;
            after = format!(", after deepening by {depth}");
        }
    }
    if let Some(base) = search.found {
        if let Some(why) = unseen_head(git, wanted, around, head)? {
            return Ok(no_base(why));
        }
        let passed = search.open.first().map(|first| match wanted.deepen {
            true => format!("; {} is out of reach", first.reason),
            false => format!("; {} comes first, but needs more history: fetch it, or use --deepen", first.reason),
        });
        let reason = format!("{}{after}{}", base.reason, passed.unwrap_or_default());
        return Ok(Base { reason: crate::path::visible(&reason), ..base });
    }
    if after.contains("could not be deepened") {
        return Ok(no_base(after.trim_start_matches(", since ").to_owned()));
    }
    if let Some(name) = &wanted.base
        && !search.shallow
        && git.commit(name)?.is_none()
    {
        return Err(RunError::Usage(format!("--base `{}` is not a commit of this repository", short_name(name))));
    }
    if candidates.is_empty() {
        return Ok(no_base(
            "no base commit found: the event and the environment name none; give one with --base".into(),
        ));
    }
    let tried: Vec<&str> = candidates.iter().map(|c| c.reason.as_str()).collect();
    let hint = if search.shallow {
        "the clone is shallow: fetch more history, or use --deepen"
    } else {
        "give one with --base"
    };
    Ok(no_base(format!("no base commit found ({hint}); tried: {}", tried.join("; "))))
}

/// Tries all candidates. Where the history is whole, the first that applies is the base.
fn search<'a>(git: &Git, candidates: &'a [Candidate], head: &str) -> Result<Search<'a>, RunError> {
    let mut search = Search::default();
    let mut shallow = None;
    let mut is_shallow = || -> Result<bool, GitError> {
        match shallow {
            Some(known) => Ok(known),
            None => Ok(*shallow.insert(git.is_shallow()?)),
        }
    };
    // Of a merge request the base is never the checked-out commit itself: where it seems so, the history is cut off.
    let of_merge = matches!(candidates.first(), Some(Candidate { how: How::FirstParent(_), .. }));
    for candidate in candidates {
        match attempt(git, candidate, head)? {
            Tried::Found(base) => {
                // Nor is a lesser candidate believed that says that nothing changed, while a better one is out of reach.
                let doubtful = base.commit.as_deref() == Some(head) && (of_merge || !search.open.is_empty());
                if doubtful && is_shallow()? {
                    search.open.push(candidate);
                    continue;
                }
                search.found = Some(base);
                break;
            }
            Tried::Open if is_shallow()? => search.open.push(candidate),
            Tried::Open | Tried::Out => {}
        }
    }
    search.shallow = match shallow {
        None if search.found.is_none() => git.is_shallow()?,
        known => known.unwrap_or_default(),
    };
    Ok(search)
}

fn attempt(git: &Git, candidate: &Candidate, head: &str) -> Result<Tried, GitError> {
    let (base, tip) = match &candidate.how {
        How::Exact(revision) => match git.commit(revision)? {
            Some(commit) => (commit.clone(), commit),
            None => return Ok(missing(revision)),
        },
        How::MergeBase(revision) => match git.commit(revision)? {
            Some(tip) => match git.merge_base(&tip, head)? {
                Some(base) => (base, tip),
                None => return Ok(Tried::Open),
            },
            None => return Ok(missing(revision)),
        },
        How::FirstParent(second) => match git.parents(head)?.as_slice() {
            [first, merged] if second == merged => match git.commit(first)? {
                Some(commit) => (commit.clone(), commit),
                None => return Ok(Tried::Open),
            },
            [] => return Ok(Tried::Open),
            _ => return Ok(Tried::Out),
        },
    };
    // A branch of this clone that is the head itself says nothing about what is new.
    if base == head && revision(candidate).is_some_and(|r| r.starts_with("refs/heads/")) {
        return Ok(Tried::Out);
    }
    let policy_commit = (tip != base).then_some(tip);
    Ok(Tried::Found(Base { commit: Some(base), policy_commit, reason: crate::path::visible(&candidate.reason) }))
}

/// A commit may be fetched by its id; of a branch that this clone does not follow there is no more to fetch.
fn missing(revision: &str) -> Tried {
    if is_oid(revision) { Tried::Open } else { Tried::Out }
}

fn revision(candidate: &Candidate) -> Option<&str> {
    match &candidate.how {
        How::MergeBase(revision) | How::Exact(revision) => Some(revision),
        How::FirstParent(_) => None,
    }
}

/// Says why the checked-out commit is not the change, where the event tells of another one.
fn unseen_head(git: &Git, wanted: &Wanted, around: &Surroundings, head: &str) -> Result<Option<String>, GitError> {
    let chosen = wanted.head.is_some() || wanted.base.is_some() || wanted.candidates.is_some();
    let Some(expected) = expected_head(around).filter(|_| !chosen) else { return Ok(None) };
    if git.merge_base(&expected, head)?.as_ref() == Some(&expected) {
        return Ok(None);
    }
    let (checked_out, expected) = (short(head), short(&expected));
    Ok(Some(format!(
        "the checked-out commit {checked_out} does not contain the pull request's head {expected}: check that out, or give --head"
    )))
}

fn no_base(reason: String) -> Base {
    Base { commit: None, policy_commit: None, reason: crate::path::visible(&reason) }
}
