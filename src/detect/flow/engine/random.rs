//! What random numbers are used for: to make something up, or to pick one of what is there.

use super::Engine;
use crate::detect::flow::value::{Kind, Value};

/// Where random numbers come from that nobody can guess.
const STRONG: [&str; 5] = ["secrets.", "os.urandom", "os.getrandom", "random.SystemRandom", "ssl.RAND_bytes"];

impl Engine<'_> {
    /// Says whether one element of something is picked, once: a server, a key of a list. The signs of a text, and what is
    /// picked again and again, are what secrets are made of.
    pub(super) fn is_picked(&self, from: Option<&Value>, span: (u32, u32)) -> bool {
        let is_in_loop = self.frames.iter().any(|frame| !frame.loops.is_empty());
        let is_repeated = self.comprehensions > 0 || (is_in_loop && self.is_gathered(span));
        let is_text = from.is_some_and(|v| {
            v.as_text().is_some()
                || matches!(v.kind, Kind::Text(_))
                || matches!(&v.kind, Kind::Path(path) if path.as_str().starts_with("string."))
        });
        !is_repeated && !is_text
    }

    /// Says whether what stands on a line of the code is added to something.
    fn is_gathered(&self, span: (u32, u32)) -> bool {
        let handle = self.module(self.here());
        let text = handle.file().text();
        let (from, to) = (span.0 as usize, span.1 as usize);
        let before = text.get(..from).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        let after = text.get(to..).unwrap_or_default().lines().next().unwrap_or_default();
        [before, after]
            .iter()
            .any(|part| ["+", "append", "extend", "insert", "yield", "add("].iter().any(|sign| part.contains(sign)))
    }

    /// Says whether a list holds nothing but what was drawn so that nobody can guess it: its order tells little more.
    pub(super) fn is_random_already(&self, list: Option<&Value>) -> bool {
        let Some(contents) = list.and_then(|list| self.state.contents(list.id)) else { return false };
        let is_strong =
            |v: &Value| matches!(&v.kind, Kind::Path(p) if STRONG.iter().any(|s| p.as_str().starts_with(s)));
        let mut all = contents.all().peekable();
        all.peek().is_some() && all.all(is_strong)
    }
}
