//! The fetch function: it passes the messages of a queue event to the engine's worker, and returns
//! the messages that are to be received again.

mod config;
mod function;

pub use config::Config;
pub use function::{Function, Standby};
