//! An index that is watched while a site is published.

use std::sync::atomic::{AtomicBool, Ordering};

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter, Refused};
use canter_core::task::UrlKey;

/// An index, and whether anything was written into it.
pub(super) struct Watched<'a, I> {
    index: &'a I,
    written: AtomicBool,
}

impl<'a, I> Watched<'a, I> {
    pub(super) fn new(index: &'a I) -> Self {
        Watched {
            index,
            written: AtomicBool::new(false),
        }
    }

    pub(super) fn was_written(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }
}

impl<I: IndexWriter> IndexWriter for Watched<'_, I> {
    async fn has_room(&self) {
        self.index.has_room().await;
    }

    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        self.written.store(true, Ordering::Relaxed);
        self.index.put(documents).await
    }

    async fn delete(&self, site: &str, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.written.store(true, Ordering::Relaxed);
        self.index.delete(site, ids).await
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.index.flush().await
    }
}

impl<I: IndexReader> IndexReader for Watched<'_, I> {
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
