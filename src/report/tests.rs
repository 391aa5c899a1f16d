//! Snapshots of every format, and what holds for all of them.

use super::model::Report;
use super::{Format, Style, github, render, sample, sarif};
use clap::ValueEnum;
use std::io::Write;

pub(super) fn rendered(format: Format, report: &Report) -> String {
    let mut out = Vec::new();
    render(format, report, Style { width: 90, ..Style::default() }, &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("reports are UTF-8")
}

fn samples() -> [(&'static str, Report); 4] {
    [
        ("blocked", sample::blocked()),
        ("pass", sample::pass()),
        ("inconclusive", sample::inconclusive()),
        ("hostile", sample::hostile()),
    ]
}

#[test]
fn every_format_of_every_sample_is_as_reviewed() {
    for (name, report) in samples() {
        for format in Format::value_variants() {
            insta::assert_snapshot!(format!("{name}-{format:?}"), rendered(*format, &report));
        }
    }
}

#[test]
fn json_reads_back_as_the_model() {
    for (_, report) in samples() {
        let report = report.visible().expect("numbers are finite");
        let back: Report = serde_json::from_str(&rendered(Format::Json, &report)).expect("JSON");
        assert_eq!(back, report);
    }
}

#[test]
fn two_renderings_are_equal_byte_for_byte() {
    for (_, report) in samples() {
        for format in Format::value_variants() {
            assert_eq!(rendered(*format, &report), rendered(*format, &report));
        }
    }
}

#[test]
fn colour_is_for_those_who_asked() {
    let report = sample::blocked();
    let mut out = Vec::new();
    render(Format::Human, &report, Style { color: true, ..Style::default() }, &mut out).expect("written");
    let colored = String::from_utf8(out).expect("UTF-8");
    assert!(colored.contains('\u{1b}'));
    let plain = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a constant").replace_all(&colored, "").into_owned();
    assert!(!plain.contains('\u{1b}'));
    assert!(!rendered(Format::Human, &report).contains('\u{1b}'));
}

#[test]
fn existing_findings_are_shown_on_request_only() {
    let report = sample::blocked();
    for format in [Format::Human, Format::Markdown, Format::Github, Format::Junit] {
        let shown = |existing| {
            let mut out = Vec::new();
            render(format, &report, Style { existing, ..Style::default() }, &mut out).expect("written");
            String::from_utf8(out).expect("UTF-8").contains("Unsafe YAML loader")
        };
        assert_eq!((shown(false), shown(true)), (false, true), "{format:?}");
    }
}

#[test]
fn limits_of_the_forges_hold_and_are_said() {
    let report = sample::many(3000);
    let comment = rendered(Format::Markdown, &report);
    assert!(comment.len() < 65_536 && comment.contains("of 3000 findings"), "{}", comment.len());
    let annotations = rendered(Format::Github, &report);
    assert_eq!(annotations.lines().count(), 11);
    assert!(annotations.ends_with("showing 10 of 3000 findings\n"), "{annotations}");
    let mut summary = Vec::new();
    github::summary(&report, &mut summary).expect("written");
    assert!(summary.len() < 1_000_000 && summary.len() > 500_000, "{}", summary.len());
    assert!(rendered(Format::Human, &report).contains("Showing 30 of 3000 findings in full"));
}

#[test]
fn sarif_keeps_the_riskiest_results_that_github_takes() {
    let mut report = sample::many(13);
    report.findings[12].risk = 99.0;
    let log = sarif::log(&report, 10);
    let run = &log["runs"][0];
    assert_eq!(run["results"].as_array().map(Vec::len), Some(10));
    assert_eq!(run["results"][0]["rank"], 99.0);
    let note = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(note, "Showing 10 of 13 findings, by risk.");
}

#[test]
fn the_way_to_green_takes_the_largest_root_causes_until_the_risk_is_low_enough() {
    let mut report = sample::many(6);
    for (finding, risk) in report.findings.iter_mut().zip([20.0, 60.0, 10.0, 50.0, 30.0, 5.0]) {
        (finding.disposition, finding.risk) = ("warns".into(), risk);
    }
    let text = rendered(Format::Human, &report);
    // Without 60 and 50 there is left 100 x (1 - 0.8 x 0.9 x 0.7 x 0.95) = 52.1, and without 60 alone 76.
    assert!(text.ends_with("To pass: fix 2 lines (app/file00002.py:2, app/file00004.py:4)\n"), "{text}");
}

#[test]
fn gitlab_identities_are_unique() {
    let report = sample::many(50);
    let issues: Vec<serde_json::Value> =
        serde_json::from_str(&rendered(Format::GitlabCodeQuality, &report)).expect("JSON");
    let sast: serde_json::Value = serde_json::from_str(&rendered(Format::GitlabSast, &report)).expect("JSON");
    let ids = |all: &[serde_json::Value], key: &str| {
        all.iter().map(|i| i[key].to_string()).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(ids(&issues, "fingerprint"), 50);
    assert_eq!(ids(sast["vulnerabilities"].as_array().expect("a list"), "id"), 50);
}

/// Writes every report of every sample into the directory that `PORTCULLIS_RENDER_DIR` names, for the validators of
/// `tests/harness`. Without the variable there is nothing to do.
#[test]
fn reports_are_written_for_the_validators() {
    #![allow(clippy::disallowed_methods, reason = "the validators ask through the environment")]
    let Ok(directory) = std::env::var("PORTCULLIS_RENDER_DIR") else { return };
    let named = [
        (Format::Human, "human.txt"),
        (Format::Json, "verdict.json"),
        (Format::Sarif, "results.sarif"),
        (Format::GitlabSast, "gl-sast-report.json"),
        (Format::GitlabCodeQuality, "gl-code-quality-report.json"),
        (Format::Junit, "junit.xml"),
        (Format::Markdown, "comment.md"),
        (Format::Github, "annotations.txt"),
    ];
    for (name, report) in samples() {
        let directory = std::path::Path::new(&directory).join(name);
        std::fs::create_dir_all(&directory).expect("a directory to write to");
        for (format, file) in named {
            let mut file = std::fs::File::create(directory.join(file)).expect("a file to write to");
            file.write_all(rendered(format, &report).as_bytes()).expect("written");
        }
    }
}

#[test]
fn the_column_of_a_place_is_that_of_the_file_though_the_excerpt_shows_a_stretch() {
    let mut report = sample::blocked();
    let finding = &mut report.findings[0];
    let (line, column, end) = finding.marks[0];
    let row = (line - finding.excerpt_line) as usize;
    finding.excerpt[row].insert(0, '…');
    finding.marks = vec![(line, column + 1, end + 1)];
    finding.start_column = 4711;
    let place = format!("{}:{}:4711", finding.path, finding.start_line);
    for color in [false, true] {
        let mut out = Vec::new();
        render(Format::Human, &report, Style { width: 90, color, ..Style::default() }, &mut out).expect("a vector");
        assert!(String::from_utf8(out).expect("UTF-8").contains(&place), "{place}");
    }
}

/// What is masked in the scanned code must leave the words of our own rules alone: they show commands, too.
#[test]
fn words_of_the_rules_are_not_masked() {
    let sources = crate::detect::rules::load::embedded();
    let rules: Vec<_> = sources.iter().filter(|s| !s.is_catalog()).filter_map(|s| s.read().ok()).collect();
    assert!(rules.len() > 200, "{}", rules.len());
    for rule in rules {
        for words in [&rule.message, &rule.why, &rule.fix] {
            assert_eq!(&crate::redact::shapes(words), words, "{}", rule.id);
        }
    }
}
