//! The fetch function over real tables, queues, sites and an index.
//!
//! One program, since linking what these tests are made of takes longer than they do.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod batch;
mod crawl;
mod end;
mod function;
mod publishing;
mod stale;
mod troubles;
mod world;
