//! A crawl that one process drives alone: it takes its tasks from the frontier itself, where a
//! function in the cloud is given batches of them.

use std::future::Future;

use crate::end::PagesAtEnd;
use crate::failure::Failure;
use crate::ports::{Frontier, Pages};
use crate::rest::Rest;
use crate::task::Task;
use crate::time::Moment;

/// What the frontier gave.
#[derive(Debug)]
pub enum Popped {
    /// Tasks that are due, now taken.
    Tasks(Vec<Task>),
    /// No task is due before this.
    Wait(Moment),
    /// No task waits.
    Empty,
}

/// The stored state of such a crawl.
pub trait SoloCrawl: Pages + Frontier + PagesAtEnd {
    /// Takes up to `count` tasks that are due, the oldest first.
    fn pop(&self, count: usize) -> impl Future<Output = Result<Popped, Failure>> + Send;

    /// Puts lost tasks back into the frontier: those claimed by a parent that died before it pushed
    /// them, and those taken by a process that died. Only while no step is under way. Returns how
    /// many there were.
    fn sweep(&self) -> impl Future<Output = Result<usize, Failure>> + Send;

    /// How many tasks wait or are under way.
    fn waiting(&self) -> u64;

    /// Resolves when tasks are pushed from now on, or were since the last call.
    fn pushed(&self) -> impl Future<Output = ()> + Send;

    /// Notes that the crawl has come to rest; `None` when it has ended.
    fn rest(&self, rest: Option<&Rest>) -> impl Future<Output = Result<(), Failure>> + Send;
}
