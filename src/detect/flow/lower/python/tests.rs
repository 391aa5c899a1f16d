//! Golden files of the lowering, and text that is no Python.

use crate::change::text::Text;
use crate::detect::flow::ir::{ExprKind, Module};
use crate::detect::flow::lower::lower;
use crate::detect::flow::print;
use crate::path::RepoPath;
use crate::syntax::language::Language;
use crate::syntax::{Limits, SourceFile, parse};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, prop_oneof, proptest};
use proptest::sample::select;
use std::time::Duration;

fn file(text: &str) -> Option<SourceFile> {
    let limits = Limits { time: Duration::from_secs(20), depth: 1000 };
    parse(&RepoPath::from("a.py"), Language::Python, &Text { text: text.to_owned(), notes: vec![] }, &limits).ok()
}

fn lowered(text: &str) -> String {
    print::module(&lower(&file(text).expect("a small file")))
}

#[expect(clippy::disallowed_methods, reason = "a test reads its fixture")]
fn read(path: &std::path::Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).expect("a readable file")).into_owned()
}

#[test]
fn every_construct_is_lowered() {
    insta::glob!("../../../../../tests/fixtures/lower/python", "*.py", |path| {
        insta::assert_snapshot!(lowered(&read(path)));
    });
}

/// Returns the texts of expressions that nothing in the module leads to. Constants may be: keys of patterns, steps of slices.
fn lost(module: &Module, text: &str) -> Vec<String> {
    let mut seen = vec![false; module.exprs.len()];
    for rest in format!("{module:?}").split("ExprId(").skip(1) {
        let number = rest.split(')').next().and_then(|number| number.parse::<usize>().ok());
        if let Some(seen) = number.and_then(|number| seen.get_mut(number)) {
            *seen = true;
        }
    }
    let lost = module
        .exprs
        .iter()
        .zip(seen)
        .filter(|(expr, seen)| !seen && !matches!(expr.kind, ExprKind::Const(_) | ExprKind::Negate(_)));
    lost.map(|(expr, _)| format!("{:?} {}", expr.kind, text.get(expr.range()).unwrap_or("?"))).collect()
}

#[test]
fn nothing_is_lowered_and_then_lost() {
    insta::glob!("../../../../../tests/fixtures/lower/python", "*.py", |path| {
        let text = read(path);
        assert_eq!(
            lost(&lower(&file(&text).expect("a small file")), &text),
            Vec::<String>::new(),
            "{}",
            path.display()
        );
    });
}

#[test]
fn spans_are_those_of_the_whole_construct() {
    let text = "x = (\n    run(a.b[0], *c)\n    .strip()\n)\n";
    let module = lower(&file(text).expect("a small file"));
    let calls = module.exprs.iter().filter(|e| matches!(e.kind, ExprKind::Call(_)));
    let texts: Vec<&str> = calls.map(|call| &text[call.range()]).collect();
    assert_eq!(texts, ["run(a.b[0], *c)", "run(a.b[0], *c)\n    .strip()"]);
    assert_eq!(module.body[0].span, (0, u32::try_from(text.len() - 1).expect("small")));
}

#[test]
fn long_chains_do_not_nest() {
    let chain: String = (0..2000).map(|i| format!("elif x == {i}:\n    y = {i}\n")).collect();
    let shown = lowered(&format!("if x is None:\n    pass\n{chain}else:\n    y = -1\n"));
    assert!(shown.starts_with("match true\ncase _ if (x Is null)\ncase _ if (x Eq 0)\n  y = 0\n"), "{shown}");
    assert!(lowered(&format!("a{}", " < b".repeat(500))).starts_with("other("));
}

/// The stack is that of the threads that files are analysed on.
#[test]
fn deep_trees_are_lowered() {
    let deep = |(open, close): (&str, &str)| format!("x = {}1{}\n", open.repeat(480), close.repeat(480));
    let all = [("(", ")"), ("[", "]"), ("f(", ")"), ("{1: ", "}"), ("-", ""), ("lambda: ", ""), ("a if b else ", "")];
    let work = move || {
        for text in all.map(deep) {
            assert!(!lower(&file(&text).expect("within the limits")).body.is_empty());
        }
    };
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(work).expect("a thread");
    thread.join().expect("no panic");
}

/// Lowers the folder of sources that `PORTCULLIS_SOURCES` names, and counts.
#[test]
#[ignore = "reads a folder of the machine"]
#[expect(clippy::disallowed_methods, reason = "a test reads what it is given")]
fn real_files_are_lowered() {
    let mut open = vec![std::path::PathBuf::from(std::env::var("PORTCULLIS_SOURCES").expect("a folder"))];
    let (mut files, mut all) = (0, 0);
    let mut kinds: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let (mut parsing, mut lowering) = (Duration::ZERO, Duration::ZERO);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|e| e == "py") {
            let started = std::time::Instant::now();
            let Some(file) = file(&read(&path)) else { continue };
            parsing += started.elapsed();
            let started = std::time::Instant::now();
            let module = lower(&file);
            lowering += started.elapsed();
            files += 1;
            assert_eq!(lost(&module, file.text()), Vec::<String>::new(), "{}", path.display());
            all += module.exprs.len();
            let root = file.document.root().get_inner_node();
            for expr in module.exprs.iter().filter(|e| matches!(e.kind, ExprKind::Other(_))) {
                let node = root.descendant_for_byte_range(expr.range().start, expr.range().end);
                *kinds.entry(node.map_or("none", |n| n.kind()).to_owned()).or_default() += 1;
            }
        }
    }
    println!("{files} files, {all} expressions, {parsing:?} to parse, {lowering:?} to lower; other: {kinds:?}");
    assert!(files > 0 && kinds.values().sum::<usize>() * 50 < all);
}

/// Words and signs of the language, a space between.
const TOKENS: &str = "def f class A ( ) [ ] { } : if elif else for in while try except as finally with match case \
    lambda yield from import return raise assert del global nonlocal async await not is and or * ** @ = := += @= == < \
    | - ~ . , ; x self _ 0x 1 1.5 2j ' \" f'{ f\" }' !r \\ '\\x4' b'\\xff' \"\"\" ... -> print exec type None True # é \
    𝓮 \\N{ Annotated[ Literal[ int >> r'\\' *a **k case_ pass break /";

fn tokens() -> impl Strategy<Value = String> {
    let words: Vec<&str> = TOKENS.split(' ').chain(["\n", "\n    ", "\n        ", "\r", " "]).collect();
    let token = (select(words), select(vec!["", " "]));
    let text =
        vec(token, 0..60).prop_map(|tokens| tokens.into_iter().map(|(word, space)| format!("{word}{space}")).collect());
    prop_oneof![3 => text, 1 => "(?s).{0,80}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in tokens()) {
        if let Some(file) = file(&text) {
            let module = lower(&file);
            proptest::prop_assert_eq!(lost(&module, &text), Vec::<String>::new());
            print::module(&module);
        }
    }
}
