//! Classes, enumerations and namespaces.

use super::function::Property;
use super::scope::Binding;
use super::{Lowering, first_kid, has_token, kids};
use crate::detect::flow::ir::{
    Block, Class, ClassId, Const, ExprId, ExprKind, Function, FunctionId, Pattern, StmtKind, Type,
};
use crate::detect::flow::lower::stmt;
use crate::detect::flow::name::Name;
use tree_sitter::Node;

/// A class in the making.
#[derive(Default)]
struct Parts {
    fields: Vec<(Name, Option<crate::detect::flow::ir::Type>)>,
    body: Block,
    methods: Vec<FunctionId>,
    /// Decorators that stand ahead of the method they belong to.
    decorators: Vec<ExprId>,
}

/// Decorators of class-validator after whose check a field is a number, a date, an id or one of a list: nothing that does
/// harm as text. Source: its README, "Validation decorators".
const CHECKED: [&str; 16] = [
    "IsBoolean",
    "IsBooleanString",
    "IsDate",
    "IsDateString",
    "IsDecimal",
    "IsEnum",
    "IsHexadecimal",
    "IsISO8601",
    "IsIn",
    "IsInt",
    "IsMongoId",
    "IsNumber",
    "IsNumberString",
    "IsPort",
    "IsPositive",
    "IsUUID",
];

/// Says whether a decorator is a call of one of [`CHECKED`] that looks at the value itself, not at each of many.
fn is_checked(decorator: &str) -> bool {
    let (name, arguments) = decorator.trim_start_matches('@').split_once('(').unwrap_or((decorator, ""));
    CHECKED.contains(&name.trim()) && !arguments.contains("each")
}

impl Lowering<'_> {
    /// Lowers a class declaration to a statement.
    pub(super) fn class_stmt(&mut self, node: Node<'_>, decorators: Vec<ExprId>, out: &mut Block) -> ClassId {
        if let Some(name) = node.child_by_field_name("name") {
            self.bind(self.name(name), Binding::Function);
        }
        let id = self.class(node, None, decorators);
        out.push(stmt(node, StmtKind::Class(id)));
        id
    }

    /// Lowers a class expression.
    pub(super) fn class_value(&mut self, node: Node<'_>, name: Option<Name>, decorators: Vec<ExprId>) -> ExprId {
        let id = self.class(node, name, decorators);
        self.add(node, ExprKind::Class(id))
    }

    fn class(&mut self, node: Node<'_>, name: Option<Name>, mut decorators: Vec<ExprId>) -> ClassId {
        decorators.extend(self.decorators(node));
        let name = node.child_by_field_name("name").map(|own| self.name(own)).or(name);
        let heritage = kids(node).into_iter().find(|child| child.kind() == "class_heritage");
        let bases = heritage.map(|heritage| self.bases(heritage)).unwrap_or_default();
        let mut parts = Parts::default();
        for member in node.child_by_field_name("body").map(kids).unwrap_or_default() {
            self.member(member, &mut parts);
        }
        let Parts { fields, body, methods, .. } = parts;
        let class = Class { name, bases, fields, body, decorators, exported: false, is_enum: false };
        let id = self.builder.class(class);
        self.join_class(&methods, id);
        id
    }

    fn bases(&mut self, node: Node<'_>) -> Vec<ExprId> {
        let mut bases = Vec::new();
        for child in kids(node) {
            match child.kind() {
                "extends_clause" => {
                    for base in kids(child).into_iter().filter(|base| base.kind() != "type_arguments") {
                        let base = self.expr(base);
                        bases.push(base);
                    }
                }
                "implements_clause" => {
                    for base in kids(child) {
                        let name = self.type_of(base).name;
                        let base = self.builder.path(base, name.as_str());
                        bases.push(base);
                    }
                }
                _ => {
                    let base = self.expr(child);
                    bases.push(base);
                }
            }
        }
        bases
    }

    fn member(&mut self, node: Node<'_>, parts: &mut Parts) {
        match node.kind() {
            "decorator" => {
                let decorator = self.only(node);
                parts.decorators.push(decorator);
            }
            "method_definition" => self.class_method(node, parts),
            "field_definition" | "public_field_definition" => self.class_field(node, parts),
            "class_static_block" => {
                let mut block = Vec::new();
                for child in node.child_by_field_name("body").map(kids).unwrap_or_default() {
                    self.stmt(child, &mut block);
                }
                parts.body.push(stmt(node, StmtKind::Block(block)));
            }
            // Signatures have no body; their decorators belong to the implementation.
            "method_signature" | "abstract_method_signature" | "index_signature" => {}
            _ => self.stmt(node, &mut parts.body),
        }
    }

    fn class_method(&mut self, node: Node<'_>, parts: &mut Parts) {
        let mut decorators = std::mem::take(&mut parts.decorators);
        decorators.extend(self.decorators(node));
        if let Some(name) = node.child_by_field_name("name") {
            self.key_effect(name, &mut parts.body);
        }
        let mut properties: Vec<Property> = Vec::new();
        let id = self.method(node, decorators, Some(&mut properties));
        parts.fields.extend(properties.into_iter().map(|property| (property.name, property.of_type)));
        parts.methods.push(id);
        parts.body.push(stmt(node, StmtKind::Function(id)));
    }

    fn class_field(&mut self, node: Node<'_>, parts: &mut Parts) {
        let mut decorators = std::mem::take(&mut parts.decorators);
        decorators.extend(self.decorators(node));
        let written = |id: &ExprId| {
            let (from, to) = self.builder.module.expr(*id).span;
            self.builder.text.get(from as usize..to as usize).unwrap_or_default().to_owned()
        };
        let checked = decorators.iter().map(written).find(|text| is_checked(text));
        // A class has no place for the decorators of its fields; they are evaluated, at least.
        parts.body.extend(decorators.into_iter().map(|decorator| stmt(node, StmtKind::Expr(decorator))));
        let key = node.child_by_field_name("name").or_else(|| node.child_by_field_name("property"));
        let Some(key) = key else { return };
        self.key_effect(key, &mut parts.body);
        let name = self.key_name(key);
        let number = || Type { name: Name::new("number"), args: Vec::new() };
        let of_type = checked.map(|_| number()).or_else(|| self.type_field(node, "type"));
        if let Some(value) = node.child_by_field_name("value") {
            let value = self.named(value, Some(name));
            parts.body.push(stmt(node, StmtKind::Assign(Pattern::Name(name), value, of_type.clone())));
        }
        parts.fields.push((name, of_type));
    }

    /// Lowers an enumeration to a class with its members as fields and what they are as assignments.
    pub(super) fn enumeration(&mut self, node: Node<'_>, out: &mut Block) -> ClassId {
        let name = node.child_by_field_name("name").map(|name| self.name(name));
        if let Some(name) = name {
            self.bind(name, Binding::Function);
        }
        let (mut fields, mut body) = (Vec::new(), Vec::new());
        let mut next = Some(0);
        for member in node.child_by_field_name("body").map(kids).unwrap_or_default() {
            let key = member.child_by_field_name("name").unwrap_or(member);
            let value = match member.child_by_field_name("value") {
                Some(value) => self.expr(value),
                None => {
                    let number = next.map_or_else(|| ExprKind::Other(Vec::new()), |n| ExprKind::Const(Const::Int(n)));
                    self.add(member, number)
                }
            };
            next = match self.builder.module.expr(value).kind {
                ExprKind::Const(Const::Int(number)) => number.checked_add(1),
                _ => None,
            };
            let name = self.key_name(key);
            fields.push((name, None));
            body.push(stmt(member, StmtKind::Assign(Pattern::Name(name), value, None)));
        }
        let (bases, decorators) = (Vec::new(), Vec::new());
        let id = self.builder.class(Class { name, bases, fields, body, decorators, exported: false, is_enum: true });
        out.push(stmt(node, StmtKind::Class(id)));
        id
    }

    /// Lowers a namespace: its statements, flat. A module by a quoted name only describes another file.
    pub(super) fn namespace(&mut self, node: Node<'_>, out: &mut Block) {
        if node.child_by_field_name("name").is_some_and(|name| name.kind() == "string") {
            return;
        }
        let around = std::mem::replace(&mut self.in_namespace, true);
        for child in node.child_by_field_name("body").map(kids).unwrap_or_default() {
            self.stmt(child, out);
        }
        self.in_namespace = around;
    }

    /// Lowers `import A = B.C`.
    pub(super) fn alias(&mut self, node: Node<'_>, out: &mut Block) {
        let parts = kids(node);
        let [local, path] = parts.as_slice() else { return };
        let name = self.name(*local);
        self.bind(name, Binding::Function);
        let text: String = self.text(*path).split_whitespace().collect();
        let value = self.builder.path(*path, &text);
        out.push(stmt(node, StmtKind::Assign(Pattern::Name(name), value, None)));
    }

    /// Lowers `declare ...`: names and types, no code.
    pub(super) fn ambient(&mut self, node: Node<'_>, out: &mut Block) {
        if has_token(node, "module") {
            return;
        }
        let Some(inner) = first_kid(node) else { return };
        self.stmt(inner, out);
    }
}

/// Says whether other files can call a method of a class that they can use.
pub(super) fn is_open(function: &Function, text: &str) -> bool {
    let name = function.name.map_or("", Name::as_str);
    let head = text.get(function.span.0 as usize..function.span.1 as usize).unwrap_or_default();
    !name.starts_with('#') && !head.starts_with("private ")
}
