//! `portcullis init`: writes a commented policy, a GitHub workflow and a GitLab job.

#![expect(clippy::disallowed_methods, reason = "I/O edge: writes starter files")]

use super::{RunError, publish};
use std::path::Path;

/// The files that `init` writes: path and content.
pub const FILES: [(&str, &str); 3] = [
    ("portcullis.yml", include_str!("../../examples/portcullis.yml")),
    (".github/workflows/portcullis.yml", include_str!("../../examples/github-pull-request.yml")),
    (".gitlab/portcullis.gitlab-ci.yml", include_str!("../../examples/gitlab-merge-request.yml")),
];

/// Writes the files that are not there yet; returns a line for each.
///
/// # Errors
/// [`RunError::Write`] where one cannot be written.
pub fn run(directory: &Path, force: bool) -> Result<String, RunError> {
    let mut said = String::new();
    for (name, content) in FILES {
        let file = directory.join(name);
        if file.exists() && !force {
            said.push_str(&format!("kept {name}: it is there already (--force replaces it)\n"));
            continue;
        }
        let write = |source| RunError::Write { path: file.clone(), source };
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(write)?;
        }
        publish::replace(&file, content.as_bytes()).map_err(write)?;
        said.push_str(&format!("wrote {name}\n"));
    }
    said.push_str(
        "The policy counts once it is on the branch that changes are merged into.\n\
         GitLab: add `include: .gitlab/portcullis.gitlab-ci.yml` to .gitlab-ci.yml.\n",
    );
    Ok(said)
}
