//! canter's index on a server, behind the ports of the core.

use std::sync::Arc;
use std::time::Duration;

use canter_core::completion::{Beginning, Named};
use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{Catalog, Index, Refused};
use canter_core::query::{Hits, Query};
use canter_core::task::UrlKey;
use canter_core::words::Language;
use elasticsearch::http::Method;

use crate::bulk::Bulk;
use crate::freshness::Freshness;
use crate::languages::Languages;
use crate::server::Server;
use crate::settings::Settings;
use crate::writer::Writer;
use crate::{catalog, entry, offers, opening, search};

/// An index that many processes may write and read at the same time.
pub struct ElasticIndex {
    server: Arc<Server>,
    freshness: Arc<Freshness>,
    languages: Languages,
    /// None in an index that was opened for reading.
    writer: Option<Writer>,
    /// None of it where somebody waits for an answer: whoever reads asks again.
    patience: Duration,
}

impl ElasticIndex {
    /// Opens an index for writing, and makes it where there is none. Its writing runs on the
    /// runtime of the caller, and ends with it.
    ///
    /// # Errors
    ///
    /// A sentence for a person: what answers is no server that canter works with or nothing at
    /// all; the API key is wrong, missing or not enough; the index is not canter's.
    pub async fn open(settings: &Settings) -> Result<Self, Failure> {
        let server = Server::new(settings, settings.patience / 2)?;
        opening::greet(&server).await?;
        opening::create(&server, settings.patience).await?;
        let server = Arc::new(server);
        let freshness = Arc::new(Freshness::new(Arc::clone(&server)));
        let bulk = Bulk::new(Arc::clone(&server), settings.patience);
        Ok(ElasticIndex {
            writer: Some(Writer::start(bulk, Arc::clone(&freshness))),
            freshness,
            server,
            languages: Languages::default(),
            patience: settings.patience,
        })
    }

    /// Opens an index for reading: nothing is made on the server, and no right to write is needed.
    ///
    /// # Errors
    ///
    /// As [`ElasticIndex::open`]; also when nothing was indexed there yet, which may pass.
    pub async fn open_to_read(settings: &Settings) -> Result<Self, Failure> {
        // Somebody waits, and what stands between may itself wait for half a minute only.
        let server = Server::new(settings, settings.patience / 6)?;
        let languages = Languages::default();
        // The first search needs them, and asks again where they are not told.
        let (found, _) = tokio::join!(opening::find(&server), languages.get(&server));
        found?;
        let server = Arc::new(server);
        Ok(ElasticIndex {
            writer: None,
            freshness: Arc::new(Freshness::new(Arc::clone(&server))),
            languages,
            server,
            patience: Duration::ZERO,
        })
    }

    /// What holds up the work of this process at the moment, a sentence for a person; none while
    /// the server does what it is asked.
    pub fn trouble(&self) -> Option<String> {
        self.server.trouble()
    }

    fn writer(&self) -> Result<&Writer, Failure> {
        let writer = self.writer.as_ref();
        writer.ok_or_else(|| Failure::permanent("the index was opened for reading only"))
    }
}

impl Index for ElasticIndex {
    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        self.writer()?.put(documents).await
    }

    async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.writer()?.delete(ids).await
    }

    /// Searches of any process find what was put, too.
    async fn flush(&self) -> Result<(), Failure> {
        match &self.writer {
            Some(writer) => writer.flush().await,
            None => Ok(()),
        }
    }

    async fn get(&self, id: UrlKey) -> Result<Option<Stored>, Failure> {
        let path = format!("{}/_doc/{id}", self.server.index());
        let answer = self.server.ask(Method::Get, &path, None, self.patience);
        let answer = answer.await?;
        let Some(page) = answer.json() else {
            return Err(self.server.refusal(&answer));
        };
        match (answer.status, page["found"].as_bool()) {
            (200, Some(true)) => entry::stored(&page["_source"]).map(Some),
            (404, Some(false)) => Ok(None),
            _ => Err(self.server.refusal(&answer)),
        }
    }

    async fn search(&self, query: Query) -> Result<Hits, Failure> {
        let languages = match &query.language {
            Some(language) => vec![Language::of_tag(Some(language))],
            None => self.languages.get(&self.server).await?,
        };
        search::search(&self.server, &languages, &query).await
    }

    async fn names(&self, beginning: Beginning) -> Result<Vec<Named>, Failure> {
        offers::names(&self.server, &beginning).await
    }

    async fn words(&self, beginning: String) -> Result<Vec<(String, u64)>, Failure> {
        offers::words(&self.server, &beginning).await
    }
}

impl Catalog for ElasticIndex {
    async fn count(&self, site: &str) -> Result<u64, Failure> {
        self.freshness.show(self.patience).await?;
        catalog::count(&self.server, site, self.patience).await
    }

    async fn ids(&self, site: &str) -> Result<Vec<UrlKey>, Failure> {
        self.freshness.show(self.patience).await?;
        catalog::ids(&self.server, site, self.patience).await
    }

    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        self.freshness.show(self.patience).await?;
        catalog::export(&self.server, site, self.patience, each).await
    }
}
