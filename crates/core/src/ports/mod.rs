//! What the core wants of the world, as traits in the core's own types.
//!
//! Each method is one atomic operation. It fails with a [`Failure`](crate::failure::Failure), which
//! tells the caller whether the same call may succeed later; a refusal that the caller can act on
//! is a value instead. Every adapter of a port must pass the same contract suite.

mod archive;
mod fetching;
mod frontier;
mod generations;
mod index;
mod paces;
mod robots;

pub use crate::exchange::{Exchange, FetchError, Head, Headers, Request, Response};
pub use archive::{Archive, Place, Retained};
pub use fetching::{Approach, Boxed, Fetcher, Gate};
pub use frontier::{Claim, Claimed, Finish, Frontier, Known, Pages};
pub use generations::{Generations, KeptFile, Pointer};
pub use index::{IndexReader, IndexWriter, Refused};
pub use paces::Paces;
pub use robots::{FETCHING, Loaded, Robots};
