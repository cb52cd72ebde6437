//! The index in Elasticsearch, against the real server.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod contract;
mod faults;
mod lazy;
mod opening;
mod pages;
mod parity;
mod place;
mod signing;
mod versions;
