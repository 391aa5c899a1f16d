//! Rules that match a pattern, where following the data tells more: `tests/fixtures/settled`. A name with `safe` or
//! `suspected` in it says of the code up to the next such name what is expected.

use crate::harness::{Plain, files_below};
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn rules_are_sure_only_where_following_the_data_does_not_tell_otherwise() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/settled");
    // A copy, since a path with `tests` in it is test code.
    let plain = Plain::new();
    let mut cases = BTreeMap::new();
    for path in files_below(&fixtures) {
        let name = path.strip_prefix(&fixtures).expect("below").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a fixture");
        plain.write(&name, &text);
        cases.insert(name, cases_of(&text));
    }
    let run = plain.call(&["audit", "--output", "json", "."]).run();
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let mut sure: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in report["findings"].as_array().expect("findings") {
        let path = finding["path"].as_str().expect("a path");
        let line = finding["start_line"].as_u64().expect("a line");
        let case = cases[path].iter().rev().find(|(from, _)| *from <= line).expect("a case").1.clone();
        let is_sure = finding["confidence"] != "low" && finding["disposition"] != "advisory";
        let of_case = sure.entry(format!("{path} {case}")).or_default();
        if is_sure {
            of_case.push(finding["rule"].as_str().expect("a rule").to_owned());
        }
    }
    let mut wrong = Vec::new();
    for (path, cases) in &cases {
        assert!(cases.len() > 2, "{path} has cases");
        for (_, case) in cases {
            let rules = sure.get(&format!("{path} {case}"));
            let is_sure = rules.is_some_and(|rules| !rules.is_empty());
            if is_sure != case.starts_with("suspected") {
                wrong.push(format!("{path} {case}: {rules:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the cases of a file, each with its first line.
fn cases_of(text: &str) -> Vec<(u64, String)> {
    let mut cases: Vec<(u64, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let found = ["safe_", "suspected_"].iter().find_map(|mark| line.find(mark));
        let Some(at) = found else { continue };
        let name: String = line[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if cases.iter().all(|(_, known)| *known != name) {
            cases.push((number, name));
        }
    }
    cases
}
