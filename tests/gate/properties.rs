//! What holds for every input: readers of foreign text never panic, and what they return is right.

use portcullis::change::text::{Text, decode};
use portcullis::change::{ChangedFile, Content, Status, diff, lines};
use portcullis::compare::{AddedLines, Origin, compare};
use portcullis::config::Config;
use portcullis::detect::excerpt::excerpt;
use portcullis::detect::rules::matcher::RuleDetector;
use portcullis::detect::rules::{RuleSet, RuleSource, load};
use portcullis::detect::{Analysis, Job, Options, Others, analyse};
use portcullis::model::Card;
use portcullis::path::{RepoPath, is_steering};
use portcullis::policy::baseline::Baseline;
use portcullis::redact::{Redactor, shapes};
use portcullis::report::Report;
use portcullis::run::{hook, worker};
use portcullis::span::LineSet;
use portcullis::syntax::language::LANGUAGES;
use portcullis::syntax::{Limits, parse};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::{Config as Cases, RngAlgorithm, RngSeed};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use std::time::Duration;

static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::new(load::embedded()));

/// The same cases at every run.
fn cases(count: u32) -> Cases {
    Cases {
        cases: count,
        rng_seed: RngSeed::Fixed(1),
        rng_algorithm: RngAlgorithm::ChaCha,
        failure_persistence: None,
        ..Cases::default()
    }
}

/// Texts of few different lines, so that differences have something in common.
fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![Just("a"), Just("b"), Just(""), Just("+x"), Just("--- c"), Just("@@ -1 +1 @@"), Just("é\t")];
    (vec(line, 0..12), any::<bool>()).prop_map(|(lines, end)| {
        let joined = lines.join("\n");
        if end && !joined.is_empty() { joined + "\n" } else { joined }
    })
}

/// Bytes that often look like a part of a patch.
fn patch_like() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(b"diff --git a/x.py b/x.py\n".to_vec()),
        Just(b"--- a/x\n".to_vec()),
        Just(b"+++ b/x\n".to_vec()),
        Just(b"@@ -1,2 +1,3 @@\n".to_vec()),
        Just(b"@@ -0,0 +1 @@\n".to_vec()),
        Just(b"@@ -4294967295,1 +1 @@\n".to_vec()),
        Just(b"rename from \"a\\303\n".to_vec()),
        Just(b"+a\n".to_vec()),
        Just(b"-a\n".to_vec()),
        Just(b" a\n".to_vec()),
        Just(b"\\ No newline\n".to_vec()),
        Just(b"GIT binary patch\n".to_vec()),
        vec(any::<u8>(), 0..20),
    ];
    vec(part, 0..30).prop_map(|parts| parts.concat())
}

/// Renders a difference as one hunk with all lines of both sides.
fn as_patch(before: &str, after: &str, removed: &LineSet, added: &LineSet) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut body = String::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let is = |set: &LineSet, at: usize, len: usize| at < len && set.contains(u32::try_from(at + 1).unwrap());
        if is(removed, i, old.len()) {
            body.push_str(&format!("-{}\n", old[i]));
            i += 1;
        } else if is(added, j, new.len()) {
            body.push_str(&format!("+{}\n", new[j]));
            j += 1;
        } else {
            body.push_str(&format!(" {}\n", old[i]));
            (i, j) = (i + 1, j + 1);
        }
    }
    let start = |lines: &[&str]| usize::from(!lines.is_empty());
    format!("--- a/f.py\n+++ b/f.py\n@@ -{},{} +{},{} @@\n{body}", start(&old), old.len(), start(&new), new.len())
}

fn is_source(path: &RepoPath) -> bool {
    path.as_str().ends_with(".py")
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn patch_reader_never_panics(bytes in patch_like()) {
        drop(diff::parse(&bytes, &is_source));
    }

    /// A patch of two texts gives back the lines that differ, as they were worked out from the texts themselves.
    #[test]
    fn patch_of_two_texts_has_their_added_lines(before in text(), after in text()) {
        let (removed, added) = lines::changed_lines(&before, &after);
        let patch = as_patch(&before, &after, &removed, &added);
        let files = diff::parse(patch.as_bytes(), &is_source).expect("a patch that we wrote");
        assert_eq!(files[0].added, added, "{patch}");
        assert_eq!(files[0].removed, removed, "{patch}");
        let shown = files[0].after.text().expect("text");
        assert_eq!(shown.text.lines().collect::<Vec<_>>(), after.lines().collect::<Vec<_>>());
    }

    #[test]
    fn readers_never_panic(text in "\\PC{0,80}", bytes in vec(any::<u8>(), 0..300)) {
        drop(hook::parse(&text));
        drop(Config::read(&text, "p"));
        drop(Baseline::read(&text));
        drop(serde_json::from_str::<Report>(&text));
        let source = RuleSource { folder: "python".into(), stem: "x".into(), origin: "x".into(), text: text.into() };
        drop(source.read());
        for source in [false, true] {
            if let Ok(text) = decode(&bytes, source) {
                assert!(!text.text.contains('\0'), "what is parsed holds no NUL");
            }
        }
        drop(worker::converse(bytes.as_slice(), Vec::new()));
    }

    #[test]
    fn shown_paths_steer_nothing(bytes in vec(any::<u8>(), 0..60), name in "\\PC{0,20}[\u{0}-\u{1f}\u{202a}-\u{202e}]\\PC{0,20}") {
        for path in [RepoPath::from_bytes(&bytes), RepoPath::from(name.as_str())] {
            assert!(!path.display().chars().any(is_steering), "{path}");
        }
    }

    /// Masking keeps every character at its place, so that columns stay right.
    #[test]
    fn masking_keeps_the_length(text in "[ -~é]{0,120}", secret in "[a-z0-9!é]{0,12}") {
        let mut redactor = Redactor::default();
        redactor.learn(&secret);
        for masked in [shapes(&text), redactor.redact(&text)] {
            assert_eq!(masked.chars().count(), text.chars().count(), "{text} -> {masked}");
        }
        let hidden = redactor.redact(&format!("{text}{secret}{text}"));
        let word = secret.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        assert!(word || secret.chars().count() < 4 || !hidden.contains(&secret), "{secret} in {hidden}");
    }

    #[test]
    fn excerpts_of_any_range_are_short_and_marked_inside(text in "([ -~\té\u{202e}\u{7}]{0,250}\r?\n){0,14}", a in 0usize..4000, b in 0usize..4000) {
        let at = |i: usize| text.floor_char_boundary(i.min(text.len()));
        let range = at(a.min(b))..at(a.max(b));
        let limits = Limits { time: Duration::from_secs(5), depth: 1000 };
        let decoded = Text { text: text.clone(), notes: Vec::new() };
        let Ok(file) = parse(&RepoPath::from("a.py"), LANGUAGES[0].language, &decoded, &limits) else { return Ok(()) };
        let shown = excerpt(&file, &range, &Redactor::default());
        assert!(shown.lines.len() <= 8);
        for line in &shown.lines {
            assert!(!line.chars().any(is_steering) && !line.contains(['\n', '\r']), "{line:?}");
        }
        for mark in &shown.marks {
            assert!(mark.start >= 1 && mark.start < mark.end && mark.line >= shown.first_line);
        }
    }

    /// Nothing is new where both sides are the same; of a copy, exactly one is.
    #[test]
    fn a_copy_is_one_new_finding(calls in vec(0usize..5, 1..6), copied in 0usize..6) {
        let line = |n: &usize| format!("def f{n}(x):\n    os.system('run {n} ' + x)\n");
        let text: String = calls.iter().map(line).collect();
        let copy = line(&calls[copied % calls.len()]);
        let same = introduced(&text, &text);
        assert_eq!(same, 0);
        assert_eq!(introduced(&text, &format!("{text}{copy}")), 1);
        assert_eq!(introduced(&text, &format!("{copy}{text}")), 1);
    }
}

fn introduced(before: &str, after: &str) -> usize {
    let content = |text: &str| Content::Text(Text { text: text.to_owned(), notes: Vec::new() });
    let file = ChangedFile::compare(RepoPath::from("a.py"), None, Status::Modified, content(before), content(after));
    let job = Job::of(&file).expect("text on both sides");
    let analysis: Analysis = analyse(
        &job,
        &[&RuleDetector { rules: &RULES }],
        &Options { windows: false, ..Options::default() },
        Others::none(),
    );
    assert!(!analysis.after.is_empty(), "the specimen is found");
    let comparison = compare(
        &[(&analysis, AddedLines { path: &file.path, old_path: &file.path, added: &file.added, only_added: false })],
        &|_| false,
    );
    comparison.head.iter().filter(|(_, origin)| *origin == Origin::Introduced).count()
}

/// A small generator of numbers, the same at every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

/// Changes a valid input in one to four places: a bit, a byte, a stretch doubled, moved or cut out.
fn mutate(valid: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for _ in 0..=numbers.below(4) {
        let (at, len) = (numbers.below(bytes.len()), numbers.below(24));
        let end = (at + len).min(bytes.len());
        match numbers.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 if at < bytes.len() => bytes[at] = b"\n\0{}[]:'\"-+@&*\xff0 "[numbers.below(17)],
            2 => drop(bytes.drain(at..end)),
            3 => {
                let stretch = bytes[at..end].to_vec();
                let to = numbers.below(bytes.len());
                bytes.splice(to..to, stretch);
            }
            4 => bytes.truncate(at),
            _ => bytes.splice(at..at, b"99999999999999999999".iter().copied().take(len)).for_each(drop),
        }
    }
    bytes
}

const MUTATIONS: usize = 10_000;

/// Runs one reader over 10,000 mutations of a valid input.
fn survives(name: &str, valid: &[u8], read: impl Fn(&[u8]) -> bool) {
    assert!(read(valid), "{name}: the input to mutate is valid");
    let mut numbers = Numbers(7);
    let accepted = (0..MUTATIONS).filter(|_| read(&mutate(valid, &mut numbers))).count();
    println!("{name}: {MUTATIONS} mutations, {accepted} accepted");
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn b15_mutated_inputs_never_panic() {
    let oid = "a1".repeat(20);
    let policy = "version: 1\nfail-on: {severity: high, risk: 70}\ndecisions:\n  - {path: 'a/**', cwe: CWE-89, decision: warn}\nsuppressions:\n  - {rule: x-y, reason: r, owner: o, expires: 2027-01-31}\nlimits: {file-ms: 100}\n";
    let baseline = format!("{{\"version\": 1, \"findings\": {{\"p1-{}\": 2}}}}", "0".repeat(24));
    let patch = b"diff --git a/x.py b/y.py\nsimilarity index 90%\nrename from x.py\nrename to y.py\nindex 1..2 100644\n--- a/x.py\n+++ b/y.py\n@@ -1,3 +1,4 @@\n a\n-b\n+c\n+d\n e\n\\ No newline at end of file\n";
    survives("patch", patch, |b| diff::parse(b, &is_source).is_ok());
    survives("policy", policy.as_bytes(), |b| Config::read(&lossy(b), "p").is_ok());
    survives("baseline", baseline.as_bytes(), |b| Baseline::read(&lossy(b)).is_ok());
    survives("hook", format!("refs/heads/a {oid} refs/heads/b {oid}\n").as_bytes(), |b| hook::parse(&lossy(b)).is_ok());
    let rule = load::embedded().into_iter().find(|s| s.stem == "python-os-system-non-constant").expect("it is there");
    survives("rule", rule.text.as_bytes(), |b| RuleSource { text: lossy(b).into(), ..rule.clone() }.read().is_ok());
    let model = &portcullis::model::EMBEDDED[0];
    survives("model card", model.card.as_bytes(), |b| Card::read(model.name, &lossy(b)).is_ok());
    let card = model.card().expect("our own card");
    survives("model header", &model.onnx[..512], |b| {
        // With the right digest it goes on to what stands in it.
        let digest = Sha256::digest(b).iter().map(|b| format!("{b:02x}")).collect();
        assert!(card.admits(b).is_err(), "another network than the card's");
        portcullis::model::Card { sha256: digest, ..card.clone() }.admits(b).is_ok()
    });
    let plain = crate::harness::Plain::new();
    plain.write("a.py", crate::harness::BAD_PY);
    let verdict = plain.call(&["audit", "-o", "json"]).run().exits(0).stdout;
    survives("verdict", &verdict, |b| serde_json::from_slice::<Report>(b).is_ok());
    survives("text", "é = 'x'\r\n\u{feff}".as_bytes(), |b| decode(b, true).is_ok());
}

#[test]
fn b15_mutated_code_is_always_analysed() {
    let options = Options { windows: true, time_ms: 2_000, ..Options::default() };
    for row in &LANGUAGES {
        let folder = if row.name == "tsx" { "typescript" } else { row.name };
        let files = RULES.files().expect("our own rules");
        let of_language = files.iter().zip(RULES.sources()).filter(|(_, s)| s.folder == folder).map(|(f, _)| f);
        let code: String = of_language.take(6).flat_map(|f| &f.examples.bad).map(|e| format!("{e}\n")).collect();
        let mut numbers = Numbers(11);
        for _ in 0..MUTATIONS / 50 {
            let Ok(text) = decode(&mutate(code.as_bytes(), &mut numbers), true) else { continue };
            let job = Job::whole(RepoPath::from(format!("a.{}", row.extensions[0]).as_str()), text);
            drop(analyse(&job, &[&RuleDetector { rules: &RULES }], &options, Others::none()));
        }
    }
}
