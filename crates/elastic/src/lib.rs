//! The index in Elasticsearch or OpenSearch, which many processes write and read at the same time.
//!
//! Requests work alike in Elasticsearch 7.10, 8 and 9 and in OpenSearch: bulks, searches, lookups by
//! id. There are no scripts and no analysis beyond white space; terms and weights are canter's.

mod bulk;
mod catalog;
mod completion;
mod failures;
mod freshness;
mod index;
mod languages;
mod lazy;
mod opening;
mod packed;
mod page;
mod reader;
mod response;
mod retries;
mod search;
mod server;
mod settings;
mod suggester;
mod verdict;
mod writer;

pub use index::ElasticIndex;
pub use lazy::LazyIndex;
pub use reader::ElasticReader;
pub use settings::Settings;
