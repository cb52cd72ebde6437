//! Every decision of canter: what is in scope, when a request may start, what a response means,
//! what a page says, what a query asks for.
//!
//! This crate opens no socket, reads no clock and no environment, and needs no runtime. It says
//! through [`ports`] what it wants of the world; the embedded and the cloud adapters obey. The
//! way in is [`step`]: the life of one task.

pub mod address;
pub mod circles;
pub mod completion;
pub mod counts;
pub mod document;
pub mod domain;
pub mod failure;
pub mod hit;
pub mod inbound;
pub mod judge;
pub mod link_pass;
mod operators;
pub mod outcomes;
pub mod pace;
pub mod page;
pub mod patience;
pub mod ports;
pub mod prospect;
pub mod query;
pub mod robots;
pub mod rulebook;
pub mod scope;
pub mod seen;
pub mod site;
pub mod sitemap;
pub mod snippet;
pub mod step;
pub mod task;
pub mod terms;
pub mod time;
pub mod twins;
pub mod typos;
pub mod url;
pub mod words;
pub mod world;
