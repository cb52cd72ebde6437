//! The fetch function: an event of the queue in, through the engine's worker; out come the messages
//! that are to be received again.

mod config;
mod function;

pub use config::Config;
pub use function::{Function, Standby};
