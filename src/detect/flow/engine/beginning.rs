//! Texts that begin with something that no stranger sent: the address of a service, and what follows it.

use super::Engine;
use crate::detect::flow::catalog::schema::Trust;
use crate::detect::flow::catalog::{Catalog, OWN_HOST, OWN_PAGE, OWN_PATH};
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Key;
use crate::detect::flow::value::{Kind, Labels, Value};

/// What is known of how a text begins that is made of parts.
#[derive(Clone, Copy, Default)]
pub(super) struct Beginning {
    /// Whether it begins with something that no stranger sent, such as the address of a service.
    is_trusted: bool,
    /// Whether something that a stranger sent came before.
    is_foreign: bool,
    /// Whether the host has ended: a path, a query or a fragment has begun.
    path: bool,
    /// Whether it was more than a slash.
    query: bool,
    parts: u32,
}

impl Beginning {
    /// Looks at how a part begins: what is in it besides comes after that.
    pub(super) fn begin(&mut self, part: &Value) {
        let text = part.prefix();
        if self.parts == 0 || text.is_empty() {
            return;
        }
        if self.parts == 1 && text.starts_with("://") {
            // It was no more than the scheme.
            self.is_trusted = false;
        }
        let is_path = text.starts_with('/') && !text.starts_with("//");
        self.path |= is_path && self.parts == 1;
        self.query |= text.contains(['?', '#']) || (is_path && self.parts == 1 && text.len() > 1);
    }

    /// Adds a part, which may be of a stranger.
    pub(super) fn add(&mut self, part: &Value, is_foreign: bool) {
        if self.parts == 0 && part.as_text().is_some_and(|text| text.ends_with("://")) {
            return;
        }
        if self.parts == 0 {
            self.is_trusted = !is_foreign && part.as_const().is_none();
        }
        self.parts += 1;
        // Behind the host anything may follow.
        self.is_foreign |= is_foreign && !self.path && !self.query;
    }

    /// Returns the classes that what follows is harmless to: `${base}/users/` has settled the host.
    pub(super) fn harmless(&self, catalog: &Catalog) -> u64 {
        if !self.is_trusted {
            return 0;
        }
        if self.is_foreign {
            return OWN_HOST;
        }
        let ssrf = if self.path || self.query { catalog.bit_of("ssrf") } else { 0 };
        OWN_HOST | ssrf | if self.path || self.query { catalog.bit_of("redirect") } else { 0 }
    }

    /// Says whether what is known helps where the text is a part of a longer one.
    pub(super) fn is_of_use(&self) -> bool {
        self.is_trusted && !self.is_foreign
    }
}

impl Engine<'_> {
    /// Returns a text, or an object as a text, in another form.
    pub(super) fn recoded(&self, object: &Value) -> Value {
        let kind = match &object.kind {
            Kind::Const(Const::Text(_)) => object.kind.clone(),
            _ => Kind::Unknown,
        };
        let value = self.derived("recode", &[object], kind);
        let value = self.with_beginning(object, value);
        let value = value.with_labels(value.labels.cut());
        if matches!(object.kind, Kind::Object(_)) { value.with_labels(value.labels.of_others()) } else { value }
    }

    /// Returns what a conversion made of a text: what an address begins with it still does when it is parsed.
    pub(super) fn with_beginning(&self, text: &Value, made: Value) -> Value {
        let fixed = super::compare::fixes_host(text.prefix()) && made.as_text().is_none();
        let places = if fixed { self.catalog.bit_of("ssrf") | self.catalog.bit_of("redirect") } else { 0 };
        made.with_labels(made.labels.cleaned(places))
    }

    /// Says whether data at the beginning of an address may lead to a host that a stranger chose: that of who installed the
    /// program does not, nor what follows an address of his.
    pub(super) fn may_lead_away(&self, labels: &Labels) -> bool {
        let ssrf = self.catalog.bit_of("ssrf");
        labels.all().iter().any(|label| {
            let matters = label.origin.only == 0 || label.origin.only & ssrf != 0;
            let is_own = matches!(label.origin.trust, Trust::Operator | Trust::Environment);
            matters && !is_own && label.cleaned & (OWN_HOST | OWN_PATH | OWN_PAGE) == 0
        })
    }

    /// Returns the labels of what is the base of an address: that of the request or page itself leads nowhere else.
    pub(super) fn as_base(&self, labels: &Labels) -> Labels {
        let redirect = self.catalog.bit_of("redirect");
        labels.map(|label| {
            if label.origin.what.starts_with("the address of the") {
                label.cleaned |= redirect;
            }
        })
    }

    /// Returns the labels of what says in an object where it leads: `router.push({ pathname, query })`.
    pub(super) fn labels_of_place(&self, object: &Value) -> Labels {
        let own = self.state.checked(object).labels.clone();
        let Some(contents) = self.state.contents(object.id) else { return own };
        let places = ["pathname", "path", "href", "url", "to", "location", "host", "hostname"];
        let inner = places.iter().filter_map(|name| contents.get(&Key::Name(Name::new(name))).ok());
        inner.fold(own, |all, value| all.join(&self.state.reach(value)))
    }

    /// Returns the sum of two things of which none is known to be a text.
    pub(super) fn sum(&mut self, a: &Value, b: &Value) -> Value {
        let sum = self.derived("sum", &[a, b], Kind::Unknown);
        let first = self.state.reach(a);
        if a.as_const().is_some() || self.may_lead_away(&first) {
            return sum;
        }
        let second = self.state.reach(b).cleaned(OWN_HOST);
        let labels = first.join(&second);
        sum.with_labels(labels)
    }
}

/// Says whether a text from which a pattern was taken out, with something in its place, begins as before where it was the
/// address of a page or the path of a request: `path.replace(/^\/share/, "/s")`, `href.replace(/#.*$/, "")`.
pub(super) fn keeps_beginning(pattern: &Value, new: Option<&Value>) -> bool {
    let put = new.and_then(|v| v.as_text());
    match &pattern.kind {
        Kind::Const(Const::Text(old)) => match (old.chars().next(), put) {
            // What stands further on, or another scheme.
            (Some('?' | '#' | '/') | None, Some("")) | (_, None) => false,
            (Some('/'), Some(put)) => put.starts_with('/'),
            _ => true,
        },
        Kind::Const(Const::Regex(source, _)) => {
            let Some(put) = put else { return false };
            let rest = source.trim_start_matches('^');
            let begins = rest.starts_with("\\/") || rest.starts_with('/');
            let ends = source.ends_with('$') || source.ends_with(".*");
            let first = rest.chars().next();
            match first {
                Some('.' | '(' | '[') | None => false,
                _ if begins => put.starts_with('/') || (ends && rest.len() == source.len()),
                _ => ends && rest.len() == source.len(),
            }
        }
        // The program's own path is taken from before the rest.
        _ => pattern.labels.is_empty() && put.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::keeps_beginning;
    use crate::detect::flow::ir::Const;
    use crate::detect::flow::value::Data;

    #[test]
    fn what_is_replaced_further_on_leaves_the_beginning() {
        let keeps = |pattern: Const, new: &str| {
            keeps_beginning(&Data::constant(pattern), Some(&Data::constant(Const::Text(new.into()))))
        };
        let regex = |source: &str| Const::Regex(source.into(), "".into());
        for (pattern, new) in [(r"^\/share", "/s"), (r"#.*$", ""), (r"\/$", ""), (r"^\/+", "/")] {
            assert!(keeps(regex(pattern), new), "{pattern}");
        }
        for (pattern, new) in [(r"^.*next=", ""), (r"^\?", ""), (r"^\/", ""), (r"#", ""), (r"[#?]", "")] {
            assert!(!keeps(regex(pattern), new), "{pattern}");
        }
        assert!(keeps(Const::Text("http:".into()), "https:") && !keeps(Const::Text("?next=".into()), ""));
    }
}
