//! Keeps secrets out of everything that is shown. Excerpts are made in one place, and that place calls this.
//!
//! Two ways to know a secret: its shape (tokens of well-known services, private keys, long random strings, passwords
//! given to commands), and its value (literals that a rule marked `secret` has matched, and their parts).

mod base64;
mod command;
mod index;

use index::Index;
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

/// Characters that stand for a secret: one for each of its own, so columns keep their places.
const MASK: char = '*';

/// Shapes of well-known credentials, as documented by the services that issue them.
const SHAPES: [&str; 29] = [
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}",
    r"\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{16,}",
    r"\bgithub_pat_[A-Za-z0-9_]{20,}",
    r"\bgl(?:pat|dt|rt|oas|cbt|ptt|ft|imt|agent|soat)-[A-Za-z0-9_\-]{16,}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}",
    r"\bxapp-[A-Za-z0-9-]{10,}",
    r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_+-]{10,}",
    r"discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{10,}",
    r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
    r"\bwhsec_[A-Za-z0-9+/=]{16,}",
    r"\bAIza[A-Za-z0-9_\-]{20,}",
    r"\bGOCSPX-[A-Za-z0-9_\-]{16,}",
    r"\bya29\.[A-Za-z0-9_\-]{16,}",
    r"\bnpm_[A-Za-z0-9]{20,}",
    r"\bpypi-[A-Za-z0-9_\-]{20,}",
    r"\bSG\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}",
    r"\b(?:SK|AC)[0-9a-f]{32}\b",
    r"\bkey-[0-9a-z]{32}\b",
    r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*)?",
    r"(?i)\bAccountKey=[A-Za-z0-9+/=]{16,}",
    r"\bdapi[0-9a-f]{24,}",
    r"\bdo[opr]_v1_[0-9a-f]{16,}",
    r"\bshp(?:at|ca|pa|ss)_[A-Za-z0-9]{16,}",
    r"\b[0-9]{8,10}:[A-Za-z0-9_-]{30,}",
    r"\bsk-[A-Za-z0-9_\-]{16,}",
    r"\b(?:hf|dckr_pat|lin_api|glsa|figd|PMAK|ATATT3|rubygems)[_\-xA-Za-z0-9]*[A-Za-z0-9]{16,}",
    r"-----BEGIN[A-Z ]*PRIVATE KEY(?: BLOCK)?-----[^\n]*",
    r"(?i)\bbearer\s+[A-Za-z0-9._~+/=\-]{16,}",
    r#":/{1,2}[^\s/:@]+:(?:[^\s/"'`<>]{3,}|[^\s/@]{3,})@"#,
];

/// Long runs that are no words. Looked for after the known shapes: a run may begin before one and swallow it.
const RUN: &str = r"[A-Za-z0-9+/_=\-]{40,}";

static LONG_RUN: LazyLock<Regex> = LazyLock::new(|| Regex::new(RUN).expect("the shape is a constant"));

static SHAPE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&SHAPES.map(|s| format!("(?:{s})")).join("|")).expect("the shapes are constants"));

static LONG_WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new("[A-Za-z0-9+=]{32,}").expect("a constant"));

static IN_ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#":/{1,2}[^\s/:@]+:([^\s/"'`<>]{3,}|[^\s/@]{3,})@"#).expect("a constant"));

/// Words that many secrets begin or end with, and that code is full of: they tell nothing of a secret.
const COMMON: [&str; 20] = [
    "access",
    "account",
    "apikey",
    "bearer",
    "client",
    "database",
    "default",
    "development",
    "localhost",
    "master",
    "mongodb",
    "passwd",
    "passphrase",
    "password",
    "postgres",
    "private",
    "production",
    "secret",
    "server",
    "service",
];

/// Characters that a part of a secret has at least.
const PART: usize = 6;

/// Masks secrets in text.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Redactor {
    values: BTreeSet<String>,
    /// What of the values is secret: of an address only the password, of a text with a token in it the token.
    parts: BTreeSet<String>,
    /// Made of both when a text is first masked.
    #[serde(skip)]
    index: OnceLock<Index>,
}

impl PartialEq for Redactor {
    fn eq(&self, other: &Self) -> bool {
        (&self.values, &self.parts) == (&other.values, &other.parts)
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} values)", self.values.len())
    }
}

impl Redactor {
    /// Remembers a literal that is a secret. Each of its lines is masked wherever it stands, if it has 4 characters.
    pub fn learn(&mut self, value: &str) {
        for line in value.lines().map(str::trim) {
            self.remember(line);
            let password = IN_ADDRESS.captures(line).and_then(|c| c.get(1).map(|p| p.range()));
            let mut secret: Vec<Range<usize>> = password.into_iter().chain(command::passwords(line)).collect();
            secret.iter().for_each(|range| self.remember(&line[range.clone()]));
            if secret.is_empty() {
                secret = tokens(line);
            }
            let whole = std::iter::once(0..line.len()).filter(|_| secret.is_empty());
            for part in secret.iter().cloned().chain(whole).map(|range| &line[range]) {
                if part.chars().count() > PART && self.parts.insert(part.to_owned()) {
                    self.parts.extend(base64::forms(part.as_bytes()).into_iter().filter(|form| form.len() > PART));
                }
            }
        }
        self.index = OnceLock::new();
    }

    fn remember(&mut self, value: &str) {
        if value.chars().count() >= 4 {
            self.values.insert(value.to_owned());
        }
    }

    /// Remembers the literals of a match of which one or more are secrets. The name of an environment variable beside
    /// another literal is none.
    pub fn learn_match<'a>(&mut self, literals: impl Iterator<Item = &'a str>) {
        let literals: Vec<&str> = literals.collect();
        let is_name = |text: &str| text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let several = literals.len() > 1;
        literals.into_iter().filter(|text| !(several && is_name(text))).for_each(|text| self.learn(text));
    }

    /// Says whether it knows no value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes over what another one knows.
    pub fn merge(&mut self, other: Self) {
        self.values.extend(other.values);
        self.parts.extend(other.parts);
        self.index = OnceLock::new();
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.values, &self.parts))
    }

    /// Returns `text` with every known secret and every part of one masked, character for character.
    pub fn redact(&self, text: &str) -> String {
        self.redact_parts(&self.redact_values(&shapes(text), 0))
    }

    /// Returns `text` with what it shares with a known secret masked, from `PART` characters on.
    ///
    /// A word that stands by itself in the secret, too, tells nothing: `secret` of `my-secret-4711`.
    pub fn redact_parts(&self, text: &str) -> String {
        if !self.index().has_pieces() {
            return text.to_owned();
        }
        let mut shared = self.index().shared(text);
        shared.retain(|range| !self.is_own_word(&text[range.clone()]));
        mask_ranges(text, shared)
    }

    fn is_own_word(&self, shared: &str) -> bool {
        let alone = |part: &str| {
            part.match_indices(shared).all(|(at, _)| {
                let before = part[..at].chars().next_back();
                let after = part[at + shared.len()..].chars().next();
                [before, after].into_iter().flatten().all(|c| !c.is_alphanumeric())
            })
        };
        let letters = shared.trim_matches(|c: char| !c.is_alphanumeric());
        let is_common = || COMMON.contains(&letters.to_ascii_lowercase().as_str());
        letters.chars().all(char::is_alphabetic) && (is_common() || self.index().holders(shared).all(alone))
    }

    /// Returns `text` with the known values masked that have at least `min` characters. Away from where a secret was
    /// found a short one is more likely a word than the secret.
    pub fn redact_values(&self, text: &str, min: usize) -> String {
        self.index().mask_values(text, min)
    }
}

/// Returns `text` with everything of a known shape masked.
pub fn shapes(text: &str) -> String {
    let masked = mask_ranges(text, command::passwords(text));
    let tokens = tokens(&masked);
    let masked = mask_ranges(&masked, tokens);
    let run = |found: &regex::Captures<'_>| match &found[0] {
        words if has_few_digits(words) => words.to_owned(),
        digest if is_digest(found.get(0).and_then(|run| masked.get(..run.start())).unwrap_or_default(), digest) => {
            digest.to_owned()
        }
        path if is_path(path) => path.split('/').map(mask_random_part).collect::<Vec<_>>().join("/"),
        other => mask(other),
    };
    LONG_RUN.replace_all(&masked, run).into_owned()
}

/// Says whether a run is the digest of something that is named beside it: of an image, a package, a script.
fn is_digest(before: &str, run: &str) -> bool {
    const NAMED: [&str; 3] = ["sha256:", "sha384:", "sha512:"];
    const LENGTHS: [(&str, usize); 3] = [("sha256-", 44), ("sha384-", 64), ("sha512-", 88)];
    let is_hex = matches!(run.len(), 64 | 96 | 128) && run.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && NAMED.iter().any(|name| before.ends_with(name)))
        || LENGTHS.iter().any(|(name, length)| run.strip_prefix(name).is_some_and(|rest| rest.len() == *length))
}

/// Says whether a run is a path: three of its parts are words. Base64 has none.
fn is_path(run: &str) -> bool {
    let is_word = |part: &&str| part.len() >= 3 && part.bytes().all(|b| b.is_ascii_lowercase());
    run.split('/').filter(is_word).count() >= 3
}

/// Masks a part of a path that no person has named so.
fn mask_random_part(part: &str) -> String {
    let random = is_random(part) || (part.len() >= 20 && !has_few_digits(part));
    if random { mask(part) } else { part.to_owned() }
}

/// Returns where tokens of a known shape stand.
fn tokens(text: &str) -> Vec<Range<usize>> {
    SHAPE.find_iter(text).filter(|found| !is_plain_words(found.as_str())).map(|found| found.range()).collect()
}

/// Returns all stretches of `PART` characters.
fn windows(text: &str) -> impl Iterator<Item = &str> {
    let ends = text.char_indices().map(|(at, _)| at).skip(PART).chain([text.len()]);
    text.char_indices()
        .zip(ends)
        .filter_map(|((start, _), end)| text.get(start..end))
        .filter(|w| w.chars().count() == PART)
}

fn mask_ranges(text: &str, mut ranges: Vec<Range<usize>>) -> String {
    ranges.sort_by_key(|range| range.start);
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        let start = range.start.max(done);
        if start < range.end {
            out.push_str(&text[done..start]);
            out.push_str(&mask(&text[start..range.end]));
            done = range.end;
        }
    }
    out.push_str(&text[done..]);
    out
}

/// Letters after something that only looks like a known prefix are an identifier.
fn is_plain_words(text: &str) -> bool {
    let generic = text.chars().all(|c| c.is_ascii_alphanumeric() || "+/_=-".contains(c));
    let known = text.starts_with(|c: char| c.is_ascii_digit()) || SHORT_PREFIXES.iter().any(|p| text.starts_with(p));
    generic && !known && has_few_digits(text)
}

/// Returns a path with every credential of a well-known shape masked.
///
/// Long runs of words and numbers stay: that is what dated migrations and deep directories look like, and a place that
/// cannot be read cannot be repaired. One long word of mixed letters and digits is no name that a person gave.
pub fn path_shapes(path: &str) -> String {
    let masked = SHAPE.replace_all(path, |found: &regex::Captures<'_>| mask(&found[0])).into_owned();
    let random = |found: &regex::Captures<'_>| if is_random(&found[0]) { mask(&found[0]) } else { found[0].to_owned() };
    LONG_WORD.replace_all(&masked, random).into_owned()
}

fn is_random(word: &str) -> bool {
    let has = |kind: fn(&char) -> bool| word.chars().any(|c| kind(&c));
    has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && !has_few_digits(word)
}

/// A long run of letters alone is a path or an identifier, not a key: random text of 40 characters has digits.
fn has_few_digits(text: &str) -> bool {
    text.chars().filter(char::is_ascii_digit).count() < 3
}

const SHORT_PREFIXES: [&str; 24] = [
    "AKIA", "ASIA", "ABIA", "ACCA", "gh", "gl", "xox", "xapp", "sk", "rk", "whsec", "AIza", "GOCSPX", "npm_", "pypi-",
    "SK", "AC", "key-", "dapi", "do", "shp", "hf", "dckr", "AT",
];

fn mask(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { c } else { MASK }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Redactor, path_shapes, shapes};

    #[test]
    fn shapes_are_masked_and_columns_kept() {
        let line = r#"aws = "AKIAIOSFODNN7EXAMPLE"  # key"#;
        let out = shapes(line);
        assert_eq!(out, r#"aws = "********************"  # key"#);
        assert_eq!(out.chars().count(), line.chars().count());
        let key = format!("ghp_{}", "a1B2c3D4".repeat(4));
        assert!(!shapes(&format!("x('{key}')")).contains("a1B2"));
        let letters = format!("ghs_{}", "aBcDeFgH".repeat(4));
        assert!(!shapes(&format!("some/folder/{letters}.py")).contains("aBcD"), "not swallowed by the run around it");
        assert!(!shapes("postgres://u:hunter22@db/x").contains("hunter22"));
    }

    #[test]
    fn ordinary_code_is_left_alone() {
        for line in [
            "from application.components.navigation.sidebar import AVeryLongComponentName",
            "import x from '@scope/some/very/long/path/to/a/component/inside/the/tree'",
            "let result = some_function_with_a_really_long_descriptive_name_in_it(x);",
        ] {
            assert_eq!(shapes(line), line);
        }
    }

    /// A temporary directory has a random name, and an error that does not say where helps nobody.
    #[test]
    fn a_long_path_in_a_message_stays_readable() {
        let message = "/tmp/gate-a1b2c3/work/gate/rules/python/flow/shop.yml: not a catalog";
        assert_eq!(shapes(message), message);
        let key = "wJalr3XUtnFEMI7K7MDENGqbPxRfiCYEXAMPLEKE";
        assert!(!shapes(&format!("/home/user/projects/{key}/main")).contains("K7MDENG"));
        assert!(!shapes("wJalrXUtnFEMI/K7MDENG2/bPxRfiCYEXAMPLEKEY4").contains("bPxRfi"));
    }

    #[test]
    fn paths_stay_readable_but_for_known_credentials() {
        for path in
            ["migrations/20240911_create_users_table_with_indexes_v2.py", "packages/s1/src/v2/handlers/user3/deep.ts"]
        {
            assert_eq!(path_shapes(path), path);
        }
        assert_eq!(path_shapes("keys/AKIAIOSFODNN7EXAMPLE.txt"), "keys/********************.txt");
    }

    #[test]
    fn learned_values_are_masked_wherever_they_stand() {
        let mut redactor = Redactor::default();
        redactor.learn("hunter2!\nsecond line");
        redactor.learn_match(["API_KEY", "s3cr3t-value"].into_iter());
        assert_eq!(redactor.redact("f(API_KEY, 'hunter2!')"), "f(API_KEY, '********')");
        assert_eq!(redactor.redact("second line"), "****** ****");
    }

    #[test]
    fn parts_of_learned_values_are_masked() {
        let mut redactor = Redactor::default();
        redactor.learn("kq7Rm2-payment-Zx81vTn4");
        assert_eq!(redactor.redact("a = 'kq7Rm2'; b = '-Zx81vT'"), "a = '******'; b = '*******'");
        assert_eq!(redactor.redact("f(payment)"), "f(payment)", "a word that is one in the secret, too");
        redactor.learn("postgres://shop:s3cr3t@db.internal/shop");
        assert_eq!(redactor.redact("connect('s3cr3t', 'db.internal')"), "connect('******', 'db.internal')");
        redactor.learn("password4711Xy");
        assert_eq!(redactor.redact("check(password)"), "check(password)", "a word of every program");
        assert_eq!(redactor.redact("'password47' + x"), "'**********' + x");
        redactor.learn("opensesameopen");
        assert_eq!(redactor.redact("'opensesame' + x"), "'**********' + x", "cut within a word");
    }

    #[test]
    fn parts_travel_to_another_process() {
        let mut redactor = Redactor::default();
        redactor.learn("kq7Rm2-payment-Zx81vTn4");
        let there: Redactor = serde_json::from_str(&serde_json::to_string(&redactor).unwrap()).unwrap();
        let mut merged = Redactor::default();
        merged.merge(there);
        assert_eq!(merged.redact("kq7Rm2"), "******");
    }

    /// Thousands of secrets in one file: masking costs what the text is long, and none of them is shown.
    #[test]
    fn thousands_of_values_are_masked_and_overlap() {
        let secret = |number: usize| format!("Kq{number}x{}Zt", (number * 7_919) % 100_003);
        let mut redactor = Redactor::default();
        (0..5_000).for_each(|number| redactor.learn(&secret(number)));
        let mut merged = Redactor::default();
        merged.merge(redactor);
        for number in 0..5_000 {
            let shown = merged.redact(&format!("p{number} = '{}'", secret(number)));
            assert_eq!(shown, format!("p{number} = '{}'", "*".repeat(secret(number).len())));
        }
        merged.learn("left-4711-middle");
        merged.learn("middle-0815-right-and-more");
        let both = merged.redact_values("x left-4711-middle-0815-right-and-more y", 0);
        assert_eq!(both, format!("x {} y", "*".repeat(36)), "where two overlap nothing is left of either");
        assert_eq!(merged.redact_values("left-4711-middle", 17), "left-4711-middle", "too short to be looked for");
    }

    #[test]
    fn encoded_values_are_masked_wherever_they_begin() {
        let mut redactor = Redactor::default();
        redactor.learn("kq7Rm2-payment-Zx81vTn4");
        // Of the text itself, and of `user:` and `user1:` before it.
        let alone = "a3E3Um0yLXBheW1lbnQtWng4MXZUbjQ=";
        for encoded in [alone, "dXNlcjprcTdSbTItcGF5bWVudC1aeDgxdlRuNA==", "dXNlcjE6a3E3Um0yLXBheW1lbnQtWng4MXZUbjQ="] {
            let shown = redactor.redact(&format!("x = '{encoded}'"));
            assert!(shown.matches('*').count() + 10 >= encoded.len(), "{shown}");
        }
    }

    /// A digest says what an image or a package is, and a report without it says less.
    #[test]
    fn digests_are_no_secrets() {
        let hex = "0123456789abcdef".repeat(4);
        let base64 = "Zx81vTn4".repeat(11);
        for line in [format!("image: nginx@sha256:{hex}"), format!("--hash=sha256:{hex}"), format!("sha512-{base64}")] {
            assert_eq!(shapes(&line), line);
        }
        assert!(!shapes(&format!("key = '{hex}'")).contains(&hex));
    }

    #[test]
    fn password_with_an_at_sign_is_masked_whole() {
        assert!(!shapes("postgres://u:hunt@r22@db/x").contains("r22"));
        assert!(shapes("'http://u:letmein@h', 'a@b'").ends_with("h', 'a@b'"));
    }

    #[test]
    fn passwords_given_to_commands_are_masked() {
        assert_eq!(shapes("curl -u joe:letmein x"), "curl -u joe:******* x");
    }
}
