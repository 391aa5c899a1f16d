//! `rules measure`: labelled changes of a real repository, what it says of them, and what a measurement does to a verdict.

use crate::harness::{BAD_PY, BAD_RULE, GOOD_PY, Repo, Run};

/// Precision of the rule that `BAD_PY` breaks, as a rule directory says it.
fn precision(n: u32, real: u32) -> String {
    let entry = format!("{{ rule: {BAD_RULE}, confidence: high, n: {n}, \"true\": {real}, interval: [0, 1] }}");
    format!("date: 2026-11-22\nrules:\n  - {entry}\n")
}

/// A repository whose changes are: the fix of a weakness, a change that brings one in, and two that are ordinary, the
/// second of which a rule is against. The manifest lies beside it.
fn measured() -> (Repo, [String; 5]) {
    let repo = Repo::new();
    let other = BAD_PY.replace("list_files", "show");
    let first = repo.write("app/run.py", BAD_PY).commit("first");
    let fixed = repo.write("app/run.py", GOOD_PY).commit("fix");
    let brought = repo.write("app/show.py", other).commit("brings one in");
    let plain = repo.write("app/plain.py", GOOD_PY).commit("plain");
    let odd = repo.write("app/odd.py", BAD_PY.replace("list_files", "odd")).commit("odd");
    let row = |base: &str, head: &str, more: &str| {
        format!("  - {{ repository: work, base: {base}, head: {head}, {more} }}\n")
    };
    let manifest = [
        "date: 2026-11-22\nchanges:\n",
        &row(&fixed, &first, "label: fix-reversed, class: cmdi, cwe: [CWE-78]"),
        &row(&fixed, &brought, "label: contributing, class: cmdi, cwe: [CWE-78]"),
        &row(&fixed, &brought, "label: contributing, class: xss, cwe: [CWE-79]"),
        &row(&brought, &plain, "label: ordinary"),
        &row(&plain, &odd, "label: ordinary"),
        &row("1111111", &odd, "label: ordinary"),
        "  - { repository: nowhere, base: a, head: b, label: contributing }\n",
    ];
    std::fs::write(repo.beside("changes.yml"), manifest.concat()).expect("a file");
    (repo, [first, fixed, brought, plain, odd])
}

fn measure(repo: &Repo, args: &[&str]) -> Run {
    let always = ["rules", "measure", "--manifest", "../changes.yml", "--repositories", ".."];
    repo.call(&[&always, args].concat()).run()
}

/// What is printed, with commits and the digest of the rules masked.
fn masked(run: &Run, commits: &[String]) -> String {
    let mut text = commits.iter().fold(run.out(), |text, commit| text.replace(&commit[..13], "COMMIT"));
    if let Some((before, after)) = text.split_once(", rules ")
        && let Some((_, rest)) = after.split_once(':')
    {
        text = format!("{before}, rules DIGEST:{rest}");
    }
    text
}

#[test]
fn changes_are_counted_and_what_cannot_be_read_is_said() {
    let (repo, commits) = measured();
    let file = repo.beside("precision.yml");
    let run = measure(&repo, &["--write", file.to_str().expect("a plain path")]).exits(0);
    let written = std::fs::read_to_string(&file).expect("it was written");
    insta::assert_snapshot!("measured", masked(&run, &commits) + "\n-- precision.yml\n" + &written);
    let again = measure(&repo, &["-o", "json"]).exits(0);
    assert_eq!(again.out(), measure(&repo, &["-o", "json", "--threads", "1"]).exits(0).out(), "it is deterministic");
    let json = again.json();
    assert_eq!(json["schema"], "portcullis/measurement/1");
    assert_eq!(json["labels"][2]["all"]["unreadable"], 1);
    assert_eq!(json["rows"][0]["seen"]["findings"][0]["rule"], BAD_RULE);
    let why = json["rows"][6]["unreadable"].as_str().expect("a reason");
    assert!(why.contains("cannot be read"), "{why}");
}

#[test]
fn judgement_beats_the_label() {
    let (repo, commits) = measured();
    let one = |line: u32, head: &str| {
        format!(
            "  - {{ repository: work, head: {head}, path: app/odd.py, line: {line}, rule: {BAD_RULE}, real: true, \
             why: the name comes from a form }}\n"
        )
    };
    let judged = format!("findings:\n{}{}", one(5, &commits[4]), one(99, &commits[4]));
    std::fs::write(repo.beside("judged.yml"), judged).expect("a file");
    let json = measure(&repo, &["--judged", "../judged.yml", "-o", "json"]).exits(0).json();
    assert_eq!(json["labels"][2]["all"]["blocked"], 1);
    assert_eq!(json["labels"][2]["all"]["rightly"], 1, "it is a real weakness after all");
    assert_eq!(json["unused_judgements"].as_array().map(Vec::len), Some(1), "the one for line 99");
}

#[test]
fn manifest_that_is_none_is_refused() {
    let repo = Repo::new();
    let with = |text: &str| {
        std::fs::write(repo.beside("changes.yml"), text).expect("a file");
        measure(&repo, &["--write", "../precision.yml"]).exits(2)
    };
    with("date: 2026-11-22\nchanges: [{ repository: a }]").says("missing field `base`");
    with("date: some day\nchanges: []").says("not a day");
    with("date: 2026-11-22\nchanges: [{ repository: nowhere, base: a, head: b, label: ordinary }]")
        .says("none of the manifest's changes can be read");
    assert!(!repo.beside("precision.yml").exists(), "nothing was measured, so nothing is replaced");
    repo.call(&["rules", "measure", "--manifest", "missing.yml"]).run().exits(2).says("missing.yml cannot be read");
}

/// Checks `BAD_PY` with a rule directory that holds what was measured of its rule.
fn check_with(precision: &str, args: &[&str]) -> Run {
    let repo = Repo::on_topic();
    let directory = repo.beside("own");
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(directory.join("precision.yml"), precision).expect("a file");
    repo.write("bad.py", BAD_PY).commit("change");
    let own = directory.to_str().expect("a plain path").to_owned();
    repo.call(&[&["check", "--rules", &own], args].concat()).run()
}

#[test]
fn rule_measured_below_four_in_five_does_not_block_alone() {
    let json = ["-o", "json"];
    let run = check_with(&precision(21, 13), &json).exits(0);
    let finding = &run.json()["findings"][0];
    assert_eq!((&finding["disposition"], &finding["confidence"]), (&"warns".into(), &"high".into()));
    let measured = serde_json::json!({ "n": 21, "true": 13, "precision": 0.62, "leaves": "medium" });
    assert_eq!(finding["measured"], measured);
    assert!(run.json()["risk"]["score"].as_f64().is_some_and(|risk| risk > 0.0), "it still counts: {run}");
    check_with(&precision(10, 8), &json).exits(1);
    check_with(&precision(9, 0), &json).exits(1);
    // Not by its risk either: nothing else speaks against the change.
    let run = check_with(&precision(21, 13), &["-o", "json", "--fail-on-risk", "10"]).exits(0);
    let reasons = run.json()["reasons"].to_string();
    assert!(reasons.contains("only by rules whose measured precision is too low to block alone"), "{run}");
    check_with("date: 2026-11-22\nrules: [{ rule: x }]", &json).exits(2).says("precision.yml");
    check_with(&precision(3, 4), &json).exits(2).says("larger than its `n`");
}

#[test]
fn measured_precision_is_shown_where_confidence_is() {
    let text = |format: &str| check_with(&precision(21, 13), &["-o", format]).exits(0).out();
    for format in ["human", "markdown"] {
        let text = text(format).replace('\\', "");
        assert!(text.contains("high confidence, measured precision 0.62 of 21 (counts as medium)"), "{text}");
    }
    let sarif: serde_json::Value = serde_json::from_str(&text("sarif")).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["properties"]["measured"]["precision"], 0.62);
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][0]["properties"]["precision"], "medium");
    let repo = Repo::new();
    repo.write("own/precision.yml", precision(21, 13));
    let rules = |args: &[&str]| repo.call(&[&["rules"], args, &["--rules", "own"]].concat()).run().exits(0).out();
    let shown = rules(&["show", BAD_RULE]);
    let line = "high confidence: measured precision 0.62 of 21 (95 %: 0.41 to 0.79), counts as medium\n";
    assert!(shown.contains(line), "{shown}");
    let listed = rules(&["list"]);
    let line = listed.lines().find(|l| l.starts_with(BAD_RULE)).expect("the rule is listed");
    assert!(line.ends_with("(measured precision 0.62 of 21)"), "{line}");
}
