//! From a syntax tree to the representation that the engine works on, one file or folder a language.
//!
//! Lowering never fails: what it does not know becomes [`ExprKind::Other`] over its parts, so that data still passes.
//! It recurses with the tree, whose depth the parser has limited.

mod javascript;
mod python;
mod rust;

use super::ir::{
    Arg, Block, Call, Class, ClassId, Const, Expr, ExprId, ExprKind, Function, FunctionId, Module, Stmt, StmtKind,
};
use super::name::Name;
use crate::syntax::SourceFile;
use crate::syntax::language::Language;
use tree_sitter::Node;

/// Lowers a file.
pub fn lower(file: &SourceFile) -> Module {
    let root = file.document.root().get_inner_node();
    let builder = Builder { text: file.text(), module: Module::default() };
    match file.language {
        Language::Python => python::lower(builder, root),
        Language::JavaScript | Language::TypeScript | Language::Tsx => javascript::lower(builder, root),
        Language::Rust => rust::lower(builder, root),
    }
}

/// A module in the making, and the text it is made from.
struct Builder<'a> {
    text: &'a str,
    module: Module,
}

impl<'a> Builder<'a> {
    /// Returns the text of a node.
    fn text(&self, node: Node<'_>) -> &'a str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Adds an expression that stands where `node` does.
    fn expr(&mut self, node: Node<'_>, kind: ExprKind) -> ExprId {
        self.expr_at(span(node), kind)
    }

    /// Adds an expression that stands at `span`.
    fn expr_at(&mut self, span: (u32, u32), kind: ExprKind) -> ExprId {
        let id = ExprId(u32::try_from(self.module.exprs.len()).unwrap_or(u32::MAX));
        self.module.exprs.push(Expr { kind, span });
        id
    }

    /// Adds a text constant.
    fn text_const(&mut self, node: Node<'_>, text: &str) -> ExprId {
        self.expr(node, ExprKind::Const(Const::Text(text.into())))
    }

    /// Adds a call with arguments by position.
    fn call(&mut self, node: Node<'_>, callee: ExprId, args: Vec<ExprId>) -> ExprId {
        let args = args.into_iter().map(|value| Arg { name: None, value, spread: false }).collect();
        self.expr(node, ExprKind::Call(Call { callee, args, types: Vec::new() }))
    }

    /// Adds a dotted path as a chain of members: `os.path.join`.
    fn path(&mut self, node: Node<'_>, dotted: &str) -> ExprId {
        let mut parts = dotted.split('.');
        let first = Name::new(parts.next().unwrap_or_default());
        let mut expr = self.expr(node, ExprKind::Name(first));
        for part in parts {
            expr = self.expr(node, ExprKind::Member(expr, Name::new(part)));
        }
        expr
    }

    /// Adds a function.
    fn function(&mut self, function: Function) -> FunctionId {
        let id = FunctionId(u32::try_from(self.module.functions.len()).unwrap_or(u32::MAX));
        self.module.functions.push(function);
        id
    }

    /// Adds a class.
    fn class(&mut self, class: Class) -> ClassId {
        let id = ClassId(u32::try_from(self.module.classes.len()).unwrap_or(u32::MAX));
        self.module.classes.push(class);
        id
    }

    /// Ends the work on a file.
    fn finish(mut self, body: Block) -> Module {
        self.module.body = body;
        self.module
    }
}

/// Makes a statement that stands where `node` does.
fn stmt(node: Node<'_>, kind: StmtKind) -> Stmt {
    Stmt { kind, span: span(node) }
}

/// Returns the bytes of a node.
fn span(node: Node<'_>) -> (u32, u32) {
    let end = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    (end(node.start_byte()), end(node.end_byte()))
}
