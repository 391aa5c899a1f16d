//! Cookies whose flags are missing: which of them matter, and parts of requests that are objects as a whole.

use super::Engine;
use super::Place;
use super::call::Args;
use super::secret::words;
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Key;
use crate::detect::flow::value::{Kind, Value};
use crate::syntax::language::Language;

/// Words of names of cookies that let somebody in.
const OF_LOGIN: [&str; 30] = [
    "session",
    "sessions",
    "sess",
    "sessid",
    "sessionid",
    "sid",
    "ssid",
    "token",
    "tokens",
    "auth",
    "authorization",
    "authentication",
    "jwt",
    "login",
    "logged",
    "user",
    "userid",
    "uid",
    "account",
    "remember",
    "rememberme",
    "identity",
    "refresh",
    "access",
    "key",
    "apikey",
    "secret",
    "credential",
    "credentials",
    "admin",
];
/// Members of requests that hold many things under names.
const PARSED: [&str; 7] = ["body", "query", "params", "headers", "cookies", "signedCookies", "searchParams"];

impl Engine<'_> {
    /// Says whether a cookie without its flags hardly matters: its name is not that of something that lets somebody in, or it
    /// is there for scripts to read, as those against forged requests are.
    pub(super) fn is_harmless_cookie(&self, path: Name, args: &Args, place: Place) -> bool {
        if path.as_str().contains("session") {
            return false;
        }
        let name = args.positional.iter().take(2).find_map(|(value, _)| self.name_of_cookie(value));
        match name {
            Some(name) => {
                let words = words(&name);
                let has = |word: &str| words.iter().any(|w| w == word);
                has("csrf") || has("xsrf") || !OF_LOGIN.iter().any(|word| has(word)) && !name.contains("sid")
            }
            None => self.language.is_script() && self.speaks_of_forgery(place),
        }
    }

    /// Says whether a cookie is taken back: it is given nothing, or no time.
    pub(super) fn is_taken_back(&self, args: &Args) -> bool {
        if self.language == Language::Rust {
            let emptied = Key::Name(Name::new(super::settings::EMPTY));
            let things = args.positional.iter().filter_map(|(value, _)| self.state.contents(value.id));
            return things.into_iter().any(|contents| contents.get(&emptied).is_ok());
        }
        let is_empty = args.value(1).is_some_and(|value| value.as_text() == Some(""));
        let ages = [Name::new("maxAge"), Name::new("max-age")];
        let no_time = args.positional.iter().filter_map(|(value, _)| self.state.contents(value.id)).any(|options| {
            let age = ages.iter().find_map(|name| options.get(&Key::Name(*name)).ok());
            age.is_some_and(|age| matches!(age.as_const(), Some(Const::Int(i64::MIN..=0))))
        });
        self.language.is_script() && (is_empty || no_time)
    }

    /// Returns the name that a cookie is given, where it is known.
    fn name_of_cookie(&self, value: &Value) -> Option<String> {
        if let Some(text) = value.as_text().filter(|_| self.language.is_script()) {
            return Some(text.to_owned());
        }
        let contents = self.state.contents(value.id)?;
        let key = if self.language.is_script() { "name" } else { super::settings::NAME };
        contents.get(&Key::Name(Name::new(key))).ok()?.as_text().map(str::to_owned)
    }

    /// Says whether a value is a part of a request that is parsed into an object: written as a whole, its texts are quoted.
    pub(super) fn is_read_into_object(&self, value: &Value) -> bool {
        match &value.kind {
            Kind::Path(path) if self.language.is_script() => {
                PARSED.contains(&path.last()) && !self.catalog.member_sources(*path).is_empty()
            }
            _ => false,
        }
    }
}
