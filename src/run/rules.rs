//! `portcullis rules list|show|test`; `measure` has a module of its own.

use super::RunError;
use super::gather::rules_of;
use crate::causes::nearest;
use crate::change::text::Text;
use crate::deadline::Deadline;
use crate::detect::flow::catalog::load::Catalogs;
use crate::detect::flow::detector::FlowDetector;
use crate::detect::rules::matcher::RuleDetector;
use crate::detect::rules::precision::{Measured, Precisions};
use crate::detect::rules::schema::{Examples, FlowRule, RuleFile};
use crate::detect::rules::{RuleSet, RuleSource, folder_serves};
use crate::detect::{Context, Detector, Job, Options, Others, analyse};
use crate::finding::Confidence;
use crate::path::RepoPath;
use crate::syntax::language::{LANGUAGES, Language};
use crate::syntax::{Limits, SourceFile, parse};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Time for one example of a catalog.
const TIME: Duration = Duration::from_secs(2);

/// Reads the embedded rules and those of the given directories.
///
/// # Errors
/// [`RunError`] where a directory or a rule cannot be read.
pub fn load(directories: &[PathBuf]) -> Result<RuleSet, RunError> {
    rules_of(directories, Vec::new())
}

/// Lists the rules, one a line: id, severity, confidence, weakness class, message, and what was measured.
///
/// # Errors
/// [`RunError`] where a rule cannot be read.
pub fn list(rules: &RuleSet) -> Result<String, RunError> {
    let (files, precisions) = (rules.files()?, rules.precisions()?);
    let width = files.iter().map(|f| f.id.as_str().len()).max().unwrap_or(0);
    let line = |f: &Arc<RuleFile>| {
        let cwe = f.cwe.first().map_or("", String::as_str);
        format!(
            "{:width$}  {:8}  {:6}  {cwe:8}  {}{}\n",
            f.id.as_str(),
            f.severity.as_str(),
            f.confidence.as_str(),
            f.message,
            precisions.of(&f.id, f.confidence).map(|m| format!(" ({m})")).unwrap_or_default(),
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
        "{}: {}\n\nseverity {}, confidence {}, {}\n{}languages: {}\n{}\nWhy\n{}\n\nFix\n{}\n\nFlagged\n{}\nNot flagged\n{}\nReferences\n{}",
        file.id,
        file.message,
        file.severity,
        file.confidence,
        file.cwe.join(", "),
        measured(&rules.precisions()?, &file),
        languages.join(", "),
        file.flow.as_ref().map(about).unwrap_or_default(),
        file.why.trim(),
        file.fix.trim(),
        indent(&file.examples.bad),
        indent(&file.examples.good),
        file.references.iter().map(|r| format!("    {r}\n")).collect::<String>(),
    ))
}

/// Says in lines what was measured of a rule.
fn measured(precisions: &Precisions, file: &RuleFile) -> String {
    let line = |(confidence, measured): (Confidence, Measured)| {
        let (low, high) = measured.interval();
        let effect = match (measured.counts(), measured.holds(confidence)) {
            (false, _) => "too few to count".to_owned(),
            (true, left) if left == confidence => "holds".to_owned(),
            (true, left) => format!("counts as {left}"),
        };
        format!("{confidence} confidence: {measured} (95 %: {low:.2} to {high:.2}), {effect}\n")
    };
    precisions.of_rule(&file.id).into_iter().map(line).collect()
}

/// Says in a line what a rule about flows looks for.
fn about(flow: &FlowRule) -> String {
    let sources = if flow.own_sources { "its own sources" } else { "outside data" };
    let prefix = if flow.fixed_prefix.is_some() { ", unless a constant text before it fixes the host" } else { "" };
    format!("follows {sources} to sinks of class {}{prefix}\n", flow.class)
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
    let nearest = nearest(id, files.iter().map(|f| f.id.as_str()));
    let hint = match nearest {
        Some(name) => format!("; did you mean `{name}`?"),
        None => "; `portcullis rules list` names them all".to_owned(),
    };
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

/// Runs every rule's examples in every language it applies to, and every catalog's: each bad one must match, no good
/// one may.
///
/// # Errors
/// [`RunError`] where a rule or a catalog cannot be read or compiled.
pub fn test(rules: &RuleSet) -> Result<Tested, RunError> {
    let mut tested = Tested::default();
    let catalogs = Catalogs::of(rules);
    for row in LANGUAGES {
        // The classes are those of all rules, not of the first one that is tested.
        catalogs.index(row.language, rules.flow_rules(row.language)?)?;
    }
    for source in rules.sources() {
        let file = source.read()?;
        for language in applies(source, &file) {
            let one = rules.only(source);
            one.compile_all(language)?;
            tested.run(file.id.as_str(), language, &file.examples, |example| {
                Ok(matches(&one, &catalogs, language, example))
            })?;
        }
    }
    let flow = FlowDetector { rules, catalogs: &catalogs };
    let context = || Context { deadline: Deadline::after(TIME), others: Others::none().after, focus: None };
    for (source, catalog) in catalogs.files()? {
        let Some(language) = Language::named(&source.folder) else { continue };
        for example in &catalog.examples {
            let name = format!("{}/{}, class {}", source.folder, source.stem, example.class);
            tested.run(&name, language, &example.code, |text| {
                let file = snippet(language, text);
                Ok(file.map(|f| flow.finds(&f, &example.class, context())).transpose()?.unwrap_or_default())
            })?;
        }
    }
    Ok(tested)
}

impl Tested {
    /// Runs the examples of `name`; `matches` says whether one matches.
    fn run(
        &mut self,
        name: &str,
        language: Language,
        examples: &Examples,
        matches: impl Fn(&str) -> Result<bool, RunError>,
    ) -> Result<(), RunError> {
        for (bad, examples) in [(true, &examples.bad), (false, &examples.good)] {
            for (i, example) in examples.iter().enumerate() {
                if matches(example)? == bad {
                    self.passed += 1;
                } else {
                    let (kind, what) = if bad { ("bad", "does not match") } else { ("good", "matches") };
                    let language = language.name();
                    self.failures.push(format!("{name}: {kind} example {} {what} in {language}", i + 1));
                }
            }
        }
        Ok(())
    }
}

fn applies(source: &RuleSource, file: &RuleFile) -> Vec<Language> {
    let all = LANGUAGES.iter().map(|r| r.language);
    all.filter(|l| folder_serves(&source.folder, *l) && file.applies_to(*l)).collect()
}

/// Says whether the rules find something in an example. Hints do not count: an example shows a rule's business.
fn matches(rules: &RuleSet, catalogs: &Catalogs, language: Language, example: &str) -> bool {
    let job = Job::whole(path(language), text(example));
    let options = Options { windows: false, ..Options::default() };
    let detectors: [&dyn Detector; 2] = [&RuleDetector { rules }, &FlowDetector { rules, catalogs }];
    analyse(&job, &detectors, &options, Others::none()).after.iter().any(|f| !f.advisory)
}

fn snippet(language: Language, example: &str) -> Option<SourceFile> {
    let limits = Limits { time: TIME, depth: Options::default().depth };
    parse(&path(language), language, &text(example), &limits).ok()
}

fn path(language: Language) -> RepoPath {
    RepoPath::from(format!("example.{}", language.row().extensions[0]).as_str())
}

fn text(example: &str) -> Text {
    Text { text: example.to_owned(), notes: Vec::new() }
}
