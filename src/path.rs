//! A path inside a repository, as git stores it: bytes, `/` between parts, never absolute.
//!
//! Paths are untrusted text. Everything that shows one goes through [`RepoPath::display`],
//! which leaves no control or direction-changing character alive.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A path relative to the root of the repository (or of the audited tree).
///
/// Bytes that are no UTF-8 are kept as `\xNN`, so two different names never look the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RepoPath(String);

impl RepoPath {
    /// Makes a path from git's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self(text.to_owned());
        }
        let mut out = String::with_capacity(bytes.len() + 8);
        for chunk in bytes.utf8_chunks() {
            out.push_str(chunk.valid());
            for byte in chunk.invalid() {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        }
        Self(out)
    }

    /// Returns the path as stored, control characters included: for matching and look-ups, not for showing.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part after the last `/`.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns the lower-cased text after the last dot of the file name, or `""`.
    pub fn extension(&self) -> String {
        self.file_name().rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default()
    }

    /// Returns the path with every control, line-breaking and direction-changing character written as `\u{..}`.
    pub fn display(&self) -> String {
        visible(&self.0)
    }
}

/// Returns what stands before the last `/` of a path: the folder that it lies in, or the root, which has no name.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl From<&str> for RepoPath {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Returns `text` with characters that could steer a terminal, a log reader or a reader's eye made visible:
/// C0 and C1 controls, line and paragraph separators, bidirectional marks and zero-width characters become `\u{..}`.
///
/// GitHub's runner obeys `##[command]` anywhere in a line of a log (actions/runner, `ActionCommand.TryParse`), so it
/// is taken apart as well. Its other form, `::command`, counts only at the beginning of a line.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_steering(c) {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    disarm(out)
}

fn disarm(text: String) -> String {
    if !text.contains("##") {
        return text;
    }
    COMMANDS.iter().fold(text, |text, command| text.replace(command, &command.replace('[', "\\u{5b}")))
}

/// How commands to CI runners begin that count anywhere in a line: GitHub, Azure Pipelines, TeamCity.
const COMMANDS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// Like [`visible`], but keeps line feeds and tabs: for source excerpts and texts of several lines.
pub fn visible_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if is_steering(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    disarm(out)
}

/// Says whether a character can change how the text around it is read: controls, separators, bidi and invisible ones.
///
/// The list follows Unicode Standard Annex 9 (bidirectional algorithm) and the "Trojan Source" paper (CVE-2021-42574).
pub fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{061c}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{RepoPath, folder_of};

    #[test]
    fn hostile_names_lose_their_power_when_shown() {
        let path = RepoPath::from_bytes(b"a\n::set-output\x1b[31m\xe2\x80\xae.py\xff");
        assert_eq!(path.display(), "a\\u{a}::set-output\\u{1b}[31m\\u{202e}.py\\xff");
        assert_eq!(RepoPath::from("###[add-mask]x").display(), "###\\u{5b}add-mask]x");
        assert_eq!(RepoPath::from("src/A.TSX").extension(), "tsx");
        assert_eq!(RepoPath::from("Makefile").extension(), "");
        assert_eq!((folder_of("src/a/b.rs"), folder_of("b.rs"), folder_of("")), ("src/a", "", ""));
    }
}
