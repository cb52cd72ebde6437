//! Every decision of a crawl: what is in scope, when a request may start, what a response means,
//! and how a task ends.
//!
//! This crate opens no socket, reads no clock and no environment, and needs no runtime. It takes
//! what it needs from the traits in [`ports`], which the embedded and the cloud adapters implement.
//!
//! Begin with [`step`], the life of one task. From there:
//!
//! - [`world`] bundles the ports that a step uses; [`exchange`] has requests and responses.
//! - [`scope`], [`robots`], [`address`] and [`prospect`] decide what may be fetched, [`pace`] when.
//! - [`judge`] decides what a response means, [`back_off`] how long to wait after a failure.
//! - [`sitemap`] reads sitemaps; pages are read by `canter-page`.
//! - [`task`] and [`outcomes`] say how tasks end; [`archived_page`] is what the archive holds.
//! - [`publish`] makes the index of the archive; [`document`] is what goes into it.

pub mod absence;
pub mod address;
pub mod archived_page;
pub mod back_off;
pub mod document;
pub mod domain;
pub mod duplicates;
pub mod exchange;
pub mod failure;
pub mod fingerprint;
mod inlink_collector;
pub mod inlinks;
pub mod judge;
pub mod limits;
pub mod outcomes;
pub mod pace;
mod packed_anchors;
mod permission;
pub mod ports;
pub mod prospect;
pub mod publish;
mod recent;
pub mod redirect_loops;
pub mod rest;
pub mod robots;
pub mod robots_cache;
pub mod scope;
pub mod seen;
pub mod site;
pub mod sitemap;
pub mod solo;
pub mod step;
pub mod task;
pub mod time;
pub mod traps;
pub mod world;
