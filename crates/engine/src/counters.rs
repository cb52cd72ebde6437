//! What the steps of a crawl do beside ending tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canter_core::ports::{Approach, Boxed, FetchError, Gate};
use canter_core::time::Moment;

/// Counters of one crawl in this process.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that were started, those for robots.txt among them.
    pub requests: AtomicU64,
    /// Bytes of bodies, decoded.
    pub bytes: AtomicU64,
    /// Tasks that were pushed for the first time.
    pub found: AtomicU64,
    /// Pages on their way into the index at the moment.
    pub being_indexed: AtomicU64,
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
