//! The state of crawls on disk: one SQLite file, written by one thread, read by any process.
//!
//! Jobs that arrive together share one transaction, and are answered after its commit. In WAL mode a
//! commit survives the process (kill -9) without a disk sync; after a power cut the file is whole
//! and at most the last moments are missing, which are then done again. `docs/adr/0002` says why it
//! is SQLite and not redb.

mod account;
mod counts;
mod crawls;
mod ending;
mod failure;
mod findings;
mod forgetting;
mod frontier;
mod leftovers;
mod notes;
mod paces;
mod pages;
mod reading;
mod rest;
mod robots;
mod schema;
mod settling;
mod writer;

pub use account::{Account, KnownSite, RedirectTarget, Waypoint};
pub use canter_core::outcomes::Counts;
pub use counts::Trouble;
pub use crawls::{Beginning, SiteStore};
pub use findings::{Finding, Findings};
pub use reading::{Reading, SiteReport, report};
pub use rest::Rest;
pub use writer::Store;
