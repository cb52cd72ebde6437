//! The pace that all workers share.

use crate::failure::Failure;
use crate::pace::{Grant, Pace};
use crate::time::Moment;

/// The stored next free slot of each domain, shared by all workers.
pub trait Paces: Send + Sync {
    /// Decides by [`grant`](crate::pace::grant) and stores the new record, in one atomic step.
    fn lease(
        &self,
        domain: &str,
        now: Moment,
        pace: Pace,
        count: u32,
    ) -> impl Future<Output = Result<Grant, Failure>> + Send;

    /// Forbids slots of the domain before `until`, for every worker (`Retry-After`).
    fn hold(&self, domain: &str, until: Moment)
    -> impl Future<Output = Result<(), Failure>> + Send;

    /// The end of the domain's last hold, which may lie in the past.
    fn held(&self, domain: &str) -> impl Future<Output = Result<Option<Moment>, Failure>> + Send;
}
