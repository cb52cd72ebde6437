//! Every decision of canter: what is in scope, when a request may start, what a response means,
//! what a page says, what a query asks for.
//!
//! This crate opens no socket, reads no clock and no environment, and needs no runtime. It says
//! through [`ports`] what it wants of the world; the embedded and the cloud adapters obey. The
//! way in is [`step`]: the life of one task.

pub mod address;
pub mod circles;
pub mod document;
pub mod domain;
pub mod failure;
mod gathering;
pub mod inbound;
pub mod judge;
pub mod link_pass;
pub mod outcomes;
pub mod pace;
pub mod patience;
pub mod ports;
pub mod prospect;
pub mod robots;
pub mod rulebook;
pub mod scope;
pub mod seen;
pub mod site;
pub mod sitemap;
pub mod step;
pub mod task;
pub mod time;
pub mod twins;
pub mod world;
