//! The embedded adapters, against real folders.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod adoption;
mod archive;
mod contract;
mod older;
mod opening;
