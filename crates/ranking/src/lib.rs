//! The meaning of pages and queries, which is the same for every index: tokens, terms and weights,
//! completions, corrections, facets and snippets.
//!
//! [`search::search`] compiles a query to a [`plan::Plan`], which an index runs through the port
//! [`search::SearchIndex`]. This crate opens no socket, reads no clock and needs no runtime.

pub mod completion;
pub mod corrections;
pub mod facets;
pub mod hit;
pub mod meaning;
mod operators;
pub mod plan;
pub mod query;
pub mod search;
pub mod snippet;
pub mod terms;
pub mod tokenizer;
