//! Links that this process has already handed on: a claim that cannot win is not asked for.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, PoisonError};

use crate::task::UrlKey;

/// A bounded, exact set of links of one crawl. It forgets the links not met for longest and never
/// claims to know one that it was not told (a Bloom filter would, and pages would be lost).
#[derive(Debug)]
pub struct Seen {
    half: usize,
    /// Recently met, and met before that: when the first is full, the second is dropped.
    generations: Mutex<(HashSet<UrlKey>, HashSet<UrlKey>)>,
}

impl Seen {
    /// A set of at most `capacity` links, 16 bytes and some each.
    pub fn new(capacity: usize) -> Self {
        Seen {
            half: (capacity / 2).max(1),
            generations: Mutex::default(),
        }
    }

    /// Those of the links that the set does not hold.
    pub fn unknown<T>(&self, links: Vec<T>, key: impl Fn(&T) -> UrlKey) -> Vec<T> {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        links
            .into_iter()
            .filter(|link| {
                let key = key(link);
                if generations.0.contains(&key) {
                    return false;
                }
                let old = generations.1.contains(&key);
                if old {
                    insert(&mut generations, self.half, key);
                }
                !old
            })
            .collect()
    }

    /// Remembers links whose tasks are safely in the frontier, or have ended.
    pub fn remember(&self, keys: impl IntoIterator<Item = UrlKey>) {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            insert(&mut generations, self.half, key);
        }
    }
}

fn insert(generations: &mut (HashSet<UrlKey>, HashSet<UrlKey>), half: usize, key: UrlKey) {
    if generations.0.len() >= half {
        generations.1 = mem::take(&mut generations.0);
    }
    generations.0.insert(key);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> UrlKey {
        UrlKey::hash(&n.to_be_bytes())
    }

    #[test]
    fn knows_what_it_was_told_and_nothing_else() {
        let seen = Seen::new(100);
        seen.remember((0..40).map(key));
        let left = seen.unknown((30..50).collect(), |&n| key(n));
        assert_eq!(left, (40..50).collect::<Vec<_>>());
    }

    #[test]
    fn is_bounded_and_keeps_what_is_met_again() {
        let seen = Seen::new(20);
        seen.remember((0..10).map(key));
        for n in 10..1000 {
            assert!(seen.unknown(vec![1], |&n| key(n)).is_empty());
            seen.remember([key(n)]);
        }
        let generations = seen.generations.lock().unwrap();
        assert!(generations.0.len() + generations.1.len() <= 20);
    }
}
