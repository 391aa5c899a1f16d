//! Imports and exports.

use super::class::is_open;
use super::scope::Binding;
use super::{Lowering, first_kid, has_token, kids};
use crate::detect::flow::ir::{Block, ClassId, ExprId, ExprKind, FunctionId, Import, Module, Pattern, Stmt, StmtKind};
use crate::detect::flow::lower::stmt;
use crate::detect::flow::name::Name;
use std::collections::HashSet;
use tree_sitter::Node;

impl Lowering<'_> {
    /// Lowers an import: one statement a name.
    pub(super) fn import(&mut self, node: Node<'_>, out: &mut Block) {
        for clause in kids(node) {
            match clause.kind() {
                "import_clause" => {
                    let Some(module) = self.source(node) else { return };
                    for part in kids(clause) {
                        self.import_part(part, module, out);
                    }
                }
                "import_require_clause" => {
                    let Some(module) = self.source(clause) else { return };
                    if let Some(local) = first_kid(clause) {
                        self.import_one(local, local, module, None, out);
                    }
                }
                _ => {}
            }
        }
    }

    fn import_part(&mut self, part: Node<'_>, module: Name, out: &mut Block) {
        match part.kind() {
            "identifier" => self.import_one(part, part, module, Some(Name::new("default")), out),
            "namespace_import" => {
                if let Some(local) = first_kid(part) {
                    self.import_one(part, local, module, None, out);
                }
            }
            "named_imports" => {
                for one in kids(part) {
                    let Some(name) = one.child_by_field_name("name") else { continue };
                    let item = self.key_name(name);
                    let local = one.child_by_field_name("alias").unwrap_or(name);
                    self.import_one(one, local, module, Some(item), out);
                }
            }
            _ => {}
        }
    }

    fn import_one(&mut self, node: Node<'_>, local: Node<'_>, module: Name, item: Option<Name>, out: &mut Block) {
        let local = self.name(local);
        self.bind(local, Binding::Function);
        out.push(stmt(node, StmtKind::Import(Import { local, module, item })));
    }

    /// Returns the module that an import or export names.
    fn source(&self, node: Node<'_>) -> Option<Name> {
        let text = super::literal::string_value(self.text(node.child_by_field_name("source")?));
        Some(Name::new(text.strip_prefix("node:").unwrap_or(&text)))
    }

    /// Lowers an export.
    pub(super) fn export(&mut self, node: Node<'_>, out: &mut Block) {
        if let Some(declaration) = node.child_by_field_name("declaration") {
            return self.export_declaration(node, declaration, out);
        }
        if let Some(value) = node.child_by_field_name("value") {
            let decorators = self.decorators(node);
            let value = match value.kind() {
                "class" => self.class_value(value, None, decorators),
                _ => self.expr(value),
            };
            out.push(stmt(node, StmtKind::Export(Name::new("default"), value)));
            return;
        }
        let module = self.source(node);
        for part in kids(node) {
            match part.kind() {
                "export_clause" => {
                    for one in kids(part) {
                        self.export_one(one, module, out);
                    }
                }
                "namespace_export" => {
                    if let (Some(name), Some(module)) = (first_kid(part), module) {
                        let name = self.key_name(name);
                        self.export_from(part, module, None, name, out);
                    }
                }
                "string" | "decorator" => {}
                _ if has_token(node, "=") => self.export_assignment(node, part, out),
                _ if has_token(node, "namespace") => {}
                _ => self.stmt(part, out),
            }
        }
        if let Some(module) = module.filter(|_| has_token(node, "*")) {
            let all = Name::new("*");
            self.reexport(node, Import { local: all, module, item: Some(all) }, all, out);
        }
    }

    /// Lowers `export = x`, TypeScript's word for `module.exports = x`.
    fn export_assignment(&mut self, node: Node<'_>, value: Node<'_>, out: &mut Block) {
        let place = self.builder.path(node, "module.exports");
        let value = self.expr(value);
        out.push(stmt(node, StmtKind::Assign(Pattern::Place(place), value, None)));
    }

    fn export_one(&mut self, node: Node<'_>, module: Option<Name>, out: &mut Block) {
        let Some(own) = node.child_by_field_name("name") else { return };
        let own_name = self.key_name(own);
        let name = node.child_by_field_name("alias").map_or(own_name, |alias| self.key_name(alias));
        match module {
            Some(module) => self.export_from(node, module, Some(own_name), name, out),
            None => {
                let value = self.add_name(own, own_name);
                out.push(stmt(node, StmtKind::Export(name, value)));
            }
        }
    }

    /// Exports what another module has. Here it has no name, so it gets one that no program can use.
    fn export_from(&mut self, node: Node<'_>, module: Name, item: Option<Name>, name: Name, out: &mut Block) {
        let local = Name::new(&format!("{module}:{}", item.map_or("*", Name::as_str)));
        self.reexport(node, Import { local, module, item }, name, out);
    }

    fn reexport(&mut self, node: Node<'_>, import: Import, name: Name, out: &mut Block) {
        let value = self.add_name(node, import.local);
        out.push(stmt(node, StmtKind::Import(import)));
        out.push(stmt(node, StmtKind::Export(name, value)));
    }

    fn export_declaration(&mut self, node: Node<'_>, declaration: Node<'_>, out: &mut Block) {
        let from = out.len();
        match declaration.kind() {
            "class_declaration" | "abstract_class_declaration" => {
                let decorators = self.decorators(node);
                self.class_stmt(declaration, decorators, out);
            }
            _ => self.stmt(declaration, out),
        }
        let mut names = Vec::new();
        for made in out.iter().skip(from) {
            self.mark_stmt(made);
            bound_names(&self.builder.module, made, &mut names);
        }
        // The exports of a namespace are not those of the file, and an ambient declaration exports nothing that runs.
        if self.in_namespace || matches!(declaration.kind(), "internal_module" | "module" | "ambient_declaration") {
            return;
        }
        let default = has_token(node, "default").then(|| Name::new("default"));
        for name in names {
            let value = self.add_name(declaration, name);
            out.push(stmt(node, StmtKind::Export(default.unwrap_or(name), value)));
        }
    }

    fn mark_stmt(&mut self, made: &Stmt) {
        let text = self.builder.text;
        match made.kind {
            StmtKind::Function(id) => mark_function(&mut self.builder.module, id),
            StmtKind::Class(id) => mark_class(&mut self.builder.module, text, id),
            _ => {}
        }
    }
}

/// Moves the exports of names behind everything else: they give what the name has at last, wherever they stand. An
/// `export *` stays beside its import.
pub(super) fn exports_last(module: &Module, body: Block) -> Block {
    let is_name = |id: ExprId| matches!(module.expr(id).kind, ExprKind::Name(name) if name.as_str() != "*");
    let is_last = |made: &Stmt| matches!(made.kind, StmtKind::Export(_, value) if is_name(value));
    let (last, mut body): (Block, Block) = body.into_iter().partition(is_last);
    body.extend(last);
    body
}

/// Marks the functions and classes of a file that other files can use: those that its exports and its assignments to
/// `module.exports` and `exports` name.
pub(super) fn mark_exported(module: &mut Module, text: &str, body: &Block) {
    let mut names = HashSet::new();
    for made in body {
        match &made.kind {
            StmtKind::Export(_, value) => mark_value(module, text, *value, &mut names),
            StmtKind::Assign(pattern, value, _) if is_exports(module, pattern) => {
                mark_value(module, text, assigned(module, *value), &mut names);
            }
            _ => {}
        }
    }
    if names.is_empty() {
        return;
    }
    for made in body {
        match &made.kind {
            StmtKind::Function(id) if module.function(*id).name.is_some_and(|name| names.contains(&name)) => {
                mark_function(module, *id);
            }
            StmtKind::Class(id) if module.class(*id).name.is_some_and(|name| names.contains(&name)) => {
                mark_class(module, text, *id);
            }
            StmtKind::Assign(Pattern::Name(name), value, _) if names.contains(name) => {
                mark_value(module, text, *value, &mut HashSet::new());
            }
            _ => {}
        }
    }
}

/// Marks what a value is, or notes its name; in objects each entry.
fn mark_value(module: &mut Module, text: &str, value: ExprId, names: &mut HashSet<Name>) {
    match &module.expr(value).kind {
        ExprKind::Name(name) => drop(names.insert(*name)),
        ExprKind::Function(id) => mark_function(module, *id),
        ExprKind::Class(id) => mark_class(module, text, *id),
        ExprKind::Map(entries) => {
            for entry in entries.clone() {
                if !matches!(module.expr(entry.value).kind, ExprKind::Map(_)) {
                    mark_value(module, text, entry.value, names);
                }
            }
        }
        _ => {}
    }
}

/// Returns the value at the end of a chain of assignments: `exports = module.exports = x`.
fn assigned(module: &Module, mut value: ExprId) -> ExprId {
    while let ExprKind::Assign(_, inner) = module.expr(value).kind {
        value = inner;
    }
    value
}

/// Says whether a pattern is `exports`, `module.exports`, `exports.a` or `module.exports.a`.
fn is_exports(module: &Module, pattern: &Pattern) -> bool {
    let place = match pattern {
        Pattern::Place(place) => *place,
        Pattern::Name(name) => return name.as_str() == "exports",
        _ => return false,
    };
    let is_name = |id: ExprId, text: &str| matches!(module.expr(id).kind, ExprKind::Name(n) if n.as_str() == text);
    let is_whole = |id: ExprId| match module.expr(id).kind {
        ExprKind::Member(object, name) => name.as_str() == "exports" && is_name(object, "module"),
        _ => is_name(id, "exports"),
    };
    match module.expr(place).kind {
        ExprKind::Member(object, _) => is_whole(place) || is_whole(object),
        _ => false,
    }
}

fn mark_function(module: &mut Module, id: FunctionId) {
    if let Some(function) = module.functions.get_mut(id.0 as usize) {
        function.exported = true;
    }
}

fn mark_class(module: &mut Module, text: &str, id: ClassId) {
    let Some(class) = module.classes.get_mut(id.0 as usize) else { return };
    class.exported = true;
    for made in &class.body {
        let method = match made.kind {
            StmtKind::Function(method) => method,
            _ => continue,
        };
        if let Some(function) = module.functions.get_mut(method.0 as usize) {
            function.exported = is_open(function, text);
        }
    }
}

/// Notes the names that a declaration binds.
fn bound_names(module: &Module, made: &Stmt, names: &mut Vec<Name>) {
    match &made.kind {
        StmtKind::Function(id) => names.extend(module.function(*id).name),
        StmtKind::Class(id) => names.extend(module.class(*id).name),
        StmtKind::Assign(pattern, ..) => pattern_names(pattern, names),
        StmtKind::Declare(name, _) => names.push(*name),
        _ => {}
    }
}

fn pattern_names(pattern: &Pattern, names: &mut Vec<Name>) {
    match pattern {
        Pattern::Name(name) => names.push(*name),
        Pattern::List(parts, _) => parts.iter().for_each(|part| pattern_names(part, names)),
        Pattern::Map(entries, rest) => {
            entries.iter().for_each(|(_, part, _)| pattern_names(part, names));
            names.extend(rest);
        }
        Pattern::Default(inner, _) => pattern_names(inner, names),
        _ => {}
    }
}
