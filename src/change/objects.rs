//! I/O: talks to a `git cat-file` that is kept open, so that many questions cost one process. `git` starts it.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::Arc;

/// Bytes of trees that are kept.
const KEPT: usize = 16 << 20;
/// Bytes that a pipe takes without anyone reading at its other end.
const PIPE: usize = 4096;

/// Name, kind and size of an object.
pub(super) type Header = (String, String, u64);
/// Kind and content of an object.
pub(super) type Object = (String, Vec<u8>);

/// Trees that were read, by name, up to so many bytes in all.
#[derive(Debug, Default)]
pub(super) struct Trees {
    known: HashMap<String, Arc<[u8]>>,
    bytes: usize,
}

impl Trees {
    /// Returns one that was kept.
    pub(super) fn get(&self, name: &str) -> Option<Arc<[u8]>> {
        self.known.get(name).cloned()
    }

    /// Keeps one; where there is no room for it, all others go.
    pub(super) fn keep(&mut self, name: String, tree: &Arc<[u8]>) {
        if self.bytes + tree.len() > KEPT {
            *self = Self::default();
        }
        self.bytes += tree.len();
        self.known.insert(name, Arc::clone(tree));
    }
}

/// A `git cat-file --batch` or `--batch-check` that waits for questions.
#[derive(Debug)]
pub(super) struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    /// Takes a process whose two pipes are open.
    pub(super) fn new(mut child: Child) -> Option<Self> {
        let (input, output) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Self { child, input, output })
    }

    /// Asks for each name, and reads one answer for each.
    pub(super) fn ask<T: AsRef<str>, R>(
        &mut self,
        names: &[T],
        mut read: impl FnMut(&mut BufReader<ChildStdout>) -> io::Result<R>,
    ) -> io::Result<Vec<R>> {
        if names.iter().any(|name| name.as_ref().contains(['\n', '\0'])) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let questions: String = names.iter().flat_map(|name| [name.as_ref(), "\n"]).collect();
        let (input, output) = (&mut self.input, &mut self.output);
        if questions.len() <= PIPE {
            input.write_all(questions.as_bytes())?;
            return names.iter().map(|_| read(output)).collect();
        }
        // Were all questions asked first, both sides could wait for the other to read.
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| input.write_all(questions.as_bytes()));
            let answers = names.iter().map(|_| read(output)).collect::<io::Result<Vec<R>>>();
            match answers {
                Ok(answers) => writer.join().unwrap_or(Err(io::ErrorKind::Other.into())).map(|()| answers),
                Err(error) => {
                    // The writer may wait for a process that reads no more.
                    drop(self.child.kill());
                    Err(error)
                }
            }
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It only reads, and may be in the middle of an answer that nobody wants.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads a line without its end; an end of the output is an error.
pub(super) fn line(output: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    output.read_until(b'\n', &mut bytes)?;
    match bytes.pop() {
        Some(b'\n') => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Reads the answer of `--batch`: kind and content, or `None` where this clone lacks the object.
pub(super) fn object(output: &mut impl BufRead) -> io::Result<Option<Object>> {
    let Some((_, kind, size)) = header(&line(output)?) else { return Ok(None) };
    let size = usize::try_from(size).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut content = vec![0; size];
    output.read_exact(&mut content)?;
    output.read_exact(&mut [0])?;
    Ok(Some((kind, content)))
}

/// Reads `<object> <kind> <size>`; `None` for what this clone lacks.
pub(super) fn header(line: &str) -> Option<Header> {
    let mut parts = line.split(' ');
    let (oid, kind, size) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then(|| (oid.to_owned(), kind.to_owned(), size))
}

/// An entry of a tree: mode, name and object.
pub(super) struct TreeEntry<'a> {
    mode: &'a [u8],
    /// The name, without the folders around it.
    pub(super) name: &'a [u8],
    oid: &'a [u8],
}

impl TreeEntry<'_> {
    /// Returns the mode in git's digits.
    pub(super) fn mode(&self) -> String {
        String::from_utf8_lossy(self.mode).into_owned()
    }

    /// Returns the object's id.
    pub(super) fn oid(&self) -> String {
        self.oid.iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// Returns the entries of a tree, whose raw form is `mode name NUL object`, with objects of `hash` bytes, up to where it
/// is cut off.
pub(super) fn entries_of_tree(tree: &[u8], hash: usize) -> impl Iterator<Item = TreeEntry<'_>> {
    let mut rest = tree;
    std::iter::from_fn(move || {
        let end = rest.iter().position(|b| *b == 0)?;
        let (head, oid) = (&rest[..end], rest.get(end + 1..end + 1 + hash)?);
        let space = head.iter().position(|b| *b == b' ')?;
        rest = &rest[end + 1 + hash..];
        Some(TreeEntry { mode: &head[..space], name: &head[space + 1..], oid })
    })
}

/// Returns mode and object of a name in a tree.
pub(super) fn entry_of_tree(tree: &[u8], name: &str, hash: usize) -> Option<(String, String)> {
    let entry = entries_of_tree(tree, hash).find(|entry| entry.name == name.as_bytes())?;
    Some((entry.mode(), entry.oid()))
}

/// Returns the parents that a commit names.
pub(super) fn parents_of_commit(commit: &[u8]) -> Vec<String> {
    let headers = commit.split(|b| *b == b'\n').take_while(|l| !l.is_empty());
    headers.filter_map(|l| l.strip_prefix(b"parent ")).map(|p| String::from_utf8_lossy(p).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Trees, entry_of_tree, header, object, parents_of_commit};
    use std::sync::Arc;

    #[test]
    fn answers_are_read_in_their_documented_form() {
        let oid = "a".repeat(40);
        assert_eq!(header(&format!("{oid} blob 12")), Some((oid.clone(), "blob".into(), 12)));
        assert_eq!(header(&format!("{oid} missing")), None);
        assert_eq!(header(&format!("{oid} commit 12^{{commit}} missing")), None, "a name that looks like an answer");
        let answers = format!("{oid} blob 3\na\nb\n{oid} missing\n{oid} tree 9\nshort").into_bytes();
        let mut output = answers.as_slice();
        assert_eq!(object(&mut output).ok(), Some(Some(("blob".into(), b"a\nb".to_vec()))));
        assert_eq!(object(&mut output).ok(), Some(None));
        assert!(object(&mut output).is_err(), "cut off");
    }

    #[test]
    fn trees_are_kept_as_long_as_there_is_room() {
        let (small, large): (Arc<[u8]>, Arc<[u8]>) = (vec![1; 8].into(), vec![2; KEPT].into());
        let mut trees = Trees::default();
        trees.keep("a".into(), &small);
        trees.keep("b".into(), &small);
        assert_eq!((trees.get("a"), trees.get("c")), (Some(small), None));
        trees.keep("c".into(), &large);
        assert_eq!((trees.get("a"), trees.get("c"), trees.bytes), (None, Some(large), KEPT));
    }

    #[test]
    fn trees_and_commits_are_read_raw() {
        let tree =
            [b"100644 a b\0".as_slice(), &[0xab; 20], b"40000 dir\0", &[0; 20], b"120000 l\0", &[1; 20]].concat();
        assert_eq!(entry_of_tree(&tree, "a b", 20), Some(("100644".into(), "ab".repeat(20))));
        assert_eq!(entry_of_tree(&tree, "dir", 20).map(|e| e.0), Some("40000".into()));
        assert_eq!(entry_of_tree(&tree, "l", 20).map(|e| e.0), Some("120000".into()));
        assert_eq!(entry_of_tree(&tree, "missing", 20), None);
        assert_eq!(entry_of_tree(&tree[..20], "a b", 20), None, "cut off");
        assert_eq!(parents_of_commit(b"tree x\nparent a\nparent b\nauthor n\n\nparent c\n"), ["a", "b"]);
    }
}
