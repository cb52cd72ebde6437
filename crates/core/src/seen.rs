//! URLs that this process has already handed on, so that it makes no claim that cannot win.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, PoisonError};

use crate::task::UrlKey;

/// A bounded, exact set of the URLs of one crawl. It forgets the URLs that it has not met for
/// longest. It has no false positives, unlike a Bloom filter, with which pages would be lost.
#[derive(Debug)]
pub struct Seen {
    half: usize,
    /// The URLs met recently, and those met before that. When the first set is full, it takes the
    /// place of the second.
    generations: Mutex<(HashSet<UrlKey>, HashSet<UrlKey>)>,
}

impl Seen {
    /// A set of at most `capacity` URLs. Each takes a little more than 16 bytes.
    pub fn new(capacity: usize) -> Self {
        Seen {
            half: (capacity / 2).max(1),
            generations: Mutex::default(),
        }
    }

    /// Those of the URLs that the set does not hold.
    pub fn unknown<T>(&self, urls: Vec<T>, key: impl Fn(&T) -> UrlKey) -> Vec<T> {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        urls.into_iter()
            .filter(|url| {
                let key = key(url);
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

    /// Adds URLs whose tasks are safely in the frontier or have ended.
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
