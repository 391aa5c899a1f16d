//! I/O: finds out what is to be compared and reads it: base, files, policy, rules, baseline.

#![expect(clippy::disallowed_methods, reason = "I/O edge: reads patches and rule directories")]

use super::{RunError, base, contents};
use crate::change::git::{Blob, Entry, Git, GitError, is_oid};
use crate::change::select::{Candidate, Surroundings};
use crate::change::{Base, ChangeSet, Head, diff};
use crate::config::{Config, load};
use crate::detect::flow::catalog;
use crate::detect::rules::load as rule_files;
use crate::detect::rules::precision;
use crate::detect::rules::{RuleSet, RuleSource};
use crate::finding::{Gap, GapKind};
use crate::path::RepoPath;
use crate::policy::baseline::Baseline;
use crate::syntax::language::Language;
use std::borrow::Cow;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Largest patch that is read, in bytes.
const MAX_PATCH: u64 = 256 << 20;

/// What the user asked to compare.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Where to look.
    pub directory: PathBuf,
    /// `--base`.
    pub base: Option<String>,
    /// `--head`.
    pub head: Option<String>,
    /// `--staged`.
    pub staged: bool,
    /// `--deepen`.
    pub deepen: bool,
    /// Only these paths, relative to the repository root.
    pub paths: Vec<String>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--rules`.
    pub rules: Vec<PathBuf>,
    /// Bases to try in place of those that the surroundings suggest.
    pub candidates: Option<Vec<Candidate>>,
    /// Whether the policy that is built in counts, whatever the repository says.
    pub built_in_policy: bool,
    /// Commit that policy, rules and baseline are read from in place of the base.
    pub policy_of: Option<String>,
}

/// Everything a check needs.
#[derive(Debug)]
pub struct Gathered {
    /// The change.
    pub change: ChangeSet,
    /// The policy in force.
    pub config: Config,
    /// The rules.
    pub rules: RuleSet,
    /// The baseline.
    pub baseline: Baseline,
    /// Every path that the change touches, before and after, `PATHS` or not.
    pub changed_paths: Vec<RepoPath>,
    /// Rule directories inside the repository that the command line names.
    pub named_rules: Vec<String>,
    /// The repository, where the change is one of its.
    pub git: Option<Git>,
}

/// Gathers a change from a repository.
///
/// # Errors
/// [`RunError`] where there is no repository, or what was asked for does not exist.
pub fn from_repository(wanted: &Wanted, around: &Surroundings) -> Result<Gathered, RunError> {
    let git = Git::open(&wanted.directory)?;
    let head_name = wanted.head.as_deref().unwrap_or("HEAD");
    let head = git.commit(head_name)?.ok_or_else(|| match &wanted.head {
        Some(name) => RunError::Usage(format!("--head `{}` is not a commit of this repository", short_name(name))),
        None => RunError::Usage(
            "this repository has no commit yet, so there is nothing to compare with, for `--staged` either; make the \
             first one, or look at the files with `portcullis audit`"
                .into(),
        ),
    })?;
    let mut base = if wanted.staged { staged_base(&head, wanted)? } else { base::find(&git, wanted, around, &head)? };
    base.policy_commit = wanted.policy_of.clone().or(base.policy_commit);
    let (config, rules, baseline) = policy(&git, wanted, &base)?;
    let mut gaps = Vec::new();
    let entries = match &base.commit {
        None => {
            gaps.push(Gap { kind: GapKind::Base, path: None, detail: base.reason.clone() });
            Vec::new()
        }
        Some(commit) if wanted.staged => git.diff_index(commit)?,
        Some(commit) => git.diff_commits(commit, &head)?,
    };
    let changed_paths: Vec<RepoPath> =
        entries.iter().flat_map(|e| std::iter::once(&e.path).chain(&e.old_path)).cloned().collect();
    check_paths(&git, wanted, &changed_paths, [Some(&head), base.commit.as_ref()])?;
    let entries: Vec<Entry> = entries.into_iter().filter(|e| within(&e.path, &wanted.paths)).collect();
    let files = contents::read(&git, &entries, &config, &mut gaps)?;
    let reason = if wanted.staged { "the index".to_owned() } else { format!("commit {}", short(&head)) };
    let head = Head { commit: (!wanted.staged).then_some(head), reason };
    let named_rules = wanted.rules.iter().filter_map(|p| inside(&git, p)).collect();
    let change = ChangeSet { base, head, files, gaps };
    Ok(Gathered { change, config, rules, baseline, changed_paths, named_rules, git: Some(git) })
}

/// Gathers a change from a patch; a repository around it serves only for policy.
///
/// # Errors
/// [`RunError`] where the patch cannot be read.
pub fn from_patch(file: &Path, wanted: &Wanted) -> Result<Gathered, RunError> {
    let read = |source| RunError::Read { path: file.to_owned(), source };
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_PATCH + 1).read_to_end(&mut bytes).map_err(read)?;
    } else {
        let opened = std::fs::File::open(file).map_err(read)?;
        opened.take(MAX_PATCH + 1).read_to_end(&mut bytes).map_err(read)?;
    }
    if bytes.len() as u64 > MAX_PATCH {
        return Err(RunError::Usage(format!("the patch is larger than {MAX_PATCH} bytes")));
    }
    let mut files = diff::parse(&bytes, &|p| Language::of_path(p).is_some())?;
    let changed_paths = files.iter().flat_map(|f| std::iter::once(&f.path).chain(&f.old_path)).cloned().collect();
    for path in wanted.paths.iter().filter(|p| !p.is_empty() && *p != ".") {
        let one = std::slice::from_ref(path);
        if !files.iter().any(|f| within(&f.path, one) || f.old_path.as_ref().is_some_and(|old| within(old, one))) {
            let path = crate::path::visible(path);
            return Err(RunError::Usage(format!("the patch speaks of no `{path}`; paths are those that it names")));
        }
    }
    files.retain(|f| within(&f.path, &wanted.paths));
    let base = Base { commit: None, policy_commit: None, reason: "the patch's own old side".into() };
    let head = Head { commit: None, reason: "a patch".into() };
    let change = ChangeSet { base, head, files, gaps: Vec::new() };
    let (config, rules, baseline) = match Git::open(&wanted.directory) {
        Ok(git) => {
            let commit = git.commit("HEAD")?;
            let base = Base { commit: commit.clone(), policy_commit: commit, reason: String::new() };
            policy(&git, wanted, &base)?
        }
        Err(GitError::NoRepository(_)) => policy_outside_git(wanted)?,
        Err(error) => return Err(error.into()),
    };
    Ok(Gathered { change, config, rules, baseline, changed_paths, named_rules: Vec::new(), git: None })
}

/// Reads policy, rules and baseline from the file system.
///
/// # Errors
/// [`RunError`] where one of them is broken.
pub fn policy_outside_git(wanted: &Wanted) -> Result<(Config, RuleSet, Baseline), RunError> {
    let config = load::from_directory(&wanted.directory, wanted.config.as_deref())?;
    let mut directories = wanted.rules.clone();
    directories.extend(config.rules.iter().map(|r| wanted.directory.join(r)));
    let rules = rules_of(&directories, Vec::new())?;
    let baseline = match &config.baseline {
        None => Baseline::default(),
        Some(path) => {
            let file = wanted.directory.join(path);
            match load::read_up_to(&file, load::MAX_FILE) {
                Ok(text) => {
                    Baseline::read(&text).map_err(|source| RunError::Baseline { path: path.clone(), source })?
                }
                // Named before it is first written: no finding is accepted yet.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Baseline::default(),
                Err(source) => return Err(RunError::Read { path: file, source }),
            }
        }
    };
    Ok((config, rules, baseline))
}

fn staged_base(head: &str, wanted: &Wanted) -> Result<Base, RunError> {
    if wanted.base.is_some() || wanted.head.is_some() {
        return Err(RunError::Usage("--staged compares the index with HEAD; give neither --base nor --head".into()));
    }
    Ok(Base { commit: Some(head.to_owned()), policy_commit: None, reason: "HEAD, for the index".into() })
}

fn policy(git: &Git, wanted: &Wanted, base: &Base) -> Result<(Config, RuleSet, Baseline), RunError> {
    if wanted.built_in_policy {
        return Ok((Config::default(), rules_of(&wanted.rules, Vec::new())?, Baseline::default()));
    }
    let Some(commit) = base.policy_commit.as_ref().or(base.commit.as_ref()) else {
        let outside = wanted.config.as_deref().filter(|p| inside(git, p).is_none());
        let config = match outside {
            Some(path) => load::from_directory(git.root(), Some(path))?,
            None => Config::default(),
        };
        return Ok((config, rules_of(&outside_only(git, &wanted.rules), Vec::new())?, Baseline::default()));
    };
    let config = match &wanted.config {
        None => load::at_commit(git, commit, None)?,
        Some(path) => match inside(git, path) {
            Some(path) => load::at_commit(git, commit, Some(&path))?,
            None => load::from_directory(git.root(), Some(path))?,
        },
    };
    let mut at_base = Vec::new();
    let named = wanted.rules.iter().filter_map(|p| inside(git, p));
    for directory in named.chain(config.rules.clone()) {
        at_base.extend(rules_at(git, commit, &directory)?);
    }
    let rules = rules_of(&outside_only(git, &wanted.rules), at_base)?;
    let baseline = match &config.baseline {
        None => Baseline::default(),
        Some(path) => match load::text_at(git, commit, path)? {
            None => Baseline::default(),
            Some(text) => Baseline::read(&text).map_err(|source| RunError::Baseline { path: path.clone(), source })?,
        },
    };
    Ok((config, rules, baseline))
}

fn outside_only(git: &Git, paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().filter(|p| inside(git, p).is_none()).cloned().collect()
}

/// Returns the path relative to the repository, where it lies inside.
fn inside(git: &Git, path: &Path) -> Option<String> {
    let absolute = std::path::absolute(path).ok()?;
    let root = git.root();
    let relative = absolute.strip_prefix(root).ok().map(Path::to_owned).or_else(|| {
        let (real, root) = (std::fs::canonicalize(absolute.parent()?).ok()?, std::fs::canonicalize(root).ok()?);
        real.strip_prefix(root).ok().map(|p| p.join(absolute.file_name().unwrap_or_default()))
    })?;
    Some(relative.to_string_lossy().replace('\\', "/"))
}

fn rules_at(git: &Git, commit: &str, directory: &str) -> Result<Vec<RuleSource>, RunError> {
    let mut sources = Vec::new();
    for (path, oid) in git.files_under(commit, directory)? {
        let relative = path.as_str().strip_prefix(directory).unwrap_or_default().trim_start_matches('/');
        let Some((folder, stem)) = RuleSource::place(relative) else { continue };
        if let Blob::Bytes(bytes) = git.blob(&oid, 1 << 20)? {
            sources.push(RuleSource {
                folder: folder.to_owned(),
                stem: stem.to_owned(),
                origin: format!("{path} at {}", short(commit)),
                text: Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
            });
        }
    }
    Ok(sources)
}

/// Reads the embedded rules, catalogs and measurements, those of directories, and `more`; the user's are checked at once.
///
/// # Errors
/// [`RunError`] where a directory or a rule cannot be read.
pub fn rules_of(directories: &[PathBuf], more: Vec<RuleSource>) -> Result<RuleSet, RunError> {
    let mut sources = rule_files::embedded();
    for directory in directories {
        let read = rule_files::directory(directory);
        sources.extend(read.map_err(|source| RunError::Read { path: directory.clone(), source })?);
    }
    sources.extend(more);
    for source in sources.iter().filter(|s| s.is_own()) {
        if source.is_measurement() {
            precision::read(source).map(drop)?;
        } else if source.is_catalog() {
            catalog::load::read(source).map(drop)?;
        } else {
            source.read().map(drop)?;
        }
    }
    Ok(RuleSet::new(sources))
}

/// Refuses a path that is neither in the change nor in either state: a typing error would check nothing and pass.
fn check_paths(
    git: &Git,
    wanted: &Wanted,
    changed: &[RepoPath],
    commits: [Option<&String>; 2],
) -> Result<(), RunError> {
    for path in wanted.paths.iter().filter(|p| !p.is_empty() && *p != ".") {
        if is_outside(path) {
            let shown = crate::path::visible(path);
            return Err(RunError::Usage(
                match inside(git, Path::new(path)).filter(|_| Path::new(path).is_absolute()) {
                    Some(inner) => format!(
                        "`{shown}` is not relative to the repository's root; give `{}`",
                        crate::path::visible(&inner)
                    ),
                    None => format!(
                        "`{shown}` lies outside the repository, of which a check reads commits; give a path below its \
                     root, or use `portcullis audit {shown}`"
                    ),
                },
            ));
        }
        let one = std::slice::from_ref(path);
        let mut known = changed.iter().any(|c| within(c, one));
        for commit in commits.into_iter().flatten() {
            known = known || git.exists(commit, path)?;
        }
        if !known {
            let path = crate::path::visible(path);
            return Err(RunError::Usage(format!("there is no `{path}`; paths are relative to the repository's root")));
        }
    }
    Ok(())
}

/// Says whether a path relative to the root leads out of it.
fn is_outside(path: &str) -> bool {
    let mut depth = 0i64;
    let leads_up = |part: Component<'_>| {
        depth += match part {
            Component::Normal(_) => 1,
            Component::CurDir => 0,
            Component::ParentDir => -1,
            Component::RootDir | Component::Prefix(_) => return true,
        };
        depth < 0
    };
    Path::new(path).components().any(leads_up)
}

/// Says whether a path is one of those that were asked for, or lies below one.
pub(super) fn within(path: &RepoPath, paths: &[String]) -> bool {
    let inside =
        |p: &String| path.as_str() == p || path.as_str().strip_prefix(p.as_str()).is_some_and(|r| r.starts_with('/'));
    paths.is_empty() || paths.iter().any(|p| p.is_empty() || p == "." || inside(p))
}

/// Returns a name of a commit as people write it: whole, an id would be masked like a secret.
pub(super) fn short_name(name: &str) -> &str {
    if is_oid(name) { short(name) } else { name }
}

/// Returns the first 12 digits of a commit.
pub fn short(commit: &str) -> &str {
    &commit[..commit.len().min(12)]
}
