//! A gate for tests that are not about the pace.

use std::time::{Duration, SystemTime};

use canter_core::ports::{Approach, Boxed, FetchError, Gate};
use canter_core::time::Moment;

/// A gate at which every request starts at once.
pub struct OpenGate;

impl Gate for OpenGate {
    fn near(&self, _: Duration) -> Boxed<'_, Result<Approach, FetchError>> {
        Box::pin(async { Ok(Approach::new(())) })
    }

    fn slot(&self) -> Boxed<'_, Result<Moment, FetchError>> {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let now = Moment::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        Box::pin(async move { Ok(now) })
    }
}
