//! What calls do to paths.

use super::Engine;
use super::call::Args;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::catalog::{Classes, NO_PARENT, NOT_ABSOLUTE};
use crate::detect::flow::value::{Data, Kind, Labels, Value};
use std::rc::Rc;

impl Engine<'_> {
    /// Does what is done to paths.
    pub(super) fn path_operation(&mut self, operation: Operation, object: &Value, args: &Args) -> Option<Value> {
        let argument = args.value(0).cloned();
        let result = match operation {
            Operation::Canonical => {
                let parts: Vec<Value> =
                    std::iter::once(object.clone()).chain(args.positional.iter().map(|(v, _)| v.clone())).collect();
                let parts: Vec<&Value> = parts.iter().collect();
                let value = self.derived("canonical", &parts, place_of_program(&parts));
                let path = self.catalog.bit_of("path");
                let origin = Some((resolved_from(object, &parts, path).id, path));
                let is_rooted = parts.len() == 1 && object.prefix() == "/";
                let labels = value.labels.cleaned(if is_rooted { NO_PARENT } else { 0 });
                let parts: Vec<Value> = parts.into_iter().cloned().collect();
                self.remember_parts(value.id, &parts);
                Rc::new(Data { canonical: true, labels, origin, ..value.as_ref().clone() })
            }
            Operation::CommonPath => {
                let value = self.derived("common", &[object], Kind::Unknown);
                let contents = self.state.contents(object.id);
                let inside = contents.iter().flat_map(|c| c.all()).find(|v| v.canonical && !v.labels.is_empty());
                let origin = inside.map(|v| (v.id, self.catalog.bit_of("path")));
                Rc::new(Data { origin, ..value.as_ref().clone() })
            }
            Operation::Relative => {
                let to = argument?;
                let value = self.derived("relative", &[object, &to], Kind::Unknown);
                let path = self.catalog.bit_of("path");
                // A way to a resolved path tells of the path that it was resolved from.
                let from = to.origin.filter(|(_, of)| to.canonical && of & path != 0).map_or(to.id, |(id, _)| id);
                let origin = Some((from, path | NOT_ABSOLUTE));
                Rc::new(Data { canonical: true, origin, ..value.as_ref().clone() })
            }
            Operation::BaseName => {
                let value = self.derived("base", &[object], Kind::Unknown);
                value.with_labels(value.labels.cleaned(self.catalog.bit_of("path")))
            }
            _ => return None,
        };
        Some(result)
    }

    /// Returns the labels of what JavaScript's `path.join` puts below a first part: there an absolute path is a relative one, so
    /// that what holds no `..` stays below.
    pub(super) fn joined_below(&self, first: &Value, labels: &Labels) -> Labels {
        let (path, redirect) = (self.catalog.bit_of("path"), self.catalog.bit_of("redirect"));
        if matters(first, path) {
            return labels.clone();
        }
        // Behind a first part of the program's own no host follows: two slashes are made one.
        let labels = &labels.cleaned(redirect);
        let is_root = first.as_text() == Some("/");
        labels.map(|label| {
            if label.cleaned & NO_PARENT != 0 {
                label.cleaned |= path;
            }
            if is_root {
                label.cleaned |= NO_PARENT;
            }
        })
    }
}

/// Says whether a value has data that matters to paths.
fn matters(value: &Value, path: Classes) -> bool {
    value.labels.all().iter().any(|label| label.origin.only == 0 || label.origin.only & path != 0)
}

/// Returns the part of which a resolved path is a form: the first, or the only one that a stranger had a say in where that is
/// a path that was put together before, `path.resolve(root, path.join(root, name))`.
fn resolved_from<'a>(first: &'a Value, parts: &[&'a Value], path: Classes) -> &'a Value {
    let mut foreign = parts.iter().filter(|part| matters(part, path));
    match (foreign.next(), foreign.next()) {
        (Some(only), None) if only.canonical => only,
        _ => first,
    }
}

/// Returns what stands for a path beside the program, where parts make one: `path.join(__dirname, "page.html")`.
pub(super) fn place_of_program(parts: &[&Value]) -> Kind {
    match parts.split_first() {
        Some((first, others))
            if matches!(&first.kind, Kind::Path(path) if path.as_str() == "__dirname")
                && others.iter().all(|other| other.as_const().is_some()) =>
        {
            first.kind.clone()
        }
        _ => Kind::Unknown,
    }
}
