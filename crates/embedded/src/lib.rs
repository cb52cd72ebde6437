//! The adapters for one machine, which keep all data of the crawls in one folder.

pub mod folder;
pub mod index;
mod stopping;
pub mod store;
