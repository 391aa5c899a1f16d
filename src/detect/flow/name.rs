//! Names as numbers: equal text has an equal number, in the whole process.

use foldhash::fast::RandomState;
use std::cell::RefCell;
use std::fmt;
use std::sync::{LazyLock, PoisonError, RwLock};

/// A name or dotted path, interned. Cheap to copy and compare; lives as long as the process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(u32);

type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;

#[derive(Default)]
struct Table {
    numbers: HashMap<&'static str, u32>,
    texts: Vec<&'static str>,
}

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);

thread_local! {
    /// What this thread has looked up before, so that it need not lock.
    static KNOWN: RefCell<(HashMap<&'static str, u32>, Vec<&'static str>)> = RefCell::default();
    /// Names of two parts, and those of calls, which are asked for again and again.
    static JOINED: RefCell<HashMap<(Name, Option<Name>), Name>> = RefCell::default();
}

impl Name {
    /// Interns a text.
    pub fn new(text: &str) -> Self {
        KNOWN.with_borrow_mut(|(numbers, _)| {
            if let Some(number) = numbers.get(text) {
                return Self(*number);
            }
            // A panic while the lock is held leaves the table whole: it is only ever added to.
            let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
            let number = table.numbers.get(text).copied().unwrap_or_else(|| {
                let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
                let number = u32::try_from(table.texts.len()).unwrap_or(u32::MAX);
                table.texts.push(text);
                table.numbers.insert(text, number);
                number
            });
            numbers.insert(table.texts[number as usize], number);
            Self(number)
        })
    }

    /// Returns the text.
    pub fn as_str(self) -> &'static str {
        KNOWN.with_borrow_mut(|(_, texts)| {
            if self.0 as usize >= texts.len() {
                let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
                texts.extend_from_slice(&table.texts[texts.len()..]);
            }
            texts[self.0 as usize]
        })
    }

    /// Returns `self.other`.
    pub fn join(self, other: &str) -> Self {
        Self::new(&format!("{}.{other}", self.as_str()))
    }

    /// Returns `self.other`.
    pub fn member(self, other: Self) -> Self {
        Self::remembered((self, Some(other)), || self.join(other.as_str()))
    }

    /// Returns `self()`: what a call gives.
    pub fn called(self) -> Self {
        Self::remembered((self, None), || Self::new(&format!("{}()", self.as_str())))
    }

    fn remembered(of: (Self, Option<Self>), make: impl FnOnce() -> Self) -> Self {
        JOINED.with_borrow_mut(|joined| *joined.entry(of).or_insert_with(make))
    }

    /// Returns what follows the last dot; all of it where there is none.
    pub fn last(self) -> &'static str {
        let text = self.as_str();
        text.rsplit('.').next().unwrap_or(text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn equal_texts_have_equal_names_on_every_thread() {
        let here = Name::new("flask.request");
        let there = std::thread::spawn(|| Name::new("flask.request")).join().expect("no panic");
        assert_eq!(here, there);
        assert_eq!(there.as_str(), "flask.request");
        assert_eq!(Name::new("flask").join("request"), here);
        assert_eq!(here.last(), "request");
    }
}
