//! Texts made of parts: joined, formatted, split, replaced.

use super::call::Args;
use super::gaps::{brace_gaps, percent_gaps};
use super::{Engine, Place};
use crate::detect::flow::StepKind;
use crate::detect::flow::catalog::NO_PARENT;
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::{Contents, Key};
use crate::detect::flow::value::{Data, Kind, Labels, Shape, Value};
use std::rc::Rc;
use std::sync::Arc;

/// Characters with a meaning in regular expressions, from which every danger of a pattern is made.
const PATTERN_SIGNS: &str = ".*+?^${}()|[]\\";
/// Longest known text in bytes.
const MAX_TEXT: usize = 1 << 14;

impl Engine<'_> {
    /// Returns the text made of parts, in order.
    pub(super) fn text_of(&mut self, parts: &[(Value, (u32, u32))], span: (u32, u32)) -> Value {
        let mut signatures = parts.iter().filter(|(part, _)| super::signature::is_signature(part));
        if let (Some((signature, _)), None) = (signatures.next(), signatures.next())
            && parts.iter().filter(|(part, _)| part.as_const().is_none()).count() == 1
        {
            // One with the name of its algorithm before it.
            return signature.clone();
        }
        let mut prefix = String::new();
        let (mut is_known, mut is_const, mut plain) = (true, true, true);
        let mut labels = Labels::default();
        let mut ids = Vec::with_capacity(parts.len());
        let mut is_body = false;
        let known = parts.first().and_then(|(first, _)| self.begun.get(&first.id).copied());
        let mut is_resumed = known.is_some();
        let mut beginning = known.unwrap_or_default();
        let mut before = super::markup::Before::default();
        for (part, at) in parts {
            let part = &self.written(part, *at);
            ids.push(part.id);
            let mut reached = self.state.reach(part);
            plain &= self.tells_all(part);
            if is_body {
                // Headers end at the first empty line.
                reached = reached.cleaned(self.catalog.bit_of("header") | self.catalog.bit_of("email"));
            }
            if !is_resumed {
                beginning.begin(part);
            }
            reached = self.in_place(&reached, &before).cleaned(beginning.harmless(self.catalog));
            before.add(part);
            if !std::mem::take(&mut is_resumed) {
                beginning.add(part, self.may_lead_away(&reached));
            }
            is_body |= part.as_text().is_some_and(|t| t.contains("\r\n\r\n") || t.contains("\n\n"));
            if !reached.is_empty() {
                let place: Place = self.place(*at);
                let step = super::FlowStep { file: place.0, range: place.1, kind: StepKind::Part };
                labels = labels.join(&reached.stepped(&step));
            }
            match part.as_const().and_then(const_text) {
                Some(text) if is_known && prefix.len() + text.len() <= MAX_TEXT => prefix.push_str(&text),
                Some(_) => is_const = false,
                None => {
                    if is_known {
                        prefix.push_str(part.prefix());
                    }
                    (is_known, is_const) = (false, false);
                }
            }
        }
        self.settle_text(plain, &labels, span);
        if is_const && labels.is_empty() {
            return Data::constant(Const::Text(prefix.into()));
        }
        let id = super::number(&("text", ids));
        if !labels.is_empty() && parts.len() > 1 {
            let all: Vec<Value> = parts.iter().map(|(part, _)| part.clone()).collect();
            self.remember_parts(id, &all);
        }
        if beginning.is_of_use() {
            self.begun.insert(id, beginning);
        }
        Rc::new(Data { labels, plain, ..Data::new(id, Kind::Text(prefix.into())) })
    }

    /// Returns a text that a template with gaps makes of values, in the order of the gaps.
    pub(super) fn filled(
        &mut self,
        template: &str,
        gaps: &[(usize, usize, Value, (u32, u32))],
        span: (u32, u32),
    ) -> Value {
        let mut parts = Vec::new();
        let mut at = 0;
        let constant = |text: &str| (Data::constant(Const::Text(text.into())), span);
        for (from, to, value, place) in gaps {
            parts.push(constant(template.get(at..*from).unwrap_or_default()));
            parts.push((value.clone(), *place));
            at = *to;
        }
        parts.push(constant(template.get(at..).unwrap_or_default()));
        self.text_of(&parts, span)
    }

    /// Returns the text of Python's `template % values`.
    pub(super) fn percent(&mut self, template: &Value, values: &Value, span: (u32, u32)) -> Value {
        let Some(text) = template.as_text().map(str::to_owned) else {
            return self.text_of(&[(template.clone(), span), (values.clone(), span)], span);
        };
        let list = match values.kind {
            Kind::Object(Shape::List) => {
                self.state.contents(values.id).filter(|c| c.rest.is_none()).and_then(|c| c.list.clone())
            }
            Kind::Object(_) => None,
            _ => Some(vec![values.clone()]),
        };
        let mut gaps = Vec::new();
        for (number, (from, to, name, is_number)) in percent_gaps(&text).into_iter().enumerate() {
            let value = match (name, &list) {
                (Some(name), _) => self.index(values, &Data::constant(Const::Text(name.into())), span),
                (None, Some(list)) => match list.get(number) {
                    Some(value) => value.clone(),
                    None => continue,
                },
                (None, None) => self.element_of(values, span),
            };
            let value = match text.as_bytes().get(to - 1) {
                _ if is_number => self.number_of(&value),
                Some(b'r' | b'a') => self.as_one_line(&value),
                _ => value,
            };
            gaps.push((from, to, value, span));
        }
        self.filled(&text, &gaps, span)
    }

    /// Returns the text of `"...{}...".format(values)`.
    pub(super) fn formatted(&mut self, template: &Value, args: &Args, span: (u32, u32)) -> Value {
        let Some(text) = template.as_text().map(str::to_owned) else {
            let all: Vec<_> =
                std::iter::once((template.clone(), span)).chain(args.all().map(|(v, at)| (v.clone(), at))).collect();
            return self.text_of(&all, span);
        };
        let mut gaps = Vec::new();
        let mut next = 0;
        for (from, to, field) in brace_gaps(&text) {
            let name = field.split([':', '!']).next().unwrap_or_default();
            let first = name.split(['.', '[']).next().unwrap_or_default();
            let given = if first.is_empty() {
                next += 1;
                args.at(next - 1).cloned()
            } else if let Ok(position) = first.parse::<usize>() {
                args.at(position).cloned()
            } else {
                args.by_name(first).map(|(v, at)| (v.clone(), at))
            };
            if let Some((mut value, at)) = given {
                for part in name.split(['.', '[', ']']).skip(1).filter(|p| !p.is_empty()) {
                    value = match part.parse::<i64>() {
                        Ok(index) => self.index(&value, &Data::constant(Const::Int(index)), at),
                        Err(_) => {
                            let key = Data::constant(Const::Text(part.into()));
                            if self.state.contents(value.id).is_some() {
                                self.index(&value, &key, at)
                            } else {
                                self.member(&value, Name::new(part), at)
                            }
                        }
                    };
                }
                let value = if field.contains("!r") || field.contains("!a") { self.as_one_line(&value) } else { value };
                gaps.push((from, to, value, at));
            }
        }
        self.filled(&text, &gaps, span)
    }

    /// Returns two lists, or a list and an element, as one.
    pub(super) fn concatenated(&mut self, a: &Value, b: &Value, span: (u32, u32)) -> Value {
        let mut contents = self.state.contents(a.id).map(|c| c.as_ref().clone()).unwrap_or_default();
        match (&b.kind, self.state.contents(b.id)) {
            (Kind::Object(_), Some(other)) => match (&mut contents.list, &other.list) {
                (Some(ours), Some(theirs)) if contents.rest.is_none() => {
                    ours.extend(theirs.iter().cloned());
                    contents.rest.clone_from(&other.rest);
                }
                (Some(_), _) => {
                    for value in other.all() {
                        contents.blur(value);
                    }
                }
                _ => {
                    contents.scatter();
                    for value in other.all() {
                        contents.blur(value);
                    }
                }
            },
            _ => {
                let element = self.element_of(b, span);
                contents.scatter();
                contents.blur(&element);
            }
        }
        let labels = a.labels.join(&b.labels);
        let value =
            Rc::new(Data { labels, ..Data::new(super::number(&("concat", a.id, b.id)), Kind::Object(Shape::List)) });
        self.state.set_contents(value.id, contents);
        value
    }

    /// Returns the elements of a list joined by a separator.
    pub(super) fn joined(&mut self, list: &Value, separator: &Value, span: (u32, u32)) -> Value {
        let contents = self.state.contents(list.id);
        let known = contents.as_ref().filter(|c| c.rest.is_none()).and_then(|c| c.list.clone());
        match known {
            Some(list) => {
                let mut parts = Vec::new();
                for (i, value) in list.into_iter().enumerate() {
                    if i > 0 {
                        parts.push((separator.clone(), span));
                    }
                    parts.push((value, span));
                }
                if parts.is_empty() {
                    return Data::constant(Const::Text("".into()));
                }
                self.text_of(&parts, span)
            }
            None => {
                let element = self.element_of(list, span);
                let first = contents.and_then(|c| c.list.as_ref().and_then(|l| l.first().cloned()));
                if let Some(first) = first {
                    return self.text_of(&[(first, span), (separator.clone(), span), (element, span)], span);
                }
                let value = self.text_of(&[(element, span), (separator.clone(), span)], span);
                // How the text begins is not known: there may be any number of elements.
                let plain = value.is_plain();
                Rc::new(Data { kind: Kind::Text("".into()), plain, ..value.as_ref().clone() })
            }
        }
    }

    /// Returns the parts of a text as a list.
    pub(super) fn split(&mut self, text: &Value, separator: Option<&Value>, span: (u32, u32)) -> Value {
        if let (Some(text), Some(separator)) = (text.as_text(), separator.and_then(|s| s.as_text()))
            && !separator.is_empty()
        {
            let parts = text.split(separator).map(|p| Data::constant(Const::Text(p.into()))).collect();
            return self.object(Shape::List, Contents { list: Some(parts), ..Contents::default() }, span);
        }
        if let Some(separator) = separator {
            self.match_takes_time(separator, text, span);
        }
        let part = self.derived("split", &[text], Kind::Unknown);
        if part.labels.is_empty() {
            return part;
        }
        // The parts hold none of the signs that they were parted at.
        let gone = separator.and_then(|s| match &s.kind {
            Kind::Const(Const::Regex(source, _)) => super::regex::single(source),
            Kind::Const(Const::Text(text)) => {
                let mut chars = text.chars();
                let only = chars.next().filter(|_| chars.next().is_none())?;
                Some(super::regex::Allowed::of(vec![(only, only)]))
            }
            _ => None,
        });
        let lines = self.catalog.bits_of(&["header", "log", "email"]);
        let classes = if gone.is_some_and(|gone| gone.holds('\n')) { lines } else { 0 };
        let part = part.with_labels(part.labels.cleaned(classes));
        let later = part.with_labels(part.labels.cut());
        // Only the first begins as the whole does.
        let is_way = text.canonical && separator.and_then(|s| s.as_text()).is_some_and(|s| matches!(s, "/" | "\\"));
        let first = if is_way && self.language.is_script() {
            vec![self.first_part_of(text, &part)]
        } else if part.labels.begin_as_own() {
            vec![part]
        } else {
            Vec::new()
        };
        let contents = Contents { list: Some(first), rest: Some(later), ..Contents::default() };
        let value = Rc::new(Data::new(super::number(&("splits", text.id)), Kind::Object(Shape::List)));
        self.state.set_contents(value.id, contents);
        value
    }

    /// Returns a text with every occurrence of a text replaced.
    pub(super) fn replaced(
        &mut self,
        text: &Value,
        old: Option<&Value>,
        new: Option<&Value>,
        span: (u32, u32),
    ) -> Value {
        // What a function puts in the place of what was found is what it returns.
        let made = new.filter(|v| matches!(v.kind, Kind::Function(_))).cloned().map(|function| {
            let place = self.place(span);
            let found = self.anything(place);
            self.either(|e| e.call_back(&function, vec![found.clone(), found.clone(), found], span), |_| ()).0
        });
        let new = made.as_ref().or(new);
        if let (Some(t), Some(o), Some(n)) =
            (text.as_text(), old.and_then(|v| v.as_text()), new.and_then(|v| v.as_text()))
        {
            return Data::constant(Const::Text(t.replace(o, n).into()));
        }
        if let (Some(template), Some(old), Some(new)) = (text.as_text(), old.and_then(|v| v.as_text()), new)
            && !old.is_empty()
        {
            // A template of the code: what is put in stands where it says.
            let gaps: Vec<_> =
                template.match_indices(old).map(|(at, part)| (at, at + part.len(), new.clone(), span)).collect();
            return self.filled(template, &gaps, span);
        }
        let mut parts = vec![(text.clone(), span)];
        if let Some(new) = new {
            parts.push((new.clone(), span));
        }
        let value = self.text_of(&parts, span);
        let id = super::number(&("replace", text.id, old.map(|v| v.id), new.map(|v| v.id)));
        let labels = match old.and_then(|v| v.as_text()) {
            Some(old) => {
                let new = new.and_then(|v| v.as_text());
                let labels = value.labels.cleaned(self.cleaned_by_removal(old, new));
                let mut chars = old.chars();
                let sign = chars.next().filter(|c| chars.next().is_none() && new.is_some_and(|n| !n.contains(*c)));
                self.without_signs(&labels, |c| sign == Some(c))
            }
            None => value.labels.clone(),
        };
        // Replacing may change the beginning.
        let keeps = old.is_none_or(|old| super::beginning::keeps_beginning(old, new));
        let labels = if keeps { labels } else { labels.cut() };
        Rc::new(Data { id, labels, kind: Kind::Text("".into()), ..value.as_ref().clone() })
    }

    /// Returns the classes that a text is harmless to once a part of it is gone. Removing `../` once is no cure; removing
    /// single characters is.
    fn cleaned_by_removal(&self, old: &str, new: Option<&str>) -> u64 {
        let is_gone = new.is_some_and(|new| !new.contains(old));
        match old {
            "/" | "\\" if is_gone => self.catalog.bit_of("path"),
            "\n" | "\r" | "\r\n" if is_gone => {
                ["header", "log", "email"].iter().fold(0, |all, c| all | self.catalog.bit_of(c))
            }
            _ => 0,
        }
    }

    /// Returns a text after a regular expression has taken away or replaced what matches.
    pub(super) fn replaced_by_pattern(
        &mut self,
        text: &Value,
        pattern: &Value,
        new: Option<&Value>,
        span: (u32, u32),
    ) -> Value {
        let source: Option<Arc<str>> = match &pattern.kind {
            Kind::Const(Const::Regex(source, flags)) if flags.contains('g') || !self.language.is_script() => {
                Some(source.clone())
            }
            Kind::Const(Const::Regex(..)) => None,
            Kind::Const(Const::Text(source)) if !self.language.is_script() => Some(source.clone()),
            _ => {
                let inner = self.state.contents(pattern.id);
                inner.and_then(|c| {
                    c.entries.get(&Key::Name(Name::new("pattern"))).and_then(|v| v.as_text().map(Arc::from))
                })
            }
        };
        let new_text = new.and_then(|v| v.as_text()).map(str::to_owned);
        let mut value = self.replaced(text, None, new, span);
        if !super::beginning::keeps_beginning(pattern, new) {
            value = value.with_labels(value.labels.cut());
        }
        self.match_takes_time(pattern, text, span);
        if text.canonical && new_text.as_deref() == Some("") && takes_parents(pattern) {
            // A normalized path has `..` at its beginning only.
            value = value.with_labels(value.labels.cleaned(NO_PARENT));
        }
        let Some(gone) = source.and_then(|source| super::regex::single(&source)) else { return value };
        let Some(new_text) = new_text else {
            return self.replaced_by_function(&value, &gone, new, span);
        };
        let mut classes = 0;
        if is_escape(&new_text) && PATTERN_SIGNS.chars().all(|c| gone.holds(c)) {
            classes |= self.catalog.bit_of("redos");
        }
        // `[^a-z0-9]` replaced by something plain leaves only what is in the class; `[\r\n]` takes these away.
        for (name, harmful) in super::regex::HARMFUL {
            if !harmful.chars().any(|c| !gone.holds(c) || new_text.contains(c) || new_text.contains(['$', '\\'])) {
                classes |= self.catalog.bit_of(name);
            }
        }
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if (0u8..128).map(char::from).all(|c| is_plain(c) && c != '-' || gone.holds(c))
            && new_text.chars().all(is_plain)
        {
            classes = crate::detect::flow::catalog::ALL;
        }
        let labels = value.labels.cleaned(classes);
        let labels = self.without_signs(&labels, |c| gone.holds(c) && !new_text.contains([c, '$', '\\']));
        Rc::new(Data { labels, id: super::number(&("pattern", value.id, pattern.id)), ..value.as_ref().clone() })
    }
}

impl Engine<'_> {
    /// Returns a text in which a function has said what to put in place of each sign.
    fn replaced_by_function(
        &mut self,
        value: &Value,
        gone: &super::regex::Allowed,
        new: Option<&Value>,
        span: (u32, u32),
    ) -> Value {
        let Some(function) = new.filter(|v| matches!(v.kind, Kind::Function(_))) else { return value.clone() };
        let mut labels = self.without_signs(&value.labels, |c| gone.holds(c));
        let place = self.place(span);
        let sign = self.anything(place);
        let (given, ()) = self.either(|e| e.call_back(function, vec![sign], span), |_| ());
        // Each sign is written as an escape: a backslash or percent sign, and its number.
        let mark = given.prefix().chars().next().filter(|_| given.labels.is_empty());
        let mut classes = 0;
        for (name, harmful) in super::regex::HARMFUL {
            let is_escaped = match mark {
                Some('\\') => name == "ldap",
                Some('%') => !harmful.contains('%'),
                Some('&') => name == "xss",
                _ => false,
            };
            if is_escaped && harmful.chars().all(|c| gone.holds(c)) {
                classes |= self.catalog.bit_of(name);
            }
        }
        if mark == Some('\\') && PATTERN_SIGNS.chars().all(|c| gone.holds(c)) {
            classes |= self.catalog.bit_of("redos");
        }
        labels = labels.cleaned(classes);
        Rc::new(Data { labels, id: super::number(&("escaped", value.id, function.id)), ..value.as_ref().clone() })
    }
}

/// Says whether a pattern takes every `../` from the beginning of a text: `^(\.\.(\/|\\|$))+`.
fn takes_parents(pattern: &Value) -> bool {
    let Kind::Const(Const::Regex(source, _)) = &pattern.kind else { return false };
    let rest = source.strip_prefix("^(").map(|rest| rest.strip_prefix("?:").unwrap_or(rest));
    rest.is_some_and(|rest| rest.starts_with(r"\.\.") && rest.ends_with(")+"))
}

/// Says whether a replacement puts a backslash before what it replaces.
fn is_escape(new: &str) -> bool {
    matches!(new, r"\$&" | r"\$1" | r"\\g<0>" | r"\\\g<0>" | r"\\\1" | r"\\1")
}

/// Returns a constant as text, where every language writes it the same way.
fn const_text(constant: &Const) -> Option<String> {
    match constant {
        Const::Text(text) => Some(text.to_string()),
        Const::Int(i) => Some(i.to_string()),
        _ => None,
    }
}
