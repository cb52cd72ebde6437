//! Counters of the work of a crawl's steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canter_core::ports::{Approach, Boxed, FetchError, Gate};
use canter_core::time::Moment;

/// Counters of one crawl in this process.
#[derive(Debug, Default)]
pub struct Counters {
    /// Number of requests started, including requests for robots.txt.
    pub requests: AtomicU64,
    /// Number of bytes of bodies, decoded.
    pub bytes: AtomicU64,
    /// Number of tasks that were pushed for the first time.
    pub found: AtomicU64,
    /// Number of pages that are on their way into the archive.
    pub being_archived: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}

/// A gate that counts the requests that pass it.
pub(crate) struct CountedGate<G> {
    pub(crate) gate: G,
    pub(crate) counters: Arc<Counters>,
}

impl<G: Gate> Gate for CountedGate<G> {
    fn near(&self, lead: Duration) -> Boxed<'_, Result<Approach, FetchError>> {
        self.gate.near(lead)
    }

    fn slot(&self) -> Boxed<'_, Result<Moment, FetchError>> {
        Box::pin(async move {
            let start = self.gate.slot().await?;
            Counters::add(&self.counters.requests, 1);
            Ok(start)
        })
    }
}
