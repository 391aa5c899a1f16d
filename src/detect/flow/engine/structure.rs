//! Data whose shape does harm: objects with keys that a stranger chose.

use super::Engine;
use crate::detect::flow::catalog::{NO_CONSTRUCTOR, NO_PROTO};
use crate::detect::flow::value::{Data, Kind, Labels, Value};

impl Engine<'_> {
    /// Returns the labels of data that brings keys of its own: of an object that the code builds, not what stands under keys
    /// that the code names.
    pub(super) fn open_labels(&self, value: &Value, depth: u32) -> Labels {
        if depth == 0 || matches!(value.kind, Kind::Text(_) | Kind::Const(_) | Kind::OneOf(_)) {
            return Labels::default();
        }
        let (Kind::Object(_), Some(contents)) = (&value.kind, self.state.contents(value.id)) else {
            return self.state.reach(value);
        };
        let own = self.state.checked(value).labels.clone();
        let elements = contents.list.iter().flatten().map(|v| self.open_labels(v, depth - 1));
        let all = elements.fold(own, |all, labels| all.join(&labels));
        match (&contents.rest, &contents.keys) {
            // Keys that the code goes through are named by it, too.
            (Some(_), Some(keys)) if self.state.reach(keys).is_empty() => all,
            (Some(rest), _) => all.join(&self.open_labels(rest, depth - 1)),
            (None, _) => all,
        }
    }

    /// Returns an object with only the data that comes with names of its own, which options may be among. What the code puts
    /// under names that it chose is no option, nor are the names a stranger's of what other code made of his data.
    pub(super) fn as_options(&self, value: &Value) -> Value {
        let labels = match value.kind {
            Kind::Object(_) => self.open_labels(value, 2),
            _ => {
                let own = self.state.checked(value).labels.clone();
                let contents = self.state.contents(value.id);
                let is_open = |keys: &Option<Value>| keys.as_ref().is_none_or(|k| !self.state.reach(k).is_empty());
                match contents.as_ref().and_then(|c| c.rest.as_ref().filter(|_| is_open(&c.keys))) {
                    Some(rest) => own.join(&self.state.reach(rest)),
                    None => own,
                }
            }
        };
        let sent = labels.all().iter().filter(|label| label.guesses == 0).cloned().collect();
        let id = super::number(&("options", value.id));
        std::rc::Rc::new(Data { labels: Labels::of(sent), ..Data::new(id, Kind::Unknown) })
    }

    /// Returns the labels of data that can lead to a prototype: objects and keys, not texts inside an object, and no keys that
    /// were held against the names of prototypes.
    pub(super) fn shaped_labels(&self, value: &Value, depth: u32) -> Labels {
        let is_safe = |cleaned: u64| cleaned & (NO_PROTO | NO_CONSTRUCTOR) == NO_PROTO | NO_CONSTRUCTOR;
        let own = self.state.checked(value).labels.clone();
        let own = Labels::of(own.all().iter().filter(|l| !is_safe(l.cleaned)).cloned().collect());
        let Some(contents) = self.state.contents(value.id).filter(|_| depth > 0) else { return own };
        let list = contents.list.iter().flatten();
        let named = contents.entries.values().chain(&contents.rest);
        let named = named.filter(|v| !matches!(v.kind, Kind::Text(_) | Kind::Const(_) | Kind::OneOf(_)));
        list.chain(named).fold(own, |all, v| all.join(&self.shaped_labels(v, depth - 1)))
    }

    /// Says whether what is read under a key may be a prototype.
    pub(super) fn leads_astray(&self, value: &Value, key: &Value) -> bool {
        if !self.language.is_script() || matches!(value.kind, Kind::Const(_) | Kind::Text(_)) {
            return false;
        }
        let pollution = self.catalog.bit_of("prototype-pollution");
        self.shaped_labels(key, 0).all().iter().any(|l| l.cleaned & pollution == 0)
    }
}
