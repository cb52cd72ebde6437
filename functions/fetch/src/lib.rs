//! The fetch function: messages in, each with tasks of one domain; through the crawl step; out come
//! the messages that are to be received again.

mod batch;
mod book;
mod gates;
mod lane;
pub mod local;
mod rates;
mod step_world;
mod worker;

pub use batch::{Deadline, Received, Report};
pub use book::Failed;
pub use worker::{MakeFetcher, Parts, Worker};
