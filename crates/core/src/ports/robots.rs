//! Verdicts of robots.txt that all workers share.

use std::time::Duration;

use crate::failure::Failure;
use crate::robots::Verdict;
use crate::time::Moment;

/// Maximum time for a worker to fetch a robots.txt. After that another worker may fetch it.
pub const FETCHING: Duration = Duration::from_secs(60);

/// What the store knows of an authority's robots.txt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// A verdict that is recent enough, and when it was fetched.
    Verdict(Verdict, Moment),
    /// There is no recent verdict. The caller must fetch the file and save the verdict.
    Fetch,
    /// There is no recent verdict, and another worker is fetching the file.
    Busy,
}

/// Verdicts of robots.txt files, shared by all workers.
pub trait Robots: Send + Sync {
    /// The verdict of an authority, unless it was fetched before `since`. Of several workers that
    /// ask at the same time, one must fetch the file. If it does not save a verdict within
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

    /// Saves a verdict.
    fn save(
        &self,
        authority: &str,
        verdict: &Verdict,
        fetched_at: Moment,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
