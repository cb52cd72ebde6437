//! How often and until when something is tried.

use std::time::{Duration, Instant};

use canter_core::back_off::back_off;

/// The tries of one thing.
pub(crate) struct Retries {
    patience: Duration,
    since: Instant,
    failed: u32,
}

impl Retries {
    /// The first try begins now.
    pub(crate) fn new(patience: Duration) -> Self {
        Retries {
            patience,
            since: Instant::now(),
            failed: 0,
        }
    }

    /// A try brought part of it about: what is left has as much patience as at the beginning.
    pub(crate) fn progressed(&mut self) {
        *self = Retries::new(self.patience);
    }

    /// Waits before the next try; false when patience has run out. The waits are those of the core,
    /// so that many workers come back apart.
    pub(crate) async fn again(&mut self) -> bool {
        let wait = back_off(self.failed, fastrand::f64());
        self.failed += 1;
        // A short patience is for tests; waits are as much shorter as it is.
        let wait = wait.min(self.patience / 8);
        if self.since.elapsed() + wait >= self.patience {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }
}
