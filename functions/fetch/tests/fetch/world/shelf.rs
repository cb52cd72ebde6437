//! An index that can be taken away, and in which a page can end whoever puts it there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter, Refused};
use canter_core::task::UrlKey;
use canter_embedded::index::TantivyIndex;
use canter_fetch::Standby;
use url::Url;

pub struct Shelf {
    pub index: Arc<TantivyIndex>,
    pub away: AtomicBool,
    pub poison: Option<Url>,
}

impl IndexWriter for Shelf {
    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        let poison = |document: &Document| self.poison.as_ref() == Some(&document.url);
        assert!(!documents.iter().any(poison), "poison");
        self.index.put(documents).await
    }
    async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.index.delete(ids).await
    }
    async fn flush(&self) -> Result<(), Failure> {
        self.index.flush().await
    }
}

impl IndexReader for Shelf {
    async fn get(&self, id: UrlKey) -> Result<Option<Stored>, Failure> {
        self.index.get(id).await
    }
    async fn count(&self, site: &str) -> Result<u64, Failure> {
        self.index.count(site).await
    }
    async fn ids(&self, site: &str) -> Result<Vec<UrlKey>, Failure> {
        self.index.ids(site).await
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
