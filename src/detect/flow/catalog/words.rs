//! Words by which code shows that it may hold a sink, without running it.

use super::Catalog;
use crate::detect::flow::name::Name;

/// What a sink's last word stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Anything: objects come from everywhere.
    Any,
    /// Nothing: a function that is always there.
    Nothing,
    /// A module: the first part of its path, and the last.
    Module(Name, Name),
}

/// A sink's last word.
#[derive(Debug, Clone, Copy)]
pub struct SinkWord {
    /// The number of its catalog file.
    pub file: u16,
    /// What it stands on.
    pub owner: Owner,
}

/// Returns what the last part of a path stands on: what is written in small letters throughout is a function of a module.
pub(super) fn owner_of(path: Name) -> Owner {
    let parts: Vec<&str> = path.as_str().split('.').collect();
    let is_small = |part: &str| part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let is_all_small = parts.iter().all(|part| is_small(part));
    match parts.as_slice() {
        [_] => Owner::Nothing,
        [first, .., owner, _] if is_all_small => Owner::Module(Name::new(first), Name::new(owner)),
        [owner, _] if is_all_small => Owner::Module(Name::new(owner), Name::new(owner)),
        _ => Owner::Any,
    }
}

impl Catalog {
    /// Returns the sinks of whose path a name is the last part.
    pub fn sink_words(&self, name: Name) -> &[SinkWord] {
        self.sink_words.get(&name).map_or(&[], Vec::as_slice)
    }

    /// Says whether a name is the last part of a source's path.
    pub fn is_source_word(&self, name: Name) -> bool {
        self.source_words.contains(&name)
    }

    /// Says whether assignments to names can be sinks, so that any code may hold one.
    pub fn has_name_sinks(&self) -> bool {
        !self.name_sinks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, Owner, owner_of};

    #[test]
    fn functions_of_modules_are_told_from_methods() {
        let name = Name::new;
        assert_eq!(owner_of(name("open")), Owner::Nothing);
        assert_eq!(owner_of(name("os.replace")), Owner::Module(name("os"), name("os")));
        assert_eq!(owner_of(name("os.path.join")), Owner::Module(name("os"), name("path")));
        assert_eq!(owner_of(name("pathlib.Path.read_text")), Owner::Any);
        assert_eq!(owner_of(name("*.execute")), Owner::Any);
    }
}
