//! Templates that stand in the code: which of their gaps are written without an escape.

use super::Engine;
use super::call::Args;
use super::member::Key;
use crate::detect::flow::catalog::operation::Operation;
use crate::detect::flow::ir::Const;
use crate::detect::flow::name::Name;
use crate::detect::flow::state::Contents;
use crate::detect::flow::value::{Data, Kind, Shape, Value};
use std::collections::HashMap;
use std::rc::Rc;

/// Filters whose result holds no markup of a stranger.
const ESCAPES: [&str; 13] = [
    "e",
    "escape",
    "force_escape",
    "forceescape",
    "h",
    "tojson",
    "json_script",
    "int",
    "float",
    "length",
    "urlencode",
    "striptags",
    "xmlattr",
];
/// Names under which a template keeps its text, and whether it escapes.
const TEXT: &str = "text of a template";
const ESCAPED: &str = "autoescape";

/// A gap of a template.
#[derive(Debug, PartialEq, Eq)]
struct Gap {
    from: usize,
    to: usize,
    /// Names in it.
    names: Vec<String>,
    /// Whether it is written as it is.
    is_raw: bool,
}

impl Engine<'_> {
    /// Does what needs its object and arguments as they are given.
    pub(super) fn operation_alone(
        &mut self,
        operation: Operation,
        keys: &[Name],
        object: Option<&Value>,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        match operation {
            Operation::Print => self.printed(args, span),
            Operation::Pick | Operation::WithFields | Operation::Has2 => self.chosen(operation, object, args, span),
            _ if operation.is_of_template() => self.template_operation(operation, keys, object, args, span),
            _ => self.signature_operation(operation, keys, object, args, span),
        }
    }

    /// Makes a template, or fills it.
    pub(super) fn template_operation(
        &mut self,
        operation: Operation,
        keys: &[Name],
        object: Option<&Value>,
        args: &Args,
        span: (u32, u32),
    ) -> Option<Value> {
        match operation {
            Operation::TemplateSettings | Operation::Template | Operation::RawTemplate => {
                let mut contents = Contents::default();
                let given = args.by_name(ESCAPED).map(|(v, _)| v.clone());
                let key = Key::Name(Name::new(ESCAPED));
                let settings = object.and_then(|o| self.state.contents(o.id));
                let settings = settings.and_then(|c| c.entries.get(&key).cloned());
                let default = Data::constant(Const::Bool(operation == Operation::Template));
                contents.set(key, given.or(settings).unwrap_or(default));
                if operation != Operation::TemplateSettings {
                    contents.set(Key::Name(Name::new(TEXT)), args.value(0)?.clone());
                }
                let kind = keys.first().map_or(Kind::Unknown, |key| self.result_kind(*key));
                let place = self.place(span);
                let made = self.fresh(place, kind);
                self.state.set_contents(made.id, contents);
                Some(made)
            }
            Operation::Render => {
                let contents = self.state.contents(object?.id)?;
                let text = contents.entries.get(&Key::Name(Name::new(TEXT)))?.as_text()?.to_owned();
                let escaped = contents.entries.get(&Key::Name(Name::new(ESCAPED)));
                let is_raw = escaped.is_some_and(|v| v.truth() == Some(false));
                Some(self.rendered(&text, is_raw, args, span))
            }
            Operation::RenderText => {
                let text = args.value(0)?.as_text()?.to_owned();
                let mut values = args.clone();
                values.positional.remove(0);
                // A name of a file has no gaps.
                let is_text = text.contains(['{', '<', '\n']);
                is_text.then(|| self.rendered(&text, false, &values, span))
            }
            _ => None,
        }
    }

    fn rendered(&mut self, text: &str, is_raw: bool, args: &Args, span: (u32, u32)) -> Value {
        let mut args = args.clone();
        for (map, at) in std::mem::take(&mut args.positional) {
            if matches!(map.kind, Kind::Object(Shape::Map)) || !map.labels.is_empty() {
                self.spread_map(&mut args, &map, at);
            }
        }
        let markup = self.catalog.bit_of("xss");
        let mut filled = Vec::new();
        for gap in gaps(text, is_raw) {
            let known: Vec<Value> =
                gap.names.iter().filter_map(|name| args.by_name(name).map(|(v, _)| v.clone())).collect();
            let known: Vec<&Value> = known.iter().collect();
            let value = match known.as_slice() {
                [one] => self.state.checked(one),
                all => self.derived("gap", all, Kind::Unknown),
            };
            let labels = self.state.reach(&value).cleaned(if gap.is_raw { 0 } else { markup });
            let id = super::number(&("gap", value.id, gap.is_raw));
            let kind = if value.labels.is_empty() { value.kind.clone() } else { Kind::Unknown };
            filled.push((gap.from, gap.to, Rc::new(Data { labels, ..Data::new(id, kind) }), span));
        }
        self.filled(text, &filled, span)
    }
}

/// Finds the gaps of a template: `{{ name }}`, `{{ name|safe }}`, Bottle's `{{!name}}`, Tornado's `{% raw name %}`.
fn gaps(text: &str, is_raw: bool) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut aliases: HashMap<String, Vec<String>> = HashMap::new();
    let mut raw = vec![is_raw];
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("{{").into_iter().chain(rest.find("{%")).min()) {
        let from = at + found;
        let is_tag = text[from..].starts_with("{%");
        let Some(end) = text[from..].find(if is_tag { "%}" } else { "}}" }) else { break };
        let to = from + end + 2;
        let inner = text[from + 2..from + end].trim_matches(|c: char| matches!(c, '-' | '+') || c.is_whitespace());
        at = to;
        if is_tag {
            if let Some(expr) = tag(inner, &mut raw, &mut aliases) {
                gaps.push(Gap { from, to, names: names(expr, &aliases), is_raw: true });
            }
            continue;
        }
        let (inner, is_marked) = match inner.strip_prefix('!') {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        let filters: Vec<&str> = inner.split('|').skip(1).map(filter_name).collect();
        let is_escaped = filters.iter().any(|f| ESCAPES.contains(f));
        let is_raw = is_marked || filters.contains(&"safe") || raw.last() == Some(&true);
        gaps.push(Gap { from, to, names: names(inner, &aliases), is_raw: is_raw && !is_escaped });
    }
    gaps
}

/// Takes in a tag; returns what it writes as it is.
fn tag<'t>(inner: &'t str, raw: &mut Vec<bool>, aliases: &mut HashMap<String, Vec<String>>) -> Option<&'t str> {
    let (word, rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    let rest = rest.trim();
    match word {
        "autoescape" if rest == "None" => *raw = vec![true],
        "autoescape" => raw.push(matches!(rest, "false" | "off" | "False")),
        "endautoescape" if raw.len() > 1 => {
            raw.pop();
        }
        "raw" if !rest.is_empty() => return Some(rest),
        "for" => {
            if let Some((targets, of)) = rest.split_once(" in ") {
                let of = names(of, aliases);
                for target in names(targets, &HashMap::new()) {
                    aliases.insert(target, of.clone());
                }
            }
        }
        "set" | "with" => {
            if let Some((target, of)) = rest.split_once('=') {
                let of = names(of, aliases);
                aliases.insert(target.trim().to_owned(), of);
            }
        }
        _ => {}
    }
    None
}

fn filter_name(filter: &str) -> &str {
    let filter = filter.trim();
    &filter[..filter.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(filter.len())]
}

/// Returns the names of values that an expression holds: not its attributes, texts and filters.
fn names(expr: &str, aliases: &HashMap<String, Vec<String>>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut quote = None;
    let mut before = ' ';
    let mut name = String::new();
    for c in expr.chars().chain([' ']) {
        match quote {
            Some(open) if open == c => quote = None,
            Some(_) => {}
            None if c.is_alphanumeric() || c == '_' => name.push(c),
            None => {
                if !name.is_empty() {
                    if !matches!(before, '.' | '|') && !name.starts_with(|c: char| c.is_ascii_digit()) {
                        match aliases.get(&name) {
                            Some(of) => names.extend(of.iter().cloned()),
                            None => names.push(name.clone()),
                        }
                    }
                    name.clear();
                    before = ' ';
                }
                if matches!(c, '"' | '\'') {
                    quote = Some(c);
                }
                if !c.is_whitespace() {
                    before = c;
                }
            }
        }
    }
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::gaps;

    fn raw(text: &str, is_raw: bool) -> Vec<String> {
        gaps(text, is_raw).into_iter().filter(|g| g.is_raw).flat_map(|g| g.names).collect()
    }

    #[test]
    fn gaps_without_escape_are_told_from_others() {
        assert_eq!(raw("<b>{{ a }} {{ b|safe }} {{ c|e|safe }}", false), ["b"]);
        assert_eq!(raw("{{ user.name | trim | safe }}{{ 'x'|safe }}", false), ["user"]);
        assert_eq!(raw("{{ a }}{{ b|e }}", true), ["a"]);
        assert_eq!(raw("{% autoescape false %}{{ a }}{% endautoescape %}{{ b }}", false), ["a"]);
        assert_eq!(raw("{% for x in rows %}{{ x.text|safe }}{% endfor %}", false), ["rows"]);
        assert_eq!(raw("{{!a}} {% raw b %} {% raw %}", false), ["a", "b"]);
    }
}
