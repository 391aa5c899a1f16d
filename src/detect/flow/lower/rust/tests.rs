//! What Rust is lowered to, as golden files, and that nothing makes it panic.

use super::super::lower;
use crate::change::text::Text;
use crate::detect::flow::ir::{ExprKind, Module};
use crate::detect::flow::print;
use crate::path::RepoPath;
use crate::syntax::language::Language;
use crate::syntax::{Limits, SourceFile, parse};
use proptest::prelude::{Strategy, prop};
use std::time::Duration;

fn file(text: &str) -> Option<SourceFile> {
    let limits = Limits { time: Duration::from_secs(20), depth: 1000 };
    parse(&RepoPath::from("a.rs"), Language::Rust, &Text { text: text.to_owned(), notes: vec![] }, &limits).ok()
}

fn lowered(text: &str) -> Module {
    lower(&file(text).expect("a small file"))
}

fn shown(text: &str) -> String {
    print::module(&lowered(text))
}

#[expect(clippy::disallowed_methods, reason = "a test reads its fixture")]
fn read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).expect("a readable fixture")
}

#[test]
fn rust_is_lowered_as_the_golden_files_show() {
    insta::glob!("../../../../../tests/fixtures/lower/rust", "*.rs", |path| {
        insta::assert_snapshot!(shown(&read(path)));
    });
}

#[test]
fn what_stands_in_a_macro_has_its_place_in_the_file() {
    let text = "fn f() { let é = info!(user = %a.b(), \"x {name} {}\", g(h!(1 + two))); }";
    let module = lowered(text);
    let spanned = |wanted: &str| {
        let at = text.find(wanted).expect("present");
        module.exprs.iter().any(|expr| expr.range() == (at..at + wanted.len()))
    };
    for wanted in ["a.b()", "name", "g(h!(1 + two))", "h!(1 + two)", "1 + two", "two", "x "] {
        assert!(spanned(wanted), "{wanted}");
    }
    for expr in &module.exprs {
        assert!(text.get(expr.range()).is_some(), "{expr:?}");
    }
}

#[test]
fn deep_and_long_code_is_lowered_in_little_space() {
    // As much as the threads have that files are analysed on.
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(lower_deep_code).expect("a thread");
    thread.join().expect("no panic");
}

fn lower_deep_code() {
    let shapes = [
        format!("fn f() {{ x = {}1{}; }}", "(".repeat(900), ")".repeat(900)),
        format!("fn f() {{ x = {}1{}; }}", "[".repeat(900), "]".repeat(900)),
        format!("fn f() {}{}", "{".repeat(480), "}".repeat(480)),
        format!("fn f() {{ x = a{}; }}", " + a".repeat(900)),
        format!("fn f() {{ x = a{}; }}", ".b()".repeat(450)),
        format!("fn f() {{ println!(\"{{}}\", {}1); }}", "!".repeat(100_000)),
        format!("fn f() {{ println!(\"{{}}\", a{}); }}", " + a".repeat(100_000)),
        format!("fn f() {{ {}1{}; }}", "vec![".repeat(300), "]".repeat(300)),
        format!("fn f() {{ {}1{}; }}", "|x| ".repeat(900), ""),
        format!("fn f() {{ {} }}", "if a {} else ".repeat(300) + "{}"),
        format!("fn f() {{ {}{} }}", "match a { _ => ".repeat(200), "}".repeat(200)),
        format!("fn f() {{ {}{} }}", "if let a = b && c { } else { ".repeat(200), "}".repeat(200)),
    ];
    for text in shapes {
        let Some(file) = file(&text) else { continue };
        let module = lower(&file);
        assert!(module.exprs.len() < 4 * text.len() + 100, "{}", &text[..40]);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_of_tokens_makes_it_panic(text in soup()) {
        if let Some(file) = file(&text) {
            let module = lower(&file);
            print::module(&module);
        }
    }
}

fn soup() -> impl Strategy<Value = String> {
    let words = "fn let if else match while for in loop return break continue struct enum impl trait mod use pub const \
        static async move unsafe where as ref mut self super crate dyn type x y Some None Ok é r#type 'a 1 0xF 1.5 -1 \
        \"a{x}{}\" \"\\u{41}{\" r#\"{y:?}\"# b\"\\xff\" 'c' true ( ) [ ] { } < > , ; : :: . .. ..= = == => -> + - * / % \
        & && | || ! ? @ # #[get(\"/\")] $ _ format!( println!( vec![ json!({ matches!( assert!( info!( select!{ panic!(";
    let words: Vec<&str> = words.split_whitespace().collect();
    prop::collection::vec(prop::sample::select(words), 0..60).prop_map(|words| words.join(" "))
}

/// Says how much of real code ends in [`ExprKind::Other`]. `LOWER_RUST` names a folder.
#[test]
#[ignore = "reads whatever sources are there"]
#[expect(clippy::disallowed_methods, reason = "a test reads sources")]
fn real_sources_are_known_almost_completely() {
    let Ok(root) = std::env::var("LOWER_RUST") else { return };
    let (mut all, mut others, mut bytes, mut time) = (0, std::collections::BTreeMap::new(), 0, Duration::ZERO);
    let mut parsing = Duration::ZERO;
    for entry in ignore::WalkBuilder::new(root).standard_filters(false).follow_links(true).build().flatten() {
        if entry.path().extension().is_none_or(|e| e != "rs") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        let begin = std::time::Instant::now();
        let Some(file) = file(&text) else { continue };
        parsing += begin.elapsed();
        let begin = std::time::Instant::now();
        let module = lower(&file);
        time += begin.elapsed();
        bytes += text.len();
        all += module.exprs.len();
        for expr in &module.exprs {
            if matches!(expr.kind, ExprKind::Other(_)) {
                let at = file.text().get(expr.range()).unwrap_or_default();
                let root = file.document.root();
                let node = root.get_inner_node();
                let node = node.descendant_for_byte_range(expr.range().start, expr.range().end);
                let within = |n: tree_sitter::Node<'_>| match n.parent() {
                    Some(parent) if n.kind() == "token_tree" => {
                        parent.child(0).map(|c| file.text()[c.byte_range()].to_owned())
                    }
                    _ => Some(n.kind().to_owned()),
                };
                let entry = others.entry(node.and_then(within).unwrap_or_default()).or_insert((0, Vec::new()));
                entry.0 += 1;
                if entry.1.len() < 3 {
                    entry.1.push(at.chars().take(300).collect::<String>());
                }
            }
        }
    }
    let count: usize = others.values().map(|(count, _)| count).sum();
    let mut others: Vec<_> = others.into_iter().collect();
    others.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    others.truncate(40);
    println!("{bytes} bytes, parsing {parsing:?}, lowering {time:?}, {count} of {all} are unknown: {others:#?}");
    assert!(count * 50 <= all);
}
