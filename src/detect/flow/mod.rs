//! Follows data from where it comes in to where it does harm.
//!
//! Each language is lowered to one small representation ([`ir`]); one engine runs over it; what libraries mean is
//! data ([`catalog`]). Other files come from a [`SourceProvider`] that the caller passes in.

mod alike;
pub mod catalog;
pub mod detector;
pub mod engine;
mod finding;
pub mod ir;
mod joined;
mod label;
mod layers;
pub mod lower;
pub mod name;
mod outcome;
pub mod packages;
#[cfg(test)]
pub(crate) mod print;
mod state;
mod value;
mod words;

use crate::path::RepoPath;
use crate::syntax::SourceFile;
use catalog::schema::Trust;
use std::sync::Arc;

/// Gives the other files of one side of a change: those that the analysed file imports.
pub trait SourceProvider: Sync {
    /// Returns a file, parsed and lowered; `None` where there is none, or it cannot be read. Asked often for the same
    /// path and for paths that do not exist: it should remember both.
    fn load(&self, path: &RepoPath) -> Option<Arc<Loaded>>;

    /// Returns the text of a file that says something of a project, such as `package.json`; `None` as above.
    fn text(&self, _path: &RepoPath) -> Option<Arc<str>> {
        None
    }

    /// Notes that names were not looked for, since the file imports too many.
    fn cut(&self) {}
}

/// No other files: a patch, or a snippet.
pub struct NoOthers;

impl SourceProvider for NoOthers {
    fn load(&self, _: &RepoPath) -> Option<Arc<Loaded>> {
        None
    }
}

/// A file, parsed and lowered.
pub struct Loaded {
    /// The file.
    pub file: SourceFile,
    /// What the engine works on.
    pub module: ir::Module,
}

/// Data that reaches a place where it does harm.
#[derive(Debug, Clone)]
pub struct Flow {
    /// The class of weakness: `sql`.
    pub class: String,
    /// Whose data it is.
    pub trust: Trust,
    /// What the source is, in words: `query string`.
    pub what: String,
    /// Path of what is called or assigned at the sink: `sqlite3.Cursor.execute`.
    pub sink: String,
    /// From the source to the sink, both included. One step only where no data is needed (`always`, `values`).
    pub steps: Vec<FlowStep>,
    /// Calls on the way that clean for other classes: path, and the classes that they do clean for.
    pub sanitizers: Vec<(String, Vec<String>)>,
    /// Whether the data went through code that is not known (a library's function without a model).
    pub guessed: bool,
    /// Whether it is no more than a hint, which never blocks.
    pub hint: bool,
}

/// A step of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowStep {
    /// Which file: 0 is the analysed one, others are numbered in [`Flows::files`] from 1.
    pub file: usize,
    /// Bytes of that file.
    pub range: (u32, u32),
    /// What happens there.
    pub kind: StepKind,
}

/// What happens at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    /// The data comes in.
    Source,
    /// It is put into a variable, field or element of this name.
    Assign(String),
    /// It is given to a function of this name as an argument.
    Argument(String),
    /// A function of this name returns it.
    Return(String),
    /// A call of this path cleans it for other classes only.
    Sanitized(String),
    /// It becomes part of a text or collection.
    Part,
    /// It goes through code that is not known, by this name.
    Through(String),
    /// It goes through a library's function of this name, which the catalog speaks of.
    Known(String),
    /// It does harm.
    Sink,
}

/// What harm may be done by all that reached a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// None: constants, numbers, data that was cleaned or checked.
    None,
    /// What whoever starts the program or sets it up wants.
    OfOperator,
    /// Any.
    Any,
}

/// What reached a place.
#[derive(Debug, Clone, Copy)]
pub struct Settled {
    /// The place, in bytes of the analysed file.
    pub range: (u32, u32),
    /// The classes of weakness that it is about.
    pub classes: catalog::Classes,
    /// The worst of all times that the place was reached.
    pub harm: Harm,
    /// Whether it is a sink, which tells of all that does harm there; otherwise a text that is put together.
    pub is_sink: bool,
}

/// Everything that the engine found in a file.
#[derive(Default)]
pub struct Flows {
    /// The flows, by position of the sink.
    pub flows: Vec<Flow>,
    /// Other files that steps lie in; number 1 is the first.
    pub files: Vec<Arc<Loaded>>,
    /// What is known of places of sinks and of texts that are put together; empty where the analysis is incomplete.
    pub settled: Vec<Settled>,
    /// Why the analysis is incomplete, where it is: a sentence without a full stop.
    pub incomplete: Option<String>,
}
