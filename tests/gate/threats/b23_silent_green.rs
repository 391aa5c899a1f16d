//! B23: whatever goes wrong, the exit status is a documented one, it is never 0 by accident, and one line says why.

use crate::harness::{BAD_PY, BAD_RULE, Call, GOOD_PY, PROGRAM, Repo, Run, clean, finish};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// `topic` adds one good and one bad file.
fn bad_change() -> Repo {
    let repo = Repo::on_topic();
    repo.write("good.py", GOOD_PY).write("bad.py", BAD_PY).commit("change");
    repo
}

fn good_change() -> Repo {
    let repo = Repo::on_topic();
    repo.write("good.py", GOOD_PY).commit("change");
    repo
}

/// Exactly one line says what went wrong, and it is said that there is no verdict.
#[track_caller]
fn one_clear_line(run: &Run) {
    let err = run.err();
    let lines: Vec<&str> = err.lines().filter(|l| l.starts_with("error: ")).collect();
    assert_eq!(lines.len(), 1, "{run}");
    assert!(err.contains("no verdict was given") || err.contains("the verdict stands"), "{run}");
    assert!(!err.contains("panicked") && !err.contains("RUST_BACKTRACE"), "{run}");
}

/// The report is inconclusive, and its one gap says why.
#[track_caller]
fn inconclusive(run: Run, gap: &str, why: &str) {
    let run = run.exits(3);
    assert_eq!(run.json()["verdict"], "inconclusive");
    assert_eq!(run.gaps(), [gap], "{run}");
    let detail = run.json()["coverage"]["gaps"][0]["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail.contains(why) && !detail.contains('\n'), "{detail}");
}

#[test]
fn b23_01_clone_of_depth_one() {
    let repo = bad_change();
    let remote = repo.publish_main();
    repo.git(&["push", "--quiet", "origin", "topic"]);
    let clone = repo.clone_shallow(&remote, "topic", 1, "runner");
    inconclusive(clone.call(&[]).run(), "base -", "the clone is shallow: fetch more history, or use --deepen");
}

/// A model is advice: without its runtime the rules still block, and a clean change is never passed without a word.
#[test]
fn b23_02_no_model() {
    let without =
        |repo: &Repo| repo.call(&["check", "-o", "json"]).env("ORT_DYLIB_PATH", "/nonexistent/libonnxruntime.so").run();
    assert!(without(&bad_change()).exits(1).findings().contains(&format!("{BAD_RULE} bad.py blocks")));
    let good = without(&good_change());
    let models = good.json()["tool"]["models"].as_array().map_or(0, Vec::len);
    let said = good.gaps().iter().any(|g| g.starts_with("model "));
    assert!(matches!((good.status, said), (3, true)) || (good.status == 0 && !said && models == 0), "{good}");
}

/// Kills the first process that the program starts for analysis, as the kernel does when memory runs out.
fn kill_first_worker(parent: u32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        for entry in std::fs::read_dir("/proc").expect("a proc file system").flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words: Vec<&[u8]> = line.split(|b| *b == 0).collect();
            let ours = stat.rsplit(") ").next().and_then(|s| s.split(' ').nth(1)) == Some(&parent.to_string());
            if ours && words.get(1) == Some(&&b"worker"[..]) {
                return Command::new("kill").args(["-9", &pid.to_string()]).status().is_ok_and(|s| s.success());
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// A file large enough for a process of its own, with work for a while.
fn large_file() -> String {
    (0..24_000).map(|i| format!("def f{i}(a, b):\n    return g(a + {i}, b)\n\n\n")).collect()
}

#[test]
fn b23_03_killed_worker_costs_its_file_only() {
    let repo = bad_change();
    repo.write("large.py", large_file()).commit("large");
    let begin = Instant::now();
    let child = repo.call(&["check", "-o", "json", "--threads", "2"]).start();
    assert!(kill_first_worker(child.id()), "no worker was seen");
    let run = finish(child, begin).exits(1);
    assert_eq!(run.gaps(), ["crash large.py"]);
    assert_eq!(run.findings(), [format!("{BAD_RULE} bad.py blocks")]);
    assert!(run.out().contains("1 part of the change could not be analysed"), "{run}");
}

#[test]
fn b23_03_killed_worker_is_never_a_pass() {
    let repo = good_change();
    repo.write("large.py", large_file()).commit("large");
    let begin = Instant::now();
    let child = repo.call(&["check", "-o", "json"]).start();
    assert!(kill_first_worker(child.id()), "no worker was seen");
    inconclusive(finish(child, begin), "crash large.py", "the worker that analysed it died");
}

/// Ended from outside, the program leaves no report that looks like one, and no exit status that does.
#[test]
fn b23_04_end_signal_leaves_no_verdict() {
    let repo = good_change();
    repo.write("large.py", large_file()).commit("large");
    let report = repo.beside("report.json");
    let begin = Instant::now();
    let to_file = format!("json={}", report.display());
    let child = repo.call(&["check", "-o", "json", "-o", &to_file]).start();
    let pid = child.id().to_string();
    // By then it has begun, and a worker has work for long after.
    std::thread::sleep(Duration::from_millis(200));
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    let run = finish(child, begin);
    assert_eq!(run.status, 128 + 15, "{run}");
    one_clear_line(&run);
    let run = run.says("ended by SIGTERM");
    assert!(run.stdout.is_empty() && !report.exists(), "{run}");
}

#[test]
fn b23_05_full_disk() {
    let run = good_change().call(&["check", "-o", "json=/dev/full"]).run().exits(2);
    one_clear_line(&run);
    let run = run.says("/dev/full cannot be written").says("No space left");
    assert!(run.stdout.is_empty());
    let run = bad_change().call(&["check", "-o", "json=/dev/full"]).run().exits(1);
    one_clear_line(&run);
    run.says("the verdict stands: blocked (exit 1)");
    assert!(std::fs::metadata("/dev/full").is_ok_and(|m| !m.is_file()), "the device was replaced");
    let repo = good_change();
    let mut command = clean(PROGRAM, &repo.home());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    command.current_dir(repo.root()).args(["check", "-o", "json"]).stdout(full).stderr(Stdio::piped());
    let output = command.output().expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output cannot be written"));
}

#[test]
fn b23_06_directory_that_cannot_be_written() {
    for place in ["json=README.md/report.json", "json=no/such/place.json", "json=/proc/version"] {
        let run = good_change().call(&["check", "-o", "json", "-o", place]).run().exits(2);
        one_clear_line(&run);
        run.says("cannot be written");
        let run = bad_change().call(&["check", "-o", place, "-o", "json"]).run().exits(1);
        one_clear_line(&run);
        assert_eq!(run.findings(), [format!("{BAD_RULE} bad.py blocks")], "the other reports are written");
    }
    let run = good_change().call(&["audit", "--write-baseline", "no/such/place.json"]).run().exits(2);
    one_clear_line(&run);
}

fn on_github(repo: &Repo, name: &str, event: &str) -> Run {
    let path = repo.beside("event.json");
    std::fs::write(&path, event).unwrap();
    let call = repo.call(&["check", "-o", "json"]).env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", name);
    call.env("GITHUB_EVENT_PATH", path).run()
}

#[test]
fn b23_07_unknown_event() {
    inconclusive(on_github(&bad_change(), "page_build", "{}"), "base -", "a `page_build` event compares nothing");
}

#[test]
fn b23_08_broken_event() {
    for event in ["", "{", "\"x\"", "{\"pull_request\":7}", "{\"pull_request\":{}}", &"[".repeat(200_000)] {
        inconclusive(
            on_github(&bad_change(), "pull_request", event),
            "base -",
            "event payload of `pull_request` cannot be read",
        );
    }
    for event in ["{}", "[]", "{\"pull_request\":null}"] {
        inconclusive(on_github(&bad_change(), "pull_request", event), "base -", "no base commit found");
    }
    let repo = bad_change();
    let call = repo.call(&["check", "-o", "json"]).env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", "push");
    inconclusive(call.env("GITHUB_EVENT_PATH", "/nonexistent").run(), "base -", "no base commit found");
}

#[test]
fn b23_09_empty_change_passes() {
    let repo = Repo::on_topic();
    repo.publish_main();
    let run = repo.check(&[]).exits(0);
    assert_eq!((run.json()["verdict"].as_str(), run.json()["coverage"]["files"].as_u64()), (Some("pass"), Some(0)));
}

#[test]
fn b23_10_bad_policy() {
    let repo = Repo::new();
    repo.write("portcullis.yml", "fail-on: {severty: high}\n").commit("policy");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("good.py", GOOD_PY).commit("change");
    let run = repo.check(&[]).exits(2);
    one_clear_line(&run);
    run.says("unknown field `severty`").says("did you mean `severity`?");
}

#[test]
fn b23_12_blob_that_a_partial_clone_lacks() {
    let repo = bad_change();
    let remote = repo.publish_main();
    repo.git(&["push", "--quiet", "origin", "topic"]);
    repo.git(&["--git-dir", remote.to_str().unwrap(), "config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", remote.display());
    let clone = repo.beside("partial");
    let into = clone.to_str().unwrap();
    repo.git(&["clone", "--quiet", "--no-checkout", "--filter=blob:none", "--branch", "topic", &url, into]);
    let run = Call::new(&clone, &repo.home(), &["check", "-o", "json"]).run().exits(3);
    assert_eq!(run.gaps(), ["unreadable bad.py", "unreadable good.py"]);
    assert!(run.out().contains("its content is not in this clone"), "{run}");
}

/// Finding renames needs contents, too: without them the difference is still read, as deletions and additions.
#[test]
fn b23_12_rename_in_a_partial_clone() {
    let repo = Repo::new();
    repo.write("old.py", format!("{BAD_PY}\n\n{GOOD_PY}")).write("kept.py", GOOD_PY).commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.rename("old.py", "new.py").write("new.py", format!("{BAD_PY}\n\n{GOOD_PY}\n\nX = 1\n")).commit("second");
    let remote = repo.publish_main();
    repo.git(&["push", "--quiet", "origin", "topic"]);
    repo.git(&["--git-dir", remote.to_str().unwrap(), "config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", remote.display());
    let clone = repo.beside("partial");
    repo.git(&[
        "clone",
        "--quiet",
        "--no-checkout",
        "--filter=blob:none",
        "--branch",
        "topic",
        &url,
        clone.to_str().unwrap(),
    ]);
    let run = Call::new(&clone, &repo.home(), &["check", "-o", "json"]).run().exits(3);
    assert!(run.gaps().contains(&"unreadable new.py".to_owned()), "{run}");
}

#[test]
fn b23_13_no_git() {
    let repo = bad_change();
    let empty = repo.beside("empty");
    std::fs::create_dir(&empty).unwrap();
    let run = repo.call(&["check", "-o", "json"]).env("PATH", &empty).run().exits(2);
    one_clear_line(&run);
    let run = run.says("git cannot be run").says("install git, or give a patch with --diff");
    assert!(run.stdout.is_empty());
    let patch = repo.git(&["diff", "main", "topic"]) + "\n";
    let run = repo.call(&["check", "-o", "json", "--diff", "-"]).env("PATH", &empty).input(patch).run();
    one_clear_line(&run.exits(2));
}

#[test]
fn b23_14_broken_repository() {
    let repo = bad_change();
    std::fs::write(repo.path(".git/HEAD"), "nonsense\n").unwrap();
    one_clear_line(&repo.check(&[]).exits(2));
    let repo = bad_change();
    let tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
    std::fs::remove_file(repo.path(&format!(".git/objects/{}/{}", &tree[..2], &tree[2..]))).unwrap();
    one_clear_line(&repo.check(&[]).exits(2));
}
