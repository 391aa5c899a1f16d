//! Statements.

use super::{Engine, Loop, MAX_DEPTH, merge, merge_value};
use crate::detect::flow::ir::{Arm, Block, Const, ExprId, ExprKind, Module, Pattern, Stmt, StmtKind};
use crate::detect::flow::value::{Closure, Data, Kind, Value};
use crate::syntax::language::Language;

/// How often a loop's body runs before what it changes is taken as it is.
const ROUNDS: usize = 3;

impl Engine<'_> {
    /// Runs statements in order; functions and classes are known from the beginning.
    pub(super) fn block(&mut self, m: &Module, block: &Block) {
        if self.depth > MAX_DEPTH {
            self.give_up("code is nested too deep to follow");
            return;
        }
        self.depth += 1;
        for stmt in block {
            if let StmtKind::Function(id) = stmt.kind
                && m.function(id).decorators.is_empty()
            {
                self.define(m, id);
            }
        }
        for stmt in block {
            if !self.state.alive || !self.step() {
                break;
            }
            self.stmt(m, stmt);
        }
        self.depth -= 1;
    }

    fn define(&mut self, m: &Module, id: crate::detect::flow::ir::FunctionId) {
        let value = self.closure(id, None);
        if let Some(name) = m.function(id).name {
            self.set(name, value);
        }
    }

    /// Makes the value of a function that stands here.
    pub(super) fn closure(&mut self, id: crate::detect::flow::ir::FunctionId, this: Option<Value>) -> Value {
        let frame = self.frame();
        frame.captured = true;
        let (module, scopes) = (frame.module, frame.scopes.clone());
        let place = (module, (id.0, u32::MAX));
        self.fresh(place, Kind::Function(Closure { module, function: id, scopes, this }))
    }

    fn stmt(&mut self, m: &Module, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Expr(id) => {
                self.eval(m, *id);
            }
            StmtKind::Value(id) => {
                let value = self.eval(m, *id);
                let value = match value.as_const() {
                    // A truth says what was found out on the way to it: `matches!`, `if` as a value.
                    Some(Const::Bool(_)) => self.with_findings(value),
                    _ => value,
                };
                if self.state.alive
                    && let Some(values) = self.frame().values.last_mut()
                {
                    merge_value(values, &value);
                }
            }
            StmtKind::Assign(pattern, id, of_type) => {
                let value = self.eval(m, *id);
                let value = match of_type {
                    Some(of_type) => self.converted(&value, of_type),
                    None => value,
                };
                self.bind_noting(m, pattern, &value, *id);
            }
            StmtKind::AssignOp(pattern, op, id) => {
                self.assign_op(m, pattern, *op, *id, stmt.span);
            }
            StmtKind::Declare(name, of_type) => {
                let value =
                    of_type.as_ref().map_or_else(|| Data::constant(Const::Null), |t| self.of_type(t, stmt.span));
                self.set(*name, value);
            }
            StmtKind::If(condition, then, otherwise) => self.branch(m, *condition, then, otherwise),
            StmtKind::IfLet(pattern, value, then, otherwise) => self.branch_by(m, pattern, *value, then, otherwise),
            StmtKind::While(condition, body, otherwise) => self.while_loop(m, *condition, body, otherwise),
            StmtKind::For { pattern, iterable, keys, body, otherwise } => {
                self.for_loop(m, pattern, *iterable, *keys, body, otherwise);
            }
            StmtKind::With(pattern, value, body) => self.with_block(m, pattern, *value, body),
            StmtKind::Match(subject, arms) => self.arms(m, *subject, arms),
            StmtKind::Return(id) => self.give_back(m, *id, stmt.span),
            StmtKind::Raise(id) => {
                let value = id.map(|id| self.eval(m, id));
                self.raise(value.as_ref());
            }
            StmtKind::Break(id) => {
                let value = id.map(|id| self.eval(m, id));
                let state = std::mem::take(&mut self.state);
                if let Some(around) = self.frame().loops.last_mut() {
                    if let Some(value) = value {
                        merge_value(&mut around.value, &value);
                    }
                    merge(&mut around.breaks, state);
                }
                self.die();
            }
            StmtKind::Continue => {
                let state = self.state.fork();
                if let Some(around) = self.frame().loops.last_mut() {
                    merge(&mut around.continues, state);
                }
                self.die();
            }
            StmtKind::Try { body, handlers, otherwise, finally } => self.attempt(m, body, handlers, otherwise, finally),
            StmtKind::Function(id) => self.function_statement(m, *id),
            StmtKind::Class(id) => self.class_statement(m, *id),
            StmtKind::Import(import) => self.import(import, stmt.span),
            StmtKind::Export(name, id) => {
                let value = self.eval(m, *id);
                let here = self.here();
                self.units[here].exports.insert(*name, value);
            }
            StmtKind::Delete(pattern) => self.delete(m, pattern),
            StmtKind::Outer(names) => {
                let names = names.clone();
                self.frame().outer.extend(names);
            }
            StmtKind::Block(block) => self.block(m, block),
        }
    }

    /// Ends the path. The state keeps its base, so that it can be joined.
    pub(super) fn die(&mut self) {
        self.state.alive = false;
    }

    fn branch(&mut self, m: &Module, condition: ExprId, then: &Block, otherwise: &Block) {
        let test = self.condition(m, condition);
        match test.truth() {
            Some(true) => {
                self.assume(&test, true);
                self.block(m, then);
            }
            Some(false) => {
                self.assume(&test, false);
                self.block(m, otherwise);
            }
            None => {
                self.either(
                    |e| {
                        e.assume(&test, true);
                        e.block(m, then);
                    },
                    |e| {
                        e.assume(&test, false);
                        e.block(m, otherwise);
                    },
                );
            }
        }
    }

    fn branch_by(&mut self, m: &Module, pattern: &Pattern, value: ExprId, then: &Block, otherwise: &Block) {
        let value_span = m.expr(value).span;
        let value = self.eval(m, value);
        let fits = self.fits(m, pattern, &value);
        if fits == Some(false) {
            return self.block(m, otherwise);
        }
        let is_certain = fits == Some(true);
        self.either(
            |e| {
                if !e.assume_outcome(m, pattern, &value, true) {
                    e.assume(&value, true);
                }
                e.bind(m, pattern, &value, value_span);
                e.block(m, then);
            },
            |e| {
                if is_certain {
                    e.die();
                } else {
                    if !e.assume_outcome(m, pattern, &value, false) {
                        e.assume(&value, false);
                    }
                    e.block(m, otherwise);
                }
            },
        );
    }

    fn while_loop(&mut self, m: &Module, condition: ExprId, body: &Block, otherwise: &Block) {
        self.frame().loops.push(Loop::default());
        let mut exits = None;
        for _ in 0..ROUNDS {
            let test = self.condition(m, condition);
            if test.truth() != Some(true) {
                let before = self.state.fork();
                self.assume(&test, false);
                merge(&mut exits, std::mem::replace(&mut self.state, before));
            }
            if test.truth() == Some(false) {
                break;
            }
            let before = self.state.fork();
            self.assume(&test, true);
            self.block(m, body);
            if self.round(before) || !self.state.alive {
                break;
            }
        }
        if self.state.alive && !matches!(m.expr(condition).kind, ExprKind::Const(_)) {
            // It counts to more than the rounds that are looked at, but it ends.
            merge(&mut exits, std::mem::take(&mut self.state));
        }
        self.end_loop(m, exits, otherwise);
    }

    fn for_loop(
        &mut self,
        m: &Module,
        pattern: &Pattern,
        iterable: ExprId,
        keys: bool,
        body: &Block,
        otherwise: &Block,
    ) {
        let span = m.expr(iterable).span;
        let over = self.eval(m, iterable);
        // Loops inside loops are not worth it.
        let known = if keys || !self.frame().loops.is_empty() { None } else { self.known_elements(&over) };
        if let Some(elements) = known {
            return self.loop_over(m, (pattern, iterable), (&over, &elements), body, otherwise);
        }
        let element = if keys { self.key_of(&over, span) } else { self.element_of(&over, span) };
        self.frame().loops.push(Loop::default());
        let mut exits = None;
        merge(&mut exits, self.state.fork());
        let mut held = crate::detect::flow::catalog::ALL;
        for _ in 0..ROUNDS {
            let before = self.state.fork();
            self.bind(m, pattern, &element, span);
            self.block(m, body);
            self.note_changed_elements(m, pattern, iterable, &over, &element);
            held &= self.held_in_round(&element);
            let is_over = self.round(before);
            if !self.state.alive {
                break;
            }
            merge(&mut exits, self.state.fork());
            if is_over {
                break;
            }
        }
        if let (Some(exits), true, Some((whole, of))) = (&mut exits, over.is_sign, over.origin) {
            // What holds for every sign holds for the text.
            exits.clean(whole, held & of);
        }
        self.note_each(&over, &element, exits.as_mut());
        self.end_loop(m, exits, otherwise);
    }

    /// Runs a loop over a few values that are known, each in its turn.
    fn loop_over(
        &mut self,
        m: &Module,
        (pattern, iterable): (&Pattern, ExprId),
        (over, elements): (&Value, &[Value]),
        body: &Block,
        otherwise: &Block,
    ) {
        self.frame().loops.push(Loop::default());
        for element in elements {
            self.bind(m, pattern, element, m.expr(iterable).span);
            self.block(m, body);
            self.note_changed_elements(m, pattern, iterable, over, element);
            let continues = self.frame().loops.last_mut().and_then(|l| l.continues.take());
            if let Some(continues) = continues {
                let state = std::mem::take(&mut self.state);
                self.state = state.join(continues);
            }
            if !self.state.alive {
                break;
            }
        }
        let end = std::mem::take(&mut self.state);
        self.state = end.fresh();
        let exits = end.alive.then_some(end);
        self.end_loop(m, exits, otherwise);
    }

    /// Ends a round of a loop: takes in what `continue` left, and what was known before the round. Says whether another round
    /// would find nothing new.
    fn round(&mut self, mut before: super::State) -> bool {
        let continues = self.frame().loops.last_mut().and_then(|l| l.continues.take());
        let mut state = std::mem::take(&mut self.state);
        if let Some(continues) = continues {
            state = state.join(continues);
        }
        if !state.alive {
            self.state = state;
            return true;
        }
        let known = before.fork();
        self.state = state.join(before);
        self.state.is_like(&known)
    }

    fn end_loop(&mut self, m: &Module, exits: Option<super::State>, otherwise: &Block) {
        let around = self.frame().loops.pop().unwrap_or_default();
        self.state.alive = false;
        if let Some(exits) = exits {
            self.state = exits;
            if !otherwise.is_empty() {
                self.block(m, otherwise);
            }
        }
        if let Some(breaks) = around.breaks {
            let state = std::mem::take(&mut self.state);
            self.state = state.join(breaks);
        }
        if let (Some(value), Some(values)) = (around.value, self.frame().values.last_mut()) {
            merge_value(values, &value);
        }
    }

    fn arms(&mut self, m: &Module, subject: ExprId, arms: &[Arm]) {
        let span = m.expr(subject).span;
        let value = self.eval(m, subject);
        self.frame().loops.push(Loop::default());
        let (mut ends, mut falling) = (None, None);
        let mut is_settled = false;
        for (number, arm) in arms.iter().enumerate() {
            let fits = if is_settled { Some(false) } else { self.fits(m, &arm.pattern, &value) };
            if fits == Some(false) && falling.is_none() {
                continue;
            }
            let others = self.state.fork();
            if fits == Some(false) {
                self.die();
            } else {
                self.assume_other_outcome(m, &arms[..number], &arm.pattern, &value);
                self.assume_other_signs(m, &arms[..number], &arm.pattern, &value);
                self.bind(m, &arm.pattern, &value, span);
                self.assume_fits(m, &arm.pattern, &value);
                if let Some(guard) = arm.guard {
                    let test = self.eval(m, guard);
                    self.assume(&test, true);
                    if test.truth() == Some(false) {
                        self.die();
                    }
                }
            }
            if let Some(falling) = falling.take() {
                let state = std::mem::take(&mut self.state);
                self.state = state.join(falling);
            }
            self.block(m, &arm.body);
            let after = std::mem::replace(&mut self.state, others);
            merge(if arm.falls_through { &mut falling } else { &mut ends }, after);
            is_settled |= fits == Some(true) && arm.guard.is_none();
        }
        if is_settled {
            self.die();
        }
        for state in [ends, falling].into_iter().flatten() {
            let rest = std::mem::take(&mut self.state);
            self.state = rest.join(state);
        }
        // `break` inside a `switch` leaves the switch; `continue` and, in other languages, `break` mean the loop around it.
        let inner = self.frame().loops.pop().unwrap_or_default();
        self.leave_arms(inner);
    }

    fn leave_arms(&mut self, inner: Loop) {
        let is_switch = self.language.is_script();
        let frame = self.frame();
        if let Some(around) = frame.loops.last_mut() {
            if let Some(continues) = inner.continues {
                merge(&mut around.continues, continues);
            }
            if let Some(value) = &inner.value {
                merge_value(&mut around.value, value);
            }
            if !is_switch && let Some(breaks) = inner.breaks {
                merge(&mut around.breaks, breaks);
                return;
            }
        }
        if is_switch && let Some(breaks) = inner.breaks {
            let state = std::mem::take(&mut self.state);
            self.state = state.join(breaks);
        }
    }

    fn give_back(&mut self, m: &Module, id: Option<ExprId>, span: (u32, u32)) {
        let value = id.map_or_else(|| Data::constant(Const::Null), |id| self.eval(m, id));
        if !self.state.alive {
            return;
        }
        let returns = self.frame().returns;
        if returns != 0 {
            let span = id.map_or(span, |id| m.expr(id).span);
            self.sink_of_return(returns, &value, span);
        }
        self.sink_of_maker(m, &value, id.map_or(span, |id| m.expr(id).span));
        let value = self.with_findings(value);
        let state = self.state.fork();
        let frame = self.frame();
        merge_value(&mut frame.result, &value);
        merge(&mut frame.exit, state);
        self.die();
    }

    fn delete(&mut self, m: &Module, pattern: &Pattern) {
        let Pattern::Place(place) = pattern else { return };
        let is_list_part = self.language == Language::Python;
        let (object, key) = match &m.expr(*place).kind {
            ExprKind::Slice(object, ..) if is_list_part => {
                let object = self.eval(m, *object);
                self.state.contents_mut(object.id).scatter();
                return;
            }
            ExprKind::Member(object, name) => (self.eval(m, *object), Some(super::member::Key::Name(*name))),
            ExprKind::Index(object, key) => {
                let object = self.eval(m, *object);
                let key = self.eval(m, *key);
                (object, super::member::key_of_const(&key))
            }
            _ => return,
        };
        let contents = self.state.contents_mut(object.id);
        match key {
            Some(super::member::Key::Index(index)) if is_list_part && contents.list.is_some() => {
                contents.take_out(Some(index));
            }
            Some(key) => {
                contents.entries.remove(&key);
            }
            // Which one goes is not known.
            None if is_list_part => contents.take_out(None),
            None => {}
        }
    }
}
