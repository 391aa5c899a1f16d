//! I/O: where rule files come from: the executable, and directories that the user names.

#![expect(clippy::disallowed_methods, reason = "I/O edge: reads rule directories")]

use super::RuleSource;
use include_dir::{Dir, include_dir};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// Returns the rule files inside the executable.
pub fn embedded() -> Vec<RuleSource> {
    let mut sources = Vec::new();
    let languages = EMBEDDED.dirs();
    let folders = languages.flat_map(|language| std::iter::once(language).chain(language.dirs()));
    for folder in std::iter::once(&EMBEDDED).chain(folders) {
        for file in folder.files() {
            let path = file.path().to_string_lossy();
            if let (Some((folder, stem)), Some(text)) = (RuleSource::place(&path), file.contents_utf8()) {
                sources.push(RuleSource {
                    folder: folder.to_owned(),
                    stem: stem.to_owned(),
                    origin: format!("rules/{path}"),
                    text: Cow::Borrowed(text),
                });
            }
        }
    }
    sources
}

/// Returns the rules of a directory, `<language>/<id>.yml`, its catalogs, `<language>/flow/<library>.yml`, and what was
/// measured of its rules, `precision.yml`.
///
/// # Errors
/// The directory or a file in it cannot be read.
pub fn directory(directory: &Path) -> std::io::Result<Vec<RuleSource>> {
    let mut sources = Vec::new();
    let mut files = Vec::new();
    for path in entries(directory)? {
        if !path.is_dir() {
            files.push(path);
            continue;
        }
        let catalogs = Some(path.join("flow")).filter(|f| f.is_dir());
        for inside in std::iter::once(&path).chain(&catalogs) {
            files.extend(entries(inside)?);
        }
    }
    for path in files {
        let relative = path.strip_prefix(directory).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let Some((folder, stem)) = RuleSource::place(&relative) else { continue };
        sources.push(RuleSource {
            folder: folder.to_owned(),
            stem: stem.to_owned(),
            origin: path.display().to_string(),
            text: Cow::Owned(std::fs::read_to_string(&path)?),
        });
    }
    Ok(sources)
}

/// Returns what lies in a directory, by name.
fn entries(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(directory)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    found.sort();
    Ok(found)
}
