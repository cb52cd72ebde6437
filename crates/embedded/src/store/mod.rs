//! The state of crawls on disk: one SQLite file, written by one thread and read by any process.
//!
//! Jobs that arrive together share one transaction, and receive their results after its commit. In
//! WAL mode a commit survives the process (kill -9) without a disk sync. After a power cut the file
//! is intact, and at most the work of the last moments is missing and is repeated. `docs/adr/0002`
//! explains why the store is SQLite and not redb.

mod account;
mod adoption;
mod counts;
mod crawls;
mod file;
mod findings;
mod forgetting;
mod frontier;
mod importing;
mod leftovers;
mod notes;
mod paces;
mod pages;
mod published;
mod reading;
mod rest;
mod robots;
mod schema;
mod settling;

pub use account::{Account, KnownSite, RedirectTarget, Waypoint};
pub use canter_core::outcomes::Counts;
pub use counts::Trouble;
pub use crawls::{Beginning, SiteStore};
pub use file::Store;
pub use findings::{Finding, Findings};
pub use reading::{Reading, SiteReport, report};
pub use rest::Rest;
