//! canter's index on a server, behind the ports of the core.

use std::time::Duration;

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{Catalog, Index, Refused};
use canter_core::query::{Hits, Query};
use canter_core::task::UrlKey;
use canter_core::words::Words;
use elasticsearch::http::Method;

use crate::server::Server;
use crate::settings::Settings;
use crate::{catalog, entry, opening, search};

/// An index that many processes may write and read at the same time.
pub struct ElasticIndex {
    server: Server,
    /// None of it where somebody waits for an answer: whoever reads asks again.
    patience: Duration,
}

impl ElasticIndex {
    /// Opens an index for writing, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// A sentence for a person: what answers is no server that canter works with or nothing at
    /// all; the API key is wrong, missing or not enough; the index is not canter's.
    pub async fn open(settings: &Settings) -> Result<Self, Failure> {
        let server = Server::new(settings)?;
        opening::greet(&server).await?;
        opening::create(&server, settings.patience).await?;
        Ok(ElasticIndex {
            server,
            patience: settings.patience,
        })
    }

    /// Opens an index for reading: nothing is made on the server, and no right to write is needed.
    ///
    /// # Errors
    ///
    /// As [`ElasticIndex::open`]; also when nothing was indexed there yet.
    pub async fn open_to_read(settings: &Settings) -> Result<Self, Failure> {
        let server = Server::new(settings)?;
        opening::greet(&server).await?;
        if !opening::is_there(&server, Duration::ZERO).await? {
            return Err(opening::nothing(&server));
        }
        Ok(ElasticIndex {
            server,
            patience: Duration::ZERO,
        })
    }
}

impl Index for ElasticIndex {
    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        let mut words = Words::default();
        for document in documents {
            let source = entry::source(&document, &mut words).map_err(Failure::permanent)?;
            let path = format!(
                "{}/_doc/{}?version_type=external_gte&version={}",
                self.server.index(),
                document.id(),
                document.version
            );
            let body = source.as_bytes();
            self.server.exchange(Method::Put, &path, Some(body)).await?;
        }
        Ok(Vec::new())
    }

    async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        for id in ids {
            let path = format!("{}/_doc/{id}", self.server.index());
            self.server.exchange(Method::Delete, &path, None).await?;
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), Failure> {
        let path = format!("{}/_refresh", self.server.index());
        let refreshed = self.server.fetch(Method::Post, &path, None, self.patience);
        refreshed.await.map(drop)
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
        search::search(&self.server, &query).await
    }
}

impl Catalog for ElasticIndex {
    async fn count(&self, site: &str) -> Result<u64, Failure> {
        catalog::count(&self.server, site, self.patience).await
    }

    async fn ids(&self, site: &str) -> Result<Vec<UrlKey>, Failure> {
        catalog::ids(&self.server, site, self.patience).await
    }

    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        catalog::export(&self.server, site, self.patience, each).await
    }
}
