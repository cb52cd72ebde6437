//! The time of a process that may have been frozen between two batches.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use canter_aws::{Clock as Now, CloudPaces};
use canter_core::time::Moment;
use canter_http::Clock;

/// Maximum error of the clock after a freeze, beyond which it is set anew. Slots are exact if
/// clocks agree to 10 ms ([`canter_core::pace::Tolerance::SHARED`]).
const OFF: Duration = Duration::from_millis(3);

/// A clock that can be set anew, and the paces that depend on it. Clones share both.
#[derive(Clone)]
pub(crate) struct Time {
    kept: Arc<RwLock<Kept>>,
}

struct Kept {
    clock: Clock,
    paces: Arc<CloudPaces>,
}

impl Time {
    pub(crate) fn new(clock: Clock, paces: CloudPaces) -> Self {
        let paces = Arc::new(paces);
        Time {
            kept: Arc::new(RwLock::new(Kept { clock, paces })),
        }
    }

    /// Returns the clock as it is set now.
    pub(crate) fn clock(&self) -> Clock {
        self.kept
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clock
    }

    /// Returns the paces, with their knowledge of other workers' clocks.
    pub(crate) fn paces(&self) -> Arc<CloudPaces> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&kept.paces)
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock().now()
    }

    /// Returns a function that tells the time.
    pub(crate) fn teller(&self) -> Now {
        let time = self.clone();
        Arc::new(move || time.now())
    }

    /// Replaces the clock by one that is right, if the current one is off. The paces forget other
    /// workers' clocks then, since that knowledge was relative to the old clock.
    pub(crate) fn wake(&self, right: Clock) {
        let (shown, now) = (self.now(), right.now());
        if shown.until(now) <= OFF && now.until(shown) <= OFF {
            return;
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.clock = right;
        kept.paces = Arc::new(kept.paces.forgetful());
    }
}
