//! An index that can be taken away, that may stop to take pages, and in which a page can end whoever
//! puts it there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter, Refused};
use canter_core::task::UrlKey;
use canter_fetch::Standby;
use canter_tantivy::TantivyIndex;
use url::Url;

pub struct Shelf {
    pub index: Arc<TantivyIndex>,
    pub away: AtomicBool,
    /// Number of puts that it still answers.
    pub answers: AtomicUsize,
    pub poison: Option<Url>,
}

impl Shelf {
    /// One that is there.
    pub fn new(index: Arc<TantivyIndex>) -> Self {
        Shelf {
            index,
            away: AtomicBool::new(false),
            answers: AtomicUsize::new(usize::MAX),
            poison: None,
        }
    }
}

impl IndexWriter for Shelf {
    async fn has_room(&self) {
        self.index.has_room().await;
    }
    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        let poison = |document: &Document| self.poison.as_ref() == Some(&document.url);
        assert!(!documents.iter().any(poison), "poison");
        let answers = &self.answers;
        let left = answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        });
        if left.is_err() {
            std::future::pending::<()>().await;
        }
        self.index.put(documents).await
    }
    async fn delete(&self, site: &str, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.index.delete(site, ids).await
    }
    async fn flush(&self) -> Result<(), Failure> {
        self.index.flush().await
    }
}

impl IndexReader for Shelf {
    async fn get(&self, site: &str, id: UrlKey) -> Result<Option<Stored>, Failure> {
        self.index.get(site, id).await
    }
    async fn count(&self, site: &str) -> Result<u64, Failure> {
        self.index.count(site).await
    }
    async fn versions(&self, site: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
        self.index.versions(site).await
    }
    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        self.index.export(site, each).await
    }
}

impl Standby for Shelf {
    async fn ready(&self) -> Result<(), Failure> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Failure::transient("the index is away"));
        }
        Ok(())
    }
}
