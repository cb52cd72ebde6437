//! The batches of a process that have tasks left to begin.

use tokio::sync::watch;

/// Counts the batches of a process that have tasks left to begin. When there are none, the process
/// could begin others.
#[derive(Debug)]
pub(crate) struct Backlog(watch::Sender<usize>);

impl Default for Backlog {
    fn default() -> Self {
        Backlog(watch::Sender::new(0))
    }
}

impl Backlog {
    /// Counts a batch, or a share of one, until what is returned is dropped.
    pub(crate) fn hold(&self) -> Held {
        self.0.send_modify(|count| *count += 1);
        Held(self.0.clone())
    }

    /// Resolves once at most `count` of them have tasks left.
    pub(crate) async fn falls_to(&self, count: usize) {
        // The channel is never closed.
        let _ = self.0.subscribe().wait_for(|held| *held <= count).await;
    }
}

/// A batch, or a share of one, that has tasks left to begin.
#[derive(Debug)]
pub(crate) struct Held(watch::Sender<usize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
