//! I/O: what was merged: the commits of a branch by first parents, each a change of its own.

use super::git::{Git, GitError, is_oid};

/// A commit on the way of first parents: a merge, a squashed or rebased pull request, or a direct push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The commit.
    pub commit: String,
    /// Its first parent; `None` for a root commit, and where the history is cut off.
    pub parent: Option<String>,
    /// When it was committed, RFC 3339.
    pub date: String,
    /// The first line of its message.
    pub subject: String,
    /// Commits that its message says it takes back (`This reverts commit ...`), as written by `git revert`.
    pub reverts: Vec<String>,
}

impl Git {
    /// Returns what was merged into a commit's branch, the newest first, at most `last`.
    ///
    /// # Errors
    /// [`GitError`] where git fails or answers in an unknown form.
    pub fn merged(&self, head: &str, last: Option<u32>) -> Result<Vec<Merged>, GitError> {
        let format = "--format=%H%x00%P%x00%cI%x00%s%x00%b%x00".to_owned();
        let mut args =
            vec!["log".to_owned(), "--first-parent".into(), "--no-show-signature".into(), "-z".into(), format];
        args.extend(last.map(|last| format!("--max-count={last}")));
        args.extend(["--end-of-options".into(), head.to_owned()]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let out = self.run(&args, &[])?;
        parse(&String::from_utf8_lossy(&out)).ok_or_else(|| GitError::Protocol { command: "log".into() })
    }
}

fn parse(text: &str) -> Option<Vec<Merged>> {
    let mut fields = text.split('\0');
    let mut all = Vec::new();
    while let Some(commit) = fields.next().filter(|commit| !commit.is_empty()) {
        let [parents, date, subject, body] = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
        // What ends one commit (`-z`) comes after what ends its last field.
        fields.next();
        if !is_oid(commit) {
            return None;
        }
        all.push(Merged {
            commit: commit.to_owned(),
            parent: parents.split(' ').next().filter(|parent| is_oid(parent)).map(str::to_owned),
            date: date.to_owned(),
            subject: subject.to_owned(),
            reverts: reverted(body),
        });
    }
    Some(all)
}

fn reverted(body: &str) -> Vec<String> {
    let after = body.split("This reverts commit ").skip(1);
    after
        .map(|rest| rest.chars().take_while(char::is_ascii_hexdigit).collect::<String>())
        .filter(|id| id.len() >= 7)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{parse, reverted};

    #[test]
    fn what_git_says_is_read() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let body = format!("Why.\n\nThis reverts commit {b}.");
        let text =
            format!("{a}\0{b} {a}\02026-01-02T03:04:05Z\0Revert \"x\"\0{body}\0\0{b}\0\02026-01-01T00:00:00Z\0x\0\0\0");
        let all = parse(&text).expect("it is well formed");
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].parent.as_deref(), all[0].reverts.as_slice()), (Some(b.as_str()), [b.clone()].as_slice()));
        assert_eq!((all[1].parent.as_deref(), all[1].subject.as_str()), (None, "x"));
        assert!(parse("no commit\0\0\0\0\0").is_none());
        assert!(parse(&a).is_none(), "cut short");
    }

    #[test]
    fn only_ids_are_taken_back() {
        assert_eq!(reverted("This reverts commit abc."), [""; 0]);
        assert_eq!(reverted("This reverts commit 0123456789, reversing"), ["0123456789"]);
    }
}
