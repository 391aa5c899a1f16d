//! B2: a change edits its own gate. The verdict is that of the policy at base, and the edit is itself reported.

use crate::harness::{BAD_PY, BAD_RULE, GOOD_PY, Repo, Run};

const RULE: &str = "gate/rules/python/python-no-forbidden.yml";
const RULE_TEXT: &str = "id: python-no-forbidden\nmessage: An own rule\nseverity: high\nconfidence: high\ncwe: [CWE-1]\nmatch: {pattern: forbidden($X)}\nwhy: Because.\nfix: Do not.\nreferences: ['https://example.com/']\nexamples:\n  bad: ['forbidden(1)', 'forbidden(2)']\n  good: ['allowed(1)', 'allowed(2)']\n";
const POLICY: &str = "fail-on: {severity: high, confidence: high}\nbaseline: gate/baseline.json\nrules: gate/rules\n";
const NO_BASELINE: &str = "{\"version\":1,\"findings\":{}}\n";
const LENIENT: &str = "fail-on: {severity: none, risk: 101}\ninconclusive: pass\nclassifier: false\ndecisions:\n  - {path: '**', decision: ignore}\n";

type Attack = (&'static str, fn(&Repo, &[String]), &'static [&'static str]);

/// Each attack with the governing files it touches: those are what the report has to name.
const ATTACKS: [Attack; 12] = [
    ("edit the policy", |r, _| done(r.write("portcullis.yml", LENIENT)), &["portcullis.yml"]),
    ("delete the policy", |r, _| done(r.remove("portcullis.yml")), &["portcullis.yml"]),
    (
        "rename the policy and put another in its place",
        |r, _| done(r.rename("portcullis.yml", "docs/old.yml").write(".portcullis.yml", LENIENT)),
        &[".portcullis.yml", "portcullis.yml"],
    ),
    (
        "link the policy to another file",
        |r, _| done(r.remove("portcullis.yml").write("x.yml", LENIENT).symlink("x.yml", "portcullis.yml")),
        &["portcullis.yml"],
    ),
    (
        "submodule in place of the policy",
        |r, _| {
            r.git(&["rm", "--quiet", "--cached", "portcullis.yml"]);
            r.remove("portcullis.yml").submodule("portcullis.yml");
        },
        &["portcullis.yml"],
    ),
    ("policy in another case", |r, _| done(r.write("Portcullis.YML", LENIENT)), &["Portcullis.YML"]),
    ("policy under another name", |r, _| done(r.write(".github/portcullis.yml", LENIENT)), &[".github/portcullis.yml"]),
    (
        "accept the findings in the baseline",
        |r, fingerprints| {
            let counts: Vec<String> = fingerprints.iter().map(|f| format!("\"{f}\":9")).collect();
            r.write("gate/baseline.json", format!("{{\"version\":1,\"findings\":{{{}}}}}", counts.join(",")));
        },
        &["gate/baseline.json"],
    ),
    ("delete the own rule", |r, _| done(r.remove(RULE)), &[RULE]),
    ("weaken the own rule", |r, _| done(r.write(RULE, RULE_TEXT.replace("forbidden($X)", "harmless($X)"))), &[RULE]),
    (
        "suppress in comments",
        |r, _| {
            let comment = |rule: &str| format!("# portcullis: ignore {rule} -- trust me\n");
            let text = BAD_PY.replace("    os.", &format!("    {}    os.", comment(BAD_RULE)));
            r.write("bad.py", format!("{}{}", text, bad_call(&comment("python-no-forbidden"))));
        },
        &[],
    ),
    (
        "ignore lists of every kind",
        |r, _| {
            for name in [
                ".gitignore",
                ".semgrepignore",
                ".portcullisignore",
                ".ignore",
                ".trivyignore",
                ".git-blame-ignore-revs",
            ] {
                r.write(name, "*\n");
            }
            r.write(".gitattributes", "* -diff binary linguist-vendored linguist-generated export-ignore\n");
        },
        &[],
    ),
];

/// Ends a chain of steps.
fn done(_: &Repo) {}

fn bad_call(comment: &str) -> String {
    format!("\n\n{comment}forbidden(7)\n")
}

/// `main` is governed; `topic` brings in one finding of an embedded rule and one of an own rule.
fn governed() -> Repo {
    let repo = Repo::new();
    repo.write("portcullis.yml", POLICY).write("gate/baseline.json", NO_BASELINE).write(RULE, RULE_TEXT);
    repo.write("ok.py", GOOD_PY).commit("governed");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("bad.py", format!("{BAD_PY}{}", bad_call("")));
    repo
}

fn commit(repo: &Repo) {
    // Submodules live only in the index; ignore lists must not keep the change out of the commit.
    let index = repo.git(&["ls-files", "--stage", "portcullis.yml"]);
    if index.starts_with("160000") {
        repo.git(&["add", "--force", "bad.py"]);
    } else {
        repo.git(&["add", "--all", "--force"]);
    }
    repo.commit_index("attack");
}

/// What the base policy decides, without the report of the edit itself.
fn decided(run: &Run) -> Vec<String> {
    let mut findings: Vec<_> = run.findings().into_iter().filter(|f| !f.starts_with("gate-policy-changed ")).collect();
    findings.sort();
    findings
}

#[test]
fn b2_twelve_changes_that_edit_their_own_gate_get_the_base_policys_verdict() {
    let honest = governed();
    honest.commit("honest");
    let expected = honest.check(&[]).exits(1);
    let expected_findings = decided(&expected);
    assert_eq!(
        expected_findings,
        ["python-no-forbidden bad.py blocks".to_owned(), format!("{BAD_RULE} bad.py blocks")]
    );
    let json = expected.json();
    let fingerprints: Vec<String> = json["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| f["fingerprint"].as_str().expect("a fingerprint").to_owned())
        .collect();
    for (name, attack, touched) in ATTACKS {
        let repo = governed();
        attack(&repo, &fingerprints);
        commit(&repo);
        let run = repo.check(&[]);
        assert_eq!(run.status, 1, "{name}: {run}");
        assert_eq!(decided(&run), expected_findings, "{name}");
        assert_eq!(run.json()["policy"]["digest"], json["policy"]["digest"], "{name}");
        assert_eq!(run.json()["tool"]["rules_digest"], json["tool"]["rules_digest"], "{name}");
        let mut reported: Vec<_> =
            run.findings().into_iter().filter(|f| f.starts_with("gate-policy-changed ")).collect();
        reported.sort();
        let wanted: Vec<_> = touched.iter().map(|path| format!("gate-policy-changed {path} warns")).collect();
        assert_eq!(reported, wanted, "{name}");
    }
}

#[test]
fn b2_gate_out_of_reach_is_never_a_pass() {
    let repo = governed();
    let remote = repo.publish_main();
    repo.write("portcullis.yml", LENIENT).commit("lenient");
    repo.git(&["push", "--quiet", "origin", "topic"]);
    let clone = repo.clone_shallow(&remote, "topic", 1, "shallow");
    for args in [&[][..], &["--base", "main"], &["--base", "HEAD~1"], &["--config", "portcullis.yml"]] {
        let run = clone.call(args).run().exits(3);
        assert_eq!(run.json()["verdict"], "inconclusive", "{args:?}");
        assert_eq!(run.json()["policy"]["source"], "built-in defaults", "{args:?}");
    }
}

#[test]
fn b2_base_policy_that_cannot_be_read_is_never_a_pass() {
    let repo = governed();
    repo.commit("change");
    let oid = repo.git(&["rev-parse", "main:portcullis.yml"]);
    let object = repo.path(&format!(".git/objects/{}/{}", &oid[..2], &oid[2..]));
    std::fs::remove_file(object).unwrap();
    repo.check(&[]).exits(2).says("portcullis.yml").says("no verdict was given");
}
