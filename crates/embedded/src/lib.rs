//! canter's world on one machine: what a crawl keeps lies in one folder.

pub mod folder;
pub mod index;
mod stopping;
pub mod store;
