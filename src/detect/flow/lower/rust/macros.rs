//! Macros: which of them build text or lists, end the path, check something, or are plain calls.

use super::arguments::{MacroArg, content_of, pieces, tokens_of};
use super::stmt::ended;
use super::{Goal, Lowerer, children, first, fragment};
use crate::detect::flow::ir::{Arg, Arm, Block, Call, Const, Entry, ExprId, ExprKind, Item, Op, Pattern, StmtKind};
use crate::detect::flow::lower::stmt;
use tree_sitter::Node;

impl<'a> Lowerer<'a> {
    /// Lowers a macro as a statement.
    pub(super) fn macro_stmt(&mut self, node: Node<'_>, whole: Node<'_>, goal: Goal, out: &mut Block) {
        let Some(tokens) = tokens_of(node) else { return };
        match self.macro_name(node) {
            "panic" | "bail" | "unreachable" | "todo" | "unimplemented" => {
                let args = self.macro_args(tokens);
                let raised = self.single(node, args);
                out.push(stmt(whole, StmtKind::Raise(raised)));
            }
            "assert" | "assert_eq" | "assert_ne" | "ensure" => self.check(node, whole, tokens, out),
            "select" if self.select(tokens, goal, out) => {}
            "lazy_static" | "thread_local" if self.inner_statements(tokens, fragment::ITEMS, goal, out) => {}
            "cfg_if" => self.configured(tokens, out),
            "quote" | "quote_spanned" | "parse_quote" => self.end_macro(node, whole, goal, out),
            _ if is_braced(tokens) && self.looks_like_statements(tokens) => {
                let mut inner = Block::new();
                if self.inner_statements(tokens, fragment::STATEMENTS, goal, &mut inner) {
                    let callee = self.macro_callee(node);
                    let call = self.builder.call(node, callee, Vec::new());
                    out.push(stmt(whole, StmtKind::Expr(call)));
                    out.push(stmt(whole, StmtKind::Block(inner)));
                } else {
                    self.end_macro(node, whole, goal, out);
                }
            }
            _ => self.end_macro(node, whole, goal, out),
        }
    }

    /// Lowers a macro as a value.
    pub(super) fn macro_value(&mut self, node: Node<'_>) -> ExprId {
        let Some(tokens) = tokens_of(node) else { return self.other(node) };
        match self.macro_name(node) {
            "panic" | "bail" | "unreachable" | "todo" | "unimplemented" | "assert" | "assert_eq" | "assert_ne"
            | "ensure" => {
                let mut body = Block::new();
                self.macro_stmt(node, node, Goal::Value, &mut body);
                self.add(node, ExprKind::Block(body))
            }
            "select" => {
                let mut body = Block::new();
                if self.select(tokens, Goal::Value, &mut body) {
                    self.add(node, ExprKind::Block(body))
                } else {
                    self.plain_macro(node, tokens)
                }
            }
            "format" | "format_args" | "formatdoc" | "formatcp" => {
                let args = self.macro_args(tokens);
                self.single(node, args).unwrap_or_else(|| self.builder.text_const(node, ""))
            }
            "concat" => {
                let parts = self.macro_args(tokens).into_iter().map(|arg| arg.value).collect();
                self.add(node, ExprKind::Text(parts))
            }
            "print" | "println" | "eprint" | "eprintln" | "write" | "writeln" | "anyhow" | "eyre" | "format_err"
            | "log" => {
                let args = self.macro_args(tokens);
                let args = self.formatted(node, args);
                self.macro_call(node, args)
            }
            "trace" | "debug" | "info" | "warn" | "error" | "event" | "trace_span" | "debug_span" | "info_span"
            | "warn_span" | "error_span" | "span" => {
                let args = self.macro_args(tokens);
                let args = self.event_fields(args);
                let args = self.formatted(node, args);
                self.macro_call(node, args)
            }
            "vec" | "smallvec" | "arrayvec" | "params" | "join" | "try_join" | "hashset" | "btreeset" => {
                self.vector(node, tokens)
            }
            "json" | "named_params" | "doc" | "bson" => self.json(node, tokens),
            "hashmap" | "btreemap" | "indexmap" | "hash_map" | "btree_map" => self.pairs(node, tokens),
            "matches" => self.matches(node, tokens),
            "try" => {
                let args = self.macro_args(tokens);
                let value = self.single(node, args).unwrap_or_else(|| self.other(tokens));
                self.add(node, ExprKind::Await(value))
            }
            "stringify" => {
                let text = self.builder.text.get(content_of(tokens)).unwrap_or_default();
                self.builder.text_const(node, text)
            }
            "quote" | "quote_spanned" | "parse_quote" => {
                let value = self.tokens(tokens);
                self.macro_call(node, vec![Arg { name: None, value, spread: false }])
            }
            _ => self.plain_macro(node, tokens),
        }
    }

    fn plain_macro(&mut self, node: Node<'_>, tokens: Node<'_>) -> ExprId {
        if is_braced(tokens) && self.looks_like_statements(tokens) {
            let mut inner = Block::new();
            if self.inner_statements(tokens, fragment::STATEMENTS, Goal::Value, &mut inner) {
                let value = self.add(tokens, ExprKind::Block(inner));
                return self.macro_call(node, vec![Arg { name: None, value, spread: false }]);
            }
        }
        let args = self.macro_args(tokens).into_iter().map(Arg::from).collect();
        self.macro_call(node, args)
    }

    fn end_macro(&mut self, node: Node<'_>, whole: Node<'_>, goal: Goal, out: &mut Block) {
        let value = self.macro_value(node);
        out.push(ended(whole, goal, value));
    }

    /// Returns the last part of a macro's path.
    fn macro_name(&self, node: Node<'_>) -> &'a str {
        let path = node.child_by_field_name("macro").map(|path| self.text(path)).unwrap_or_default();
        path.rsplit("::").next().unwrap_or(path).trim()
    }

    fn macro_callee(&mut self, node: Node<'_>) -> ExprId {
        let name = node.child_by_field_name("macro").unwrap_or(node);
        let path = self.dotted(name) + "!";
        self.builder.path(name, &path)
    }

    fn macro_call(&mut self, node: Node<'_>, args: Vec<Arg>) -> ExprId {
        let callee = self.macro_callee(node);
        self.add(node, ExprKind::Call(Call { callee, args, types: Vec::new() }))
    }

    /// Returns what the arguments of `panic!` and its like come to: one text or value.
    fn single(&mut self, node: Node<'_>, args: Vec<MacroArg>) -> Option<ExprId> {
        let args = self.formatted(node, args);
        match args.as_slice() {
            [] => None,
            [only] => Some(only.value),
            several => Some(self.add(node, ExprKind::Other(several.iter().map(|arg| arg.value).collect()))),
        }
    }

    /// Lowers `assert!` and its like to a branch that raises.
    fn check(&mut self, node: Node<'_>, whole: Node<'_>, tokens: Node<'_>, out: &mut Block) {
        let mut args = self.macro_args(tokens);
        let compared = match self.macro_name(node) {
            "assert_eq" => Some(Op::NotEq),
            "assert_ne" => Some(Op::Eq),
            _ => None,
        };
        let wanted = if compared.is_some() { 2 } else { 1 };
        if args.len() < wanted {
            let value = self.other(tokens);
            out.push(stmt(whole, StmtKind::Expr(value)));
            return;
        }
        let rest = args.split_off(wanted);
        let failed = match (compared, args.as_slice()) {
            (Some(operator), [a, b]) => self.add(node, ExprKind::Binary(operator, a.value, b.value)),
            _ => self.add(node, ExprKind::Not(args[0].value)),
        };
        let raised = self.single(node, rest);
        out.push(stmt(whole, StmtKind::If(failed, vec![stmt(whole, StmtKind::Raise(raised))], Block::new())));
    }

    /// Lowers `vec![a, b]` to a list, and `vec![a; n]` to a call, so that its length is seen.
    fn vector(&mut self, node: Node<'_>, tokens: Node<'_>) -> ExprId {
        let tree = self.fragment(content_of(tokens), fragment::LIST);
        if let Some(list) = tree.as_ref().and_then(fragment::framed)
            && let Some(length) = list.child_by_field_name("length")
        {
            let value = first(list).map(|value| self.expr(value));
            let length = self.expr(length);
            let args = value.into_iter().chain([length]).map(|value| Arg { name: None, value, spread: false });
            return self.macro_call(node, args.collect());
        }
        let args = match tree.as_ref().and_then(fragment::framed) {
            Some(list) => children(list).into_iter().map(|child| self.macro_arg(child)).collect(),
            None => self.macro_args(tokens),
        };
        let items = args.into_iter().map(|arg| Item { value: arg.value, spread: false }).collect();
        self.add(node, ExprKind::List(items))
    }

    fn matches(&mut self, node: Node<'_>, tokens: Node<'_>) -> ExprId {
        let parts = pieces(tokens, ",");
        let (Some(subject), Some(start)) = (parts.first(), parts.get(1).and_then(|part| part.first())) else {
            return self.plain_macro(node, tokens);
        };
        let end = parts.iter().rev().find_map(|piece| piece.last()).map_or(start.end_byte(), Node::end_byte);
        let Some(tree) = self.fragment(start.start_byte()..end, fragment::ARM) else {
            return self.plain_macro(node, tokens);
        };
        let Some(label) = fragment::framed_pattern(&tree) else { return self.plain_macro(node, tokens) };
        let subject = self.piece(tokens, subject);
        let pattern = self.pattern(label);
        let mut body = Block::new();
        let guard = label.child_by_field_name("condition").and_then(|guard| self.guard(guard, &mut body));
        let mut answer = |value: bool| {
            let value = self.add(node, ExprKind::Const(Const::Bool(value)));
            vec![stmt(node, StmtKind::Value(value))]
        };
        body.append(&mut answer(true));
        let no = answer(false);
        let arms = vec![
            Arm { pattern, guard, body, falls_through: false },
            Arm { pattern: Pattern::Ignore, guard: None, body: no, falls_through: false },
        ];
        self.add(node, ExprKind::Block(vec![stmt(node, StmtKind::Match(subject, arms))]))
    }

    /// Lowers `json!` to the map, list or value that it builds.
    fn json(&mut self, node: Node<'_>, tokens: Node<'_>) -> ExprId {
        if is_braced(tokens) {
            return self.json_tree(node, tokens);
        }
        let parts = pieces(tokens, ",");
        match parts.as_slice() {
            [] => self.add(node, ExprKind::Const(Const::Null)),
            [only] => self.json_value(tokens, only),
            _ => self.json_tree(node, tokens),
        }
    }

    fn json_value(&mut self, around: Node<'_>, tokens: &[Node<'_>]) -> ExprId {
        match tokens {
            [only] if only.kind() == "token_tree" && !self.text(*only).starts_with('(') => self.json_tree(*only, *only),
            [only] if self.text(*only) == "null" => self.add(*only, ExprKind::Const(Const::Null)),
            _ => self.piece(around, tokens),
        }
    }

    fn json_tree(&mut self, node: Node<'_>, tokens: Node<'_>) -> ExprId {
        if !is_braced(tokens) {
            let parts = pieces(tokens, ",");
            let items = parts.iter().map(|part| Item { value: self.json_value(tokens, part), spread: false });
            let items = items.collect();
            return self.add(node, ExprKind::List(items));
        }
        let mut entries = Vec::new();
        for part in pieces(tokens, ",") {
            let colon = part.iter().position(|token| token.kind() == ":");
            let (key, value) = match colon {
                Some(at) => (Some(self.piece(tokens, &part[..at])), &part[at + 1..]),
                None => (None, part.as_slice()),
            };
            entries.push(Entry { key, value: self.json_value(tokens, value) });
        }
        self.add(node, ExprKind::Map(entries))
    }

    /// Lowers `hashmap! { a => b }`.
    fn pairs(&mut self, node: Node<'_>, tokens: Node<'_>) -> ExprId {
        let mut entries = Vec::new();
        for part in pieces(tokens, ",") {
            let arrow = part.iter().position(|token| token.kind() == "=>");
            let (key, value) = match arrow {
                Some(at) => (Some(self.piece(tokens, &part[..at])), &part[at + 1..]),
                None => (None, part.as_slice()),
            };
            entries.push(Entry { key, value: self.piece(tokens, value) });
        }
        self.add(node, ExprKind::Map(entries))
    }

    /// Lowers the blocks of `cfg_if!`, one after the other.
    fn configured(&mut self, tokens: Node<'_>, out: &mut Block) {
        for child in children(tokens) {
            if child.kind() == "token_tree" && is_braced(child) {
                let mut inner = Block::new();
                if self.inner_statements(child, fragment::STATEMENTS, Goal::Effect, &mut inner) {
                    out.push(stmt(child, StmtKind::Block(inner)));
                }
            }
        }
    }

    /// Lowers statements inside a macro; says whether they are some.
    pub(super) fn inner_statements(
        &mut self,
        tokens: Node<'_>,
        frame: fragment::Frame,
        goal: Goal,
        out: &mut Block,
    ) -> bool {
        let Some(tree) = self.fragment(content_of(tokens), frame) else { return false };
        let Some(block) = fragment::framed(&tree).filter(|block| block.kind() == "block") else { return false };
        self.statements(block, goal, out);
        true
    }

    /// Says whether the braces of a macro seem to hold statements, not a list.
    fn looks_like_statements(&self, tokens: Node<'_>) -> bool {
        let text = self.builder.text.get(content_of(tokens)).unwrap_or_default().trim_end();
        text.ends_with([';', '}'])
    }
}

fn is_braced(tokens: Node<'_>) -> bool {
    tokens.child(0).is_some_and(|open| open.kind() == "{")
}
