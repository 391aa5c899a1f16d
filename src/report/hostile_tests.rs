//! What hostile names, excerpts and messages must not be able to do in any format.

use super::model::Report;
use super::tests::rendered;
use super::{Format, markdown, sample};
use crate::path::is_steering;
use clap::ValueEnum;
use proptest::prelude::{ProptestConfig, Strategy, prop_oneof, proptest};
use proptest::sample::select;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

/// The HTML that the template itself holds.
const OWN: [&str; 4] = [
    markdown::MARKER,
    "<details><summary>Why, what to do, how sure</summary>",
    "<details><summary>Coverage and base</summary>",
    "</details>",
];

/// What breaks out where escaping is incomplete.
const FRAGMENTS: [&str; 51] = [
    "`",
    "``",
    "```",
    "\n",
    "\r\n",
    "\n\n",
    "# ",
    "\n# h\n",
    "\n---\n",
    "\n===\n",
    "<",
    ">",
    "<img src=x>",
    "<!--",
    "-->",
    "</details>",
    "<a href=\"",
    "\"",
    "'",
    "\\",
    "\\`",
    "\\\\`",
    "[",
    "](",
    "https://evil.example/",
    "www.evil.example",
    "evil@evil.example",
    "@org/team",
    "#123",
    "GH-12",
    "\u{10e63}GH-12",
    "!",
    "![",
    "|",
    "\n|-|-|\n",
    "/merge",
    "\n/approve",
    "~~",
    "**",
    "_",
    "&lt;",
    "&#64;",
    "[^1]",
    "- [ ] ",
    "\u{1b}[31m",
    "\u{202e}",
    "%0A",
    "::error::",
    " ::set-output name=a::b ",
    "##[error]",
    "\t",
];

fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::all())
}

/// Asserts that a comment holds nothing but what the template brings.
fn assert_tame(comment: &str) {
    let mut headings = 0;
    let mut code = false;
    let issue = Regex::new(r"\bgh-[0-9]|[a-z0-9]\.[a-z]{2}").expect("a constant");
    for event in parser(comment) {
        match event {
            Event::Start(Tag::Heading { .. }) => headings += 1,
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Start(Tag::HtmlBlock | Tag::Paragraph | Tag::List(_) | Tag::Item | Tag::Strong) => {}
            Event::Start(other) => panic!("{other:?} in {comment}"),
            Event::Html(html) | Event::InlineHtml(html) => {
                let lines: Vec<&str> = html.lines().filter(|l| !l.trim().is_empty()).collect();
                assert!(lines.iter().all(|l| OWN.contains(l)), "{lines:?} in {comment}");
            }
            // Forges make links of addresses and mentions after parsing: none may stand outside of code.
            Event::Text(text) if !code => {
                let lower = text.to_lowercase();
                let bad = ["@", "#", "://", "www.", "<", ">", "~", "[", "|"].iter().find(|b| lower.contains(**b));
                assert_eq!(bad, None, "{text:?} in {comment}");
                assert!(!issue.is_match(&lower), "{text:?} in {comment}");
            }
            Event::FootnoteReference(_) | Event::TaskListMarker(_) | Event::Rule | Event::InlineMath(_) => {
                panic!("{event:?} in {comment}")
            }
            _ => {}
        }
    }
    assert_eq!(headings, 1, "{comment}");
    let commands: Vec<&str> = comment.lines().filter(|l| l.trim_start().starts_with('/')).collect();
    assert!(commands.is_empty(), "{commands:?}");
}

/// Asserts that no character steers a terminal or an eye, and that a CI runner finds no command in a log of it.
fn assert_inert(format: Format, text: &str) {
    let bad = text.chars().find(|c| is_steering(*c) && *c != '\n');
    assert_eq!(bad, None, "{format:?}");
    assert!(!text.contains("##["), "{format:?}");
    let obeyed = text.lines().find(|l| l.trim_start().starts_with("::"));
    assert!(format == Format::Github || obeyed.is_none(), "{format:?}: {obeyed:?}");
}

fn assert_commands(text: &str) {
    let own =
        Regex::new("^::(error|warning|notice) ([a-zA-Z]+=[^:,]*,)*[a-zA-Z]+=[^:,]*::[^\r]*$").expect("a constant");
    let other: Vec<&str> = text.lines().filter(|l| !own.is_match(l)).collect();
    assert!(other.is_empty() && text.ends_with('\n'), "{other:?}");
}

#[test]
fn hostile_texts_stay_texts_in_every_format() {
    let report = sample::hostile();
    for format in Format::value_variants() {
        assert_inert(*format, &rendered(*format, &report));
    }
    assert_tame(&rendered(Format::Markdown, &report));
    assert_commands(&rendered(Format::Github, &report));
    let mut summary = Vec::new();
    super::summary(&report, &mut summary).expect("written");
    let summary = String::from_utf8(summary).expect("UTF-8");
    assert_tame(&summary);
}

#[test]
fn ordinary_reports_are_tame_too() {
    for report in [sample::blocked(), sample::pass(), sample::inconclusive(), sample::many(300)] {
        assert_tame(&rendered(Format::Markdown, &report));
        assert_commands(&rendered(Format::Github, &report));
    }
}

#[test]
fn prose_keeps_plain_words_and_puts_the_rest_in_code() {
    for (given, expected) in [
        ("Pass a list (not text).", "Pass a list (not text)."),
        ("use `a | b` here", "use `a | b` here"),
        ("see https://evil.example, then (@org/team)", "see `https://evil.example`, then (`@org/team`)"),
        ("an odd ` backtick", "an odd backtick"),
        ("fixes #12 at a1b2c3d4e5", "fixes `#12` at `a1b2c3d4e5`"),
        ("\n/merge now", "`/merge` now"),
        ("e.g. 0.5 of job.py at evil.example.", "e.g. 0.5 of `job.py` at `evil.example`."),
        ("50% of www.evil.example", "50% of `www.evil.example`"),
    ] {
        assert_eq!(markdown::prose(given), expected);
    }
    assert_eq!(markdown::code("a`b``c"), "```a`b``c```");
    assert_eq!(markdown::code("`"), "`` ` ``");
}

/// Text of random characters, or of random pieces that mean something to some renderer.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![3 => select(&FRAGMENTS[..]).prop_map(str::to_owned), 1 => "\\PC{0,6}", 1 => "[a-z ]{1,6}"];
    prop_oneof![proptest::collection::vec(piece, 1..14).prop_map(|p| p.concat()), "(?s).{0,60}"]
}

/// A report with these texts put straight into the model, as if somebody had written the stored report by hand.
fn with(path: &str, snippet: &str, symbol: &str) -> Report {
    let mut report = sample::blocked();
    for finding in &mut report.findings {
        (finding.path, finding.symbol) = (path.to_owned(), symbol.to_owned());
        (finding.message, finding.why, finding.fix) = (snippet.to_owned(), symbol.to_owned(), path.to_owned());
        finding.excerpt = snippet.lines().chain([symbol, path]).map(str::to_owned).collect();
        finding.rule = symbol.to_owned();
        finding.because = Some(path.to_owned());
        finding.references = vec![symbol.to_owned(), snippet.to_owned()];
        finding.evidence.push(format!("model {snippet}"));
        if let Some(flow) = &mut finding.flow {
            (flow.what, flow.sink) = (snippet.to_owned(), symbol.to_owned());
            for step in &mut flow.steps {
                (step.path, step.what, step.source) = (path.to_owned(), symbol.to_owned(), snippet.to_owned());
                step.kind = symbol.to_owned();
            }
        }
    }
    for gap in &mut report.coverage.gaps {
        (gap.path, gap.detail, gap.closes) = (Some(path.to_owned()), snippet.to_owned(), true);
    }
    for suppression in &mut report.suppressions {
        (suppression.reason, suppression.place) = (snippet.to_owned(), Some(path.to_owned()));
        (suppression.because, suppression.rules) = (Some(symbol.to_owned()), vec![snippet.to_owned()]);
    }
    report.reasons = vec![snippet.to_owned()];
    report.notes = vec![path.to_owned()];
    report
}

#[test]
fn comments_stay_short_whatever_stands_in_them() {
    let long = "\u{1d54f}@ ".repeat(3000);
    let mut report = with(&long, &long, &long);
    let gap = report.coverage.gaps[0].clone();
    for kind in ["base", "size", "time", "depth", "crash", "unreadable", "syntax", "model", "environment"] {
        report.coverage.gaps.extend((0..20).map(|_| super::model::GapView { kind: kind.into(), ..gap.clone() }));
    }
    (report.notes, report.reasons) = (vec![long.clone(); 40], vec![long.clone(); 40]);
    report.suppressions = vec![report.suppressions[1].clone(); 40];
    report.coverage.languages = (0..50).map(|n| (format!("{n}{long}"), n)).collect();
    let comment = rendered(Format::Markdown, &report);
    assert!(comment.len() < 65_536, "{}", comment.len());
    assert!(comment.contains("**1. Blocks:**") && comment.ends_with("</details>\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// No (path, snippet, symbol) makes a link, an image, HTML, a heading, a mention or a command in the comment.
    #[test]
    fn arbitrary_texts_stay_tame_in_markdown(path in text(), snippet in text(), symbol in text()) {
        let comment = rendered(Format::Markdown, &with(&path, &snippet, &symbol));
        assert_tame(&comment);
        assert_inert(Format::Markdown, &comment);
        assert!(comment.len() < 65_536);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// No (path, snippet, symbol) makes a line that is not one of our commands, or a control character anywhere.
    #[test]
    fn arbitrary_texts_stay_tame_elsewhere(path in text(), snippet in text(), symbol in text()) {
        let report = with(&path, &snippet, &symbol);
        assert_commands(&rendered(Format::Github, &report));
        for format in Format::value_variants() {
            assert_inert(*format, &rendered(*format, &report));
        }
    }
}
