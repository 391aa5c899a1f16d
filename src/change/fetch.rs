//! I/O: fetches history that a clone lacks. The only part that uses the network, and only where it was asked for.

use super::git::{Git, GitError, is_oid};

/// What this clone calls the branches of its remote.
const FOLLOWED: &str = "refs/remotes/origin/";

/// The program on the far side is git's own, whatever `remote.origin.uploadpack` says.
const FETCH: [&str; 5] = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--upload-pack=git-upload-pack"];

/// How much history is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// So many commits more than are there.
    More(u32),
    /// So many commits of what is not there yet.
    First(u32),
    /// All of it.
    Whole,
}

impl Git {
    /// Fetches more commits of the history of all branches that this clone follows.
    ///
    /// # Errors
    /// [`GitError::Failed`] where the remote does not answer.
    pub fn deepen(&self, commits: u32) -> Result<(), GitError> {
        self.fetch(&[&format!("--deepen={commits}"), "origin"])
    }

    /// Fetches a commit by its id, or a branch of `origin` by the name that this clone has or would have for it. Returns
    /// whether the remote has it; anything else is no name of something to fetch.
    ///
    /// # Errors
    /// [`GitError`] where git cannot be run.
    pub fn fetch_revision(&self, revision: &str, depth: Depth) -> Result<bool, GitError> {
        let branch = match revision.strip_prefix("refs/remotes/").unwrap_or(revision).strip_prefix("origin/") {
            Some("HEAD") => self.default_branch()?,
            Some(name) if is_plain(name) => Some(name.to_owned()),
            _ => None,
        };
        let what = match branch {
            Some(name) => format!("+refs/heads/{name}:{FOLLOWED}{name}"),
            None if is_oid(revision) => revision.to_owned(),
            None => return Ok(false),
        };
        let depth = match depth {
            Depth::More(commits) => Some(format!("--deepen={commits}")),
            Depth::First(commits) => Some(format!("--depth={commits}")),
            Depth::Whole => None,
        };
        let arguments: Vec<&str> = depth.as_deref().into_iter().chain(["origin", &what]).collect();
        match self.fetch(&arguments) {
            Ok(()) => Ok(true),
            Err(GitError::Failed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks the remote for its default branch, and has `origin/HEAD` stand for it, as a clone of all branches does.
    fn default_branch(&self) -> Result<Option<String>, GitError> {
        let answer = match self.line(&["ls-remote", "--symref", "--upload-pack=git-upload-pack", "origin", "HEAD"]) {
            Err(GitError::Failed { .. }) => return Ok(None),
            other => other?,
        };
        let named = answer.lines().find_map(|line| line.strip_prefix("ref: refs/heads/")?.split('\t').next());
        let Some(name) = named.filter(|name| is_plain(name)) else { return Ok(None) };
        self.run(&["symbolic-ref", &format!("{FOLLOWED}HEAD"), &format!("{FOLLOWED}{name}")], &[])?;
        Ok(Some(name.to_owned()))
    }

    fn fetch(&self, arguments: &[&str]) -> Result<(), GitError> {
        let result = self.run(&[&FETCH[..], arguments].concat(), &[]);
        // What they know of the repository is out of date.
        self.forget();
        result.map(drop)
    }
}

/// Says whether a name of a branch means itself in a refspec: no pattern, no second half.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && !name.contains([':', '*', '^', '~', '?', '[', '\\', ' ', '\0'])
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn names_that_a_refspec_would_read_otherwise_are_not_fetched() {
        assert!(is_plain("main") && is_plain("feature/x-1"));
        for name in ["", "*", "a:refs/heads/b", "-x", "a b", "x^"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
