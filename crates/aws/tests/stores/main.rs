//! The stores of a crawl over real tables and queues.
//!
//! One program, since linking what these tests are made of takes longer than they do.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod frontier;
mod hostile;
mod pages;
mod requests;
mod sites;
mod sweeps;
mod world;
