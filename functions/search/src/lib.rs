//! The search function: the API and the search page of `canter-api` on Lambda, behind API Gateway,
//! over an index in Elasticsearch and the crawls of a stack.
//!
//! The function starts whatever the state of the servers, since it tells a person what is wrong
//! better than an error of API Gateway would.

mod config;
mod gateway;
mod latency;
mod status;

pub use config::{Config, Place, Wrong};
pub use gateway::service;
pub use latency::Latency;
pub use status::CloudStatus;
