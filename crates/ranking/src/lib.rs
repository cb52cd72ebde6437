//! What a page says and what a query means, the same for every index: words and their stems, terms
//! of pages and of queries, weights, completion, corrections, facets, snippets.
//!
//! An index runs what is decided here, through the port [`search::SearchIndex`]. Nothing here opens
//! a socket, reads a clock or needs a runtime.

pub mod completion;
pub mod counts;
pub mod hit;
mod operators;
pub mod query;
pub mod search;
pub mod snippet;
pub mod terms;
pub mod typos;
pub mod words;
