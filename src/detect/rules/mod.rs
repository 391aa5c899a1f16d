//! Rules as data: one YAML file a rule, matched over syntax trees with ast-grep's rule language.

pub mod index;
pub mod load;
pub mod matcher;
pub mod precision;
mod regexes;
pub mod schema;
mod sketch;
mod words;

use crate::syntax::language::{LANGUAGES, Language};
use matcher::Compiled;
use precision::Precisions;
use schema::{FlowRule, RuleFile, RuleProblem};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Folder of the catalogs below that of a language.
const CATALOGS: &str = "flow/";
/// Stem of the file, beside the folders of the languages, that says what was measured.
const PRECISION: &str = "precision";

/// The text of one file of a rule directory: a rule, a catalog of what a library's names mean to the flow engine, or
/// what was measured of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSource {
    /// Name of its folder, which is a language's name; empty for what was measured.
    pub folder: String,
    /// File name without `.yml`; for a catalog with `flow/` before it.
    pub stem: String,
    /// Where it came from, for error messages.
    pub origin: String,
    /// The YAML.
    pub text: Cow<'static, str>,
}

/// A rule file that cannot be used: its author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule file {origin}: {problem}")]
pub struct RuleError {
    /// The file.
    pub origin: String,
    /// What is wrong.
    pub problem: RuleProblem,
}

/// The rules of a language that name flows, each with its number in the set.
type FlowRules = Result<Vec<(usize, FlowRule)>, RuleError>;

/// A set of rules, read when their language is first met and compiled when a file first holds their words.
#[derive(Debug)]
pub struct RuleSet {
    sources: Vec<RuleSource>,
    catalogs: Vec<RuleSource>,
    measurements: Vec<RuleSource>,
    read: Vec<OnceLock<Result<Arc<RuleFile>, RuleError>>>,
    compiled: [OnceLock<Result<Compiled, RuleError>>; LANGUAGES.len()],
    flows: [OnceLock<FlowRules>; LANGUAGES.len()],
    digest: OnceLock<String>,
}

impl RuleSet {
    /// Makes a set of rules and catalogs. Of two rules with the same stem, and of two catalogs with the same folder and
    /// stem, the later one counts, so that users can replace what is built in. What was measured is put together.
    pub fn new(sources: Vec<RuleSource>) -> Self {
        let mut kept: HashMap<(String, String), RuleSource> = HashMap::with_capacity(sources.len());
        let (measurements, sources): (Vec<_>, Vec<_>) = sources.into_iter().partition(RuleSource::is_measurement);
        for source in sources {
            let folder = if source.is_catalog() { source.folder.clone() } else { String::new() };
            kept.insert((folder, source.stem.clone()), source);
        }
        let mut kept: Vec<RuleSource> = kept.into_values().collect();
        kept.sort_by(|a, b| (&a.folder, &a.stem).cmp(&(&b.folder, &b.stem)));
        let (catalogs, sources): (Vec<_>, Vec<_>) = kept.into_iter().partition(RuleSource::is_catalog);
        Self::made_of(sources, catalogs, measurements)
    }

    fn made_of(sources: Vec<RuleSource>, catalogs: Vec<RuleSource>, measurements: Vec<RuleSource>) -> Self {
        let read = sources.iter().map(|_| OnceLock::new()).collect();
        let (compiled, flows) =
            ([const { OnceLock::new() }; LANGUAGES.len()], [const { OnceLock::new() }; LANGUAGES.len()]);
        Self { sources, catalogs, measurements, read, compiled, flows, digest: OnceLock::new() }
    }

    /// Returns the set of one of its rules alone, with all catalogs.
    pub fn only(&self, source: &RuleSource) -> Self {
        Self::made_of(vec![source.clone()], self.catalogs.clone(), Vec::new())
    }

    /// Returns how many rules there are.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Says whether the set has no rule.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Returns 12 hexadecimal digits of SHA-256 over all rules, catalogs and measurements: the version of the set.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| match index::digest(&self.sources, &self.catalogs, &self.measurements) {
            Some(known) => known.to_owned(),
            None => self.computed_digest(),
        })
    }

    fn computed_digest(&self) -> String {
        let mut hash = Sha256::new();
        for source in self.sources.iter().chain(&self.catalogs).chain(&self.measurements) {
            hash.update(source.folder.as_bytes());
            hash.update(source.stem.as_bytes());
            hash.update(source.text.as_bytes());
        }
        hash.finalize()[..6].iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Returns the source files of the rules.
    pub fn sources(&self) -> &[RuleSource] {
        &self.sources
    }

    /// Returns the source files of the catalogs.
    pub fn catalogs(&self) -> &[RuleSource] {
        &self.catalogs
    }

    /// Returns what was measured of the rules. What is known of a built-in rule does not hold for one of the user that
    /// replaces it.
    ///
    /// # Errors
    /// [`RuleError`] where a file is not of the form.
    pub fn precisions(&self) -> Result<Precisions, RuleError> {
        let mut all = Precisions::default();
        let (own, built_in): (Vec<_>, Vec<_>) = self.measurements.iter().partition(|s| s.is_own());
        for source in built_in {
            all.add(precision::read(source)?);
        }
        all.retain(|rule| !self.sources.iter().any(|s| s.is_own() && s.stem == rule.as_str()));
        for source in own {
            all.add(precision::read(source)?);
        }
        Ok(all)
    }

    /// Returns the source files of what was measured.
    pub fn measurements(&self) -> &[RuleSource] {
        &self.measurements
    }

    /// Returns what the rules about flows that apply to a language look for, with the number of each rule.
    ///
    /// # Errors
    /// [`RuleError`] for the first file of the user that is not a valid rule.
    pub fn flow_rules(&self, language: Language) -> Result<&[(usize, FlowRule)], RuleError> {
        let found = self.flows[language as usize].get_or_init(|| self.find_flow_rules(language));
        found.as_deref().map_err(Clone::clone)
    }

    fn find_flow_rules(&self, language: Language) -> Result<Vec<(usize, FlowRule)>, RuleError> {
        let mut found = Vec::new();
        for (number, source) in self.sources.iter().enumerate().filter(|(_, s)| folder_serves(&s.folder, language)) {
            let (applies, flow) = match index::entry(source) {
                Some(entry) => (applies_to(&entry.languages, language), entry.flow.clone()),
                None => self.file(number).map(|file| (file.applies_to(language), file.flow.clone()))?,
            };
            found.extend(flow.filter(|_| applies).map(|flow| (number, flow)));
        }
        Ok(found)
    }

    /// Reads every rule.
    ///
    /// # Errors
    /// [`RuleError`] for the first file that is not a valid rule.
    pub fn files(&self) -> Result<Vec<Arc<RuleFile>>, RuleError> {
        (0..self.sources.len()).map(|i| self.file(i)).collect()
    }

    /// Reads a rule by its number.
    ///
    /// # Errors
    /// [`RuleError`] where the file is not a valid rule.
    pub fn file(&self, number: usize) -> Result<Arc<RuleFile>, RuleError> {
        self.read[number].get_or_init(|| self.sources[number].read().map(Arc::new)).clone()
    }

    /// Returns the rules for a language. Those of the user are compiled at once, so that a broken one is refused when
    /// the run begins; our own are compiled when they are first needed.
    ///
    /// # Errors
    /// [`RuleError`] for the first file that is not a valid rule.
    pub fn for_language(&self, language: Language) -> Result<&Compiled, RuleError> {
        let compiled = self.compiled[language as usize].get_or_init(|| {
            let (mut rules, mut own) = (Vec::new(), Vec::new());
            for (number, source) in self.sources.iter().enumerate().filter(|(_, s)| folder_serves(&s.folder, language))
            {
                let (applies, hints, is_flow) = match index::entry(source) {
                    Some(entry) => (applies_to(&entry.languages, language), entry.hints(), entry.flow.is_some()),
                    None => {
                        let file = self.file(number)?;
                        (file.applies_to(language), file.hints(), file.flow.is_some())
                    }
                };
                if applies && !is_flow {
                    if source.is_own() {
                        if let Some(problem) = self.file(number)?.costly_regex() {
                            return Err(RuleError { origin: source.origin.clone(), problem });
                        }
                        own.push(rules.len());
                    }
                    rules.push((source.clone(), hints));
                }
            }
            let compiled = Compiled::new(rules, language, self.digest());
            own.into_iter().try_for_each(|number| compiled.compile(number).map(drop))?;
            Ok(compiled)
        });
        compiled.as_ref().map_err(Clone::clone)
    }

    /// Compiles every rule for a language.
    ///
    /// # Errors
    /// [`RuleError`] for the first that cannot be read or compiled.
    pub fn compile_all(&self, language: Language) -> Result<(), RuleError> {
        let compiled = self.for_language(language)?;
        (0..compiled.len()).try_for_each(|number| compiled.compile(number).map(drop))
    }
}

impl RuleSource {
    /// Returns folder and stem of a file by its path in a rule directory: `python/x.yml`, `python/flow/flask.yml`; `None`
    /// for what is neither. `precision.yml` has no folder: it says what was measured of the rules.
    pub fn place(relative: &str) -> Option<(&str, &str)> {
        if relative.strip_suffix(".yml") == Some(PRECISION) {
            return Some(("", PRECISION));
        }
        let (folder, file) = relative.split_once('/')?;
        let stem = file.strip_suffix(".yml").or_else(|| file.strip_suffix(".yaml"))?;
        let name = stem.strip_prefix(CATALOGS).unwrap_or(stem);
        (!name.is_empty() && !name.contains('/')).then_some((folder, stem))
    }

    /// Says whether this is a catalog, not a rule.
    pub fn is_catalog(&self) -> bool {
        self.stem.starts_with(CATALOGS)
    }

    /// Says whether this is what was measured of rules.
    pub fn is_measurement(&self) -> bool {
        self.folder.is_empty() && self.stem == PRECISION
    }

    /// Says whether the file is a user's, not built in.
    pub fn is_own(&self) -> bool {
        matches!(self.text, Cow::Owned(_))
    }

    /// Reads the file as a rule.
    ///
    /// # Errors
    /// [`RuleError`] where the YAML is not a valid rule or the stem is not its id.
    pub fn read(&self) -> Result<RuleFile, RuleError> {
        RuleFile::read(&self.text, &self.folder, &self.stem)
            .map_err(|problem| RuleError { origin: self.origin.clone(), problem })
    }
}

/// Says whether a rule that names these languages applies to one; a rule that names none applies to all of its folder.
fn applies_to(languages: &[String], language: Language) -> bool {
    languages.is_empty() || languages.iter().any(|n| n == language.name())
}

/// Says whether rules of a folder can apply to a language: JavaScript's serve TypeScript and TSX, TypeScript's TSX.
pub fn folder_serves(folder: &str, language: Language) -> bool {
    match folder {
        "javascript" => matches!(language, Language::JavaScript | Language::TypeScript | Language::Tsx),
        "typescript" => matches!(language, Language::TypeScript | Language::Tsx),
        other => other == language.name(),
    }
}
