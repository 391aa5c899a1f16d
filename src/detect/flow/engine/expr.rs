//! Expressions.

use super::{Engine, MAX_DEPTH};
use crate::detect::flow::ir::{self, Const, ExprId, ExprKind, Module, Op, Pattern};
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key};
use crate::detect::flow::value::{Data, Kind, Shape, Value, join, truth_of};
use crate::syntax::language::Language;

impl Engine<'_> {
    /// Returns the value of an expression.
    pub(super) fn eval(&mut self, m: &Module, id: ExprId) -> Value {
        let expr = m.expr(id);
        if let ExprKind::Const(constant) = &expr.kind {
            return Data::constant(constant.clone());
        }
        if !self.step() || self.depth > MAX_DEPTH {
            if self.depth > MAX_DEPTH {
                self.give_up("code is nested too deep to follow");
            }
            return Data::constant(Const::Null);
        }
        self.depth += 1;
        let value = self.eval_kind(m, id, &expr.kind, expr.span);
        self.depth -= 1;
        self.note_read(&value);
        value
    }

    fn eval_kind(&mut self, m: &Module, id: ExprId, kind: &ExprKind, span: (u32, u32)) -> Value {
        match kind {
            ExprKind::Const(constant) => Data::constant(constant.clone()),
            ExprKind::Name(name) => self.name(*name),
            ExprKind::Member(object, name) => {
                let object = self.eval(m, *object);
                self.member(&object, *name, span)
            }
            ExprKind::Index(object, key) => {
                let object = self.eval(m, *object);
                let key = self.eval(m, *key);
                self.index(&object, &key, span)
            }
            ExprKind::Slice(object, from, to) => {
                let object = self.eval(m, *object);
                let bounds = [from, to].map(|b| b.map(|b| self.eval(m, b)));
                self.slice(&object, bounds[0].as_ref(), bounds[1].as_ref())
            }
            ExprKind::Call(call) => self.call(m, id, call),
            ExprKind::Binary(op, a, b) => self.binary(m, *op, *a, *b, span),
            ExprKind::Not(a) => {
                let test = self.condition(m, *a);
                let known = test.truth().map(|truth| Data::constant(Const::Bool(!truth)));
                let value = known.unwrap_or_else(|| self.truth_value(&[&test]));
                self.negated(&test, value)
            }
            ExprKind::Negate(a) => {
                let value = self.eval(m, *a);
                self.negative(&value)
            }
            ExprKind::TypeOf(a) => {
                let value = self.eval(m, *a);
                self.type_name(&value)
            }
            ExprKind::Conditional(test, then, otherwise) => self.conditional(m, *test, *then, *otherwise),
            ExprKind::Text(parts) => {
                let parts: Vec<(Value, (u32, u32))> =
                    parts.iter().map(|p| (self.eval(m, *p), m.expr(*p).span)).collect();
                self.text_of(&parts, span)
            }
            ExprKind::List(items) => self.list(m, items, span),
            ExprKind::Map(entries) => self.map(m, entries, span),
            ExprKind::Function(function) => self.closure(*function, None),
            ExprKind::Class(class) => self.class_value(m, *class),
            ExprKind::Lent(a) => self.eval(m, *a),
            ExprKind::Await(a) => {
                let value = self.eval(m, *a);
                if self.is_tried(span) { self.succeeded(&value) } else { value }
            }
            ExprKind::Yield(a) => {
                if let Some(a) = a {
                    let value = self.eval(m, *a);
                    super::merge_value(&mut self.frame().yielded, &value);
                }
                let place = self.place(span);
                self.anything(place)
            }
            ExprKind::Cast(a, of) => {
                let value = self.eval(m, *a);
                if self.is_clean(of) { self.as_number(&value) } else { value }
            }
            ExprKind::Assign(pattern, a) => {
                let value = self.eval(m, *a);
                self.assign(m, pattern, &value, m.expr(*a).span);
                value
            }
            ExprKind::AssignOp(pattern, op, a) => self.assign_op(m, pattern, *op, *a, span),
            ExprKind::Comprehension(comprehension) => self.comprehension(m, comprehension, span),
            ExprKind::Block(block) => {
                self.frame().values.push(None);
                self.block(m, block);
                let value = self.frame().values.pop().flatten();
                value.unwrap_or_else(|| Data::constant(Const::Null))
            }
            ExprKind::Markup(tag, attributes, inner) => self.markup(m, *tag, attributes, inner, span),
            ExprKind::Other(parts) => {
                let parts: Vec<Value> = parts.iter().map(|p| self.eval(m, *p)).collect();
                let parts: Vec<&Value> = parts.iter().collect();
                self.derived("other", &parts, Kind::Unknown)
            }
        }
    }

    fn negative(&mut self, value: &Value) -> Value {
        match value.as_const() {
            Some(Const::Int(i)) => Data::constant(Const::Int(i.wrapping_neg())),
            Some(Const::Float(f)) => Data::constant(Const::Float(-f)),
            _ => self.number_of(value),
        }
    }

    fn list(&mut self, m: &Module, items: &[ir::Item], span: (u32, u32)) -> Value {
        let mut contents = Contents { list: Some(Vec::new()), ..Contents::default() };
        for item in items {
            let value = self.eval(m, item.value);
            self.push_item(&mut contents, &value, item.spread, span);
        }
        let list = self.object(Shape::List, contents, span);
        self.note_fixed(&list, span);
        list
    }

    fn map(&mut self, m: &Module, entries: &[ir::Entry], span: (u32, u32)) -> Value {
        let mut contents = Contents::default();
        for entry in entries {
            let key = entry.key.map(|key| self.eval(m, key));
            let value = self.eval(m, entry.value);
            if let Some(name) = key.as_ref().and_then(|k| k.as_text()) {
                self.sink_of_name(Name::new(name), &value, m.expr(entry.value).span);
            }
            self.add_entry(&mut contents, key.as_ref(), &value);
        }
        self.object(Shape::Map, contents, span)
    }

    fn name(&mut self, name: Name) -> Value {
        if name.as_str() == "this"
            && let Some(this) = self.frames.last().and_then(|f| f.this.clone())
        {
            return this;
        }
        self.note_read_of(name);
        match self.look_up(name) {
            Some(value) => {
                let value = self.resolved(&value);
                self.state.checked(&value)
            }
            None if name.as_str() == "None" && self.language == Language::Rust => Data::constant(Const::Null),
            None if name.as_str() == "exports" && self.language.is_script() => self.own_exports(),
            None => self.library(name),
        }
    }

    /// Returns a variable that can be seen from here.
    pub(super) fn look_up(&self, name: Name) -> Option<Value> {
        let frame = self.frames.last()?;
        frame.scopes.iter().find_map(|scope| self.state.variable(*scope, name))
    }

    fn conditional(&mut self, m: &Module, test: ExprId, then: ExprId, otherwise: ExprId) -> Value {
        let test = self.condition(m, test);
        match test.truth() {
            Some(true) => self.eval(m, then),
            Some(false) => self.eval(m, otherwise),
            None => {
                let (a, b) = self.either(
                    |e| {
                        e.assume(&test, true);
                        let value = e.eval(m, then);
                        e.state.checked(&value)
                    },
                    |e| {
                        e.assume(&test, false);
                        let value = e.eval(m, otherwise);
                        e.state.checked(&value)
                    },
                );
                join(&a, &b)
            }
        }
    }

    fn binary(&mut self, m: &Module, op: Op, a: ExprId, b: ExprId, span: (u32, u32)) -> Value {
        if !matches!(op, Op::And | Op::Or | Op::Nullish) {
            let chain = self.left_chain(m, op, a);
            let mut value = self.eval(m, chain[0]);
            let mut left_span = m.expr(chain[0]).span;
            for right in chain[1..].iter().chain([&b]) {
                let right_value = self.eval(m, *right);
                let whole = (left_span.0, m.expr(*right).span.1);
                value = self.operate(op, (&value, left_span), (&right_value, m.expr(*right).span), whole);
                left_span = whole;
            }
            return value;
        }
        let left = self.eval(m, a);
        let decides = match (op, &left.kind) {
            (Op::Nullish, Kind::Const(constant)) => Some(*constant != Const::Null),
            (Op::Nullish, Kind::Text(_) | Kind::Object(_) | Kind::Function(_)) => Some(true),
            (Op::Nullish, _) => None,
            (Op::Or, _) => left.truth(),
            (_, _) => left.truth().map(|t| !t),
        };
        match decides {
            Some(true) => left,
            Some(false) => {
                self.assume(&left, op == Op::And);
                let right = self.eval(m, b);
                self.combined(op, &left, &right, right.clone())
            }
            None => {
                let before = self.state.fork();
                self.assume(&left, op == Op::And);
                let right = self.eval(m, b);
                let right = self.state.checked(&right);
                let after = std::mem::replace(&mut self.state, before.clone());
                // What was found out on the way to the right side holds only where it decides; its effects may have happened.
                self.state = before.join(after);
                let _ = span;
                let kept = if op == Op::And { self.falsy(&left) } else { left.clone() };
                let value = join(&kept, &right);
                self.combined(op, &left, &right, value)
            }
        }
    }

    /// Returns the operands of a chain `a op b op c` but for the last, so that long chains need no stack.
    fn left_chain(&self, m: &Module, op: Op, a: ExprId) -> Vec<ExprId> {
        let mut chain = vec![a];
        while let ExprKind::Binary(inner, left, right) = &m.expr(chain[chain.len() - 1]).kind {
            if *inner != op {
                break;
            }
            let (left, right) = (*left, *right);
            if let Some(last) = chain.last_mut() {
                *last = right;
            }
            chain.push(left);
        }
        chain.reverse();
        chain
    }

    /// Returns what is left of a value where it is false: of a text, nothing.
    fn falsy(&self, value: &Value) -> Value {
        match value.as_const() {
            Some(constant) if !truth_of(constant) => value.clone(),
            _ => Data::constant(Const::Null),
        }
    }

    /// Assigns as an expression.
    fn assign(&mut self, m: &Module, pattern: &Pattern, value: &Value, span: (u32, u32)) {
        if let Pattern::Name(name) = pattern {
            let value = self.assigned(value, name.as_str(), span);
            self.sink_of_name(*name, &value, span);
            self.unsettle_references(*name);
            self.set_where_known(*name, value);
        } else {
            self.bind(m, pattern, value, span);
        }
    }

    /// Assigns the result of an operator to its left side.
    pub(super) fn assign_op(
        &mut self,
        m: &Module,
        pattern: &Pattern,
        op: Op,
        right: ExprId,
        span: (u32, u32),
    ) -> Value {
        let old = match pattern {
            Pattern::Name(name) => self.name(*name),
            Pattern::Place(place) => self.eval(m, *place),
            _ => Data::constant(Const::Null),
        };
        let right_span = m.expr(right).span;
        let right = self.eval(m, right);
        let value = match op {
            Op::And | Op::Or | Op::Nullish => join(&old, &right),
            Op::Add if matches!(old.kind, Kind::Object(Shape::List)) => {
                let mut contents = self.state.contents(old.id).map(|c| c.as_ref().clone()).unwrap_or_default();
                self.push_item(&mut contents, &right, true, right_span);
                self.state.set_contents(old.id, contents);
                old
            }
            _ => self.operate(op, (&old, right_span), (&right, right_span), span),
        };
        self.assign(m, pattern, &value, span);
        value
    }

    /// Makes an object that stands here.
    pub(super) fn object(&mut self, shape: Shape, contents: Contents, span: (u32, u32)) -> Value {
        let place = self.place(span);
        let value = self.fresh(place, Kind::Object(shape));
        self.state.set_contents(value.id, contents);
        self.shared.made.insert(value.id);
        value
    }

    /// Adds an entry to a map; without a key, the entries of another one.
    pub(super) fn add_entry(&mut self, contents: &mut Contents, key: Option<&Value>, value: &Value) {
        match key {
            Some(key) => match super::member::key_of_const(key) {
                Some(key) => contents.set(key, value.clone()),
                None => {
                    // The code names the key, whatever it is.
                    let keys = match (&contents.rest, &contents.keys) {
                        (None, _) => Some(key.clone()),
                        (Some(_), keys) => keys.as_ref().map(|keys| join(keys, key)),
                    };
                    contents.blur(value);
                    contents.keys = keys;
                }
            },
            None => {
                let inner = self.state.contents(value.id).map(|c| c.as_ref().clone());
                if let Some((inner, rest)) = inner.as_ref().and_then(|c| c.rest.as_ref().map(|rest| (c, rest))) {
                    contents.keys = if contents.rest.is_none() { inner.keys.clone() } else { None };
                    if inner.keys.is_none() { contents.cover(rest) } else { contents.blur(rest) }
                }
                for (key, value) in inner.iter().flat_map(|c| &c.entries) {
                    contents.set(key.clone(), value.clone());
                }
                if inner.is_none() && !matches!(value.kind, Kind::Const(_)) {
                    let any = self.derived("spread", &[value], Kind::Unknown);
                    // What is not known may give any key; a stranger's may give those that are there already, too.
                    if any.labels.is_empty() {
                        contents.blur(&any)
                    } else {
                        contents.cover(&any)
                    }
                    contents.keys = None;
                }
            }
        }
    }

    /// Adds an element to a list.
    pub(super) fn push_item(&mut self, contents: &mut Contents, value: &Value, spread: bool, span: (u32, u32)) {
        let argument = if contents.ended { self.catalog.bit_of("argument") } else { 0 };
        let placed = |value: &Value| value.with_labels(value.labels.cleaned(argument));
        if !spread {
            let value = placed(value);
            contents.ended |= value.as_text() == Some("--");
            match &mut contents.list {
                Some(list) if list.len() < 256 && contents.rest.is_none() => list.push(value),
                Some(_) if contents.rest.is_some() => contents.blur(&value),
                _ => {
                    contents.scatter();
                    contents.blur(&value);
                }
            }
            return;
        }
        let known = self.state.contents(value.id).filter(|c| c.rest.is_none()).and_then(|c| c.list.clone());
        match (known, &mut contents.list) {
            (Some(items), Some(list)) if contents.rest.is_none() => {
                contents.ended |= items.iter().any(|v| v.as_text() == Some("--"));
                list.extend(items.iter().map(placed));
            }
            _ => {
                let element = placed(&self.element_of(value, span));
                contents.blur(&element);
            }
        }
    }

    /// Returns the truth of something that is not known, made of parts that it says nothing of.
    pub(super) fn truth_value(&self, parts: &[&Value]) -> Value {
        let ids: Vec<u64> = parts.iter().map(|p| p.id).collect();
        std::rc::Rc::new(Data { plain: true, ..Data::new(super::number(&("truth", ids)), Kind::Unknown) })
    }

    fn type_name(&self, value: &Value) -> Value {
        let name = match &value.kind {
            Kind::Const(Const::Text(_)) | Kind::Text(_) => "string",
            Kind::Const(Const::Int(_) | Const::Float(_)) => "number",
            Kind::Const(Const::Bool(_)) => "boolean",
            Kind::Function(_) | Kind::Class(..) => "function",
            Kind::Object(_) => "object",
            _ => return self.type_test(value),
        };
        Data::constant(Const::Text(name.into()))
    }

    /// Remembers whose type was asked for, so that a comparison with `"number"` says something of it.
    fn type_test(&self, value: &Value) -> Value {
        let labels = value.labels.clone();
        let id = super::number(&("typeof", value.id));
        std::rc::Rc::new(Data { labels, origin: Some((value.id, 0)), ..Data::new(id, Kind::Path(Name::new("typeof"))) })
    }

    /// Returns the part of a text or list between bounds.
    fn slice(&mut self, object: &Value, from: Option<&Value>, to: Option<&Value>) -> Value {
        let bound = |v: Option<&Value>| match v.map(|v| v.as_const()) {
            None => Some(None),
            Some(Some(Const::Int(i))) => Some(Some(*i)),
            _ => None,
        };
        if let (Some(from), Some(to)) = (bound(from), bound(to)) {
            if let Some(part) = known_part(object.prefix(), from.unwrap_or(0), to) {
                return Data::constant(Const::Text(part.into()));
            }
            if let Some(text) = object.as_text() {
                let part: String = super::fold::cut(&text.chars().collect::<Vec<_>>(), from, to).iter().collect();
                return Data::constant(Const::Text(part.into()));
            }
            let list = self.state.contents(object.id).filter(|c| c.rest.is_none()).and_then(|c| c.list.clone());
            if let (Kind::Object(shape), Some(list)) = (&object.kind, list) {
                let part = super::fold::cut(&list, from, to).to_vec();
                let id = super::number(&("slice", object.id, from, to));
                self.state.set_contents(id, Contents { list: Some(part), ..Contents::default() });
                return std::rc::Rc::new(Data::new(id, Kind::Object(*shape)));
            }
        }
        let kind = if matches!(object.kind, Kind::Object(_)) { object.kind.clone() } else { Kind::Unknown };
        let value = self.derived("slice", &[object], kind);
        if let Some(contents) = self.state.contents(object.id).map(|c| c.as_ref().clone()) {
            let mut contents = contents;
            contents.scatter();
            self.state.set_contents(value.id, contents);
        }
        value
    }

    /// Keeps an entry of a map under a text.
    pub(super) fn named(name: &str) -> Key {
        Key::Name(Name::new(name))
    }
}

/// Returns the part of a text between two bounds, where it lies in the beginning that is known.
fn known_part(beginning: &str, from: i64, to: Option<i64>) -> Option<String> {
    let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to?).ok()?);
    let signs: Vec<char> = beginning.chars().take(to).collect();
    (signs.len() == to).then(|| signs.get(from..).unwrap_or_default().iter().collect())
}
