//! Requests, and the gate at which they wait for their start.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::exchange::{FetchError, Request, Response};
use crate::time::Moment;

/// A boxed future, for ports that are called through `dyn`.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Decides when requests of one domain start. All requests of the domain in this process share it.
pub trait Gate: Send + Sync {
    /// Resolves when the next slot is at most `lead` away and few other requests are ahead, so that
    /// a connection that takes `lead` to open is ready in time. Drop the [`Approach`] to let others
    /// in.
    fn near(&self, lead: Duration) -> Boxed<'_, Result<Approach, FetchError>>;

    /// Takes the next slot and resolves within it: the request must start at once. Returns the
    /// start, since the Unix epoch.
    fn slot(&self) -> Boxed<'_, Result<Moment, FetchError>>;
}

/// A place near the front of a gate, given back when dropped.
pub struct Approach(#[expect(dead_code, reason = "held for its drop")] Box<dyn Send + Sync>);

impl Approach {
    /// Keeps `place` until the approach is dropped.
    pub fn new(place: impl Send + Sync + 'static) -> Self {
        Approach(Box::new(place))
    }
}

/// Makes single requests. It follows no redirect, keeps connections open, and refuses private
/// addresses.
pub trait Fetcher: Send + Sync {
    /// Sends the request on a ready connection in a slot of the gate. Takes one slot for each time
    /// that the request is sent.
    fn fetch(
        &self,
        request: Request,
        gate: Arc<dyn Gate>,
    ) -> impl Future<Output = Result<Response, FetchError>> + Send;
}
