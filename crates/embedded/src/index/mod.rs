//! The index on one machine: Tantivy, in one folder.
//!
//! One process writes it ([`TantivyIndex`]); any number of others read it meanwhile
//! ([`TantivyReader`]). The words, fields and weights are the core's ([`canter_ranking::terms`],
//! [`canter_ranking::query::weight`]); no text of a person reaches a query parser.

mod asked;
mod bm25;
mod counting;
mod cutter;
mod entry;
mod filter;
mod kept;
mod links;
mod offers;
mod postings;
mod scoring;
mod search;
mod sections;
mod shelf;
mod sizes;
mod spelling;
mod writer;

use std::path::Path;
use std::sync::Arc;

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter, Refused};
use canter_core::task::UrlKey;
use canter_ranking::completion::{Beginning, Named};
use canter_ranking::query::{Hits, Query};
use canter_ranking::search::SearchIndex;

pub use entry::LAYOUT;
pub use links::PageLink;
use shelf::Shelf;
use writer::Writer;

/// An index that this process writes. Dropping it commits what was put.
pub struct TantivyIndex {
    // Before the shelf, so that it ends first.
    writer: Writer,
    shelf: Arc<Shelf>,
}

impl TantivyIndex {
    /// Opens the index of a folder, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// Permanent when another process writes it, when another version of canter made it, or when
    /// the folder cannot be used.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let shelf = Arc::new(Shelf::create(dir)?);
        let writer = Writer::start(Arc::clone(&shelf))?;
        Ok(TantivyIndex { writer, shelf })
    }
}

impl IndexWriter for TantivyIndex {
    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        self.writer.put(documents).await?;
        Ok(Vec::new())
    }

    async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.writer.delete(ids).await
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.writer.flush().await
    }
}

impl SearchIndex for TantivyIndex {
    async fn search(&self, query: Query) -> Result<Hits, Failure> {
        on_shelf(&self.shelf, move |shelf| shelf.search(&query)).await
    }

    async fn names(&self, beginning: Beginning) -> Result<Vec<Named>, Failure> {
        on_shelf(&self.shelf, move |shelf| shelf.names(&beginning)).await
    }

    async fn words(&self, beginning: String) -> Result<Vec<(String, u64)>, Failure> {
        on_shelf(&self.shelf, move |shelf| shelf.words(&beginning)).await
    }
}

impl IndexReader for TantivyIndex {
    async fn get(&self, id: UrlKey) -> Result<Option<Stored>, Failure> {
        on_shelf(&self.shelf, move |shelf| shelf.get(id)).await
    }

    async fn count(&self, site: &str) -> Result<u64, Failure> {
        self.shelf.count(site)
    }

    async fn ids(&self, site: &str) -> Result<Vec<UrlKey>, Failure> {
        self.shelf.ids(site)
    }

    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        self.shelf.export(site, each)
    }
}

/// An index that another process may be writing. Each call sees the newest commit.
pub struct TantivyReader {
    shelf: Arc<Shelf>,
}

impl TantivyReader {
    /// Opens the index of a folder.
    ///
    /// # Errors
    ///
    /// Permanent, with a sentence for a person, when nothing was indexed there yet or another
    /// version of canter made it.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let shelf = Arc::new(Shelf::open(dir)?);
        Ok(TantivyReader { shelf })
    }

    /// The sites that have pages, of those that are wanted, by name, and how many each has.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn sites(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, u64)>, Failure> {
        self.shelf.refresh()?;
        self.shelf.sites(wanted)
    }
}

impl SearchIndex for TantivyReader {
    async fn search(&self, query: Query) -> Result<Hits, Failure> {
        on_shelf(&self.shelf, move |shelf| {
            shelf.refresh()?;
            shelf.search(&query)
        })
        .await
    }

    async fn names(&self, beginning: Beginning) -> Result<Vec<Named>, Failure> {
        on_shelf(&self.shelf, move |shelf| {
            shelf.refresh()?;
            shelf.names(&beginning)
        })
        .await
    }

    async fn words(&self, beginning: String) -> Result<Vec<(String, u64)>, Failure> {
        on_shelf(&self.shelf, move |shelf| {
            shelf.refresh()?;
            shelf.words(&beginning)
        })
        .await
    }
}

impl IndexReader for TantivyReader {
    async fn get(&self, id: UrlKey) -> Result<Option<Stored>, Failure> {
        on_shelf(&self.shelf, move |shelf| {
            shelf.refresh()?;
            shelf.get(id)
        })
        .await
    }

    async fn count(&self, site: &str) -> Result<u64, Failure> {
        self.shelf.refresh()?;
        self.shelf.count(site)
    }

    async fn ids(&self, site: &str) -> Result<Vec<UrlKey>, Failure> {
        self.shelf.refresh()?;
        self.shelf.ids(site)
    }

    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        self.shelf.refresh()?;
        self.shelf.export(site, each)
    }
}

/// Reads without holding up the thread that drives the caller: on the runtime's threads for
/// blocking work, or right here where no runtime drives it.
async fn on_shelf<T: Send + 'static>(
    shelf: &Arc<Shelf>,
    read: impl FnOnce(&Shelf) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return read(shelf);
    };
    let shelf = Arc::clone(shelf);
    match runtime.spawn_blocking(move || read(&shelf)).await {
        Ok(result) => result,
        Err(error) => Err(Failure::transient(format!(
            "reading the index broke off: {error}"
        ))),
    }
}
