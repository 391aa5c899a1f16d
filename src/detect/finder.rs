//! Looks for many words at once: with an automaton that is soon made, and with a faster, larger one once there is much text.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of text after which the larger automaton is made: it finds faster, but takes longer to make.
const MUCH: usize = 1 << 20;

/// Words to look for.
#[derive(Debug)]
pub(super) struct Finder {
    small: AhoCorasick,
    large: OnceLock<Option<AhoCorasick>>,
    words: Vec<String>,
    folds: bool,
    seen: AtomicUsize,
}

impl Finder {
    /// Makes one; `folds` says whether ASCII letters match in either case. `None` where there are too many words for an
    /// automaton.
    pub(super) fn new(words: Vec<String>, folds: bool) -> Option<Self> {
        let small = AhoCorasick::builder().ascii_case_insensitive(folds).build(&words).ok()?;
        Some(Self { small, large: OnceLock::new(), words, folds, seen: AtomicUsize::new(0) })
    }

    /// Calls a function with the number of each word that is found, the places of words in words too, and where it begins.
    pub(super) fn find(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        let before = self.seen.fetch_add(text.len(), Ordering::Relaxed);
        let large = if before < MUCH { None } else { self.large.get_or_init(|| self.make()).as_ref() };
        for word in large.unwrap_or(&self.small).find_overlapping_iter(text) {
            found(word.pattern().as_usize(), word.start());
        }
    }

    fn make(&self) -> Option<AhoCorasick> {
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(self.folds).kind(Some(AhoCorasickKind::DFA)).build(&self.words).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Finder, MUCH};

    #[test]
    fn both_automata_find_the_same() {
        let words = ["flask", "ask", "SQL"].map(str::to_owned).to_vec();
        let finder = Finder::new(words, true).expect("few words");
        let all = |finder: &Finder| {
            let mut all = Vec::new();
            finder.find("Flask and sql", |word, at| all.push((word, at)));
            all.sort_unstable();
            all
        };
        let first = all(&finder);
        assert_eq!(first, [(0, 0), (1, 2), (2, 10)]);
        finder.find(&" ".repeat(MUCH), |_, _| unreachable!("blanks hold no word"));
        assert_eq!(all(&finder), first);
        assert!(finder.large.get().is_some());
    }
}
