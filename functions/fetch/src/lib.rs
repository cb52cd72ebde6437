//! The fetch function: messages in, each with tasks of one domain; through the crawl step; out come
//! the messages that are to be received again.

mod batch;
mod book;
mod config;
pub mod end;
mod function;
mod gates;
mod lane;
pub mod local;
mod rates;
mod step_world;
mod tally;
mod time;
mod worker;

pub use batch::{Deadline, Received, Report};
pub use book::Failed;
pub use config::Config;
pub use function::{Function, Standby};
pub use worker::{MakeFetcher, Parts, Worker};
