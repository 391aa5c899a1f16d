//! The form of a manifest, and of the list of judgements.

use crate::detect::rules::schema::{RuleProblem, yaml};
use serde::{Deserialize, Serialize};

/// Changes with their labels.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Day of the data, `2026-11-22`.
    pub date: String,
    /// The changes.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Folder of its repository, relative to the directory of all: `owner/name`.
    pub repository: String,
    /// Revision before.
    pub base: String,
    /// Revision after.
    pub head: String,
    /// What is known of it.
    pub label: Label,
    /// Class of the weakness in a word, where it is known; figures are given for each.
    #[serde(default)]
    pub class: Option<String>,
    /// Weakness classes of the label: a finding of one of these is right.
    #[serde(default)]
    pub cwe: Vec<String>,
}

/// What is known of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// A security fix backwards: it takes a protection away.
    FixReversed,
    /// It wrote the lines that a security fix later changed or removed.
    Contributing,
    /// Nothing is known against it.
    Ordinary,
}

impl Label {
    /// Every label, in report order.
    pub const ALL: [Self; 3] = [Self::FixReversed, Self::Contributing, Self::Ordinary];

    /// Returns the word used in manifests and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FixReversed => "fix-reversed",
            Self::Contributing => "contributing",
            Self::Ordinary => "ordinary",
        }
    }
}

/// Judgements.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgements {
    /// One a finding.
    pub findings: Vec<Judgement>,
}

/// What somebody who read the code says of a finding.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Folder of the repository, as in the manifest.
    pub repository: String,
    /// Revision after the change, as in the manifest.
    pub head: String,
    /// The file.
    pub path: String,
    /// The line that the finding begins on.
    pub line: u32,
    /// Its rule.
    pub rule: String,
    /// Whether it is a real weakness.
    pub real: bool,
    /// Why, for readers.
    #[serde(default)]
    pub why: String,
}

impl Manifest {
    /// Reads a manifest and checks what the form alone does not say.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, RuleProblem> {
        let manifest: Self = yaml(text)?;
        let wrong = |field, what: String| Err(RuleProblem::Field { field, what });
        if manifest.date.parse::<jiff::civil::Date>().is_err() {
            return wrong("date", format!("is `{}`, not a day of the form 2026-11-22", manifest.date));
        }
        for (i, change) in manifest.changes.iter().enumerate() {
            if change.label == Label::Ordinary && !(change.cwe.is_empty() && change.class.is_none()) {
                return wrong("changes", format!("[{i}] is ordinary, and yet names a weakness"));
            }
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::{Label, Manifest};

    #[test]
    fn a_manifest_says_what_is_wrong_with_it() {
        let read = |changes: &str| Manifest::read(&format!("date: 2026-11-22\nchanges:\n{changes}"));
        let row = |more: &str| format!("  - {{ repository: a/b, base: x, head: y, {more} }}\n");
        let manifest = read(&row("label: fix-reversed, class: xss, cwe: [CWE-79]")).expect("well-formed");
        assert_eq!((manifest.changes[0].label, manifest.changes[0].cwe.len()), (Label::FixReversed, 1));
        let refused = |text: &str| read(text).expect_err(text).to_string();
        assert!(refused(&row("label: odd")).contains("unknown variant `odd`"));
        assert!(refused(&row("label: ordinary, cwes: []")).contains("unknown field `cwes`"));
        assert!(refused(&row("label: ordinary, cwe: [CWE-79]")).contains("names a weakness"));
        assert!(Manifest::read("date: today\nchanges: []").is_err());
    }
}
