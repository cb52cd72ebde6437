//! The search function: the API and the search page of `canter-api` on Lambda, behind API Gateway,
//! over an index in Elasticsearch and the crawls of a stack.
//!
//! It starts whatever the state of the servers, since whoever searches is better told what is wrong
//! than shown an error of API Gateway's.

mod config;
mod gateway;
mod status;

pub use config::{Config, Place, Wrong};
pub use gateway::service;
pub use status::CloudStatus;
