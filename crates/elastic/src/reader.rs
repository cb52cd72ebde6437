//! The index on a server, opened for reading.

use std::sync::Arc;
use std::time::Duration;

use canter_core::document::Stored;
use canter_core::failure::Failure;
use canter_core::ports::IndexReader;
use canter_core::task::UrlKey;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::plan::Plan;
use canter_ranking::search::{Answer, SearchIndex};
use canter_ranking::tokenizer::Language;
use elasticsearch::http::Method;

use crate::freshness::Freshness;
use crate::languages::Languages;
use crate::server::Server;
use crate::settings::Settings;
use crate::{catalog, completion, opening, page, search};

/// An index that other processes write.
pub struct ElasticReader {
    pub(crate) server: Arc<Server>,
    pub(crate) freshness: Arc<Freshness>,
    languages: Languages,
    /// Maximum duration of retries; zero if the caller waits for the answer and asks again itself.
    patience: Duration,
}

impl ElasticReader {
    /// Opens an index. This creates nothing on the server and needs no right to write.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`ElasticIndex::open`](crate::ElasticIndex::open), and a transient
    /// failure if nothing was indexed yet.
    pub async fn open(settings: &Settings) -> Result<Self, Failure> {
        // A person waits, and a gateway in between waits for only half a minute.
        let server = Server::new(settings, settings.patience / 6)?;
        let reader = ElasticReader::over(server, Duration::ZERO);
        // The first search needs the languages. It asks again if this request fails.
        let (opened, _) = tokio::join!(
            opening::find(&reader.server),
            reader.languages.get(&reader.server)
        );
        opened?;
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

    /// Returns what holds up the server at the moment, as a sentence for a person.
    pub fn trouble(&self) -> Option<String> {
        self.server.trouble()
    }
}

impl SearchIndex for ElasticReader {
    async fn languages(&self) -> Result<Vec<Language>, Failure> {
        self.languages.get(&self.server).await
    }

    async fn run(&self, plan: &Plan) -> Result<Answer, Failure> {
        search::run(&self.server, plan).await
    }

    async fn names(&self, prefix: Prefix) -> Result<Vec<Named>, Failure> {
        completion::names(&self.server, &prefix).await
    }

    async fn words(&self, prefix: String) -> Result<Vec<(String, u64)>, Failure> {
        completion::words(&self.server, &prefix).await
    }
}

impl IndexReader for ElasticReader {
    async fn get(&self, _: &str, id: UrlKey) -> Result<Option<Stored>, Failure> {
        let path = format!("{}/_doc/{id}", self.server.index());
        let answer = self.server.ask(Method::Get, &path, None, self.patience);
        let answer = answer.await?;
        let Some(page) = answer.json() else {
            return Err(self.server.refusal(&answer));
        };
        match (answer.status, page["found"].as_bool()) {
            (200, Some(true)) => page::stored(&page["_source"]).map(Some),
            (404, Some(false)) => Ok(None),
            _ => Err(self.server.refusal(&answer)),
        }
    }

    async fn count(&self, site: &str) -> Result<u64, Failure> {
        self.freshness.show(self.patience).await?;
        catalog::count(&self.server, site, self.patience).await
    }

    async fn versions(&self, site: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
        self.freshness.show(self.patience).await?;
        catalog::versions(&self.server, site, self.patience).await
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
