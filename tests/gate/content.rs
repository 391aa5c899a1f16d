//! What a change can hold, each kind handled and each counted where it is not analysed.

use crate::harness::{BAD_PY, BAD_RULE, GOOD_PY, Plain, Repo, WARN_PY, WARN_RULE};

fn blocked(path: &str) -> Vec<String> {
    vec![format!("{BAD_RULE} {path} blocks")]
}

/// `main` holds the bad file, `topic` is where the test goes on.
fn with_old_finding() -> Repo {
    let repo = Repo::new();
    repo.write("app/old.py", BAD_PY).write("app/other.py", GOOD_PY).commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo
}

#[test]
fn pure_rename_brings_in_nothing() {
    let repo = with_old_finding();
    repo.rename("app/old.py", "lib/new.py").commit("move");
    let run = repo.check(&["--all"]).exits(0);
    assert_eq!(run.findings(), [format!("{BAD_RULE} lib/new.py existing")]);
    assert_eq!(run.json()["coverage"]["added_lines"], 0);
}

#[test]
fn renamed_and_edited_file_brings_in_only_the_edit() {
    let repo = with_old_finding();
    let edited = format!("{BAD_PY}\n\ndef more(name):\n    return os.popen(\"cat \" + name)\n");
    repo.rename("app/old.py", "lib/new.py").write("lib/new.py", &edited).commit("move and edit");
    let run = repo.check(&["--all"]).exits(1);
    let findings = run.findings();
    assert!(findings.contains(&format!("{BAD_RULE} lib/new.py existing")), "{findings:?}");
    assert_eq!(findings.iter().filter(|f| f.ends_with(" blocks")).count(), 1, "{findings:?}");
}

#[test]
fn moved_function_is_old_and_a_copied_one_is_new() {
    let repo = with_old_finding();
    repo.write("app/old.py", "import os\n").write("app/other.py", format!("{GOOD_PY}\n\n{BAD_PY}")).commit("move");
    let run = repo.check(&["--all"]).exits(0);
    assert_eq!(run.findings(), [format!("{BAD_RULE} app/other.py existing")]);
    repo.write("app/old.py", BAD_PY).commit("and now a copy");
    let run = repo.check(&["--all"]).exits(1);
    assert_eq!(run.json()["counts"]["blocks"], 1, "{run}");
    assert_eq!(run.json()["counts"].get("existing").and_then(serde_json::Value::as_u64).unwrap_or(0), 0, "{run}");
}

#[test]
fn reformatted_code_is_old() {
    let repo = with_old_finding();
    let reformatted = BAD_PY.replace("os.system(\"ls \" + name)", "os.system(\n        \"ls \"\n        + name\n    )");
    repo.write("app/old.py", reformatted).commit("reformat");
    let run = repo.check(&["--all"]).exits(0);
    assert_eq!(run.findings(), [format!("{BAD_RULE} app/old.py existing")]);
}

#[test]
fn edit_that_leaves_an_old_finding_as_bad_as_it_was_does_not_block() {
    let get =
        |more: &str| format!("import requests\n\n\ndef load(url):\n    return requests.get(url, verify=False{more})\n");
    let repo = Repo::new();
    repo.write("a.py", get("")).commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("a.py", get(", allow_redirects=False")).commit("edit");
    let run = repo.check(&["--fail-on-risk", "10"]).exits(0);
    // That a caller decides about the address is a hint about the call as it now is.
    let hint = "python-flow-ssrf a.py advisory";
    assert_eq!(run.findings(), ["python-tls-verification-off a.py warns", hint]);
    assert_eq!(run.json()["findings"][0]["origin"], "altered", "{run}");
    let second =
        get(", allow_redirects=False").replace("    return", "    requests.get(url + '/b', verify=False)\n    return");
    repo.write("a.py", second).commit("and one more");
    repo.check(&[]).exits(1);
}

#[test]
fn rule_speaks_once_in_a_generated_file_and_still_blocks() {
    let repo = Repo::new();
    repo.write("a.py", GOOD_PY).commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    let call = |name: &str| format!("function {name}(a){{eval(a+\"{}\")}}", "x".repeat(400));
    let names: Vec<String> = (0..8).map(|n| call(&format!("f{n}"))).collect();
    repo.write("web/app.js", names.join(";") + "\n").write("plain.js", names.join("\n")).commit("bundle");
    let run = repo.check(&[]).exits(1);
    let of = |path: &str| run.findings().iter().filter(|f| f.contains(path)).count();
    assert_eq!((of("web/app.js"), of("plain.js")), (1, 8), "{run}");
    assert!(run.json()["notes"].to_string().contains("7 more of its findings"), "{run}");
}

#[test]
fn hint_in_a_generated_file_does_not_stand_for_a_proven_flow() {
    let repo = Repo::new();
    repo.write("a.py", GOOD_PY).commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    let hint = "def load(p):\n    return open('/srv/' + p).read()\n";
    let proven = "@app.route('/r')\ndef read():\n    return open('/srv/' + request.args['y']).read()\n";
    let text = format!("from flask import Flask, request\n\napp = Flask(__name__)\n\n{hint}\n{proven}");
    repo.write("api_pb2.py", text).commit("generated, it says");
    let run = repo.check(&[]).exits(1);
    assert!(run.findings().contains(&"python-flow-path api_pb2.py blocks".to_owned()), "{run}");
}

#[test]
fn deletion_is_counted_and_its_findings_are_fixed() {
    let repo = with_old_finding();
    repo.remove("app/old.py").commit("delete");
    let run = repo.check(&[]).exits(0);
    assert_eq!((run.left_out("deleted"), run.analysed()), (1, 0));
    assert_eq!(run.json()["fixed"][0]["rule"], BAD_RULE);
}

#[test]
fn what_is_no_source_is_counted_by_kind() {
    let repo = Repo::on_topic();
    repo.write("logo", b"\x89PNG\0\0\0\0")
        .write("notes.md", "# Notes\n")
        .symlink("app/ok.py", "link.py")
        .symlink("README.md", "link");
    repo.git(&["add", "--all"]);
    repo.submodule("vendor/lib.py").commit_index("odd things");
    let run = repo.check(&[]).exits(0);
    for reason in ["binary", "other language or format", "symbolic link", "submodule"] {
        assert_eq!(run.left_out(reason), 1 + u64::from(reason == "symbolic link"), "{reason}: {run}");
    }
    assert_eq!((run.json()["coverage"]["files"].as_u64(), run.analysed()), (Some(5), 0));
}

#[test]
fn file_in_place_of_a_link_is_new_code() {
    let repo = Repo::on_topic();
    repo.symlink("ok.py", "app/link.py").commit("a link");
    repo.git(&["branch", "--force", "main"]);
    repo.remove("app/link.py").write("app/link.py", BAD_PY).commit("now a file");
    assert_eq!(repo.check(&["--base", "main"]).exits(1).findings(), blocked("app/link.py"));
}

#[test]
fn line_endings_alone_bring_in_nothing() {
    let repo = with_old_finding();
    repo.write("app/old.py", BAD_PY.replace('\n', "\r\n")).commit("to CRLF");
    let run = repo.check(&["--all"]).exits(0);
    assert_eq!(run.findings(), [format!("{BAD_RULE} app/old.py existing")]);
    assert_eq!(run.json()["coverage"]["added_lines"], 0);
}

#[test]
fn encodings_are_read_and_said() {
    let utf16 = |order: fn(u16) -> [u8; 2], mark: [u8; 2]| {
        mark.into_iter().chain(BAD_PY.encode_utf16().flat_map(order)).collect::<Vec<u8>>()
    };
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("le.py", utf16(u16::to_le_bytes, [0xff, 0xfe]), "decoded from UTF-16LE"),
        ("be.py", utf16(u16::to_be_bytes, [0xfe, 0xff]), "decoded from UTF-16BE"),
        ("bytes.py", [b"# caf\xe9\n", BAD_PY.as_bytes()].concat(), "invalid bytes read as U+FFFD"),
        ("nul.py", [b"# \0\n", BAD_PY.as_bytes()].concat(), "NUL characters read as spaces"),
        ("cr.py", BAD_PY.replace('\n', "\r").into_bytes(), "carriage returns read as line ends"),
        ("bom.py", [b"\xef\xbb\xbf", BAD_PY.as_bytes()].concat(), ""),
    ];
    for (name, bytes, note) in cases {
        let repo = Repo::on_topic();
        repo.write(name, bytes).commit(name);
        let run = repo.check(&[]).exits(1);
        assert_eq!(run.findings(), blocked(name));
        assert!(note.is_empty() || run.out().contains(&format!("{name}: {note}")), "{run}");
    }
}

#[test]
fn source_that_is_mostly_no_text_is_a_gap() {
    let repo = Repo::on_topic();
    repo.write("noise.py", [0u8, 255, 254, 7].repeat(200)).commit("noise");
    let run = repo.check(&[]).exits(3);
    assert_eq!(run.gaps(), ["unreadable noise.py"]);
}

#[test]
fn file_over_the_size_cap_is_a_gap() {
    let repo = Repo::on_topic();
    repo.write("big.py", "x = 1\n".repeat(400_000)).write("data.csv", "1,2\n".repeat(700_000)).commit("big");
    let run = repo.check(&[]).exits(3);
    assert_eq!(run.gaps(), ["size big.py"]);
    assert_eq!(run.left_out("other language or format"), 1);
}

#[test]
fn attributes_and_ignore_files_of_the_change_hide_nothing() {
    let marks =
        ["*.py -diff", "*.py binary", "*.py diff=none filter=lfs -text", "*.py linguist-vendored linguist-generated"];
    for attributes in marks {
        let repo = Repo::on_topic();
        repo.write(".gitattributes", format!("{attributes}\n")).write(".gitignore", "*.py\napp/\n");
        repo.write("app/bad.py", BAD_PY)
            .write("node_modules/x.py", WARN_PY)
            .write("gen.min.py", format!("# @generated\n{WARN_PY}"));
        repo.git(&["add", "--all", "--force"]);
        repo.commit_index("hidden");
        let findings = repo.check(&[]).exits(1).findings();
        let expected = [
            format!("{BAD_RULE} app/bad.py blocks"),
            format!("{WARN_RULE} gen.min.py warns"),
            format!("{WARN_RULE} node_modules/x.py warns"),
        ];
        assert_eq!(findings, expected, "{attributes}");
    }
}

#[test]
fn script_without_an_extension_is_known_by_its_first_line() {
    let repo = Repo::on_topic();
    repo.write("bin/tool", format!("#!/usr/bin/env python3\n{BAD_PY}")).commit("a script");
    assert_eq!(repo.check(&[]).exits(1).findings(), blocked("bin/tool"));
}

#[test]
fn file_with_parse_errors_is_analysed_as_far_as_it_goes() {
    let repo = Repo::on_topic();
    repo.write("half.py", format!("{BAD_PY}\n\ndef broken(:\n    pass\n")).commit("broken");
    assert_eq!(repo.check(&[]).exits(1).findings(), blocked("half.py"));
}

#[test]
fn code_that_cannot_be_parsed_at_all_is_a_gap() {
    let repo = Repo::on_topic();
    repo.write("junk.py", "%%% ((( ??? ]]] $$$\n".repeat(20)).commit("junk");
    let run = repo.check(&[]).exits(3);
    assert_eq!(run.gaps(), ["syntax junk.py"]);
}

#[test]
fn patch_needs_no_repository() {
    let repo = Repo::on_topic();
    repo.write("bad.py", BAD_PY).write("app/ok.py", format!("{GOOD_PY}\n\n{WARN_PY}")).commit("change");
    let patch = repo.git(&["diff", "main", "topic"]) + "\n";
    let plain = Plain::new();
    plain.write("change.patch", &patch);
    let expected = [format!("{BAD_RULE} bad.py blocks"), format!("{WARN_RULE} app/ok.py warns")];
    let run = plain.call(&["check", "-o", "json", "--diff", "change.patch"]).run().exits(1);
    assert_eq!(run.findings(), expected);
    let run = plain.call(&["check", "-o", "json", "--diff", "-"]).input(&patch).run().exits(1);
    assert_eq!(run.findings(), expected);
    assert!(run.out().contains("the patch shows parts of files"), "{run}");
    assert_eq!(plain.call(&["check", "-o", "json", "--diff", "-"]).input("").run().exits(0).analysed(), 0);
    plain.call(&["check", "--diff", "-"]).input("hello\n").run().exits(2).says("no file header");
    plain.call(&["check", "--diff", "no.patch"]).run().exits(2).says("no.patch cannot be read");
    plain.call(&["check"]).run().exits(2).says("not inside a git repository").says("--diff");
}

#[test]
fn old_code_around_a_patch_is_not_new() {
    let repo = with_old_finding();
    repo.write("app/old.py", BAD_PY.replace("import os", "import os\nimport sys")).commit("add an import");
    let patch = repo.git(&["diff", "main", "topic"]) + "\n";
    let run = Plain::new().call(&["check", "-o", "json", "--diff", "-"]).input(patch).run().exits(0);
    assert_eq!(run.json()["counts"].get("blocks"), None, "{run}");
}

#[test]
fn staged_change_is_the_index_and_not_the_work_tree() {
    let repo = Repo::on_topic();
    repo.write("staged.py", BAD_PY);
    repo.git(&["add", "staged.py"]);
    repo.write("staged.py", GOOD_PY).write("unstaged.py", BAD_PY);
    let run = repo.check(&["--staged"]).exits(1);
    assert_eq!(run.findings(), blocked("staged.py"));
    assert_eq!(run.json()["change"]["head_reason"], "the index");
    repo.check(&["--staged", "--base", "main"]).exits(2);
    Repo::new().check(&["--staged"]).exits(2).says("no commit yet");
}

#[test]
fn paths_limit_the_check_and_the_report_says_so() {
    let repo = Repo::on_topic();
    repo.write("a/bad.py", BAD_PY).write("ab/bad.py", BAD_PY).commit("two");
    let run = repo.check(&["a"]).exits(1);
    assert_eq!(run.findings(), blocked("a/bad.py"));
    assert!(run.out().contains("limited to a"), "{run}");
    assert_eq!(repo.check(&["./ab/bad.py"]).exits(1).findings(), blocked("ab/bad.py"));
    let typo = repo.check(&["aa"]).exits(2);
    assert!(typo.err().contains("there is no `aa`"), "{typo}");
}

#[test]
fn existing_findings_never_block() {
    let repo = with_old_finding();
    repo.write("app/old.py", format!("{BAD_PY}\n\ndef fine():\n    return 1\n")).commit("touch");
    let run = repo.check(&["--all"]).exits(0);
    assert_eq!(run.findings(), [format!("{BAD_RULE} app/old.py existing")]);
    assert_eq!(run.json()["risk"]["score"], 0.0);
}

#[test]
fn empty_change_passes_unless_input_is_required() {
    let repo = Repo::on_topic();
    let run = repo.check(&["--base", "main"]).exits(0);
    assert_eq!((run.json()["verdict"].as_str(), run.analysed()), (Some("pass"), 0));
    repo.check(&["--base", "main", "--require-input"]).exits(4);
    repo.write("notes.md", "only words\n").commit("words");
    repo.check(&["--require-input"]).exits(4);
    repo.write("new.py", GOOD_PY).commit("code");
    repo.check(&["--require-input"]).exits(0);
    repo.write("bad.py", BAD_PY).commit("bad code");
    repo.check(&["--require-input"]).exits(1);
}

#[test]
fn wrong_command_lines_are_usage_errors() {
    let repo = Repo::on_topic();
    repo.write("new.py", GOOD_PY).commit("a change");
    let wrong: [&[&str]; 10] = [
        &["--no-such-option"],
        &["--output", "jsn"],
        &["--output", "json="],
        &["--fail-on-severity", "terrible"],
        &["--fail-on-risk", "-1"],
        &["--fail-on-risk", "many"],
        &["--staged", "--diff", "x"],
        &["--base", "main", "--diff", "x"],
        &["--config", "no-such-policy.yml"],
        &["--rules", "/nonexistent"],
    ];
    for args in wrong {
        let run = repo.call(&[&["check"], args].concat()).run().exits(2);
        assert!(!run.stderr.is_empty() && run.stdout.is_empty(), "{args:?}: {run}");
    }
    repo.call(&["check", "--output", "jsn"]).run().exits(2).says("did you mean `json`?");
    repo.call(&[]).run().exits(2);
    repo.call(&["no-such-command"]).run().exits(2);
}

#[test]
fn script_that_can_be_run_is_read_whatever_its_name() {
    let script = format!("#!/usr/bin/env -S uv run --script\n{BAD_PY}");
    let repo = Repo::on_topic();
    repo.write("tool.txt", &script).write("notes.txt", &script).run_bit("tool.txt").commit("a script");
    let run = repo.check(&[]).exits(1);
    assert_eq!(run.findings(), blocked("tool.txt"));
    assert_eq!(run.left_out("other language or format"), 1);
    repo.write("bin/nul", format!("#!/usr/bin/pypy3\n# \0\n{BAD_PY}")).commit("a NUL");
    let findings = repo.check(&[]).exits(1).findings();
    assert!(findings.contains(&format!("{BAD_RULE} bin/nul blocks")), "{findings:?}");
}

#[test]
fn script_that_cannot_be_read_is_a_gap() {
    let repo = Repo::on_topic();
    repo.write("run", "x = 1\n".repeat(400_000)).write("data", "1,2\n".repeat(700_000));
    repo.write("noise", [b"#!/usr/bin/node\n".as_slice(), &[255; 200]].concat()).run_bit("run").commit("scripts");
    let run = repo.check(&[]).exits(3);
    assert_eq!(run.gaps(), ["unreadable noise", "size run"]);
    assert_eq!(run.left_out("other language or format"), 1);
}

#[test]
fn link_named_like_source_to_something_else_is_a_gap() {
    let repo = Repo::on_topic();
    repo.write("app.txt", BAD_PY).symlink("app.txt", "app.py").symlink("a\u{202e}.txt", "b.py");
    repo.symlink("app/ok.py", "c.py").symlink("app.txt", "other").commit("links");
    let run = repo.check(&[]).exits(3);
    assert_eq!(run.gaps(), ["unreadable app.py", "unreadable b.py"]);
    assert!(run.out().contains("a link named like source to `app.txt`"), "{run}");
    assert!(!run.out().contains('\u{202e}'), "{run}");
    assert_eq!(run.left_out("symbolic link"), 2);
    let audit = repo.call(&["audit", "-o", "json"]).run();
    assert_eq!(audit.gaps(), ["unreadable app.py", "unreadable b.py"]);
}

#[test]
fn declared_encoding_is_read_or_is_a_gap() {
    let repo = Repo::on_topic();
    let latin = [b"# coding: latin-1\n# ".as_slice(), &[0xe9; 200], b"\n", BAD_PY.as_bytes()].concat();
    repo.write("latin.py", latin).commit("Latin-1");
    let run = repo.check(&[]).exits(1);
    assert_eq!(run.findings(), blocked("latin.py"));
    assert!(run.out().contains("latin.py: decoded from windows-1252"), "{run}");
    let repo = Repo::on_topic();
    repo.write("esc.py", "# coding: unicode_escape\n# \\nimport os; os.system(input())\n").commit("escapes");
    let run = repo.check(&[]).exits(3);
    assert_eq!(run.gaps(), ["unreadable esc.py"]);
    assert!(run.out().contains("declares the encoding `unicode_escape`"), "{run}");
}

#[test]
fn change_over_the_total_limit_is_not_read() {
    let repo = Repo::new();
    repo.write(".portcullis.yml", "version: 1\nlimits: {change-bytes: 100000}\n").commit("policy");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    // The same content many times over is little to store and much to read.
    let big = "x = 1\n".repeat(1_000);
    for i in 0..20 {
        repo.write(&format!("f{i}.py"), &big);
    }
    repo.commit("many");
    let run = repo.check(&[]).exits(3);
    assert!(run.gaps().contains(&"size -".to_owned()), "{run}");
    assert!(run.out().contains("120000 bytes of source, over the limit of 100000"), "{run}");
    assert_eq!(run.analysed(), 0);
}

#[test]
fn patch_that_hides_source_does_not_pass() {
    let repo = Repo::on_topic();
    repo.write(".gitattributes", "*.py -diff\n").write("bad.py", BAD_PY).write("i.png", b"\x89PNG\0").commit("hidden");
    let patch = repo.git(&["diff", "main", "topic"]) + "\n";
    let check = |patch: &str| Plain::new().call(&["check", "-o", "json", "--diff", "-"]).input(patch).run();
    let run = check(&patch).exits(3);
    assert_eq!((run.gaps(), run.left_out("binary")), (vec!["unreadable bad.py".to_owned()], 1));
    assert!(run.out().contains("the patch does not show its content"), "{run}");
    let head = "--- a/x.py\n+++ b/x.py\n@@ -1 +1,2 @@\n x\n+y\n";
    check(&format!("{head}\n@@ -9 +10,2 @@\n x\n+eval(y)\n")).exits(2).says("line 7").says("belongs to no file");
    check("diff --cc x.py\n--- a/x.py\n+++ b/x.py\n@@@ -1,1 -1,1 +1,2 @@@\n  x\n++y\n").exits(2).says("combined diff");
}

#[test]
fn network_is_asked_only_on_request_and_a_missing_runtime_is_a_gap() {
    let repo = Repo::on_topic();
    repo.write("a.py", GOOD_PY).commit("change");
    let models = |run: &crate::harness::Run| run.json()["tool"]["models"].as_array().map_or(0, Vec::len);
    assert_eq!(models(&repo.check(&[]).exits(0)), 0);
    let asked = repo.check(&["--classifier"]).exits(0);
    assert_eq!(models(&asked), 1);
    let broken =
        repo.call(&["check", "--classifier", "-o", "json"]).env("ORT_DYLIB_PATH", "/nonexistent/lib.so").run().exits(3);
    assert!(broken.out().contains("/nonexistent/lib.so"), "{broken}");
}

#[test]
fn a_constant_call_of_what_others_can_call_settles_nothing() {
    let run = |tail: &str| {
        let repo = Repo::new();
        repo.write("z.txt", "").commit("first");
        repo.git(&["checkout", "--quiet", "-b", "topic"]);
        repo.write("a.py", format!("{BAD_PY}{tail}")).commit("change");
        repo.check(&["--base", "main"])
    };
    run("").exits(1);
    run("\n\nlist_files(\"a\")\n").exits(1);
    run("\n\nif __name__ == \"__main__\":\n    list_files(\"a\")\n").exits(1);
}

#[test]
fn a_stranger_s_key_may_be_one_that_is_known() {
    let repo = Repo::new();
    repo.write("z.txt", "").commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    let code = "import os\nfrom flask import Flask, request\n\napp = Flask(__name__)\n\n\n@app.route('/')\ndef run():\n    known = {'a': 'x'}\n    for key, value in request.args.items():\n        known[key] = value\n    os.system('ls ' + known['a'])\n";
    repo.write("a.py", code).commit("change");
    repo.check(&["--base", "main"]).exits(1);
}

#[test]
fn a_path_that_a_patch_does_not_name_is_an_error() {
    let repo = Repo::new();
    repo.write("a.py", GOOD_PY).commit("first");
    repo.git(&["checkout", "--quiet", "-b", "topic"]);
    repo.write("a.py", BAD_PY).commit("change");
    let patch = repo.git(&["diff", "main"]);
    let check = |path: &str| repo.call(&["check", "-o", "json", "--diff", "-", path]).input(format!("{patch}\n")).run();
    check("a.py").exits(1);
    check("typo.py").exits(2).says("the patch speaks of no `typo.py`");
}
