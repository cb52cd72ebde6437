//! Makes HTTP requests: each in a slot, on a ready connection, to a permitted address, within
//! limits.
//!
//! Begin with [`HttpFetcher`], which sends a request, and [`PacedGate`], which decides when it
//! starts.
//!
//! A slot must be fired on a ready connection, but reqwest cannot connect ahead. So each request in
//! flight has a *lane* (`lane`): a client that has at most one connection. On a warm lane, the
//! request takes its slot and is sent at once. On a cold lane it connects first and takes its slot
//! inside reqwest's connector (`slot_connector`), so that nothing delays the request between its
//! slot and the wire. `exchange` follows one request from the gate to the last byte.

mod clock;
mod coding;
mod exchange;
mod failure;
mod fetcher;
mod gate;
mod lane;
mod resolver;
mod slot_connector;
mod starts;

pub use clock::Clock;
pub use fetcher::{HttpConfig, HttpFetcher};
pub use gate::{PacedGate, Tally};
pub use starts::{Starts, Stretch};
