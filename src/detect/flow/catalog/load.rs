//! Reading catalogs: when a file first holds one of their words.

use super::operation::Operation;
use super::schema::{CatalogFile, Handler, OneOrMore, Sink, Source};
use super::{Catalog as Index, ClassRule};
use crate::detect::rules::index::catalog_words;
use crate::detect::rules::schema::{FixedPrefix, FlowRule, RuleProblem, is_class, yaml};
use crate::detect::rules::{RuleError, RuleSet, RuleSource, folder_serves};
use crate::syntax::language::{LANGUAGES, Language};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use std::sync::{Arc, OnceLock};

/// The built-in catalogs by `language/flow/name`, in order, as JSON and without their examples: see `build.rs`.
const PREPARED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalogs.rs"));
/// What an operation's name may begin with.
const PLACES: [&str; 2] = ["first:", "second:"];

/// The catalogs of a rule set.
#[derive(Debug)]
pub struct Catalogs {
    all: Vec<Catalog>,
    indexes: [OnceLock<Result<Index, RuleError>>; LANGUAGES.len()],
}

#[derive(Debug)]
struct Catalog {
    source: RuleSource,
    words: Vec<String>,
    read: OnceLock<Result<Arc<CatalogFile>, RuleError>>,
}

impl Catalogs {
    /// Takes the catalogs of a rule set; none is read yet.
    pub fn of(rules: &RuleSet) -> Self {
        let catalog = |source: &RuleSource| Catalog {
            source: source.clone(),
            // Without its words a catalog is read wherever its language is, which says what is wrong with it.
            words: catalog_words(source).unwrap_or_default(),
            read: OnceLock::new(),
        };
        let all = rules.catalogs().iter().map(catalog).collect();
        Self { all, indexes: [const { OnceLock::new() }; LANGUAGES.len()] }
    }

    /// Returns the catalogs of a language as one, ready to be asked, for the classes that have a rule.
    ///
    /// # Errors
    /// [`RuleError`] for the first file that is not a valid catalog.
    pub fn index(&self, language: Language, rules: &[(usize, FlowRule)]) -> Result<&Index, RuleError> {
        let make = || {
            let files = self.needed(language, |_| true)?;
            let files: Vec<&CatalogFile> = files.iter().map(Arc::as_ref).collect();
            let class = |(_, rule): &(usize, FlowRule)| ClassRule {
                class: rule.class.clone(),
                own_sources: rule.own_sources,
                fixed_host: rule.fixed_prefix == Some(FixedPrefix::Host),
            };
            let classes: Vec<ClassRule> = rules.iter().map(class).collect();
            Index::new(&files, &classes)
                .map_err(|what| RuleError { origin: language.name().into(), problem: RuleProblem::Form(what) })
        };
        self.indexes[language as usize].get_or_init(make).as_ref().map_err(Clone::clone)
    }

    /// Returns the catalogs of a language that matter where the words are for which `holds` is true. Their examples are
    /// left out.
    ///
    /// # Errors
    /// [`RuleError`] for the first file that is not a valid catalog.
    pub fn needed(&self, language: Language, holds: impl Fn(&str) -> bool) -> Result<Vec<Arc<CatalogFile>>, RuleError> {
        let matters = |c: &&Catalog| {
            folder_serves(&c.source.folder, language) && (c.words.is_empty() || c.words.iter().any(|w| holds(w)))
        };
        self.all.iter().filter(matters).map(Catalog::file).collect()
    }

    /// Reads every catalog whole, with the file it comes from.
    ///
    /// # Errors
    /// [`RuleError`] for the first file that is not a valid catalog.
    pub fn files(&self) -> Result<Vec<(&RuleSource, Arc<CatalogFile>)>, RuleError> {
        self.all.iter().map(|catalog| Ok((&catalog.source, read(&catalog.source).map(Arc::new)?))).collect()
    }
}

impl Catalog {
    fn file(&self) -> Result<Arc<CatalogFile>, RuleError> {
        let make = || prepared(&self.source).map_or_else(|| read(&self.source), Ok).map(Arc::new);
        self.read.get_or_init(make).clone()
    }
}

/// Returns a built-in catalog from the form that was made of it when the program was built, where there is one.
fn prepared(source: &RuleSource) -> Option<CatalogFile> {
    let name = format!("{}/{}", source.folder, source.stem);
    let at = PREPARED.binary_search_by_key(&name.as_str(), |(name, _)| name).ok().filter(|_| !source.is_own())?;
    serde_json::from_str(PREPARED[at].1).ok()
}

/// Reads a file as a catalog and checks what the form alone does not say.
///
/// # Errors
/// [`RuleError`] for anything but a well-formed catalog in the folder of a language.
pub fn read(source: &RuleSource) -> Result<CatalogFile, RuleError> {
    let refuse = |problem| RuleError { origin: source.origin.clone(), problem };
    if Language::named(&source.folder).is_none() {
        let names: Vec<_> = LANGUAGES.iter().map(|r| r.name).collect();
        let what = format!("lies in folder `{}`, which is none of {}", source.folder, names.join(", "));
        return Err(refuse(RuleProblem::Field { field: "library", what }));
    }
    let file: CatalogFile = yaml(&source.text).map_err(refuse)?;
    check(&file).map_err(|(field, what)| refuse(RuleProblem::Field { field, what }))?;
    Ok(file)
}

/// What is wrong with a field.
type Wrong = (&'static str, String);

fn check(file: &CatalogFile) -> Result<(), Wrong> {
    file.sources.iter().try_for_each(check_source)?;
    file.sinks.iter().try_for_each(check_sink)?;
    file.handlers.iter().try_for_each(check_handler)?;
    for sanitizer in &file.sanitizers {
        paths("sanitizers.call", &sanitizer.call)?;
        classes("sanitizers.for", sanitizer.classes.all())?;
    }
    for validator in &file.validators {
        paths("validators.call", &validator.call)?;
        classes("validators.for", validator.classes.all())?;
    }
    for (path, operation) in &file.operations {
        let name = PLACES.iter().find_map(|place| operation.strip_prefix(place)).unwrap_or(operation);
        let name: StrDeserializer<'_, ValueError> = name.into_deserializer();
        if Operation::deserialize(name).is_err() {
            return Err(("operations", format!("gives `{path}` the operation `{operation}`, which there is not")));
        }
    }
    if let Some((other, path)) = file.aliases.iter().find(|(other, path)| other == path) {
        return Err(("aliases", format!("names `{other}` as another path of `{path}`, which is the same")));
    }
    for example in &file.examples {
        classes("examples.class", std::slice::from_ref(&example.class))?;
    }
    Ok(())
}

fn check_source(source: &Source) -> Result<(), Wrong> {
    one_of(
        "sources",
        &[("member", source.member.as_ref()), ("call", source.call.as_ref()), ("parameter", source.parameter.as_ref())],
    )?;
    if source.fills.is_some() && source.call.is_none() {
        return Err(("sources.fills", "speaks of an argument, but there is no `call`".into()));
    }
    if source.what.is_empty() || source.what.chars().count() > 60 || source.what.contains('\n') {
        return Err(("sources.what", "must be one line of 1 to 60 characters".into()));
    }
    classes("sources.classes", &source.classes)
}

fn check_sink(sink: &Sink) -> Result<(), Wrong> {
    one_of(
        "sinks",
        &[("call", sink.call.as_ref()), ("assign", sink.assign.as_ref()), ("attribute", sink.attribute.as_ref())],
    )?;
    classes("sinks.class", std::slice::from_ref(&sink.class))
}

fn check_handler(handler: &Handler) -> Result<(), Wrong> {
    one_of(
        "handlers",
        &[
            ("decorator", handler.decorator.as_ref()),
            ("callback", handler.callback.as_ref()),
            ("class", handler.class.as_ref()),
            ("exported", handler.exported.as_ref()),
            ("first_parameter", handler.first_parameter.as_ref()),
            ("directive", handler.directive.as_ref()),
        ],
    )?;
    classes("handlers.returns", handler.returns.as_slice())
}

/// Holds that exactly one of several fields is given, with at least one path.
fn one_of(place: &'static str, fields: &[(&str, Option<&OneOrMore>)]) -> Result<(), Wrong> {
    let given: Vec<_> = fields.iter().filter_map(|(name, value)| value.map(|v| (*name, v))).collect();
    match given[..] {
        [(_, value)] => paths(place, value),
        [] => {
            let names: Vec<_> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
            Err((place, format!("has an entry without any of {}", names.join(", "))))
        }
        _ => {
            let names: Vec<_> = given.iter().map(|(name, _)| format!("`{name}`")).collect();
            Err((place, format!("has an entry with {}, of which one is meant", names.join(" and "))))
        }
    }
}

fn paths(place: &'static str, value: &OneOrMore) -> Result<(), Wrong> {
    if value.all().is_empty() || value.all().iter().any(|path| path.trim() != path || path.is_empty()) {
        return Err((place, "names no path, or an empty one, or one with white space around it".into()));
    }
    Ok(())
}

fn classes(place: &'static str, classes: &[String]) -> Result<(), Wrong> {
    match classes.iter().find(|class| !is_class(class)) {
        Some(class) => Err((place, format!("names `{class}`, which no class of weakness can be called"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{CatalogFile, Catalogs, PREPARED, prepared, read};
    use crate::detect::rules::{RuleSet, RuleSource, load};
    use crate::syntax::language::Language;

    fn source(stem: &str, text: &str) -> RuleSource {
        let (folder, origin) = ("python".into(), format!("own/{stem}.yml"));
        RuleSource { folder, stem: format!("flow/{stem}"), origin, text: text.to_owned().into() }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_place() {
        let says = |text: &str| read(&source("x", text)).expect_err(text).to_string();
        let two = says("library: x\nsinks:\n  - { call: a, assign: b, class: sql }\n");
        assert_eq!(two, "rule file own/x.yml: `sinks` has an entry with `call` and `assign`, of which one is meant");
        let none = says("library: x\nsources:\n  - { trust: remote, what: data }\n");
        assert!(none.contains("without any of `member`, `call`, `parameter`"), "{none}");
        assert!(says("library: x\noperations: { a.b: fly }\n").contains("`fly`, which there is not"));
        assert!(says("library: x\nsinks: [{ call: a, class: SQL }]\n").contains("names `SQL`"));
        assert!(says("library: x\nsink: []\n").contains("unknown field `sink`"));
        let deep = format!("library: x\ntypes: {}{}", "[".repeat(300), "]".repeat(300));
        assert!(says(&deep).contains("nested more than"));
        read(&source("x", "library: x\noperations: { a.b: 'first:map', c: push-self }\n")).expect("well-formed");
    }

    #[test]
    fn a_users_catalog_replaces_ours_of_the_same_name_and_language() {
        let ours = RuleSource { text: "library: ours\n".into(), ..source("x", "") };
        let elsewhere = RuleSource { folder: "rust".into(), ..ours.clone() };
        let rules = RuleSet::new(vec![ours, elsewhere, source("x", "library: own\nwords: [flask]\n")]);
        let catalogs = Catalogs::of(&rules);
        let names = |language, text: &str| -> Vec<String> {
            let needed = catalogs.needed(language, |word| text.contains(word)).expect("well-formed");
            needed.iter().map(|c| c.library.clone()).collect()
        };
        assert_eq!(names(Language::Python, "import flask"), ["own"]);
        assert_eq!(names(Language::Python, "import django"), [""; 0]);
        assert_eq!(names(Language::Rust, ""), ["ours"]);
    }

    #[test]
    fn every_built_in_catalog_is_well_formed_and_is_what_was_prepared_of_it() {
        let rules = RuleSet::new(load::embedded());
        let catalogs = Catalogs::of(&rules);
        let files = catalogs.files().expect("our own");
        assert_eq!(files.len(), PREPARED.len());
        for (source, file) in files {
            let prepared = prepared(source).expect("made when the program was built");
            let whole = CatalogFile { examples: Vec::new(), ..(*file).clone() };
            assert_eq!(format!("{prepared:?}"), format!("{whole:?}"), "{}", source.origin);
        }
    }
}
