//! `portcullis tokens`: writes what the network would see, so that training reads the product's own tokens.
//!
//! Reads one [`Asked`] a line and writes one [`Answer`] a line and window. Works on any reader and writer.

use crate::change::lines::{all_lines, changed_lines};
use crate::change::text::Text;
use crate::detect::classifier::tokens::{CONTRACT, TokenMark};
use crate::detect::classifier::{Window, windows};
use crate::path::RepoPath;
use crate::redact::Redactor;
use crate::span::LineSet;
use crate::syntax::language::Language;
use crate::syntax::{Limits, SourceFile, parse};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::time::Duration;

const LIMITS: Limits = Limits { time: Duration::from_secs(5), depth: 500 };

/// One changed file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Anything; comes back with every window.
    #[serde(default)]
    pub id: serde_json::Value,
    /// Path; names the language.
    pub path: String,
    /// Text before the change.
    pub before: Option<String>,
    /// Text after the change.
    pub after: Option<String>,
}

/// One window.
#[derive(Debug, Clone, Serialize)]
pub struct Answer<'a> {
    /// What was asked with.
    pub id: &'a serde_json::Value,
    /// Version of the token contract.
    pub contract: u32,
    /// The path asked with.
    pub path: &'a str,
    /// The function.
    pub symbol: &'a str,
    /// Ids, padded.
    pub ids: Vec<i64>,
    /// Marks, padded.
    pub marks: Vec<i64>,
    /// Added tokens in the window.
    pub n_added: usize,
    /// Removed tokens in the window.
    pub n_removed: usize,
    /// Changed tokens that no window of the function holds.
    pub truncated: usize,
    /// Whether it is test code.
    pub in_tests: bool,
}

/// Why the command stopped.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// A line is not what is described: the caller's fault.
    #[error("line {line} is no question")]
    Asked {
        /// Line number, from 1.
        line: usize,
        /// The cause.
        source: serde_json::Error,
    },
    /// Reading or writing failed: the environment's fault.
    #[error("cannot read the questions or write the answers")]
    Stream(#[from] std::io::Error),
}

/// What was read and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files asked for.
    pub files: usize,
    /// Windows written.
    pub windows: usize,
    /// Files without windows because they are in no known language, gone, or not parsed within the limits.
    pub skipped: usize,
}

/// Answers every question of `questions`.
///
/// # Errors
/// See [`TokensError`].
pub fn run(questions: impl BufRead, mut answers: impl Write) -> Result<Summary, TokensError> {
    let mut summary = Summary::default();
    for (i, line) in questions.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let asked: Asked = serde_json::from_str(&line).map_err(|source| TokensError::Asked { line: i + 1, source })?;
        summary.files += 1;
        let Some(found) = windows_of(&asked) else {
            summary.skipped += 1;
            continue;
        };
        for window in &found {
            let answer = serde_json::to_string(&answer(&asked, window)).expect("numbers and texts can be written");
            writeln!(answers, "{answer}")?;
            summary.windows += 1;
        }
    }
    answers.flush()?;
    Ok(summary)
}

fn answer<'a>(asked: &'a Asked, window: &'a Window) -> Answer<'a> {
    Answer {
        id: &asked.id,
        contract: CONTRACT,
        path: &asked.path,
        symbol: &window.symbol,
        ids: window.ids(),
        marks: window.marks(),
        n_added: window.count(TokenMark::Added),
        n_removed: window.count(TokenMark::Removed),
        truncated: window.truncated,
        in_tests: window.in_tests,
    }
}

fn windows_of(asked: &Asked) -> Option<Vec<Window>> {
    let after = asked.after.as_deref()?;
    let path = RepoPath::from(asked.path.as_str());
    let language = Language::of_file(&path, after)?;
    let mut file = source(&path, language, after)?;
    let (removed, added) = match &asked.before {
        Some(before) => changed_lines(before, after),
        None => (LineSet::default(), all_lines(after)),
    };
    (file.removed, file.added) = (removed, added);
    let before = asked.before.as_deref().and_then(|text| source(&path, language, text));
    Some(windows(&file, before.as_ref(), &Redactor::default()))
}

fn source(path: &RepoPath, language: Language, text: &str) -> Option<SourceFile> {
    parse(path, language, &Text { text: text.to_owned(), notes: Vec::new() }, &LIMITS).ok()
}

#[cfg(test)]
mod tests {
    use super::{Summary, TokensError, run};

    #[test]
    fn every_window_is_one_line_and_keeps_its_id() {
        let asked = concat!(
            r#"{"id": 7, "path": "a.py", "before": null, "after": "def f(x):\n    return x\n"}"#,
            "\n",
            r#"{"path": "a.go", "before": null, "after": "x"}"#,
        );
        let mut written = Vec::new();
        let summary = run(asked.as_bytes(), &mut written).expect("good questions");
        assert_eq!(summary, Summary { files: 2, windows: 1, skipped: 1 });
        let answer: serde_json::Value = serde_json::from_slice(&written).expect("one line of JSON");
        assert_eq!((&answer["id"], &answer["symbol"]), (&7.into(), &"f".into()));
        assert_eq!((answer["ids"][0].as_i64(), answer["n_added"].as_u64()), (Some(4), Some(8)));
    }

    #[test]
    fn bad_questions_are_named_by_their_line() {
        let failed = run("\n{}\n".as_bytes(), Vec::new());
        assert!(matches!(failed, Err(TokensError::Asked { line: 2, .. })), "{failed:?}");
    }
}
