//! The adapters for one machine, which keep all data of the crawls in one folder.

pub mod archive;
pub mod folder;
mod sqlite;
mod stopping;
pub mod store;
