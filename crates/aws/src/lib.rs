//! canter's world on AWS: the frontier in SQS; the page store, the paces, robots.txt and what is
//! crawled in DynamoDB.
//!
//! Every write may be repeated, arrive late or get no answer; each module says why that loses
//! nothing.

mod account;
mod cloud;
mod failure;
pub mod queue;
pub mod tables;

pub use account::{Account, Requests};
pub use cloud::{Cloud, Endpoints, Names};
