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
fn what_other_files_can_use_is_exported() {
    let exported = |text: &str| {
        let module = module("a.ts", text).expect("within the limits");
        let functions = module.functions.iter().filter(|f| f.exported).filter_map(|f| f.name);
        functions.map(|name| name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(exported("export function a() {} function b() {} export const c = () => 1;"), ["a", "c"]);
    assert_eq!(exported("function a() {} const b = () => 1, c = () => 2; export { a, b as d };"), ["a", "b"]);
    assert_eq!(
        exported("function a() {} module.exports = { a, b() {} }; exports.c = function c() {};"),
        ["a", "b", "c"]
    );
    assert_eq!(exported("class A { m() {} private n() {} #o() {} } export default A;"), ["m"]);
    assert_eq!(exported("class A { m() {} } const b = () => 1; exports = module.exports = b; run(A);"), ["b"]);
}

/// Trees of 1000 nodes in depth, in half the stack that the threads of the product have.
#[test]
fn deep_nesting_and_long_chains_need_little_stack() {
    let thread = std::thread::Builder::new().stack_size(4 << 20).spawn(lower_deep_trees);
    thread.expect("a thread").join().expect("no panic");
}

fn lower_deep_trees() {
    let nested = [
        ("x = ", "[", "]"),
        ("x = ", "(", ")"),
        ("x = ", "f(", ")"),
        ("x = ", "{a:", "}"),
        ("x = ", "x=>", ""),
        ("x = ", "!", ""),
        ("x = ", "a?b:", ""),
        ("x = ", "1+(", ")"),
        ("x = ", "`${", "}`"),
        ("", "{", "}"),
        ("", "if (a) {", "}"),
        ("", "if (a) b; else ", ""),
        ("", "for (;;) {", "}"),
        ("", "function f() {", "}"),
        ("", "class A { m() {", "} }"),
        ("", "switch (a) { case 1: ", "}"),
        ("", "try {", "} finally {}"),
        ("", "a:", "b()"),
        ("x = ", "<a>{", "}</a>"),
    ];
    for (start, open, close) in nested {
        let deepest = (1..10)
            .rev()
            .find(|n| module("a.js", &format!("{start}{}1{}", open.repeat(n * 100), close.repeat(n * 100))).is_some());
        assert!(deepest >= Some(1), "{open}");
    }
    for link in [".a", "(b)", "[c]", ".d(e)", " + 1", "!"] {
        module("a.ts", &format!("x{}", link.repeat(900)));
    }
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
    "interface I { (): a; new (): b; c: d; e(): f }",
    "m() {}",
    "{ (): a }",
    "case 1:",
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
