//! What functions look at of what others write, to tell which have to be run once more.

use crate::detect::flow::joined::parts_of_joined;
use crate::detect::flow::name::Name;
use foldhash::fast::FixedState;
use std::collections::HashSet;

/// What some function has put where others see it.
#[derive(Clone, Copy)]
pub(super) enum News {
    Variable(Name),
    Object(u64),
}

/// What was looked at: variables by name, values by number.
#[derive(Default)]
pub(super) struct Reads {
    pub(super) names: HashSet<Name, FixedState>,
    pub(super) values: HashSet<u64, FixedState>,
}

impl Reads {
    pub(super) fn hold(&self, news: News) -> bool {
        match news {
            News::Variable(name) => self.names.contains(&name),
            News::Object(id) => self.values.contains(&id),
        }
    }

    /// Adds the values that the joined ones may be.
    pub(super) fn with_parts(mut self) -> Self {
        let mut next: Vec<u64> = self.values.iter().copied().collect();
        while let Some((a, b)) = next.pop().map(|id| parts_of_joined(id).unwrap_or((id, id))) {
            next.extend([a, b].into_iter().filter(|id| self.values.insert(*id)));
        }
        self
    }
}
