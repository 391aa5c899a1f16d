//! An error together with what caused it, in words.

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

#[cfg(test)]
mod tests {
    use super::chain;

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
}
