//! Bases that a job of CI gets wrong or lacks: a head that is not checked out, a branch that the clone does not follow.

use crate::harness::{BAD_PY, BAD_RULE, Repo, Run};
use crate::intake::{Forked, ZEROS, github, gitlab, no_base, only_topic, with};

/// Nothing differs, and that is the answer.
#[track_caller]
fn nothing(run: Run) {
    let run = run.exits(0);
    assert_eq!(run.json()["coverage"]["files"], 0, "{run}");
    assert!(run.gaps().is_empty(), "{run}");
}

/// The event cannot be read, so nothing tells that the branch that is checked out is not the change.
#[test]
fn base_branch_checked_out_without_the_event_is_inconclusive() {
    let forked = Forked::new();
    forked.repo.publish_main();
    forked.repo.git(&["checkout", "--quiet", "main"]);
    let lost = forked.repo.beside("nowhere.json").to_str().unwrap().to_owned();
    for name in ["pull_request", "pull_request_target"] {
        let pairs = [github(name, &lost), vec![("GITHUB_BASE_REF", "main")]].concat();
        let run = with(&forked.repo, &pairs);
        assert!(run.out().contains("check that out, or give --base and --head"), "{run}");
        no_base(
            run,
            "brings in nothing (merge base with origin/main), and nothing tells that it is the pull request's",
        );
        let run = forked.repo.call(&["check"]).envs(&pairs).run().exits(3);
        assert!(run.out().contains("check out the head of the change"), "{run}");
        // Whoever names both knows what is compared.
        let named = ["check", "-o", "json", "--base", "main", "--head", "main"];
        nothing(forked.repo.call(&named).envs(&pairs).run());
    }
}

#[test]
fn push_that_brings_in_nothing_is_told_from_another_commit_that_is_checked_out() {
    let forked = Forked::new();
    forked.repo.publish_main();
    let pushed = |before: &str, after: &str| {
        forked.event(&format!(
            r#"{{"before":"{before}","after":"{after}","ref":"refs/heads/topic","repository":{{"default_branch":"main"}}}}"#
        ))
    };
    forked.repo.git(&["checkout", "--quiet", "main"]);
    // A new branch where the default branch is.
    nothing(with(&forked.repo, &github("push", &pushed(ZEROS, &forked.main))));
    let event = pushed(ZEROS, &forked.main);
    let call = forked.repo.call(&["check", "-o", "json", "--require-input"]);
    call.envs(&github("push", &event)).run().exits(4);
    // The default branch is checked out, and the pushed one was meant.
    let event = pushed(&forked.fork, &forked.topic);
    no_base(with(&forked.repo, &github("push", &event)), "and it is not the pushed commit");
    let pairs = [("CI_COMMIT_BEFORE_SHA", ZEROS), ("CI_DEFAULT_BRANCH", "main"), ("CI_COMMIT_SHA", &forked.topic)];
    no_base(with(&forked.repo, &gitlab("push", &pairs)), "and it is not the pushed commit");
    // The default branch is set back to where it was.
    forked.repo.git(&["checkout", "--quiet", "--detach", &forked.fork]);
    let pairs = [("CI_COMMIT_BEFORE_SHA", forked.main.as_str()), ("CI_COMMIT_SHA", &forked.fork)];
    nothing(with(&forked.repo, &gitlab("push", &pairs)));
}

#[test]
fn gitlab_target_branch_checked_out_in_place_of_the_merge_request_is_inconclusive() {
    let forked = Forked::new();
    forked.repo.publish_main();
    forked.repo.git(&["checkout", "--quiet", "main"]);
    let target = ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main");
    let run = with(&forked.repo, &gitlab("merge_request_event", &[target, ("CI_COMMIT_SHA", &forked.topic)]));
    no_base(run, "does not contain the merge request's head");
    let source = ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", forked.topic.as_str());
    let run = with(&forked.repo, &gitlab("merge_request_event", &[target, source]));
    no_base(run, "does not contain the merge request's head");
    let run = with(&forked.repo, &gitlab("merge_request_event", &[target]));
    no_base(run, "nothing tells that it is the merge request's head");
    let run = with(&forked.repo, &gitlab("merge_request_event", &[("CI_MERGE_REQUEST_DIFF_BASE_SHA", &forked.main)]));
    no_base(run, "nothing tells that it is the merge request's head");
    // A merge request that has no commit yet.
    nothing(with(&forked.repo, &gitlab("merge_request_event", &[target, ("CI_COMMIT_SHA", &forked.main)])));
}

/// The job runs again after its pull request was merged: the target branch holds it, the event still says what was there.
#[test]
fn change_that_is_merged_already_is_compared_with_what_was_there_before() {
    let forked = Forked::new();
    forked.repo.git(&["branch", "--force", "main", "topic"]);
    forked.repo.publish_main();
    let event = forked.pull_request();
    let run = with(&forked.repo, &github("pull_request", &event));
    only_topic(&run, &forked.fork, "merge base with the event's base commit");
}

/// `main` goes on for some commits, and so does `topic`, which ends with a bad file.
fn long(commits: usize) -> (Forked, std::path::PathBuf) {
    let mut forked = Forked::new();
    let remote = forked.repo.publish_main();
    for branch in ["main", "topic"] {
        forked.repo.git(&["checkout", "--quiet", branch]);
        for i in 0..commits {
            forked.repo.write("notes.md", format!("{branch} {i}\n")).commit("more");
        }
        forked.repo.git(&["push", "--quiet", "origin", branch]);
    }
    forked.topic = forked.repo.git(&["rev-parse", "topic"]);
    forked.main = forked.repo.git(&["rev-parse", "main"]);
    (forked, remote)
}

fn clone(repo: &Repo, remote: &std::path::Path, more: &[&str], name: &str) -> crate::harness::Clone {
    let (url, into) = (format!("file://{}", remote.display()), repo.beside(name));
    let arguments = ["clone", "--quiet", "--branch", "topic"];
    repo.git(&[&arguments[..], more, &[&url, into.to_str().unwrap()]].concat());
    repo.clone_at(into)
}

#[test]
fn branch_that_a_shallow_clone_does_not_follow_is_fetched_by_its_name() {
    let (forked, remote) = long(8);
    let shallow = |name| clone(&forked.repo, &remote, &["--depth", "3"], name);
    let finding = [format!("{BAD_RULE} app/topic.py blocks")];
    // By the remote's default branch.
    let here = shallow("local");
    no_base(here.call(&[]).run(), "the clone is shallow");
    let run = here.call(&["--deepen"]).run();
    assert_eq!(
        (run.findings(), run.base_reason().starts_with("merge base with origin/HEAD")),
        (finding.to_vec(), true),
        "{run}"
    );
    assert_eq!(run.json()["change"]["base"], forked.fork.as_str(), "{run}");
    // By what the surroundings say.
    let target = gitlab("merge_request_event", &[("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")]);
    let run = shallow("gitlab").call(&["--deepen"]).envs(&target).run();
    assert_eq!(run.findings(), finding, "{run}");
    let run = shallow("named").call(&["--deepen", "--base", "origin/main"]).run();
    assert_eq!(run.findings(), finding, "{run}");
    // Where the remote has no such branch, the search ends and says so.
    let target = gitlab("merge_request_event", &[("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "gone")]);
    no_base(shallow("gone").call(&["--deepen"]).envs(&target).run(), "tried: merge base with origin/gone");
}

/// Fetching a branch must not cut off what is there.
#[test]
fn branch_that_a_whole_clone_does_not_follow_is_fetched_with_all_its_history() {
    let (forked, remote) = long(3);
    let here = clone(&forked.repo, &remote, &["--single-branch"], "whole");
    no_base(here.call(&[]).run(), "give one with --base");
    let run = here.call(&["--deepen"]).run();
    assert_eq!(run.base_reason(), "merge base with origin/HEAD, after fetching it", "{run}");
    assert_eq!(run.findings(), [format!("{BAD_RULE} app/topic.py blocks")]);
    assert_eq!(here.git(&["rev-parse", "--is-shallow-repository"]), "false");
}

/// The event names a commit of a branch that is gone, many commits behind which the two histories meet.
#[test]
fn base_commit_of_the_event_is_deepened_for_where_no_followed_branch_leads_to_it() {
    let (forked, remote) = long(30);
    let event = forked.event(&format!(
        r#"{{"pull_request":{{"base":{{"sha":"{}","ref":"gone"}},"head":{{"sha":"{}","ref":"topic"}}}}}}"#,
        forked.main, forked.topic
    ));
    let pairs = github("pull_request", &event);
    let here = clone(&forked.repo, &remote, &["--depth", "5"], "runner");
    no_base(here.call(&[]).envs(&pairs).run(), "the clone is shallow");
    let run = here.call(&["--deepen"]).envs(&pairs).run();
    assert_eq!(run.json()["change"]["base"], forked.fork.as_str(), "{run}");
    assert_eq!(run.findings(), [format!("{BAD_RULE} app/topic.py blocks")], "{run}");
}

/// What is checked out is on no branch at all, as the merge commits are that a forge makes.
#[test]
fn history_of_a_head_that_is_on_no_branch_is_deepened() {
    let forked = Forked::new();
    let remote = forked.repo.publish_main();
    for i in 0..20 {
        forked.repo.write("notes.md", format!("{i}\n")).commit("more");
    }
    forked.repo.write("app/other.py", BAD_PY).commit("bad");
    forked.repo.git(&["push", "--quiet", "origin", "HEAD:refs/pull/1/head"]);
    let here = forked.repo.clone_shallow(&remote, "refs/pull/1/head", 2, "runner");
    let run = here.call(&["--deepen", "--base", "origin/main"]).run();
    assert_eq!(run.json()["change"]["base"], forked.fork.as_str(), "{run}");
}

/// What people are told to do has to lead somewhere: no history helps a schedule, or branches that share none.
#[test]
fn advice_about_the_base_fits_the_reason() {
    let forked = Forked::new();
    let remote = forked.repo.publish_main();
    forked.repo.git(&["push", "--quiet", "origin", "topic"]);
    let event = forked.event("{}");
    let advises = |run: Run, text: &str| assert!(run.out().contains(text) && run.status == 3, "{text}: {run}");
    advises(forked.repo.call(&["check"]).envs(&github("schedule", &event)).run(), "use `portcullis audit`");
    let shallow = clone(&forked.repo, &remote, &["--depth", "1"], "shallow");
    let run = crate::harness::Call::new(&shallow.root, &forked.repo.home(), &["check"]).run();
    advises(run, "fetch the base commit");
    forked.repo.git(&["checkout", "--quiet", "--orphan", "other"]);
    forked.repo.commit("of its own");
    advises(forked.repo.call(&["check", "--base", "main"]).run(), "give a base that shares history with the change");
}

/// The default branch is pushed by force, on GitHub and on GitLab: the commit that it had before is in no clone, and the
/// remote's branch is what was pushed.
#[test]
fn push_by_force_is_compared_with_what_the_branch_had_or_not_at_all() {
    let forked = Forked::new();
    let remote = forked.repo.publish_main();
    // `main` had a commit of its own, and has that of `topic` in its place.
    forked.repo.git(&["push", "--quiet", "--force", "origin", "topic:main"]);
    let event = forked.event(&format!(
        r#"{{"before":"{}","after":"{}","ref":"refs/heads/main","repository":{{"default_branch":"main"}}}}"#,
        forked.main, forked.topic
    ));
    let of_gitlab = [
        ("CI_COMMIT_BEFORE_SHA", forked.main.as_str()),
        ("CI_COMMIT_SHA", &forked.topic),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
    ];
    let jobs =
        [("`before` of the push event", github("push", &event)), ("CI_COMMIT_BEFORE_SHA", gitlab("push", &of_gitlab))];
    let url = format!("file://{}", remote.display());
    for (number, (name, pairs)) in jobs.iter().enumerate() {
        let into = forked.repo.beside(&format!("runner{number}"));
        forked.repo.git(&["clone", "--quiet", &url, into.to_str().unwrap()]);
        let here = forked.repo.clone_at(into);
        let lacks = format!("{name} names {}, which this clone lacks: fetch it", &forked.main[..12]);
        no_base(here.call(&[]).envs(pairs).run(), &lacks);
        let run = here.call(&["--deepen"]).envs(pairs).run();
        only_topic(&run, &forked.fork, &format!("{name}, after fetching it"));
        // The remote lacks it, too.
        let lost = "1234567890".repeat(4);
        let other = forked.repo.beside("other.json").to_str().unwrap().to_owned();
        std::fs::write(&other, std::fs::read_to_string(&event).unwrap().replace(&forked.main, &lost)).unwrap();
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|&(key, value)| match key {
                "CI_COMMIT_BEFORE_SHA" => (key, lost.as_str()),
                "GITHUB_EVENT_PATH" => (key, other.as_str()),
                _ => (key, value),
            })
            .collect();
        no_base(here.call(&["--deepen"]).envs(&pairs).run(), "which neither this clone nor the remote has");
    }
}

/// A history of its own takes the place of the default branch.
#[test]
fn push_of_another_history_is_no_pass() {
    let forked = Forked::new();
    forked.repo.git(&["checkout", "--quiet", "--orphan", "other"]);
    let other = forked.repo.commit("of its own");
    forked.repo.git(&["branch", "--force", "main", "other"]);
    forked.repo.publish_main();
    let pairs = [
        ("CI_COMMIT_BEFORE_SHA", forked.main.as_str()),
        ("CI_COMMIT_SHA", &other),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
    ];
    no_base(with(&forked.repo, &gitlab("push", &pairs)), "shares no history with the change");
}

/// The first push of the default branch: it holds what was pushed, so nothing would differ from it.
#[test]
fn first_push_of_the_default_branch_has_no_base() {
    let forked = Forked::new();
    forked.repo.git(&["branch", "--force", "main", "topic"]);
    forked.repo.publish_main();
    for before in ["", &format!(r#""before":"{ZEROS}","#)] {
        let event = forked.event(&format!(
            r#"{{{before}"after":"{}","ref":"refs/heads/main","repository":{{"default_branch":"main"}}}}"#,
            forked.topic
        ));
        no_base(with(&forked.repo, &github("push", &event)), "names no commit that `main` had before");
    }
    let all = [
        ("CI_COMMIT_BEFORE_SHA", ZEROS),
        ("CI_COMMIT_SHA", forked.topic.as_str()),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
    ];
    no_base(with(&forked.repo, &gitlab("push", &all)), "use `portcullis audit`");
}
