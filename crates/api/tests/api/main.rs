//! The API and the search page, without a socket.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod description;
mod fake;
mod page;
mod search;
