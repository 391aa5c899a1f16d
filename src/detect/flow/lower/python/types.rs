//! Types, read from their text: what is written plainly and what is written as a string have the same form.

use super::{Lowering, name, parts};
use crate::detect::flow::ir::{ExprId, Type};
use crate::detect::flow::name::Name;
use tree_sitter::Node;

/// Types nested deeper than this are cut off.
const DEEPEST: u32 = 40;

impl Lowering<'_> {
    /// Returns the type that a node writes.
    pub(super) fn of_type(&self, node: Node<'_>) -> Type {
        Reader { rest: self.builder.text(node), depth: 0 }.union()
    }

    /// Lowers the notes of `Annotated[type, note, ...]`.
    pub(super) fn notes(&mut self, of_type: Node<'_>) -> Vec<ExprId> {
        if !self.builder.text(of_type).contains("Annotated") {
            return Vec::new();
        }
        let mut open = vec![of_type];
        while let Some(node) = open.pop() {
            let inner = parts(node);
            match (node.kind(), &inner[..]) {
                ("type", [only]) => open.push(*only),
                ("generic_type" | "subscript", [head, rest @ ..])
                    if self.builder.text(*head).ends_with("Annotated") =>
                {
                    let list = match rest {
                        [list] if list.kind() == "type_parameter" => parts(*list),
                        list => list.to_vec(),
                    };
                    return list.into_iter().skip(1).map(|note| self.expr(note)).collect();
                }
                ("union_type" | "binary_operator", several) => open.extend(several),
                _ => {}
            }
        }
        Vec::new()
    }
}

/// Reads a type from the front of a text.
struct Reader<'t> {
    rest: &'t str,
    depth: u32,
}

impl<'t> Reader<'t> {
    /// Reads `a | b | c`.
    fn union(&mut self) -> Type {
        let first = self.one();
        if !self.eat("|") {
            return first;
        }
        let mut args = vec![first, self.one()];
        while self.eat("|") {
            args.push(self.one());
        }
        Type { name: Name::new("|"), args }
    }

    fn one(&mut self) -> Type {
        self.skip_space();
        self.rest = self.rest.trim_start_matches('*');
        self.skip_space();
        match self.rest.chars().next() {
            Some('[') => Type { name: Name::new("[]"), args: self.list(']') },
            Some('(') => match self.list(')') {
                mut one if one.len() == 1 => one.swap_remove(0),
                args => Type { name: Name::new("()"), args },
            },
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            Some('.') if self.rest.starts_with("...") => {
                self.rest = &self.rest[3..];
                plain("...")
            }
            Some(c) if c.is_alphabetic() || c == '_' => self.named(),
            Some(c) => {
                let end = self.rest.find([',', ']', ')', '|']).unwrap_or(self.rest.len()).max(c.len_utf8());
                self.rest = &self.rest[end..];
                plain("literal")
            }
            None => plain("literal"),
        }
    }

    /// Reads `a.b`, `a.b[...]` or a call, whose arguments are left out.
    fn named(&mut self) -> Type {
        let mut path = self.word().to_owned();
        if matches!(self.rest.chars().next(), Some('"' | '\'')) {
            return self.one();
        }
        while self.eat(".") {
            self.skip_space();
            path.push('.');
            path.push_str(self.word());
        }
        self.skip_space();
        let of_literals = path == "Literal" || path.ends_with(".Literal");
        let mut args = if self.rest.starts_with('[') { self.list(']') } else { Vec::new() };
        if self.rest.starts_with('(') {
            self.list(')');
        }
        if of_literals {
            args = args.iter().map(|_| plain("literal")).collect();
        }
        if matches!(path.as_str(), "True" | "False") {
            path = "literal".into();
        }
        Type { name: name(&path), args }
    }

    fn word(&mut self) -> &'t str {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// Reads what is in brackets, and the brackets.
    fn list(&mut self, close: char) -> Vec<Type> {
        self.rest = &self.rest[1..];
        let mut args = Vec::new();
        self.depth += 1;
        loop {
            self.skip_space();
            let Some(next) = self.rest.chars().next() else { break };
            if next == close || self.depth > DEEPEST {
                self.rest = &self.rest[next.len_utf8()..];
                break;
            }
            if matches!(next, ',' | ']' | ')') {
                self.rest = &self.rest[1..];
                continue;
            }
            args.push(self.union());
            // Whatever else there is, such as the operators of an expression, is no part of the type.
            self.skip_space();
            let end = self.rest.find([',', ']', ')']).unwrap_or(self.rest.len());
            self.rest = &self.rest[end..];
        }
        self.depth -= 1;
        args
    }

    /// Reads a type that is written as a string.
    fn quoted(&mut self, quote: char) -> Type {
        let inner = &self.rest[1..];
        let Some(end) = inner.find(quote) else {
            self.rest = "";
            return plain("literal");
        };
        self.rest = &inner[end + 1..];
        Reader { rest: &inner[..end], depth: self.depth + 1 }.union()
    }

    fn eat(&mut self, sign: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip_space(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
        }
    }
}

fn plain(name: &str) -> Type {
    Type { name: Name::new(name), args: Vec::new() }
}
