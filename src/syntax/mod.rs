//! Source files as syntax trees: text, tree, lines, comments, functions.
//!
//! Parsing never fails: what the parser could not do is part of the result. Walks are iterative, because nesting is
//! chosen by whoever wrote the file. Knows nothing of rules.

pub mod language;
mod outline;
mod quiet;

pub use outline::{Comment, Function, Mark, Outline};

use crate::change::text::Text;
use crate::deadline::Deadline;
use crate::path::RepoPath;
use crate::span::{LineIndex, LineSet, Span};
use ast_grep_core::AstGrep;
use ast_grep_core::tree_sitter::{LanguageExt, StrDoc};
use language::Language;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::sync::OnceLock;
use std::time::Duration;
use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

/// A parsed document in the form that pattern matching works on.
pub type Document = AstGrep<StrDoc<Language>>;

/// A source file, parsed.
pub struct SourceFile {
    /// Where it is.
    pub path: RepoPath,
    /// What it is written in.
    pub language: Language,
    /// Its tree, with the text inside.
    pub document: Document,
    /// Its lines.
    pub index: LineIndex,
    /// Lines that the change adds; all lines in an audit.
    pub added: LineSet,
    /// Lines of the other side that the change removes, where there is one.
    pub removed: LineSet,
    /// Whether only parts of the file are known (a patch).
    pub partial: bool,
    /// Functions, comments, and what the parser could not read.
    pub outline: Outline,
    /// Where identifiers stand, once somebody has asked.
    words: OnceLock<Vec<Range<usize>>>,
}

impl SourceFile {
    /// Returns the whole text.
    pub fn text(&self) -> &str {
        self.document.source()
    }

    /// Returns where identifiers stand, or what looks like one: several look for names in the same file.
    pub fn words(&self) -> &[Range<usize>] {
        self.words.get_or_init(|| identifiers(self.text()))
    }

    /// Returns the span of a byte range.
    pub fn span(&self, range: Range<usize>) -> Span {
        self.index.span(range, self.text())
    }

    /// Returns the names of the symbols around a byte range, outermost first, joined with `.`.
    pub fn symbol_at(&self, range: &Range<usize>) -> &str {
        self.outline.symbol_at(range)
    }

    /// Says whether `range` is test code, by the file's path or, in Rust, by what it is compiled for.
    pub fn is_test_code(&self, range: &Range<usize>) -> bool {
        is_test_path(&self.path) || self.outline.is_test_at(range)
    }
}

/// Limits for one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time for parsing and matching one file.
    pub time: Duration,
    /// Deepest nesting of the tree that is analysed, in nodes.
    pub depth: u32,
}

/// Why a file has no tree that can be analysed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseGap {
    /// The time limit was reached.
    Time,
    /// The tree is nested deeper than the limit; the first depth beyond it.
    Depth(u32),
}

/// Parses a text.
///
/// # Errors
/// [`ParseGap`] where a limit was reached: the input's doing, to be reported as a gap.
pub fn parse(path: &RepoPath, language: Language, text: &Text, limits: &Limits) -> Result<SourceFile, ParseGap> {
    let tree = parse_tree(language, &quiet::quieted(language, &text.text), limits.time).ok_or(ParseGap::Time)?;
    let index = LineIndex::new(&text.text);
    let outline = outline::read(language, &tree, &text.text, limits.depth);
    if outline.depth > limits.depth {
        return Err(ParseGap::Depth(outline.depth));
    }
    let document = Document::doc(StrDoc { src: text.text.clone(), lang: language, tree });
    let added = LineSet::range(1, index.line_count());
    Ok(SourceFile {
        path: path.clone(),
        language,
        document,
        index,
        added,
        removed: LineSet::default(),
        partial: false,
        outline,
        words: OnceLock::new(),
    })
}

/// Parses `text` and nothing else; `None` where `time` ran out. For the comparison in benchmarks, too.
pub fn parse_tree(language: Language, text: &str, time: Duration) -> Option<Tree> {
    thread_local! {
        static PARSERS: RefCell<HashMap<Language, Parser>> = RefCell::new(HashMap::new());
    }
    let deadline = Deadline::after(time);
    PARSERS.with(|parsers| {
        let mut parsers = parsers.borrow_mut();
        let parser = parsers.entry(language).or_insert_with(|| {
            let mut parser = Parser::new();
            parser.set_language(&language.get_ts_language()).expect("grammars of the table fit the linked tree-sitter");
            parser
        });
        parser.reset();
        let bytes = text.as_bytes();
        let mut late = |_: &ParseState| {
            if deadline.passed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = ParseOptions::new().progress_callback(&mut late);
        parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
    })
}

/// Returns the stretches of a text that are identifiers, or look like ones.
pub fn identifiers(text: &str) -> Vec<Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        match (start, is_part(c)) {
            (None, true) if !c.is_numeric() => start = Some(at),
            (Some(from), false) => {
                found.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// Says whether a path is that of test code: below a folder that only tests live in, or named by JavaScript's endings.
///
/// Narrow on purpose. Names are the author's choice, and test code is judged more mildly.
pub fn is_test_path(path: &RepoPath) -> bool {
    let name = path.file_name();
    let folder = |f: &str| matches!(f, "test" | "tests" | "__tests__" | "spec" | "specs" | "__mocks__");
    let script = matches!(path.extension().as_str(), "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts");
    path.as_str().rsplit('/').skip(1).any(folder)
        || matches!(name, "conftest.py" | "tests.py")
        || (script && (name.contains(".test.") || name.contains(".spec.")))
}

/// Folders of what only those run who work on a program.
const OF_DEVELOPERS: [&str; 17] = [
    "script",
    "scripts",
    "seed",
    "seeders",
    "seeds",
    "tools",
    "tooling",
    ".github",
    "ci",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "example",
    "examples",
    "e2e",
    "cypress",
];
/// Files that build a program.
const BUILDING: [&str; 14] = [
    "build.js",
    "build.mjs",
    "build.cjs",
    "build.ts",
    "build.rs",
    "esbuild.js",
    "esbuild.mjs",
    "gulpfile.js",
    "Gruntfile.js",
    "karma.conf.js",
    "setup.py",
    "noxfile.py",
    "fabfile.py",
    "tasks.py",
];

/// Says whether a path is that of a script for those who work on a program: what builds, releases or measures it.
pub fn is_developers_path(path: &RepoPath) -> bool {
    let name = path.file_name();
    let is_config = [".config.js", ".config.mjs", ".config.cjs", ".config.ts"].iter().any(|end| name.ends_with(end));
    path.as_str().rsplit('/').skip(1).any(|folder| OF_DEVELOPERS.contains(&folder))
        || BUILDING.contains(&name)
        || is_config
        || (name.starts_with("webpack.") && name.ends_with("js"))
}

/// Endings of generated files.
const GENERATED: [&str; 6] = [".min.js", ".bundle.js", "-min.js", "_pb2.py", "_pb2_grpc.py", ".generated.ts"];
/// Bytes a line has on average in text that no person wrote line by line.
const DENSE: usize = 500;

/// Says whether a path is named like generated code.
pub fn is_generated_path(path: &RepoPath) -> bool {
    GENERATED.iter().any(|e| path.as_str().ends_with(e))
}

/// Says whether a file is generated, by its name or, as minified code is, by the length of its lines.
pub fn is_generated(path: &RepoPath, text: &str) -> bool {
    is_generated_path(path) || (text.len() > 4 * DENSE && text.len() / text.lines().count().max(1) > DENSE)
}

#[cfg(test)]
mod tests {
    use super::{Limits, ParseGap, is_developers_path, is_generated, is_test_path, parse};
    use crate::change::text::Text;
    use crate::path::RepoPath;
    use crate::syntax::language::Language;
    use std::time::Duration;

    fn limits() -> Limits {
        Limits { time: Duration::from_secs(5), depth: 500 }
    }

    #[test]
    fn symbols_functions_and_comments_are_found() {
        let text = Text { text: "class A {\n  // note\n  m() { const f = () => { g(1) } }\n}\n".into(), notes: vec![] };
        let file = parse(&RepoPath::from("a.ts"), Language::TypeScript, &text, &limits()).expect("small");
        let at = file.text().find("g(1)").expect("present");
        assert_eq!(file.symbol_at(&(at..at + 4)), "A.m.f");
        assert_eq!(file.outline.comments[0].text(file.text()), "// note");
        assert!(file.outline.errors.is_empty());
    }

    #[test]
    fn rust_tests_are_told_by_what_they_are_compiled_for() {
        let text = "#[cfg(test)]\nmod tests { fn a() { x() } }\nmod test { fn b() { y() } }\n#[tokio::test]\nasync fn c() { z() }\n";
        let file =
            parse(&RepoPath::from("src/a.rs"), Language::Rust, &Text { text: text.into(), notes: vec![] }, &limits())
                .expect("small");
        let at = |what: &str| file.text().find(what).map(|i| i..i + what.len()).expect("present");
        assert!(file.is_test_code(&at("x()")) && file.is_test_code(&at("z()")));
        assert!(!file.is_test_code(&at("y()")), "a name alone makes no test");
    }

    #[test]
    fn deep_nesting_is_reported_not_walked() {
        let text = Text { text: format!("x = {}1{}\n", "[".repeat(5000), "]".repeat(5000)), notes: vec![] };
        let gap = parse(&RepoPath::from("a.py"), Language::Python, &text, &limits()).err();
        assert!(matches!(gap, Some(ParseGap::Depth(501))), "{gap:?}");
    }

    #[test]
    fn generated_code_is_known_by_its_name_and_by_its_lines() {
        let (short, long) = ("x = 1\n".repeat(900), "x = 1;".repeat(900));
        let is = |path: &str, text: &str| is_generated(&RepoPath::from(path), text);
        assert!(is("a.min.js", &short) && is("assets/index.1f3a.js", &long));
        assert!(!is("a.js", &short) && !is("a.js", "x = 1;") && !is("a.js", &"y".repeat(700)));
    }

    #[test]
    fn test_paths_follow_the_usual_conventions() {
        for path in
            ["tests/a.py", "pkg/conftest.py", "shop/tests.py", "src/a.test.ts", "src/__tests__/a.js", "spec/a.rs"]
        {
            assert!(is_test_path(&RepoPath::from(path)), "{path}");
        }
        for path in ["src/contest.py", "latest/a.ts", "src/test_views.py", "src/app.test.py", "src/testing/a.py"] {
            assert!(!is_test_path(&RepoPath::from(path)), "{path}");
        }
    }

    #[test]
    fn scripts_of_developers_are_known_by_their_place() {
        for path in [
            "scripts/a.py",
            "prisma/seed/users.ts",
            "webpack.prod.js",
            "app/vite.config.ts",
            "build.mjs",
            "tools/x/a.js",
            "setup.py",
        ] {
            assert!(is_developers_path(&RepoPath::from(path)), "{path}");
        }
        for path in ["src/builder.js", "src/config.ts", "app/descriptions/a.py", "src/build/app.ts"] {
            assert!(!is_developers_path(&RepoPath::from(path)), "{path}");
        }
    }
}
