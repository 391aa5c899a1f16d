//! Lookups that end the way where nothing is found: what was found has the value that was asked for.

use super::Engine;
use super::call::Args;
use crate::detect::flow::name::Name;
use crate::detect::flow::value::Value;
use crate::syntax::language::Language;

/// Methods that narrow a query down to rows with these values, and those that raise where there is none.
const ASKS: [&str; 1] = ["filter_by"];
const DEMANDS: [&str; 6] = ["first_or_404", "one_or_404", "one", "scalar_one", "get_or_404", "get_one"];
/// Parts of routes by which views of frameworks look their object up.
const KEYS: [&str; 5] = ["pk", "id", "slug", "uuid", "username"];

impl Engine<'_> {
    /// Takes in what a lookup says of the values that it was given.
    pub(super) fn looked_for(&mut self, keys: &[Name], receiver: Option<&Value>, args: &Args, result: &Value) {
        let (Language::Python, Some(name)) = (self.language, keys.first().map(|key| key.last())) else { return };
        if ASKS.contains(&name) && !args.named.is_empty() {
            let mut values: Vec<Value> = receiver.and_then(|r| self.asked_for.get(&r.id).cloned()).unwrap_or_default();
            values.extend(args.named.iter().map(|(_, value, _)| value.clone()));
            self.asked_for.insert(result.id, values);
        } else if DEMANDS.contains(&name) {
            let asked = receiver.and_then(|r| self.asked_for.get(&r.id).cloned()).unwrap_or_default();
            let key = args.value(0).filter(|_| name.starts_with("get_")).cloned();
            for value in asked.iter().chain(&key) {
                self.clean_value(value, self.settled_by_existence());
            }
        } else if name == "get_object" && args.all().next().is_none() {
            for value in self.route_keys() {
                self.clean_value(&value, self.settled_by_existence());
            }
        }
    }

    /// Returns the parameters of the present function that name rows: parts of its route.
    fn route_keys(&mut self) -> Vec<Value> {
        let Some(frame) = self.frames.last() else { return Vec::new() };
        let Some(function) = frame.function else { return Vec::new() };
        let handle = self.module(frame.module);
        let names = handle.function(function).params.iter().filter_map(super::invoke::param_name);
        let is_key =
            |name: &Name| KEYS.iter().any(|key| name.as_str() == *key || name.as_str().ends_with(&format!("_{key}")));
        let names: Vec<Name> = names.filter(is_key).collect();
        names.into_iter().filter_map(|name| self.look_up(name)).collect()
    }

    /// Returns the classes that the key of a row is harmless to: nobody keeps rows whose names break lines.
    fn settled_by_existence(&self) -> u64 {
        self.catalog.bits_of(&["log", "header", "trust-boundary"])
    }
}
