//! What the steps of a crawl do beside ending tasks, counted for its progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canter_aws::Progress;
use canter_core::ports::{Approach, Boxed, FetchError, Gate};
use canter_core::time::Moment;

/// Counters of one crawl in this process.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: AtomicU64,
    bytes: AtomicU64,
    found: AtomicU64,
}

impl Tally {
    /// Tasks were pushed for the first time.
    pub(crate) fn found(&self, tasks: u64) {
        self.found.fetch_add(tasks, Ordering::Relaxed);
    }

    /// So many bytes were received.
    pub(crate) fn received(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What was counted since the last call.
    pub(crate) fn take(&self) -> Progress {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Progress {
            requests: take(&self.requests),
            bytes: take(&self.bytes),
            found: take(&self.found),
            ..Progress::default()
        }
    }
}

/// A gate that counts who went through.
pub(crate) struct CountedGate<G> {
    pub(crate) gate: G,
    pub(crate) tally: Arc<Tally>,
}

impl<G: Gate> Gate for CountedGate<G> {
    fn near(&self, lead: Duration) -> Boxed<'_, Result<Approach, FetchError>> {
        self.gate.near(lead)
    }

    fn slot(&self) -> Boxed<'_, Result<Moment, FetchError>> {
        Box::pin(async move {
            let start = self.gate.slot().await?;
            self.tally.requests.fetch_add(1, Ordering::Relaxed);
            Ok(start)
        })
    }
}
