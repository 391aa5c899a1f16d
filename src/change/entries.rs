//! What git says of a tree: entries, their kinds, and the raw form of a difference.

use super::Status;
use crate::path::RepoPath;

/// One entry of a difference between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub status: Status,
    /// Path after (before, for a deletion).
    pub path: RepoPath,
    /// Path before a rename.
    pub old_path: Option<RepoPath>,
    /// Mode and object before.
    pub before: (Mode, String),
    /// Mode and object after.
    pub after: (Mode, String),
}

/// What kind of thing a tree entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing on this side.
    Absent,
    /// A file.
    File,
    /// A file that can be run.
    Executable,
    /// A symbolic link.
    Symlink,
    /// A commit of another repository.
    Submodule,
}

impl Mode {
    /// Says whether it is a file.
    pub fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }
}

/// Reads a mode as git writes it, six octal digits.
pub(super) fn mode_of(mode: &str) -> Mode {
    match mode {
        "000000" => Mode::Absent,
        "120000" => Mode::Symlink,
        "160000" => Mode::Submodule,
        "100755" => Mode::Executable,
        _ => Mode::File,
    }
}

/// Reads `:mode mode oid oid status NUL path NUL [path NUL]`, git's raw format with `-z` (git-diff-index(1)).
pub(super) fn parse_raw(raw: &[u8]) -> Option<Vec<Entry>> {
    let mut fields = raw.split(|b| *b == 0);
    let mut entries = Vec::new();
    while let Some(field) = fields.next() {
        if field.is_empty() {
            continue;
        }
        let header = std::str::from_utf8(field.strip_prefix(b":")?).ok()?;
        let mut parts = header.split(' ');
        let (old_mode, new_mode) = (mode_of(parts.next()?), mode_of(parts.next()?));
        let (old_oid, new_oid) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let letter = parts.next()?.chars().next()?;
        let first = RepoPath::from_bytes(fields.next()?);
        let (path, old_path) = match letter {
            'R' | 'C' => (RepoPath::from_bytes(fields.next()?), Some(first)),
            _ => (first, None),
        };
        let status = match letter {
            'A' | 'C' => Status::Added,
            'D' => Status::Deleted,
            'R' => Status::Renamed,
            'T' => Status::TypeChanged,
            _ => Status::Modified,
        };
        entries.push(Entry { status, path, old_path, before: (old_mode, old_oid), after: (new_mode, new_oid) });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::{Mode, parse_raw};
    use crate::change::Status;

    #[test]
    fn raw_differences_are_read() {
        let raw = b":100644 100755 aa bb R090\0old\nname\0new\0:000000 120000 00 cc A\0link\0";
        let entries = parse_raw(raw).expect("documented form");
        assert_eq!(entries[1].old_path.as_ref().map(|p| p.as_str()), Some("old\nname"));
        assert_eq!((entries[0].status, entries[0].after.0), (Status::Added, Mode::Symlink));
        assert_eq!((entries[1].before.0, entries[1].after.0), (Mode::File, Mode::Executable));
        assert_eq!(parse_raw(b"garbage\0"), None);
    }
}
