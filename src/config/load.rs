//! I/O: where the policy is read from: the base commit, or a file outside the repository that the caller names.

#![expect(clippy::disallowed_methods, reason = "I/O edge: reads a policy file")]

use super::{Config, ConfigError, FILE_NAMES};
use crate::change::git::{Blob, Git, GitError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Largest policy file that is read, in bytes; what is larger than a policy may be is refused later, by name.
const MAX_POLICY: u64 = 2 << 20;
/// Largest other file of the gate's own (baseline, verdict), in bytes.
pub const MAX_FILE: u64 = 64 << 20;

/// Why no policy could be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is wrong: its author's fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file that the user named cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file that the user named is not in the base commit.
    #[error("{path} is not in the base commit {commit}")]
    NotAtBase {
        /// Path in the repository.
        path: String,
        /// The commit.
        commit: String,
    },
    /// The entry at base is not a file.
    #[error("{path} at {commit} is not a file")]
    NotAFile {
        /// Path in the repository.
        path: String,
        /// The commit.
        commit: String,
    },
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Reads the policy of a commit. `path` names one file; without it the usual names are tried, and none is no error.
///
/// # Errors
/// [`LoadError`] where the named file is missing, or any file is broken.
pub fn at_commit(git: &Git, commit: &str, path: Option<&str>) -> Result<Config, LoadError> {
    let short = &commit[..commit.len().min(12)];
    let names: Vec<&str> = path.map_or_else(|| FILE_NAMES.to_vec(), |p| vec![p]);
    let present = git.present(commit, &names)?;
    for name in names.into_iter().filter(|name| present.iter().any(|p| p == name)) {
        if let Some(text) = text_at(git, commit, name)? {
            let mut config = Config::read(&text, &format!("{name} at {short}"))?;
            config.path = Some(name.to_owned());
            return Ok(config);
        }
    }
    match path {
        Some(path) => Err(LoadError::NotAtBase { path: path.to_owned(), commit: short.to_owned() }),
        None => Ok(Config::default()),
    }
}

/// Reads a text file of a commit; `None` where the commit does not have it.
///
/// # Errors
/// [`LoadError`] where the entry is a link or a submodule, or git fails.
pub fn text_at(git: &Git, commit: &str, path: &str) -> Result<Option<String>, LoadError> {
    let not_a_file =
        || LoadError::NotAFile { path: path.to_owned(), commit: commit[..commit.len().min(12)].to_owned() };
    match git.entry(commit, path)? {
        None => Ok(None),
        Some((mode, oid)) if mode.is_file() => match git.blob(&oid, MAX_FILE)? {
            Blob::Bytes(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| not_a_file()),
            _ => Err(not_a_file()),
        },
        Some(_) => Err(not_a_file()),
    }
}

/// Reads a policy from the file system: outside git, or where the caller names a file outside the repository.
///
/// # Errors
/// [`LoadError`] where the named file is missing, or any file is broken.
pub fn from_directory(directory: &Path, path: Option<&Path>) -> Result<Config, LoadError> {
    let candidates: Vec<PathBuf> =
        path.map_or_else(|| FILE_NAMES.iter().map(|n| directory.join(n)).collect(), |p| vec![p.to_owned()]);
    for file in candidates {
        match read_up_to(&file, MAX_POLICY) {
            Ok(text) => {
                let mut config = Config::read(&text, &file.display().to_string())?;
                config.path = file.strip_prefix(directory).ok().map(|p| p.to_string_lossy().into_owned());
                return Ok(config);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.is_none() => {}
            Err(source) => return Err(LoadError::Read { path: file, source }),
        }
    }
    Ok(Config::default())
}

/// Reads a text file that must not be larger than `max` bytes.
///
/// # Errors
/// Whatever the system says; a file that is larger, or no text.
pub fn read_up_to(file: &Path, max: u64) -> io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(file)?.take(max + 1).read_to_string(&mut text)?;
    if read as u64 > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {max} bytes")));
    }
    Ok(text)
}
