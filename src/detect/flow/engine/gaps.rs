//! The places of a template of text that values are put into.

/// Finds `%s`, `%(name)s` and the like: from, to, name, and whether a number is wanted.
pub(super) fn percent_gaps(text: &str) -> Vec<(usize, usize, Option<&str>, bool)> {
    let mut gaps = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('%')) {
        let start = at + found;
        let mut end = start + 1;
        let mut name = None;
        if bytes.get(end) == Some(&b'(')
            && let Some(close) = text[end..].find(')')
        {
            name = text.get(end + 1..end + close);
            end += close + 1;
        }
        while bytes.get(end).is_some_and(|b| b"-+ #0123456789.*".contains(b)) {
            end += 1;
        }
        match bytes.get(end) {
            Some(b'%') | None => at = end + 1,
            Some(kind) if kind.is_ascii_alphabetic() => {
                gaps.push((start, end + 1, name, b"dioxXeEfFgG".contains(kind)));
                at = end + 1;
            }
            Some(_) => at = start + 1,
        }
    }
    gaps
}

/// Finds `{}` and `{name}`: from, to, what is inside.
pub(super) fn brace_gaps(text: &str) -> Vec<(usize, usize, &str)> {
    let mut gaps = Vec::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('{')) {
        let start = at + found;
        if text[start + 1..].starts_with('{') {
            at = start + 2;
            continue;
        }
        let Some(close) = text[start..].find('}') else { break };
        gaps.push((start, start + close + 1, &text[start + 1..start + close]));
        at = start + close + 1;
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::{brace_gaps, percent_gaps};

    #[test]
    fn gaps_of_templates_are_found() {
        let gaps = percent_gaps("100%% of %s, %(name)s and %5.2f");
        assert_eq!(gaps.len(), 3);
        assert_eq!((gaps[1].2, gaps[2].3), (Some("name"), true));
        assert_eq!(percent_gaps("%"), []);
        let inside: Vec<&str> = brace_gaps("{} {{no}} {a.b} {0:>5} {").into_iter().map(|g| g.2).collect();
        assert_eq!(inside, ["", "a.b", "0:>5"]);
    }
}
