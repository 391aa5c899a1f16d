//! I/O: where rule files come from: the executable, and directories that the user names.

#![expect(clippy::disallowed_methods, reason = "I/O edge: reads rule directories")]

use super::RuleSource;
use include_dir::{Dir, include_dir};
use std::borrow::Cow;
use std::path::Path;

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// Returns the rule files inside the executable.
pub fn embedded() -> Vec<RuleSource> {
    let mut sources = Vec::new();
    for folder in EMBEDDED.dirs() {
        let name = folder.path().to_string_lossy().into_owned();
        for file in folder.files() {
            let path = file.path();
            if let (Some(stem), Some("yml"), Some(text)) =
                (path.file_stem(), path.extension().and_then(|e| e.to_str()), file.contents_utf8())
            {
                sources.push(RuleSource {
                    folder: name.clone(),
                    stem: stem.to_string_lossy().into_owned(),
                    origin: format!("rules/{}", path.display()),
                    text: Cow::Borrowed(text),
                });
            }
        }
    }
    sources
}

/// Returns the rule files of a directory, `<language>/<id>.yml`.
///
/// # Errors
/// The directory or a file in it cannot be read.
pub fn directory(directory: &Path) -> std::io::Result<Vec<RuleSource>> {
    let mut sources = Vec::new();
    let mut folders: Vec<_> = std::fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    folders.sort_by_key(std::fs::DirEntry::file_name);
    for folder in folders.iter().filter(|f| f.path().is_dir()) {
        let mut files: Vec<_> = std::fs::read_dir(folder.path())?.collect::<Result<_, _>>()?;
        files.sort_by_key(std::fs::DirEntry::file_name);
        for file in files {
            let path = file.path();
            if !matches!(path.extension().and_then(|e| e.to_str()), Some("yml" | "yaml")) {
                continue;
            }
            sources.push(RuleSource {
                folder: folder.file_name().to_string_lossy().into_owned(),
                stem: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                origin: path.display().to_string(),
                text: Cow::Owned(std::fs::read_to_string(&path)?),
            });
        }
    }
    Ok(sources)
}
