//! Finds the commit that a change is compared with: tries the candidates in their order, and deepens for the first that
//! the clone does not reach before a lesser one counts.

use super::RunError;
use super::gather::{Wanted, short, short_name};
use crate::change::Base;
use crate::change::fetch::Depth;
use crate::change::git::{Git, GitError, is_oid};
use crate::change::select::{Candidate, Choice, Expected, How, Surroundings, choose, expected_head};
use std::collections::HashSet;

/// How much history is fetched, step by step, with `--deepen`.
const DEEPEN: [u32; 6] = [4, 16, 64, 256, 1024, 16_384];

/// What became of a candidate.
enum Tried {
    /// It says which commit is the base.
    Found(Base),
    /// It could do so with more history.
    Open,
    /// It names a commit that is not here, however much history there is: a push by force leaves it behind.
    Absent,
    /// It names a branch that this clone does not follow: it has to be fetched by its name.
    Unfollowed,
    /// It does not apply here.
    Out,
}

/// What became of all of them.
#[derive(Default)]
struct Search<'a> {
    found: Option<Base>,
    /// The first that says that nothing differs, where the surroundings tell of a change.
    empty: Option<Base>,
    /// Those before the found one that could be found with more history.
    open: Vec<&'a Candidate>,
    /// The first that names a commit which leads nowhere, though the history is whole.
    missing: Option<&'a Candidate>,
    shallow: bool,
}

/// What is fetched in one go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fetch {
    /// The branches that this clone follows.
    Followed,
    /// What the candidates name.
    Sought,
    /// What is checked out.
    Head,
}

/// What is looked for.
struct Sought<'a> {
    git: &'a Git,
    candidates: &'a [Candidate],
    head: &'a str,
    /// What a job of CI says it runs for, where nobody named the commits himself.
    expected: Option<Expected>,
    /// With `--deepen`, the revisions that the remote does not have.
    gone: Option<HashSet<String>>,
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
    let chosen = wanted.head.is_some() || wanted.base.is_some() || wanted.candidates.is_some();
    let expected = expected_head(around).filter(|_| !chosen);
    let gone = wanted.deepen.then(HashSet::new);
    let mut sought = Sought { git, candidates: &candidates, head, expected, gone };
    let mut search = sought.search()?;
    let mut after = String::new();
    if wanted.deepen {
        after = sought.deepen(&mut search)?;
    }
    if let Some(base) = search.found {
        if let Some(why) = sought.unseen_head()? {
            return Ok(no_base(why));
        }
        let passed = search.open.first().map(|first| match wanted.deepen {
            true => format!("; {} is out of reach", first.reason),
            false => format!("; {} comes first, but needs more history: fetch it, or use --deepen", first.reason),
        });
        let passed = match search.missing {
            Some(missing) if passed.is_none() => Some(format!("; {}", sought.lost(missing)?)),
            _ => passed,
        };
        let reason = format!("{}{after}{}", base.reason, passed.unwrap_or_default());
        return Ok(Base { reason: crate::path::visible(&reason), ..base });
    }
    if after.contains("could not be deepened") {
        return Ok(no_base(after.trim_start_matches(", since ").to_owned()));
    }
    if let Some(empty) = &search.empty {
        if let Some(why) = sought.unseen_head()? {
            return Ok(no_base(why));
        }
        // What is new since a commit that nobody can see is not known: not even that it is nothing.
        if let Some(missing) = search.missing.filter(|_| search.open.is_empty() || wanted.deepen) {
            return Ok(no_base(format!("{} ({} is the change itself)", sought.lost(missing)?, empty.reason)));
        }
        if search.open.is_empty() || wanted.deepen {
            return Ok(no_base(sought.nothing_differs(&empty.reason)));
        }
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

impl<'a> Sought<'a> {
    /// Tries all candidates. Where the history is whole, the first that applies is the base.
    fn search(&self) -> Result<Search<'a>, RunError> {
        let mut search = Search::default();
        let mut shallow = None;
        let mut is_shallow = || -> Result<bool, GitError> {
            match shallow {
                Some(known) => Ok(known),
                None => Ok(*shallow.insert(self.git.is_shallow()?)),
            }
        };
        // Of a merge request the base is never the checked-out commit itself: where it seems so, the history is cut off.
        let of_merge = matches!(self.candidates.first(), Some(Candidate { how: How::FirstParent(_), .. }));
        let is_job = self.expected.is_some();
        let mut unfollowed = Vec::new();
        for candidate in self.candidates {
            match attempt(self.git, candidate, self.head)? {
                Tried::Found(base) => {
                    let is_empty = base.commit.as_deref() == Some(self.head);
                    // Nor is a lesser candidate believed that says that nothing changed, while a better one is out of
                    // reach.
                    if is_empty && (of_merge || !search.open.is_empty()) && is_shallow()? {
                        search.open.push(candidate);
                    } else if is_empty && is_job {
                        search.empty.get_or_insert(base);
                    } else {
                        search.found = Some(base);
                        break;
                    }
                }
                Tried::Open | Tried::Absent if is_shallow()? => search.open.push(candidate),
                Tried::Absent if self.is_fetchable(candidate) => search.open.push(candidate),
                Tried::Open | Tried::Absent if is_job && revision(candidate).is_some_and(is_oid) => {
                    search.missing.get_or_insert(candidate);
                }
                Tried::Unfollowed if self.is_fetchable(candidate) && is_shallow()? => search.open.push(candidate),
                Tried::Unfollowed if self.is_fetchable(candidate) => unfollowed.push(candidate),
                Tried::Open | Tried::Absent | Tried::Unfollowed | Tried::Out => {}
            }
        }
        let is_expected = self.expected.as_ref().is_some_and(|e| e.commit.as_deref() == Some(self.head));
        if search.found.is_none() && search.open.is_empty() && search.missing.is_none() && is_expected {
            // The very commit that the job runs for: it brings in nothing.
            search.found = search.empty.take();
        }
        if search.found.is_none() {
            search.open.extend(unfollowed);
        }
        search.shallow = match shallow {
            None if search.found.is_none() => self.git.is_shallow()?,
            known => known.unwrap_or_default(),
        };
        Ok(search)
    }

    /// Fetches more history, step by step, until the search ends. Returns what to say of it behind the reason.
    fn deepen(&mut self, search: &mut Search<'a>) -> Result<String, RunError> {
        let (mut after, mut whole) = (String::new(), 0);
        for depth in DEEPEN {
            whole += depth;
            // A base may be on a branch that the clone does not follow, and so may be what is checked out.
            for what in [Fetch::Followed, Fetch::Sought, Fetch::Head] {
                if self.is_over(search) {
                    return Ok(after);
                }
                let mut fetched = true;
                match what {
                    _ if !search.shallow && what != Fetch::Sought => continue,
                    Fetch::Followed => match self.git.deepen(depth) {
                        Err(GitError::Failed { message, .. }) => {
                            return Ok(format!(", since the history could not be deepened: {message}"));
                        }
                        other => other?,
                    },
                    Fetch::Sought => fetched = self.fetch(search, depth, whole)?,
                    Fetch::Head => drop(self.git.fetch_revision(self.head, Depth::More(depth))?),
                }
                after = match search.shallow {
                    true => format!(", after deepening by {depth}"),
                    false if fetched => ", after fetching it".to_owned(),
                    false => String::new(),
                };
                *search = self.search()?;
            }
        }
        Ok(after)
    }

    /// Says whether fetching more cannot lead to a better base.
    fn is_over(&self, search: &Search<'_>) -> bool {
        let is_gone = |c: &&Candidate| revision(c).is_some_and(|r| self.is_gone(r));
        search.open.iter().all(is_gone) && (search.found.is_some() || !search.open.is_empty() || !search.shallow)
    }

    /// Says whether a branch of the remote may be fetched: that was asked for, and was not in vain before.
    fn is_fetchable(&self, candidate: &Candidate) -> bool {
        self.gone.is_some() && revision(candidate).is_some_and(|r| !self.is_gone(r))
    }

    fn is_gone(&self, revision: &str) -> bool {
        self.gone.as_ref().is_some_and(|gone| gone.contains(revision))
    }

    /// Fetches what the open candidates name. Says whether the remote gave anything.
    fn fetch(&mut self, search: &Search<'a>, depth: u32, whole: u32) -> Result<bool, RunError> {
        let mut any = false;
        for name in search.open.iter().copied().filter_map(revision) {
            let is_here = self.git.commit(name)?.is_some();
            let more = match search.shallow {
                false => Depth::Whole,
                true if is_here => Depth::More(depth),
                true => Depth::First(whole),
            };
            let fetched = self.git.fetch_revision(name, more)?;
            any |= fetched;
            if !fetched && !is_here {
                self.gone.get_or_insert_default().insert(name.to_owned());
            }
        }
        Ok(any)
    }

    /// Says what became of the commit that a candidate names, and what to do.
    fn lost(&self, candidate: &Candidate) -> Result<String, GitError> {
        let (what, name) = (&candidate.reason, revision(candidate).unwrap_or_default());
        let commit = short(name);
        Ok(if self.git.commit(name)?.is_some() {
            format!("{what} names {commit}, which shares no history with the change: give another base with --base")
        } else if self.gone.is_some() {
            format!("{what} names {commit}, which neither this clone nor the remote has: give another with --base")
        } else {
            format!("{what} names {commit}, which this clone lacks: fetch it, use --deepen, or give one with --base")
        })
    }

    /// Says why the checked-out commit is not the change, where the surroundings tell of another one.
    fn unseen_head(&self) -> Result<Option<String>, GitError> {
        let Some(expected) = self.expected.as_ref().filter(|e| e.contained) else { return Ok(None) };
        let Some(commit) = &expected.commit else { return Ok(None) };
        if self.git.merge_base(commit, self.head)?.as_ref() == Some(commit) {
            return Ok(None);
        }
        let (checked_out, wanted, what) = (short(self.head), short(commit), expected.what);
        Ok(Some(format!(
            "the checked-out commit {checked_out} does not contain {what} {wanted}: check that out, or give --head"
        )))
    }

    /// Says that what is checked out holds nothing of a change, though the job is there for one.
    fn nothing_differs(&self, reason: &str) -> String {
        let checked_out = short(self.head);
        let (what, commit) = match &self.expected {
            Some(Expected { what, commit: Some(commit), .. }) => (*what, format!(" {}", short(commit))),
            Some(Expected { what, .. }) => (*what, String::new()),
            None => ("the change", String::new()),
        };
        let whether = if commit.is_empty() { "nothing tells that it is" } else { "it is not" };
        format!(
            "the checked-out commit {checked_out} brings in nothing ({reason}), and {whether} {what}{commit}: check that \
             out, or give --base and --head"
        )
    }
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

/// A commit may be fetched by its id, and a branch of the remote by its name.
fn missing(revision: &str) -> Tried {
    match revision.strip_prefix("refs/remotes/").unwrap_or(revision) {
        _ if is_oid(revision) => Tried::Absent,
        name if name.starts_with("origin/") => Tried::Unfollowed,
        _ => Tried::Out,
    }
}

fn revision(candidate: &Candidate) -> Option<&str> {
    match &candidate.how {
        How::MergeBase(revision) | How::Exact(revision) => Some(revision),
        How::FirstParent(_) => None,
    }
}

fn no_base(reason: String) -> Base {
    Base { commit: None, policy_commit: None, reason: crate::path::visible(&reason) }
}
