//! No rule runs away: a megabyte of text made to be slow, in every language, against every shipped rule by itself.

use portcullis::change::text::Text;
use portcullis::deadline::Deadline;
use portcullis::detect::rules::matcher::RuleDetector;
use portcullis::detect::rules::{RuleSet, folder_serves, load};
use portcullis::detect::{Context, Detector, Others};
use portcullis::path::RepoPath;
use portcullis::syntax::language::{LANGUAGES, Language};
use portcullis::syntax::{Limits, SourceFile, parse};
use std::time::{Duration, Instant};

const MEGABYTE: usize = 1 << 20;
/// Rules that look at the parent of every identifier. tree-sitter finds a parent from the root, so a million of them
/// at a depth of 200 take seconds; the time limit of a file ends that, and the file becomes a gap.
const LOOKS_AT_PARENTS: [&str; 1] = ["rust-unsafe-item-without-safety-comment"];

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
    let of_language =
        files.iter().zip(rules.sources()).filter(|(f, s)| folder_serves(&s.folder, language) && f.applies_to(language));
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

/// Matches and returns the time it took.
fn timed(rules: &RuleSet, file: &SourceFile) -> Duration {
    let begin = Instant::now();
    let context =
        Context { deadline: Deadline::after(Duration::from_secs(60)), others: Others::none().after, focus: None };
    drop(RuleDetector { rules }.detect(file, context));
    begin.elapsed()
}

/// All rules of a language together usually stay below the limit of one; only where they do not, each is measured.
#[test]
fn b17_no_shipped_rule_takes_a_second_for_a_megabyte() {
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 10_000 } else { 1_000 });
    let rules = RuleSet::new(load::embedded());
    let mut slow = Vec::new();
    for row in &LANGUAGES {
        rules.compile_all(row.language).expect("our own rules");
        for (name, shape) in shapes() {
            let file = file(row.language, &shape, &rules);
            let together = timed(&rules, &file);
            println!("{name} in {}: {together:?} for all rules together", row.name);
            if together < limit {
                continue;
            }
            for source in rules.sources().iter().filter(|s| folder_serves(&s.folder, row.language)) {
                let one = RuleSet::new(vec![source.clone()]);
                one.compile_all(row.language).expect("our own rules");
                let took = timed(&one, &file);
                if took > limit / 4 {
                    println!("  {took:?} for {}", source.stem);
                }
                let slower = took > limit && !LOOKS_AT_PARENTS.contains(&source.stem.as_str());
                slow.extend(slower.then(|| format!("{took:?} {} on {name} in {}", source.stem, row.name)));
            }
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
