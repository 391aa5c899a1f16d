//! The base of a change in every surrounding that is documented, and what the report says about it.

use crate::harness::{BAD_PY, BAD_RULE, GOOD_PY, Repo, Run};
use std::path::Path;

pub(crate) const ZEROS: &str = "0000000000000000000000000000000000000000";

/// `topic` adds one bad file to `main`, which has moved on meanwhile with another bad file of its own.
pub(crate) struct Forked {
    pub(crate) repo: Repo,
    pub(crate) fork: String,
    pub(crate) topic: String,
    pub(crate) main: String,
}

impl Forked {
    pub(crate) fn new() -> Self {
        let repo = Repo::on_topic();
        let fork = repo.head();
        let topic = repo.write("app/topic.py", BAD_PY).commit("topic");
        repo.git(&["checkout", "--quiet", "main"]);
        let main = repo.write("app/main.py", BAD_PY.replace("list_files", "of_main")).commit("main moves on");
        repo.git(&["checkout", "--quiet", "topic"]);
        Self { repo, fork, topic, main }
    }

    /// Checks out the commit that CI makes: `topic` merged into `main`.
    pub(crate) fn merge(&self) -> String {
        self.repo.git(&["checkout", "--quiet", "--detach", "main"]);
        self.repo.git(&["merge", "--quiet", "--no-ff", "--message", "merge", "topic"]);
        self.repo.head()
    }

    pub(crate) fn event(&self, content: &str) -> String {
        let path = self.repo.beside("event.json");
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn pull_request(&self) -> String {
        self.event(&format!(
            r#"{{"pull_request":{{"base":{{"sha":"{}","ref":"main"}},"head":{{"sha":"{}","ref":"topic"}}}}}}"#,
            self.fork, self.topic
        ))
    }
}

pub(crate) fn github<'a>(name: &'a str, event: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", name), ("GITHUB_EVENT_PATH", event)]
}

pub(crate) fn gitlab<'a>(source: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", source)], more].concat()
}

/// The change is exactly what `topic` adds.
#[track_caller]
pub(crate) fn only_topic(run: &Run, base: &str, reason: &str) {
    assert_eq!(run.status, 1, "{run}");
    assert_eq!(run.findings(), [format!("{BAD_RULE} app/topic.py blocks")]);
    assert_eq!(run.json()["change"]["base"], base, "{run}");
    assert_eq!(run.base_reason(), reason);
}

#[track_caller]
pub(crate) fn no_base(run: Run, reason: &str) {
    let run = run.exits(3);
    assert_eq!(run.gaps(), ["base -"]);
    assert_eq!(run.json()["verdict"], "inconclusive");
    assert!(run.findings().is_empty(), "never a scan of the whole history: {run}");
    assert!(run.base_reason().contains(reason), "`{reason}` is not in `{}`", run.base_reason());
}

pub(crate) fn with(repo: &Repo, pairs: &[(&str, &str)]) -> Run {
    repo.call(&["check", "-o", "json"]).envs(pairs).run()
}

#[test]
fn explicit_base_is_merged_with_the_head() {
    let forked = Forked::new();
    only_topic(&forked.repo.check(&["--base", "main"]), &forked.fork, "merge base with --base main");
    let by_env = with(&forked.repo, &[("PORTCULLIS_BASE", "main")]);
    only_topic(&by_env, &forked.fork, "merge base with --base main");
    let run = forked.repo.check(&["--base", "main", "--head", "main"]).exits(0);
    assert_eq!(run.json()["coverage"]["files"], 0);
}

#[test]
fn explicit_base_beats_the_surroundings() {
    let forked = Forked::new();
    let event = forked.event("{}");
    let run = forked.repo.call(&["check", "-o", "json", "--base", "main"]).envs(&github("schedule", &event)).run();
    only_topic(&run, &forked.fork, "merge base with --base main");
    let short = &forked.main[..12];
    let run = forked.repo.check(&["--base", &forked.main]);
    only_topic(&run, &forked.fork, &format!("merge base with --base {short}"));
}

#[test]
fn github_pull_request_is_compared_with_the_first_parent_of_its_merge() {
    let forked = Forked::new();
    let remote = forked.repo.publish_main();
    let merge = forked.merge();
    forked.repo.git(&["push", "--quiet", "origin", &format!("{merge}:refs/pull/1/merge")]);
    let clone = forked.repo.clone_shallow(&remote, "refs/pull/1/merge", 2, "runner");
    let event = forked.pull_request();
    let run = clone.call(&[]).envs(&github("pull_request", &event)).env("GITHUB_BASE_REF", "main").run();
    only_topic(&run, &forked.main, "first parent of the pull request's merge commit");
}

#[test]
fn github_pull_request_head_is_compared_with_the_merge_base() {
    let forked = Forked::new();
    forked.repo.publish_main();
    let event = forked.pull_request();
    let run = with(&forked.repo, &github("pull_request", &event));
    only_topic(&run, &forked.fork, "merge base with origin/main");
    assert_eq!(run.json()["change"]["policy_commit"], forked.main.as_str(), "policy is that of the target's tip");
}

/// `pull_request_target` finds the target branch checked out: nothing of the change is there, and that is no pass.
#[test]
fn target_branch_checked_out_in_place_of_the_pull_request_is_inconclusive() {
    let forked = Forked::new();
    forked.repo.publish_main();
    forked.repo.git(&["checkout", "--quiet", "main"]);
    let event = forked.pull_request();
    no_base(with(&forked.repo, &github("pull_request_target", &event)), "does not contain the pull request's head");
}

/// Without the event, a merge commit at the head may be the author's own: its first parent would hide the branch.
#[test]
fn pull_request_without_its_event_never_trusts_a_merge_commit() {
    let forked = Forked::new();
    forked.repo.publish_main();
    forked.repo.git(&["merge", "--quiet", "--message", "take in main", "main"]);
    let pairs = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", "main")];
    only_topic(&with(&forked.repo, &pairs), &forked.main, "merge base with origin/main");
}

#[test]
fn github_merge_group_names_its_base() {
    let forked = Forked::new();
    forked.merge();
    let event = forked.event(&format!(r#"{{"merge_group":{{"base_sha":"{}","head_sha":"x"}}}}"#, forked.main));
    only_topic(&with(&forked.repo, &github("merge_group", &event)), &forked.main, "base of the merge group");
    let empty = forked.event("{}");
    no_base(with(&forked.repo, &github("merge_group", &empty)), "names no base_sha");
}

#[test]
fn github_push_is_compared_with_what_was_there_before() {
    let forked = Forked::new();
    let event = forked.event(&format!(r#"{{"before":"{}","after":"{}"}}"#, forked.fork, forked.topic));
    only_topic(&with(&forked.repo, &github("push", &event)), &forked.fork, "`before` of the push event");
}

#[test]
fn github_push_of_a_new_branch_is_compared_with_the_default_branch() {
    let forked = Forked::new();
    forked.repo.publish_main();
    let text = format!(r#"{{"before":"{ZEROS}","repository":{{"default_branch":"main"}}}}"#);
    let event = forked.event(&text);
    let run = with(&forked.repo, &github("push", &event));
    only_topic(&run, &forked.fork, "merge base with the default branch origin/main");
}

#[test]
fn github_events_that_compare_nothing_are_inconclusive() {
    let forked = Forked::new();
    forked.repo.publish_main();
    let event = forked.event("{}");
    for name in ["schedule", "workflow_dispatch", "issue_comment", "no_such_event"] {
        let run = with(&forked.repo, &github(name, &event));
        no_base(run, &format!("a `{name}` event compares nothing"));
    }
}

#[test]
fn gitlab_merged_result_is_compared_with_its_first_parent() {
    let forked = Forked::new();
    forked.merge();
    let pairs = gitlab("merge_request_event", &[("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &forked.topic)]);
    only_topic(&with(&forked.repo, &pairs), &forked.main, "first parent of the merged result");
}

#[test]
fn gitlab_detached_merge_request_is_compared_with_the_target_branch() {
    let forked = Forked::new();
    forked.repo.publish_main();
    let common = [("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"), ("CI_COMMIT_BEFORE_SHA", ZEROS)];
    let pairs = gitlab("merge_request_event", &common);
    only_topic(&with(&forked.repo, &pairs), &forked.fork, "merge base with origin/main");
    let stale = gitlab("merge_request_event", &[("CI_MERGE_REQUEST_DIFF_BASE_SHA", &forked.fork)]);
    only_topic(&with(&forked.repo, &stale), &forked.fork, "CI_MERGE_REQUEST_DIFF_BASE_SHA");
}

#[test]
fn gitlab_push_is_compared_with_what_was_there_before() {
    let forked = Forked::new();
    forked.repo.publish_main();
    let before = gitlab("push", &[("CI_COMMIT_BEFORE_SHA", &forked.fork)]);
    only_topic(&with(&forked.repo, &before), &forked.fork, "CI_COMMIT_BEFORE_SHA");
    let new = gitlab("push", &[("CI_COMMIT_BEFORE_SHA", ZEROS), ("CI_DEFAULT_BRANCH", "main")]);
    only_topic(&with(&forked.repo, &new), &forked.fork, "merge base with the default branch origin/main");
    let scheduled = gitlab("schedule", &[("CI_DEFAULT_BRANCH", "main")]);
    no_base(with(&forked.repo, &scheduled), "a `schedule` pipeline compares nothing");
}

#[test]
fn locally_the_remotes_default_branch_is_the_base() {
    let forked = Forked::new();
    forked.repo.publish_main();
    forked.repo.git(&["remote", "set-head", "origin", "main"]);
    only_topic(&forked.repo.check(&[]), &forked.fork, "merge base with origin/HEAD");
}

#[test]
fn local_repository_without_a_remote_uses_its_main_branch() {
    let forked = Forked::new();
    only_topic(&forked.repo.check(&[]), &forked.fork, "merge base with main");
    forked.repo.git(&["checkout", "--quiet", "main"]);
    no_base(forked.repo.check(&[]), "give one with --base");
}

#[test]
fn shallow_clone_without_the_base_is_inconclusive_until_it_is_deepened() {
    let forked = Forked::new();
    let remote = forked.repo.publish_main();
    for i in 0..6 {
        forked.repo.write("notes.md", format!("{i}\n")).commit("more");
    }
    forked.repo.git(&["push", "--quiet", "origin", "topic"]);
    let clone = forked.repo.clone_shallow(&remote, "topic", 1, "shallow");
    clone.git(&["fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main"]);
    no_base(clone.call(&["--base", "refs/remotes/origin/main"]).run(), "the clone is shallow");
    assert_eq!(clone.git(&["rev-list", "--count", "HEAD"]), "1", "nothing is fetched unasked");
    let run = clone.call(&["--base", "refs/remotes/origin/main", "--deepen"]).run();
    let reason = run.base_reason();
    assert!(reason.starts_with("merge base with --base") && reason.contains("after deepening by"), "{reason}");
    only_topic(&run, &forked.fork, &reason);
}

#[test]
fn base_that_only_the_event_names_is_fetched_when_deepening() {
    let forked = Forked::new();
    let remote = forked.repo.publish_main();
    forked.repo.git(&["push", "--quiet", "origin", "topic"]);
    let clone = forked.repo.clone_shallow(&remote, "topic", 1, "runner");
    let event = forked.pull_request();
    let pairs = github("pull_request", &event);
    no_base(clone.call(&[]).envs(&pairs).run(), "the clone is shallow");
    let run = clone.call(&["--deepen"]).envs(&pairs).run();
    assert_eq!(run.findings(), [format!("{BAD_RULE} app/topic.py blocks")], "{run}");
}

/// A clone of one commit, in which the target branch seems to be the merged result itself: that is no empty change.
#[test]
fn merged_result_that_is_cut_off_from_its_parents_is_never_an_empty_change() {
    let forked = Forked::new();
    let remote = forked.repo.publish_main();
    let merge = forked.merge();
    forked.repo.git(&["push", "--quiet", "origin", &format!("{merge}:refs/merge-requests/1/merge")]);
    let clone = forked.repo.clone_shallow(&remote, "refs/merge-requests/1/merge", 1, "runner");
    clone.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let common = [
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", forked.topic.as_str()),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ];
    let pairs = gitlab("merge_request_event", &common);
    no_base(clone.call(&[]).envs(&pairs).run(), "the clone is shallow");
    let run = clone.call(&["--deepen"]).envs(&pairs).run();
    assert_eq!(run.findings(), [format!("{BAD_RULE} app/topic.py blocks")], "{run}");
}

/// The push brought three commits, of which a clone of depth 1 has the last: what the default branch has there is the
/// head itself, and that is no empty change.
#[test]
fn base_of_a_push_is_deepened_for_before_a_lesser_one_counts() {
    let repo = Repo::on_topic();
    repo.git(&["checkout", "--quiet", "main"]);
    let remote = repo.publish_main();
    let before = repo.head();
    repo.write("app/topic.py", BAD_PY).commit("bad");
    repo.write("notes.md", "1\n").commit("more");
    repo.git(&["push", "--quiet", "origin", "main"]);
    let clone = repo.clone_shallow(&remote, "main", 1, "runner");
    clone.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let event = format!(r#"{{"before":"{before}","ref":"refs/heads/main","repository":{{"default_branch":"main"}}}}"#);
    std::fs::write(repo.beside("event.json"), &event).unwrap();
    let event = repo.beside("event.json").to_str().unwrap().to_owned();
    let pairs = github("push", &event);
    no_base(clone.call(&[]).envs(&pairs).run(), "the clone is shallow");
    let run = clone.call(&["--deepen"]).envs(&pairs).run();
    only_topic(&run, &before, "`before` of the push event, after deepening by 4");
    // Where it cannot be deepened for, the lesser one is no way around it.
    let clone = repo.clone_shallow(&remote, "main", 1, "offline");
    clone.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    clone.git(&["remote", "set-url", "origin", "/nonexistent/remote.git"]);
    no_base(clone.call(&["--deepen"]).envs(&pairs).run(), "could not be deepened");
}

/// The target branch has moved on; this clone knows an older state of it, and not the commit that GitLab names.
#[test]
fn lesser_base_is_taken_without_deepening_and_the_report_says_so() {
    let forked = Forked::new();
    let remote = forked.repo.publish_main();
    forked.repo.git(&["push", "--quiet", "origin", "topic"]);
    let clone = forked.repo.clone_shallow(&remote, "topic", 2, "runner");
    clone.git(&["update-ref", "refs/remotes/origin/main", &forked.fork]);
    let pairs =
        [("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", forked.main.as_str()), ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")];
    let pairs = gitlab("merge_request_event", &pairs);
    let reason = "merge base with origin/main; merge base with the target branch's commit comes first, but needs more \
                  history: fetch it, or use --deepen";
    only_topic(&clone.call(&[]).envs(&pairs).run(), &forked.fork, reason);
    let reason = "merge base with the target branch's commit, after deepening by 4";
    only_topic(&clone.call(&["--deepen"]).envs(&pairs).run(), &forked.fork, reason);
}

#[test]
fn remote_that_does_not_answer_while_deepening_is_said() {
    let forked = Forked::new();
    let remote = forked.repo.publish_main();
    let clone = forked.repo.clone_shallow(&remote, "main", 1, "offline");
    clone.git(&["remote", "set-url", "origin", "/nonexistent/remote.git"]);
    no_base(clone.call(&["--base", "topic", "--deepen"]).run(), "could not be deepened");
}

#[test]
fn base_that_does_not_exist_is_a_usage_error() {
    let repo = Repo::on_topic();
    let run = repo.check(&["--base", "no-such-branch"]).exits(2);
    let run = run.says("`no-such-branch` is not a commit").says("no verdict was given (exit 2)");
    assert!(run.stdout.is_empty());
    repo.check(&["--head", "nor-this"]).exits(2).says("`nor-this` is not a commit");
}

#[test]
fn tags_and_short_ids_are_revisions() {
    let forked = Forked::new();
    forked.repo.git(&["tag", "--annotate", "--message", "v1", "v1", &forked.fork]);
    only_topic(&forked.repo.check(&["--base", "v1"]), &forked.fork, "merge base with --base v1");
    only_topic(&forked.repo.check(&["--base", "HEAD~1"]), &forked.fork, "merge base with --base HEAD~1");
}

#[test]
fn program_can_be_told_where_to_work() {
    let forked = Forked::new();
    let root = forked.repo.root().to_str().unwrap().to_owned();
    let run =
        crate::harness::Call::new(Path::new("/"), &forked.repo.home(), &["-C", &root, "check", "-o", "json"]).run();
    only_topic(&run, &forked.fork, "merge base with main");
    forked.repo.write("change.patch", forked.repo.git(&["diff", "main...topic"]) + "\n");
    let args = ["-C", &root, "check", "-o", "json", "--diff", "change.patch"];
    let run = crate::harness::Call::new(Path::new("/"), &forked.repo.home(), &args).run().exits(1);
    assert_eq!(run.findings(), [format!("{BAD_RULE} app/topic.py blocks")]);
    let run = crate::harness::Call::new(Path::new("/"), &forked.repo.home(), &["-C", "/nonexistent", "check"]).run();
    run.exits(2).says("/nonexistent cannot be read");
}

#[test]
fn subdirectory_is_as_good_as_the_root() {
    let forked = Forked::new();
    let call = crate::harness::Call::new(&forked.repo.path("app"), &forked.repo.home(), &["check", "-o", "json"]);
    only_topic(&call.run(), &forked.fork, "merge base with main");
}

#[test]
fn sha256_repositories_are_read() {
    let repo = Repo::sha256();
    repo.write("ok.py", GOOD_PY).commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("bad.py", BAD_PY).commit("second");
    let run = repo.check(&[]).exits(1);
    assert_eq!(run.json()["change"]["base"].as_str().map(str::len), Some(64));
    assert_eq!(run.findings(), [format!("{BAD_RULE} bad.py blocks")]);
}

#[test]
fn path_outside_the_repository_is_a_usage_error_in_our_own_words() {
    let repo = Repo::on_topic();
    repo.write("app/bad.py", BAD_PY).commit("bad");
    for path in ["../other", "/etc", "app/../../x"] {
        let run = repo.check(&[path]).exits(2).says("lies outside the repository").says("`portcullis audit");
        let run = run.says("no verdict was given (exit 2)");
        assert!(run.stdout.is_empty() && !run.err().contains("fatal"), "{run}");
    }
    let inner = repo.path("app/bad.py").to_str().unwrap().to_owned();
    repo.check(&[&inner]).exits(2).says("not relative to the repository's root; give `app/bad.py`");
    // Written in another way it is the same place, not one where nothing is found.
    for path in ["app/../app/bad.py", "./app//bad.py", "app/./", "x/.."] {
        assert_eq!(repo.check(&[path]).exits(1).findings(), [format!("{BAD_RULE} app/bad.py blocks")], "{path}");
    }
}

/// The last report would hide the others, and nobody would know.
#[test]
fn two_reports_for_one_place_are_a_usage_error() {
    let repo = Repo::on_topic();
    repo.write("bad.py", BAD_PY).commit("bad");
    std::fs::create_dir(repo.path("out")).unwrap();
    for (outputs, place) in [
        (["json=a.json", "sarif=a.json"], "the file `a.json`"),
        (["json=./a.json", "sarif=a.json"], "the file `a.json`"),
        (["json=out/../a.json", "sarif=a.json"], "the file `a.json`"),
        (["json", "human"], "standard output"),
        (["json=/dev/stdout", "human"], "standard output"),
    ] {
        for command in ["check", "audit"] {
            let run = repo.call(&[command, "-o", outputs[0], "-o", outputs[1]]).run().exits(2);
            let run = run.says("two reports are to be written to").says(place).says("no verdict was given (exit 2)");
            assert!(run.stdout.is_empty() && !repo.path("a.json").exists(), "{run}");
        }
    }
    repo.call(&[
        "check",
        "-o",
        "json=a.json",
        "-o",
        "sarif=out/a.json",
        "-o",
        "human=/dev/null",
        "-o",
        "json=/dev/null",
    ])
    .run()
    .exits(1);
    assert!(repo.path("a.json").exists() && repo.path("out/a.json").exists());
}

/// Both are lines of a log, and a job of GitHub wants both.
#[test]
fn report_for_people_and_annotations_share_a_log() {
    let repo = Repo::on_topic();
    repo.write("bad.py", BAD_PY).commit("bad");
    for order in [["human", "github"], ["github", "human"]] {
        let run = repo.call(&["check", "-o", order[0], "-o", order[1]]).run().exits(1);
        let out = run.out();
        assert!(out.lines().any(|line| line.starts_with("::error file=bad.py")), "{out}");
        assert!(out.lines().any(|line| !line.starts_with("::") && line.contains("bad.py")), "{out}");
        assert_eq!(out.starts_with("::"), order[0] == "github", "{out}");
    }
    repo.call(&["check", "-o", "human", "-o", "github", "-o", "human"]).run().exits(2);
    repo.call(&["check", "-o", "github=a.log", "-o", "human=a.log"]).run().exits(2);
}

#[test]
fn every_report_that_cannot_be_written_is_named() {
    let repo = Repo::on_topic();
    repo.write("bad.py", BAD_PY).commit("bad");
    let run = repo.call(&["check", "-o", "json=no/a.json", "-o", "sarif=no/b.sarif", "-o", "junit=c.xml"]).run();
    let run = run.exits(1).says("no/a.json cannot be written").says("no/b.sarif cannot be written");
    assert!(repo.path("c.xml").exists(), "{run}");
}

#[test]
fn advice_names_only_what_is_near() {
    let repo = Repo::on_topic();
    repo.call(&["explain", "python-weak-hsah"]).run().exits(2).says("did you mean `python-weak-hash`?");
    let run = repo.call(&["explain", "weather"]).run().exits(2).says("`portcullis rules list` names them all");
    assert!(!run.err().contains("did you mean"), "{run}");
    repo.call(&["check", "-o", "jsn"]).run().exits(2).says("did you mean `json`?");
    repo.call(&["check", "-o", "weather"]).run().exits(2).says("there are human, json");
    let empty = Repo::new();
    empty.write("a.py", BAD_PY).git(&["add", "a.py"]);
    empty.check(&["--staged"]).exits(2).says("make the first one, or look at the files with `portcullis audit`");
}
