//! What became of each message of a batch.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A message that is to be received again, or to end among the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Its id.
    pub id: String,
    /// Why, for whoever reads the log.
    pub why: String,
    /// However often it is received, it will not be understood.
    pub hopeless: bool,
}

/// Accounts for the tasks of the messages. A message may go when each of its tasks is done: ended,
/// dropped, or safe in another message.
#[derive(Debug)]
pub(crate) struct Book {
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    id: String,
    open: usize,
    failed: Option<String>,
    hopeless: bool,
}

impl Book {
    /// Messages with no task yet.
    pub(crate) fn new(ids: impl IntoIterator<Item = String>) -> Self {
        let entries = ids.into_iter().map(|id| Entry {
            id,
            open: 0,
            failed: None,
            hopeless: false,
        });
        Book {
            entries: Mutex::new(entries.collect()),
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message at this place has so many more tasks.
    pub(crate) fn expect(&self, place: usize, tasks: usize) {
        if let Some(entry) = self.entries().get_mut(place) {
            entry.open += tasks;
        }
    }

    /// A task is done, which stands in the messages at these places.
    pub(crate) fn done(&self, places: &[usize]) {
        let mut entries = self.entries();
        for place in places {
            if let Some(entry) = entries.get_mut(*place) {
                entry.open = entry.open.saturating_sub(1);
            }
        }
    }

    /// The messages at these places fail, for this reason if they have none yet.
    pub(crate) fn fail(&self, places: &[usize], why: &str) {
        let mut entries = self.entries();
        for place in places {
            if let Some(entry) = entries.get_mut(*place) {
                entry.failed.get_or_insert_with(|| why.to_owned());
            }
        }
    }

    /// The message at this place is none that can be worked on.
    pub(crate) fn refuse(&self, place: usize, why: &str) {
        self.fail(&[place], why);
        if let Some(entry) = self.entries().get_mut(place) {
            entry.hopeless = true;
        }
    }

    /// Messages that may not go, in their order.
    pub(crate) fn failed(&self) -> Vec<Failed> {
        let entries = self.entries();
        let failed = entries.iter().filter_map(|entry| {
            let left = || (entry.open > 0).then(|| format!("{} tasks were left", entry.open));
            Some(Failed {
                id: entry.id.clone(),
                why: entry.failed.clone().or_else(left)?,
                hopeless: entry.hopeless,
            })
        });
        failed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_when_all_its_tasks_are_done() {
        let book = Book::new(["a", "b", "c", "d"].map(str::to_owned));
        book.expect(0, 2);
        book.expect(1, 2);
        book.expect(2, 1);
        // One task stands in two messages, one fails, one is never spoken of.
        book.done(&[0, 1]);
        book.done(&[0]);
        book.fail(&[1], "first");
        book.fail(&[1], "second");
        let failed = |id: &str, why: &str| Failed {
            id: id.to_owned(),
            why: why.to_owned(),
            hopeless: false,
        };
        assert_eq!(
            book.failed(),
            [failed("b", "first"), failed("c", "1 tasks were left")]
        );
    }

    #[test]
    fn a_message_that_failed_stays_so_though_its_tasks_are_done() {
        let book = Book::new(["a".to_owned()]);
        book.expect(0, 2);
        book.fail(&[0], "poison");
        book.done(&[0]);
        book.done(&[0]);
        assert_eq!(book.failed().len(), 1);
    }
}
