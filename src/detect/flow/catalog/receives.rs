//! Whether code may take in data from outside, by the words that it holds.

use super::Catalog;
use super::schema::{CatalogFile, Source, Trust};

/// How one catalog file's libraries give data of others to code.
#[derive(Debug, Default)]
pub(super) struct Receives {
    /// Whether functions are given it as what they are called with, so that no word stands for it.
    given: bool,
    /// Last parts of what is read or called to get it.
    words: Vec<String>,
}

impl Receives {
    pub(super) fn of(file: &CatalogFile) -> Self {
        let is_outside = |source: &&Source| matches!(source.trust, Trust::Remote | Trust::Peer);
        let sources: Vec<&Source> = file.sources.iter().filter(is_outside).collect();
        let paths = sources.iter().flat_map(|s| s.member.iter().chain(&s.call)).flat_map(|paths| paths.all());
        let word = |path: &String| path.rsplit('.').next().unwrap_or(path).trim_end_matches("[]").to_owned();
        let is_given = |parameters: &[String]| parameters.iter().any(|p| p == Trust::Remote.as_str());
        Self {
            given: sources.iter().any(|s| s.parameter.is_some())
                || file.handlers.iter().any(|h| is_given(&h.parameters)),
            words: paths.map(word).filter(|word| !word.is_empty() && word != "*").collect(),
        }
    }
}

impl Catalog {
    /// Says whether a text may be of code that takes in data of the network or of another service, not through its callers
    /// alone: it may say so and be wrong, not the other way round.
    pub fn may_receive(&self, text: &str) -> bool {
        let files = self.receives.iter().zip(self.active(text)).zip(self.words.each());
        files.filter(|((_, active), _)| *active).any(|((receives, _), words)| {
            (receives.given && !words.is_empty()) || receives.words.iter().any(|word| text.contains(word.as_str()))
        })
    }
}
