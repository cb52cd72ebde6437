//! Drives crawls in the cloud: a worker is given batches of messages, each message with tasks of one
//! domain, and says which messages are to come again.
//!
//! [`worker`](Worker) is what a process keeps from one batch to the next; `batch` sorts the messages
//! of a batch into shares, one for each domain; `share` drives a share's steps; `ledger` accounts
//! for the messages. [`look`] looks for a crawl's end.

mod batch;
mod deadline;
mod ledger;
pub mod look;
mod share;
mod time;
mod worker;

pub use batch::{Received, Report};
pub use deadline::Deadline;
pub use ledger::Failed;
pub use worker::{MakeFetcher, Parts, Worker};
