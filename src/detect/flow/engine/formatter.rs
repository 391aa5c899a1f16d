//! What the application's own configuration makes of lines of logs: a formatter that escapes line breaks, or writes JSON.
//!
//! Where a line is written does not tell how; the file that does is looked for beside and above the analysed one, under the
//! names that such files have.

use super::Engine;
use crate::detect::flow::Loaded;
use crate::detect::flow::ir::{ExprKind, Method, StmtKind};
use crate::path::RepoPath;
use crate::syntax::language::Language;

/// Names of files that set logs up, without their ending.
const FILES: [&str; 12] = [
    "log",
    "logs",
    "logger",
    "logging",
    "log_config",
    "logging_config",
    "log_utils",
    "log_formatter",
    "formatter",
    "formatters",
    "root_logger",
    "settings",
];
/// Folders that such files lie in, beside the analysed one or above it.
const FOLDERS: [&str; 7] = ["", "lib/", "utils/", "core/", "common/", "config/", "log/"];
/// How many folders above the analysed file are looked at, the nearest first.
const LEVELS: usize = 5;
/// What a formatter has in it that leaves no line break in a line.
const ESCAPES: [&str; 9] = [
    "isprintable",
    "string.printable",
    r"\n",
    r"\r",
    r"\x00",
    "json.dumps",
    "unicode_escape",
    "unicode-escape",
    "category(",
];
/// Libraries whose formatters write JSON, as settings name them.
const OF_JSON: [&str; 6] =
    ["pythonjsonlogger", "JSONRenderer", "ecs_logging", "json_log_formatter", "logstash_formatter", "JsonFormatter"];

impl Engine<'_> {
    /// Says whether the application writes its logs so that a value can begin no new line.
    pub(super) fn writes_whole_lines(&mut self) -> bool {
        if self.language != Language::Python {
            return false;
        }
        if let Some(known) = self.whole_lines {
            return known;
        }
        let found = self.candidates().iter().any(|path| self.others.load(path).is_some_and(|l| escapes_lines(&l)));
        self.whole_lines = Some(found);
        found
    }

    fn candidates(&self) -> Vec<RepoPath> {
        let handle = self.module(0);
        let own = handle.file().path.as_str();
        let mut folders: Vec<&str> = own.match_indices('/').map(|(at, _)| &own[..=at]).collect();
        folders.insert(0, "");
        let nearest = folders.iter().rev().take(LEVELS);
        let paths = nearest.flat_map(|above| {
            FOLDERS.iter().flat_map(move |folder| FILES.iter().map(move |file| format!("{above}{folder}{file}.py")))
        });
        paths.map(|path| RepoPath::from_bytes(path.as_bytes())).collect()
    }
}

/// Says whether a file has a formatter of logs that escapes, or sets one up that writes JSON.
fn escapes_lines(loaded: &Loaded) -> bool {
    let text = loaded.file.text();
    let is_set_up = text.contains("logging") || text.contains("structlog");
    if is_set_up && OF_JSON.iter().any(|name| text.contains(name)) {
        return true;
    }
    let module = &loaded.module;
    module.classes.iter().any(|class| {
        let is_formatter = class.bases.iter().any(|base| match &module.expr(*base).kind {
            ExprKind::Name(name) | ExprKind::Member(_, name) => name.as_str().ends_with("Formatter"),
            _ => false,
        });
        let bodies = class.body.iter().filter_map(|stmt| match stmt.kind {
            StmtKind::Function(id) if module.function(id).method != Method::Static => Some(module.function(id).span),
            _ => None,
        });
        let mut bodies = bodies.filter_map(|(from, to)| text.get(from as usize..to as usize));
        is_formatter && bodies.any(|body| body.contains("def format") && ESCAPES.iter().any(|sign| body.contains(sign)))
    })
}
