//! Golden files of the token contract, and what findings say.

use super::tokens::TokenMark;
use super::{Window, findings, windows};
use crate::change::lines::changed_lines;
use crate::change::text::Text;
use crate::finding::{Confidence, Evidence, Severity};
use crate::model::{Band, Input, ModelError, Scored, Scorer};
use crate::path::RepoPath;
use crate::syntax::language::Language;
use crate::syntax::{Limits, SourceFile, parse};
use std::time::Duration;

fn file(path: &str, text: &str) -> SourceFile {
    let path = RepoPath::from(path);
    let language = Language::of_path(&path).expect("a known language");
    let limits = Limits { time: Duration::from_secs(5), depth: 500 };
    parse(&path, language, &Text { text: text.to_owned(), notes: vec![] }, &limits).expect("a small file")
}

fn changed(path: &str, before: &str, after: &str) -> Vec<Window> {
    let (old, mut new) = (file(path, before), file(path, after));
    (new.removed, new.added) = changed_lines(before, after);
    windows(&new, Some(&old), &crate::redact::Redactor::default())
}

fn shown(windows: &[Window]) -> String {
    let mut out = String::new();
    for window in windows {
        out.push_str(&format!("{} `{}` truncated {}\n", window.language.name(), window.symbol, window.truncated));
        for token in &window.tokens {
            let mark = match token.mark {
                TokenMark::Context => ' ',
                TokenMark::Added => '+',
                TokenMark::Removed => '-',
            };
            out.push_str(&format!("{mark} {:>3} {:>4} {}\n", token.line, super::tokens::id(&token.text), token.text));
        }
    }
    out
}

/// Every file in `tests/fixtures/tokens` is a source whose lines with the word `NEW` are added and whose lines with
/// the word `OLD` are removed.
#[test]
fn token_streams_are_golden() {
    insta::glob!("../../../tests/fixtures/tokens", "*.{py,js,ts,tsx,rs}", |path| {
        let text = insta_read(path);
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
        let side = |without: &str| -> String {
            text.lines().filter(|l| !l.contains(without)).map(|l| format!("{l}\n")).collect()
        };
        insta::assert_snapshot!(shown(&changed(name, &side("NEW"), &side("OLD"))));
    });
}

#[expect(clippy::disallowed_methods, reason = "a test reads its fixture")]
fn insta_read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).expect("a readable fixture")
}

#[test]
fn unchanged_files_and_changed_comments_make_no_window() {
    assert!(changed("a.py", "x = 1\n", "x = 1\n").is_empty());
    assert!(changed("a.py", "def f():\n    # a\n    return 1\n", "def f():\n    # b\n    return 1\n").is_empty());
}

#[test]
fn removed_lines_stay_with_their_function() {
    let before = "def f(a):\n    check(a)\n    run(a)\n\ndef g():\n    pass\n";
    let found = changed("a.py", before, "def f(a):\n    run(a)\n\ndef g():\n    pass\n");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].symbol.as_str(), found[0].count(TokenMark::Removed)), ("f", 4));
    let renamed = changed("a.py", before, "def f2(a):\n    check(a)\n    run(a)\n\ndef g():\n    pass\n");
    assert_eq!((renamed.len(), renamed[0].symbol.as_str()), (1, "f2"));
    assert!(renamed[0].count(TokenMark::Removed) > 0);
}

/// What training exported of one window.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Exported {
    ids: Vec<i64>,
    marks: Vec<i64>,
    probability: f32,
    rest: f32,
    strongest: usize,
    weight: f32,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Parity {
    contract: u32,
    windows: Vec<Exported>,
}

#[test]
fn the_network_computes_here_what_it_computed_in_training() {
    let parity: Parity =
        serde_json::from_str(include_str!("../../../models/attention/parity.json")).expect("a file of training");
    let mut scorer = crate::model::session::load("attention").expect("a built-in model");
    let inputs = &scorer.card().inputs;
    assert_eq!((inputs.contract, parity.contract), (super::tokens::CONTRACT, super::tokens::CONTRACT));
    assert_eq!((inputs.length, inputs.vocabulary as i64), (super::tokens::LENGTH, super::tokens::VOCABULARY));
    let near = |a: f32, b: f32| (a - b).abs() < 1e-4;
    let mut seen = Vec::new();
    for mut window in parity.windows {
        window.ids.resize(scorer.length(), 0);
        window.marks.resize(scorer.length(), 0);
        let scored = scorer.score(Input { ids: &window.ids, marks: &window.marks }).expect("a score");
        assert!(near(scored.probability, window.probability), "{} {}", scored.probability, window.probability);
        assert!(near(scored.rest, window.rest) && near(scored.tokens[window.strongest], window.weight));
        let sum = scored.rest + scored.tokens.iter().sum::<f32>();
        assert!(near(1.0 / (1.0 + (-sum).exp()), scored.probability), "the shares sum up to the score");
        seen.push(scored.probability);
    }
    assert!(seen.first() < seen.last(), "scores differ");
}

/// Answers with the share of added tokens.
struct Share;

impl Scorer for Share {
    fn name(&self) -> &str {
        "share"
    }

    fn version(&self) -> &str {
        "1"
    }

    fn length(&self) -> usize {
        super::tokens::LENGTH
    }

    fn score(&mut self, input: Input<'_>) -> Result<Scored, ModelError> {
        let tokens: Vec<f32> = input.marks.iter().map(|m| if *m == 2 { 1.0 } else { 0.0 }).collect();
        let places = input.marks.iter().filter(|m| **m != 0).count();
        Ok(Scored { probability: tokens.iter().sum::<f32>() / places as f32, tokens, rest: 0.0 })
    }
}

#[test]
fn findings_are_advice_with_their_reasons() {
    let bands = [Band { name: "unusual".into(), from: 0.3, precision: 0.2, false_alarms: 0.05, base_rate: 0.08 }];
    let text = "def f(a):\n    eval(a)\n";
    let found = findings(&changed("a.py", "", text).iter().collect::<Vec<_>>(), &mut Share, &bands)
        .expect("the scorer cannot fail");
    assert_eq!(found.len(), 1);
    let finding = &found[0];
    assert!(finding.advisory && finding.message.contains("a model"));
    assert_eq!((finding.severity, finding.confidence), (Severity::Medium, Confidence::Low));
    assert!(matches!(&finding.evidence[0], Evidence::Model { tokens, .. } if tokens.len() == 8));
    assert_eq!(finding.location.span.start.line, 1);
    let in_tests = changed("tests/a.py", "", text);
    assert!(
        findings(&in_tests.iter().collect::<Vec<_>>(), &mut Share, &bands).expect("the scorer cannot fail").is_empty()
    );
}
