//! The stores of a crawl over real tables and queues.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod archive;
mod client;
mod frontier;
mod hostile;
mod paces;
mod pages;
mod publishing;
mod requests;
mod sites;
mod sweeps;
mod world;
