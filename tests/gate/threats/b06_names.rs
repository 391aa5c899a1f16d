//! B6: file names that steer terminals, log readers and the runner's command parser.

use crate::harness::{BAD_RULE, Call, Plain, Repo, formats};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

const COUNT: usize = 200;

const PIECES: [&[u8]; 28] = [
    b"\n",
    b"\r",
    b"\r\n",
    b"\x1b[31m",
    b"\x1b]0;title\x07",
    b"\x08\x08",
    b"\x7f",
    b"\t",
    b"\x0b\x0c",
    b"\xc2\x9b31m",
    "\u{202e}".as_bytes(),
    "\u{2066}".as_bytes(),
    "\u{200b}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{feff}".as_bytes(),
    b"\n::set-output name=x::y",
    b"::error::",
    b"##[set-env name=PATH]x",
    b"\n##[add-mask]",
    b"%0A::stop-commands::x",
    b"%0D%0A",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"<img src=x onerror=alert(1)>",
    b"`id`$(id);&|",
    b"]]>\"'--><",
    b"@all #1",
    b"[a](http:b)",
];

/// A generator that gives the same names in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}

/// 200 names, all different, each a Python file; every piece at the beginning of one, ten of them 255 bytes long.
fn names() -> Vec<Vec<u8>> {
    let mut dice = Dice(7);
    let mut names = BTreeSet::new();
    while names.len() < COUNT {
        let i = names.len();
        let mut name: Vec<u8> = PIECES[i % PIECES.len()].to_vec();
        for _ in 0..dice.roll(4) {
            name.extend_from_slice(PIECES[dice.roll(PIECES.len())]);
        }
        name.extend_from_slice(format!("{i}").as_bytes());
        if i % 20 == 19 {
            name.resize(252, b'n');
        }
        name.extend_from_slice(b".py");
        names.insert(name.into_iter().map(|b| if b == b'/' { b'-' } else { b }).collect::<Vec<u8>>());
    }
    assert!(names.iter().filter(|n| n.len() == 255).count() >= 10);
    names.into_iter().collect()
}

fn files() -> Vec<(Vec<u8>, String)> {
    let text = |i: usize| {
        format!("import os\n\n\n# ##[error]\x1b[31m\ndef list_{i}(name):\n    os.system(\"ls ##[error]{i} \" + name)\n")
    };
    names().into_iter().enumerate().map(|(i, name)| (name, text(i))).collect()
}

/// No character steers a reader, and no line is a command to GitHub's runner but those of our own making.
#[track_caller]
fn harmless(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|e| panic!("{what} is not UTF-8: {e}"));
    if let Some(c) = text.chars().find(|c| *c != '\n' && portcullis::path::is_steering(*c)) {
        panic!("{what} holds U+{:04X}", u32::from(c));
    }
    assert!(!text.contains("##["), "{what} holds a command of the old form");
    for line in text.lines().map(str::trim_start).filter(|l| l.starts_with("::")) {
        let ours = ["::error ", "::warning ", "::notice ", "::group::", "::endgroup::", "::stop-commands::"];
        assert!(what == "github" && ours.iter().any(|o| line.starts_with(o)), "{what} holds the command {line}");
        let data = line[2..].split_once("::").expect("properties and data").1;
        assert!(!data.trim_start().starts_with("::"), "{what}: {line}");
    }
}

fn every_format_is_harmless(call: impl Fn(&[&str]) -> Call, summary: &std::path::Path) {
    for format in formats() {
        let call = call(&["-o", &format]).env("GITHUB_STEP_SUMMARY", summary).env("GITHUB_OUTPUT", summary);
        let run = call.run().exits(1);
        assert!(run.stdout.len() > 200, "{format}: {run}");
        harmless(&format, &run.stdout);
        harmless("standard error", &run.stderr);
    }
    harmless("the job summary", &std::fs::read(summary).unwrap_or_default());
}

#[test]
fn b6_two_hundred_hostile_names_in_a_change_are_checked_and_shown_harmless() {
    let repo = Repo::on_topic();
    repo.commit_raw(&files());
    let run = repo.check(&[]).exits(1);
    assert_eq!(run.analysed(), COUNT as u64);
    let findings = run.findings();
    assert_eq!(findings.iter().filter(|f| f.starts_with(BAD_RULE) && f.ends_with(" blocks")).count(), COUNT);
    assert_eq!(findings.iter().collect::<BTreeSet<_>>().len(), COUNT, "two names are shown alike");
    every_format_is_harmless(|args| repo.call(&[&["check"], args].concat()), &repo.beside("summary"));
}

#[test]
fn b6_two_hundred_hostile_names_in_a_tree_are_audited_and_shown_harmless() {
    let plain = Plain::new();
    for (name, text) in files() {
        std::fs::write(plain.path("x").with_file_name(OsStr::from_bytes(&name)), text).unwrap();
    }
    let run = plain.call(&["audit", "-o", "json", "--fail-on", "high"]).run().exits(1);
    assert_eq!((run.analysed(), run.findings().len()), (COUNT as u64, COUNT));
    let summary = plain.path("..").join("summary");
    every_format_is_harmless(|args| plain.call(&[&["audit", "--fail-on", "high"], args].concat()), &summary);
}

#[test]
fn b6_hostile_names_in_gaps_suppressions_and_patches_are_shown_harmless() {
    let hostile = "\u{202e}\x1b[1m\n::error::##[error]";
    let repo = Repo::on_topic();
    let comment = format!("# portcullis: ignore x{hostile} -- y{hostile}\n");
    repo.commit_raw(&[
        (format!("{hostile}noise.py").into_bytes(), "\u{1}\u{0}\u{0}".repeat(300)),
        (b"c.py".to_vec(), comment),
    ]);
    for format in formats() {
        let run = repo.call(&["check", "-o", &format]).run().exits(3);
        harmless(&format, &run.all());
    }
    let run = repo.call(&["check", "--base", hostile]).run().exits(2);
    harmless("standard error", &run.stderr);
    let patch = format!("--- a/x\n+++ \"b/{}.py\"\n@@ -0,0 +1 @@\n+eval(x)\n", "\\033[1m\\n::error::##[x]");
    let run = repo.call(&["check", "-o", "json", "--diff", "-"]).input(patch).run();
    harmless("json", &run.all());
    let run = repo.call(&["check", "-o", hostile, &format!("--{hostile}")]).run().exits(2);
    harmless("standard error", &run.stderr);
    let run = repo.call(&["rules", "show", hostile]).run().exits(2);
    harmless("standard error", &run.stderr);
    let run = repo.call(&["explain", hostile]).run().exits(2);
    harmless("standard error", &run.stderr);
}
