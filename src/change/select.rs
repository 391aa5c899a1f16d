//! Which commit a change is compared with: the order of candidates, from explicit words to the local default.
//!
//! Pure: reads the environment and the event as values. Whether a candidate exists is found out by `run`.

use super::git::is_oid;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the runner says about the change, as far as it matters for the base. Untrusted only in its `head` parts.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// Content of the file that `GITHUB_EVENT_PATH` names.
    pub event: Option<String>,
}

/// One way to choose the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What to do.
    pub how: How,
    /// Phrase for the report: "merge base with …".
    pub reason: String,
}

/// How a candidate is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// The revision itself is the base.
    Exact(String),
    /// The merge base of the revision and the head; policy comes from the revision.
    MergeBase(String),
    /// The first parent of the head, where the head is a merge commit whose second parent is the given commit.
    FirstParent(String),
}

/// What the surroundings ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Try these in order; the first that resolves is taken.
    Candidates(Vec<Candidate>),
    /// There is no base for this kind of run, and why.
    NoBase(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    pull_request: Option<PullRequest>,
    merge_group: Option<MergeGroup>,
    before: Option<String>,
    after: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    repository: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    base: Side,
    head: Side,
}

#[derive(Debug, Deserialize)]
struct Side {
    sha: String,
    #[serde(default, rename = "ref")]
    name: String,
}

#[derive(Debug, Deserialize)]
struct MergeGroup {
    base_sha: String,
    #[serde(default)]
    head_sha: String,
}

#[derive(Debug, Deserialize)]
struct Repository {
    #[serde(default)]
    default_branch: String,
}

/// Says which bases to try.
///
/// Order: `--base`; pre-commit's variables; the merge group's base; the first parent of the merge commit that CI made
/// of the pull request; merge base with the target branch; `before` of a push; locally, the merge base with the
/// remote's default branch. Scheduled and manual runs have no base.
pub fn choose(explicit: Option<&str>, around: &Surroundings) -> Choice {
    if let Some(base) = explicit {
        return Choice::Candidates(vec![merge_base(base, format!("merge base with --base {base}"))]);
    }
    let var = |name: &str| around.variables.get(name).map(String::as_str).filter(|v| !v.is_empty());
    if let Some(from) = var("PRE_COMMIT_FROM_REF") {
        return Choice::Candidates(vec![merge_base(from, "merge base with pre-commit's PRE_COMMIT_FROM_REF".into())]);
    }
    if var("GITHUB_ACTIONS") == Some("true") {
        return github(around, &var);
    }
    if var("GITLAB_CI") == Some("true") {
        return gitlab(&var);
    }
    Choice::Candidates(local())
}

fn github<'a>(around: &'a Surroundings, var: &dyn Fn(&str) -> Option<&'a str>) -> Choice {
    let name = var("GITHUB_EVENT_NAME").unwrap_or("unknown");
    let event = match around.event.as_deref().map(serde_json::from_str::<Event>) {
        Some(Ok(event)) => event,
        Some(Err(error)) => return Choice::NoBase(format!("the event payload of `{name}` cannot be read: {error}")),
        None => Event::default(),
    };
    match name {
        "pull_request" | "pull_request_target" | "pull_request_review" => github_pull_request(event, var),
        "merge_group" => match event.merge_group {
            Some(group) => Choice::Candidates(vec![exact(&group.base_sha, "base of the merge group".into())]),
            None => Choice::NoBase("the merge_group event names no base_sha".into()),
        },
        "push" => {
            let default = event.repository.map(|r| r.default_branch).filter(|b| !b.is_empty());
            let pushed = event.reference.as_deref().and_then(|r| r.strip_prefix("refs/heads/"));
            push(event.before.as_deref(), pushed, default.as_deref(), "`before` of the push event")
        }
        other => Choice::NoBase(format!(
            "a `{other}` event compares nothing; use `portcullis audit` for whole trees, or give --base"
        )),
    }
}

fn github_pull_request<'a>(event: Event, var: &dyn Fn(&str) -> Option<&'a str>) -> Choice {
    let mut candidates = Vec::new();
    // Without the event nothing tells CI's merge commit from one that the author made.
    if let Some(pull) = &event.pull_request {
        candidates.push(Candidate {
            how: How::FirstParent(pull.head.sha.clone()),
            reason: "first parent of the pull request's merge commit".into(),
        });
    }
    let base_ref = event.pull_request.as_ref().map(|p| p.base.name.as_str()).filter(|n| !n.is_empty());
    if let Some(branch) = var("GITHUB_BASE_REF").or(base_ref) {
        candidates
            .push(merge_base(&format!("refs/remotes/origin/{branch}"), format!("merge base with origin/{branch}")));
    }
    if let Some(pull) = &event.pull_request {
        candidates.push(merge_base(&pull.base.sha, "merge base with the event's base commit".into()));
    }
    Choice::Candidates(candidates)
}

fn gitlab<'a>(var: &dyn Fn(&str) -> Option<&'a str>) -> Choice {
    match var("CI_PIPELINE_SOURCE").unwrap_or("unknown") {
        "merge_request_event" => {
            let mut candidates = Vec::new();
            if let Some(source) = var("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") {
                candidates.push(Candidate {
                    how: How::FirstParent(source.into()),
                    reason: "first parent of the merged result".into(),
                });
            }
            if let Some(target) = var("CI_MERGE_REQUEST_TARGET_BRANCH_SHA") {
                candidates.push(merge_base(target, "merge base with the target branch's commit".into()));
            }
            if let Some(branch) = var("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") {
                let name = format!("refs/remotes/origin/{branch}");
                candidates.push(merge_base(&name, format!("merge base with origin/{branch}")));
            }
            if let Some(base) = var("CI_MERGE_REQUEST_DIFF_BASE_SHA") {
                candidates.push(merge_base(base, "CI_MERGE_REQUEST_DIFF_BASE_SHA".into()));
            }
            Choice::Candidates(candidates)
        }
        "push" => {
            let (before, pushed) = (var("CI_COMMIT_BEFORE_SHA"), var("CI_COMMIT_BRANCH"));
            push(before, pushed, var("CI_DEFAULT_BRANCH"), "CI_COMMIT_BEFORE_SHA")
        }
        other => Choice::NoBase(format!(
            "a `{other}` pipeline compares nothing; use `portcullis audit` for whole trees, or give --base"
        )),
    }
}

/// A push to the default branch is compared with what the branch had. A push to any other branch is compared with the
/// default branch: what that branch had before is the pusher's own, and so would be the policy in it. The default branch
/// itself holds what was just pushed: where nothing says what it had before, it is nothing to compare with.
fn push(before: Option<&str>, pushed: Option<&str>, default_branch: Option<&str>, reason: &str) -> Choice {
    let mut candidates = Vec::new();
    let before = before.filter(|b| !is_zero(b));
    let elsewhere = matches!((pushed, default_branch), (Some(p), Some(d)) if p != d);
    match (before, pushed) {
        (Some(before), _) if !elsewhere => candidates.push(merge_base(before, reason.into())),
        (None, Some(pushed)) if !elsewhere => {
            return Choice::NoBase(format!(
                "{reason} names no commit that `{pushed}` had before, and no other branch to compare with is known; use \
                 `portcullis audit` for whole trees, or give --base"
            ));
        }
        _ => {}
    }
    if let Some(branch) = default_branch {
        let name = format!("refs/remotes/origin/{branch}");
        candidates.push(merge_base(&name, format!("merge base with the default branch origin/{branch}")));
    }
    Choice::Candidates(candidates)
}

fn local() -> Vec<Candidate> {
    ["origin/HEAD", "origin/main", "origin/master", "upstream/HEAD"]
        .iter()
        .map(|r| merge_base(&format!("refs/remotes/{r}"), format!("merge base with {r}")))
        .chain(
            ["main", "master"].iter().map(|r| merge_base(&format!("refs/heads/{r}"), format!("merge base with {r}"))),
        )
        .collect()
}

/// The commit that a job of CI says it runs for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The commit; `None` where the surroundings do not tell.
    pub commit: Option<String>,
    /// What it is, for a message: `the pull request's head`.
    pub what: &'static str,
    /// Whether what is checked out has to contain it. A push may be followed by a checkout of something else.
    pub contained: bool,
}

/// Returns the commit that a job of CI runs for; `None` outside CI, and where somebody named the base himself.
/// A workflow for `pull_request_target` finds the target branch checked out, where nothing of the change can be seen.
pub fn expected_head(around: &Surroundings) -> Option<Expected> {
    let var = |name: &str| around.variables.get(name).map(String::as_str).filter(|v| !v.is_empty());
    if var("PRE_COMMIT_FROM_REF").is_some() {
        return None;
    }
    let some = |commit: Option<String>, what, contained| {
        Some(Expected { commit: commit.filter(|c| is_oid(c) && !is_zero(c)), what, contained })
    };
    if var("GITHUB_ACTIONS") == Some("true") {
        let event = around.event.as_deref().and_then(|e| serde_json::from_str::<Event>(e).ok()).unwrap_or_default();
        return match (event.pull_request, event.merge_group) {
            (Some(pull), _) => some(Some(pull.head.sha), "the pull request's head", true),
            (_, Some(group)) => some(Some(group.head_sha), "the merge group's head", true),
            _ if var("GITHUB_EVENT_NAME") == Some("push") => {
                some(event.after.or(var("GITHUB_SHA").map(str::to_owned)), "the pushed commit", false)
            }
            _ => some(None, "the pull request's head", false),
        };
    }
    if var("GITLAB_CI") == Some("true") {
        let built = var("CI_COMMIT_SHA");
        return match var("CI_PIPELINE_SOURCE") {
            Some("merge_request_event") => {
                let source = var("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or(built);
                some(source.map(str::to_owned), "the merge request's head", true)
            }
            _ => some(built.map(str::to_owned), "the pushed commit", false),
        };
    }
    None
}

/// Bases for a ref that is about to be pushed to `remote`: what the remote has (`remote_oid`), else the remote's
/// default branch. Never the root of the history.
pub fn for_push(remote: &str, remote_oid: &str) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    if !is_zero(remote_oid) {
        candidates.push(merge_base(remote_oid, "merge base with what the remote has".into()));
    }
    for name in ["HEAD", "main", "master"] {
        let reason = format!("merge base with {remote}/{name}");
        candidates.push(merge_base(&format!("refs/remotes/{remote}/{name}"), reason));
    }
    candidates
}

/// Says whether an object id is git's "nothing": only zeros, 40 or 64 of them.
pub fn is_zero(oid: &str) -> bool {
    matches!(oid.len(), 40 | 64) && oid.bytes().all(|b| b == b'0')
}

fn merge_base(revision: &str, reason: String) -> Candidate {
    Candidate { how: How::MergeBase(revision.to_owned()), reason }
}

fn exact(revision: &str, reason: String) -> Candidate {
    Candidate { how: How::Exact(revision.to_owned()), reason }
}

#[cfg(test)]
mod tests {
    use super::{Choice, How, Surroundings, choose, for_push};

    fn around(pairs: &[(&str, &str)], event: Option<&str>) -> Surroundings {
        Surroundings {
            variables: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            event: event.map(str::to_owned),
        }
    }

    fn hows(choice: Choice) -> Vec<How> {
        match choice {
            Choice::Candidates(list) => list.into_iter().map(|c| c.how).collect(),
            Choice::NoBase(why) => panic!("no base: {why}"),
        }
    }

    #[test]
    fn github_events_choose_as_documented() {
        let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", "main")];
        let event = r#"{"pull_request":{"base":{"sha":"b","ref":"main"},"head":{"sha":"h"}}}"#;
        assert_eq!(
            hows(choose(None, &around(&env, Some(event)))),
            [
                How::FirstParent("h".into()),
                How::MergeBase("refs/remotes/origin/main".into()),
                How::MergeBase("b".into())
            ]
        );
        let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "merge_group")];
        let event = r#"{"merge_group":{"base_sha":"b","head_sha":"h"}}"#;
        assert_eq!(hows(choose(None, &around(&env, Some(event)))), [How::Exact("b".into())]);
        let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "schedule")];
        assert!(matches!(choose(None, &around(&env, None)), Choice::NoBase(why) if why.contains("schedule")));
        let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push")];
        assert!(
            matches!(choose(None, &around(&env, Some("{"))), Choice::NoBase(why) if why.contains("cannot be read"))
        );
    }

    #[test]
    fn explicit_base_beats_the_environment() {
        let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "schedule")];
        assert_eq!(hows(choose(Some("x"), &around(&env, None))), [How::MergeBase("x".into())]);
    }

    #[test]
    fn new_branches_never_reach_for_the_root() {
        for zeros in ["0".repeat(40), "0".repeat(64)] {
            let list = for_push("origin", &zeros);
            assert_eq!(list[0].how, How::MergeBase("refs/remotes/origin/HEAD".into()));
        }
        assert_eq!(for_push("origin", &"a".repeat(40))[0].how, How::MergeBase("a".repeat(40)));
    }
}
