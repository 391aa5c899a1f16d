//! What the policy can say, through the exit status and the disposition of each finding.

use crate::harness::{BAD_PY, BAD_RULE, GOOD_PY, Repo, Run, WARN_PY, WARN_RULE};
use serde_json::Value;

/// `main` holds the policy, `topic` adds a blocking and a warning file.
fn with_policy(policy: &str) -> Repo {
    let repo = Repo::new();
    repo.write("portcullis.yml", policy).write("ok.py", GOOD_PY).commit("policy");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("bad.py", BAD_PY).write("lib/warn.py", WARN_PY).commit("change");
    repo
}

/// Disposition of the finding in `bad.py` and of that in `lib/warn.py`.
#[track_caller]
fn dispositions(run: &Run) -> (String, String) {
    let json = run.json();
    let of = |path: &str| {
        let findings = json["findings"].as_array().expect("a list");
        let found = findings.iter().find(|f| f["path"] == path);
        found.map_or("-", |f| f["disposition"].as_str().expect("a word")).to_owned()
    };
    (of("bad.py"), of("lib/warn.py"))
}

#[track_caller]
fn expect(policy: &str, args: &[&str], status: i32, bad: &str, warn: &str) -> Run {
    let run = with_policy(policy).check(args);
    assert_eq!((run.status, dispositions(&run)), (status, (bad.to_owned(), warn.to_owned())), "{policy}\n{run}");
    run
}

/// Status and reason of every suppression in the books.
fn books(run: &Run) -> Vec<(String, String)> {
    let json = run.json();
    let text = |s: &Value, key: &str| s[key].as_str().unwrap_or_default().to_owned();
    let list = json["suppressions"].as_array().expect("a list");
    list.iter().map(|s| (text(s, "source"), text(s, "status"))).collect()
}

#[test]
fn severity_and_confidence_say_what_blocks() {
    expect("", &[], 1, "blocks", "warns");
    expect("fail-on: {severity: critical}", &[], 0, "warns", "warns");
    expect("fail-on: {severity: low, confidence: low}", &[], 1, "blocks", "blocks");
    expect("fail-on: {severity: low, confidence: high}", &[], 1, "blocks", "warns");
    expect("fail-on: {severity: none}", &[], 0, "warns", "warns");
    expect("fail-on: {severity: none}", &["--fail-on-severity", "high"], 1, "blocks", "warns");
    expect("fail-on: {severity: low}", &["--fail-on-severity", "none"], 0, "warns", "warns");
}

#[test]
fn environment_lies_between_the_command_line_and_the_policy() {
    let repo = with_policy("fail-on: {severity: none}");
    let call = || repo.call(&["check", "-o", "json"]).env("PORTCULLIS_FAIL_ON_SEVERITY", "moderate");
    call().run().exits(1);
    let args = ["check", "-o", "json", "--fail-on-severity", "none"];
    repo.call(&args).env("PORTCULLIS_FAIL_ON_SEVERITY", "moderate").run().exits(0);
}

#[test]
fn risk_of_the_change_blocks_from_its_limit_on() {
    let none = "fail-on: {severity: none, risk: 101}";
    let score = expect(none, &[], 0, "warns", "warns").json()["risk"]["score"].as_f64().expect("a number");
    assert!(score > 20.0 && score < 100.0, "{score}");
    let limit = |by: f64| format!("fail-on: {{severity: none, risk: {:.1}}}", score + by);
    let run = expect(&limit(0.0), &[], 1, "warns", "warns");
    assert!(run.json()["reasons"][0].as_str().is_some_and(|r| r.contains("reaches the limit")), "{run}");
    expect(&limit(0.1), &[], 0, "warns", "warns");
    expect(&limit(0.1), &["--fail-on-risk", "10"], 1, "warns", "warns");
    expect("fail-on: {severity: none, risk: 10}", &["--fail-on-risk", "101"], 0, "warns", "warns");
}

#[test]
fn first_decision_that_fits_counts() {
    let ignore_all = "decisions:\n  - {path: '**', decision: ignore}\n  - {path: '**', decision: block}\n";
    expect(ignore_all, &[], 0, "-", "-");
    expect("decisions:\n  - {rule: python-os-system-non-constant, decision: warn}\n", &[], 0, "warns", "warns");
    expect("decisions:\n  - {path: 'lib/**', decision: block}\n", &[], 1, "blocks", "blocks");
    expect("decisions:\n  - {cwe: CWE-78, decision: ignore}\n", &[], 0, "-", "warns");
    let both = "decisions:\n  - {rule: python-weak-hash, path: 'src/**', decision: block}\n  - {path: '*.py', decision: warn}\n";
    expect(both, &[], 0, "warns", "warns");
    let run = expect("decisions:\n  - {path: '**', decision: ignore}\n", &[], 0, "-", "-");
    assert_eq!(run.json()["counts"]["ignored"], 2, "ignored findings are counted: {run}");
}

#[test]
fn gaps_close_unless_the_policy_opens_them() {
    let noise = [0u8, 255, 254, 7].repeat(200);
    let run = |policy: &str| {
        let repo = Repo::new();
        repo.write("portcullis.yml", policy).commit("policy");
        repo.git(&["checkout", "--quiet", "-b", "topic"]);
        repo.write("noise.py", &noise).commit("noise");
        repo.check(&[])
    };
    assert_eq!(run("").exits(3).json()["verdict"], "inconclusive");
    assert_eq!(run("gaps: {unreadable: closed}").exits(3).json()["verdict"], "inconclusive");
    let open = run("gaps: {unreadable: open}").exits(0);
    assert_eq!((open.json()["verdict"].as_str(), open.gaps()), (Some("pass"), vec!["unreadable noise.py".to_owned()]));
    let pass = run("inconclusive: pass").exits(0);
    assert_eq!(pass.json()["verdict"], "inconclusive", "the exit status is lenient, the verdict is not");
}

#[test]
fn limits_are_the_policys() {
    let repo = with_policy("limits: {file-bytes: 20}");
    assert_eq!(repo.check(&[]).exits(3).gaps(), ["size bad.py", "size lib/warn.py"]);
    let repo = with_policy("limits: {change-bytes: 20}");
    assert!(repo.check(&[]).exits(3).gaps().contains(&"size -".to_owned()));
    let repo = with_policy("limits: {depth: 3}");
    assert_eq!(repo.check(&[]).exits(3).gaps(), ["depth bad.py", "depth lib/warn.py"]);
}

fn suppression(more: &str) -> String {
    format!("suppressions:\n  - {{rule: {BAD_RULE}, reason: sandboxed, owner: team-a{more}}}\n")
}

#[test]
fn suppressions_of_the_policy_hold_within_scope_and_time() {
    let run = expect(&suppression(""), &[], 0, "suppressed", "warns");
    assert_eq!(books(&run), [("suppressions[0]".into(), "honoured".into())]);
    let view = &run.json()["suppressions"][0];
    assert_eq!((view["reason"].as_str(), view["owner"].as_str()), (Some("sandboxed"), Some("team-a")));
    expect(&suppression(", expires: 2999-12-31"), &[], 0, "suppressed", "warns");
    let run = expect(&suppression(", expires: 2020-01-31"), &[], 1, "blocks", "warns");
    assert_eq!(books(&run), [("suppressions[0]".into(), "expired".into())]);
    assert_eq!(run.json()["suppressions"][0]["because"], "its last day was 2020-01-31");
    expect(&suppression(", path: '*.py'"), &[], 0, "suppressed", "warns");
    let run = expect(&suppression(", path: 'lib/**'"), &[], 1, "blocks", "warns");
    assert_eq!(books(&run), [("suppressions[0]".into(), "unused".into())]);
}

/// Whoever reads `unused` takes the entry out, so it must not be said of what was not looked at.
#[test]
fn suppression_of_what_was_not_looked_at_is_not_called_unused() {
    let of = |path: &str| format!("  - {{rule: python-weak-hash, reason: r, owner: o{path}}}\n");
    let paths =
        ["", ", path: 'old/**'", ", path: 'bad.py'", ", path: 'lib/**'", ", path: 'l*/gone.py'", ", path: 'mixed/*'"];
    let policy = format!("suppressions:\n{}", paths.map(of).concat());
    let repo = Repo::new();
    for name in ["ok.py", "old/a.py", "mixed/a.py", "mixed/b.py"] {
        repo.write(name, GOOD_PY);
    }
    repo.write("lib/gone.py", "x = 1\n").write("portcullis.yml", &policy).commit("policy");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("bad.py", GOOD_PY).write("lib/warn.py", GOOD_PY).write("mixed/a.py", "y = 2\n").remove("lib/gone.py");
    repo.commit("change");
    let statuses = |run: &Run| books(run).into_iter().map(|(_, status)| status).collect::<Vec<_>>();
    let (not, unused) = ("not-looked-at", "unused");
    assert_eq!(statuses(&repo.check(&[]).exits(0)), [not, not, unused, unused, unused, not]);
    assert_eq!(statuses(&repo.check(&["bad.py"]).exits(0)), [not, not, unused, not, not, not]);
    let shown = repo.call(&["check"]).run().out();
    assert!(shown.contains("suppressions[2]") && !shown.contains("suppressions[1]"), "{shown}");
    let audit = |paths: &[&str]| repo.call(&[&["audit", "-o", "json"], paths].concat()).run();
    assert_eq!(statuses(&audit(&[])), [unused; 6]);
    assert_eq!(statuses(&audit(&["lib"])), [not, not, not, unused, not, not]);
}

#[test]
fn suppression_by_fingerprint_survives_a_move() {
    let finding = with_policy("").check(&[]).json()["findings"][0].clone();
    let fingerprint = finding["fingerprint"].as_str().expect("a fingerprint").to_owned();
    let policy = format!("suppressions:\n  - {{fingerprint: {fingerprint}, reason: known, owner: me}}\n");
    expect(&policy, &[], 0, "suppressed", "warns");
    let repo = with_policy(&policy);
    repo.rename("bad.py", "deep/down/bad2.py").commit("move");
    repo.check(&[]).exits(0);
}

#[test]
fn policy_that_a_change_brings_in_is_not_in_force() {
    let repo = with_policy("");
    repo.write("portcullis.yml", suppression("")).commit("allow myself");
    let run = repo.check(&[]).exits(1);
    assert_eq!(dispositions(&run).0, "blocks");
    assert!(run.findings().contains(&"gate-policy-changed portcullis.yml warns".to_owned()), "{run}");
    assert_eq!(books(&run), []);
}

#[test]
fn policy_comes_from_the_tip_of_the_base() {
    let repo = with_policy("");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.write("portcullis.yml", "fail-on: {severity: none}").commit("relax");
    repo.git(&["checkout", "--quiet", "topic"]);
    assert_eq!(dispositions(&repo.check(&[]).exits(0)).0, "warns");
}

#[test]
fn named_policy_inside_the_repository_is_read_from_the_base() {
    let repo = with_policy("");
    repo.write("ci/gate.yml", "fail-on: {severity: none}").commit("another policy");
    repo.check(&["--config", "ci/gate.yml"])
        .exits(2)
        .says("ci/gate.yml is not in the base commit")
        .says("merge it first");
    let outside = repo.beside("gate.yml");
    std::fs::write(&outside, "fail-on: {severity: none}").unwrap();
    let run = repo.check(&["--config", outside.to_str().unwrap()]).exits(0);
    assert_eq!(dispositions(&run).0, "warns");
    let link = repo.beside("link");
    std::os::unix::fs::symlink(repo.root(), &link).unwrap();
    let through = link.join("ci/gate.yml");
    repo.check(&["--config", through.to_str().unwrap()]).exits(2).says("is not in the base commit");
}

#[test]
fn own_rules_are_read_from_the_base() {
    let rule = "id: python-no-add\nmessage: An own rule\nseverity: high\nconfidence: high\ncwe: [CWE-1]\nmatch: {pattern: forbidden($X)}\nwhy: Because.\nfix: Do not.\nreferences: ['https://example.com/']\nexamples:\n  bad: ['forbidden(1)', 'forbidden(2)']\n  good: ['allowed(1)', 'allowed(2)']\n";
    let repo = Repo::new();
    repo.write("portcullis.yml", "rules: gate/rules\n")
        .write("gate/rules/python/python-no-add.yml", rule)
        .commit("rules");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("a.py", "forbidden(7)\n").commit("use");
    assert_eq!(repo.check(&[]).exits(1).findings(), ["python-no-add a.py blocks"]);
    repo.remove("gate/rules/python/python-no-add.yml").commit("and away with the rule");
    let findings = repo.check(&[]).exits(1).findings();
    let tampering = "gate-policy-changed gate/rules/python/python-no-add.yml warns";
    assert_eq!(findings, ["python-no-add a.py blocks", tampering]);
}

#[test]
fn own_catalogs_are_read_from_the_base_and_checked_when_the_run_begins() {
    let catalog = "gate/rules/python/flow/shop.yml";
    let repo = Repo::new();
    repo.write("portcullis.yml", "rules: gate/rules\n").write("a.py", GOOD_PY).commit("policy");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write(catalog, "library: shop\nsinks:\n  - { call: shop.find, class: sql }\n").commit("catalog");
    let run = repo.check(&[]).exits(0);
    assert_eq!(run.findings(), [format!("gate-policy-changed {catalog} warns")]);
    let before = run.json()["tool"]["rules_digest"].clone();
    repo.git(&["checkout", "--quiet", "-b", "next"]);
    repo.write("a.py", "x = 1\n").commit("change");
    let run = repo.check(&["--base", "topic"]).exits(0);
    assert_ne!(run.json()["tool"]["rules_digest"], before, "a catalog counts in the digest");
    repo.write(catalog, "library: shop\nsinks:\n  - { class: sql }\n").commit("broken");
    repo.write("a.py", "x = 2\n").commit("change");
    repo.check(&["--base", "HEAD~1"]).exits(2).says("has an entry without any of `call`, `assign`, `attribute`");
    let own = repo.path("gate/rules");
    repo.call(&["rules", "test", "--rules", own.to_str().unwrap()]).run().exits(2).says("flow/shop.yml");
}

#[test]
fn baseline_of_the_base_accepts_by_fingerprint_and_count() {
    let repo = Repo::new();
    repo.write("old.py", BAD_PY).write("portcullis.yml", "baseline: gate/baseline.json\n").commit("first");
    std::fs::create_dir_all(repo.path("gate")).unwrap();
    repo.call(&["audit", "-o", "json", "--write-baseline", "gate/baseline.json"]).run().exits(0);
    repo.commit("baseline");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.rename("old.py", "new.py").commit("a move is in the baseline, too");
    assert_eq!(repo.check(&["--all"]).exits(0).findings(), [format!("{BAD_RULE} new.py baseline")]);
    repo.write("again.py", BAD_PY).commit("a second one is not");
    let findings = repo.check(&[]).exits(1).findings();
    assert_eq!(findings.iter().filter(|f| f.ends_with(" blocks")).count(), 1, "{findings:?}");
}

#[test]
fn baseline_that_is_none_is_said() {
    let cases = [
        ("{}", "missing field"),
        ("{\"version\":2,\"findings\":{}}", "its version is 2"),
        ("{\"version\":1,\"findings\":{\"x\":1}}", "`x` is not a fingerprint"),
        ("[", "it is not a baseline"),
    ];
    for (text, message) in cases {
        let repo = Repo::new();
        repo.write("portcullis.yml", "baseline: b.json\n").write("b.json", text).commit("first");
        repo.git(&["checkout", "--quiet", "-b", "topic"]);
        repo.write("a.py", GOOD_PY).commit("change");
        repo.check(&[]).exits(2).says("the baseline b.json cannot be used").says(message);
    }
}

mod inline {
    use super::{BAD_PY, BAD_RULE, GOOD_PY, Repo, books};

    fn marked(comment: &str) -> String {
        BAD_PY.replace("    os.system", &format!("    # {comment}\n    os.system"))
    }

    fn allowed() -> String {
        format!("portcullis: ignore {BAD_RULE} -- names come from a fixed list")
    }

    /// `main` holds `old`, `topic` makes it `new`.
    fn change(policy: &str, old: &str, new: &str) -> Repo {
        let repo = Repo::new();
        repo.write("portcullis.yml", policy).write("a.py", old).commit("first");
        repo.git(&["checkout", "--quiet", "-b", "topic"]);
        repo.write("a.py", new).commit("second");
        repo
    }

    #[test]
    fn comment_that_was_there_does_not_cover_an_edit_of_its_code() {
        let old = marked(&allowed());
        let repo = change("", &old, &old.replace("\"ls \"", "\"rm \""));
        let run = repo.check(&[]).exits(1);
        assert_eq!(run.findings(), [format!("{BAD_RULE} a.py blocks")]);
        assert_eq!(books(&run), [("comment".into(), "not-honoured".into())]);
    }

    #[test]
    fn comment_that_was_there_does_not_cover_code_that_joins_it() {
        let old = GOOD_PY.replace("    return", &format!("    # {}\n    return", allowed()));
        let new = old.replace("    return a + b", "    return os.system(\"ls \" + a)");
        let run = change("", &old, &format!("import os\n\n\n{new}")).check(&[]).exits(1);
        assert_eq!(books(&run), [("comment".into(), "not-honoured".into())]);
    }

    #[test]
    fn comment_that_the_change_adds_is_shown_and_not_honoured() {
        let run = change("", GOOD_PY, &marked(&allowed())).check(&[]).exits(1);
        assert_eq!(run.findings(), [format!("{BAD_RULE} a.py blocks")]);
        let view = run.json()["suppressions"][0].clone();
        assert_eq!((view["status"].as_str(), view["place"].as_str()), (Some("not-honoured"), Some("a.py:5")));
        assert!(
            view["because"].as_str().is_some_and(|b| b.contains("does not cover what the same change brings in")),
            "{view}"
        );
    }

    #[test]
    fn comment_added_for_old_code_changes_nothing_and_is_booked() {
        let run = change("", BAD_PY, &marked(&allowed())).check(&["--all"]).exits(0);
        assert_eq!(books(&run), [("comment".into(), "honoured".into())], "{run}");
    }

    #[test]
    fn policy_may_honour_added_comments_up_to_a_severity() {
        let up_to = |severity: &str| format!("inline-suppressions: {{added-up-to: {severity}}}");
        let allowing = change(&up_to("high"), GOOD_PY, &marked(&allowed()));
        assert_eq!(books(&allowing.check(&[]).exits(0)), [("comment".into(), "honoured".into())]);
        // Who merges has to see what the change let through by itself.
        for format in ["human", "markdown"] {
            let run = allowing.call(&["check", "-o", format]).run().exits(0);
            let shown = run.out().split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(shown.contains("added by this change and honoured, as the policy allows"), "{format}: {shown}");
        }
        change(&up_to("medium"), GOOD_PY, &marked(&allowed())).check(&[]).exits(1);
        change(&up_to("none"), GOOD_PY, &marked(&allowed())).check(&[]).exits(1);
    }

    #[test]
    fn policy_may_switch_comments_off() {
        let old = marked(&allowed());
        let policy = "inline-suppressions: {enabled: false}";
        let run = change(policy, &old, &old.replace("\"ls \"", "\"ls -l \"")).check(&[]).exits(1);
        assert_eq!(books(&run), [("comment".into(), "not-honoured".into())]);
    }

    #[test]
    fn comments_that_cover_nothing_are_reported() {
        let cases = [
            (format!("portcullis: ignore {BAD_RULE}"), "malformed"),
            ("portcullis: ignore -- for no reason".to_owned(), "malformed"),
            (format!("portcullis: ignore {BAD_RULE} until=2020-01-01 -- for a while"), "expired"),
            (format!("portcullis: ignore {BAD_RULE} until=later -- for a while"), "malformed"),
            ("portcullis: ignore python-weak-hash -- another rule".to_owned(), "unused"),
            (format!("portcullis: ignore[{BAD_RULE}] -- as elsewhere"), "malformed"),
        ];
        for (comment, status) in cases {
            let old = marked(&comment);
            let run = change("", &old, &old.replace("\"ls \"", "\"ls -l \"")).check(&[]).exits(1);
            assert_eq!(books(&run), [("comment".into(), status.into())], "{comment}");
        }
    }

    #[test]
    fn text_in_a_string_is_no_comment() {
        let new = BAD_PY.replace("\"ls \"", &format!("\"# {} \"", allowed()));
        let run = change("inline-suppressions: {added-up-to: critical}", GOOD_PY, &new).check(&[]).exits(1);
        assert_eq!(books(&run), []);
    }
}

mod audit {
    use super::{BAD_PY, BAD_RULE, GOOD_PY, Repo, WARN_PY, WARN_RULE};
    use crate::harness::Plain;

    /// Nothing was compared, so no report may speak of a change, of merging, or of a base.
    #[test]
    fn reports_of_an_audit_do_not_speak_of_a_change() {
        let plain = Plain::new();
        let broken = "import yaml\ndef f(x):\n    return (((\n";
        for (name, text) in [("bad.py", BAD_PY), ("good.py", GOOD_PY), ("warn.py", WARN_PY), ("broken.py", broken)] {
            plain.write(name, text);
        }
        plain.write("utf.py", b"\xff\xfe\x00\xd8\x00\x00");
        for format in ["human", "markdown", "github", "junit"] {
            for more in [&["."][..], &["--fail-on", "low", "."], &["good.py"], &["utf.py", "--fail-on", "low"]] {
                let run = plain.call(&[&["audit", "-o", format], more].concat()).run();
                let shown = run.out().to_lowercase();
                for word in ["the change", "this change", "merged", "base branch", "compared"] {
                    assert!(!shown.contains(word), "{format} {more:?} says `{word}`: {shown}");
                }
            }
        }
    }

    #[test]
    fn audit_reports_and_passes_unless_told_otherwise() {
        let plain = Plain::new();
        plain.write("bad.py", BAD_PY).write("lib/warn.py", WARN_PY);
        let run = |args: &[&str]| plain.call(&[&["audit", "-o", "json"], args].concat()).run();
        let report = run(&[]).exits(0);
        assert_eq!(report.findings(), [format!("{BAD_RULE} bad.py warns"), format!("{WARN_RULE} lib/warn.py warns")]);
        assert_eq!(report.json()["command"], "audit");
        run(&["--fail-on", "high"]).exits(1);
        run(&["--fail-on", "critical"]).exits(0);
        run(&["--fail-on", "none"]).exits(0);
        run(&["--fail-on", "low", "lib"]).exits(1);
        run(&["--fail-on", "high", "lib"]).exits(0);
        run(&["no-such-directory"]).exits(2).says("no-such-directory cannot be read");
        run(&["--fail-on", "terrible"]).exits(2);
        plain.write("portcullis.yml", "decisions:\n  - {path: '**', decision: block}\n");
        run(&[]).exits(0);
        plain.write("noise.py", [0u8, 255, 254, 7].repeat(200));
        run(&[]).exits(0);
        run(&["--fail-on", "critical"]).exits(1);
        plain.write("portcullis.yml", "");
        run(&["--fail-on", "critical"]).exits(3);
    }

    #[test]
    fn what_is_skipped_on_purpose_is_said() {
        let repo = Repo::new();
        repo.write(".gitignore", "build/\n").write("build/a.py", BAD_PY).write("node_modules/b.py", BAD_PY);
        repo.write("c.py", format!("# @generated by a tool\n{BAD_PY}")).write("ok.py", GOOD_PY);
        let run = |args: &[&str]| repo.call(&[&["audit", "-o", "json"], args].concat()).run().exits(0);
        let notes = |run: &crate::harness::Run| run.json()["notes"].to_string();
        let all = run(&[]);
        assert_eq!((all.findings().len(), all.left_out("generated")), (0, 1), "{all}");
        assert!(notes(&all).contains("files that .gitignore names were left out; --no-ignore"), "{all}");
        assert!(notes(&all).contains("1 folder of vendored code not entered; --include-vendored"), "{all}");
        let ignored = run(&["--no-ignore"]);
        assert_eq!(ignored.findings(), [format!("{BAD_RULE} build/a.py warns")]);
        assert!(!notes(&ignored).contains(".gitignore"), "{ignored}");
        let vendored = run(&["--include-vendored"]);
        assert_eq!(
            vendored.findings(),
            [format!("{BAD_RULE} c.py warns"), format!("{BAD_RULE} node_modules/b.py warns")]
        );
        assert!(!vendored.out().contains(".git/"), "git's own folder is never entered: {vendored}");
    }

    #[test]
    fn require_input_holds_for_audits_too() {
        let plain = Plain::new();
        plain.write("notes.md", "words\n");
        plain.call(&["audit", "-o", "json"]).run().exits(0);
        plain.call(&["audit", "-o", "json", "--require-input"]).run().exits(4);
    }
}
