//! Lines of logs that the logger puts together: `log.info("%s took %d", name, seconds)`.

use super::Engine;
use super::call::Args;
use super::gaps::percent_gaps;
use crate::detect::flow::catalog::{Entry, schema::Sink};
use crate::detect::flow::value::Value;
use crate::syntax::language::Language;

impl Engine<'_> {
    /// Returns the arguments of a call that writes a line, without those that can break none: numbers, and what is written as
    /// Python writes a text in its code, with `%r`.
    pub(super) fn line_args(&self, entry: &Entry<Sink>, args: &Args) -> Option<Args> {
        if self.language != Language::Python || entry.classes != self.catalog.bit_of("log") {
            return None;
        }
        let at = args.positional.iter().position(|(v, _)| v.as_text().is_some_and(|text| text.contains('%')))?;
        let text = args.positional.get(at)?.0.as_text()?.to_owned();
        let mut args = args.clone();
        for (number, (_, end, name, is_number)) in percent_gaps(&text).into_iter().enumerate() {
            let is_whole = is_number || text.as_bytes().get(end - 1).is_some_and(|kind| b"ra".contains(kind));
            if let (None, true, Some((value, _))) = (name, is_whole, args.positional.get_mut(at + 1 + number)) {
                *value = self.as_one_line(value);
            }
        }
        Some(args)
    }

    /// Returns a value as `repr` writes it: without line breaks.
    pub(super) fn as_one_line(&self, value: &Value) -> Value {
        let lines = self.catalog.bits_of(&["log", "header", "email"]);
        value.with_labels(self.state.reach(value).cleaned(lines))
    }
}
