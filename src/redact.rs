//! Keeps secrets out of everything that is shown. Excerpts are made in one place, and that place calls this.
//!
//! Two ways to know a secret: its shape (tokens of well-known services, private keys, long random strings), and its
//! value (literals that a rule marked `secret` has matched).

use regex::Regex;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

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
    r":/{1,2}[^\s/:@]{1,64}:[^\s/@]{3,}@",
];

/// Long runs that are no words. Looked for after the known shapes: a run may begin before one and swallow it.
const RUN: &str = r"[A-Za-z0-9+/_=\-]{40,}";

static LONG_RUN: LazyLock<Regex> = LazyLock::new(|| Regex::new(RUN).expect("the shape is a constant"));

static SHAPE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&SHAPES.map(|s| format!("(?:{s})")).join("|")).expect("the shapes are constants"));

static LONG_WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new("[A-Za-z0-9+=]{32,}").expect("a constant"));

/// Masks secrets in text.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Redactor {
    values: Vec<String>,
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
            if line.chars().count() >= 4 && !self.values.iter().any(|v| v == line) {
                self.values.push(line.to_owned());
            }
        }
        self.values.sort_by_key(|v| std::cmp::Reverse(v.len()));
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
        other.values.iter().for_each(|value| self.learn(value));
    }

    /// Returns `text` with every known secret masked, character for character.
    pub fn redact(&self, text: &str) -> String {
        self.redact_values(&shapes(text), 0)
    }

    /// Returns `text` with the known values masked that have at least `min` characters. Away from where a secret was
    /// found a short one is more likely a word than the secret.
    pub fn redact_values(&self, text: &str, min: usize) -> String {
        let mut out = text.to_owned();
        for value in self.values.iter().filter(|v| v.chars().count() >= min) {
            if out.contains(value.as_str()) {
                out = out.replace(value.as_str(), &mask(value));
            }
        }
        out
    }
}

/// Returns `text` with everything of a known shape masked.
pub fn shapes(text: &str) -> String {
    let replace = |text: &str, shape: &Regex, spared: fn(&str) -> bool| {
        let masked =
            |found: &regex::Captures<'_>| if spared(&found[0]) { found[0].to_owned() } else { mask(&found[0]) };
        shape.replace_all(text, masked).into_owned()
    };
    replace(&replace(text, &SHAPE, is_plain_words), &LONG_RUN, has_few_digits)
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
}
