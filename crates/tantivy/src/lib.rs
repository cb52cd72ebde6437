//! The index as files: a Tantivy index in one folder.
//!
//! One process writes the index ([`TantivyIndex`]), and any number of other processes read it
//! meanwhile ([`TantivyReader`]). Terms and plans come from `canter_ranking`
//! ([`canter_ranking::terms`], [`canter_ranking::plan`]); no text of a user reaches a query parser.

mod ahead;
mod bm25;
mod completion;
mod corrections;
mod document;
mod facets;
mod filter;
mod generations;
mod home;
mod lookup;
mod meanings;
mod postings;
mod reader;
mod schema;
mod scoring;
mod search;
mod sections;
mod statistics;
mod stored_page;
mod terms;
mod tokenizer;
mod writer;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter, Refused};
use canter_core::task::UrlKey;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::plan::Plan;
use canter_ranking::search::{Answer, SearchIndex};
use canter_ranking::tokenizer::Language;

pub use generations::{GenerationsIndex, GenerationsReader, Room};
use home::Unopened;
use reader::Reader;
pub use schema::LAYOUT;
use writer::{Commits, Writer};

/// An index that this process writes. Dropping it commits the pending writes.
pub struct TantivyIndex {
    // The writer precedes the reader, so that it is dropped first.
    writer: Writer,
    reader: Arc<Reader>,
}

impl TantivyIndex {
    /// Opens the index of a folder, and creates it if there is none.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if another process writes the index, if another version of
    /// canter created it, or if the folder cannot be used.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let reader = Arc::new(Reader::create(dir)?);
        let writer = Writer::start(Arc::clone(&reader), Commits::InTime)?;
        Ok(TantivyIndex { writer, reader })
    }

    /// Opens the index of a folder, whose writes are committed when they are flushed, and creates it
    /// if there is none.
    pub(crate) fn open_flushed(dir: &Path) -> Result<Self, Failure> {
        let reader = Arc::new(Reader::create(dir)?);
        let writer = Writer::start(Arc::clone(&reader), Commits::Flushed)?;
        Ok(TantivyIndex { writer, reader })
    }

    /// Opens the index of a folder. An index of another layout or a damaged one is removed, and an
    /// empty one takes its place. The caller must hold the lock of the data folder.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the folder cannot be used.
    pub fn open_or_replace(dir: &Path) -> Result<Self, Failure> {
        // The folder is renamed first, so that what dies on the way leaves no half of an index.
        let aside = dir.with_extension("unusable");
        let cannot = |error: std::io::Error| {
            Failure::permanent(format!(
                "the unusable index in {} cannot be removed: {error}",
                dir.display()
            ))
            .with_source(error)
        };
        let remove = || match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(cannot(error)),
            _ => Ok(()),
        };
        remove()?;
        let reader = match Reader::create(dir) {
            Ok(reader) => reader,
            Err(Unopened::Unusable(_)) => {
                fs::rename(dir, &aside).map_err(cannot)?;
                remove()?;
                Reader::create(dir)?
            }
            Err(Unopened::Other(failure)) => return Err(failure),
        };
        let reader = Arc::new(reader);
        let writer = Writer::start(Arc::clone(&reader), Commits::InTime)?;
        Ok(TantivyIndex { writer, reader })
    }

    /// Returns Tantivy's own handle, for what it says of the last commit.
    pub(crate) fn description(&self) -> tantivy::Index {
        self.reader.index.clone()
    }

    /// Returns the reader, which this process keeps at the newest commit.
    fn newest(&self) -> Result<&Reader, Failure> {
        Ok(&self.reader)
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        unblocked(&self.reader, read).await
    }
}

impl IndexWriter for TantivyIndex {
    async fn has_room(&self) {
        self.writer.has_room().await;
    }

    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        self.writer.put(documents).await?;
        Ok(Vec::new())
    }

    async fn delete(&self, _: &str, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.writer.delete(ids).await
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.writer.flush().await
    }
}

/// An index that another process may be writing. Each call sees the newest commit.
pub struct TantivyReader {
    reader: Arc<Reader>,
}

impl TantivyReader {
    /// Opens the index of a folder.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure, with a message for the user, if nothing was indexed in the
    /// folder yet or another version of canter created the index.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let reader = Arc::new(Reader::open(dir)?);
        Ok(TantivyReader { reader })
    }

    /// Returns the wanted sites that have pages, by name, with their numbers of pages.
    ///
    /// # Errors
    ///
    /// Returns an error if the index cannot be read.
    pub fn sites(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, u64)>, Failure> {
        self.newest()?.sites(wanted)
    }

    /// Returns the reader, at the newest commit.
    fn newest(&self) -> Result<&Reader, Failure> {
        self.reader.refresh()?;
        Ok(&self.reader)
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        unblocked(&self.reader, move |reader| {
            reader.refresh()?;
            read(reader)
        })
        .await
    }
}

macro_rules! reads_and_searches {
    ($index:ty) => {
        impl SearchIndex for $index {
            // The languages are cached, so the call is not worth another thread.
            async fn languages(&self) -> Result<Vec<Language>, Failure> {
                self.newest()?.languages()
            }

            async fn run(&self, plan: &Plan) -> Result<Answer, Failure> {
                let plan = plan.clone();
                self.read(move |reader| reader.run(&plan)).await
            }

            async fn names(&self, prefix: Prefix) -> Result<Vec<Named>, Failure> {
                self.read(move |reader| reader.names(&prefix)).await
            }

            async fn words(&self, prefix: String) -> Result<Vec<(String, u64)>, Failure> {
                self.read(move |reader| reader.words(&prefix)).await
            }
        }

        impl IndexReader for $index {
            async fn get(&self, _: &str, id: UrlKey) -> Result<Option<Stored>, Failure> {
                self.read(move |reader| reader.get(id)).await
            }

            async fn count(&self, site: &str) -> Result<u64, Failure> {
                self.newest()?.count(site)
            }

            async fn versions(&self, site: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
                let site = site.to_owned();
                self.read(move |reader| reader.versions(&site)).await
            }

            async fn export(
                &self,
                site: &str,
                each: impl FnMut(Stored) -> Result<(), Failure> + Send,
            ) -> Result<(), Failure> {
                self.newest()?.export(site, each)
            }
        }
    };
}

reads_and_searches!(TantivyIndex);
reads_and_searches!(TantivyReader);

/// Reads on the runtime's threads for blocking work, or on the caller's thread if it has no
/// runtime.
async fn unblocked<T: Send + 'static>(
    reader: &Arc<Reader>,
    read: impl FnOnce(&Reader) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return read(reader);
    };
    let reader = Arc::clone(reader);
    match runtime.spawn_blocking(move || read(&reader)).await {
        Ok(result) => result,
        Err(error) => Err(Failure::transient(format!(
            "reading the index broke off: {error}"
        ))),
    }
}
