//! No rule runs away: a megabyte of text made to be slow, in every language, against every shipped rule by itself.

use portcullis::change::text::Text;
use portcullis::detect::rules::matcher::RuleDetector;
use portcullis::detect::rules::{RuleSet, folder_serves, load};
use portcullis::detect::{Deadline, Detector};
use portcullis::path::RepoPath;
use portcullis::syntax::language::{LANGUAGES, Language};
use portcullis::syntax::{Limits, SourceFile, parse};
use std::time::{Duration, Instant};

const MEGABYTE: usize = 1 << 20;

/// Texts that are slow to match, without the code around them.
fn shapes() -> Vec<(&'static str, String)> {
    let nested = format!("{}1{}", "(".repeat(200), ")".repeat(200));
    vec![
        ("identifier", "a".repeat(MEGABYTE)),
        ("string", format!("\"{}!\"", "a".repeat(MEGABYTE))),
        ("spaces in a string", format!("\"select {}\"", " ".repeat(MEGABYTE))),
        ("call", format!("f({})", "a, ".repeat(MEGABYTE / 3))),
        ("nested", format!("f({})", format!("{nested}, ").repeat(MEGABYTE / 403))),
        ("sum", format!("f({})", format!("1{}, ", "+ a".repeat(200)).repeat(MEGABYTE / 603))),
    ]
}

/// A file with the shape in it, and with every example of the language, so that no rule is left out for want of words.
fn file(language: Language, shape: &str, rules: &RuleSet) -> SourceFile {
    let files = rules.files().expect("our own rules");
    let of_language = files.iter().zip(rules.sources()).filter(|(f, s)| folder_serves(&s.folder, language) && f.applies_to(language));
    let examples: String = of_language.flat_map(|(f, _)| &f.examples.bad).map(|e| format!("{e}\n")).collect();
    let code = match language {
        Language::Python => format!("x = {shape}\n{examples}"),
        Language::Rust => format!("fn f() {{ let x = {shape}; }}\n{examples}"),
        _ => format!("x = {shape};\n{examples}"),
    };
    let limits = Limits { time: Duration::from_secs(60), depth: 5_000 };
    let path = RepoPath::from(format!("a.{}", language.row().extensions[0]).as_str());
    parse(&path, language, &Text { text: code, notes: Vec::new() }, &limits).expect("not that deep")
}

#[test]
fn no_shipped_rule_takes_a_second_for_a_megabyte() {
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 10_000 } else { 1_000 });
    let rules = RuleSet::new(load::embedded());
    let mut worst: Vec<(Duration, String)> = Vec::new();
    for row in &LANGUAGES {
        let single: Vec<RuleSet> = rules
            .sources()
            .iter()
            .filter(|s| folder_serves(&s.folder, row.language))
            .map(|s| RuleSet::new(vec![s.clone()]))
            .collect();
        single.iter().for_each(|r| r.compile_all(row.language).expect("our own rules"));
        for (name, shape) in shapes() {
            let file = file(row.language, &shape, &rules);
            for rule in &single {
                let begin = Instant::now();
                drop(RuleDetector { rules: rule }.detect(&file, Deadline::after(Duration::from_secs(60))));
                worst.push((begin.elapsed(), format!("{} on {name} in {}", rule.sources()[0].stem, row.name)));
            }
        }
    }
    worst.sort_by(|a, b| b.cmp(a));
    for (took, what) in &worst[..5] {
        println!("{} of {}: {took:?} {what}", 5, worst.len());
    }
    assert!(worst[0].0 < limit, "{:?}", &worst[..5]);
}
