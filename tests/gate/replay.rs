//! `replay`: what the gate would have said of merged changes.

use crate::harness::{BAD_PY, BAD_RULE, GOOD_PY, Repo, Run};

/// A repository in which a weakness was merged by a pull request, another by a push that was taken back, and two harmless
/// changes. Returns it with its commits.
fn merged() -> (Repo, Vec<String>) {
    let repo = Repo::new();
    let bad = |name: &str| BAD_PY.replace("list_files", name);
    let mut commits = vec![repo.write("app/run.py", GOOD_PY).commit("first")];
    repo.git(&["checkout", "-q", "-b", "topic"]);
    commits.push(repo.write("app/show.py", bad("show")).commit("part of the pull request"));
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "-m", "Merge <script>alert(1)</script>", "topic"]);
    commits.push(repo.head());
    commits.push(repo.write("app/odd.py", bad("odd")).commit("odd"));
    repo.git(&["revert", "--no-edit", "HEAD"]);
    commits.push(repo.head());
    commits.push(repo.write("README.md", "more\n").commit("words"));
    (repo, commits)
}

fn masked(run: &Run, commits: &[String]) -> String {
    let names = ["FIRST", "TOPIC", "MERGE", "ODD", "REVERT", "WORDS"];
    let mut text = run.out();
    for (commit, name) in commits.iter().zip(names) {
        text = text.replace(commit.as_str(), name).replace(&commit[..12], name);
    }
    text
}

#[test]
fn merged_changes_are_checked_and_what_would_be_blocked_is_listed() {
    let (repo, commits) = merged();
    let run = repo.call(&["replay"]).run().exits(0);
    insta::assert_snapshot!("replayed", masked(&run, &commits));
    assert_eq!(run.err(), "", "progress is for terminals");
    let json = repo.call(&["replay", "-o", "json"]).run().exits(0).json();
    let counts = ["checked", "blocked", "blocked_and_reverted", "inconclusive", "unreadable", "without_parent"];
    assert_eq!(counts.map(|name| json[name].as_u64()), [4, 2, 1, 0, 0, 1].map(Some), "{json}");
    assert_eq!(json["rules"][BAD_RULE], 2);
    let changes = json["changes"].as_array().expect("a list");
    let listed: Vec<&str> = changes.iter().filter_map(|c| c["commit"].as_str()).collect();
    assert_eq!(listed, [&commits[5], &commits[4], &commits[3], &commits[2]], "the newest first, by first parents");
    assert_eq!(changes[2]["reverted_by"], commits[4].as_str());
}

#[test]
fn the_page_holds_no_markup_of_the_repository() {
    let (repo, commits) = merged();
    let page = masked(&repo.call(&["replay", "-o", "html"]).run().exits(0), &commits);
    insta::assert_snapshot!("replayed-page", page);
    assert!(page.contains("Merge &lt;script&gt;") && !page.contains("<script"), "{page}");
}

#[test]
fn one_policy_counts_for_all_and_a_proposed_limit_is_one() {
    let (repo, _) = merged();
    repo.write("portcullis.yml", "version: 1\nfail-on: {severity: none, risk: 101}\n").commit("policy");
    let json = repo.call(&["replay", "-o", "json"]).run().exits(0).json();
    assert_eq!((json["blocked"].as_u64(), json["risk_limit"].as_f64()), (Some(0), None), "{json}");
    let strict = repo.beside("strict.yml");
    std::fs::write(&strict, "version: 1\nfail-on: {risk: 50}\n").expect("a file");
    let path = strict.to_str().expect("a plain path");
    let json = repo.call(&["replay", "-o", "json", "--config", path, "--at-most", "100"]).run().exits(0).json();
    assert_eq!((json["blocked"].as_u64(), json["proposed_risk"].as_u64()), (Some(2), Some(40)), "{json}");
    // What is proposed can be put into a policy, and blocks no more than it says.
    let text = repo.call(&["replay", "--config", path]).run().exits(0).out();
    let proposed = text.split('`').find(|part| part.starts_with("fail-on")).expect("one is proposed");
    std::fs::write(&strict, format!("version: 1\n{proposed}\n")).expect("a file");
    let json = repo.call(&["replay", "-o", "json", "--config", path]).run().exits(0).json();
    assert_eq!((json["blocked"].as_u64(), json["keeps_severity"].as_bool()), (Some(0), Some(true)), "{json}");
    let json = repo.call(&["replay", "-o", "json", "--at-most", "0", "--last", "2"]).run().exits(0).json();
    assert_eq!((json["checked"].as_u64(), json["proposed_risk"].as_u64()), (Some(2), Some(40)), "{json}");
}

#[test]
fn a_replay_goes_on_where_the_last_one_ended() {
    let (repo, commits) = merged();
    let state = repo.beside("replay.jsonl");
    let path = state.to_str().expect("a plain path");
    let resume = |more: &[&str]| repo.call(&[&["replay", "--resume", path], more].concat()).run();
    let whole = masked(&resume(&["--threads", "2"]).exits(0), &commits);
    let kept = std::fs::read_to_string(&state).expect("it was kept");
    assert_eq!(kept.lines().count(), 5, "{kept}");
    // A line of the blocked change says that it passed: what is known is not checked again. The last line is cut short.
    let lines: Vec<String> = kept
        .lines()
        .map(|line| if line.contains(&commits[3]) { line.replace("\"blocked\"", "\"pass\"") } else { line.to_owned() })
        .collect();
    let words = lines.iter().position(|line| line.contains(&commits[5])).expect("it was checked");
    let order: Vec<&str> =
        lines.iter().enumerate().filter(|(at, _)| *at != words).map(|(_, line)| line.as_str()).collect();
    std::fs::write(&state, order.join("\n") + "\n" + &lines[words][..20]).expect("a file");
    let again = resume(&["-o", "json"]).exits(0).json();
    assert_eq!((again["checked"].as_u64(), again["blocked"].as_u64()), (Some(4), Some(1)), "{again}");
    std::fs::write(&state, kept).expect("a file");
    assert_eq!(masked(&resume(&[]).exits(0), &commits), whole);
    repo.write("portcullis.yml", "version: 1\nfail-on: {risk: 30}\n").commit("policy");
    resume(&[]).exits(2).says("another version, policy or set of rules");
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let (repo, _) = merged();
    repo.call(&["replay", "--head", "nowhere"]).run().exits(2).says("`nowhere` is not a commit");
    repo.call(&["replay", "--since", "yesterday"]).run().exits(2).says("like 2026-01-31");
    repo.call(&["replay", "--since", "2200-01-01"]).run().exits(2).says("no merged change in that time");
    repo.call(&["replay", "--last", "0"]).run().exits(2);
    repo.call(&["replay", "--at-most", "101"]).run().exits(2).says("from 0 to 100");
    repo.write("portcullis.yml", "version: 9\n").commit("broken policy");
    repo.call(&["replay"]).run().exits(2).says("policy");
}

#[test]
fn a_change_without_a_verdict_is_listed_with_the_reason() {
    let repo = Repo::new();
    repo.write("app/run.py", GOOD_PY).commit("first");
    let head = repo.write("app/broken.py", "def f(:\n    return (\n").commit("broken");
    let out = repo.call(&["replay"]).run().exits(0).out();
    let (_, listed) = out.split_once("\nGot no verdict\n").expect("they are listed");
    assert!(listed.starts_with(&format!("  {} broken\n    app/broken.py: ", &head[..12])), "{out}");
    assert!(out.contains("1 got no verdict"), "{out}");
}
