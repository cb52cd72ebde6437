//! The ledger of a batch: the state of each of its messages.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A message that is to be received again, or to end in the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The message's id.
    pub id: String,
    /// Reason of the failure, for the log.
    pub why: String,
    /// Whether the message can never be understood, however many times it is received.
    pub hopeless: bool,
}

/// Accounts for the tasks of the messages. A message may be deleted when each of its tasks is done:
/// ended, dropped, or safe in another message.
#[derive(Debug)]
pub(crate) struct Ledger {
    accounts: Mutex<Vec<Account>>,
}

#[derive(Debug)]
struct Account {
    id: String,
    open: usize,
    failed: Option<String>,
    hopeless: bool,
}

impl Ledger {
    /// Creates a ledger of messages that have no tasks yet.
    pub(crate) fn new(ids: impl IntoIterator<Item = String>) -> Self {
        let accounts = ids.into_iter().map(|id| Account {
            id,
            open: 0,
            failed: None,
            hopeless: false,
        });
        Ledger {
            accounts: Mutex::new(accounts.collect()),
        }
    }

    fn accounts(&self) -> MutexGuard<'_, Vec<Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds tasks to the message at this place.
    pub(crate) fn expect(&self, place: usize, tasks: usize) {
        if let Some(account) = self.accounts().get_mut(place) {
            account.open += tasks;
        }
    }

    /// Records that a task is done. `places` are the places of the messages that hold the task.
    pub(crate) fn done(&self, places: &[usize]) {
        let mut accounts = self.accounts();
        for place in places {
            if let Some(account) = accounts.get_mut(*place) {
                account.open = account.open.saturating_sub(1);
            }
        }
    }

    /// Fails the messages at these places. A message that has already failed keeps its first
    /// reason.
    pub(crate) fn fail(&self, places: &[usize], why: &str) {
        let mut accounts = self.accounts();
        for place in places {
            if let Some(account) = accounts.get_mut(*place) {
                account.failed.get_or_insert_with(|| why.to_owned());
            }
        }
    }

    /// Refuses the message at this place, since no worker can understand it.
    pub(crate) fn refuse(&self, place: usize, why: &str) {
        self.fail(&[place], why);
        if let Some(account) = self.accounts().get_mut(place) {
            account.hopeless = true;
        }
    }

    /// Returns the messages that may not be deleted, in their order.
    pub(crate) fn failed(&self) -> Vec<Failed> {
        let accounts = self.accounts();
        let failed = accounts.iter().filter_map(|account| {
            let left = || (account.open > 0).then(|| format!("{} tasks were left", account.open));
            Some(Failed {
                id: account.id.clone(),
                why: account.failed.clone().or_else(left)?,
                hopeless: account.hopeless,
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
        let ledger = Ledger::new(["a", "b", "c", "d"].map(str::to_owned));
        ledger.expect(0, 2);
        ledger.expect(1, 2);
        ledger.expect(2, 1);
        // One task stands in two messages, one task fails, and one is never reported.
        ledger.done(&[0, 1]);
        ledger.done(&[0]);
        ledger.fail(&[1], "first");
        ledger.fail(&[1], "second");
        let failed = |id: &str, why: &str| Failed {
            id: id.to_owned(),
            why: why.to_owned(),
            hopeless: false,
        };
        assert_eq!(
            ledger.failed(),
            [failed("b", "first"), failed("c", "1 tasks were left")]
        );
    }

    #[test]
    fn a_message_that_failed_stays_so_though_its_tasks_are_done() {
        let ledger = Ledger::new(["a".to_owned()]);
        ledger.expect(0, 2);
        ledger.fail(&[0], "poison");
        ledger.done(&[0]);
        ledger.done(&[0]);
        assert_eq!(ledger.failed().len(), 1);
    }
}
