//! canter's index on a server, opened for reading: nothing of it can be changed.

use std::sync::Arc;
use std::time::Duration;

use canter_core::document::Stored;
use canter_core::failure::Failure;
use canter_core::ports::IndexReader;
use canter_core::task::UrlKey;
use canter_ranking::completion::{Beginning, Named};
use canter_ranking::query::{Hits, Query};
use canter_ranking::search::SearchIndex;
use canter_ranking::words::Language;
use elasticsearch::http::Method;

use crate::freshness::Freshness;
use crate::languages::Languages;
use crate::server::Server;
use crate::settings::Settings;
use crate::{catalog, entry, offers, opening, search};

/// An index that other processes write.
pub struct ElasticReader {
    pub(crate) server: Arc<Server>,
    pub(crate) freshness: Arc<Freshness>,
    languages: Languages,
    /// How long a failed request is tried again. Zero where somebody waits for an answer: whoever
    /// reads asks again.
    patience: Duration,
}

impl ElasticReader {
    /// Opens an index: nothing is made on the server, and no right to write is needed.
    ///
    /// # Errors
    ///
    /// As [`ElasticIndex::open`](crate::ElasticIndex::open); also when nothing was indexed there
    /// yet, which may pass.
    pub async fn open(settings: &Settings) -> Result<Self, Failure> {
        // Somebody waits, and what stands between may itself wait for half a minute only.
        let server = Server::new(settings, settings.patience / 6)?;
        let reader = ElasticReader::over(server, Duration::ZERO);
        // The first search needs the languages, and asks again where they are not told.
        let (found, _) = tokio::join!(
            opening::find(&reader.server),
            reader.languages.get(&reader.server)
        );
        found?;
        Ok(reader)
    }

    pub(crate) fn over(server: Server, patience: Duration) -> Self {
        let server = Arc::new(server);
        ElasticReader {
            freshness: Arc::new(Freshness::new(Arc::clone(&server))),
            languages: Languages::default(),
            server,
            patience,
        }
    }

    /// What holds up the work of this process at the moment, a sentence for a person; none while
    /// the server does what it is asked.
    pub fn trouble(&self) -> Option<String> {
        self.server.trouble()
    }
}

impl SearchIndex for ElasticReader {
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

impl IndexReader for ElasticReader {
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
