//! `portcullis rules list|show|test`.

use super::RunError;
use super::gather::rules_of;
use crate::change::text::Text;
use crate::detect::rules::matcher::RuleDetector;
use crate::detect::rules::schema::RuleFile;
use crate::detect::rules::{RuleSet, RuleSource, folder_serves};
use crate::detect::{Job, Options, analyse};
use crate::path::RepoPath;
use crate::syntax::language::{LANGUAGES, Language};
use std::path::PathBuf;
use std::sync::Arc;

/// Reads the embedded rules and those of the given directories.
///
/// # Errors
/// [`RunError`] where a directory or a rule cannot be read.
pub fn load(directories: &[PathBuf]) -> Result<RuleSet, RunError> {
    rules_of(directories, Vec::new())
}

/// Lists the rules, one a line: id, severity, confidence, weakness class, message.
///
/// # Errors
/// [`RunError`] where a rule cannot be read.
pub fn list(rules: &RuleSet) -> Result<String, RunError> {
    let files = rules.files()?;
    let width = files.iter().map(|f| f.id.as_str().len()).max().unwrap_or(0);
    let line = |f: &Arc<RuleFile>| {
        let cwe = f.cwe.first().map_or("", String::as_str);
        format!(
            "{:width$}  {:8}  {:6}  {cwe:8}  {}\n",
            f.id.as_str(),
            f.severity.as_str(),
            f.confidence.as_str(),
            f.message
        )
    };
    Ok(files.iter().map(line).collect())
}

/// Shows one rule in full, from its own file.
///
/// # Errors
/// [`RunError::Usage`] where there is no such rule, with the nearest that there is.
pub fn show(rules: &RuleSet, id: &str) -> Result<String, RunError> {
    let file = find(rules, id)?;
    let source = rules.sources().iter().find(|s| s.stem == file.id.as_str());
    let languages: Vec<&str> = match source {
        Some(source) => applies(source, &file).into_iter().map(Language::name).collect(),
        None => Vec::new(),
    };
    let indent = |texts: &[String]| {
        let block = |t: &String| t.trim_end().lines().map(|l| format!("    {l}\n")).collect::<String>();
        texts.iter().map(block).collect::<Vec<_>>().join("    ---\n")
    };
    Ok(format!(
        "{}: {}\n\nseverity {}, confidence {}, {}\nlanguages: {}\n\nWhy\n{}\n\nFix\n{}\n\nFlagged\n{}\nNot flagged\n{}\nReferences\n{}",
        file.id,
        file.message,
        file.severity,
        file.confidence,
        file.cwe.join(", "),
        languages.join(", "),
        file.why.trim(),
        file.fix.trim(),
        indent(&file.examples.bad),
        indent(&file.examples.good),
        file.references.iter().map(|r| format!("    {r}\n")).collect::<String>(),
    ))
}

/// Finds a rule by its id or a former id.
///
/// # Errors
/// [`RunError::Usage`] where there is none, with the nearest that there is.
pub fn find(rules: &RuleSet, id: &str) -> Result<Arc<RuleFile>, RunError> {
    let files = rules.files()?;
    if let Some(file) = files.iter().find(|f| f.id.as_str() == id || f.aliases.iter().any(|a| a == id)) {
        return Ok(Arc::clone(file));
    }
    let nearest = files
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(id, a.id.as_str()).total_cmp(&strsim::jaro_winkler(id, b.id.as_str())));
    let hint = nearest.map(|f| format!("; did you mean `{}`?", f.id)).unwrap_or_default();
    Err(RunError::Usage(format!("there is no rule `{}`{hint}", crate::path::visible(id))))
}

/// The result of running rules' own examples.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tested {
    /// Examples that behave.
    pub passed: usize,
    /// Those that do not, a line each.
    pub failures: Vec<String>,
}

/// Runs every rule's examples in every language it applies to: each bad one must match, no good one may.
///
/// # Errors
/// [`RunError`] where a rule cannot be read or compiled.
pub fn test(rules: &RuleSet) -> Result<Tested, RunError> {
    let mut tested = Tested::default();
    for source in rules.sources() {
        let file = source.read()?;
        for language in applies(source, &file) {
            let one = RuleSet::new(vec![source.clone()]);
            one.compile_all(language)?;
            for (bad, examples) in [(true, &file.examples.bad), (false, &file.examples.good)] {
                for (i, example) in examples.iter().enumerate() {
                    let matched = matches(&one, language, example);
                    if matched == bad {
                        tested.passed += 1;
                    } else {
                        let (kind, what) = if bad { ("bad", "does not match") } else { ("good", "matches") };
                        let name = language.name();
                        tested.failures.push(format!("{}: {kind} example {} {what} in {name}", file.id, i + 1));
                    }
                }
            }
        }
    }
    Ok(tested)
}

fn applies(source: &RuleSource, file: &RuleFile) -> Vec<Language> {
    let all = LANGUAGES.iter().map(|r| r.language);
    all.filter(|l| folder_serves(&source.folder, *l) && file.applies_to(*l)).collect()
}

fn matches(rules: &RuleSet, language: Language, example: &str) -> bool {
    let extension = language.row().extensions[0];
    let text = Text { text: example.to_owned(), notes: Vec::new() };
    let job = Job::whole(RepoPath::from(format!("example.{extension}").as_str()), text);
    let options = Options { windows: false, ..Options::default() };
    !analyse(&job, &[&RuleDetector { rules }], &options).after.is_empty()
}
