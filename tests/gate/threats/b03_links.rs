//! B3: links in the tree lead to files that the gate must neither read nor write, nor wait for.

use crate::harness::{BAD_PY, BAD_RULE, Repo, formats, holds};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const CANARY: &str = "canary-5f3c9a7e1b";

/// An unoptimised program on a busy machine compiles the rules alone for seconds.
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 5 });

/// Eight links on `topic`, and files outside that hold the canary.
fn linked() -> Repo {
    let repo = Repo::on_topic();
    std::fs::write(repo.beside("outside.py"), format!("# {CANARY}\n{BAD_PY}")).unwrap();
    std::fs::write(repo.beside("report.json"), CANARY).unwrap();
    let fifo = repo.beside("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs").success());
    repo.git(&["config", "user.canary", CANARY]);
    repo.symlink("/etc/passwd", "passwd.py").symlink("/dev/zero", "zero.py").symlink("/dev/random", "random.py");
    repo.symlink(&fifo, "fifo.py").symlink("loop.py", "loop.py").symlink("../../..", "up.py");
    repo.symlink("../report.json", "report.json").symlink(".git/config", "config.py");
    repo
}

fn no_canary(name: &str, bytes: &[u8]) {
    for canary in [CANARY.as_bytes(), b"root:x:0:0", b"root:*:0:0"] {
        assert!(!holds(bytes, canary), "{name} holds bytes of a link's target");
    }
}

/// Every format to a file of its own beside the tree, JSON through a link in the checkout too.
fn outputs(repo: &Repo) -> Vec<(String, String)> {
    let place =
        |format: &String| (format.clone(), repo.beside(&format!("out.{format}")).to_string_lossy().into_owned());
    formats().iter().map(place).collect()
}

fn run_all(repo: &Repo, command: &str) {
    let outputs = outputs(repo);
    let mut args: Vec<String> =
        vec![command.into(), "-o".into(), "json".into(), "-o".into(), "json=report.json".into()];
    for (format, path) in &outputs {
        args.extend(["-o".to_owned(), format!("{format}={path}")]);
    }
    let run = repo.call(&args.iter().map(String::as_str).collect::<Vec<_>>()).run();
    assert!(run.took < PATIENCE, "{command} took {:?}", run.took);
    // Six links are named like source and lead to what is none: whether code hides there cannot be told.
    assert_eq!(run.status, if command == "check" { 3 } else { 0 }, "{run}");
    no_canary("standard output", &run.stdout);
    no_canary("standard error", &run.stderr);
    for (format, path) in outputs {
        no_canary(&format, &std::fs::read(Path::new(&path)).unwrap_or_else(|e| panic!("{format}: {e}")));
    }
    let reason = if command == "check" { "symbolic link" } else { "symbolic link or special file" };
    let counted = if command == "check" { 8 } else { 9 };
    let json = run.json();
    let gaps = json["coverage"]["gaps"].as_array().expect("a list");
    let misleading =
        gaps.iter().filter(|g| g["detail"].as_str().is_some_and(|d| d.starts_with("a link named like source")));
    assert_eq!(run.left_out(reason) + misleading.count() as u64, counted, "{run}");
    assert_eq!(std::fs::read_to_string(repo.beside("report.json")).unwrap(), CANARY, "a link's target was written");
    let written = std::fs::symlink_metadata(repo.path("report.json")).unwrap();
    assert!(written.is_file(), "the report takes the place of the link");
}

#[test]
fn b3_eight_links_in_a_change_are_counted_and_not_followed() {
    let repo = linked();
    repo.commit("links");
    run_all(&repo, "check");
}

#[test]
fn b3_eight_links_and_a_fifo_in_a_tree_are_counted_and_not_followed() {
    let repo = linked();
    assert!(Command::new("mkfifo").arg(repo.path("real.py")).status().expect("mkfifo runs").success());
    run_all(&repo, "audit");
}

#[test]
fn b3_linked_directories_are_not_entered() {
    let repo = Repo::on_topic();
    let outside = repo.beside("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("bad.py"), BAD_PY).unwrap();
    repo.symlink(&outside, "inside").symlink(".", "again").commit("links");
    for command in ["check", "audit"] {
        let run = repo.call(&[command, "-o", "json"]).run().exits(0);
        assert!(run.findings().is_empty(), "{command}: {run}");
    }
}

#[test]
fn b3_links_named_like_the_policy_or_the_rules_are_not_followed() {
    let repo = Repo::new();
    std::fs::write(repo.beside("lenient.yml"), "fail-on: {severity: none}\n").unwrap();
    repo.write("portcullis.yml", "rules: gate\nbaseline: base.json\n").symlink("/etc", "gate").commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("bad.py", BAD_PY).commit("second");
    assert_eq!(repo.check(&[]).exits(1).findings(), [format!("{BAD_RULE} bad.py blocks")]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.symlink("../lenient.yml", "base.json").commit("a linked baseline");
    repo.git(&["checkout", "--quiet", "topic"]);
    repo.check(&[]).exits(2).says("base.json").says("is not a file");
}
