//! The hook before a push: real pushes to a real remote through the installed hook.
//!
//! `scripts/push-shapes` prints what each shape of push ends with.

use crate::harness::{BAD_PY, Call, GOOD_PY, PROGRAM, Repo, Run};
use std::path::PathBuf;

/// A repository with the hook installed, and a remote that has `main`.
struct Pushing {
    repo: Repo,
    remote: PathBuf,
}

impl Pushing {
    fn new() -> Self {
        Self::of(Repo::new())
    }

    fn of(repo: Repo) -> Self {
        repo.write("ok.py", GOOD_PY).commit("first");
        let remote = repo.publish_main();
        install(&repo);
        Self { repo, remote }
    }

    fn good(&self, name: &str) -> &Self {
        self.repo.write(&format!("{name}.py"), GOOD_PY.replace("add", name)).commit(name);
        self
    }

    fn bad(&self, name: &str) -> &Self {
        self.repo.write(&format!("{name}.py"), BAD_PY.replace("list_files", name)).commit(name);
        self
    }

    fn push(&self, args: &[&str]) -> Run {
        self.push_with(args, &[])
    }

    fn push_with(&self, args: &[&str], env: &[(&str, &str)]) -> Run {
        let command = self.repo.git_command(&[&["push"], args].concat());
        env.iter().fold(command, |c, (name, value)| c.env(name, value)).run_with(&[])
    }

    /// What the remote has under a reference, or nothing.
    fn at_remote(&self, reference: &str) -> String {
        let path = self.remote.to_str().expect("a plain path");
        self.repo
            .try_git(&["--git-dir", path, "rev-parse", "--verify", "--quiet", reference], &[])
            .out()
            .trim()
            .to_owned()
    }
}

fn install(repo: &Repo) {
    let run = repo.call(&["hook", "install"]).run().exits(0);
    assert!(run.out().starts_with("installed "), "{run}");
}

/// One shape of push: its name, the exit status that git must end with, and the push.
type Shape = (&'static str, i32, fn() -> (Pushing, Run));

/// The fourteen shapes of the probe; a status of 1 is git's own for a push that its hook refuses.
const SHAPES: [Shape; 14] = [
    ("new branch on a remote without a base", 1, || {
        let repo = Repo::new();
        repo.write("ok.py", GOOD_PY).commit("first");
        let remote = repo.beside("remote.git");
        let path = remote.to_str().unwrap();
        repo.git(&["init", "--quiet", "--bare", "--initial-branch=main", path]);
        repo.git(&["remote", "add", "origin", path]);
        install(&repo);
        let p = Pushing { repo, remote };
        let run = p.push(&["origin", "main"]);
        (p, run)
    }),
    ("new branch", 0, || {
        let p = Pushing::new();
        p.repo.git(&["checkout", "--quiet", "-b", "topic"]);
        let run = p.good("one").push(&["origin", "topic"]);
        (p, run)
    }),
    ("fast-forward", 0, || {
        let p = Pushing::new();
        let run = p.good("one").good("two").push(&["origin", "main"]);
        (p, run)
    }),
    ("forced push", 0, || {
        let p = Pushing::new();
        p.good("one").push(&["origin", "main"]).exits(0);
        p.repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        let run = p.good("other").push(&["--force", "origin", "main"]);
        (p, run)
    }),
    ("two references at once", 0, || {
        let p = Pushing::new();
        p.good("one").repo.git(&["branch", "topic"]);
        p.repo.git(&["tag", "v1"]);
        let run = p.push(&["origin", "topic", "v1"]);
        (p, run)
    }),
    ("annotated tag", 0, || {
        let p = Pushing::new();
        p.good("one").repo.git(&["tag", "--annotate", "--message", "x", "v2"]);
        let run = p.push(&["origin", "v2"]);
        (p, run)
    }),
    ("deletion", 0, || {
        let p = Pushing::new();
        p.repo.git(&["push", "--quiet", "--no-verify", "origin", "main:refs/heads/topic"]);
        let run = p.bad("bad").push(&["origin", ":topic"]);
        (p, run)
    }),
    ("commit to a reference of another name", 0, || {
        let p = Pushing::new();
        let run = p.good("one").push(&["origin", "HEAD~0:refs/heads/other"]);
        (p, run)
    }),
    ("everything up to date", 0, || {
        let p = Pushing::new();
        let run = p.push(&["origin", "main"]);
        (p, run)
    }),
    ("dry run", 1, || {
        let p = Pushing::new();
        let run = p.bad("bad").push(&["--dry-run", "origin", "HEAD:refs/heads/dry"]);
        (p, run)
    }),
    ("blocked", 1, || {
        let p = Pushing::new();
        let run = p.bad("bad").push(&["origin", "main"]);
        (p, run)
    }),
    ("blocked, with --no-verify", 0, || {
        let p = Pushing::new();
        let run = p.bad("bad").push(&["--no-verify", "origin", "main"]);
        (p, run)
    }),
    ("by address", 0, || {
        let p = Pushing::new();
        let run = p.good("one").push(&["../remote.git", "HEAD:refs/heads/byurl"]);
        (p, run)
    }),
    ("reference with an odd name", 0, || {
        let p = Pushing::new();
        let run = p.good("one").push(&["origin", "HEAD:refs/heads/-x;echo$IFS"]);
        (p, run)
    }),
];

#[test]
fn fourteen_shapes_of_push_end_as_they_should() {
    let mut wrong = Vec::new();
    for (name, wanted, shape) in SHAPES {
        let (_, run) = shape();
        println!("{:2}  {name}", run.status);
        if run.status != wanted || run.err().contains("panicked") {
            wrong.push(format!("{name}: wanted {wanted}; {run}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The same shapes with a bad file in each: whatever carries it is stopped.
#[test]
fn sha256_repository_is_pushed_and_blocked_alike() {
    let p = Pushing::of(Repo::sha256());
    p.good("one").push(&["origin", "main"]).exits(0);
    assert_eq!(p.at_remote("main").len(), 64);
    let before = p.at_remote("main");
    p.bad("bad").push(&["origin", "main"]).exits(1);
    assert_eq!(p.at_remote("main"), before);
    p.push(&["origin", "HEAD:refs/heads/new"]).exits(1);
    p.push(&["origin", ":new"]);
}

#[test]
fn blocked_push_leaves_the_remote_unchanged() {
    let p = Pushing::new();
    let before = p.at_remote("main");
    let run = p.bad("bad").push(&["origin", "main"]).exits(1);
    assert!(String::from_utf8_lossy(&run.all()).contains("python-os-system-non-constant"), "{run}");
    assert_eq!(p.at_remote("main"), before);
    for refs in [
        &["HEAD:refs/heads/new"][..],
        &["HEAD:refs/heads/-x;echo$IFS"],
        &["main~1:refs/heads/fine", "main:refs/heads/not"],
    ] {
        p.push(&[&["origin"], refs].concat()).exits(1);
    }
    p.repo.git(&["tag", "--annotate", "--message", "x", "v2"]);
    p.push(&["origin", "v2"]).exits(1);
    p.push(&["../remote.git", "HEAD:refs/heads/byurl"]).exits(1);
    let path = p.remote.to_str().unwrap();
    assert_eq!(p.repo.git(&["--git-dir", path, "for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

#[test]
fn new_branch_without_a_base_is_inconclusive_and_says_what_to_do() {
    let (p, run) = (SHAPES[0].2)();
    assert_eq!(p.at_remote("main"), "");
    let said = String::from_utf8_lossy(&run.all()).into_owned();
    assert!(said.contains("no base commit found"), "{said}");
    let oid = p.repo.head();
    let line = format!("refs/heads/main {oid} refs/heads/main {}\n", "0".repeat(40));
    let run = p.repo.call(&["hook", "run", "origin", "x"]).input(line).run().exits(3);
    assert!(run.out().contains("no base commit found"), "{run}");
}

#[test]
fn deletions_and_empty_input_end_at_once() {
    let p = Pushing::new();
    p.bad("bad");
    let zeros = "0".repeat(40);
    let deletion = format!("(delete) {zeros} refs/heads/x {}\n", p.repo.head());
    for input in [deletion.as_str(), ""] {
        let run = p.repo.call(&["hook", "run", "origin", "x"]).input(input).run().exits(0);
        let limit = if cfg!(debug_assertions) { 2_000 } else { 200 };
        assert!(run.stdout.is_empty() && run.took.as_millis() < limit, "{:?} {run}", run.took);
    }
}

#[test]
fn remote_commit_that_this_clone_lacks_falls_back_to_the_remotes_branches() {
    let p = Pushing::new();
    p.repo.git(&["fetch", "--quiet", "origin"]);
    p.bad("bad");
    let line = |remote: &str| format!("refs/heads/main {} refs/heads/main {remote}\n", p.repo.head());
    p.repo.call(&["hook", "run", "origin", "x"]).input(line(&"a".repeat(40))).run().exits(1);
    let run = p.repo.call(&["hook", "run", "nowhere", "x"]).input(line(&"a".repeat(40))).run().exits(3);
    assert!(run.out().contains("no base commit found"), "{run}");
}

#[test]
fn tag_of_no_commit_is_nothing_to_check() {
    let p = Pushing::new();
    let tree = p.repo.git(&["rev-parse", "HEAD^{tree}"]);
    p.repo.git(&["tag", "tree", &tree]);
    p.push(&["origin", "tree"]).exits(0);
}

#[test]
fn commit_that_git_cannot_read_is_never_a_pass() {
    let p = Pushing::new();
    let line = format!("refs/heads/main {} refs/heads/main {}\n", "b".repeat(40), p.repo.head());
    let run = p.repo.call(&["hook", "run", "origin", "x"]).input(line).run();
    assert_ne!(run.status, 0, "{run}");
}

#[test]
fn garbage_on_standard_input_is_a_usage_error() {
    let p = Pushing::new();
    for input in ["one two\n", "a b c d\n", "\u{1b}[31m\n"] {
        p.repo.call(&["hook", "run", "origin", "x"]).input(input).run().exits(2).says("line 1 of the hook's input");
    }
    let long = format!("{}\n", "x".repeat(5 << 20));
    assert_ne!(p.repo.call(&["hook", "run", "origin", "x"]).input(long).run().status, 0);
}

#[test]
fn hook_is_skipped_on_demand() {
    let p = Pushing::new();
    p.bad("bad").push_with(&["origin", "main"], &[("PORTCULLIS_SKIP", "1")]).exits(0);
    assert_eq!(p.at_remote("main"), p.repo.head());
    p.bad("worse").push_with(&["origin", "main"], &[("PORTCULLIS_SKIP", "")]).exits(1);
}

#[test]
fn foreign_hook_is_left_alone_unless_forced() {
    let repo = Repo::new();
    repo.write(".git/hooks/pre-push", "#!/bin/sh\nexit 0\n");
    repo.call(&["hook", "install"]).run().exits(2).says("is not ours").says("--force");
    repo.call(&["hook", "uninstall"]).run().exits(2).says("is not ours");
    assert_eq!(std::fs::read_to_string(repo.path(".git/hooks/pre-push")).unwrap(), "#!/bin/sh\nexit 0\n");
    repo.call(&["hook", "install", "--force"]).run().exits(0);
    repo.call(&["hook", "install"]).run().exits(0);
    let run = repo.call(&["hook", "uninstall"]).run().exits(0);
    assert!(run.out().starts_with("removed ") && !repo.path(".git/hooks/pre-push").exists(), "{run}");
    let run = repo.call(&["hook", "uninstall"]).run().exits(0);
    assert!(run.out().starts_with("there is no hook"), "{run}");
}

/// A compiled hook could not be read as text, and was once replaced.
#[test]
fn foreign_hook_that_is_no_text_is_left_alone() {
    let repo = Repo::new();
    repo.write(".git/hooks/pre-push", [0x7f, b'E', b'L', b'F', 0xff, 0xfe]);
    repo.call(&["hook", "install"]).run().exits(2).says("is not ours");
    repo.call(&["hook", "uninstall"]).run().exits(2).says("is not ours");
    assert_eq!(std::fs::read(repo.path(".git/hooks/pre-push")).unwrap().len(), 6);
}

#[test]
fn hook_goes_where_git_looks_for_it() {
    let repo = Repo::new();
    repo.git(&["config", "core.hooksPath", "tools/hooks"]);
    install(&repo);
    assert!(repo.path("tools/hooks/pre-push").exists() && !repo.path(".git/hooks/pre-push").exists());
    let repo = Pushing::new().repo;
    let tree = repo.beside("tree");
    repo.git(&["worktree", "add", "--quiet", tree.to_str().unwrap()]);
    let run = Call::new(&tree, &repo.home(), &["hook", "uninstall"]).run().exits(0);
    assert!(run.out().starts_with("removed "), "{run}");
}

#[test]
fn hook_works_from_a_linked_worktree_and_a_subdirectory() {
    let p = Pushing::new();
    let tree = p.repo.beside("tree");
    p.repo.git(&["worktree", "add", "--quiet", "-b", "topic", tree.to_str().unwrap()]);
    std::fs::write(tree.join("bad.py"), BAD_PY).unwrap();
    std::fs::create_dir(tree.join("deep")).unwrap();
    let in_tree = |args: &[&str]| p.repo.try_git(&[&["-C", tree.join("deep").to_str().unwrap()], args].concat(), &[]);
    in_tree(&["add", ":/"]).exits(0);
    in_tree(&["commit", "--quiet", "--message", "bad"]).exits(0);
    in_tree(&["push", "origin", "topic"]).exits(1);
}

#[test]
fn hook_without_the_program_stops_the_push() {
    let p = Pushing::new();
    let hook = p.repo.path(".git/hooks/pre-push");
    let text = std::fs::read_to_string(&hook).unwrap();
    std::fs::write(&hook, text.replace(PROGRAM, "/nonexistent/portcullis")).unwrap();
    let run = p.good("one").push(&["origin", "main"]).exits(1);
    run.says("portcullis is not installed; no verdict was given");
}

mod pre_commit {
    use super::{Pushing, Run};

    fn hook(p: &Pushing, env: &[(&str, &str)]) -> Run {
        let call = p.repo.call(&["hook", "run"]).env("PRE_COMMIT", "1").env("PRE_COMMIT_REMOTE_NAME", "origin");
        call.envs(env).run()
    }

    #[test]
    fn both_ends_come_from_the_environment() {
        let p = Pushing::new();
        let before = p.repo.head();
        let after = p.bad("bad").repo.head();
        p.good("later");
        hook(&p, &[("PRE_COMMIT_FROM_REF", &before), ("PRE_COMMIT_TO_REF", &after)]).exits(1);
        hook(&p, &[("PRE_COMMIT_FROM_REF", &after), ("PRE_COMMIT_TO_REF", &p.repo.head())]).exits(0);
    }

    /// The push of a whole history names no ends; it was once taken for an empty push, and passed.
    #[test]
    fn push_of_a_whole_history_is_not_a_pass() {
        let p = Pushing::new();
        p.bad("bad");
        hook(&p, &[("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/main")]).exits(1);
        p.repo.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
        let run = hook(&p, &[("PRE_COMMIT_LOCAL_BRANCH", "refs/heads/main")]).exits(3);
        assert!(run.out().contains("no base commit found"), "{run}");
    }

    /// `PRE_COMMIT_HOME` and the like are settings of the user, not a call by pre-commit.
    #[test]
    fn settings_of_pre_commit_are_no_call_by_it() {
        let p = Pushing::new();
        let before = p.at_remote("main");
        p.bad("bad")
            .push_with(&["origin", "main"], &[("PRE_COMMIT_HOME", "/tmp"), ("PRE_COMMIT_COLOR", "never")])
            .exits(1);
        assert_eq!(p.at_remote("main"), before);
    }
}
