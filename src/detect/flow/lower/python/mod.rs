//! Lowers Python.

mod compound;
mod define;
mod expr;
mod literal;
mod operator;
mod pattern;
mod statement;
#[cfg(test)]
mod tests;
mod types;

use super::{Builder, span};
use crate::detect::flow::ir::{Block, ClassId, Expr, ExprId, ExprKind, Module};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

pub(super) fn lower(builder: Builder<'_>, root: Node<'_>) -> Module {
    let mut lowering = Lowering { builder, scope: Scope::default() };
    let body = lowering.block(root);
    lowering.builder.finish(body)
}

/// A module in the making, and where in it we are.
struct Lowering<'a> {
    builder: Builder<'a>,
    scope: Scope,
}

/// What is around the statements that are being lowered.
#[derive(Debug, Clone, Copy, Default)]
struct Scope {
    /// The class whose body they stand in.
    class: Option<ClassId>,
    /// The class whose method they stand in.
    owner: Option<ClassId>,
    /// Whether they stand in a function.
    nested: bool,
}

impl Lowering<'_> {
    /// Lowers the statements below a node.
    fn block(&mut self, node: Node<'_>) -> Block {
        let mut block = Block::new();
        if matches!(node.kind(), "block" | "module") {
            for child in parts(node) {
                self.statement(child, &mut block);
            }
        } else {
            self.statement(node, &mut block);
        }
        block
    }

    /// Lowers the statements of a field; none where it is missing.
    fn field_block(&mut self, node: Node<'_>, field: &str) -> Block {
        node.child_by_field_name(field).map(|body| self.block(body)).unwrap_or_default()
    }

    /// Adds an expression that stands where `node` does.
    fn add(&mut self, node: Node<'_>, kind: ExprKind) -> ExprId {
        let (from, to) = span(node);
        // The grammar reads `*a.b()` as `(*a).b()`.
        let star = self.starts_with_star(node) && !matches!(kind, ExprKind::List(_) | ExprKind::Other(_));
        self.builder.expr_at((from + u32::from(star), to), kind)
    }

    /// Says whether the text of a node begins with a star.
    fn starts_with_star(&self, node: Node<'_>) -> bool {
        self.builder.text.as_bytes().get(node.start_byte()) == Some(&b'*')
    }

    /// Returns an expression that has been added.
    fn added(&self, id: ExprId) -> &Expr {
        self.builder.module.expr(id)
    }

    /// Returns an identifier in the form that Python compares.
    fn name(&self, node: Node<'_>) -> Name {
        name(self.builder.text(node))
    }

    /// Returns a dotted name without the space that may stand in it.
    fn dotted(&self, node: Node<'_>) -> Name {
        let text = self.builder.text(node);
        let odd = |c: char| c.is_whitespace() || c == '\\';
        if text.contains(odd) { name(&text.replace(odd, "")) } else { name(text) }
    }
}

/// Interns an identifier or dotted name, look-alikes of Latin letters replaced the way that Python does.
fn name(text: &str) -> Name {
    if text.is_ascii() { Name::new(text) } else { Name::new(&text.chars().map(plain_letter).collect::<String>()) }
}

/// Returns the letter or digit that a compatibility character stands for: those of Unicode's blocks of mathematical,
/// full-width and letter-like signs, and the long s.
fn plain_letter(c: char) -> char {
    let in_row = |first: u32, length: u32, row: &[u8]| {
        row.get(((u32::from(c) - first) % length) as usize).map_or(c, |letter| char::from(*letter))
    };
    match c {
        '\u{1D400}'..='\u{1D6A3}' => in_row(0x1D400, 52, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
        '\u{1D7CE}'..='\u{1D7FF}' => in_row(0x1D7CE, 10, b"0123456789"),
        '\u{FF10}'..='\u{FF5A}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        'ℬ' => 'B',
        'ℂ' | 'ℭ' => 'C',
        'ⅅ' => 'D',
        'ℰ' => 'E',
        'ℱ' => 'F',
        'ℋ' | 'ℌ' | 'ℍ' => 'H',
        'ℐ' | 'ℑ' => 'I',
        'ℒ' => 'L',
        'ℳ' => 'M',
        'ℕ' => 'N',
        'ℙ' => 'P',
        'ℚ' => 'Q',
        'ℛ' | 'ℜ' | 'ℝ' => 'R',
        'ℤ' | 'ℨ' => 'Z',
        'ª' => 'a',
        'ⅆ' => 'd',
        'ℯ' | 'ⅇ' => 'e',
        'ℊ' => 'g',
        'ℎ' => 'h',
        'ⁱ' | 'ℹ' | 'ⅈ' => 'i',
        'ⅉ' => 'j',
        'ℓ' => 'l',
        'ⁿ' => 'n',
        'º' | 'ℴ' => 'o',
        'ſ' => 's',
        _ => c,
    }
}

/// Returns the named children of a node without comments, but with what the parser could not read.
fn parts(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !child.is_extra() || child.is_error()).collect()
}

/// Returns the children that have a field's name.
fn fields<'t>(node: Node<'t>, field: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor).filter(Node::is_named).collect()
}

/// Says whether one of the direct children is the keyword or sign `token`.
fn has_token(node: Node<'_>, token: &str) -> bool {
    let mut cursor = node.walk();
    node.children(&mut cursor).any(|child| child.kind() == token)
}
