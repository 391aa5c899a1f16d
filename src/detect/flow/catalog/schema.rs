//! The form of a catalog file, `rules/<language>/flow/<library>.yml`: what one library's names mean to the flow engine.
//!
//! # Paths
//!
//! Everything is named by the dotted path that a name resolves to through imports and aliases:
//!
//! - `subprocess.run`: what a module holds; `open`, `document.cookie`: what is there without an import.
//! - `sqlite3.Cursor.execute`: a member of a type. What has a type is said under `types`, by annotations of the code, and by
//!   convention: calling a path whose last part has a capital (`requests.Session`) or ends in `.new` gives that type.
//! - `flask.Flask()`: what a call gives; `flask.session[]`: an element.
//! - `*.execute`: a member of something whose type is not known.
//! - JavaScript modules keep their name: `child_process.exec`, `@nestjs/common.Body`; the default export is the module itself.
//! - Rust paths are written with dots: `std.process.Command.new`, `actix_web.web.Query`; macros end in `!`.

use crate::detect::rules::schema::Examples;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A catalog file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogFile {
    /// The library, or the group of them, in words.
    pub library: String,
    /// Words of which a file (or one that it imports) must hold one for this catalog to matter; empty for the language's own.
    #[serde(default)]
    pub words: Vec<String>,
    /// Other paths of the same thing, from the other path to the one that the rest of the catalog speaks of:
    /// `django.utils.html.escape: html.escape`, `flask.wrappers.Request: flask.Request`.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// Types of members, calls and elements: `sqlite3.connect(): dbapi.Connection`, `dbapi.Connection.cursor(): dbapi.Cursor`,
    /// `express.Request.app: express.Application`, `*.cursor(): dbapi.Cursor`.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
    /// Where data comes in.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// Where it does harm.
    #[serde(default)]
    pub sinks: Vec<Sink>,
    /// What makes it harmless.
    #[serde(default)]
    pub sanitizers: Vec<Sanitizer>,
    /// What tells harmless from harmful.
    #[serde(default)]
    pub validators: Vec<Validator>,
    /// Which functions a framework calls, and with what.
    #[serde(default)]
    pub handlers: Vec<Handler>,
    /// Parts and parsed forms of a text whose check decides about the whole, for these classes: a host name that is in a list
    /// makes the address harmless. `URL.hostname: [ssrf, redirect]`, `URL(): [ssrf, redirect]`.
    #[serde(default)]
    pub deciding: BTreeMap<String, OneOrMore>,
    /// What calls do that the engine has an operation for: `list.append: push`, `str.lower: lower`. See
    /// [`super::operation::Operation`].
    #[serde(default)]
    pub operations: BTreeMap<String, String>,
    /// Types whose values cannot carry an attack, where annotations or conversions name them: `int`, `uuid.UUID`, `u32`.
    #[serde(default)]
    pub clean_types: Vec<String>,
    /// Types that stand for their first argument: `Optional`, `Annotated`, `Vec`, `Promise`.
    #[serde(default)]
    pub wrappers: Vec<String>,
    /// The catalog's own tests, where it has things that no flow rule's examples show.
    #[serde(default)]
    pub examples: Vec<CatalogExample>,
}

/// A test of a catalog.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogExample {
    /// The class that is expected, or not.
    pub class: String,
    /// Code.
    #[serde(flatten)]
    pub code: Examples,
}

/// One or several paths.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

impl OneOrMore {
    /// Returns them all.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

/// Where data comes in. One of `member`, `call`, `parameter` is given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Reading these paths gives it: `flask.request.args`, `express.Request.body`. What is read from or called on the result
    /// carries it, too.
    pub member: Option<OneOrMore>,
    /// Calling these paths gives it: `input`, `axum.body.to_bytes`.
    pub call: Option<OneOrMore>,
    /// Parameters annotated with these types hold it: `axum.extract.Path`, `actix_web.web.Json`; parameter decorators too:
    /// `@nestjs/common.Body`; and Python defaults that are such calls: `fastapi.Query`.
    pub parameter: Option<OneOrMore>,
    /// An argument of a matching `call` that is filled with it (`read_line(&mut line)`): its position.
    pub fills: Option<u32>,
    /// An argument of a matching `call` of which it is one element, as it is: its position. Where the call is not repeated and
    /// the argument is no text, what it gives is no secret that the program makes (`random.choice(servers)`).
    pub picks: Option<u32>,
    /// The only names under which it stands there (the key that is read, the first argument of the call), perhaps with a `*` at
    /// the end: what entries without names say does not count for these.
    #[serde(default)]
    pub named: Vec<String>,
    /// How far it is to be trusted.
    pub trust: Trust,
    /// What it is, in words that fit "... flows to": `query string`, `a form field`.
    pub what: String,
    /// Classes that it is harmless to until it is decoded: the address of a request holds no line end, but may hold `%0a`.
    #[serde(default)]
    pub encoded: Vec<String>,
    /// How it begins: `page`, as the page that runs the code, so that as the target of a redirect it leads nowhere else while
    /// its beginning is there; `path`, with a slash, as the address of a request, so that it hardly does.
    pub begins: Option<Beginning>,
    /// The only classes that it matters to: weak random numbers matter to `weak-random` alone.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Whether what it reaches is no more than a hint: data that a stranger seldom chose.
    #[serde(default)]
    pub hint: bool,
}

impl Source {
    /// Says whether a name is one of those under which alone it stands.
    pub fn is_named(&self, name: &str) -> bool {
        self.named.iter().any(|named| match named.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == named,
        })
    }
}

/// Whose data it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Anyone on the network: request data, messages from other windows.
    Remote,
    /// Message queues, sockets, answers of other services.
    Peer,
    /// Files and databases.
    Stored,
    /// Command-line arguments, standard input.
    Operator,
    /// Environment variables.
    Environment,
    /// A parameter of a function that others call: unknown.
    Parameter,
    /// Made by the program itself; dangerous for what it is, not for whom it comes from (weak random numbers).
    Own,
}

impl Trust {
    /// Returns the word that catalogs and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Remote => "remote",
            Self::Peer => "peer",
            Self::Stored => "stored",
            Self::Operator => "operator",
            Self::Environment => "environment",
            Self::Parameter => "parameter",
            Self::Own => "own",
        }
    }
}

/// How an address begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Beginning {
    /// As the page that runs the code.
    Page,
    /// With a slash, as the address of a request.
    Path,
}

/// Where data does harm. One of `call`, `assign`, `attribute` is given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sink {
    /// Calling these paths.
    pub call: Option<OneOrMore>,
    /// Assigning to these places: `*.innerHTML`, `window.location`, `flask.session[]`; `*[]` is any element by a computed key.
    pub assign: Option<OneOrMore>,
    /// Attributes in markup: `dangerouslySetInnerHTML`.
    pub attribute: Option<OneOrMore>,
    /// The class of weakness, as a flow rule names it: `sql`.
    pub class: String,
    /// Which data matters: a position (`0`), a name (`sql`), `receiver`, `any` argument, `named` (those by name), `rest:1` (from
    /// position 1 on), `value`
    /// and `key` (of an assignment). A part of it follows in brackets or after a dot: `0[0]` first element, `0[1..]` the elements
    /// after it, `0[shell]` the command text of a shell's argument vector (`["sh", "-c", text]`), `0.url` the value under a key,
    /// `0[]` every element, `0.keys` the keys of a map. Default: `0`, for assignments `value`.
    #[serde(default)]
    pub args: Vec<String>,
    /// Other arguments that must have a value for the sink to be one: `shell: true`. Keys are positions, names, or `0.name` for
    /// options objects, `0[1]` and `0[]` for elements of a list. Values: a constant, a list of constants (any of them), or
    /// `present`, `absent`, `text` (not a list), `built` (a text that the code makes of parts), `markup` (a text that may
    /// begin with a tag), `constant` (whatever its value).
    #[serde(default)]
    pub when: BTreeMap<String, serde_json::Value>,
    /// The same for what makes it none: `usedforsecurity: false`.
    #[serde(default)]
    pub unless: BTreeMap<String, serde_json::Value>,
    /// Constants that are harmful as such, in any case of letters, `-` and `_` ignored: for `hashlib.new`, `md5` and `sha1`.
    /// No outside data is needed then.
    #[serde(default)]
    pub values: Vec<String>,
    /// Whether reaching the call is enough, `when` and `unless` granted: a cookie without its flags.
    #[serde(default)]
    pub always: bool,
    /// Whether what arrives is no more than a hint: the library refuses what would do real harm.
    #[serde(default)]
    pub hint: bool,
}

/// What makes data harmless: its result carries nothing that matters to these classes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sanitizer {
    /// Calling these paths, or reading them where they are members; types as conversions too.
    pub call: OneOrMore,
    /// The classes; `all` for conversions to numbers, lengths, lookups and whatever else returns none of what it was given.
    #[serde(rename = "for")]
    pub classes: OneOrMore,
    /// What an escape for markup leaves that does harm in some places of it: `scheme` (an address may begin with
    /// `javascript:`), `quotes`.
    #[serde(default)]
    pub leaves: Vec<String>,
    /// Conditions on arguments, as for sinks.
    #[serde(default)]
    pub when: BTreeMap<String, serde_json::Value>,
}

/// A check: where it holds, the value is harmless to these classes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// Calling these paths gives the truth about the value: `*.isalnum`, `validator.isUUID`.
    pub call: OneOrMore,
    /// What is checked: a position, a name, or `receiver`; `named` for all that is given under a name and looked up exactly
    /// (`get(name=x)`, not `get(name__contains=x)`), which the call raises without. Default `0`.
    #[serde(default)]
    pub value: Option<String>,
    /// The classes; `all` where the value can then hold nothing that matters to any.
    #[serde(rename = "for")]
    pub classes: OneOrMore,
    /// Whether a failure ends the path by itself (`uuid.UUID(x)` raises), so that the value is harmless after it.
    #[serde(default)]
    pub raises: bool,
    /// Whether the call says the opposite: true means harmful.
    #[serde(default)]
    pub negative: bool,
    /// Where the pattern of a regular-expression match stands: a position or `receiver` (compiled). The match then counts only
    /// if the pattern leaves nothing harmful: anchored, or `full`.
    pub pattern: Option<String>,
    /// Whether the match is always of the whole text.
    #[serde(default)]
    pub full: bool,
}

/// Which functions a framework calls. One of `decorator`, `callback`, `class`, `exported`, `first_parameter`, `directive` is given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Handler {
    /// Functions with these decorators or attributes: `flask.Flask.route`, `*.get`, `actix_web.get`.
    pub decorator: Option<OneOrMore>,
    /// Functions given to these calls, at any position, also inside arrays and options objects, or assigned to these places:
    /// `express.Application.get`, `window.onmessage`.
    pub callback: Option<OneOrMore>,
    /// Methods of classes with these bases or decorators: `django.views.View`, `tornado.web.RequestHandler`.
    pub class: Option<OneOrMore>,
    /// Names of the methods, where `class` is given: `get`, `post`; empty: all; or decorators of methods (`@nestjs/common.Get`).
    #[serde(default)]
    pub methods: Vec<String>,
    /// Exported functions with these names in files whose path ends so: `GET` in `route.ts`.
    pub exported: Option<OneOrMore>,
    /// Endings of file paths for `exported`.
    #[serde(default)]
    pub files: Vec<String>,
    /// Functions whose first parameter's name is one of these, in files that hold one of the catalog's words: Django's `request`.
    pub first_parameter: Option<OneOrMore>,
    /// Functions in whose body this directive stands first, and those that are exported by files in which it does:
    /// `use server`.
    pub directive: Option<OneOrMore>,
    /// How many parameters the function must have: Express calls those with four for errors. An entry with the right number
    /// comes before one without.
    pub count: Option<usize>,
    /// Other arguments of the `callback` call that must have a value, as for sinks: `'0': upgrade`. Such an entry, where it
    /// holds, comes before one without.
    #[serde(default)]
    pub when: BTreeMap<String, serde_json::Value>,
    /// What the parameters are, in order, after `self`: a type (`express.Request`), `remote` for data of the caller,
    /// `_` for nothing of interest, `parameter` for what unknown callers may give; the last one repeats when it is followed by `...`: `[django.http.HttpRequest, remote, ...]`.
    #[serde(default)]
    pub parameters: Vec<String>,
    /// Whether a function given to `callback` is called about when the call is made: what follows sees what it has set.
    #[serde(default)]
    pub at_once: bool,
    /// The parameter type whose content type must have been set to HTML for what is returned to be a sink:
    /// `fastify.FastifyReply`.
    #[serde(default)]
    pub html_where: Option<String>,
    /// The class of sink that a returned text is: `xss` where it is sent as HTML.
    #[serde(default)]
    pub returns: Option<String>,
}

/// Returns the JSON schema of a catalog file, with a line feed at the end.
pub fn json() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(CatalogFile)).expect("a schema is JSON") + "\n"
}
