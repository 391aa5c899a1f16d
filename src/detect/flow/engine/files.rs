//! Files that are written and read again within a function: what was put under a path comes out of it.

use super::Engine;
use super::call::Args;
use super::member::Key;
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Data, Kind, Labels, Value};
use crate::syntax::language::Language;
use std::rc::Rc;

/// The type that catalogs give to an open file.
const FILE: &str = "io.File";
/// The key under which an open file remembers its path.
const PATH: &str = "(path)";

/// Endings of files that are written with a program, not by it.
const OF_PROGRAM: [&str; 13] =
    ["html", "htm", "css", "js", "mjs", "cjs", "ts", "svg", "ejs", "pug", "hbs", "mustache", "njk"];

impl Engine<'_> {
    /// Writes arguments to the stream that one of them names.
    pub(super) fn printed(&mut self, args: &Args, span: (u32, u32)) -> Option<Value> {
        let (stream, _) = args.by_name("file")?;
        let stream = stream.id;
        let written = self.text_of(&args.positional, span);
        if !written.labels.is_empty() {
            self.state.contents_mut(stream).blur(&written);
        }
        Some(Data::constant(Const::Null))
    }

    /// Takes in what a call writes to a file, and adds to its result what it reads from one.
    pub(super) fn through_files(
        &mut self,
        keys: &[Name],
        receiver: Option<&Value>,
        args: &Args,
        result: Value,
    ) -> Value {
        if self.language != Language::Python {
            return result;
        }
        let (Some(key), first) = (keys.first(), args.value(0)) else { return result };
        let written = match (receiver, first, key.last()) {
            // A path writes its argument, an upload itself.
            (Some(path), Some(data), "write_text" | "write_bytes") => Some((path.id, self.state.reach(data))),
            (Some(file), Some(data), "write" | "writelines") if is_file(file) => {
                let path = self.state.contents(file.id).and_then(|c| c.get(&Key::Name(Name::new(PATH))).ok().cloned());
                path.map(|path| (path.id, self.state.reach(data)))
            }
            (Some(upload), Some(path), "save") => Some((path.id, self.state.reach(upload))),
            _ => None,
        };
        if let Some((path, labels)) = written {
            if !labels.is_empty() {
                let held = Data::unknown(super::number(&("written", path)), labels);
                self.state.contents_mut(content_id(path)).blur(&held);
            }
            return result;
        }
        if !is_file(&result) || receiver.is_some_and(|r| matches!(r.kind, Kind::Object(_))) {
            return result;
        }
        let is_method = key.as_str().starts_with("pathlib.");
        let Some(path) = (if is_method { receiver } else { first }) else { return result };
        let id = super::number(&("opened", result.id, path.id));
        self.state.contents_mut(id).set(Key::Name(Name::new(PATH)), path.clone());
        let labels = self.written_under(path);
        Rc::new(Data { id, labels: result.labels.join(&labels), ..result.as_ref().clone() })
    }

    /// Returns what was written to the file of a path.
    pub(super) fn written_under(&self, path: &Value) -> Labels {
        match self.state.contents(content_id(path.id)).and_then(|c| c.rest.clone()) {
            Some(held) => held.labels.clone(),
            None => Labels::default(),
        }
    }
}

/// Says whether a value is an open file.
pub(super) fn is_file(value: &Value) -> bool {
    matches!(value.kind, Kind::Path(path) if path.as_str() == FILE)
}

fn content_id(path: u64) -> u64 {
    super::number(&("file", path))
}

/// Says whether a path leads to a file of the program itself.
pub(super) fn is_own_file(path: &Value) -> bool {
    match &path.kind {
        Kind::Path(path) => matches!(path.as_str(), "__dirname" | "__filename"),
        // A page or program at a place of its own is a part of the program.
        Kind::Const(Const::Text(text)) => {
            let ending = text.rsplit('.').next().unwrap_or_default();
            !text.starts_with(['/', '~', '\\']) && !text.contains(':') && OF_PROGRAM.contains(&ending)
        }
        _ => false,
    }
}
