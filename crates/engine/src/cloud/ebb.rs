//! The ebb of a batch: all of its tasks have begun, so its process could begin others.

use tokio::sync::mpsc;

/// Returns both ends: the flow of tasks goes to the batch.
pub fn ebb() -> (Flow, Ebb) {
    let (flow, ebb) = mpsc::channel(1);
    (Flow(flow), Ebb(ebb))
}

/// Held by every share of a batch that has tasks to begin.
#[derive(Debug, Clone)]
pub struct Flow(mpsc::Sender<()>);

impl Flow {
    /// Records that tasks are left: others would not begin either.
    pub fn stop(&self) {
        // If it was recorded before, there is no room, and no need.
        let _ = self.0.try_send(());
    }
}

/// Waits for the ebb.
#[derive(Debug)]
pub struct Ebb(mpsc::Receiver<()>);

impl Ebb {
    /// Resolves once all tasks of the batch have begun. Returns false if some were left, because time
    /// was up, slots were far off or a store failed.
    pub async fn begun(mut self) -> bool {
        self.0.recv().await.is_none()
    }
}
