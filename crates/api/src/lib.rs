//! The HTTP API and the search page: one axum service over an index, without a socket, so that the
//! command line and Lambda serve exactly the same responses.
//!
//! Every URL in a response is relative, since API Gateway puts a stage's name in front of the path.
//! The page works without JavaScript. `assets/openapi.json` describes the API, and a test compares
//! it with the service.

mod access;
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

pub use access::{Access, Hosts};
pub use origins::{NoOrigin, Origin, Origins};
pub use routes::{ROUTES, router, router_for};
pub use status::{Crawl, Held, NoStatus, Report, State, Status};
