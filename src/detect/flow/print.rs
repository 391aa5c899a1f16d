//! Writes a lowered module as text, for tests of the lowerings.

use super::ir::{Block, ClassId, Const, ExprId, ExprKind, FunctionId, Module, Pattern, Stmt, StmtKind, Type};
use std::fmt::Write as _;

/// Writes a module, one statement a line, blocks indented.
pub(crate) fn module(module: &Module) -> String {
    let mut printer = Printer { module, out: String::new(), depth: 0 };
    printer.block(&module.body);
    printer.out
}

struct Printer<'a> {
    module: &'a Module,
    out: String,
    depth: usize,
}

impl Printer<'_> {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}{text}", "  ".repeat(self.depth));
    }

    fn indented(&mut self, block: &Block) {
        self.depth += 1;
        self.block(block);
        self.depth -= 1;
    }

    fn block(&mut self, block: &Block) {
        for stmt in block {
            self.stmt(stmt);
        }
    }

    fn nested(&mut self, head: &str, block: &Block) {
        self.line(head);
        self.indented(block);
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let e = |id: &ExprId| self.expr(*id);
        let o = |id: &Option<ExprId>| id.as_ref().map(|id| format!(" {}", self.expr(*id))).unwrap_or_default();
        match &stmt.kind {
            StmtKind::Expr(id) => self.line(&e(id)),
            StmtKind::Value(id) => self.line(&format!("value {}", e(id))),
            StmtKind::Assign(p, id, t) => {
                let t = t.as_ref().map(|t| format!(": {}", of_type(t))).unwrap_or_default();
                self.line(&format!("{}{t} = {}", self.pattern(p), e(id)));
            }
            StmtKind::AssignOp(p, op, id) => self.line(&format!("{} {op:?}= {}", self.pattern(p), e(id))),
            StmtKind::Declare(name, t) => self.line(&format!("declare {name} {}", opt_type(t.as_ref()))),
            StmtKind::If(c, then, other) => {
                self.nested(&format!("if {}", e(c)), then);
                self.nested_unless_empty("else", other);
            }
            StmtKind::IfLet(p, value, then, other) => {
                self.nested(&format!("if let {} = {}", self.pattern(p), e(value)), then);
                self.nested_unless_empty("else", other);
            }
            StmtKind::While(c, body, other) => {
                self.nested(&format!("while {}", e(c)), body);
                self.nested_unless_empty("else", other);
            }
            StmtKind::For { pattern, iterable, keys, body, otherwise } => {
                let word = if *keys { "keys of" } else { "in" };
                self.nested(&format!("for {} {word} {}", self.pattern(pattern), e(iterable)), body);
                self.nested_unless_empty("else", otherwise);
            }
            StmtKind::Match(subject, arms) => {
                self.line(&format!("match {}", e(subject)));
                for arm in arms {
                    let guard = arm.guard.map(|g| format!(" if {}", self.expr(g))).unwrap_or_default();
                    let falls = if arm.falls_through { " falls" } else { "" };
                    self.nested(&format!("case {}{guard}{falls}", self.pattern(&arm.pattern)), &arm.body);
                }
            }
            StmtKind::With(pattern, value, body) => {
                self.nested(&format!("with {} = {}", self.pattern(pattern), e(value)), body);
            }
            StmtKind::Return(id) => self.line(&format!("return{}", o(id))),
            StmtKind::Raise(id) => self.line(&format!("raise{}", o(id))),
            StmtKind::Break(id) => self.line(&format!("break{}", o(id))),
            StmtKind::Continue => self.line("continue"),
            StmtKind::Try { body, handlers, otherwise, finally } => {
                self.nested("try", body);
                for (pattern, block) in handlers {
                    let bound = pattern.as_ref().map(|p| format!(" {}", self.pattern(p))).unwrap_or_default();
                    self.nested(&format!("catch{bound}"), block);
                }
                self.nested_unless_empty("else", otherwise);
                self.nested_unless_empty("finally", finally);
            }
            StmtKind::Function(id) => self.function(*id),
            StmtKind::Class(id) => self.class(*id),
            StmtKind::Import(i) => {
                self.line(&format!("import {} = {} {:?}", i.local, i.module, i.item.map(|n| n.as_str())));
            }
            StmtKind::Export(name, id) => self.line(&format!("export {name} = {}", e(id))),
            StmtKind::Delete(p) => self.line(&format!("delete {}", self.pattern(p))),
            StmtKind::Outer(names) => self.line(&format!("outer {names:?}")),
            StmtKind::Block(block) => self.nested("block", block),
        }
    }

    fn nested_unless_empty(&mut self, head: &str, block: &Block) {
        if !block.is_empty() {
            self.nested(head, block);
        }
    }

    fn function(&mut self, id: FunctionId) {
        let f = self.module.function(id);
        for d in &f.decorators {
            self.line(&format!("@{}", self.expr(*d)));
        }
        let flags = format!("{}{}", if f.exported { "pub " } else { "" }, if f.is_async { "async " } else { "" });
        let kind = if f.method == super::ir::Method::Plain { String::new() } else { format!("{:?} ", f.method) };
        let head = format!("{flags}{kind}fn {}", self.signature(id));
        self.nested(&head, &f.body);
    }

    fn signature(&self, id: FunctionId) -> String {
        let f = self.module.function(id);
        let param = |p: &super::ir::Param| {
            let kind = if p.kind == super::ir::ParamKind::Plain { String::new() } else { format!("{:?} ", p.kind) };
            let decorators: String = p.decorators.iter().map(|d| format!("@{} ", self.expr(*d))).collect();
            let t = p.of_type.as_ref().map(|t| format!(": {}", of_type(t))).unwrap_or_default();
            let d = p.default.map(|d| format!(" = {}", self.expr(d))).unwrap_or_default();
            format!("{decorators}{kind}{}{t}{d}", self.pattern(&p.pattern))
        };
        let params: Vec<_> = f.params.iter().map(param).collect();
        let name = f.name.map_or("_", |n| n.as_str());
        format!("{name}({}) {}", params.join(", "), opt_type(f.returns.as_ref())).trim_end().to_owned()
    }

    fn class(&mut self, id: ClassId) {
        let c = self.module.class(id);
        for d in &c.decorators {
            self.line(&format!("@{}", self.expr(*d)));
        }
        let kind = if c.is_enum { "enum" } else { "class" };
        let head = format!("{kind} {}({})", c.name.map_or("_", |n| n.as_str()), self.list(&c.bases));
        self.line(&head);
        self.depth += 1;
        for (name, t) in &c.fields {
            self.line(&format!("field {name} {}", opt_type(t.as_ref())));
        }
        self.block(&c.body);
        self.depth -= 1;
    }

    fn list(&self, ids: &[ExprId]) -> String {
        ids.iter().map(|id| self.expr(*id)).collect::<Vec<_>>().join(", ")
    }

    fn sub(&self, block: &Block) -> String {
        let mut inner = Printer { module: self.module, out: String::new(), depth: 0 };
        inner.block(block);
        inner.out.trim_end().replace('\n', "; ")
    }

    fn expr(&self, id: ExprId) -> String {
        let e = |id: &ExprId| self.expr(*id);
        let o = |id: &Option<ExprId>| id.as_ref().map(|id| self.expr(*id)).unwrap_or_default();
        match &self.module.expr(id).kind {
            ExprKind::Const(c) => constant(c),
            ExprKind::Name(n) => n.to_string(),
            ExprKind::Member(a, n) => format!("{}.{n}", e(a)),
            ExprKind::Index(a, b) => format!("{}[{}]", e(a), e(b)),
            ExprKind::Slice(a, b, c) => format!("{}[{}:{}]", e(a), o(b), o(c)),
            ExprKind::Call(call) => {
                let arg = |a: &super::ir::Arg| {
                    let spread = if a.spread { "..." } else { "" };
                    let name = a.name.map(|n| format!("{n}=")).unwrap_or_default();
                    format!("{name}{spread}{}", self.expr(a.value))
                };
                let args: Vec<_> = call.args.iter().map(arg).collect();
                let types: Vec<_> = call.types.iter().map(of_type).collect();
                let types = if types.is_empty() { String::new() } else { format!("<{}>", types.join(", ")) };
                format!("{}{types}({})", e(&call.callee), args.join(", "))
            }
            ExprKind::Binary(op, a, b) => format!("({} {op:?} {})", e(a), e(b)),
            ExprKind::Not(a) => format!("!{}", e(a)),
            ExprKind::Negate(a) => format!("-{}", e(a)),
            ExprKind::TypeOf(a) => format!("typeof {}", e(a)),
            ExprKind::Conditional(a, b, c) => format!("({} ? {} : {})", e(a), e(b), e(c)),
            ExprKind::Text(parts) => format!("text({})", self.list(parts)),
            ExprKind::List(items) => {
                let item = |i: &super::ir::Item| format!("{}{}", if i.spread { "..." } else { "" }, self.expr(i.value));
                format!("[{}]", items.iter().map(item).collect::<Vec<_>>().join(", "))
            }
            ExprKind::Map(entries) => {
                let entry = |i: &super::ir::Entry| match i.key {
                    Some(key) => format!("{}: {}", self.expr(key), self.expr(i.value)),
                    None => format!("...{}", self.expr(i.value)),
                };
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            ExprKind::Function(id) => {
                format!("fn {} {{ {} }}", self.signature(*id), self.sub(&self.module.function(*id).body))
            }
            ExprKind::Class(id) => format!("class {:?}", self.module.class(*id).name),
            ExprKind::Await(a) => format!("await {}", e(a)),
            ExprKind::Lent(a) => format!("mut {}", e(a)),
            ExprKind::Yield(a) => format!("yield {}", o(a)),
            ExprKind::Cast(a, t) => format!("({} as {})", e(a), of_type(t)),
            ExprKind::Assign(p, a) => format!("({} := {})", self.pattern(p), e(a)),
            ExprKind::AssignOp(p, op, a) => format!("({} {op:?}= {})", self.pattern(p), e(a)),
            ExprKind::Comprehension(c) => {
                let clause = |c: &super::ir::Clause| match c {
                    super::ir::Clause::For(p, i) => format!("for {} in {}", self.pattern(p), self.expr(*i)),
                    super::ir::Clause::If(c) => format!("if {}", self.expr(*c)),
                };
                let clauses: Vec<_> = c.clauses.iter().map(clause).collect();
                let key = c.key.map(|k| format!("{}: ", self.expr(k))).unwrap_or_default();
                format!("[{key}{} {}]", e(&c.element), clauses.join(" "))
            }
            ExprKind::Block(block) => format!("{{ {} }}", self.sub(block)),
            ExprKind::Markup(tag, attributes, inner) => {
                let attributes: String =
                    attributes.iter().map(|(n, v)| format!(" {n}={{{}}}", self.expr(*v))).collect();
                format!("<{tag}{attributes}>[{}]", self.list(inner))
            }
            ExprKind::Other(parts) => format!("other({})", self.list(parts)),
        }
    }

    fn pattern(&self, pattern: &Pattern) -> String {
        let all = |ps: &[Pattern]| ps.iter().map(|p| self.pattern(p)).collect::<Vec<_>>();
        match pattern {
            Pattern::Name(n) => n.to_string(),
            Pattern::Place(id) => format!("place {}", self.expr(*id)),
            Pattern::List(ps, rest) => {
                let mut parts = all(ps);
                if let Some(part) = rest.and_then(|i| parts.get_mut(i)) {
                    part.insert_str(0, "...");
                }
                format!("[{}]", parts.join(", "))
            }
            Pattern::Map(entries, rest) => {
                let mut parts: Vec<String> = entries
                    .iter()
                    .map(|(k, p, d)| {
                        let d = d.map(|d| format!(" = {}", self.expr(d))).unwrap_or_default();
                        format!("{k}: {}{d}", self.pattern(p))
                    })
                    .collect();
                parts.extend(rest.map(|r| format!("...{r}")));
                format!("{{{}}}", parts.join(", "))
            }
            Pattern::Variant(n, ps) => format!("{n}({})", all(ps).join(", ")),
            Pattern::Value(id) => format!("={}", self.expr(*id)),
            Pattern::Any(ps) => all(ps).join(" | "),
            Pattern::Bind(n, p) => format!("{n} @ {}", self.pattern(p)),
            Pattern::Default(p, d) => format!("{} = {}", self.pattern(p), self.expr(*d)),
            Pattern::Ignore => "_".into(),
        }
    }
}

fn opt_type(of: Option<&Type>) -> String {
    of.map(of_type).unwrap_or_default()
}

fn of_type(of: &Type) -> String {
    if of.args.is_empty() {
        return of.name.to_string();
    }
    format!("{}<{}>", of.name, of.args.iter().map(of_type).collect::<Vec<_>>().join(", "))
}

fn constant(constant: &Const) -> String {
    match constant {
        Const::Null => "null".into(),
        Const::Bool(b) => b.to_string(),
        Const::Int(i) => i.to_string(),
        Const::Float(f) => f.to_string(),
        Const::Text(t) => format!("{t:?}"),
        Const::Bytes(b) => format!("b\"{}\"", b.escape_ascii()),
        Const::Regex(p, f) => format!("/{p}/{f}"),
    }
}
