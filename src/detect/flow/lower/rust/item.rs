//! Items: functions, types, implementations, modules, constants.

use super::expr::is_lent;
use super::{Goal, Lowerer, children, elements};
use crate::detect::flow::ir::{
    Block, Class, ClassId, ExprId, Function, Method, Param, ParamKind, Pattern, StmtKind, Type,
};
use crate::detect::flow::lower::{span, stmt};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

/// What a function stands in.
#[derive(Debug, Clone, Copy, Default)]
struct Owner {
    class: Option<ClassId>,
    /// Whether its functions are as visible as the type is: those of traits.
    open: bool,
}

impl Lowerer<'_> {
    /// Lowers an item; says whether it was one.
    pub(super) fn item(&mut self, node: Node<'_>, attributes: &[Node<'_>], out: &mut Block) -> bool {
        match node.kind() {
            "function_item" => self.function(node, attributes, Owner::default(), out),
            "function_signature_item" => self.signature(node, out),
            "use_declaration" => self.usage(node, self.is_public(node), out),
            "extern_crate_declaration" => self.external(node, self.is_public(node), out),
            "const_item" | "static_item" => self.constant(node, out),
            "type_item" => self.alias(node, out),
            "struct_item" | "union_item" => self.structure_item(node, attributes, out),
            "enum_item" => self.enumeration(node, attributes, out),
            "impl_item" => self.implementation(node, attributes, out),
            "trait_item" => self.interface(node, attributes, out),
            "mod_item" => self.module_item(node, out),
            "foreign_mod_item" => {
                if let Some(body) = node.child_by_field_name("body") {
                    let body = self.block(body, Goal::Effect);
                    out.push(stmt(node, StmtKind::Block(body)));
                }
            }
            "macro_definition" | "associated_type" | "empty_statement" => {}
            _ => return false,
        }
        true
    }

    fn function(&mut self, node: Node<'_>, attributes: &[Node<'_>], owner: Owner, out: &mut Block) {
        let decorators = self.decorators(attributes);
        let params = node.child_by_field_name("parameters").map(|list| self.params(list)).unwrap_or_default();
        let has_object = params.first().is_some_and(|p| matches!(&p.pattern, Pattern::Name(n) if n.as_str() == "self"));
        let body = node.child_by_field_name("body").map(|body| self.round(body, Goal::Effect, Goal::Return));
        let body = body.unwrap_or_default();
        let mut cursor = node.walk();
        let modifiers = node.children(&mut cursor).find(|child| child.kind() == "function_modifiers");
        let is_async = modifiers.is_some_and(|words| self.text(words).split_whitespace().any(|word| word == "async"));
        let function = Function {
            name: node.child_by_field_name("name").map(|name| self.name(name)),
            params,
            generics: self.generics(node),
            body,
            decorators,
            returns: self.type_field(node, "return_type"),
            exported: owner.open || self.is_public(node),
            is_async,
            class: owner.class,
            method: if owner.class.is_some() && !has_object { Method::Static } else { Method::Plain },
            span: span(node),
        };
        let id = self.builder.function(function);
        out.push(stmt(node, StmtKind::Function(id)));
    }

    /// Returns the names of the types that a function is made for.
    fn generics(&self, node: Node<'_>) -> Vec<Name> {
        let list = node.child_by_field_name("type_parameters").map(children).unwrap_or_default();
        let named = list.into_iter().filter_map(|child| match child.kind() {
            "type_identifier" => Some(child),
            "type_parameter" | "const_parameter" => child.child_by_field_name("name"),
            "constrained_type_parameter" | "optional_type_parameter" => {
                child.child_by_field_name("left").or_else(|| child.child_by_field_name("name"))
            }
            _ => None,
        });
        named.map(|name| self.name(name)).collect()
    }

    /// A function without a body gives no more than its name: what implements it is not known here.
    fn signature(&mut self, node: Node<'_>, out: &mut Block) {
        if let Some(name) = node.child_by_field_name("name") {
            let declare = StmtKind::Declare(self.name(name), self.type_field(node, "return_type"));
            out.push(stmt(node, declare));
        }
    }

    /// Lowers `mod a;` to the import of that file, and a module that stands here to what is in it, and a class of its name
    /// through which that is found.
    fn module_item(&mut self, node: Node<'_>, out: &mut Block) {
        let Some(name) = node.child_by_field_name("name").map(|name| self.name(name)) else { return };
        let Some(body) = node.child_by_field_name("body") else {
            return self.submodule(node, name, self.is_public(node), out);
        };
        let body = self.block(body, Goal::Effect);
        let mut members = Block::new();
        for inner in &body {
            let named = match &inner.kind {
                StmtKind::Function(_) => {
                    members.push(inner.clone());
                    None
                }
                StmtKind::Class(id) => self.builder.module.classes.get(id.0 as usize).and_then(|class| class.name),
                StmtKind::Assign(Pattern::Name(name), ..) => Some(*name),
                _ => None,
            };
            if let Some(named) = named {
                let value = self.builder.path(node, named.as_str());
                members.push(stmt(node, StmtKind::Assign(Pattern::Name(named), value, None)));
            }
        }
        out.push(stmt(node, StmtKind::Block(body)));
        if !members.is_empty() && !name.as_str().starts_with("test") {
            self.class(node, Class { name: Some(name), body: members, ..self.head(node) }, out);
        }
    }

    fn params(&mut self, list: Node<'_>) -> Vec<Param> {
        let mut params = Vec::new();
        let mut attributes = Vec::new();
        for child in elements(list) {
            if child.kind() == "attribute_item" {
                attributes.push(child);
                continue;
            }
            let decorators = self.decorators(&attributes);
            attributes.clear();
            let pattern = match child.kind() {
                "self_parameter" => Pattern::Name(Name::new("self")),
                "parameter" | "variadic_parameter" => {
                    let pattern = child.child_by_field_name("pattern");
                    pattern.map_or(Pattern::Ignore, |pattern| self.pattern(pattern))
                }
                _ => Pattern::Ignore,
            };
            let of_type = self.type_field(child, "type");
            let kind = if child.kind() == "variadic_parameter" { ParamKind::Rest } else { ParamKind::Plain };
            params.push(Param { pattern, default: None, of_type, kind, lent: is_lent(child), decorators });
        }
        params
    }

    fn constant(&mut self, node: Node<'_>, out: &mut Block) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let (name, of_type) = (self.name(name), self.type_field(node, "type"));
        let kind = match node.child_by_field_name("value") {
            Some(value) => StmtKind::Assign(Pattern::Name(name), self.expr(value), of_type),
            None => StmtKind::Declare(name, of_type),
        };
        out.push(stmt(node, kind));
    }

    /// Lowers `type A = b::C<D>` to `A = b.C` with the whole type, so that the name can be followed.
    fn alias(&mut self, node: Node<'_>, out: &mut Block) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let name = self.name(name);
        let Some(of) = self.type_field(node, "type") else { return };
        let kind = if of.name.as_str().starts_with(char::is_alphabetic) {
            let value = self.builder.path(node.child_by_field_name("type").unwrap_or(node), of.name.as_str());
            StmtKind::Assign(Pattern::Name(name), value, Some(of))
        } else {
            StmtKind::Declare(name, Some(of))
        };
        out.push(stmt(node, kind));
    }

    fn structure_item(&mut self, node: Node<'_>, attributes: &[Node<'_>], out: &mut Block) {
        let decorators = self.decorators(attributes);
        let bases = self.derived(attributes);
        let fields = node.child_by_field_name("body").map(|body| self.fields(body)).unwrap_or_default();
        self.class(node, Class { fields, bases, decorators, ..self.head(node) }, out);
    }

    fn enumeration(&mut self, node: Node<'_>, attributes: &[Node<'_>], out: &mut Block) {
        let decorators = self.decorators(attributes);
        let bases = self.derived(attributes);
        let mut body = Block::new();
        let mut is_enum = true;
        for variant in node.child_by_field_name("body").map(children).unwrap_or_default() {
            let Some(name) = variant.child_by_field_name("name") else { continue };
            let name_text = self.name(name);
            if let Some(data) = variant.child_by_field_name("body") {
                is_enum = false;
                let fields = self.fields(data);
                self.class(variant, Class { name: Some(name_text), fields, ..self.head(node) }, &mut body);
            } else if let Some(value) = variant.child_by_field_name("value") {
                let value = self.expr(value);
                body.push(stmt(variant, StmtKind::Assign(Pattern::Name(name_text), value, None)));
            } else {
                body.push(stmt(variant, StmtKind::Declare(name_text, None)));
            }
        }
        self.class(node, Class { body, bases, decorators, is_enum, ..self.head(node) }, out);
    }

    /// Returns the fields of a structure; those of a tuple structure are `0`, `1` and so on.
    fn fields(&self, body: Node<'_>) -> Vec<(Name, Option<Type>)> {
        let mut fields = Vec::new();
        for child in children(body) {
            match child.kind() {
                "field_declaration" => {
                    if let Some(name) = child.child_by_field_name("name") {
                        fields.push((self.name(name), self.type_field(child, "type")));
                    }
                }
                "attribute_item" | "visibility_modifier" => {}
                _ if body.kind() == "ordered_field_declaration_list" => {
                    fields.push((Name::new(&fields.len().to_string()), self.of_type(child)));
                }
                _ => {}
            }
        }
        fields
    }

    fn implementation(&mut self, node: Node<'_>, attributes: &[Node<'_>], out: &mut Block) {
        let decorators = self.decorators(attributes);
        let bases: Vec<ExprId> = node.child_by_field_name("trait").map(|base| self.base(base)).into_iter().collect();
        let open = !bases.is_empty();
        let name = self.type_field(node, "type").map(|of| of.name);
        self.members(node, Class { name, bases, decorators, ..self.head(node) }, open, out);
    }

    fn interface(&mut self, node: Node<'_>, attributes: &[Node<'_>], out: &mut Block) {
        let decorators = self.decorators(attributes);
        let bounds = node.child_by_field_name("bounds").map(children).unwrap_or_default();
        let bounds = bounds.into_iter().filter(|bound| self.of_type(*bound).is_some());
        let bases = bounds.collect::<Vec<_>>().into_iter().map(|bound| self.base(bound)).collect();
        let open = self.is_public(node);
        self.members(node, Class { bases, decorators, ..self.head(node) }, open, out);
    }

    fn base(&mut self, node: Node<'_>) -> ExprId {
        let path = self.of_type(node).map_or("_", |of| of.name.as_str());
        self.builder.path(node, path)
    }

    /// Adds a class and then what is in it, because its functions name it.
    fn members(&mut self, node: Node<'_>, class: Class, open: bool, out: &mut Block) {
        let id = self.builder.class(class);
        let owner = Owner { class: Some(id), open };
        let mut body = Block::new();
        let mut attributes = Vec::new();
        for child in node.child_by_field_name("body").map(children).unwrap_or_default() {
            match child.kind() {
                "attribute_item" => {
                    attributes.push(child);
                    continue;
                }
                "function_item" => self.function(child, &attributes, owner, &mut body),
                _ if self.item(child, &attributes, &mut body) => {}
                _ => self.run(child, child, Goal::Effect, &mut body),
            }
            attributes.clear();
        }
        if let Some(class) = self.builder.module.classes.get_mut(id.0 as usize) {
            class.body = body;
        }
        out.push(stmt(node, StmtKind::Class(id)));
    }

    fn class(&mut self, node: Node<'_>, class: Class, out: &mut Block) {
        let id = self.builder.class(class);
        out.push(stmt(node, StmtKind::Class(id)));
    }

    /// Returns a class with no more than a name.
    fn head(&self, node: Node<'_>) -> Class {
        Class {
            name: node.child_by_field_name("name").map(|name| self.name(name)),
            bases: Vec::new(),
            fields: Vec::new(),
            body: Block::new(),
            decorators: Vec::new(),
            exported: self.is_public(node),
            is_enum: false,
        }
    }

    fn is_public(&self, node: Node<'_>) -> bool {
        let word = node.child(0).filter(|child| child.kind() == "visibility_modifier");
        word.is_some_and(|word| !matches!(self.text(word), "pub(self)" | "crate"))
    }
}
