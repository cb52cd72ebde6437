//! The drivers of crawl steps, the same on one machine and in the cloud.
//!
//! [`world`] is the world of a step, and [`gates`] holds the gates that its requests pass. Two
//! drivers keep steps under way: [`drive`] takes tasks from its own frontier, and [`cloud`]
//! receives batches of messages. Both run [`canter_core::step`] and publish what it archived by
//! [`canter_core::publish`].

pub mod cloud;
mod counters;
mod crawl;
pub mod drive;
pub mod gates;
mod publisher;
mod rates;
mod readers;
mod steps;
pub mod world;

pub use counters::Counters;
pub use crawl::{Crawl, CrawlParts, Process, Stores};
pub use publisher::Publisher;
pub use rates::{Rates, concurrency};
