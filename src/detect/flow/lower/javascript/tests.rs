//! Golden files of the lowering, and that it never fails.

use crate::change::text::Text;
use crate::detect::flow::ir::{ExprKind, Module};
use crate::detect::flow::{lower, print};
use crate::path::RepoPath;
use crate::syntax::language::Language;
use crate::syntax::{Limits, parse};
use proptest::prelude::{ProptestConfig, Strategy, prop_oneof, proptest};
use proptest::sample::select;
use std::time::Duration;

fn module(path: &str, text: &str) -> Option<Module> {
    let path = RepoPath::from(path);
    let language = Language::of_path(&path).expect("a known language");
    let limits = Limits { time: Duration::from_secs(10), depth: 1000 };
    let file = parse(&path, language, &Text { text: text.to_owned(), notes: vec![] }, &limits).ok()?;
    Some(lower::lower(&file))
}

fn lowered(path: &str, text: &str) -> String {
    print::module(&module(path, text).expect("within the limits"))
}

#[test]
fn lowered_modules_are_golden() {
    insta::glob!("../../../../../tests/fixtures/lower/javascript", "*.{js,jsx,ts,tsx}", |path| {
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
        insta::assert_snapshot!(lowered(name, &read(path)));
    });
}

#[expect(clippy::disallowed_methods, reason = "a test reads its fixture")]
fn read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).expect("a readable fixture")
}

#[test]
fn spans_of_calls_are_whole_calls() {
    let text = "const a = await b.c<T>(d).e(f);\nconst g = `${h(i)}` + !(j as any)!.k<T>(l);\n";
    let module = module("a.ts", text).expect("within the limits");
    let calls = module.exprs.iter().filter(|e| matches!(e.kind, ExprKind::Call(_) | ExprKind::Await(_)));
    let mut found: Vec<&str> = calls.map(|e| &text[e.range()]).collect();
    found.sort_unstable();
    assert_eq!(found, ["(j as any)!.k<T>(l)", "await b.c<T>(d).e(f)", "b.c<T>(d)", "b.c<T>(d).e(f)", "h(i)"]);
}

#[test]
fn deep_nesting_and_long_chains_need_little_stack() {
    for (open, close) in [("[", "]"), ("(", ")"), ("f(", ")"), ("{a:", "}"), ("x=>", ""), ("!", ""), ("a?b:", "")] {
        let text = format!("x = {}1{}", open.repeat(300), close.repeat(300));
        assert!(module("a.js", &text).is_some(), "{open}");
    }
    for (open, close) in [("{", "}"), ("if (a) {", "}"), ("for (;;) {", "}"), ("function f() {", "}"), ("a:", "b()")] {
        module("a.js", &format!("{}{}", open.repeat(300), close.repeat(300)));
    }
    for link in [".a", "(b)", "[c]", ".d(e)"] {
        module("a.ts", &format!("x{}", link.repeat(900)));
    }
    module("a.js", &format!("x = {}1", "1 + ".repeat(900)));
}

const PIECES: &[&str] = &[
    "a",
    "b.c",
    "this",
    "1",
    "'s'",
    "`t`",
    "`${",
    "}`",
    "/r/g",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "</",
    "/>",
    "=",
    "=>",
    ",",
    ";",
    ":",
    "?",
    "?.",
    "...",
    ".",
    "!",
    "@",
    "#p",
    "+",
    "++",
    "&&=",
    "??",
    "\n",
    "async ",
    "await ",
    "break ",
    "case ",
    "catch ",
    "class ",
    "const ",
    "continue ",
    "declare ",
    "default ",
    "delete ",
    "do ",
    "else ",
    "enum ",
    "export ",
    "extends ",
    "finally ",
    "for ",
    "from ",
    "function ",
    "get ",
    "if ",
    "import ",
    "in ",
    "instanceof ",
    "let ",
    "module ",
    "namespace ",
    "new ",
    "of ",
    "private ",
    "return ",
    "satisfies ",
    "as ",
    "static ",
    "switch ",
    "throw ",
    "try ",
    "type ",
    "typeof ",
    "var ",
    "void ",
    "while ",
    "with ",
    "yield ",
    "interface ",
    "constructor",
    "\\u0041",
    "é",
    "'",
    "`",
    "//",
    "/*",
];

fn source() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => select(PIECES).prop_map(str::to_owned),
        1 => "(?s).{0,3}",
    ];
    proptest::collection::vec(piece, 1..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn arbitrary_text_is_lowered_without_panic(text in source()) {
        for path in ["a.js", "a.ts", "a.tsx"] {
            if let Some(module) = module(path, &text) {
                print::module(&module);
            }
        }
    }
}
