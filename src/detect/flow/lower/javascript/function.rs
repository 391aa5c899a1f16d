//! Functions, methods and their parameters.

use super::scope::Binding;
use super::{Lowering, first_kid, has_token, kids};
use crate::detect::flow::ir::{
    Block, ClassId, ExprId, ExprKind, Function, FunctionId, Method, Param, ParamKind, Pattern, Stmt, StmtKind, Type,
};
use crate::detect::flow::lower::{span, stmt};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

/// A parameter that is a field of the object, too: TypeScript's `constructor(private readonly repo: Repo)`.
pub(super) struct Property {
    /// Its name.
    pub(super) name: Name,
    /// Its type.
    pub(super) of_type: Option<Type>,
}

impl Lowering<'_> {
    /// Lowers a function without a place in a class.
    pub(super) fn function(&mut self, node: Node<'_>, name: Option<Name>) -> FunctionId {
        let name = node.child_by_field_name("name").map(|own| self.name(own)).or(name);
        let mut function = empty(node, name);
        function.is_async = has_token(node, "async");
        self.signature_and_body(node, &mut function);
        self.builder.function(function)
    }

    /// Lowers a function expression or arrow function.
    pub(super) fn function_value(&mut self, node: Node<'_>, name: Option<Name>) -> ExprId {
        let id = self.function(node, name);
        self.add(node, ExprKind::Function(id))
    }

    /// Lowers a method of a class or object, whose class is set later.
    pub(super) fn method(
        &mut self,
        node: Node<'_>,
        decorators: Vec<ExprId>,
        fields: Option<&mut Vec<Property>>,
    ) -> FunctionId {
        let name = node.child_by_field_name("name").map(|name| self.key_name(name));
        let mut function = empty(node, name);
        function.decorators = decorators;
        function.is_async = has_token(node, "async");
        let is_static = has_token(node, "static") || has_token(node, "static get");
        if has_token(node, "get") || has_token(node, "static get") {
            function.method = Method::Getter;
        } else if has_token(node, "set") {
            // Its name is not that of the field, or it would be taken for what the field holds.
            function.name = name.map(|name| Name::new(&format!("set {name}")));
        } else if is_static {
            function.method = Method::Static;
        } else if fields.is_some() && name.is_some_and(|name| name.as_str() == "constructor") {
            function.method = Method::Constructor;
        }
        let properties = self.signature_and_body(node, &mut function);
        if let Some(fields) = fields {
            fields.extend(properties);
        }
        self.builder.function(function)
    }

    fn signature_and_body(&mut self, node: Node<'_>, function: &mut Function) -> Vec<Property> {
        let targets = self.open_function();
        let mut properties = Vec::new();
        let mut body = Vec::new();
        if let Some(only) = node.child_by_field_name("parameter") {
            let pattern = self.pattern(only, Binding::Function);
            function.params.push(Param {
                pattern,
                default: None,
                of_type: None,
                kind: ParamKind::Plain,
                lent: false,
                decorators: Vec::new(),
            });
        }
        let params = node.child_by_field_name("parameters").map(kids).unwrap_or_default();
        for param in params {
            self.param(param, function, &mut properties, &mut body);
        }
        function.returns = self.type_field(node, "return_type");
        if let Some(block) = node.child_by_field_name("body") {
            self.body(block, &mut body);
        }
        self.close_function(node, targets, &mut body);
        function.body = body;
        properties
    }

    fn body(&mut self, node: Node<'_>, body: &mut Block) {
        if node.kind() != "statement_block" {
            let value = self.expr(node);
            body.push(stmt(node, StmtKind::Return(Some(value))));
            return;
        }
        for child in kids(node) {
            self.stmt(child, body);
        }
    }

    fn param(&mut self, node: Node<'_>, function: &mut Function, properties: &mut Vec<Property>, body: &mut Block) {
        let is_typed = matches!(node.kind(), "required_parameter" | "optional_parameter");
        let inner = if is_typed { node.child_by_field_name("pattern") } else { Some(node) };
        // `this` is no parameter, it only has its type here.
        let Some(inner) = inner.filter(|inner| inner.kind() != "this") else { return };
        let kind = if inner.kind() == "rest_pattern" { ParamKind::Rest } else { ParamKind::Plain };
        let name = self.identifier(inner);
        let (pattern, mut default) = self.with_default(inner, Binding::Function);
        let mut of_type = None;
        let mut decorators = Vec::new();
        if is_typed {
            default = node.child_by_field_name("value").map(|value| self.named(value, name)).or(default);
            of_type = self.type_field(node, "type");
            decorators = self.decorators(node);
            if is_property(node) {
                self.property(node, &pattern, of_type.clone(), properties, body);
            }
        }
        function.params.push(Param { pattern, default, of_type, kind, lent: false, decorators });
    }

    fn property(
        &mut self,
        node: Node<'_>,
        pattern: &Pattern,
        of_type: Option<Type>,
        properties: &mut Vec<Property>,
        body: &mut Block,
    ) {
        let Pattern::Name(name) = *pattern else { return };
        let this = self.add_name(node, Name::new("this"));
        let place = self.add(node, ExprKind::Member(this, name));
        let value = self.add_name(node, name);
        body.push(Stmt { kind: StmtKind::Assign(Pattern::Place(place), value, None), span: span(node) });
        properties.push(Property { name, of_type });
    }

    /// Lowers the decorators that a node has.
    pub(super) fn decorators(&mut self, node: Node<'_>) -> Vec<ExprId> {
        let mut cursor = node.walk();
        let mut found = Vec::new();
        for child in node.named_children(&mut cursor) {
            match child.kind() {
                "decorator" => {
                    let decorator = self.only(child);
                    found.push(decorator);
                }
                "comment" => {}
                // They come first.
                _ => break,
            }
        }
        found
    }

    /// Lowers a function declaration to a statement.
    pub(super) fn function_stmt(&mut self, node: Node<'_>, out: &mut Block) -> FunctionId {
        if let Some(name) = node.child_by_field_name("name") {
            self.bind(self.name(name), Binding::Function);
        }
        let id = self.function(node, None);
        out.push(stmt(node, StmtKind::Function(id)));
        id
    }

    /// Notes which class methods belong to.
    pub(super) fn join_class(&mut self, methods: &[FunctionId], class: ClassId) {
        for id in methods {
            if let Some(function) = self.builder.module.functions.get_mut(id.0 as usize) {
                function.class = Some(class);
            }
        }
    }
}

fn is_property(node: Node<'_>) -> bool {
    let has_modifier = first_kid(node).is_some()
        && kids(node).iter().any(|k| matches!(k.kind(), "accessibility_modifier" | "override_modifier"));
    has_modifier || has_token(node, "readonly")
}

fn empty(node: Node<'_>, name: Option<Name>) -> Function {
    Function {
        name,
        params: Vec::new(),
        generics: Vec::new(),
        body: Vec::new(),
        decorators: Vec::new(),
        returns: None,
        exported: false,
        is_async: false,
        class: None,
        method: Method::Plain,
        span: span(node),
    }
}
