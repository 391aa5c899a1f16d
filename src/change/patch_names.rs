//! File names in patches: prefixes, time stamps, and git's C-style quoting.

use crate::path::RepoPath;

/// Reads `a/x b/x` of a `diff --git` line. Names with spaces are only sure from the `---`/`+++` lines, which follow
/// wherever there are hunks; here equal halves are tried.
pub(super) fn git_names(rest: &[u8]) -> (Option<RepoPath>, Option<RepoPath>) {
    if rest.starts_with(b"\"") {
        return (None, None);
    }
    let half = rest.len() / 2;
    if rest.get(half) == Some(&b' ') {
        let (a, b) = (name(&rest[..half], b"a/"), name(&rest[half + 1..], b"b/"));
        if a == b {
            return (a, b);
        }
    }
    match rest.iter().position(|b| *b == b' ') {
        Some(i) => (name(&rest[..i], b"a/"), name(&rest[i + 1..], b"b/")),
        None => (None, None),
    }
}

/// Reads one name: quotes undone, a time stamp after a tab dropped, the prefix taken off. `None` for `/dev/null`.
pub(super) fn name(raw: &[u8], prefix: &[u8]) -> Option<RepoPath> {
    let raw = raw.split(|b| *b == b'\t').next().unwrap_or(raw).trim_ascii_end();
    let unquoted = if raw.len() >= 2 && raw.starts_with(b"\"") && raw.ends_with(b"\"") {
        unquote(&raw[1..raw.len() - 1])
    } else {
        raw.to_vec()
    };
    if unquoted == b"/dev/null" || unquoted.is_empty() {
        return None;
    }
    let path = unquoted.strip_prefix(prefix).unwrap_or(&unquoted);
    Some(RepoPath::from_bytes(path.strip_prefix(b"/").unwrap_or(path)))
}

/// Undoes git's C-style quoting (`core.quotePath`).
fn unquote(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        if b != b'\\' {
            out.push(b);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'a') => out.push(7),
            Some(b'b') => out.push(8),
            Some(b'v') => out.push(11),
            Some(b'f') => out.push(12),
            Some(d @ b'0'..=b'7') => {
                let mut value = u32::from(d - b'0');
                for _ in 0..2 {
                    if let Some(d) = bytes.next_if(|d| (b'0'..=b'7').contains(d)) {
                        value = value * 8 + u32::from(d - b'0');
                    }
                }
                out.push((value & 0xff) as u8);
            }
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    out
}
