//! The index in Elasticsearch or OpenSearch, which many processes write and read at the same time.
//!
//! The adapter sends only requests that work alike in Elasticsearch 7.10, 8 and 9 and in
//! OpenSearch: bulk requests, searches and lookups by id. It uses no scripts, and no analysis
//! beyond splitting at white space: canter computes the terms and weights itself.

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
mod request;
mod response;
mod retries;
mod search;
mod server;
mod settings;
mod signing;
mod suggester;
mod verdict;
mod writer;

pub use index::ElasticIndex;
pub use lazy::LazyIndex;
pub use reader::ElasticReader;
pub use settings::Settings;
