//! Retries with back-off.

use std::time::{Duration, Instant};

use canter_core::back_off::back_off;

/// The tries of one operation.
pub(crate) struct Retries {
    patience: Duration,
    since: Instant,
    failed: u32,
}

impl Retries {
    /// Starts the count with the first try.
    pub(crate) fn new(patience: Duration) -> Self {
        Retries {
            patience,
            since: Instant::now(),
            failed: 0,
        }
    }

    /// Starts over after a partial success.
    pub(crate) fn progressed(&mut self) {
        *self = Retries::new(self.patience);
    }

    /// Waits before the next try; returns false if patience has run out. The random back-off keeps
    /// workers apart.
    pub(crate) async fn again(&mut self) -> bool {
        let wait = back_off(self.failed, fastrand::f64());
        self.failed += 1;
        // Tests set a short patience, which shortens the waits.
        let wait = wait.min(self.patience / 8);
        if self.since.elapsed() + wait >= self.patience {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }
}
