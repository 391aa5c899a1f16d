//! Unified patches without a repository around them: `git diff`, `diff -u`, a mail of `git format-patch`.
//!
//! Pure. A patch shows only parts of a file; the parts are laid out at their own line numbers, the rest left empty,
//! so that findings point at the right lines.

use super::patch_names::{git_names, name};
use super::text::{NotText, decode};
use super::{ChangedFile, Content, Status};
use crate::path::RepoPath;
use crate::span::LineSet;

/// Lines a file in a patch may claim to reach; beyond that the patch is refused rather than padded.
const MAX_LINE: u32 = 1_000_000;
/// Empty lines that all files of a patch together may ask for; beyond that the patch is refused.
const MAX_PADDING: u32 = 4_000_000;
/// Why a file is a gap whose name is source but whose content the patch leaves out.
const NOT_SHOWN: &str = "the patch does not show its content";

/// What is wrong with a patch: always the fault of the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// Nothing in the input looks like a patch.
    #[error("no file header (`--- a/..`, `+++ b/..` or `diff --git`) found in {lines} lines")]
    NoFiles {
        /// How many lines were read.
        lines: usize,
    },
    /// A hunk header or body is broken.
    #[error("line {line}: {what}")]
    Malformed {
        /// Line in the patch, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
}

/// Reads a patch. `is_source` says whether a file is named like source: only such a file, and one that begins with
/// `#!`, has its content laid out.
///
/// # Errors
/// [`PatchError`] where the input holds no file header, a hunk does not have the lines its header promises or belongs
/// to no file, or the patch is a combined one, which does not say what is new.
pub fn parse(bytes: &[u8], is_source: &dyn Fn(&RepoPath) -> bool) -> Result<Vec<ChangedFile>, PatchError> {
    let lines = bytes.split_inclusive(|b| *b == b'\n').collect();
    let mut reader = Reader { lines, at: 0, padding: MAX_PADDING, is_source };
    let mut files = Vec::new();
    let mut headers = 0usize;
    while let Some(line) = reader.peek() {
        if line.starts_with(b"diff --git ") || (line.starts_with(b"--- ") && reader.next_is_plus()) {
            headers += 1;
            files.extend(reader.file()?);
        } else if line.starts_with(b"@@ -") {
            return Err(
                reader.malformed("a hunk that belongs to no file: its header must follow a file header or a hunk")
            );
        } else if COMBINED.iter().any(|c| line.starts_with(c)) {
            return Err(reader.malformed("a combined diff of a merge is not read: give a diff against one parent"));
        } else if unshown(line).is_some_and(|path| is_source(&path)) {
            return Err(reader.malformed(format!("{NOT_SHOWN}: use `git diff`, or `diff` with `-N` and `-a`")));
        } else {
            reader.at += 1;
        }
    }
    if headers == 0 && !reader.lines.iter().all(|l| l.trim_ascii().is_empty()) {
        return Err(PatchError::NoFiles { lines: reader.lines.len() });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// How lines of a combined diff begin.
const COMBINED: [&[u8]; 3] = [b"diff --cc ", b"diff --combined ", b"@@@"];

struct Reader<'a> {
    lines: Vec<&'a [u8]>,
    at: usize,
    padding: u32,
    is_source: &'a dyn Fn(&RepoPath) -> bool,
}

/// One side of a file while its hunks are read: bytes laid out at their own line numbers.
#[derive(Default)]
struct Side {
    bytes: Vec<u8>,
    line: u32,
    changed: LineSet,
    /// Whether the content is kept; else only its line numbers are.
    kept: bool,
}

impl Side {
    /// Goes to the line before `line`, for at most `padding` empty lines; `None` where that is not enough.
    fn pad_to(&mut self, line: u32, padding: &mut u32) -> Option<()> {
        let missing = line.saturating_sub(self.line + 1);
        if self.kept {
            *padding = padding.checked_sub(missing)?;
            self.bytes.resize(self.bytes.len() + missing as usize, b'\n');
        }
        self.line += missing;
        Some(())
    }

    fn push(&mut self, content: &[u8], changed: bool) {
        self.kept |= self.line == 0 && content.starts_with(b"#!");
        if self.kept {
            self.bytes.extend_from_slice(content);
            if !content.ends_with(b"\n") {
                self.bytes.push(b'\n');
            }
        }
        self.line += 1;
        if changed {
            self.changed.insert(self.line, self.line);
        }
    }
}

#[derive(Default)]
struct Header {
    old: Option<RepoPath>,
    new: Option<RepoPath>,
    created: bool,
    deleted: bool,
    renamed: bool,
    binary: bool,
    mode: Option<String>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a [u8]> {
        self.lines.get(self.at).copied()
    }

    fn next_is_plus(&self) -> bool {
        self.lines.get(self.at + 1).is_some_and(|l| l.starts_with(b"+++ "))
    }

    fn malformed(&self, what: impl Into<String>) -> PatchError {
        PatchError::Malformed { line: self.at + 1, what: what.into() }
    }

    fn file(&mut self) -> Result<Option<ChangedFile>, PatchError> {
        let header = self.header();
        let is_source = |path: Option<&RepoPath>| path.is_some_and(self.is_source);
        let source = (is_source(header.old.as_ref()), is_source(header.new.as_ref()));
        let mut before = Side { kept: source.0, ..Side::default() };
        let mut after = Side { kept: source.1, ..Side::default() };
        while self.peek().is_some_and(|l| l.starts_with(b"@@ ")) {
            self.hunk(&mut before, &mut after)?;
        }
        let Some(path) = header.new.clone().or_else(|| header.old.clone()) else { return Ok(None) };
        let status = match &header {
            Header { created: true, .. } => Status::Added,
            Header { deleted: true, .. } => Status::Deleted,
            Header { renamed: true, .. } => Status::Renamed,
            _ => Status::Modified,
        };
        let old_path = header.old.clone().filter(|old| status == Status::Renamed && *old != path);
        // A file that was not source before comes without the lines that the patch does not show.
        let hidden = header.binary || (header.old.is_some() && !source.0 && status != Status::Added);
        let special = match header.mode.as_deref() {
            Some("120000") => Some(Content::Symlink),
            Some("160000") => Some(Content::Submodule),
            _ if hidden && (self.is_source)(&path) => Some(Content::Unreadable(NOT_SHOWN.into())),
            _ if header.binary => Some(Content::Binary),
            _ => None,
        };
        let content = |side: &Side, absent: bool| match &special {
            _ if absent => Content::Absent,
            Some(Content::Symlink) => Content::link(&path, &side.bytes, self.is_source),
            Some(special) => special.clone(),
            None if side.kept => text_of(side),
            None => Content::Other,
        };
        let (b, a) = (content(&before, status == Status::Added), content(&after, status == Status::Deleted));
        Ok(Some(ChangedFile {
            old_path,
            status,
            before: b,
            after: a,
            added: after.changed,
            removed: before.changed,
            partial: status != Status::Added,
            path,
        }))
    }

    fn header(&mut self) -> Header {
        let mut header = Header::default();
        let mut first = true;
        while let Some(line) = self.peek() {
            let text = line.trim_ascii_end();
            if text.starts_with(b"@@ ") || (!first && text.starts_with(b"diff --git ")) {
                break;
            }
            if let Some(rest) = text.strip_prefix(b"diff --git ") {
                (header.old, header.new) = git_names(rest);
            } else if let Some(rest) = text.strip_prefix(b"--- ") {
                if header.old.is_some() && header.new.is_some() && !first && !self.next_is_plus() {
                    break;
                }
                header.old = name(rest, b"a/");
                header.created |= rest.starts_with(b"/dev/null");
            } else if let Some(rest) = text.strip_prefix(b"+++ ") {
                header.deleted |= rest.starts_with(b"/dev/null");
                if !header.deleted {
                    header.new = name(rest, b"b/");
                }
                self.at += 1;
                break;
            } else {
                extended(text, &mut header);
                if !is_extended(text) && !first {
                    break;
                }
            }
            first = false;
            self.at += 1;
        }
        header
    }

    fn hunk(&mut self, before: &mut Side, after: &mut Side) -> Result<(), PatchError> {
        let line = self.peek().unwrap_or_default();
        let Some(((old_start, mut old_left), (new_start, mut new_left))) = hunk_header(line) else {
            return Err(self.malformed("hunk header is not `@@ -line,count +line,count @@`"));
        };
        if old_start.saturating_add(old_left).max(new_start.saturating_add(new_left)) > MAX_LINE {
            return Err(self.malformed(format!("hunk reaches past line {MAX_LINE}")));
        }
        let mut padding = self.padding;
        let padded = before.pad_to(old_start, &mut padding).and_then(|()| after.pad_to(new_start, &mut padding));
        if padded.is_none() {
            return Err(self.malformed(format!("the hunks of this patch leave out more than {MAX_PADDING} lines")));
        }
        self.padding = padding;
        self.at += 1;
        while old_left > 0 || new_left > 0 {
            let Some(line) = self.peek() else {
                return Err(self.malformed(format!("hunk ends early: {old_left} old and {new_left} new lines missing")));
            };
            match line.first() {
                Some(b'+') if new_left > 0 => {
                    new_left -= 1;
                    after.push(&line[1..], true);
                }
                Some(b'-') if old_left > 0 => {
                    old_left -= 1;
                    before.push(&line[1..], true);
                }
                Some(b' ' | b'\n' | b'\r') if old_left > 0 && new_left > 0 => {
                    (old_left, new_left) = (old_left - 1, new_left - 1);
                    let content = line.strip_prefix(b" ").unwrap_or(line);
                    before.push(content, false);
                    after.push(content, false);
                }
                Some(b'\\') => {}
                _ => return Err(self.malformed("hunk line does not begin with `+`, `-`, ` ` or `\\`")),
            }
            self.at += 1;
        }
        while self.peek().is_some_and(|l| l.starts_with(b"\\")) {
            self.at += 1;
        }
        if self.peek().is_some_and(|l| l.starts_with(b"+") && !l.starts_with(b"+++ ")) {
            return Err(self.malformed("hunk has more lines than its header promises"));
        }
        Ok(())
    }
}

fn text_of(side: &Side) -> Content {
    match decode(&side.bytes, true) {
        Ok(text) => Content::Text(text),
        Err(NotText::Garbled(why)) => Content::Unreadable(why),
        Err(NotText::Binary) => Content::Unreadable("it holds no text".into()),
    }
}

/// Returns the file of which `diff -r` says only that it is there.
fn unshown(line: &[u8]) -> Option<RepoPath> {
    let text = String::from_utf8_lossy(line.trim_ascii_end());
    let path = match text.strip_prefix("Only in ") {
        Some(rest) => rest.rsplit_once(": ")?.1,
        None => text.strip_prefix("Binary files ")?.strip_suffix(" differ")?.rsplit_once(" and ")?.1,
    };
    Some(RepoPath::from(path))
}

fn extended(text: &[u8], header: &mut Header) {
    let value = |prefix: &[u8]| text.strip_prefix(prefix).map(|v| String::from_utf8_lossy(v).into_owned());
    if let Some(mode) = value(b"new file mode ") {
        header.created = true;
        header.mode = Some(mode);
    } else if let Some(mode) = value(b"deleted file mode ") {
        header.deleted = true;
        header.mode = Some(mode);
    } else if let Some(mode) = value(b"new mode ") {
        header.mode = Some(mode);
    } else if let Some(index) = value(b"index ") {
        header.mode = index.rsplit_once(' ').map(|(_, m)| m.to_owned()).or(header.mode.take());
    } else if let Some(rest) = text.strip_prefix(b"rename from ") {
        header.renamed = true;
        header.old = name(rest, b"");
    } else if let Some(rest) = text.strip_prefix(b"rename to ") {
        header.new = name(rest, b"");
    } else if text.starts_with(b"Binary files ") || text.starts_with(b"GIT binary patch") {
        header.binary = true;
    }
}

fn is_extended(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 11] = [
        b"index ",
        b"old mode ",
        b"new mode ",
        b"new file mode ",
        b"deleted file mode ",
        b"similarity index ",
        b"dissimilarity index ",
        b"rename ",
        b"copy ",
        b"Binary files ",
        b"GIT binary patch",
    ];
    WORDS.iter().any(|w| text.starts_with(w))
}

type Side2 = (u32, u32);

/// Reads `@@ -a,b +c,d @@`. A start of 0 (empty side) is taken as 1.
fn hunk_header(line: &[u8]) -> Option<(Side2, Side2)> {
    let text = std::str::from_utf8(line.strip_prefix(b"@@ -")?).ok().or_else(|| {
        let end = line.windows(3).skip(3).position(|w| w == b" @@")?;
        std::str::from_utf8(&line[4..end + 3]).ok()
    })?;
    let (old, rest) = text.split_once(" +")?;
    let new = rest.split([' ', '\n', '\r']).next()?;
    let side = |s: &str| -> Option<Side2> {
        let (start, count) = s.split_once(',').unwrap_or((s, "1"));
        Some((start.parse::<u32>().ok()?.max(1), count.parse().ok()?))
    };
    Some((side(old)?, side(new)?))
}

#[cfg(test)]
mod tests {
    use super::{PatchError, parse};
    use crate::change::{ChangedFile, Content, Status};

    fn read(patch: &[u8]) -> Result<Vec<ChangedFile>, PatchError> {
        parse(patch, &|p| p.as_str().ends_with(".py"))
    }

    #[track_caller]
    fn refused(patch: &str, at: usize, why: &str) {
        match read(patch.as_bytes()) {
            Err(PatchError::Malformed { line, what }) if line == at && what.contains(why) => {}
            other => panic!("{other:?}"),
        }
    }

    const PATCH: &[u8] = b"From 1 Mon Sep 17\nSubject: x\n---\n a.py | 2 +-\n\ndiff --git a/a b.py b/a b.py\nindex 1..2 100644\n--- a/a b.py\n+++ b/a b.py\n@@ -3,2 +3,3 @@ def f():\n x\n-y\n+z\n+w\n\\ No newline at end of file\ndiff --git a/old.py b/new.py\nsimilarity index 100%\nrename from old.py\nrename to new.py\ndiff --git a/i.png b/i.png\nnew file mode 100644\nBinary files /dev/null and b/i.png differ\n";

    #[test]
    fn a_patch_keeps_its_line_numbers() {
        let files = read(PATCH).expect("a valid patch");
        assert_eq!(files.len(), 3);
        let file = &files[0];
        assert_eq!(file.path.as_str(), "a b.py");
        assert_eq!(file.after.text().expect("text").text, "\n\nx\nz\nw\n");
        assert_eq!(file.added.ranges(), &[(4, 5)]);
        assert_eq!(file.removed.ranges(), &[(4, 4)]);
        assert!(file.partial);
        assert_eq!(
            (files[2].status, files[2].old_path.as_ref().map(|p| p.as_str())),
            (Status::Renamed, Some("old.py"))
        );
    }

    #[test]
    fn plain_diff_and_quoted_names_are_read() {
        let files =
            read(b"--- \"a/t\\303\\251.py\"\t2020\n+++ \"b/t\\303\\251.py\"\n@@ -0,0 +1 @@\n+x\n").expect("valid");
        assert_eq!(files[0].path.as_str(), "t\u{e9}.py");
    }

    #[test]
    fn broken_patches_are_refused_with_the_line() {
        assert_eq!(read(b"hello\n"), Err(PatchError::NoFiles { lines: 1 }));
        let short = read(b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n x\n");
        assert!(matches!(short, Err(PatchError::Malformed { line: 5, .. })), "{short:?}");
        assert!(read(b"").expect("an empty patch is an empty change").is_empty());
    }

    #[test]
    fn source_that_a_patch_does_not_show_is_a_gap() {
        let hidden = Content::Unreadable("the patch does not show its content".into());
        for tail in [
            "index 1..2 100644\nBinary files a/x.py and b/x.py differ\n",
            "new file mode 100644\nGIT binary patch\nliteral 3\nKcmZ\n",
        ] {
            let file = read(format!("diff --git a/x.py b/x.py\n{tail}").as_bytes()).expect("valid").remove(0);
            assert_eq!(file.after, hidden);
        }
        let link =
            b"diff --git a/l.py b/l.py\nnew file mode 120000\n--- /dev/null\n+++ b/l.py\n@@ -0,0 +1 @@\n+a.txt\n";
        assert_eq!(
            read(link).expect("valid")[0].after,
            Content::Unreadable("a link named like source to `a.txt`".into())
        );
        let moved = b"diff --git a/x.txt b/x.py\nsimilarity index 100%\nrename from x.txt\nrename to x.py\n";
        assert_eq!(read(moved).expect("valid")[0].after, hidden);
        let image = read(b"diff --git a/i.png b/i.png\nBinary files a/i.png and b/i.png differ\n").expect("valid");
        assert_eq!(image[0].after, Content::Binary);
    }

    #[test]
    fn no_hunk_is_dropped() {
        let head = "--- a/x.py\n+++ b/x.py\n@@ -1 +1,2 @@\n x\n+y\n";
        refused(&format!("{head}\n@@ -9 +10,2 @@\n x\n+eval(y)\n"), 7, "belongs to no file");
        refused(&format!("{head}+eval(y)\n"), 6, "more lines");
        refused(
            "diff --cc x.py\nindex 1,2..3\n--- a/x.py\n+++ b/x.py\n@@@ -1,1 -1,1 +1,2 @@@\n  x\n++y\n",
            1,
            "combined",
        );
        refused("Only in b: x.py\n", 1, "-N");
        refused(&format!("{head}Binary files a/y.py and b/y.py differ\n"), 6, "-a");
        refused("diff --combined x.py\n", 1, "combined");
        refused("--- a/x.py\n+++ b/x.py\n@@@ -1,1 -1,1 +1,2 @@@\n  x\n++y\n", 3, "combined");
    }

    #[test]
    fn small_patch_does_not_grow_without_bound() {
        let far = |name: &str| format!("--- a/{name}\n+++ b/{name}\n@@ -900000 +900000 @@\n-x\n+y\n");
        let many: String = (0..200).map(|i| far(&format!("{i}.txt"))).collect();
        let files = read(many.as_bytes()).expect("nothing is laid out");
        assert!(files.iter().all(|f| f.after == Content::Other && f.added.ranges() == [(900_000, 900_000)]));
        let many: String = (0..3).map(|i| far(&format!("{i}.py"))).collect();
        refused(&many, 13, "more than 4000000 lines");
        refused("--- a/x.py\n+++ b/x.py\n@@ -1 +1000001 @@\n-x\n+y\n", 3, "past line");
    }

    #[test]
    fn script_is_kept_whatever_its_name() {
        let files = read(b"--- a/run\n+++ b/run\n@@ -1 +1,2 @@\n-x\n+#!/bin/sh\n+y\n").expect("valid");
        assert_eq!(files[0].before, Content::Other);
        assert_eq!(files[0].after.text().expect("text").text, "#!/bin/sh\ny\n");
    }
}
