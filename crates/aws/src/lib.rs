//! canter's world on AWS: the frontier in SQS; the archive and an index without a server in S3; the page store, the paces,
//! robots.txt and what is crawled in DynamoDB.
//!
//! Every write may be repeated, arrive late or get no answer; each module says why that loses
//! nothing.

mod archive;
mod bill;
mod change;
mod clock;
mod cloud;
mod credentials;
mod failure;
mod index_files;
mod item;
mod meter;
mod metrics;
mod paces;
mod packed;
mod pages;
mod prices;
pub mod queue;
mod robots;
mod secret;
mod side_by_side;
mod sites;
mod skew;
mod steering;
pub mod tables;

pub use archive::{CloudArchive, create_bucket, delete_bucket};
pub use bill::{Bill, Line};
pub use canter_core::outcomes::Counts;
pub use clock::Clock;
pub use cloud::{Cloud, Endpoints, Names};
pub use credentials::credentials;
pub use index_files::CloudGenerations;
pub use meter::{Meter, Usage};
pub use metrics::{Metrics, Unit};
pub use paces::CloudPaces;
pub use pages::{CloudSite, GRACE, LOSSES, Swept};
pub use robots::CloudRobots;
pub use secret::secret;
pub use sites::{Beginning, CrawlSpec, Crawling, Progress, Rest, SILENCE, Sites, Turn};
pub use steering::{Steering, TICK};
