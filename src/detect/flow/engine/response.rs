//! What is set on a response before something is sent with it.

use super::Engine;
use super::call::Args;
use super::member::Key;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::{Data, Kind, Value};

/// Short names of content types.
const SHORT: [(&str, &str); 10] = [
    ("html", "text/html"),
    ("text", "text/plain"),
    ("txt", "text/plain"),
    ("json", "application/json"),
    ("csv", "text/csv"),
    ("css", "text/css"),
    ("js", "text/javascript"),
    ("xml", "application/xml"),
    ("svg", "image/svg+xml"),
    ("bin", "application/octet-stream"),
];

impl Engine<'_> {
    /// Sets a header, or the content type.
    pub(super) fn response_operation(&mut self, operation: Operation, object: &Value, args: &Args) -> Option<Value> {
        match operation {
            Operation::SetType => {
                let of = args.value(0)?.clone();
                self.set_content_type(object, &of);
            }
            Operation::SetHeader => {
                if let (Some(name), Some(value)) = (args.value(0).and_then(|v| v.as_text()), args.value(1))
                    && name.eq_ignore_ascii_case("content-type")
                {
                    self.set_content_type(object, &value.clone());
                }
                for value in args.positional.iter().map(|(v, _)| v) {
                    let contents = self.state.contents(value.id);
                    let given = contents.iter().flat_map(|c| &c.entries).find_map(|(key, value)| match key {
                        Key::Name(name) if name.as_str().eq_ignore_ascii_case("content-type") => Some(value.clone()),
                        _ => None,
                    });
                    if let Some(of) = given {
                        self.set_content_type(object, &of);
                    }
                }
            }
            _ => return None,
        }
        Some(object.clone())
    }

    pub(super) fn set_content_type(&mut self, object: &Value, of: &Value) {
        let of = match of.as_text().or(Some(of.prefix()).filter(|p| p.contains(';'))) {
            Some(text) => Data::constant(Const::Text(plain_type(text).into())),
            None => of.clone(),
        };
        if matches!(object.kind, Kind::Path(path) if path.as_str() == PRESENT) {
            self.state.contents_mut(present()).set(Key::Name(Name::new("type")), of.clone());
        }
        self.state.contents_mut(object.id).set(Key::Name(Name::new("type")), of);
    }
}

/// The response that is made of what a handler returns, where it is a variable of the framework.
const PRESENT: &str = "bottle.response";

/// Returns the number under which is kept what is known of the present response, however the code names it.
fn present() -> u64 {
    super::number(&("present", PRESENT))
}

impl Engine<'_> {
    /// Returns the type that the present response was given.
    pub(super) fn present_type(&self) -> Option<Value> {
        self.state.contents(present())?.get(&Key::Name(Name::new("type"))).ok().cloned()
    }
}

/// Returns a content type without its parameters, in small letters and in full.
fn plain_type(text: &str) -> String {
    let text = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let short = text.trim_start_matches('.');
    SHORT.iter().find(|(name, _)| *name == short).map_or(text.clone(), |(_, full)| (*full).to_owned())
}

#[cfg(test)]
mod tests {
    use super::plain_type;

    #[test]
    fn content_types_have_one_form() {
        assert_eq!(plain_type("text/HTML; charset=utf-8"), "text/html");
        assert_eq!(plain_type("json"), "application/json");
        assert_eq!(plain_type(".html"), "text/html");
        assert_eq!(plain_type("image/png"), "image/png");
    }
}
