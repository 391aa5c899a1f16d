//! What is put into a session: which of it later code takes as checked.
//!
//! A session holds what the program has found out of a visitor, so that data of the visitor in it passes for checked. Where the
//! name that it stands under says that it is the visitor's own word, nobody takes it for more: the page that he came from,
//! the language that he chose, a code that is checked when it is used. Where the code compares with what stands under the
//! name, it relies on it whatever the name.

use super::Engine;
use super::call::Args;
use super::secret::words;
use crate::detect::flow::catalog::schema::Sink;
use crate::detect::flow::catalog::{Classes, Entry};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Key;
use crate::detect::flow::value::{Data, Kind, Labels, Value};

/// Words of names under which a session keeps a visitor's own word.
const OWN_WORD: &[&str] = &[
    "return",
    "returns",
    "redirect",
    "redirects",
    "next",
    "url",
    "uri",
    "href",
    "link",
    "path",
    "page",
    "pages",
    "referer",
    "referrer",
    "back",
    "origin",
    "location",
    "target",
    "destination",
    "continue",
    "theme",
    "lang",
    "language",
    "locale",
    "timezone",
    "tz",
    "sort",
    "filter",
    "filters",
    "view",
    "tab",
    "layout",
    "color",
    "colour",
    "size",
    "query",
    "search",
    "term",
    "keyword",
    "draft",
    "form",
    "message",
    "messages",
    "flash",
    "error",
    "errors",
    "notice",
    "alert",
    "code",
    "token",
    "nonce",
    "challenge",
    "captcha",
    "csrf",
    "verifier",
    "provider",
    "connection",
    "strategy",
    "idp",
    "oauth",
    "saml",
    "reset",
    "display",
    "preference",
    "preferences",
    "prefs",
    "state",
];
/// Words that may follow one of these without making it the name of something else.
const ENDINGS: &[&str] = &[
    "id",
    "ids",
    "identifier",
    "uuid",
    "name",
    "names",
    "key",
    "number",
    "no",
    "type",
    "level",
    "status",
    "flag",
    "data",
    "info",
    "details",
    "object",
    "record",
    "in",
    "as",
    "to",
    "from",
    "mode",
    "percent",
    "rate",
    "value",
    "by",
    "at",
    "of",
];
/// How deep what is put into a session is looked into.
const MAX_DEPTH: u32 = 4;

impl Engine<'_> {
    /// Returns what is assigned to a part of a session with only the data that later code relies on; `None` for other sinks.
    pub(super) fn session_value(
        &self,
        classes: Classes,
        (path, name): (Name, Name),
        key: Option<&Value>,
        value: &Value,
    ) -> Option<Value> {
        if classes != self.catalog.bit_of("trust-boundary") {
            return None;
        }
        let field = key.is_none() && path.last() == "*";
        let key = if field { Some(name.as_str()) } else { key.and_then(|k| k.as_text()) };
        Some(self.relied_on(key, value))
    }

    /// Returns the arguments of a call that puts something into a session with only the data that later code relies on;
    /// `None` for other sinks.
    pub(super) fn session_args(&self, entry: &Entry<Sink>, args: &Args) -> Option<Args> {
        let given: Vec<&str> = entry.of.args.iter().map(String::as_str).collect();
        if entry.classes != self.catalog.bit_of("trust-boundary") {
            return None;
        }
        let mut kept = args.clone();
        match given[..] {
            ["0", "1"] => {
                let key = args.value(0).and_then(|k| k.as_text());
                let (value, _) = kept.positional.get_mut(1)?;
                *value = self.relied_on(key, value);
            }
            ["0", "0[]", ..] => {
                if let Some((value, _)) = kept.positional.get_mut(0) {
                    *value = self.relied_on(None, value);
                }
                for (name, value, _) in &mut kept.named {
                    *value = self.relied_on(Some(name.as_str()), value);
                }
            }
            _ => return None,
        }
        Some(kept)
    }

    /// Returns what is put into a session under a key with only the data that later code relies on. `None` as key: the value
    /// is merged into the session, or the key is not known.
    pub(super) fn relied_on(&self, key: Option<&str>, value: &Value) -> Value {
        let names = key.map(words).unwrap_or_default();
        let labels = self.relied_labels(&names, key, value, MAX_DEPTH);
        let id = super::number(&("relied", value.id, key));
        std::rc::Rc::new(Data { labels, ..Data::new(id, Kind::Unknown) })
    }

    fn relied_labels(&self, names: &[String], key: Option<&str>, value: &Value, depth: u32) -> Labels {
        let is_relied = names.is_empty() || is_relied(names) || key.is_some_and(|key| self.is_compared(key));
        let own = self.state.checked(value).labels.clone();
        let mut all = if is_relied { own } else { Labels::default() };
        let Some(contents) = self.state.contents(value.id).filter(|_| depth > 0) else { return all };
        for (name, inner) in &contents.entries {
            let labels = match name {
                Key::Name(name) => {
                    let longer: Vec<String> = names.iter().cloned().chain(words(name.as_str())).collect();
                    self.relied_labels(&longer, Some(name.as_str()), inner, depth - 1)
                }
                Key::Index(_) => self.relied_labels(names, key, inner, depth - 1),
            };
            all = all.join(&labels);
        }
        for inner in contents.list.iter().flatten() {
            all = all.join(&self.relied_labels(names, key, inner, depth - 1));
        }
        match (&contents.rest, &contents.keys) {
            // Elements of a list, and what stands under keys that the code goes through.
            (Some(rest), keys)
                if contents.list.is_some() || keys.as_ref().is_some_and(|k| self.state.reach(k).is_empty()) =>
            {
                all.join(&self.relied_labels(names, key, rest, depth - 1))
            }
            // Whoever sends it chooses the names.
            (Some(rest), _) => all.join(&self.state.reach(rest)),
            (None, _) => all,
        }
    }

    /// Says whether a line of the present file compares what a session holds under a name with something.
    fn is_compared(&self, key: &str) -> bool {
        let handle = self.module(self.here());
        key.len() > 2 && handle.file().text().lines().any(|line| compares(line, key))
    }
}

/// Says whether a line compares what a session holds under a name with something.
fn compares(line: &str, key: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let names_it = || {
        line.match_indices(key).any(|(at, _)| {
            let before = line.get(..at).and_then(|text| text.chars().next_back());
            let after = line.get(at + key.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    };
    line.contains("session") && (line.contains("==") || line.contains("!=")) && names_it()
}

/// Says whether words are a name that later code may rely on.
fn is_relied(words: &[String]) -> bool {
    let named = words.iter().rev().map(String::as_str).find(|word| !ENDINGS.contains(word));
    named.is_none_or(|word| !OWN_WORD.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::{compares, is_relied, words};

    #[test]
    fn names_tell_what_is_relied_on() {
        for name in ["role", "user_id", "isAdmin", "billed_account", "accountTier", "unit_price", "referred_by", "id"] {
            assert!(is_relied(&words(name)), "{name}");
        }
        for name in
            ["returnTo", "reset_code", "userLanguage", "loginAuthProviderIdentifier", "next", "theme", "return_url"]
        {
            assert!(!is_relied(&words(name)), "{name}");
        }
    }

    #[test]
    fn what_is_compared_is_relied_on() {
        assert!(compares("if (req.session.stage === 'paid') {", "stage"));
        assert!(compares("if session.get('stage') != 'paid':", "stage"));
        assert!(!compares("if (req.session.stages === 'paid') {", "stage"));
        assert!(!compares("req.session.stage = body.stage", "stage"));
    }
}
