//! The index in Elasticsearch or OpenSearch: canter's own terms and weights, put into a server that
//! many processes write and read at the same time.
//!
//! What is asked of the server is the same in Elasticsearch 7.10, 8 and 9 and in OpenSearch: bulks,
//! searches, lookups by id. No scripts, no analysis beyond white space.

mod bulk;
mod catalog;
mod entry;
mod found;
mod freshness;
mod index;
mod languages;
mod lazy;
mod offers;
mod opening;
mod packed;
mod reader;
mod search;
mod sentences;
mod server;
mod settings;
mod spelling;
mod tries;
mod verdict;
mod writer;

pub use index::ElasticIndex;
pub use lazy::LazyIndex;
pub use reader::ElasticReader;
pub use settings::Settings;
