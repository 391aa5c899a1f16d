//! Which suppressions of the policy a run can tell to be unused: those of which it looked at every file they speak of.

use super::gather::Gathered;
use crate::detect::Analysis;
use crate::path::{RepoPath, folder_of};
use crate::policy::suppression::Listed;
use crate::syntax::language::Language;
use std::collections::HashSet;
use std::path::PathBuf;

/// Says whether a check looked at all that a suppression speaks of. One without a path speaks of the whole repository.
pub(super) fn of_change(gathered: &Gathered, analyses: &[Analysis], listed: &Listed) -> bool {
    let change = &gathered.change;
    let Some((git, path)) = gathered.git.as_ref().zip(listed.path.as_ref()) else { return false };
    let Some(commit) = change.head.commit.as_ref().or(change.base.commit.as_ref()) else { return false };
    let whole = change.files.iter().zip(analyses).filter(|(file, a)| a.gaps.is_empty() && !file.partial);
    let seen: HashSet<&RepoPath> =
        whole.flat_map(|(file, _)| std::iter::once(&file.path).chain(&file.old_path)).collect();
    let fits = |file: &RepoPath| path.is_match(file.as_str());
    if !seen.iter().any(|file| fits(file)) {
        return false;
    }
    let Ok(files) = git.files_under(commit, folder_of_pattern(path.glob().glob())) else { return false };
    let is_source = |file: &RepoPath| Language::of_path(file).is_some();
    files.iter().all(|(file, _)| !fits(file) || !is_source(file) || seen.contains(file))
}

/// Says whether an audit of some paths, all of them where none is given, looked at all that a suppression speaks of.
pub(super) fn of_tree(paths: &[PathBuf], gaps: &[RepoPath], listed: &Listed) -> bool {
    let pattern = listed.path.as_ref();
    let folder = pattern.map_or("", |p| folder_of_pattern(p.glob().glob()));
    let holds = |path: &PathBuf| {
        let path = path.to_string_lossy();
        let path = path.trim_start_matches("./").trim_end_matches('/');
        let below = |whole: &str| whole.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        matches!(path, "" | ".") || below(folder) || pattern.is_some_and(|p| below(p.glob().glob()))
    };
    let is_cut = gaps.iter().any(|gap| pattern.is_none_or(|p| p.is_match(gap.as_str())));
    !is_cut && (paths.is_empty() || paths.iter().any(holds))
}

/// Returns the folder that everything a path pattern fits lies below.
fn folder_of_pattern(pattern: &str) -> &str {
    let plain = pattern.find(['*', '?', '[', '{', '\\']).map_or(pattern, |at| &pattern[..at]);
    folder_of(plain)
}

#[cfg(test)]
mod tests {
    use super::folder_of_pattern;

    #[test]
    fn folder_of_a_pattern_holds_all_that_it_fits() {
        for (pattern, folder) in [
            ("src/cache/**", "src/cache"),
            ("src/ca*/x.py", "src"),
            ("lib/a.py", "lib"),
            ("{a,b}/c.py", ""),
            ("*.py", ""),
            ("a.py", ""),
        ] {
            assert_eq!(folder_of_pattern(pattern), folder, "{pattern}");
        }
    }
}
