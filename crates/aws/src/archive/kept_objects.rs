//! Objects in memory, for whoever reads the pages of a site in another order than they lie in: a
//! request for each page would cost more, and take longer, than all the rest.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Size of the kept objects at which no more are taken, in bytes. The pages of a larger site are
/// read one by one.
const KEPT_BYTES: usize = 128 << 20;

/// The objects, by their keys. Objects never change, so they cannot be out of date. Clones share
/// them.
#[derive(Debug, Clone, Default)]
pub(super) struct KeptObjects {
    objects: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl KeptObjects {
    /// Returns whether an object may be added.
    pub(super) fn has_room(&self) -> bool {
        self.lock().values().map(Vec::len).sum::<usize>() < KEPT_BYTES
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.lock().contains_key(key)
    }

    pub(super) fn add(&self, key: &str, content: Vec<u8>) {
        self.lock().insert(key.to_owned(), content);
    }

    /// Returns a part of an object, which is none if the object is shorter; `None` if the object is
    /// not kept.
    pub(super) fn part(&self, key: &str, part: &Range<u64>) -> Option<Option<Vec<u8>>> {
        let objects = self.lock();
        let content = objects.get(key)?;
        let part = usize::try_from(part.start).ok()?..usize::try_from(part.end).ok()?;
        Some(content.get(part).map(<[u8]>::to_vec))
    }

    /// Drops the objects whose keys begin with a prefix.
    pub(super) fn release(&self, prefix: &str) {
        self.lock().retain(|key, _| !key.starts_with(prefix));
    }

    /// Drops all other objects than those whose keys begin with a prefix.
    pub(super) fn release_others(&self, prefix: &str) {
        self.lock().retain(|key, _| key.starts_with(prefix));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<u8>>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_the_object() {
        let kept = KeptObjects::default();
        assert_eq!(kept.part("a/1", &(0..1)), None);
        kept.add("a/1", vec![1, 2, 3]);
        kept.add("b/1", vec![4]);
        assert_eq!(kept.part("a/1", &(1..3)), Some(Some(vec![2, 3])));
        assert_eq!(kept.part("a/1", &(1..4)), Some(None));
        kept.release("a/");
        assert!(!kept.contains("a/1") && kept.contains("b/1"));
        kept.release_others("b/");
        assert!(kept.contains("b/1"));
        kept.release_others("c/");
        assert!(!kept.contains("b/1"));
    }

    #[test]
    fn memory_is_limited() {
        let kept = KeptObjects::default();
        kept.add("a/1", vec![0; KEPT_BYTES - 1]);
        assert!(kept.has_room());
        kept.add("a/2", vec![0]);
        assert!(!kept.has_room());
        kept.release("a/");
        assert!(kept.has_room());
    }
}
