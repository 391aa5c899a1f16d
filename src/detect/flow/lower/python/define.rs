//! Functions, lambdas and classes.

use super::{Lowering, Scope, has_token, parts};
use crate::detect::flow::ir::{
    Block, Class, ClassId, ExprId, ExprKind, Function, FunctionId, Method, Param, ParamKind, Pattern, StmtKind,
};
use crate::detect::flow::lower::{span, stmt};
use tree_sitter::Node;

/// Bases that make a class an enumeration.
const ENUMERATIONS: [&str; 9] =
    ["Enum", "IntEnum", "StrEnum", "ReprEnum", "Flag", "IntFlag", "Choices", "TextChoices", "IntegerChoices"];
/// Decorators that make a method readable like a field.
const GETTERS: [&str; 6] =
    ["property", "cached_property", "abstractproperty", "hybrid_property", "lazy_property", "reify"];

impl Lowering<'_> {
    /// Lowers a function or class, with the decorators around it.
    pub(super) fn definition(&mut self, node: Node<'_>, out: &mut Block) {
        let mut decorators = Vec::new();
        let mut inner = Some(node);
        if node.kind() == "decorated_definition" {
            for part in parts(node).into_iter().filter(|part| part.kind() == "decorator") {
                decorators.extend(parts(part).into_iter().map(|decorator| self.expr(decorator)));
            }
            inner = node.child_by_field_name("definition");
        }
        let kind = match inner {
            Some(class) if class.kind() == "class_definition" => StmtKind::Class(self.class(class, decorators)),
            Some(function) if function.kind() == "function_definition" => {
                StmtKind::Function(self.function(function, decorators))
            }
            _ => {
                out.extend(decorators.into_iter().map(|decorator| stmt(node, StmtKind::Expr(decorator))));
                return;
            }
        };
        out.push(stmt(node, kind));
    }

    fn function(&mut self, node: Node<'_>, decorators: Vec<ExprId>) -> FunctionId {
        let name = node.child_by_field_name("name").map(|name| self.name(name));
        let class = self.scope.class;
        let method = match class {
            Some(_) => self.method(name.map_or("", |name| name.as_str()), &decorators),
            None => Method::Plain,
        };
        let params = node.child_by_field_name("parameters").map(|list| self.params(list)).unwrap_or_default();
        let returns = node.child_by_field_name("return_type").map(|returns| self.of_type(returns));
        let exported = !self.scope.nested;
        let inner = Scope { class: None, owner: class.or(self.scope.owner), nested: true };
        let outer = std::mem::replace(&mut self.scope, inner);
        let body = self.field_block(node, "body");
        self.scope = outer;
        let is_async = has_token(node, "async");
        let span = span(node);
        self.builder.function(Function {
            name,
            params,
            generics: Vec::new(),
            body,
            decorators,
            returns,
            exported,
            is_async,
            class,
            method,
            span,
        })
    }

    /// Returns what kind of method a name and decorators make.
    fn method(&self, name: &str, decorators: &[ExprId]) -> Method {
        for decorator in decorators {
            let word = match &self.added(*decorator).kind {
                ExprKind::Name(name) | ExprKind::Member(_, name) => name.as_str(),
                _ => continue,
            };
            match word {
                "staticmethod" | "abstractstaticmethod" => return Method::Static,
                "classmethod" | "abstractclassmethod" => return Method::OfClass,
                word if GETTERS.contains(&word) => return Method::Getter,
                _ => {}
            }
        }
        match name {
            "__init__" => Method::Constructor,
            "__new__" | "__init_subclass__" | "__class_getitem__" => Method::OfClass,
            _ => Method::Plain,
        }
    }

    /// Lowers a lambda.
    pub(super) fn lambda(&mut self, node: Node<'_>) -> ExprId {
        let params = node.child_by_field_name("parameters").map(|list| self.params(list)).unwrap_or_default();
        let body = node.child_by_field_name("body").map(|body| {
            let value = self.expr(body);
            stmt(body, StmtKind::Return(Some(value)))
        });
        let function = self.builder.function(Function {
            name: None,
            params,
            generics: Vec::new(),
            body: body.into_iter().collect(),
            decorators: Vec::new(),
            returns: None,
            exported: false,
            is_async: false,
            class: None,
            method: Method::Plain,
            span: span(node),
        });
        self.add(node, ExprKind::Function(function))
    }

    fn params(&mut self, list: Node<'_>) -> Vec<Param> {
        let mut params = Vec::new();
        let mut named_only = false;
        for part in parts(list) {
            match part.kind() {
                "keyword_separator" => named_only = true,
                "positional_separator" => {}
                _ => {
                    let mut param = self.param(part);
                    match param.kind {
                        ParamKind::Rest => named_only = true,
                        ParamKind::Plain if named_only => param.kind = ParamKind::Named,
                        _ => {}
                    }
                    params.push(param);
                }
            }
        }
        params
    }

    fn param(&mut self, node: Node<'_>) -> Param {
        let binds = match node.kind() {
            "default_parameter" | "typed_default_parameter" => node.child_by_field_name("name"),
            "typed_parameter" => parts(node).into_iter().next(),
            _ => None,
        };
        let binds = binds.unwrap_or(node);
        let (kind, bound) = match binds.kind() {
            "list_splat_pattern" => (ParamKind::Rest, binds.named_child(0)),
            "dictionary_splat_pattern" => (ParamKind::Keywords, binds.named_child(0)),
            _ => (ParamKind::Plain, Some(binds)),
        };
        let pattern = bound.map_or(Pattern::Ignore, |bound| self.target(bound));
        let annotation = node.child_by_field_name("type");
        let of_type = annotation.map(|annotation| self.of_type(annotation));
        let decorators = annotation.map(|annotation| self.notes(annotation)).unwrap_or_default();
        let default = node.child_by_field_name("value").map(|value| self.expr(value));
        Param { pattern, default, of_type, kind, lent: false, decorators }
    }

    fn class(&mut self, node: Node<'_>, decorators: Vec<ExprId>) -> ClassId {
        let name = node.child_by_field_name("name").map(|name| self.name(name));
        let mut bases = Vec::new();
        let mut body = Block::new();
        for base in node.child_by_field_name("superclasses").map(parts).unwrap_or_default() {
            if base.kind() == "keyword_argument" {
                let value = base.child_by_field_name("value").unwrap_or(base);
                if !matches!(value.kind(), "true" | "false" | "none" | "identifier" | "keyword_argument") {
                    let value = self.expr(value);
                    body.push(stmt(base, StmtKind::Expr(value)));
                }
            } else {
                bases.push(self.expr(base));
            }
        }
        let exported = !self.scope.nested;
        let is_enum = bases.iter().any(|base| match &self.added(*base).kind {
            ExprKind::Name(name) | ExprKind::Member(_, name) => ENUMERATIONS.contains(&name.as_str()),
            _ => false,
        });
        let fields = Vec::new();
        let id = self.builder.class(Class { name, bases, fields, body: Block::new(), decorators, exported, is_enum });
        let inner = Scope { class: Some(id), owner: None, nested: self.scope.nested };
        let outer = std::mem::replace(&mut self.scope, inner);
        body.append(&mut self.field_block(node, "body"));
        self.scope = outer;
        if let Some(class) = self.builder.module.classes.get_mut(id.0 as usize) {
            class.body = body;
        }
        id
    }
}
