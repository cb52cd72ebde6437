//! The search function, against the real tables and the real index.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod gateway;
mod process;
mod requests;
mod status;
#[path = "../../../../crates/aws/tests/stores/world/mod.rs"]
mod world;
