//! The one table of languages: file names, grammar, and the node kinds that the rest of the product asks for.
//!
//! A sixth language is one more row and one more variant. Nothing outside this file names a grammar.

use crate::path::RepoPath;
use ast_grep_core::Pattern;
use ast_grep_core::language::Language as Matching;
use ast_grep_core::matcher::{PatternBuilder, PatternError};
use ast_grep_core::tree_sitter::{LanguageExt, StrDoc, TSLanguage};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::OnceLock;

/// A language that Portcullis parses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Python 3.
    Python,
    /// JavaScript, with JSX.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Rust.
    Rust,
}

/// What the table holds for one language.
#[derive(Debug)]
pub struct Row {
    /// The language.
    pub language: Language,
    /// Name in rule files, configuration and reports.
    pub name: &'static str,
    /// Lower-case file extensions.
    pub extensions: &'static [&'static str],
    /// Whole file names.
    pub file_names: &'static [&'static str],
    /// Interpreter names in a `#!` line, without version.
    pub interpreters: &'static [&'static str],
    grammar: fn() -> TSLanguage,
    /// Stands in for `$` in patterns, where the grammar does not take `$` in names.
    expando: char,
    /// Kinds of nodes that are functions.
    pub functions: &'static [&'static str],
    /// Kinds of nodes that give their name to what is inside them (classes, modules, implementations).
    pub containers: &'static [&'static str],
    /// Kinds of comments.
    pub comments: &'static [&'static str],
    /// Kinds of nodes that are literal text, delimiters included.
    pub strings: &'static [&'static str],
}

const JS_FUNCTIONS: &[&str] = &[
    "function_declaration",
    "generator_function_declaration",
    "function_expression",
    "generator_function",
    "arrow_function",
    "method_definition",
];
const JS_STRINGS: &[&str] = &["string", "template_string", "regex", "jsx_text"];
const TS_CONTAINERS: &[&str] =
    &["class_declaration", "class", "abstract_class_declaration", "internal_module", "module"];

/// Bytes of a `#!` line that are looked at; systems read fewer.
const MAX_SCRIPT_LINE: usize = 4096;

/// The table.
pub const LANGUAGES: [Row; 5] = [
    Row {
        language: Language::Python,
        name: "python",
        extensions: &["py", "pyw", "pyi"],
        file_names: &["SConstruct", "SConscript", "wscript"],
        interpreters: &["python", "pypy", "ipython", "uv", "uvx"],
        grammar: || tree_sitter_python::LANGUAGE.into(),
        expando: 'µ',
        functions: &["function_definition"],
        containers: &["class_definition"],
        comments: &["comment"],
        strings: &["string"],
    },
    Row {
        language: Language::JavaScript,
        name: "javascript",
        extensions: &["js", "jsx", "mjs", "cjs", "es6"],
        file_names: &["Jakefile"],
        interpreters: &["node", "nodejs"],
        grammar: || tree_sitter_javascript::LANGUAGE.into(),
        expando: '$',
        functions: JS_FUNCTIONS,
        containers: &["class_declaration", "class"],
        comments: &["comment", "html_comment"],
        strings: JS_STRINGS,
    },
    Row {
        language: Language::TypeScript,
        name: "typescript",
        extensions: &["ts", "mts", "cts"],
        file_names: &[],
        interpreters: &["deno", "bun", "ts-node", "tsx"],
        grammar: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        expando: '$',
        functions: JS_FUNCTIONS,
        containers: TS_CONTAINERS,
        comments: &["comment", "html_comment"],
        strings: JS_STRINGS,
    },
    Row {
        language: Language::Tsx,
        name: "tsx",
        extensions: &["tsx"],
        file_names: &[],
        interpreters: &[],
        grammar: || tree_sitter_typescript::LANGUAGE_TSX.into(),
        expando: '$',
        functions: JS_FUNCTIONS,
        containers: TS_CONTAINERS,
        comments: &["comment", "html_comment"],
        strings: JS_STRINGS,
    },
    Row {
        language: Language::Rust,
        name: "rust",
        extensions: &["rs"],
        file_names: &[],
        interpreters: &["rust-script", "cargo"],
        grammar: || tree_sitter_rust::LANGUAGE.into(),
        expando: 'µ',
        functions: &["function_item"],
        containers: &["impl_item", "trait_item", "mod_item"],
        comments: &["line_comment", "block_comment"],
        strings: &["string_literal", "raw_string_literal", "char_literal"],
    },
];

impl Language {
    /// Returns the language's row.
    pub fn row(self) -> &'static Row {
        &LANGUAGES[self as usize]
    }

    /// Returns the name used in rule files and reports.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Says whether it is JavaScript or one of its kind.
    pub fn is_script(self) -> bool {
        matches!(self, Self::JavaScript | Self::TypeScript | Self::Tsx)
    }

    /// Returns the language with that name.
    pub fn named(name: &str) -> Option<Self> {
        LANGUAGES.iter().find(|r| r.name == name).map(|r| r.language)
    }

    /// Returns the language of a file by its name.
    pub fn of_path(path: &RepoPath) -> Option<Self> {
        let extension = path.extension();
        let name = path.file_name();
        LANGUAGES
            .iter()
            .find(|r| r.extensions.contains(&extension.as_str()) || r.file_names.contains(&name))
            .map(|r| r.language)
    }

    /// Returns the language of a file by its name, else by its `#!` line.
    pub fn of_file(path: &RepoPath, text: &str) -> Option<Self> {
        Self::of_path(path).or_else(|| Self::of_script(text.as_bytes()))
    }

    /// Returns the language of a script by its `#!` line: that of the first word which names an interpreter, so that
    /// `env -S -u X uv run` and the like need no grammar of their own.
    pub fn of_script(content: &[u8]) -> Option<Self> {
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content).strip_prefix(b"#!")?;
        let end = content.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(content.len());
        let line = String::from_utf8_lossy(&content[..end.min(MAX_SCRIPT_LINE)]).to_ascii_lowercase();
        line.split(|c: char| c.is_whitespace() || c == '\0').find_map(interpreter)
    }

    /// Returns the ids of the node kinds that the language's row names.
    pub(crate) fn kinds(self) -> &'static Kinds {
        static KINDS: [OnceLock<Kinds>; LANGUAGES.len()] = [const { OnceLock::new() }; LANGUAGES.len()];
        KINDS[self as usize].get_or_init(|| Kinds::new(self))
    }
}

/// Node kinds of one grammar by role, as a table over kind ids.
#[derive(Debug)]
pub(crate) struct Kinds {
    roles: Vec<Role>,
}

/// What a node is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Other,
    Function,
    Container,
    Comment,
    Literal,
}

impl Kinds {
    fn new(language: Language) -> Self {
        let grammar = language.get_ts_language();
        let row = language.row();
        let roles = (0..grammar.node_kind_count())
            .map(|id| {
                let id = u16::try_from(id).unwrap_or(u16::MAX);
                let kind = grammar.node_kind_for_id(id).filter(|_| grammar.node_kind_is_named(id)).unwrap_or_default();
                let roles = [
                    (row.functions, Role::Function),
                    (row.containers, Role::Container),
                    (row.comments, Role::Comment),
                    (row.strings, Role::Literal),
                ];
                roles.iter().find(|(kinds, _)| kinds.contains(&kind)).map_or(Role::Other, |(_, role)| *role)
            })
            .collect();
        Self { roles }
    }

    /// Returns the role of a node kind.
    pub(crate) fn role(&self, kind_id: u16) -> Role {
        self.roles.get(kind_id as usize).copied().unwrap_or(Role::Other)
    }
}

impl Matching for Language {
    fn pre_process_pattern<'q>(&self, query: &'q str) -> Cow<'q, str> {
        let expando = self.row().expando;
        if expando == '$' { Cow::Borrowed(query) } else { Cow::Owned(with_expando(query, expando)) }
    }

    fn expando_char(&self) -> char {
        self.row().expando
    }

    fn kind_to_id(&self, kind: &str) -> u16 {
        self.get_ts_language().id_for_node_kind(kind, true)
    }

    fn field_to_id(&self, field: &str) -> Option<u16> {
        self.get_ts_language().field_id_for_name(field).map(std::num::NonZero::get)
    }

    fn build_pattern(&self, builder: &PatternBuilder) -> Result<Pattern, PatternError> {
        builder.build(|src| StrDoc::try_new(src, *self))
    }
}

impl LanguageExt for Language {
    fn get_ts_language(&self) -> TSLanguage {
        (self.row().grammar)()
    }
}

/// Returns the language that a word of a `#!` line names: `/usr/bin/python3.12`, `-Snode`, `"deno"`.
fn interpreter(word: &str) -> Option<Language> {
    // `env -S`, also behind other short options; the line is in lower case.
    let option = word.strip_prefix('-').filter(|o| !o.starts_with('-')).and_then(|o| o.split_once('s'));
    let word = word.strip_prefix("--split-string=").or(option.map(|(_, rest)| rest)).unwrap_or(word);
    let name = word.rsplit('/').next().unwrap_or(word).trim_matches(['"', '\'']);
    let stem = name.split(|c: char| c.is_ascii_digit() || c == '.').next().unwrap_or(name);
    LANGUAGES.iter().find(|r| r.interpreters.contains(&name) || r.interpreters.contains(&stem)).map(|r| r.language)
}

/// Writes `$NAME`, `$_` and `$$$` with the stand-in character; any other `$` stays.
fn with_expando(query: &str, expando: char) -> String {
    let mut out = String::with_capacity(query.len() + 4);
    let mut rest = query;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let run = rest[at..].len() - rest[at..].trim_start_matches('$').len();
        let next = rest[at + run..].chars().next();
        let is_variable = run == 3 || next.is_some_and(|c| c == '_' || c.is_ascii_uppercase());
        out.extend(std::iter::repeat_n(if is_variable { expando } else { '$' }, run));
        rest = &rest[at + run..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::{LANGUAGES, Language, with_expando};
    use crate::path::RepoPath;
    use ast_grep_core::tree_sitter::LanguageExt;

    #[test]
    fn every_row_is_at_its_place_and_names_kinds_that_exist() {
        for (i, row) in LANGUAGES.iter().enumerate() {
            assert_eq!(row.language as usize, i);
            let grammar = row.language.get_ts_language();
            for kind in [row.functions, row.containers, row.comments, row.strings].concat() {
                assert_ne!(grammar.id_for_node_kind(kind, true), 0, "{}: no kind `{kind}`", row.name);
            }
        }
    }

    #[test]
    fn files_are_told_by_name_then_by_interpreter() {
        assert_eq!(Language::of_file(&RepoPath::from("a/B.PY"), ""), Some(Language::Python));
        assert_eq!(
            Language::of_file(&RepoPath::from("run"), "#!/usr/bin/env -S node --x\n"),
            Some(Language::JavaScript)
        );
        assert_eq!(Language::of_file(&RepoPath::from("run"), "#!/usr/bin/env python3.12\n"), Some(Language::Python));
        assert_eq!(Language::of_file(&RepoPath::from("run"), "#!/usr/bin/node\n"), Some(Language::JavaScript));
        assert_eq!(Language::of_file(&RepoPath::from("a.go"), "x"), None);
    }

    #[test]
    fn scripts_are_told_by_whatever_runs_them() {
        let cases: [(&[u8], Option<&str>); 14] = [
            (b"#!/usr/bin/pypy3\n", Some("python")),
            (b"#! /usr/bin/env pypy\r\n", Some("python")),
            (b"#!/usr/bin/env -S uv run --script\n", Some("python")),
            (b"#!/usr/bin/env -u HOME python3.13t\n", Some("python")),
            (b"#!/usr/bin/env -Spython3 -u\n", Some("python")),
            (b"#!/usr/bin/env -vS 'python3' -u\n", Some("python")),
            (b"#!/usr/bin/python3 \0\xff\n", Some("python")),
            (b"#!/usr/bin/env -S deno run --allow-all\n", Some("typescript")),
            (b"#!/usr/bin/env bun\n", Some("typescript")),
            (b"#!/usr/bin/env -S npx tsx\n", Some("typescript")),
            (b"#!/usr/bin/env node18\n", Some("javascript")),
            (b"#!/bin/sh\npython", None),
            (b"#!/usr/bin/env bash\n", None),
            (b"python", None),
        ];
        for (content, language) in cases {
            assert_eq!(Language::of_script(content).map(Language::name), language, "{}", content.escape_ascii());
        }
        assert_eq!(Language::of_path(&RepoPath::from("a.es6")), Some(Language::JavaScript));
    }

    #[test]
    fn pattern_variables_get_the_stand_in() {
        assert_eq!(with_expando("f($A, $$$, $$$B, '$x')", 'µ'), "f(µA, µµµ, µµµB, '$x')");
    }
}
