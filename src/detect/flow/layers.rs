//! Layers of what is known: each holds what was set since the one below it, and many states may share one.

use super::catalog::Classes;
use super::name::Name;
use super::state::Contents;
use super::value::Value;
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::rc::Rc;

/// Layers above which a chain is made one.
const MAX_LAYERS: usize = 24;

/// A map whose order is the same in every run.
pub(super) type Map<K, V> = HashMap<K, V, FixedState>;

/// What was set between two points.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    /// Variables by scope and name.
    pub(super) variables: Map<(u32, Name), Value>,
    /// Contents of objects by number.
    pub(super) objects: Map<u64, Rc<Contents>>,
    /// What checks have said of values, by number.
    pub(super) cleaned: Map<u64, Classes>,
}

impl Layer {
    /// Says whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.objects.is_empty() && self.cleaned.is_empty()
    }

    /// Returns how much was set.
    fn len(&self) -> usize {
        self.variables.len() + self.objects.len() + self.cleaned.len()
    }

    /// Puts a later layer over this one.
    pub(super) fn extend(&mut self, later: Self) {
        self.variables.extend(later.variables);
        self.objects.extend(later.objects);
        self.cleaned.extend(later.cleaned);
    }
}

/// Shared layers, the latest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain(Option<Rc<Link>>);

#[derive(Debug)]
struct Link {
    layer: Layer,
    below: Chain,
    length: usize,
}

impl Chain {
    /// Returns how many layers there are.
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |link| link.length)
    }

    /// Returns the layers, the latest first.
    pub(super) fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::successors(self.0.as_deref(), |link| link.below.0.as_deref()).map(|link| &link.layer)
    }

    /// Puts a layer on top. Of a long chain the layers above the lowest that is as large as all of them are made one: looking
    /// up stays cheap, and those that parted above a large layer still share it.
    pub(super) fn push(&mut self, layer: Layer) {
        let mut below = std::mem::take(self);
        if below.len() >= MAX_LAYERS {
            let sizes: Vec<usize> = below.layers().map(Layer::len).collect();
            let mut above = 0;
            let mut count = sizes.len();
            for (at, size) in sizes.iter().enumerate() {
                if at > 1 && *size >= above {
                    count = at;
                }
                above += size;
            }
            let upper: Vec<Layer> = below.layers().take(count).cloned().collect();
            let mut whole = Layer::default();
            for layer in upper.into_iter().rev() {
                whole.extend(layer);
            }
            below.cut(below.len() - count);
            let length = below.len() + 1;
            below = Self(Some(Rc::new(Link { layer: whole, below, length })));
        }
        let length = below.len() + 1;
        *self = Self(Some(Rc::new(Link { layer, below, length })));
    }

    /// Takes the latest layer off where nobody shares it.
    pub(super) fn pop_own(&mut self) -> Option<Layer> {
        match Rc::try_unwrap(self.0.take()?) {
            Ok(link) => {
                *self = link.below;
                Some(link.layer)
            }
            Err(shared) => {
                self.0 = Some(shared);
                None
            }
        }
    }

    /// Returns copies of all layers, the earliest first.
    pub(super) fn flat(&self) -> Vec<Layer> {
        let mut all: Vec<Layer> = self.layers().cloned().collect();
        all.reverse();
        all
    }

    /// Returns how many layers, from the earliest, two chains have in common.
    pub(super) fn shared(&self, other: &Self) -> usize {
        let (mut a, mut b) = (self.0.as_ref(), other.0.as_ref());
        while let (Some(x), Some(y)) = (a, b) {
            if Rc::ptr_eq(x, y) {
                return x.length;
            }
            if x.length >= y.length {
                a = x.below.0.as_ref();
            } else {
                b = y.below.0.as_ref();
            }
        }
        0
    }

    /// Keeps only so many layers, the earliest.
    pub(super) fn cut(&mut self, length: usize) {
        while let Some(link) = &self.0
            && link.length > length
        {
            let below = link.below.clone();
            *self = below;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Chain, Layer, MAX_LAYERS};

    fn layer(id: u64) -> Layer {
        let mut layer = Layer::default();
        layer.cleaned.insert(id, 1);
        layer
    }

    #[test]
    fn chains_share_what_was_there_before_they_parted() {
        let mut one = Chain::default();
        one.push(layer(1));
        let mut other = one.clone();
        one.push(layer(2));
        one.push(layer(3));
        other.push(layer(4));
        assert_eq!((one.len(), other.len(), one.shared(&other)), (3, 2, 1));
        one.cut(1);
        assert_eq!(one.len(), 1);
        assert!(one.pop_own().is_none(), "the other shares it");
        drop(other);
        assert!(one.pop_own().is_some());
    }

    #[test]
    fn long_chains_are_made_one() {
        let mut chain = Chain::default();
        for id in 0..100 {
            chain.push(layer(id));
        }
        assert!(chain.len() <= MAX_LAYERS);
        let ids: usize = chain.layers().map(|l| l.cleaned.len()).sum();
        assert_eq!(ids, 100);
    }

    #[test]
    fn a_large_layer_stays_shared() {
        let mut large = Layer::default();
        large.cleaned.extend((1_000..2_000).map(|id| (id, 1)));
        let mut one = Chain::default();
        one.push(large);
        let mut other = one.clone();
        for id in 0..100 {
            one.push(layer(id));
            other.push(layer(id));
        }
        assert_eq!(one.shared(&other), 1);
        assert!(one.len() <= MAX_LAYERS);
    }
}
