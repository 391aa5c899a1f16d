//! What a hash is used for, as far as the names around it tell.

use super::call::Args;
use super::{Engine, Place};
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::ir::{FunctionId, Module};
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Kind, Value};

/// Words of names that speak of something that a weak hash does not protect.
const SECRET: [&str; 34] = [
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "pwd",
    "pw",
    "secret",
    "secrets",
    "token",
    "tokens",
    "signature",
    "signatures",
    "sign",
    "signs",
    "signed",
    "signer",
    "signing",
    "sig",
    "credential",
    "credentials",
    "salt",
    "salted",
    "otp",
    "csrf",
    "nonce",
    "apikey",
    "auth",
    "authenticate",
    "authenticated",
    "login",
    "pepper",
    "pin",
    "jwt",
    "sessionid",
];
/// Words beside which `key` is a secret.
const KEYED: [&str; 12] = [
    "api",
    "access",
    "private",
    "shared",
    "link",
    "signing",
    "auth",
    "encryption",
    "master",
    "session",
    "license",
    "recovery",
];
/// Words of names that speak of a name of something, which need not be hard to forge, even where a secret is part of it.
const NAMING: [&str; 13] = [
    "cache",
    "cached",
    "caching",
    "etag",
    "thumb",
    "thumbnail",
    "dedup",
    "shard",
    "bucket",
    "gravatar",
    "avatar",
    "crc",
    "throttle",
];
/// Words with which names of functions begin that make something.
const MAKING: [&str; 14] = [
    "make", "generate", "gen", "create", "new", "build", "random", "issue", "produce", "next", "get", "mint", "fresh",
    "draw",
];
/// Lines of a function that is short enough for all of it to be about one thing.
const SHORT: usize = 20;
/// Lines before and after a place in a longer one.
const AROUND: (usize, usize) = (2, 6);

impl Engine<'_> {
    /// Says whether the present file asks the list of breached passwords, which takes the beginning of a SHA-1.
    /// Source: the documentation of haveibeenpwned.com, "Searching by range".
    pub(super) fn asks_for_breaches(&self) -> bool {
        self.module(self.here()).file().text().contains("pwnedpasswords.com/range")
    }

    /// Says whether the names around a place, and around the calls that led to it, speak of a secret.
    pub(super) fn is_about_secret(&self, sink: Place) -> bool {
        let within = self.frames.last().and_then(|f| f.function);
        if self.speaks_of_secret(sink, within, true) {
            return true;
        }
        self.calls.iter().rev().any(|(place, function)| self.speaks_of_secret(*place, *function, false))
    }

    /// Says whether the names around a place speak of a cache, a picture of a visitor and the like.
    pub(super) fn is_about_name(&self, sink: Place) -> bool {
        let within = self.frames.last().and_then(|f| f.function);
        self.speaks_of(sink, within, true, |line| has_word(line, &NAMING))
    }

    /// Says whether the function around a place is about requests that are forged in another's name.
    pub(super) fn speaks_of_forgery(&self, place: Place) -> bool {
        let within = self.frames.last().and_then(|f| f.function);
        let is_named = |line: &str| {
            let line = line.to_ascii_lowercase();
            line.contains("csrf") || line.contains("xsrf")
        };
        self.speaks_of(place, within, true, is_named)
    }

    /// Says whether a stranger's data is among arguments.
    pub(super) fn is_foreign(&self, args: &Args) -> bool {
        args.all().any(|(v, _)| self.state.reach(v).all().iter().any(|l| l.origin.trust == Trust::Remote))
    }

    /// Looks at what is added to a weak hash that was made of nothing: a stranger's data counts as if it had been there.
    pub(super) fn hash_update(&mut self, name: &str, receiver: Option<&Value>, args: &Args) {
        let Some(receiver) = receiver.filter(|_| matches!(name, "update" | "write")) else { return };
        let Some((place, path)) = self.quiet_hashes.get(&receiver.id).copied() else { return };
        if self.is_foreign(args) && place.0 == self.here() {
            let classes = self.catalog.bit_of("weak-hash");
            self.record_constant(classes, path, args, place.1);
        }
    }

    /// Looks at what a function gives back that says in its name what it makes: `make_token`, `generateResetCode`.
    pub(super) fn sink_of_maker(&mut self, m: &Module, value: &Value, span: (u32, u32)) {
        if value.labels.is_empty() || matches!(value.kind, Kind::Object(_)) {
            return;
        }
        let function = self.frames.last().and_then(|f| f.function);
        let Some(name) = function.and_then(|id| m.function(id).name) else { return };
        if let Some(made) = made_by(name.as_str()) {
            self.sink_of_name(Name::new(&made), value, span);
        }
    }

    fn speaks_of_secret(&self, place: Place, within: Option<FunctionId>, is_whole: bool) -> bool {
        self.speaks_of(place, within, is_whole, is_secret)
    }

    fn speaks_of(
        &self,
        (module, span): Place,
        within: Option<FunctionId>,
        is_whole: bool,
        fits: impl Fn(&str) -> bool,
    ) -> bool {
        let handle = self.module(module);
        let file = handle.file();
        let function = within.map(|id| handle.function(id));
        let class = function.and_then(|f| f.class).and_then(|class| handle.class(class).name);
        let names = [function.and_then(|f| f.name), class];
        if names.into_iter().flatten().any(|name| fits(name.as_str())) {
            return true;
        }
        let text = file.text();
        let bounds = function.map_or((0, text.len()), |f| (f.span.0 as usize, f.span.1 as usize));
        let Some(body) = text.get(bounds.0..bounds.1) else { return false };
        let lines: Vec<&str> = body.lines().collect();
        let line_of = |at: u32| text.get(bounds.0..at as usize).map_or(0, |before| before.matches('\n').count());
        let (first, last) = (line_of(span.0), line_of(span.1.max(span.0)));
        let (from, to) = match (is_whole, lines.len() <= SHORT) {
            (true, true) => (0, lines.len()),
            (true, false) => (first.saturating_sub(AROUND.0), last + AROUND.1),
            (false, _) => (first, last + 1),
        };
        lines.iter().take(to.min(lines.len())).skip(from).any(|line| fits(without_comment(line)))
    }
}

fn without_comment(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") || trimmed.starts_with('#') || trimmed.starts_with('*') { "" } else { line }
}

/// Says whether a line of code has a name that speaks of a secret.
fn is_secret(line: &str) -> bool {
    line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'))).any(|name| {
        let words = words(name);
        let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        has(&SECRET) || (has(&["key"]) && has(&KEYED))
    })
}

/// Says whether a line of code has a name with one of some words in it.
fn has_word(line: &str, list: &[&str]) -> bool {
    line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
        .any(|name| words(name).iter().any(|word| list.contains(&word.as_str())))
}

/// Returns what a function makes, as its name says: `reset_token` of `make_reset_token`, `resetToken` of `newResetToken`.
fn made_by(name: &str) -> Option<String> {
    let words = words(name.trim_start_matches('_'));
    let (verb, made) = words.split_first()?;
    let made: Vec<&String> = made.iter().skip_while(|word| MAKING.contains(&word.as_str())).collect();
    if !MAKING.contains(&verb.as_str()) || made.is_empty() {
        return None;
    }
    let is_snake = name.contains('_');
    let parts = made.iter().enumerate().map(|(at, word)| {
        let mut chars = word.chars();
        match chars.next() {
            Some(first) if at > 0 && !is_snake => first.to_uppercase().chain(chars).collect(),
            _ => word.to_string(),
        }
    });
    let parts: Vec<String> = parts.collect();
    Some(parts.join(if is_snake { "_" } else { "" }))
}

/// Splits a name into its words: `apiKey`, `API_KEY`, `X-Signature`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before_small) {
            words.push(String::new());
        }
        before_small = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{is_secret, made_by};

    #[test]
    fn names_of_functions_tell_what_they_make() {
        assert_eq!(made_by("make_token").as_deref(), Some("token"));
        assert_eq!(made_by("_new_random_session_id").as_deref(), Some("session_id"));
        assert_eq!(made_by("generateResetToken").as_deref(), Some("resetToken"));
        assert_eq!(made_by("token"), None);
        assert_eq!(made_by("make"), None);
    }

    #[test]
    fn names_tell_what_a_hash_is_for() {
        for line in ["digest(user.passwordHash)", "X-Signature", "LINK_KEY + path", "fn sign(x)", "resetToken = 1"] {
            assert!(is_secret(line), "{line}");
        }
        for line in ["cache_key(name)", "etag of the file", "design(tokenize)", "key = md5(path)", "assigned"] {
            assert!(!is_secret(line), "{line}");
        }
    }
}
