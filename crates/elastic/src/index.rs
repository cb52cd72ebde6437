//! The index on a server, opened for writing.

use std::sync::Arc;

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter, Refused};
use canter_core::task::UrlKey;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::plan::Plan;
use canter_ranking::search::{Answer, SearchIndex};
use canter_ranking::tokenizer::Language;

use crate::bulk::Bulk;
use crate::opening;
use crate::reader::ElasticReader;
use crate::server::Server;
use crate::settings::Settings;
use crate::writer::Writer;

/// An index that many processes may write and read at the same time.
pub struct ElasticIndex {
    reader: ElasticReader,
    writer: Writer,
}

impl ElasticIndex {
    /// Opens an index for writing, and creates it if it is missing. The writing tasks run on the
    /// caller's runtime and end with it.
    ///
    /// # Errors
    ///
    /// Returns a sentence for a person if no server answers, if canter does not support the server,
    /// if the API key is wrong, missing or lacks a privilege, or if the index is not canter's.
    pub async fn open(settings: &Settings) -> Result<Self, Failure> {
        let server = Server::new(settings, settings.patience / 2)?;
        let similarity = opening::greet(&server).await?;
        opening::create(&server, similarity, settings.patience).await?;
        let reader = ElasticReader::over(server, settings.patience);
        let bulk = Bulk::new(Arc::clone(&reader.server), settings.patience);
        let writer = Writer::start(bulk, Arc::clone(&reader.freshness));
        Ok(ElasticIndex { reader, writer })
    }

    /// See [`ElasticReader::trouble`].
    pub fn trouble(&self) -> Option<String> {
        self.reader.trouble()
    }
}

impl IndexWriter for ElasticIndex {
    async fn has_room(&self) {
        self.writer.has_room().await;
    }

    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        self.writer.put(documents).await
    }

    async fn delete(&self, _: &str, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.writer.delete(ids).await
    }

    /// After a flush, searches of every process find the pages that were put.
    async fn flush(&self) -> Result<(), Failure> {
        self.writer.flush().await
    }
}

impl IndexReader for ElasticIndex {
    async fn get(&self, site: &str, id: UrlKey) -> Result<Option<Stored>, Failure> {
        self.reader.get(site, id).await
    }

    async fn count(&self, site: &str) -> Result<u64, Failure> {
        self.reader.count(site).await
    }

    async fn versions(&self, site: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
        self.reader.versions(site).await
    }

    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        self.reader.export(site, each).await
    }
}

impl SearchIndex for ElasticIndex {
    async fn languages(&self) -> Result<Vec<Language>, Failure> {
        self.reader.languages().await
    }

    async fn run(&self, plan: &Plan) -> Result<Answer, Failure> {
        self.reader.run(plan).await
    }

    async fn names(&self, prefix: Prefix) -> Result<Vec<Named>, Failure> {
        self.reader.names(prefix).await
    }

    async fn words(&self, prefix: String) -> Result<Vec<(String, u64)>, Failure> {
        self.reader.words(prefix).await
    }
}
