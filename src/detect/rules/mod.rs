//! Rules as data: one YAML file a rule, matched over syntax trees with ast-grep's rule language.

pub mod index;
pub mod load;
pub mod matcher;
mod regexes;
pub mod schema;
mod sketch;
mod words;

use crate::syntax::language::{LANGUAGES, Language};
use matcher::Compiled;
use schema::{RuleFile, RuleProblem};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// The text of one rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSource {
    /// Name of its folder, which is a language's name.
    pub folder: String,
    /// File name without `.yml`.
    pub stem: String,
    /// Where it came from, for error messages.
    pub origin: String,
    /// The YAML.
    pub text: Cow<'static, str>,
}

/// A rule file that cannot be used: its author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {origin}: {problem}")]
pub struct RuleError {
    /// The file.
    pub origin: String,
    /// What is wrong.
    pub problem: RuleProblem,
}

/// A set of rules, read when their language is first met and compiled when a file first holds their words.
#[derive(Debug)]
pub struct RuleSet {
    sources: Vec<RuleSource>,
    read: Vec<OnceLock<Result<Arc<RuleFile>, RuleError>>>,
    compiled: [OnceLock<Result<Compiled, RuleError>>; LANGUAGES.len()],
    digest: OnceLock<String>,
}

impl RuleSet {
    /// Makes a set. Of two files with the same stem the later one counts, so that users can replace a built-in rule.
    pub fn new(sources: Vec<RuleSource>) -> Self {
        let mut kept: Vec<RuleSource> = Vec::with_capacity(sources.len());
        for source in sources {
            kept.retain(|k| k.stem != source.stem);
            kept.push(source);
        }
        kept.sort_by(|a, b| (&a.folder, &a.stem).cmp(&(&b.folder, &b.stem)));
        let read = kept.iter().map(|_| OnceLock::new()).collect();
        Self { sources: kept, read, compiled: [const { OnceLock::new() }; LANGUAGES.len()], digest: OnceLock::new() }
    }

    /// Returns how many rules there are.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Says whether the set has no rule.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Returns 12 hexadecimal digits of SHA-256 over all rule files: the version of the set.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| match index::digest(&self.sources) {
            Some(known) => known.to_owned(),
            None => self.computed_digest(),
        })
    }

    fn computed_digest(&self) -> String {
        let mut hash = Sha256::new();
        for source in &self.sources {
            hash.update(source.folder.as_bytes());
            hash.update(source.stem.as_bytes());
            hash.update(source.text.as_bytes());
        }
        hash.finalize()[..6].iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Returns the source files.
    pub fn sources(&self) -> &[RuleSource] {
        &self.sources
    }

    /// Reads every rule.
    ///
    /// # Errors
    /// [`RuleError`] for the first file that is not a valid rule.
    pub fn files(&self) -> Result<Vec<Arc<RuleFile>>, RuleError> {
        (0..self.sources.len()).map(|i| self.file(i)).collect()
    }

    fn file(&self, number: usize) -> Result<Arc<RuleFile>, RuleError> {
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
                let (applies, hints) = match index::entry(source) {
                    Some(entry) => (applies_to(&entry.languages, language), entry.hints()),
                    None => {
                        let file = self.file(number)?;
                        (file.applies_to(language), file.hints())
                    }
                };
                if applies {
                    if matches!(source.text, Cow::Owned(_)) {
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
