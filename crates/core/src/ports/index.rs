//! Documents in the index.

use crate::document::{Document, Stored};
use crate::failure::Failure;
use crate::task::UrlKey;

/// A document that the index will never take. The others of its batch are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Id of the document.
    pub id: UrlKey,
    /// The index's reason, one phrase for a person.
    pub why: String,
}

/// The index as a crawl writes it.
pub trait IndexWriter: Send + Sync {
    /// Waits until the index has room for more documents beside those that were put. Who puts many
    /// calls it before each put, so that few of them wait in memory.
    fn has_room(&self) -> impl Future<Output = ()> + Send;

    /// Puts documents, each in the place of its older version. Resolves when they are durable. A
    /// refused document does not make the call fail.
    fn put(
        &self,
        documents: Vec<Document>,
    ) -> impl Future<Output = Result<Vec<Refused>, Failure>> + Send;

    /// Deletes documents of a site. Resolves when that is durable. Unknown ids are no error.
    fn delete(
        &self,
        site: &str,
        ids: Vec<UrlKey>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Makes everything put and deleted so far durable now instead of with the next batch.
    fn flush(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The documents that an index holds, as they were put. Searching is a port of its own, in
/// `canter-ranking`.
pub trait IndexReader: Send + Sync {
    /// The stored form of one document of a site.
    fn get(
        &self,
        site: &str,
        id: UrlKey,
    ) -> impl Future<Output = Result<Option<Stored>, Failure>> + Send;

    /// Number of documents of a site.
    fn count(&self, site: &str) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// The ids of all documents that a site had at the time of the call, in any order, each with
    /// the number of the write that put it ([`Document::version`]).
    fn versions(
        &self,
        site: &str,
    ) -> impl Future<Output = Result<Vec<(UrlKey, u64)>, Failure>> + Send;

    /// Calls `each` with every document that the site had at the time of the call, ordered by id.
    /// Stops at the first failure of `each`.
    fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
