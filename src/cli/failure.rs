//! The one table from what went wrong to what the user reads and how the process exits.

use crate::causes::chain;
use crate::change::git::GitError;
use crate::config::ConfigError;
use crate::config::load::LoadError;
use crate::run::{RunError, exit};

/// What the user is told about a failure.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed, and why: the chain of causes.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The exit status.
    pub exit: u8,
}

impl Failure {
    /// Looks a failure up.
    pub fn of(error: &RunError) -> Self {
        let (exit, hint) = match error {
            RunError::Usage(_) => (exit::USAGE, Some("`portcullis help` lists what can be asked".into())),
            RunError::Policy(error) => (exit::USAGE, policy_hint(error)),
            RunError::Rules(_) => {
                (exit::USAGE, Some("`portcullis rules test --rules DIR` checks rules of your own".into()))
            }
            RunError::Baseline { .. } => {
                (exit::USAGE, Some("write it anew with `portcullis audit --write-baseline FILE`".into()))
            }
            RunError::Patch(_) => (exit::USAGE, Some("a patch is what `git diff` or `diff -u` writes".into())),
            RunError::Git(error) => (exit::USAGE, git_hint(error)),
            RunError::Read { .. } => (exit::USAGE, Some("check the path and its permissions".into())),
            RunError::Write { .. } | RunError::Reports(_) => {
                (exit::USAGE, Some("check the path, its permissions and the space left".into()))
            }
            RunError::Internal(_) => (exit::INTERNAL, Some("this is a bug; please report it with what you ran".into())),
        };
        let said: Vec<String> = chain(error).iter().map(|text| safe_lines(text)).collect();
        Self { message: said.join("\n  because: "), hint, exit }
    }

    /// Returns the lines for standard error.
    pub fn render(&self) -> String {
        let hint = self.hint.as_ref().map(|h| format!("\n  help: {h}")).unwrap_or_default();
        format!("error: {}{hint}\n  no verdict was given (exit {})\n", self.message, self.exit)
    }
}

fn policy_hint(error: &LoadError) -> Option<String> {
    match error {
        LoadError::Config(ConfigError::Form { nearest: Some(key), .. }) => Some(format!("did you mean `{key}`?")),
        LoadError::NotAtBase { .. } => {
            Some("a policy inside the repository is read from the base commit; merge it first".into())
        }
        _ => Some("`portcullis config schema` prints the form, `portcullis config check FILE` checks a file".into()),
    }
}

fn git_hint(error: &GitError) -> Option<String> {
    match error {
        GitError::Start(_) => Some("install git, or give a patch with --diff".into()),
        GitError::NoRepository(_) => {
            Some("run it inside a repository, give a patch with --diff, or use `portcullis audit`".into())
        }
        GitError::Failed { message, .. } if message.contains("dubious ownership") => {
            Some("the repository belongs to another user: `git config --global --add safe.directory <path>`".into())
        }
        _ => None,
    }
}

/// Returns text of several lines with nothing in it that steers a terminal, no secret, and no line that GitHub's runner
/// would take for a command: what the user typed may come from a pull request.
pub fn safe_lines(text: &str) -> String {
    let guard = |line: &str| if line.trim_start().starts_with("::") { format!("| {line}") } else { line.to_owned() };
    crate::redact::shapes(&crate::path::visible_lines(text)).split('\n').map(guard).collect::<Vec<_>>().join("\n")
}
