//! The HTTP API and the search page: one axum service over an index, without a socket, so that
//! the command line and Lambda serve the very same thing.
//!
//! Every URL that leaves this crate is relative, since API Gateway puts a stage's name before the
//! path. The page works without JavaScript. What the service answers is described in
//! `assets/openapi.json`, and a test holds the two together.

mod answer;
mod headers;
mod origins;
mod page;
mod paging;
mod parameters;
mod problem;
mod routes;
mod snippet;
mod status;

pub use origins::{NoOrigin, Origin, Origins};
pub use routes::{ROUTES, router, router_for};
pub use status::{Crawl, NoStatus, Report, State, Status};
