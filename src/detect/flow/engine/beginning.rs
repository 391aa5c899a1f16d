//! Texts that begin with something that no stranger sent: the address of a service, and what follows it.

use crate::detect::flow::catalog::Catalog;
use crate::detect::flow::value::Value;

/// What is known of how a text begins that is made of parts.
#[derive(Default)]
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
        if !self.is_trusted || self.is_foreign {
            return 0;
        }
        let ssrf = if self.path || self.query { catalog.bit_of("ssrf") } else { 0 };
        ssrf | if self.query { catalog.bit_of("redirect") } else { 0 }
    }
}
