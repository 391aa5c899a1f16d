//! I/O: what a replay has done already, kept in a file so that the next one goes on from there.

#![expect(clippy::disallowed_methods, reason = "I/O edge: keeps the answers of a replay in a file")]

use crate::config::load::read_up_to;
use crate::path::visible;
use crate::run::RunError;
use crate::run::measure::tally::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Bytes of a state file that are read.
const MAX_BYTES: u64 = 256 << 20;

/// What the answers depend on: the first line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// The program's version.
    version: String,
    /// Digest of the policy.
    policy: String,
    /// Digest of the rules.
    rules: String,
}

impl Begun {
    /// Makes one for this program.
    pub(super) fn of(policy: &str, rules: &str) -> Self {
        Self { version: env!("CARGO_PKG_VERSION").into(), policy: policy.into(), rules: rules.into() }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    commit: String,
    outcome: Outcome,
}

/// What was done.
pub(super) struct State {
    known: HashMap<String, Outcome>,
    file: Option<(PathBuf, Mutex<File>)>,
}

impl State {
    /// Opens the file, or makes it. A last line that was cut short counts as not there.
    ///
    /// # Errors
    /// [`RunError`] where it cannot be read or written, or holds the answers of another version, policy or set of rules.
    pub(super) fn open(path: Option<&Path>, begun: Begun) -> Result<Self, RunError> {
        let Some(path) = path else { return Ok(Self { known: HashMap::new(), file: None }) };
        let text = match read_up_to(path, MAX_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(RunError::Read { path: path.to_owned(), source }),
        };
        let mut known = HashMap::new();
        let mut whole = 0;
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            if whole == 0 {
                let before: Option<Begun> = serde_json::from_str(line).ok();
                if before.as_ref() != Some(&begun) {
                    return Err(RunError::Usage(format!(
                        "{} holds what another version, policy or set of rules said; name another file for --resume, \
                         or remove it",
                        visible(&path.display().to_string())
                    )));
                }
            } else if let Ok(line) = serde_json::from_str::<Line>(line) {
                known.insert(line.commit, line.outcome);
            }
            whole += line.len();
        }
        let write = |source| RunError::Write { path: path.to_owned(), source };
        let mut file = File::options().create(true).append(true).open(path).map_err(write)?;
        file.set_len(whole as u64).map_err(write)?;
        if whole == 0 {
            let line = serde_json::to_string(&begun).map_err(|error| write(error.into()))?;
            writeln!(file, "{line}").map_err(write)?;
        }
        Ok(Self { known, file: Some((path.to_owned(), Mutex::new(file))) })
    }

    /// Returns what was said of a commit.
    pub(super) fn known(&self, commit: &str) -> Option<Outcome> {
        self.known.get(commit).cloned()
    }

    /// Keeps what was said of a commit. What could not be read is tried again the next time.
    ///
    /// # Errors
    /// [`RunError`] where the file cannot be written.
    pub(super) fn keep(&self, commit: &str, outcome: &Outcome) -> Result<(), RunError> {
        let (Some((path, file)), Outcome::Seen(_)) = (&self.file, outcome) else { return Ok(()) };
        let write = |source| RunError::Write { path: path.clone(), source };
        let line = Line { commit: commit.to_owned(), outcome: outcome.clone() };
        let line = serde_json::to_string(&line).map_err(|error| write(error.into()))? + "\n";
        file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes()).map_err(write)
    }
}
