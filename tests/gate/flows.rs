//! The labelled suite of flows, `tests/fixtures/flow/<language>/<class>/<vulnerable or safe>-<what it is about>`: a file, or
//! a directory of files that import each other. The first line of a case says what decides.

use crate::harness::{Plain, files_below};
use portcullis::detect::rules::{RuleSet, load};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Cases that the engine gets wrong, each with what it says; a new entry needs a reason in the commit.
const WRONG: &str = "tests/fixtures/flow-wrong.txt";

/// Returns the weaknesses of each class of a language, as the rules about flows name them.
fn weaknesses() -> BTreeMap<(String, String), BTreeSet<String>> {
    let rules = RuleSet::new(load::embedded());
    let files = rules.files().expect("our own rules");
    let mut all = BTreeMap::new();
    for file in &files {
        let id = file.id.as_str();
        let Some((language, class)) = id.split_once("-flow-") else { continue };
        let language = if language == "js" { "javascript" } else { language };
        all.insert((language.to_owned(), class.to_owned()), file.cwe.iter().cloned().collect());
    }
    all
}

/// Returns the cases in whose files flows were found, each with the weaknesses.
fn found(run: &serde_json::Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in run["findings"].as_array().expect("findings") {
        let is_flow = finding["rule"].as_str().is_some_and(|rule| rule.contains("-flow-"));
        if !is_flow || finding["disposition"] == "advisory" {
            continue;
        }
        let path = finding["location"]["path"].as_str().or(finding["path"].as_str()).expect("a path");
        let case: Vec<&str> = path.split('/').take(3).collect();
        let named = finding["cwe"].as_array().expect("weaknesses").iter().map(|c| c.as_str().expect("text").to_owned());
        found.entry(case.join("/")).or_default().extend(named);
    }
    found
}

#[test]
fn labelled_flows_are_told_from_their_safe_twins() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = root.join("tests/fixtures/flow");
    // A copy, since a path with `tests` in it is test code.
    let plain = Plain::new();
    let mut cases = BTreeSet::new();
    for path in files_below(&fixtures) {
        let name = path.strip_prefix(&fixtures).expect("below").to_string_lossy().into_owned();
        plain.write(&name, std::fs::read(&path).expect("a fixture"));
        cases.insert(name.split('/').take(3).collect::<Vec<_>>().join("/"));
    }
    let run = plain.call(&["audit", "--output", "json", "."]).run();
    assert_eq!(run.status, 0, "{run}");
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(report["coverage"]["gaps"].as_array().map(Vec::len), Some(0), "{}", report["coverage"]["gaps"]);
    let (found, weaknesses) = (found(&report), weaknesses());

    let mut wrong = String::new();
    let mut counts: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let mut classes = BTreeSet::new();
    for case in &cases {
        let [language, class, name] = case.split('/').collect::<Vec<_>>()[..] else { panic!("{case}") };
        let named = weaknesses.get(&(language.to_owned(), class.to_owned()));
        let is_found = found.get(case).zip(named).is_some_and(|(found, named)| !found.is_disjoint(named));
        let is_vulnerable = name.starts_with("vulnerable-");
        assert!(is_vulnerable || name.starts_with("safe-"), "{case} has no label");
        classes.insert(class);
        let count = counts.entry(language).or_default();
        let at = if is_vulnerable { 0 } else { 2 };
        count[at] += 1;
        count[at + 1] += usize::from(is_found);
        if is_found != is_vulnerable {
            wrong.push_str(&format!("{case} {}\n", if is_vulnerable { "missed" } else { "false" }));
        }
    }
    for (language, [vulnerable, hit, safe, false_hit]) in &counts {
        println!("{language}: {hit} of {vulnerable} found, {false_hit} of {safe} safe ones suspected");
    }
    let sum = |at: usize| counts.values().map(|c| c[at]).sum::<usize>();
    assert!(cases.len() >= 400 && classes.len() >= 20 && sum(2) * 2 >= cases.len(), "the suite shrank");
    let known = std::fs::read_to_string(root.join(WRONG)).expect("the list");
    let known: String = known.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect();
    assert!(wrong == known, "cases of {WRONG} that changed:\n{}", difference(&known, &wrong));
    assert!(sum(1) * 100 >= sum(0) * 95, "{} of {} found", sum(1), sum(0));
    assert!(sum(3) * 100 <= sum(2) * 5, "{} of {} safe ones suspected", sum(3), sum(2));
}

fn difference(known: &str, now: &str) -> String {
    let (known, now): (BTreeSet<&str>, BTreeSet<&str>) = (known.lines().collect(), now.lines().collect());
    let gone = known.difference(&now).map(|l| format!("- {l}\n"));
    gone.chain(now.difference(&known).map(|l| format!("+ {l}\n"))).collect()
}

#[test]
fn the_examples_of_the_documentation_pass_their_own_tests() {
    let text = include_str!("../../docs/flow.md");
    let plain = Plain::new();
    let mut written = 0;
    for block in text.split("```yaml\n").skip(1) {
        let block = block.split("```").next().expect("an end");
        let rule = block.lines().find_map(|line| line.strip_prefix("id: "));
        match rule {
            Some(rule) => plain.write(&format!("own/python/{rule}.yml"), block),
            None if block.starts_with("library: ") => plain.write("own/python/flow/shopweb.yml", block),
            None => panic!("neither a rule nor a catalog: {block}"),
        };
        written += 1;
    }
    assert_eq!(written, 2);
    plain.call(&["rules", "test", "--rules", "own"]).run().exits(0);
}
