//! What was met recently, in bounded memory.

use std::collections::HashMap;
use std::mem;

use crate::task::UrlKey;

/// A bounded, exact map. It forgets what it has not met for longest.
#[derive(Debug)]
pub(crate) struct Recent<V> {
    half: usize,
    /// What was met recently.
    new: HashMap<UrlKey, V>,
    /// What was met before that. When the first map is full, it takes the place of this one.
    old: HashMap<UrlKey, V>,
}

impl<V: Copy> Recent<V> {
    /// A map of at most `capacity` keys.
    pub(crate) fn new(capacity: usize) -> Self {
        Recent {
            half: (capacity / 2).max(1),
            new: HashMap::new(),
            old: HashMap::new(),
        }
    }

    /// Meets a key, and returns its value.
    pub(crate) fn meet(&mut self, key: UrlKey) -> Option<V> {
        if let Some(value) = self.new.get(&key) {
            return Some(*value);
        }
        let value = *self.old.get(&key)?;
        self.insert(key, value);
        Some(value)
    }

    /// Gives a key a value.
    pub(crate) fn insert(&mut self, key: UrlKey, value: V) {
        if self.new.len() >= self.half && !self.new.contains_key(&key) {
            self.old = mem::take(&mut self.new);
        }
        self.new.insert(key, value);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.new.len() + self.old.len()
    }
}
