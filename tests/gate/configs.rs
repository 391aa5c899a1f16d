//! Policy files whose names are the assertion: `tests/fixtures/configs/{valid,invalid}/<key>_<why>.yml`.

use crate::harness::{GOOD_PY, Plain, Repo};
use std::path::{Path, PathBuf};

fn fixtures(kind: &str) -> Vec<(String, PathBuf)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/configs").join(kind);
    let mut found: Vec<_> = std::fs::read_dir(directory)
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect();
    found.sort();
    assert!(found.len() >= 10, "{kind} has only {} fixtures", found.len());
    found
}

#[test]
fn every_invalid_policy_is_refused_with_a_message() {
    let plain = Plain::new();
    let mut messages = String::new();
    for (name, path) in fixtures("invalid") {
        plain.write("policy.yml", std::fs::read(&path).expect("a fixture"));
        let run = plain.call(&["config", "check", "policy.yml"]).run();
        assert_eq!(run.status, 2, "{name}: {run}");
        assert!(run.stdout.is_empty(), "{name}: {run}");
        messages.push_str(&format!("{name}\n{}\n", run.err()));
    }
    insta::assert_snapshot!("invalid_policies", messages);
}

#[test]
fn every_valid_policy_is_taken() {
    let plain = Plain::new();
    for (name, path) in fixtures("valid") {
        plain.write("policy.yml", std::fs::read(&path).expect("a fixture"));
        let run = plain.call(&["config", "check", "policy.yml"]).run();
        assert_eq!(run.status, 0, "{name}: {run}");
        assert_eq!(run.out(), "policy.yml is a valid policy\n");
    }
}

#[test]
fn check_refuses_what_config_check_refuses() {
    for (name, path) in fixtures("invalid").into_iter().step_by(9) {
        let repo = Repo::new();
        repo.write("portcullis.yml", std::fs::read(path).expect("a fixture")).commit("policy");
        repo.git(&["checkout", "--quiet", "-b", "topic"]);
        repo.write("a.py", GOOD_PY).commit("change");
        let run = repo.check(&[]);
        assert_eq!(run.status, 2, "{name}: {run}");
        assert!(
            run.err().contains("portcullis.yml at ") && run.err().contains("no verdict was given"),
            "{name}: {run}"
        );
    }
}

#[test]
fn policy_is_found_under_each_of_its_names() {
    for name in ["portcullis.yml", "portcullis.yaml", ".portcullis.yml", ".github/portcullis.yml"] {
        let repo = Repo::new();
        repo.write(name, "fail-on: {severity: critical}").commit("policy");
        repo.git(&["checkout", "--quiet", "-b", "topic"]);
        repo.write("a.py", GOOD_PY).commit("change");
        let policy = repo.check(&[]).exits(0).json()["policy"].clone();
        assert!(policy["source"].as_str().is_some_and(|s| s.starts_with(&format!("{name} at "))), "{policy}");
        assert_eq!(policy["fail_on_severity"], "critical");
    }
}

#[test]
fn policy_that_is_no_file_is_refused() {
    let repo = Repo::new();
    repo.write("elsewhere.yml", "").symlink("elsewhere.yml", "portcullis.yml").commit("a link");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("a.py", GOOD_PY).commit("change");
    repo.check(&[]).exits(2).says("is not a file");
}
