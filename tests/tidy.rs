//! The architecture test: reads the tree and holds what no compiler does.

#![expect(clippy::disallowed_methods, reason = "tests touch everything")]

use clap::CommandFactory;
use portcullis::cli::args::Cli;
use portcullis::detect::flow::catalog;
use portcullis::detect::rules::{RuleSet, load, precision};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Modules by rank: each imports from smaller ranks only. Those of rank 0 import from those before them.
const RANKS: [(&str, u32); 17] = [
    ("causes", 0),
    ("path", 0),
    ("span", 0),
    ("deadline", 0),
    ("redact", 0),
    ("finding", 0),
    ("change", 1),
    ("model", 1),
    ("syntax", 2),
    ("detect", 3),
    ("compare", 4),
    ("risk", 5),
    ("policy", 6),
    ("report", 7),
    ("config", 8),
    ("run", 9),
    ("cli", 10),
];
/// Which part of `detect` may build on which other one: the rules about flows are rule files.
const BUILDS_ON: [(&str, &str); 1] = [("flow", "rules")];
/// The longest a source file may be.
const MAX_LINES: usize = 500;
/// What only files of the I/O edge may name.
const EFFECTS: [&str; 5] = ["std::fs", "std::env::", "std::process::Command", "std::net", "fs::File"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns every file below a directory of the tree that is ours, with its path from the root.
fn files(below: &str) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(below)];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | ".git" | "corpus" | "artifacts" | "node_modules" | "__pycache__")
                {
                    open.push(path);
                }
            } else {
                let relative = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                found.push((relative, path));
            }
        }
    }
    found.sort();
    found
}

/// Returns the text files below a directory with one of the endings.
fn texts(below: &str, endings: &[&str]) -> Vec<(String, String)> {
    let wanted = files(below).into_iter().filter(|(name, _)| endings.iter().any(|e| name.ends_with(e)));
    wanted.filter_map(|(name, path)| Some((name, std::fs::read_to_string(path).ok()?))).collect()
}

fn without_comments(source: &str) -> String {
    source.lines().filter(|l| !l.trim_start().starts_with("//")).map(|l| format!("{l}\n")).collect()
}

/// Returns the crate paths that a source file names: `detect::rules::load` for `use crate::detect::rules::load;`.
fn imports(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in without_comments(source).split("crate::").skip(1) {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        let path = rest[..end].trim_end_matches(':').to_owned();
        match rest[end..].strip_prefix('{').filter(|_| rest[..end].is_empty() || rest[..end].ends_with("::")) {
            Some(list) => {
                let list = &list[..list.find("};").unwrap_or(list.len())];
                let names = list.split([',', '{', '}']).map(str::trim).filter(|n| n.starts_with(char::is_lowercase));
                found.extend(names.map(|n| format!("{path}::{n}").trim_start_matches("::").to_owned()));
                found.insert(path);
            }
            None => drop(found.insert(path)),
        }
    }
    found.remove("");
    found
}

#[test]
fn modules_import_from_smaller_ranks_only() {
    let rank = |name: &str| RANKS.iter().position(|(n, _)| *n == name).map(|at| (RANKS[at].1, at));
    let mut wrong = Vec::new();
    for (name, source) in texts("src", &[".rs"]) {
        let parts: Vec<&str> = name.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
        if matches!(parts[0], "lib" | "main") {
            continue;
        }
        let Some((own, at)) = rank(parts[0]) else {
            wrong.push(format!("{name}: `{}` has no rank", parts[0]));
            continue;
        };
        for import in imports(&source) {
            let to: Vec<&str> = import.split("::").collect();
            if to[0] == parts[0] {
                let sideways = own == 3
                    && parts.len() > 2
                    && to.len() > 1
                    && to[1] != parts[1]
                    && !BUILDS_ON.contains(&(parts[1], to[1]))
                    && root().join("src/detect").join(to[1]).is_dir();
                wrong.extend(sideways.then(|| format!("{name}: a detector imports another, `{import}`")));
                continue;
            }
            match rank(to[0]) {
                None => wrong.push(format!("{name}: `crate::{import}` has no rank")),
                Some((other, before)) if other > own || (other == own && (own > 0 || before > at)) => {
                    wrong.push(format!("{name} (rank {own}): imports `crate::{import}` (rank {other})"));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_marked_files_touch_the_outside_world() {
    let marked =
        |source: &str| source.starts_with("//! I/O") || source.contains("#![expect(clippy::disallowed_methods");
    let names = |source: &str| EFFECTS.iter().find(|e| without_comments(source).contains(**e)).copied();
    let tests = |name: &str| name.ends_with("tests.rs") || name.ends_with("/sample.rs");
    let outside = texts("src", &[".rs"]).into_iter().filter(|(name, s)| !marked(s) && !tests(name));
    let wrong: Vec<String> = outside.filter_map(|(name, s)| names(&s).map(|e| format!("{name} names {e}"))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_too_long() {
    let long = texts("", &[".rs"])
        .into_iter()
        .filter(|(_, s)| !s.contains("DO NOT EDIT, run") && s.lines().count() > MAX_LINES);
    let long: Vec<String> = long.map(|(name, s)| format!("{name}: {} lines", s.lines().count())).collect();
    assert!(long.is_empty(), "over {MAX_LINES} lines: {}", long.join(", "));
}

#[test]
fn rules_are_named_by_their_files_once_and_show_both_kinds_of_examples() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut catalogs = 0;
    let measured = |name: &str| name == "rules/precision.yml";
    for (name, _) in texts("rules", &[".yml", ".yaml"]).into_iter().filter(|(name, _)| !measured(name)) {
        let parts: Vec<&str> = name.split('/').collect();
        let stem = parts[parts.len() - 1].trim_end_matches(".yml").to_owned();
        if let ["rules", _, "flow", _] = parts[..] {
            assert!(name.ends_with(".yml"), "{name}: catalogs lie in rules/<language>/flow/<library>.yml");
            catalogs += 1;
            continue;
        }
        assert!(name.ends_with(".yml") && parts.len() == 3, "{name}: rules lie in rules/<language>/<id>.yml");
        assert_eq!(seen.insert(stem.clone(), name.clone()), None, "{stem} is there twice");
    }
    let rules = RuleSet::new(load::embedded());
    let files = rules.files().expect("every rule can be read; its id is its file's name");
    assert_eq!(files.len(), seen.len(), "every rule file is in the executable");
    assert_eq!(rules.catalogs().len(), catalogs, "every catalog is in the executable");
    let precisions = rules.precisions().expect("what was measured can be read");
    assert_eq!(rules.measurements().len(), 1, "what was measured is in the executable");
    for source in rules.measurements() {
        for entry in precision::read(source).expect("it was read").rules {
            assert!(seen.contains_key(entry.rule.as_str()), "{} was measured and is no rule", entry.rule);
            let (said, is) = (entry.interval, precisions.of_rule(&entry.rule));
            let (_, is) = is.into_iter().find(|(c, _)| *c == entry.confidence).expect("it was added");
            let near = |a: f64, b: f64| (a - b).abs() < 0.006;
            assert!(near(said.0, is.interval().0) && near(said.1, is.interval().1), "interval of {}", entry.rule);
        }
    }
    for source in rules.catalogs() {
        catalog::load::read(source).unwrap_or_else(|error| panic!("{error}"));
    }
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for file in &files {
        assert!(file.examples.bad.len() >= 2 && file.examples.good.len() >= 2, "{} has too few examples", file.id);
        for id in std::iter::once(file.id.as_str()).chain(file.aliases.iter().map(String::as_str)) {
            assert!(names.insert(id), "{id} names two rules");
        }
    }
}

#[test]
fn every_fixture_is_named_by_a_test() {
    let files = texts("tests", &[".rs"]).into_iter().chain(texts("src", &["tests.rs"]));
    let tests: String = files.map(|(_, s)| s).collect();
    for group in std::fs::read_dir(root().join("tests/fixtures")).into_iter().flatten().flatten() {
        let group_name = group.file_name().to_string_lossy().into_owned();
        // A test that walks a whole group names every directory in it.
        if tests.contains(&format!("fixtures/{group_name}\"")) || !group.path().is_dir() {
            continue;
        }
        for case in std::fs::read_dir(group.path()).into_iter().flatten().flatten().filter(|c| c.path().is_dir()) {
            let name = case.file_name().to_string_lossy().into_owned();
            assert!(tests.contains(&name), "no test names tests/fixtures/{group_name}/{name}");
        }
    }
}

#[test]
fn models_are_those_their_cards_describe() {
    use sha2::{Digest, Sha256};
    for (name, card) in texts("models", &["model.yml"]) {
        let said =
            card.lines().find_map(|l| l.trim().strip_prefix("sha256:")).unwrap_or_default().trim().trim_matches('"');
        let model = root().join(&name).with_file_name("model.onnx");
        let bytes = std::fs::read(&model).unwrap_or_else(|e| panic!("{}: {e}", model.display()));
        let is: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(said, is, "{name}");
    }
}

#[test]
fn open_ends_carry_an_issue_number() {
    let mark = ["TO", "DO"].concat();
    for (name, source) in texts("", &[".rs", ".md", ".sh", "Cargo.toml"]) {
        for (number, line) in source.lines().enumerate() {
            let Some(at) = line.find(&mark) else { continue };
            let rest = line[at + mark.len()..].strip_prefix("(#").unwrap_or_default();
            assert!(rest.starts_with(|c: char| c.is_ascii_digit()), "{name}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn one_file_names_the_model_runtime() {
    let names = |source: &str| {
        let code = without_comments(source);
        code.contains("ort_tract") || code.split("ort::").skip(1).count() > code.matches("port::").count()
    };
    let found: Vec<String> = texts("src", &[".rs"]).into_iter().filter(|(_, s)| names(s)).map(|(n, _)| n).collect();
    assert!(found.len() <= 1, "{found:?}");
}

#[test]
fn generated_files_are_up_to_date() {
    let rules = RuleSet::new(load::embedded());
    let index = portcullis::detect::rules::index::generate(&rules).expect("our own rules");
    let generated = [
        ("rules/index.json", "portcullis rules index", index),
        ("rules/schema.json", "portcullis rules schema", portcullis::detect::rules::schema::json()),
        ("rules/flow-schema.json", "portcullis rules schema --catalog", catalog::schema::json()),
        ("docs/config.schema.json", "portcullis config schema", portcullis::config::schema()),
    ];
    for (file, command, text) in generated {
        let there = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(there == text, "{file} is out of date: run `{command} > {file}`");
    }
}

#[test]
fn readme_and_command_line_name_the_same_options() {
    let Ok(readme) = std::fs::read_to_string(root().join("README.md")) else { return };
    let rows = readme.lines().filter(|l| l.trim_start().starts_with("| `-"));
    let words = rows.flat_map(|row| row.split(['`', ' ', ',', '=', '[', '|']));
    let named: BTreeSet<&str> = words.filter_map(|w| w.strip_prefix("--")).filter(|w| !w.is_empty()).collect();
    let mut command = Cli::command();
    command.build();
    let longs =
        |c: &clap::Command| c.get_arguments().filter_map(|a| a.get_long().map(str::to_owned)).collect::<BTreeSet<_>>();
    let all: BTreeSet<String> = command.get_subcommands().flat_map(longs).chain(longs(&command)).collect();
    for option in &named {
        assert!(all.contains(*option), "README.md names --{option}, which no command has");
    }
    if !named.is_empty() {
        let check = command.find_subcommand("check").expect("there is a check");
        for option in longs(check).iter().filter(|o| *o != "help") {
            assert!(named.contains(option.as_str()), "README.md's table lacks --{option} of `check`");
        }
    }
}

#[test]
fn the_tree_speaks_of_the_product_only() {
    let split = [
        ["/wo", "rk/"],
        ["shared/", "guide"],
        ["shared/", "harness"],
        ["clau", "de"],
        ["anthro", "pic"],
        ["sub", "agent"],
        ["coding ", "agent"],
        ["another ", "session"],
        ["this ", "session"],
    ];
    let words = split.map(|w| w.concat());
    for (name, text) in
        texts("", &[".rs", ".md", ".yml", ".toml", ".json", ".py", ".sh", "run", "test", "bench", "fuzz"])
    {
        let lower = text.to_lowercase();
        for word in &words {
            // A path inside a container image of some CI system is another matter than a path of ours.
            let found =
                lower.match_indices(word.as_str()).any(|(at, _)| !lower[..at].ends_with(|c: char| c.is_alphanumeric()));
            assert!(!found, "{name} names `{word}`");
        }
    }
}
