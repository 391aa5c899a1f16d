//! `use` and `extern crate`.

use super::{Lowerer, children, first};
use crate::detect::flow::ir::{Block, Import, StmtKind};
use crate::detect::flow::lower::stmt;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

impl Lowerer<'_> {
    /// Lowers `use`; what `pub use` brings in is exported, too.
    pub(super) fn usage(&mut self, node: Node<'_>, exported: bool, out: &mut Block) {
        if let Some(argument) = node.child_by_field_name("argument") {
            self.clause(argument, "", exported, out);
        }
    }

    /// Lowers `extern crate a as b`.
    pub(super) fn external(&mut self, node: Node<'_>, exported: bool, out: &mut Block) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let local = node.child_by_field_name("alias").unwrap_or(name);
        let (local, module) = (self.name(local), self.name(name));
        self.import(node, Import { local, module, item: None }, exported, out);
    }

    /// Lowers `mod a;`.
    pub(super) fn submodule(&mut self, node: Node<'_>, local: Name, exported: bool, out: &mut Block) {
        let module = Name::new(&format!("self.{local}"));
        self.import(node, Import { local, module, item: None }, exported, out);
    }

    /// Lowers a clause below the path `prefix`.
    fn clause(&mut self, node: Node<'_>, prefix: &str, exported: bool, out: &mut Block) {
        match node.kind() {
            "use_list" => {
                for child in children(node) {
                    self.clause(child, prefix, exported, out);
                }
            }
            "scoped_use_list" => {
                let path = node.child_by_field_name("path").map(|path| self.dotted(path)).unwrap_or_default();
                if let Some(list) = node.child_by_field_name("list") {
                    self.clause(list, &joined(prefix, &path), exported, out);
                }
            }
            "use_wildcard" => {
                let path = first(node).map(|path| self.dotted(path)).unwrap_or_default();
                let (everything, module) = (Name::new("*"), Name::new(&joined(prefix, &path)));
                self.import(node, Import { local: everything, module, item: Some(everything) }, exported, out);
            }
            "use_as_clause" => {
                let (Some(path), Some(alias)) = (node.child_by_field_name("path"), node.child_by_field_name("alias"))
                else {
                    return;
                };
                let (path, local) = (self.dotted(path), self.name(alias));
                self.named(node, prefix, &path, Some(local), exported, out);
            }
            _ => {
                let path = self.dotted(node);
                self.named(node, prefix, &path, None, exported, out);
            }
        }
    }

    fn named(&mut self, node: Node<'_>, prefix: &str, path: &str, as_: Option<Name>, exported: bool, out: &mut Block) {
        let whole = if path == "self" && !prefix.is_empty() { prefix.to_owned() } else { joined(prefix, path) };
        let (module, item) = match whole.rsplit_once('.') {
            Some((module, item)) => (module, Some(Name::new(item))),
            None => (whole.as_str(), None),
        };
        let module = Name::new(module);
        let import = Import { local: as_.unwrap_or(item.unwrap_or(module)), module, item };
        self.import(node, import, exported, out);
    }

    fn import(&mut self, node: Node<'_>, import: Import, exported: bool, out: &mut Block) {
        let local = import.local;
        let everything = import.item == Some(local) && local.as_str() == "*";
        let module = import.module;
        out.push(stmt(node, StmtKind::Import(import)));
        if exported {
            let value = if everything { module.as_str() } else { local.as_str() };
            let value = self.builder.path(node, value);
            out.push(stmt(node, StmtKind::Export(local, value)));
        }
    }
}

fn joined(prefix: &str, path: &str) -> String {
    match (prefix.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (_, true) => prefix.to_owned(),
        _ => format!("{prefix}.{path}"),
    }
}
