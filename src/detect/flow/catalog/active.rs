//! Which catalog files matter to a text, by the words that it holds.

use crate::detect::finder::Finder;
use std::sync::OnceLock;

/// The words of catalog files.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// By number of the file: words of which a text must hold one, none where it matters to every text.
    each: Vec<Vec<String>>,
    /// Looks for all of them at once, and the files that each is a word of.
    finder: OnceLock<Option<(Finder, Vec<u16>)>>,
}

impl Words {
    /// Adds those of the next file.
    pub(super) fn push(&mut self, words: &[String]) {
        self.each.push(words.to_vec());
        self.finder = OnceLock::new();
    }

    /// Returns them by number of the file.
    pub(super) fn each(&self) -> &[Vec<String>] {
        &self.each
    }

    /// Returns for each file whether it matters to a text.
    pub(super) fn active(&self, text: &str) -> Vec<bool> {
        let Some((finder, files)) = self.finder.get_or_init(|| self.make()) else {
            let holds = |words: &Vec<String>| words.is_empty() || words.iter().any(|w| text.contains(w.as_str()));
            return self.each.iter().map(holds).collect();
        };
        let mut active: Vec<bool> = self.each.iter().map(Vec::is_empty).collect();
        finder.find(text, |word, _| active[usize::from(files[word])] = true);
        active
    }

    /// Makes the finder; `None` where there are too many words for it.
    fn make(&self) -> Option<(Finder, Vec<u16>)> {
        let numbered = (0u16..).zip(&self.each);
        let all = numbered.flat_map(|(file, words)| words.iter().map(move |word| (word.clone(), file)));
        let (words, files): (Vec<String>, Vec<u16>) = all.unzip();
        Some((Finder::new(words, false)?, files))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_within_words_and_no_words_count() {
        let mut words = Words::default();
        for each in [vec!["flask", "quart"], vec![], vec!["as"], vec!["express"]] {
            words.push(&each.into_iter().map(str::to_owned).collect::<Vec<_>>());
        }
        assert_eq!(words.active("import flask"), [true, true, true, false]);
        assert_eq!(words.active(""), [false, true, false, false]);
    }
}
