//! The time of this process, which may have been frozen between two batches.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use canter_aws::{Clock as Now, CloudPaces};
use canter_core::time::Moment;
use canter_http::Clock;

/// A clock that is further off than this after a freeze is set anew. Slots are exact where clocks
/// agree to 10 ms ([`canter_core::pace::Tolerance::SHARED`]).
const OFF: Duration = Duration::from_millis(3);

/// A clock that can be set anew, and the paces that go by it. Clones are the same.
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

    /// The clock as it is set now.
    pub(crate) fn clock(&self) -> Clock {
        self.kept
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clock
    }

    /// The paces, with what they have heard of others' clocks.
    pub(crate) fn paces(&self) -> Arc<CloudPaces> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&kept.paces)
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock().now()
    }

    /// The time for whoever asks for it later.
    pub(crate) fn teller(&self) -> Now {
        let time = self.clone();
        Arc::new(move || time.now())
    }

    /// Goes by a clock that is right now, where the one in use is not: what is known of others'
    /// clocks was known by the old one.
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
