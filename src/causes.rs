//! An error together with what caused it, in words, and what was meant.

use std::error::Error;

/// Returns what an error says and what each of its causes adds, outermost first. A cause whose words the error before it
/// ends with adds nothing.
pub fn chain(error: &dyn Error) -> Vec<String> {
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if said.last().is_some_and(|last| !last.ends_with(&text)) {
            said.push(text);
        }
        cause = inner.source();
    }
    said
}

/// Returns the name that a misspelt one most likely stands for; `None` where it is near to none.
pub fn nearest<'a>(misspelt: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = names.map(|name| (strsim::jaro_winkler(misspelt, name), name)).filter(|(like, _)| *like >= NEAR);
    likeness.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name)
}

/// Likeness below which two names have nothing to do with each other.
const NEAR: f64 = 0.7;

#[cfg(test)]
mod tests {
    use super::{chain, nearest};

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Said {
        said: &'static str,
        source: Option<Box<Self>>,
    }

    #[test]
    fn causes_follow_once_each() {
        let of = |said, source: Option<Said>| Said { said, source: source.map(Box::new) };
        let error = of("cannot read: no such file", Some(of("no such file", Some(of("os error 2", None)))));
        assert_eq!(chain(&error), ["cannot read: no such file", "os error 2"]);
    }

    #[test]
    fn only_what_is_near_is_named() {
        let names = ["python-weak-hash", "python-os-system-non-constant", "js-weak-hash"];
        assert_eq!(nearest("python-weak-hsah", names.into_iter()), Some("python-weak-hash"));
        assert_eq!(nearest("weather", names.into_iter()), None);
    }
}
