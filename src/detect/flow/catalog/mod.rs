//! The catalog: what the names of libraries mean to the engine.

mod active;
pub mod load;
pub mod operation;
mod receives;
pub mod schema;
pub mod words;

use super::name::Name;
use foldhash::fast::RandomState;
use operation::{Operation, Subject};
use schema::{CatalogFile, Handler, OneOrMore, Sanitizer, Sink, Source, Validator};
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use words::{Owner, SinkWord};

/// A set of weakness classes, one bit each. The topmost bits say what else is known of a value.
pub type Classes = u64;

/// Every class.
pub const ALL: Classes = !0;
/// The text holds no `..`.
pub const NO_PARENT: Classes = 1 << 63;
/// The text is no absolute path.
pub const NOT_ABSOLUTE: Classes = 1 << 62;
/// The text begins with a slash.
pub const LEADING_SLASH: Classes = 1 << 61;
/// The text does not begin with two slashes.
pub const ONE_SLASH: Classes = 1 << 60;
/// The text is not `__proto__`.
pub const NO_PROTO: Classes = 1 << 59;
/// The text is not `constructor`, or not `prototype`.
pub const NO_CONSTRUCTOR: Classes = 1 << 58;
/// The text holds no `<`.
pub const NO_LESS: Classes = 1 << 57;
/// The text holds no `"`.
pub const NO_QUOTE: Classes = 1 << 56;
/// The text holds no `'`.
pub const NO_APOSTROPHE: Classes = 1 << 55;
/// The text was escaped for markup, but may be an address with any scheme.
pub const KEEPS_SCHEME: Classes = 1 << 54;
/// The text was escaped for markup, but for quotes.
pub const KEEPS_QUOTES: Classes = 1 << 53;
/// The text is one part of a route: it holds no separator, but may be `..`.
pub const ONE_SEGMENT: Classes = 1 << 52;
/// The text most likely leads to no host that a stranger chose: it begins with an address of the program's own, or was found
/// to name no host.
pub const OWN_HOST: Classes = 1 << 51;
/// The text begins as the address of the page that runs the code does.
pub const OWN_PAGE: Classes = 1 << 50;
/// The text begins as the address of the request does, with a slash.
pub const OWN_PATH: Classes = 1 << 49;
/// How many classes there can be.
const MAX_CLASSES: usize = 49;

/// What a flow rule says of its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassRule {
    /// The class: `sql`.
    pub class: String,
    /// Whether only sources that name the class matter to it.
    pub own_sources: bool,
    /// Whether a constant text before the data that fixes scheme and host makes it harmless.
    pub fixed_host: bool,
}

/// An entry of a catalog, and the number of the file that it stands in.
#[derive(Debug)]
pub struct Entry<T> {
    /// Number of the catalog file.
    pub file: u16,
    /// The entry; one that names several paths is the same for each.
    pub of: Arc<T>,
    /// The classes that it names.
    pub classes: Classes,
}

type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
type Table<T> = HashMap<Name, Vec<Entry<T>>>;

/// How many catalogs the process has made.
static COUNT: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// What paths are called in the end, by catalog.
    static CANONICAL: RefCell<HashMap<(u32, Name), Name>> = RefCell::default();
}

/// The catalog of one language, ready to be asked.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Its number in the process.
    number: u32,
    words: active::Words,
    classes: Vec<String>,
    own_sources: Classes,
    fixed_host: Classes,
    aliases: HashMap<Name, Name>,
    types: HashMap<Name, Name>,
    /// Every path that an entry speaks of a member of.
    known: HashSet<Name>,
    member_sources: Table<Source>,
    call_sources: Table<Source>,
    parameter_sources: Table<Source>,
    call_sinks: Table<Sink>,
    assign_sinks: Table<Sink>,
    /// Sinks of assignments to names that fit a pattern: `*token*`, without the stars, in lower case.
    name_sinks: Vec<(String, Entry<Sink>)>,
    attribute_sinks: Table<Sink>,
    sanitizers: Table<Sanitizer>,
    validators: Table<Validator>,
    deciding: HashMap<Name, Classes>,
    operations: HashMap<Name, (Operation, Subject)>,
    decorators: Table<Handler>,
    callbacks: Table<Handler>,
    handler_classes: Table<Handler>,
    exported: Vec<Entry<Handler>>,
    clean_types: HashSet<Name>,
    wrappers: HashSet<Name>,
    /// Last parts of the paths of all sinks: code that names none of them has none.
    sink_words: HashMap<Name, Vec<SinkWord>>,
    /// The same of what is read or called to get data.
    source_words: HashSet<Name>,
    /// How the libraries of each file give data of others.
    receives: Vec<receives::Receives>,
}

impl Catalog {
    /// Makes the catalog of a language from its files, for the classes that have a rule.
    ///
    /// # Errors
    /// A sentence about the first entry that cannot be used: too many classes, an unknown operation.
    pub fn new(files: &[&CatalogFile], rules: &[ClassRule]) -> Result<Self, String> {
        let mut catalog = Self { number: COUNT.fetch_add(1, Ordering::Relaxed), ..Self::default() };
        for rule in rules {
            let bit = catalog.class_bit(&rule.class)?;
            catalog.own_sources |= if rule.own_sources { bit } else { 0 };
            catalog.fixed_host |= if rule.fixed_host { bit } else { 0 };
        }
        for file in files {
            for (from, to) in &file.aliases {
                catalog.aliases.insert(Name::new(from), Name::new(to));
            }
        }
        for (number, file) in (0u16..).zip(files) {
            catalog.words.push(&file.words);
            catalog.receives.push(receives::Receives::of(file));
            catalog.add(number, file).map_err(|what| format!("catalog of {}: {what}", file.library))?;
        }
        // What leads to a thing of which every member is a sink.
        let is_open = |of: &Name| catalog.assign_sinks.contains_key(&of.join("*"));
        let leads = catalog.types.iter().filter(|(_, of)| is_open(of)).map(|(path, _)| Name::new(path.last()));
        for lead in leads.collect::<Vec<Name>>() {
            // Which file speaks of it does not matter: all are looked at.
            for number in 0..u16::try_from(files.len()).unwrap_or(u16::MAX) {
                catalog.sink_word(lead, number, Owner::Any);
            }
        }
        Ok(catalog)
    }

    fn sink_word(&mut self, word: Name, file: u16, owner: Owner) {
        self.sink_words.entry(word).or_default().push(SinkWord { file, owner });
    }

    fn add(&mut self, number: u16, file: &CatalogFile) -> Result<(), String> {
        for (path, to) in &file.types {
            let (path, to) = (self.path(path), self.path(to));
            self.know(path);
            self.types.insert(path, to);
        }
        for (path, operation) in &file.operations {
            let path = self.path(path);
            self.know(path);
            self.operations.insert(path, Operation::read(operation)?);
        }
        for (path, classes) in &file.deciding {
            let (path, classes) = (self.path(path), self.class_bits(classes.all())?);
            self.know(path);
            self.deciding.insert(path, classes);
        }
        for path in &file.clean_types {
            let path = self.path(path);
            self.clean_types.insert(path);
        }
        for path in &file.wrappers {
            let path = self.path(path);
            self.wrappers.insert(path);
        }
        self.add_sources(number, file)?;
        self.add_sinks(number, file)?;
        for of in &file.sanitizers {
            let (of, classes) = (Arc::new(of.clone()), self.class_bits(of.classes.all())?);
            for path in self.paths(&of.call) {
                self.know(path);
                self.sanitizers.entry(path).or_default().push(Entry { file: number, of: of.clone(), classes });
            }
        }
        for of in &file.validators {
            let (of, classes) = (Arc::new(of.clone()), self.class_bits(of.classes.all())?);
            for path in self.paths(&of.call) {
                self.know(path);
                self.validators.entry(path).or_default().push(Entry { file: number, of: of.clone(), classes });
            }
        }
        self.add_handlers(number, file)
    }

    fn add_sources(&mut self, number: u16, file: &CatalogFile) -> Result<(), String> {
        for of in &file.sources {
            let classes = self.class_bits(&of.classes)?;
            self.class_bits(&of.encoded)?;
            let shared = Arc::new(of.clone());
            let entry = || Entry { file: number, of: shared.clone(), classes };
            for path in of.member.iter().flat_map(|p| self.paths(p)).collect::<Vec<_>>() {
                self.know(path);
                self.source_words.insert(Name::new(path.last()));
                self.member_sources.entry(path).or_default().push(entry());
            }
            for path in of.call.iter().flat_map(|p| self.paths(p)).collect::<Vec<_>>() {
                self.know(path);
                self.source_words.insert(Name::new(path.last()));
                self.call_sources.entry(path).or_default().push(entry());
            }
            for path in of.parameter.iter().flat_map(|p| self.paths(p)).collect::<Vec<_>>() {
                self.parameter_sources.entry(path).or_default().push(entry());
            }
        }
        Ok(())
    }

    fn add_sinks(&mut self, number: u16, file: &CatalogFile) -> Result<(), String> {
        for of in &file.sinks {
            let classes = self.class_bit(&of.class)?;
            let shared = Arc::new(of.clone());
            let entry = || Entry { file: number, of: shared.clone(), classes };
            for path in of.call.iter().flat_map(|p| self.paths(p)).collect::<Vec<_>>() {
                self.know(path);
                self.sink_word(Name::new(path.last()), number, words::owner_of(path));
                self.call_sinks.entry(path).or_default().push(entry());
            }
            for text in of.assign.iter().flat_map(|p| p.all()) {
                if !text.contains('.') && !text.contains('[') && text.contains('*') {
                    self.name_sinks.push((text.trim_matches('*').to_ascii_lowercase(), entry()));
                    continue;
                }
                let path = self.path(text);
                self.know(path);
                self.sink_word(Name::new(path.last().trim_end_matches("[]")), number, Owner::Any);
                self.assign_sinks.entry(path).or_default().push(entry());
            }
            for path in of.attribute.iter().flat_map(|p| self.paths(p)).collect::<Vec<_>>() {
                self.sink_word(path, number, Owner::Any);
                self.attribute_sinks.entry(path).or_default().push(entry());
            }
        }
        Ok(())
    }

    fn add_handlers(&mut self, number: u16, file: &CatalogFile) -> Result<(), String> {
        for of in &file.handlers {
            let classes = of.returns.as_deref().map_or(Ok(0), |class| self.class_bit(class))?;
            let shared = Arc::new(of.clone());
            let entry = || Entry { file: number, of: shared.clone(), classes };
            for path in of.decorator.iter().flat_map(|p| self.paths(p)).collect::<Vec<_>>() {
                self.decorators.entry(path).or_default().push(entry());
            }
            for path in of.callback.iter().flat_map(|p| self.paths(p)).collect::<Vec<_>>() {
                self.know(path);
                self.callbacks.entry(path).or_default().push(entry());
            }
            for path in of.class.iter().flat_map(|p| self.paths(p)).collect::<Vec<_>>() {
                self.handler_classes.entry(path).or_default().push(entry());
            }
            if of.exported.is_some() || of.first_parameter.is_some() || of.directive.is_some() {
                self.exported.push(entry());
            }
        }
        Ok(())
    }

    fn know(&mut self, path: Name) {
        let text = path.as_str();
        let owner = text.rsplit_once('.').map_or("", |(owner, _)| owner);
        let owner = if let Some(of) = text.strip_suffix("[]") { of } else { owner };
        if !owner.is_empty() && owner != "*" {
            self.known.insert(Name::new(owner));
        }
    }

    /// Returns a path as the catalog speaks of it: the longest beginning that is an alias, replaced.
    pub fn path(&self, path: &str) -> Name {
        self.canonical(Name::new(path))
    }

    /// The same for a name.
    pub fn canonical(&self, path: Name) -> Name {
        CANONICAL.with_borrow_mut(|known| *known.entry((self.number, path)).or_insert_with(|| self.resolved(path)))
    }

    fn resolved(&self, path: Name) -> Name {
        let mut path = path;
        // An alias of an alias is one, too; a circle ends here.
        for _ in 0..4 {
            match self.alias(path) {
                Some(other) => path = other,
                None => return path,
            }
        }
        path
    }

    fn alias(&self, path: Name) -> Option<Name> {
        if let Some(to) = self.aliases.get(&path) {
            return Some(*to);
        }
        let text = path.as_str();
        let mut end = text.len();
        while let Some(at) = text[..end].rfind(['.', '(', '[']) {
            if let Some(to) = self.aliases.get(&Name::new(&text[..at])) {
                return Some(Name::new(&format!("{to}{}", &text[at..])));
            }
            end = at;
        }
        None
    }

    fn paths(&self, paths: &OneOrMore) -> Vec<Name> {
        paths.all().iter().map(|p| self.path(p)).collect()
    }

    fn class_bit(&mut self, class: &str) -> Result<Classes, String> {
        let number = match self.classes.iter().position(|c| c == class) {
            Some(number) => number,
            None if self.classes.len() < MAX_CLASSES => {
                self.classes.push(class.to_owned());
                self.classes.len() - 1
            }
            None => return Err(format!("more than {MAX_CLASSES} classes, `{class}` among them")),
        };
        Ok(1 << number)
    }

    fn class_bits(&mut self, classes: &[String]) -> Result<Classes, String> {
        let mut bits = 0;
        for class in classes {
            bits |= if class == "all" { ALL } else { self.class_bit(class)? };
        }
        Ok(bits)
    }

    /// Returns the bit of a class; 0 where no entry names it.
    pub fn bit_of(&self, class: &str) -> Classes {
        self.classes.iter().position(|c| *c == class).map_or(0, |i| 1 << i)
    }

    /// Returns the bits of several classes together.
    pub fn bits_of(&self, classes: &[&str]) -> Classes {
        classes.iter().fold(0, |all, class| all | self.bit_of(class))
    }

    /// Returns the names of the classes of a set.
    pub fn names_of(&self, classes: Classes) -> Vec<String> {
        let named = self.classes.iter().enumerate().filter(|(i, _)| classes & (1 << i) != 0);
        named.map(|(_, name)| name.to_string()).collect()
    }

    /// Returns which catalog files matter to a text.
    pub fn active(&self, text: &str) -> Vec<bool> {
        self.words.active(text)
    }
}

/// Look-ups. Paths are canonical.
#[expect(missing_docs, reason = "each returns what the table of that name holds")]
impl Catalog {
    pub fn type_of(&self, path: Name) -> Option<Name> {
        self.types.get(&path).copied()
    }

    /// Says whether entries speak of members of this path.
    pub fn knows(&self, path: Name) -> bool {
        self.known.contains(&path)
    }

    pub fn member_sources(&self, path: Name) -> &[Entry<Source>] {
        self.member_sources.get(&path).map_or(&[], Vec::as_slice)
    }

    pub fn call_sources(&self, path: Name) -> &[Entry<Source>] {
        self.call_sources.get(&path).map_or(&[], Vec::as_slice)
    }

    pub fn parameter_sources(&self, path: Name) -> &[Entry<Source>] {
        self.parameter_sources.get(&path).map_or(&[], Vec::as_slice)
    }

    pub fn call_sinks(&self, path: Name) -> &[Entry<Sink>] {
        self.call_sinks.get(&path).map_or(&[], Vec::as_slice)
    }

    pub fn assign_sinks(&self, path: Name) -> &[Entry<Sink>] {
        self.assign_sinks.get(&path).map_or(&[], Vec::as_slice)
    }

    /// Returns the sinks for assignments to a name.
    pub fn name_sinks(&self, name: &str) -> impl Iterator<Item = &Entry<Sink>> {
        let name = name.to_ascii_lowercase();
        self.name_sinks.iter().filter(move |(part, _)| name.contains(part.as_str())).map(|(_, entry)| entry)
    }

    pub fn attribute_sinks(&self, name: Name) -> &[Entry<Sink>] {
        self.attribute_sinks.get(&name).map_or(&[], Vec::as_slice)
    }

    pub fn sanitizers(&self, path: Name) -> &[Entry<Sanitizer>] {
        self.sanitizers.get(&path).map_or(&[], Vec::as_slice)
    }

    /// Says whether an entry speaks of calling this path.
    pub fn speaks_of(&self, path: Name) -> bool {
        self.operations.contains_key(&path)
            || self.call_sinks.contains_key(&path)
            || self.call_sources.contains_key(&path)
            || self.sanitizers.contains_key(&path)
            || self.validators.contains_key(&path)
            || self.callbacks.contains_key(&path)
            || self.types.contains_key(&path.called())
    }

    pub fn validators(&self, path: Name) -> &[Entry<Validator>] {
        self.validators.get(&path).map_or(&[], Vec::as_slice)
    }

    pub fn deciding(&self, path: Name) -> Classes {
        self.deciding.get(&path).copied().unwrap_or(0)
    }

    /// Returns the classes that some part of a thing decides about.
    pub fn decided_by_parts(&self, thing: Name) -> Classes {
        let is_part = |path: &&Name| path.as_str().rsplit_once('.').is_some_and(|(owner, _)| owner == thing.as_str());
        self.deciding.iter().filter(|(path, _)| is_part(path)).fold(0, |all, (_, classes)| all | classes)
    }

    pub fn operation(&self, path: Name) -> Option<(Operation, Subject)> {
        self.operations.get(&path).copied()
    }

    pub fn decorators(&self, path: Name) -> &[Entry<Handler>] {
        self.decorators.get(&path).map_or(&[], Vec::as_slice)
    }

    pub fn callbacks(&self, path: Name) -> &[Entry<Handler>] {
        self.callbacks.get(&path).map_or(&[], Vec::as_slice)
    }

    pub fn handler_classes(&self, path: Name) -> &[Entry<Handler>] {
        self.handler_classes.get(&path).map_or(&[], Vec::as_slice)
    }

    pub fn exported_handlers(&self) -> &[Entry<Handler>] {
        &self.exported
    }

    /// Says whether values of a type cannot carry an attack.
    pub fn is_clean_type(&self, path: Name) -> bool {
        self.clean_types.contains(&path)
    }

    /// Says whether a type stands for its arguments.
    pub fn is_wrapper(&self, path: Name) -> bool {
        self.wrappers.contains(&path)
    }

    /// Says whether only sources that name the class matter to it.
    pub fn wants_own_sources(&self, class: Classes) -> bool {
        self.own_sources & class != 0
    }

    /// Returns the classes to which only sources that name them matter.
    pub fn own_sources(&self) -> Classes {
        self.own_sources
    }

    /// Says whether a constant beginning that fixes the host makes data harmless to the class.
    pub fn is_cleared_by_host(&self, class: Classes) -> bool {
        self.fixed_host & class != 0
    }
}
