//! B21: references, attributes and configuration that make git run or write something. The marker stays absent, and
//! the answer is the right difference or a clean error.

use crate::harness::{BAD_PY, BAD_RULE, Repo, Run};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

struct Stage {
    repo: Repo,
    marker: PathBuf,
    script: String,
}

impl Stage {
    /// `topic` adds a bad file; `script` writes the marker, whoever runs it.
    fn new() -> Self {
        let repo = Repo::on_topic();
        repo.write("bad.py", BAD_PY).commit("bad");
        let marker = repo.beside("MARKER");
        let script = repo.beside("run-me");
        std::fs::write(&script, format!("#!/bin/sh\necho ran >> '{}'\ncat\n", marker.display())).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { script: script.to_str().unwrap().to_owned(), repo, marker }
    }

    fn config(&self, pairs: &[(&str, &str)]) {
        for (key, value) in pairs {
            self.repo.git(&["config", key, value]);
        }
    }

    /// A hostile reference: `text` with `MARK` for the marker's path.
    fn hostile(&self, text: &str) -> String {
        text.replace("MARK", self.marker.to_str().unwrap())
    }

    fn check(&self) -> Run {
        self.repo.check(&[])
    }
}

/// What the run has to be.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// The finding, and a blocked change.
    Difference,
    /// An error with this status.
    Error(i32),
}

type Case = (&'static str, Answer, fn(&Stage) -> Run);

const CASES: [Case; 21] = [
    ("--base=--upload-pack", Answer::Error(2), |s| s.repo.check(&[&s.hostile("--base=--upload-pack=touch MARK")])),
    ("--base=--output", Answer::Error(2), |s| s.repo.check(&[&s.hostile("--base=--output=MARK")])),
    ("--head=--output", Answer::Error(2), |s| s.repo.check(&["--base", "main", &s.hostile("--head=--output=MARK")])),
    ("a base that begins with a dash", Answer::Difference, |s| {
        s.repo.git(&["update-ref", "refs/heads/--output=x", "main"]);
        s.repo.check(&["--base", "refs/heads/--output=x"])
    }),
    ("GITHUB_BASE_REF", Answer::Error(3), |s| {
        let call = s.repo.call(&["check", "-o", "json"]).env("GITHUB_ACTIONS", "true");
        call.env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_BASE_REF", s.hostile("x;touch MARK;--output=MARK"))
            .run()
    }),
    ("commits of the event", Answer::Error(3), |s| {
        let event = s.repo.beside("event.json");
        let side = s.hostile("--output=MARK");
        let text = format!(r#"{{"pull_request":{{"base":{{"sha":"{side}"}},"head":{{"sha":"{side}"}}}}}}"#);
        std::fs::write(&event, text).unwrap();
        let call = s.repo.call(&["check", "-o", "json", "--deepen"]).env("GITHUB_ACTIONS", "true");
        call.env("GITHUB_EVENT_NAME", "pull_request").env("GITHUB_EVENT_PATH", event).run()
    }),
    ("core.fsmonitor", Answer::Difference, |s| {
        s.config(&[("core.fsmonitor", &s.script)]);
        s.check()
    }),
    ("core.fsmonitor and the index", Answer::Difference, |s| {
        s.config(&[("core.fsmonitor", &s.script)]);
        s.repo.git(&["-c", "core.fsmonitor=false", "reset", "--quiet", "--soft", "main"]);
        s.repo.check(&["--staged"])
    }),
    ("diff.external", Answer::Difference, |s| {
        s.config(&[("diff.external", &s.script)]);
        s.check()
    }),
    ("a text converter", Answer::Difference, |s| {
        s.config(&[("diff.evil.textconv", &s.script), ("diff.evil.command", &s.script), ("diff.evil.binary", "true")]);
        s.repo.write(".gitattributes", "* diff=evil\n").commit_index("attributes");
        s.repo.write(".git/info/attributes", "* diff=evil\n");
        s.check()
    }),
    ("hooks", Answer::Difference, |s| {
        let hooks = s.repo.beside("hooks");
        std::fs::create_dir(&hooks).unwrap();
        for name in [
            "post-index-change",
            "pre-auto-gc",
            "reference-transaction",
            "post-checkout",
            "pre-push",
            "fsmonitor-watchman",
        ] {
            std::fs::copy(&s.script, hooks.join(name)).unwrap();
            std::fs::create_dir_all(s.repo.path(".git/hooks")).unwrap();
            std::fs::copy(&s.script, s.repo.path(".git/hooks").join(name)).unwrap();
        }
        s.config(&[("core.hooksPath", hooks.to_str().unwrap())]);
        s.check()
    }),
    ("filters", Answer::Difference, |s| {
        let names = ["filter.evil.clean", "filter.evil.smudge", "filter.evil.process"];
        names.iter().for_each(|name| s.config(&[(name, &s.script)]));
        s.config(&[("filter.evil.required", "true")]);
        s.repo.write(".git/info/attributes", "* filter=evil\n");
        s.check()
    }),
    ("GIT_EXTERNAL_DIFF", Answer::Difference, |s| {
        let call = s.repo.call(&["check", "-o", "json"]).env("GIT_EXTERNAL_DIFF", &s.script);
        call.env("GIT_PAGER", &s.script).env("GIT_DIFF_OPTS", "--output=x").env("GIT_ASKPASS", &s.script).run()
    }),
    ("included configuration", Answer::Difference, |s| {
        s.repo.write(
            "evil.config",
            format!("[core]\n\tfsmonitor = {0}\n\tpager = {0}\n[diff]\n\texternal = {0}\n", s.script),
        );
        s.config(&[("include.path", "../evil.config"), ("includeIf.gitdir:/.path", "../evil.config")]);
        s.check()
    }),
    ("pagers and aliases", Answer::Difference, |s| {
        let shell = format!("!{}", s.script);
        s.config(&[
            ("core.pager", &s.script),
            ("pager.diff-tree", "true"),
            ("alias.diff-tree", &shell),
            ("alias.cat-file", &shell),
        ]);
        s.check()
    }),
    ("a remote that is a command", Answer::Error(3), |s| {
        let url = s.hostile("ext::sh -c 'touch MARK'");
        s.config(&[
            ("remote.origin.url", &url),
            ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
            ("protocol.ext.allow", "always"),
        ]);
        shallow(s);
        s.repo.check(&["--base", "refs/remotes/origin/main", "--deepen"])
    }),
    ("a remote with its own upload-pack", Answer::Error(3), |s| {
        let other = s.repo.beside("other.git");
        s.repo.git(&["init", "--quiet", "--bare", other.to_str().unwrap()]);
        s.config(&[("remote.origin.url", other.to_str().unwrap()), ("remote.origin.uploadpack", &s.script)]);
        shallow(s);
        s.repo.check(&["--base", "refs/remotes/origin/main", "--deepen"])
    }),
    ("a replaced object", Answer::Difference, |s| {
        let (bad, good) = (s.repo.git(&["rev-parse", "topic:bad.py"]), s.repo.git(&["rev-parse", "topic:app/ok.py"]));
        s.repo.git(&["replace", &bad, &good]);
        s.check()
    }),
    ("a replaced commit", Answer::Difference, |s| {
        s.repo.git(&["replace", "topic", "main"]);
        s.check()
    }),
    ("odd settings for differences", Answer::Difference, |s| {
        s.config(&[
            ("diff.noprefix", "true"),
            ("diff.renames", "copies"),
            ("diff.ignoreSubmodules", "all"),
            ("core.quotePath", "false"),
        ]);
        s.config(&[
            ("diff.orderFile", "/dev/zero.none"),
            ("diff.relative", "true"),
            ("core.attributesFile", "/dev/zero"),
        ]);
        s.config(&[("core.sparseCheckout", "true"), ("core.ignoreCase", "true"), ("core.precomposeUnicode", "true")]);
        crate::harness::Call::new(&s.repo.path("app"), &s.repo.home(), &["check", "-o", "json"]).run()
    }),
    ("a promisor that is a command", Answer::Error(3), |s| {
        let url = s.hostile("ext::sh -c 'touch MARK'");
        s.config(&[
            ("core.repositoryFormatVersion", "1"),
            ("extensions.partialClone", "origin"),
            ("protocol.ext.allow", "always"),
        ]);
        s.config(&[("remote.origin.url", &url), ("remote.origin.promisor", "true")]);
        let oid = s.repo.git(&["rev-parse", "topic:bad.py"]);
        std::fs::remove_file(s.repo.path(&format!(".git/objects/{}/{}", &oid[..2], &oid[2..]))).unwrap();
        s.check()
    }),
];

/// Cuts the history, so that there is something to deepen.
fn shallow(s: &Stage) {
    let head = s.repo.head();
    s.repo.write(".git/shallow", format!("{head}\n"));
}

#[test]
fn b21_hostile_references_attributes_and_settings_run_nothing() {
    let mut wrong = Vec::new();
    for (name, answer, case) in CASES {
        let stage = Stage::new();
        let run = case(&stage);
        let right = match answer {
            Answer::Difference => run.status == 1 && run.findings().contains(&format!("{BAD_RULE} bad.py blocks")),
            Answer::Error(status) => {
                run.status == status && (status == 3 || run.err().contains("no verdict was given"))
            }
        };
        if stage.marker.exists() || !right {
            wrong.push(format!("{name}: wanted {answer:?}, marker {}\n{run}", stage.marker.exists()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), CASES.len(), wrong.join("\n\n"));
}

/// The trap works: git itself runs the script where nothing holds it back.
#[test]
fn b21_marker_appears_where_git_is_not_held_back() {
    let stage = Stage::new();
    stage.config(&[("diff.external", &stage.script)]);
    stage.repo.try_git(&["diff", "main", "topic"], &[]);
    assert!(stage.marker.exists());
}
