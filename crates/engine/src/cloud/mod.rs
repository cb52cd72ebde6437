//! Drives crawls in the cloud. A worker receives batches of messages, each with tasks of one
//! domain, and reports which messages have to come again.
//!
//! [`worker`](Worker) is the state that a process keeps from one batch to the next; `batch` sorts
//! the messages of a batch into shares, one for each domain; `share` drives a share's steps;
//! `ledger` accounts for the messages. [`look`] checks whether a crawl has ended, and `publishing`
//! then brings the index to what it saw.

mod backlog;
mod batch;
mod deadline;
mod early;
mod ledger;
pub mod look;
mod publishing;
mod share;
mod time;
mod watched;
mod worker;

pub use batch::{Received, Report};
pub use deadline::Deadline;
pub use ledger::Failed;
pub use publishing::Asked;
pub use worker::{MakeFetcher, Parts, Worker};
