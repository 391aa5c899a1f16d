//! A sketch of a rule: a weaker rule that matches wherever the rule does, with few regular expressions, so that it is
//! cheap to compile. Only where a sketch matches is the rule itself read and compiled.
//!
//! What is left out can only make it match more: `not`, what stands around the node, and the names of pattern variables,
//! which would bind the first node that fits.

use serde_json::{Map, Value, json};

/// How far references from utility to utility are followed.
const MAX_DEPTH: u32 = 8;
/// Regular expressions of a sketch, but for alternatives: each may have one.
const BUDGET: usize = 4;

/// Returns a rule that matches wherever `matching` does; `None` where there is none, or it would spare nothing.
pub(super) fn sketch(matching: &Value, utils: Option<&Value>) -> Option<Value> {
    let of_utils = utils.map_or(0, regexes);
    Sketcher::new(utils, &Map::new()).rule(matching, 0, BUDGET).filter(|s| regexes(s) < regexes(matching) + of_utils)
}

/// Returns the kinds of nodes that a rule can match; none where that cannot be told.
pub(super) fn kinds(matching: &Value, utils: Option<&Value>) -> Vec<String> {
    let mut kinds = Sketcher::new(utils, &Map::new()).kinds(matching, 0).unwrap_or_default();
    kinds.sort();
    kinds.dedup();
    kinds
}

struct Sketcher<'a> {
    utils: &'a Map<String, Value>,
}

impl<'a> Sketcher<'a> {
    fn new(utils: Option<&'a Value>, none: &'a Map<String, Value>) -> Self {
        Self { utils: utils.and_then(Value::as_object).unwrap_or(none) }
    }

    /// Makes a weaker rule with about `budget` regular expressions: those that come first in the rule.
    fn rule(&self, rule: &Value, depth: u32, mut budget: usize) -> Option<Value> {
        let parts = rule.as_object().filter(|_| depth < MAX_DEPTH)?;
        let mut kept = Map::new();
        let mut all: Vec<Value> = Vec::new();
        for (key, part) in parts {
            let spent = match (key.as_str(), part) {
                ("regex", _) if budget == 0 => 0,
                ("kind" | "regex", part) => keep(&mut kept, key, Some(part.clone())),
                ("pattern", part) => keep(&mut kept, key, nameless(part)),
                ("has", part) => keep(&mut kept, key, self.child(part, depth, budget)),
                ("any", Value::Array(parts)) => keep(&mut kept, key, self.either(parts, depth, budget)),
                ("all", Value::Array(parts)) => self.together(parts, depth, budget, &mut all),
                ("matches", Value::String(name)) => {
                    let util = self.utils.get(name).and_then(|util| self.rule(util, depth + 1, budget));
                    let spent = util.as_ref().map_or(0, regexes);
                    all.extend(util);
                    spent
                }
                _ => 0,
            };
            budget = budget.saturating_sub(spent);
        }
        if !all.is_empty() {
            kept.insert("all".into(), Value::Array(all));
        }
        (!kept.is_empty()).then_some(Value::Object(kept))
    }

    fn together(&self, parts: &[Value], depth: u32, budget: usize, all: &mut Vec<Value>) -> usize {
        let mut spent = 0;
        for part in parts {
            let part = self.rule(part, depth, budget.saturating_sub(spent));
            spent += part.as_ref().map_or(0, regexes);
            all.extend(part);
        }
        spent
    }

    /// Of several alternatives, one that says nothing makes the whole say nothing.
    fn either(&self, parts: &[Value], depth: u32, budget: usize) -> Option<Value> {
        let each = if budget == 0 { 0 } else { (budget / parts.len().max(1)).max(1) };
        parts.iter().map(|part| self.rule(part, depth, each)).collect::<Option<Vec<_>>>().map(Value::Array)
    }

    /// Where the search among children ends by a rule, it goes to the end instead.
    fn child(&self, relation: &Value, depth: u32, budget: usize) -> Option<Value> {
        let mut inner = self.rule(relation, depth, budget)?;
        let parts = inner.as_object_mut()?;
        parts.extend(relation.get("field").map(|field| ("field".to_owned(), field.clone())));
        match relation.get("stopBy") {
            None => {}
            Some(Value::String(until)) => drop(parts.insert("stopBy".into(), json!(until))),
            Some(_) => drop(parts.insert("stopBy".into(), json!("end"))),
        }
        Some(inner)
    }

    fn kinds(&self, rule: &Value, depth: u32) -> Option<Vec<String>> {
        let parts = rule.as_object().filter(|_| depth < MAX_DEPTH)?;
        let of = |(key, part): (&String, &Value)| match (key.as_str(), part) {
            ("kind", Value::String(kind)) => {
                kind.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()).then(|| vec![kind.clone()])
            }
            ("all", Value::Array(all)) => all.iter().find_map(|part| self.kinds(part, depth)),
            ("any", Value::Array(any)) => {
                any.iter().map(|part| self.kinds(part, depth)).collect::<Option<Vec<_>>>().map(|kinds| kinds.concat())
            }
            ("matches", Value::String(name)) => self.kinds(self.utils.get(name)?, depth + 1),
            _ => None,
        };
        let own = parts.get_key_value("kind").and_then(of);
        own.or_else(|| parts.iter().find_map(of))
    }
}

fn keep(kept: &mut Map<String, Value>, key: &str, part: Option<Value>) -> usize {
    let Some(part) = part else { return 0 };
    let spent = usize::from(key == "regex") + regexes(&part);
    kept.insert(key.to_owned(), part);
    spent
}

/// Takes the names off the variables of a pattern: `$NAME` becomes `$_NAME`, which binds nothing.
fn nameless(pattern: &Value) -> Option<Value> {
    let text = pattern.as_str()?;
    let mut out = String::with_capacity(text.len() + 8);
    let mut after_dollar = false;
    for c in text.chars() {
        if after_dollar && c.is_ascii_uppercase() {
            out.push('_');
        }
        after_dollar = c == '$';
        out.push(c);
    }
    let lone = out.strip_prefix('$').is_some_and(|n| n.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()));
    (!lone).then_some(Value::String(out))
}

fn regexes(rule: &Value) -> usize {
    match rule {
        Value::Object(parts) => parts.iter().map(|(key, part)| usize::from(key == "regex") + regexes(part)).sum(),
        Value::Array(parts) => parts.iter().map(regexes).sum(),
        _ => 0,
    }
}
