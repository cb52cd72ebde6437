//! The search function: the API and the search page of `canter-api` on Lambda, behind API Gateway,
//! over an index in Elasticsearch and the crawls of a stack.
//!
//! The function starts in whatever state the servers are, since it can explain to a person what is
//! wrong better than an error of API Gateway can.

mod config;
mod gateway;
mod status;

pub use config::{Config, Place, Wrong};
pub use gateway::service;
pub use status::CloudStatus;
