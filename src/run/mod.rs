//! One file a command. A command gathers (I/O), computes (pure) and publishes (I/O); nothing here decides anything.

pub mod analyse;
pub mod audit;
mod base;
pub mod check;
pub mod contents;
pub mod dependents;
pub mod explain;
pub mod gather;
pub mod hook;
pub mod init;
pub mod measure;
pub mod others;
pub mod publish;
pub mod redirects;
pub mod replay;
pub mod rules;
mod scope;
pub mod score;
pub mod surroundings;
pub mod tokens;
pub mod tree;
pub mod worker;

use crate::causes::chain;
use crate::change::diff::PatchError;
use crate::change::git::GitError;
use crate::config::load::LoadError;
use crate::detect::rules::RuleError;
use crate::policy::baseline::BaselineError;
use std::path::PathBuf;

/// Why a command could not do its work. No verdict was given.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The command line asks for something that cannot be: the user's fault.
    #[error("{0}")]
    Usage(String),
    /// The policy is wrong: its author's fault.
    #[error("the policy cannot be used")]
    Policy(#[from] LoadError),
    /// A rule is wrong: its author's fault.
    #[error("the rules cannot be used")]
    Rules(#[from] RuleError),
    /// The baseline is wrong: its author's fault.
    #[error("the baseline {path} cannot be used")]
    Baseline {
        /// The file.
        path: String,
        /// Why.
        source: BaselineError,
    },
    /// The patch is wrong: the input's fault.
    #[error("the patch cannot be read")]
    Patch(#[from] PatchError),
    /// Git did not answer.
    #[error("the repository cannot be read")]
    Git(#[from] GitError),
    /// A file that the user named cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Several reports cannot be written.
    #[error("{}", each(.0))]
    Reports(Vec<Self>),
    /// Something that cannot happen did: our fault.
    #[error("internal error: {0}")]
    Internal(String),
}

fn each(errors: &[RunError]) -> String {
    errors.iter().map(|error| chain(error).join(": ")).collect::<Vec<_>>().join("; and ")
}

/// Exit statuses, fixed.
pub mod exit {
    /// The change may be merged.
    pub const PASS: u8 = 0;
    /// The policy blocks the change.
    pub const BLOCKED: u8 = 1;
    /// Wrong command line, policy, rule or input.
    pub const USAGE: u8 = 2;
    /// Nothing can be said, and the policy closes on that.
    pub const INCONCLUSIVE: u8 = 3;
    /// Nothing to check, with `--require-input`.
    pub const NOTHING: u8 = 4;
    /// A bug.
    pub const INTERNAL: u8 = 70;
}
