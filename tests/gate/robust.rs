//! Hostile input: nesting, size, encodings, bombs, runaway patterns. Nothing takes the gate down, nothing is silent.

use crate::harness::{BAD_PY, BAD_RULE, Plain, Repo};
use crate::robust_support::measured;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// How deep, and how often.
const DEEP: usize = 100_000;
/// A locale that differs from `C` in numbers, dates and order.
const GERMAN: &str = "de_DE.UTF-8";

/// Code that nests, calls, adds or strings 100,000 times, in every language: name, extension, text.
fn deep_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut add = |extension: &str, shape: &str, text: String| files.push((format!("{shape}.{extension}"), text));
    for (extension, head, tail) in [
        ("py", "x = ", "\n"),
        ("js", "x = ", ";\n"),
        ("ts", "x = ", ";\n"),
        ("tsx", "x = ", ";\n"),
        ("rs", "fn f() { let x = ", "; }\n"),
    ] {
        let wrap = |body: String| format!("{head}{body}{tail}");
        let around =
            |open: &str, inner: &str, close: &str| wrap(format!("{}{inner}{}", open.repeat(DEEP), close.repeat(DEEP)));
        add(extension, "round", around("(", "1", ")"));
        add(extension, "square", around("[", "1", "]"));
        add(extension, "unclosed", wrap("(".repeat(DEEP)));
        add(extension, "mixed", wrap("([{".repeat(DEEP)));
        add(extension, "calls", around("f(", "1", ")"));
        add(extension, "chain", wrap(format!("f{}", "(1)".repeat(DEEP))));
        add(extension, "fields", wrap(format!("a{}", ".b".repeat(DEEP))));
        add(extension, "sums", wrap(format!("1{}", "+1".repeat(DEEP))));
        add(extension, "sum-lines", wrap(format!("(1{})", "\n+1".repeat(DEEP / 3))));
        add(extension, "nots", wrap(format!("{}1", if extension == "py" { "not " } else { "!" }.repeat(DEEP))));
        add(extension, "string", wrap(format!("\"{}\"", "a".repeat(DEEP * 10))));
        add(extension, "strings", wrap(format!("\"a\"{}", "+\"a\"".repeat(DEEP))));
    }
    for extension in ["js", "ts", "tsx"] {
        add(extension, "branches", format!("if (a) {{}} {}\n", "else if (a) {} ".repeat(DEEP)));
        add(extension, "blocks", format!("{}{}\n", "if (a) {".repeat(DEEP), "}".repeat(DEEP)));
        add(extension, "closures", format!("x = {}1;\n", "() => ".repeat(DEEP)));
        add(extension, "templates", format!("x = {}1{};\n", "`${".repeat(DEEP), "}`".repeat(DEEP)));
    }
    for extension in ["js", "tsx"] {
        add(extension, "elements", format!("x = {}{};\n", "<a>".repeat(DEEP), "</a>".repeat(DEEP)));
    }
    add("py", "branches", format!("if a:\n  b\n{}", "elif a:\n  b\n".repeat(DEEP)));
    add("py", "blocks", (0..1_000).map(|i| format!("{}if a:\n", " ".repeat(i))).collect::<String>());
    add("py", "closures", format!("x = {}1\n", "lambda: ".repeat(DEEP)));
    add("rs", "branches", format!("fn f() {{ if a {{}} {} }}\n", "else if a {} ".repeat(DEEP)));
    add("rs", "blocks", format!("fn f() {}{}\n", "{".repeat(DEEP), "}".repeat(DEEP)));
    add("rs", "closures", format!("fn f() {{ let x = {}1; }}\n", "|| ".repeat(DEEP)));
    add("rs", "generics", format!("fn f(x: {}u8{}) {{}}\n", "A<".repeat(DEEP), ">".repeat(DEEP)));
    files
}

#[test]
fn b13_deep_code_is_analysed_or_reported_and_nothing_dies() {
    let mut gaps = Vec::new();
    for (name, text) in deep_files() {
        let plain = Plain::new();
        plain.write(&name, &text).write("other.py", BAD_PY);
        let measured = measured(plain.call(&["audit", "-o", "json"]));
        measured.within(&name, 5.0, 512);
        let run = &measured.run;
        assert_eq!(run.status, 0, "{name}: {run}");
        assert_eq!(
            run.findings(),
            [format!("{BAD_RULE} other.py warns")],
            "{name}: the other file is analysed all the same"
        );
        let found = run.gaps();
        assert!(found.len() + usize::try_from(run.analysed()).unwrap() == 2, "{name}: analysed or a gap: {run}");
        assert!(found.iter().all(|g| ["depth", "time", "size"].iter().any(|k| g.starts_with(k))), "{name}: {found:?}");
        gaps.extend(found);
    }
    println!("{} files, {} of them gaps", deep_files().len(), gaps.len());
}

#[test]
fn b13_a_change_with_deep_files_is_judged_by_the_others() {
    let repo = Repo::on_topic();
    for (name, text) in deep_files().iter().filter(|(n, _)| n.starts_with("round") || n.starts_with("sums")) {
        repo.write(name, text);
    }
    repo.write("bad.py", BAD_PY).commit("deep");
    let run = measured(repo.call(&["check", "--base", "main", "-o", "json"])).run.exits(1);
    assert_eq!(run.findings(), [format!("{BAD_RULE} bad.py blocks")]);
    assert_eq!(run.gaps().len(), 10, "{run}");
}

/// Files that are hard to read, each with whether it is analysed, a gap, or not applicable.
fn odd_files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let code = "x = 1\ny = 'some text to look at'\n".repeat(20);
    let utf16 = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
        mark.into_iter().chain(code.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    vec![
        ("little.py", utf16([0xff, 0xfe], u16::to_le_bytes), "analysed"),
        ("big.py", utf16([0xfe, 0xff], u16::to_be_bytes), "analysed"),
        ("marked.js", [b"\xef\xbb\xbf".as_slice(), code.replace('\n', ";\n").as_bytes()].concat(), "analysed"),
        ("nul.py", [code.as_bytes(), b"# \0\n"].concat(), "analysed"),
        ("invalid.py", [code.as_bytes(), b"# \xff\xfe\xc3\n"].concat(), "analysed"),
        ("crlf.py", code.replace('\n', "\r\n").into_bytes(), "analysed"),
        ("cr.py", code.replace('\n', "\r").into_bytes(), "analysed"),
        ("nothing.py", Vec::new(), "analysed"),
        ("binary.py", (0..=255u8).cycle().map(|b| b.wrapping_mul(37) | 128).take(5_000).collect(), "unreadable"),
        ("one-line.js", b"f(1);".repeat(10 << 20), "size"),
        ("picture.bin", vec![0; 100], "left out"),
    ]
}

#[test]
fn b14_every_odd_file_is_listed_in_check_and_in_audit() {
    let repo = Repo::on_topic();
    for (name, bytes, _) in odd_files() {
        repo.write(name, bytes);
    }
    // A gibibyte that takes no room; git packs it to nothing.
    std::fs::File::create(repo.path("sparse.py")).unwrap().set_len(1 << 30).unwrap();
    let audit = measured(repo.call(&["audit", "-o", "json"]));
    audit.within("audit of odd files", 10.0, 1024);
    repo.git(&["-c", "core.bigFileThreshold=1m", "add", "-A"]);
    repo.commit("odd");
    let check = measured(repo.call(&["check", "--base", "main", "-o", "json"]));
    check.within("check of odd files", 10.0, 1024);
    for measured in [audit, check] {
        let (gaps, run) = (measured.run.gaps(), &measured.run);
        for (name, _, wanted) in odd_files() {
            let gap = gaps.iter().find(|g| g.ends_with(&format!(" {name}")));
            match wanted {
                "analysed" | "left out" => assert_eq!(gap, None, "{name}"),
                kind => assert_eq!(gap, Some(&format!("{kind} {name}"))),
            }
        }
        assert!(gaps.contains(&"size sparse.py".to_owned()), "{gaps:?}");
        let coverage = &run.json()["coverage"];
        let left_out: u64 =
            coverage["not_applicable"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
        let listed = run.analysed() + left_out + gaps.len() as u64;
        assert_eq!(coverage["files"].as_u64(), Some(listed), "every file is analysed, a gap or left out: {run}");
    }
}

#[test]
fn b16_bombs_are_refused_quickly() {
    let plain = Plain::new();
    let aliases: String =
        (1..30).map(|i| format!("  a{i}: &a{i} [{}]\n", format!("*a{}, ", i - 1).repeat(10))).collect();
    let bomb = format!("suppressions:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{aliases}");
    let deep_json = format!("{{\"version\": 1, \"findings\": {}", "[".repeat(1_000_000));
    let deep_yaml = format!("decisions: {}", "[".repeat(1_000_000));
    let deep_map: String = (0..2_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    let large = 200 << 20;
    plain.write("other.py", BAD_PY).write("deep.json", &deep_json).write("bomb.yml", bomb);
    plain.write("deep.yml", deep_yaml).write("map.yml", deep_map).write("braces.yml", "{a: ".repeat(200_000));
    plain.write("large.yml", "# a comment\n".repeat(large / 12)).write("deep-baseline.yml", "baseline: deep.json\n");
    plain.write("large.json", format!("{{\"version\": 1, \"findings\": {{{}}}}}", " ".repeat(large)));
    plain.write("large-baseline.yml", "baseline: large.json\n");
    let fingerprint = format!("p1-{}", "0".repeat(24));
    let mut calls = vec![
        vec!["explain", fingerprint.as_str(), "--from", "deep.json"],
        vec!["explain", fingerprint.as_str(), "--from", "large.json"],
    ];
    for policy in
        ["bomb.yml", "deep.yml", "map.yml", "braces.yml", "large.yml", "deep-baseline.yml", "large-baseline.yml"]
    {
        calls.push(vec!["audit", "--config", policy, "other.py"]);
    }
    for call in calls {
        let measured = measured(plain.call(&call));
        measured.within(&call.join(" "), 2.0, 256);
        assert_eq!(measured.run.status, 2, "{}: {}", call.join(" "), measured.run);
        assert!(measured.run.err().contains("no verdict was given"), "{}", measured.run);
    }
}

#[test]
fn b17_hostile_patterns_are_refused_at_once() {
    let plain = Plain::new();
    plain.write("other.py", BAD_PY);
    for (i, pattern) in ["(a*)*{1000}", "(a*)*{1000}", "{a,{b,{c,{d", "[z-a]", "a{1000000000}"].iter().enumerate() {
        let pattern = pattern.repeat(if i == 0 { 60 } else { 1 });
        plain.write("p.yml", format!("decisions:\n  - {{path: '{pattern}', decision: ignore}}\n"));
        let measured = measured(plain.call(&["config", "check", "p.yml"]));
        measured.within(&format!("policy pattern {i}"), 0.5, 256);
        assert_eq!(measured.run.status, 2, "{}", measured.run);
        assert!(
            measured.run.err().contains("is a path pattern") || i > 0 || measured.run.err().contains("at most 512")
        );
    }
    let good = "why: y\nfix: f\nreferences: []\nexamples: {bad: [a, b], good: [c, d]}\n";
    for regex in [
        "(a*)*{1000}{1000}{1000}",
        "(?:a{1000}){1000}{1000}",
        "((((((((((a{99}){99}){99}){99}",
        "(?=a)b",
        "(\\w{500}){500}",
    ] {
        let begin = Instant::now();
        let text = format!(
            "id: own-rule\nmessage: m\nseverity: low\nconfidence: low\ncwe: [CWE-1]\nmatch: {{kind: call, regex: '{regex}'}}\n{good}"
        );
        let source = portcullis::detect::rules::RuleSource {
            folder: "python".into(),
            stem: "own-rule".into(),
            origin: "own".into(),
            text: text.into(),
        };
        let rules = portcullis::detect::rules::RuleSet::new(vec![source]);
        let limit = portcullis::deadline::Deadline::after(std::time::Duration::from_millis(100));
        let refused = rules.for_language(portcullis::syntax::language::Language::Python).err();
        println!("{regex}: {:?}: {refused:?}", begin.elapsed());
        assert!(refused.is_some(), "{regex}");
        assert!(!limit.passed(), "{regex}: more than 100 ms of work, {:?} on the clock", begin.elapsed());
    }
}

/// B25: on one and two threads, in two locales, in two time zones.
#[test]
fn b25_the_same_input_gives_the_same_reports() {
    let german = german();
    let locales = german.as_ref().map_or(Path::new("/nowhere"), |folder| folder.path());
    let repo = Repo::on_topic();
    for i in 0..12 {
        repo.write(&format!("dir{}/bad{i}.py", i % 3), BAD_PY.repeat(i % 4 + 1));
        repo.write(
            &format!("web/page{i}.ts"),
            format!("export const f{i} = (q: string) => db.query(\"SELECT * FROM t WHERE a = '\" + q + \"'\");\n"),
        );
    }
    repo.write("deep.py", format!("x = {}\n", "[".repeat(5_000))).commit("many");
    let formats = crate::harness::formats();
    let mut first: Option<Vec<Vec<u8>>> = None;
    for run in 0..50 {
        let mut args =
            vec!["check".to_owned(), "--base".into(), "main".into(), "--threads".into(), (run % 2 + 1).to_string()];
        for format in &formats {
            args.extend(["-o".to_owned(), format!("{format}={}", repo.beside(format).display())]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let locale = if run % 4 < 2 { "C" } else { german.as_ref().map_or("C.UTF-8", |_| GERMAN) };
        let zone = if run % 8 < 4 { "UTC" } else { "Asia/Kolkata" };
        let environment = [("LC_ALL", locale), ("LANG", locale), ("TZ", zone), ("LOCPATH", locales.to_str().unwrap())];
        repo.call(&args).envs(&environment).run().exits(1);
        let read = |format: &String| without_times(&std::fs::read(repo.beside(format)).unwrap());
        let reports: Vec<Vec<u8>> = formats.iter().map(read).collect();
        match &first {
            None => first = Some(reports),
            Some(first) => {
                for ((one, other), format) in first.iter().zip(&reports).zip(&formats) {
                    assert!(one == other, "run {run}: {format} differs");
                }
            }
        }
    }
}

/// Makes the locale `de_DE.UTF-8` in a folder for `LOCPATH` and has the system's own `locale` show that it is one: with a
/// locale that is not there a program silently stays in `C`. `None` where the system cannot make it, but never in CI.
fn german() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let mut make = Command::new("localedef");
    drop(make.args(["-i", "de_DE", "-f", "UTF-8"]).arg(folder.path().join(GERMAN)).output());
    let mut ask = Command::new("locale");
    let answer = ask.arg("decimal_point").env("LC_ALL", GERMAN).env("LOCPATH", folder.path()).output();
    if answer.is_ok_and(|a| a.stdout.trim_ascii() == b",") {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "localedef cannot make {GERMAN}; on Debian its sources are in `locales`");
    println!("{GERMAN} cannot be made here: only C and C.UTF-8 are compared");
    None
}

/// Blanks the declared times: every RFC 3339 time, and the milliseconds a run took.
fn without_times(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let times = r#"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?|"elapsed_ms": \d+|time="[\d.]+"|in \d+(\.\d+)? ?m?s\b"#;
    regex::Regex::new(times).unwrap().replace_all(&text, "<time>").into_owned().into_bytes()
}
