//! Concurrent requests.

use std::future::Future;

use canter_core::failure::Failure;
use tokio::task::JoinSet;

/// Maximum number of concurrent writes to a table for one caller.
pub(crate) const WRITES: usize = 32;

/// Runs jobs, at most `width` at the same time. Returns their results in any order, or the first
/// failure; the jobs under way then may be done or not.
pub(crate) async fn side_by_side<T, F>(
    width: usize,
    jobs: impl IntoIterator<Item = F>,
) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut jobs = jobs.into_iter();
    let mut running: JoinSet<Result<T, Failure>> = jobs.by_ref().take(width).collect();
    let mut results = Vec::new();
    while let Some(ended) = running.join_next().await {
        let broke_off = |error| Failure::transient(format!("a request broke off: {error}"));
        results.push(ended.map_err(broke_off)??);
        if let Some(job) = jobs.next() {
            running.spawn(job);
        }
    }
    Ok(results)
}
