//! A crawl that a single process drives: the process takes its tasks from the frontier itself,
//! whereas a function in the cloud receives batches of them.

use std::future::Future;

use crate::failure::Failure;
use crate::ports::{Frontier, Pages};
use crate::publish::{Changes, Done, PublishedPages};
use crate::rest::Rest;
use crate::task::Task;
use crate::time::Moment;

/// The result of [`SoloCrawl::pop`].
#[derive(Debug)]
pub enum Popped {
    /// Due tasks, which the caller has now taken.
    Tasks(Vec<Task>),
    /// No task is due before this time.
    Wait(Moment),
    /// No task is waiting.
    Empty,
}

/// The stored state of a crawl that a single process drives.
pub trait SoloCrawl: Pages + Frontier + PublishedPages {
    /// Takes up to `count` tasks that are due, the oldest first.
    fn pop(&self, count: usize) -> impl Future<Output = Result<Popped, Failure>> + Send;

    /// Puts lost tasks back into the frontier and returns their number. A task is lost if its
    /// parent claimed it and died before it pushed it, or if a process took it and died. May be
    /// called only while no step is under way.
    fn sweep(&self) -> impl Future<Output = Result<usize, Failure>> + Send;

    /// Returns the number of tasks that are waiting or under way.
    fn waiting(&self) -> u64;

    /// Resolves when tasks are pushed from now on, or if tasks were pushed since the last call.
    fn pushed(&self) -> impl Future<Output = ()> + Send;

    /// Returns what the publishings of this crawl have changed so far.
    fn changes(&self) -> impl Future<Output = Result<Changes, Failure>> + Send;

    /// Records what was published, or why nothing was. Returns it with the changes of earlier
    /// publishings of this crawl.
    fn record_published(&self, done: Done) -> impl Future<Output = Result<Done, Failure>> + Send;

    /// Records that the crawl has ended.
    fn record_end(&self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Records that the crawl rests, and why.
    fn record_rest(&self, rest: &Rest) -> impl Future<Output = Result<(), Failure>> + Send;
}
