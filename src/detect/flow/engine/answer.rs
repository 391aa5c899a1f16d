//! Responses of Python's frameworks: what is sent as HTML, and what turns out not to be.

use super::{Engine, Place};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key};
use crate::detect::flow::value::{Kind, Value};
use crate::syntax::language::Language;

impl Engine<'_> {
    /// Says whether a list stands in square brackets: it is sent as JSON, while of a tuple the first place is the text.
    pub(super) fn is_written_as_list(&self, span: (u32, u32)) -> bool {
        let file = self.module(self.here());
        self.language == Language::Python && file.file().text().as_bytes().get(span.0 as usize) == Some(&b'[')
    }

    /// Says whether what a handler returns is what JSON was parsed to, as a whole: a map or list most often, which is sent as
    /// JSON, and a request with a body of that type comes from no form and no link.
    pub(super) fn is_parsed(&self, value: &Value) -> bool {
        let Kind::Path(path) = &value.kind else { return false };
        self.language == Language::Python
            && [".get_json()", ".json()", ".json", "json.loads()", "json.load()"]
                .iter()
                .any(|of| path.as_str().ends_with(of))
    }

    /// Says whether the headers beside a text say that it is no HTML.
    pub(super) fn is_told_not_html(&self, answer: &Contents) -> bool {
        let headers = answer.list.iter().flatten().skip(1).filter_map(|v| self.state.contents(v.id));
        headers.flat_map(|c| c.entries.clone()).any(|(key, value)| {
            matches!(&key, Key::Name(name) if is_content_type(name.as_str())) && is_no_markup(&value)
        })
    }

    /// Returns where the headers beside a text lead.
    pub(super) fn leads_to(&self, answer: &Contents) -> Option<Value> {
        let headers = answer.list.iter().flatten().skip(1).filter_map(|v| self.state.contents(v.id));
        let location = |key: &Key| matches!(key, Key::Name(name) if name.as_str().eq_ignore_ascii_case("location"));
        headers.flat_map(|c| c.entries.clone()).find(|(key, _)| location(key)).map(|(_, value)| value)
    }

    /// Remembers a response that was made of a stranger's markup, for what is said of its type afterwards.
    pub(super) fn answered(&mut self, result: &Value, place: Place) {
        let markup = self.catalog.bit_of("xss");
        let is_new = |e: &Self| e.found.keys().any(|(at, classes, _)| *at == place && *classes == markup);
        let Kind::Path(path) = result.kind else { return };
        if self.language == Language::Python && is_new(self) {
            let headers = self.catalog.canonical(path.join("headers"));
            self.answers.push(([result.id, super::number(&(result.id, "member", headers))], place));
        }
    }

    /// Takes in what type a response is given after it was made: what is no HTML runs no script.
    pub(super) fn typed_afterwards(&mut self, object: &Value, name: Name, key: Option<&Value>, value: &Value) {
        if self.answers.is_empty() || !is_no_markup(value) {
            return;
        }
        let is_type = match key {
            Some(key) => key.as_text().is_some_and(is_content_type),
            None => is_content_type(name.as_str()) || name.as_str() == "mimetype",
        };
        if !is_type {
            return;
        }
        let markup = self.catalog.bit_of("xss");
        let fits: Vec<Place> =
            self.answers.iter().filter(|(ids, _)| ids.contains(&object.id)).map(|(_, at)| *at).collect();
        self.found.retain(|(at, classes, _), _| *classes != markup || !fits.contains(at));
    }
}

fn is_content_type(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-type") || name == "content_type"
}

/// Says whether a content type is known to be one that runs no script.
pub(super) fn is_no_markup(of: &Value) -> bool {
    let plain = |of: &str| {
        let of = of.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        of.contains('/') && !["html", "xml", "svg"].iter().any(|markup| of.contains(markup))
    };
    of.as_text().is_some_and(plain)
}
