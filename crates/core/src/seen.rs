//! URLs that this process has already handed on, so that it makes no claim that cannot win.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::recent::Recent;
use crate::task::UrlKey;

/// A bounded, exact set of the URLs of one crawl. It forgets the URLs that it has not met for
/// longest. It has no false positives, unlike a Bloom filter, with which pages would be lost.
#[derive(Debug)]
pub struct Seen(Mutex<Recent<()>>);

impl Seen {
    /// A set of at most `capacity` URLs. Each takes a little more than 16 bytes.
    pub fn new(capacity: usize) -> Self {
        Seen(Mutex::new(Recent::new(capacity)))
    }

    /// Those of the URLs that the set does not hold.
    pub fn unknown<T>(&self, urls: Vec<T>, key: impl Fn(&T) -> UrlKey) -> Vec<T> {
        let mut recent = self.recent();
        let unknown = urls.into_iter();
        unknown
            .filter(|url| recent.meet(key(url)).is_none())
            .collect()
    }

    /// Adds URLs whose tasks are safely in the frontier or have ended.
    pub fn remember(&self, keys: impl IntoIterator<Item = UrlKey>) {
        let mut recent = self.recent();
        keys.into_iter().for_each(|key| recent.insert(key, ()));
    }

    fn recent(&self) -> MutexGuard<'_, Recent<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        assert!(seen.recent().len() <= 20);
    }
}
