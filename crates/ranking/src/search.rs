//! The port of an index that is searched.

use std::future::Future;

use canter_core::failure::Failure;

use crate::completion::{Beginning, Named};
use crate::query::{Hits, Query};

/// An index as a search reads it.
pub trait SearchIndex: Send + Sync {
    /// Pages by relevance; ties by document id, so that pages of results are disjoint.
    fn search(&self, query: Query) -> impl Future<Output = Result<Hits, Failure>> + Send;

    /// The best names with a beginning; see [`Named::best`].
    fn names(
        &self,
        beginning: Beginning,
    ) -> impl Future<Output = Result<Vec<Named>, Failure>> + Send;

    /// Words of pages that begin like this one, in the spelling of [`crate::typos::Typed::word`],
    /// and how many pages hold each, of a large index about as many: those of most pages, most
    /// first.
    fn words(
        &self,
        beginning: String,
    ) -> impl Future<Output = Result<Vec<(String, u64)>, Failure>> + Send;
}
