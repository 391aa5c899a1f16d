//! Where in a text a part stands: inside quotes, inside a tag, in an address. What is escaped for one place is not for another.

use super::Engine;
use crate::detect::flow::catalog::{
    Classes, KEEPS_QUOTES, KEEPS_SCHEME, NO_APOSTROPHE, NO_LESS, NO_QUOTE, NOT_ABSOLUTE,
};
use crate::detect::flow::value::{Labels, Value};

/// Attributes whose value is an address that a browser follows: one that begins with `javascript:` runs.
const ADDRESSES: [&str; 8] = ["href", "src", "action", "formaction", "data", "xlink:href", "ping", "srcdoc"];
/// How much of the text before a part is looked at, in bytes.
const MAX_BEFORE: usize = 4096;

/// The text before a part, as far as it is known; what is not known is one sign.
#[derive(Debug, Default)]
pub(super) struct Before(String);

/// A place in markup.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Between tags, or no markup at all.
    Text,
    /// The beginning of an address.
    Address,
    /// Inside the quotes of an attribute.
    Quoted,
    /// An attribute without quotes, or a script.
    Open,
}

impl Before {
    /// Adds a part.
    pub(super) fn add(&mut self, part: &Value) {
        match part.as_text() {
            Some(text) => self.0.push_str(text),
            None => {
                self.0.push_str(part.prefix());
                self.0.push('\u{1}');
            }
        }
        if self.0.len() > MAX_BEFORE {
            let cut = (self.0.len() - MAX_BEFORE / 2..).find(|at| self.0.is_char_boundary(*at));
            self.0.drain(..cut.unwrap_or(0));
        }
    }

    fn place(&self) -> Place {
        let text = &self.0;
        let (Some(tag), closed) = (text.rfind('<'), text.rfind('>')) else { return Place::Text };
        let lower = text.to_ascii_lowercase();
        if lower.rfind("<script").is_some_and(|at| lower[at..].contains('>') && !lower[at..].contains("</script")) {
            return Place::Open;
        }
        let mut quote = None;
        let mut began = 0;
        for (at, c) in text[tag..].char_indices() {
            match quote {
                None if matches!(c, '"' | '\'') => (quote, began) = (Some(c), tag + at),
                None if c == '>' => return Place::Text,
                Some(open) if open == c => quote = None,
                _ => {}
            }
        }
        let is_tag = text[tag + 1..].starts_with(|c: char| c.is_ascii_alphabetic());
        if !is_tag || closed.is_some_and(|at| at > tag && quote.is_none()) {
            return Place::Text;
        }
        if quote.is_none() {
            return if text.ends_with('=') { Place::Open } else { Place::Text };
        }
        let name = text[..began].trim_end().strip_suffix('=').unwrap_or_default().trim_end();
        let name = name.rsplit([' ', '\n', '\t', '"', '\'']).next().unwrap_or_default().to_ascii_lowercase();
        if name.starts_with("on") {
            Place::Open
        } else if ADDRESSES.contains(&name.as_str()) && began + 1 == text.len() {
            Place::Address
        } else {
            Place::Quoted
        }
    }

    fn is_inside(&self, quote: char) -> bool {
        self.0.matches(quote).count() % 2 == 1
    }
}

impl Engine<'_> {
    /// Returns the labels of a part of a text as they are where it stands.
    pub(super) fn in_place(&self, labels: &Labels, before: &Before) -> Labels {
        if labels.is_empty() || before.0.is_empty() {
            return labels.clone();
        }
        let bit = |class| self.catalog.bit_of(class);
        let (markup, redirect, xpath) = (bit("xss"), bit("redirect"), bit("xpath"));
        let place = before.place();
        let (in_apostrophes, in_quotes) = (before.is_inside('\''), before.is_inside('"'));
        let is_way = !before.0.starts_with('\u{1}');
        labels.map(|label| {
            let has = |bits: Classes| label.cleaned & bits == bits;
            let is_escaped = has(KEEPS_SCHEME) && !has(redirect);
            let fails = match place {
                Place::Text => false,
                Place::Address | Place::Open => is_escaped,
                Place::Quoted => has(KEEPS_QUOTES) && !has(redirect),
            };
            let is_literal = (in_apostrophes && has(NO_APOSTROPHE)) || (in_quotes && has(NO_QUOTE));
            if fails {
                label.cleaned &= !markup;
            }
            if is_literal {
                label.cleaned |= xpath;
            }
            if is_way {
                label.cleaned |= NOT_ABSOLUTE;
            }
        })
    }

    /// Notes that signs of markup are gone from a text: without `<` and `"` it can begin no markup.
    pub(super) fn without_signs(&self, labels: &Labels, is_gone: impl Fn(char) -> bool) -> Labels {
        let bits = [('<', NO_LESS), ('"', NO_QUOTE), ('\'', NO_APOSTROPHE)];
        let bits = bits.into_iter().filter(|(sign, _)| is_gone(*sign)).fold(0, |all, (_, bit)| all | bit);
        if bits == 0 || labels.is_empty() {
            return labels.clone();
        }
        let markup = self.catalog.bit_of("xss");
        labels.map(|label| {
            label.cleaned |= bits;
            if label.cleaned & (NO_LESS | NO_QUOTE) == NO_LESS | NO_QUOTE {
                label.cleaned |= markup;
            }
        })
    }
}

/// Says whether a function that is not known is, by its name, one that escapes markup: `escape_for_html`.
pub(super) fn escapes_markup(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    has(&["escape", "sanitize", "sanitise", "encode"]) && has(&["html", "markup", "xss"]) && !has(&["unescape"])
}

#[cfg(test)]
mod tests {
    use super::{Before, Place};

    #[test]
    fn places_in_markup_are_told_apart() {
        let place = |text: &str| Before(text.to_owned()).place();
        assert_eq!(place("<p>"), Place::Text);
        assert_eq!(place("a < b "), Place::Text);
        assert_eq!(place("<a href=\""), Place::Address);
        assert_eq!(place("<a class='x' href='"), Place::Address);
        assert_eq!(place("<a href=\"/users/"), Place::Quoted);
        assert_eq!(place("<input value=\""), Place::Quoted);
        assert_eq!(place("<input value="), Place::Open);
        assert_eq!(place("<a onclick=\"f('"), Place::Open);
        assert_eq!(place("<script>var a = '"), Place::Open);
        assert_eq!(place("<script src=\"a.js\"></script><p>"), Place::Text);
        assert!(Before("//a[@id='".to_owned()).is_inside('\''));
    }
}
