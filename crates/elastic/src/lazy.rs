//! An index that is opened by the first request, and tried again by later requests until opening
//! succeeds.
//!
//! A function in the cloud must start while the server is down or holds no index yet, and must
//! recover by itself once the server has one.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter, Refused};
use canter_core::task::UrlKey;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::plan::Plan;
use canter_ranking::search::{Answer, SearchIndex};
use canter_ranking::tokenizer::Language;
use tokio::sync::Mutex;

/// An index and the way to open it. Each try repeats everything that opening needs, such as a
/// request for an API key.
pub struct LazyIndex<O, I> {
    open: O,
    opened: OnceLock<I>,
    /// Number of tries that failed.
    failed: AtomicU64,
    /// Reason of the last failed try. The task that tries holds the lock.
    why: Mutex<Option<Failure>>,
}

impl<O, F, I> LazyIndex<O, I>
where
    O: Fn() -> F + Send + Sync,
    F: Future<Output = Result<I, Failure>> + Send,
{
    /// Returns an index that is not opened yet. No request is sent.
    pub fn new(open: O) -> Self {
        LazyIndex {
            open,
            opened: OnceLock::new(),
            failed: AtomicU64::new(0),
            why: Mutex::new(None),
        }
    }

    /// Returns the index, and opens it first if necessary. Each call tries once. Concurrent calls
    /// share one try and its failure; otherwise each call would wait in turn for a server that does
    /// not answer.
    ///
    /// # Errors
    ///
    /// Returns the errors of opening the index.
    pub async fn opened(&self) -> Result<&I, Failure> {
        if let Some(index) = self.opened.get() {
            return Ok(index);
        }
        let failed = self.failed.load(Ordering::SeqCst);
        let mut why = self.why.lock().await;
        if let Some(index) = self.opened.get() {
            return Ok(index);
        }
        if let Some(failure) = why.as_ref()
            && self.failed.load(Ordering::SeqCst) != failed
        {
            return Err(failure.clone());
        }
        match (self.open)().await {
            Ok(index) => Ok(self.opened.get_or_init(|| index)),
            Err(failure) => {
                *why = Some(failure.clone());
                self.failed.fetch_add(1, Ordering::SeqCst);
                Err(failure)
            }
        }
    }
}

impl<O, F, I> IndexWriter for LazyIndex<O, I>
where
    O: Fn() -> F + Send + Sync,
    F: Future<Output = Result<I, Failure>> + Send,
    I: IndexWriter,
{
    /// A put tells why an index cannot be opened.
    async fn has_room(&self) {
        if let Ok(index) = self.opened().await {
            index.has_room().await;
        }
    }

    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        self.opened().await?.put(documents).await
    }

    async fn delete(&self, site: &str, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.opened().await?.delete(site, ids).await
    }

    /// An index that was never opened holds nothing to flush.
    async fn flush(&self) -> Result<(), Failure> {
        match self.opened.get() {
            Some(index) => index.flush().await,
            None => Ok(()),
        }
    }
}

impl<O, F, I> SearchIndex for LazyIndex<O, I>
where
    O: Fn() -> F + Send + Sync,
    F: Future<Output = Result<I, Failure>> + Send,
    I: SearchIndex,
{
    async fn languages(&self) -> Result<Vec<Language>, Failure> {
        self.opened().await?.languages().await
    }

    async fn run(&self, plan: &Plan) -> Result<Answer, Failure> {
        self.opened().await?.run(plan).await
    }

    async fn names(&self, prefix: Prefix) -> Result<Vec<Named>, Failure> {
        self.opened().await?.names(prefix).await
    }

    async fn words(&self, prefix: String) -> Result<Vec<(String, u64)>, Failure> {
        self.opened().await?.words(prefix).await
    }
}

impl<O, F, I> IndexReader for LazyIndex<O, I>
where
    O: Fn() -> F + Send + Sync,
    F: Future<Output = Result<I, Failure>> + Send,
    I: IndexReader,
{
    async fn get(&self, site: &str, id: UrlKey) -> Result<Option<Stored>, Failure> {
        self.opened().await?.get(site, id).await
    }

    async fn count(&self, site: &str) -> Result<u64, Failure> {
        self.opened().await?.count(site).await
    }

    async fn versions(&self, site: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
        self.opened().await?.versions(site).await
    }

    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        self.opened().await?.export(site, each).await
    }
}
