//! Policies of robots.txt that all workers share.

use std::time::Duration;

use crate::failure::Failure;
use crate::robots::RobotsPolicy;
use crate::time::Moment;

/// Maximum time for a worker to fetch a robots.txt. After that another worker may fetch it.
pub const FETCHING: Duration = Duration::from_secs(60);

/// What the store knows of an authority's robots.txt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// A policy that is recent enough, and when it was fetched.
    Policy(RobotsPolicy, Moment),
    /// There is no recent policy. The caller must fetch the file and save the policy.
    Fetch,
    /// There is no recent policy, and another worker is fetching the file.
    Busy,
}

/// Policies of robots.txt files, shared by all workers.
pub trait Robots: Send + Sync {
    /// The policy of an authority, unless it was fetched before `since`, or later than [`FETCHING`]
    /// after `now`, by a clock that was ahead. Of several workers that ask at the same time, one must fetch the file. If it does not save a policy within
    /// [`FETCHING`], the next one that asks must.
    fn load(
        &self,
        authority: &str,
        since: Moment,
        now: Moment,
    ) -> impl Future<Output = Result<Loaded, Failure>> + Send;

    /// Gives up a fetch that [`Loaded::Fetch`] asked for, so that another worker can fetch the file
    /// at once. A store with a single worker has nothing to do.
    fn release(&self, _authority: &str) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }

    /// Saves a policy.
    fn save(
        &self,
        authority: &str,
        policy: &RobotsPolicy,
        fetched_at: Moment,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
