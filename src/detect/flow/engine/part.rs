//! Labels of parts and forms of data: where they come in, and what was found out of the whole.

use super::call::Args;
use super::{Engine, Place};
use crate::detect::flow::catalog::schema::Source;
use crate::detect::flow::catalog::{ALL, Classes, Entry, NO_PARENT, NOT_ABSOLUTE, ONE_SEGMENT, ONE_SLASH, OWN_HOST};
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Data, Kind, Labels, Value};
use std::rc::Rc;

impl Engine<'_> {
    /// Returns the labels of data that was decoded, or is a part of an address: what kept the whole harmless is gone.
    pub(super) fn decoded(&self, labels: &Labels) -> Labels {
        let gone = ["log", "header", "email", "xss", "ssrf", "redirect", "sql", "command", "path", "ldap", "xpath"];
        let gone = gone.iter().fold(0, |all, class| all | self.catalog.bit_of(class));
        let form = ONE_SEGMENT | OWN_HOST | NO_PARENT | NOT_ABSOLUTE | ONE_SLASH;
        labels.map(|label| label.cleaned &= !(gone | form)).cut()
    }

    /// Returns whose harmlessness a check of this part or form of a value decides.
    pub(super) fn decided(&self, path: Name, whole: &Value) -> Option<(u64, Classes)> {
        let classes = self.catalog.deciding(path);
        let (id, of) = whole.origin.unwrap_or((whole.id, ALL));
        (classes & of != 0).then_some((id, classes & of))
    }

    /// Returns the labels that reading a path gives.
    pub(super) fn source_labels(&mut self, path: Name, place: Place) -> Labels {
        let catalog = self.catalog;
        let mut labels = Labels::default();
        for entry in catalog.member_sources(path) {
            if self.is_active(entry.file) && entry.of.named.is_empty() {
                labels = labels.join(&self.label(entry, place));
            }
        }
        labels
    }

    /// Returns what stands under a name where the catalog tells it from the rest: a variable that a web server sets, among
    /// those of the environment.
    pub(super) fn named_source(&self, object: &Value, name: Name, place: Place) -> Option<Value> {
        let entry = self.named_sources(object).find(|entry| entry.of.is_named(name.as_str()))?;
        let id = super::number(&(object.id, "named", name));
        let value = Data { labels: self.label(entry, place), ..Data::new(id, Kind::Unknown) };
        Some(self.state.checked(&Rc::new(value)))
    }

    fn named_sources(&self, object: &Value) -> impl Iterator<Item = &Entry<Source>> {
        let of = if let Kind::Path(of) = object.kind { Some(of) } else { None };
        let entries = of.into_iter().flat_map(|of| self.catalog.member_sources(of));
        entries.filter(|entry| self.is_active(entry.file) && !entry.of.named.is_empty())
    }

    /// Returns a map that is made of a whole in which the catalog tells names apart: they stand for the same in it.
    pub(super) fn copy_of_named(&mut self, whole: &Value, args: &Args, span: (u32, u32)) -> Option<Value> {
        let is_whole = args.all().count() == 1 && self.named_sources(whole).next().is_some();
        is_whole.then(|| {
            let id = super::number(&(whole.id, "copy", span));
            if let Some(contents) = self.state.contents(whole.id).map(|c| c.as_ref().clone()) {
                self.state.set_contents(id, contents);
            }
            Rc::new(Data { labels: whole.labels.clone(), ..Data::new(id, whole.kind.clone()) })
        })
    }

    /// Returns a value that is put into a part of a thing as it then matters: the query of a URL does not decide where it
    /// leads. What decides and is nobody's word makes the thing harmless, whatever it was made of.
    pub(super) fn beside_what_decides(&mut self, object: &Value, name: Name, value: &Value) -> Value {
        let Kind::Path(path) = &object.kind else { return value.clone() };
        let decided = self.catalog.deciding(path.member(name));
        if decided != 0 && self.state.reach(value).is_empty() {
            self.state.clean(object.id, decided);
        }
        if value.labels.is_empty() || object.is_name {
            return value.clone();
        }
        value.with_labels(value.labels.cleaned(self.catalog.decided_by_parts(*path) & !decided))
    }
}

/// Returns the name that a value is, as text or as bytes.
pub(super) fn name_in(value: &Value) -> Option<&str> {
    match &value.kind {
        Kind::Const(Const::Bytes(bytes)) => std::str::from_utf8(bytes).ok(),
        _ => value.as_text(),
    }
}

/// Says whether a member of an upload is chosen by the server.
pub(super) fn is_own_name_of_upload(object: &Value, name: &str) -> bool {
    matches!(name, "path" | "filepath" | "destination" | "size" | "newFilename" | "tempFilePath")
        && !object.labels.is_empty()
        && object.labels.all().iter().all(|label| label.origin.what == "an uploaded file")
}
