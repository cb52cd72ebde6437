//! Makes requests: in slots, on ready connections, to permitted addresses, within limits.
//!
//! reqwest cannot connect ahead, yet a slot must be fired on a ready connection. So each request
//! in flight has a *lane* ([`lane`]): a client that holds at most one connection. A warm lane takes
//! the slot and sends at once; a cold one connects first and takes the slot inside reqwest's
//! connector ([`turnstile`]), so that nothing but the request itself stands between slot and wire.

mod clock;
mod coding;
mod exchange;
mod failure;
mod fetcher;
mod gate;
mod lane;
mod resolver;
mod starts;
mod turnstile;

pub use clock::Clock;
pub use fetcher::{HttpConfig, HttpFetcher};
pub use gate::{PacedGate, Tally};
pub use starts::{Starts, Stretch};
