//! The crawls and their progress, as reported by the program that runs them.

use std::future::Future;

use canter_core::failure::Failure;
use canter_core::publish;
use canter_core::time::Moment;
use serde::Serialize;
use url::Url;

use crate::answer::rfc3339;

/// A source for the status of the crawls that fill the index.
pub trait Status: Send + Sync {
    /// Reports the current status of the crawls.
    fn status(&self) -> impl Future<Output = Result<Report, Failure>> + Send;
}

/// Body of `GET /api/v1/status`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// The last crawl of each site, ordered by site.
    pub crawls: Vec<Crawl>,
}

/// The last crawl of a site.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crawl {
    /// Id of the site.
    pub site: String,
    /// Whether the crawl goes on.
    pub state: State,
    /// Number of the site's pages that a search can find now.
    pub searchable: u64,
    /// Number of distinct URLs that returned a page in this crawl.
    pub pages: u64,
    /// Number of known URLs that are not fetched yet.
    pub waiting: u64,
    /// Number of tasks that failed after all attempts.
    pub failed: u64,
    /// Maximum number of requests to the domain that start in any second; none for no limit.
    pub rps_limit: Option<f64>,
    /// Why nothing of the crawl is published, since too much would be lost; none if it is.
    pub held: Option<Held>,
    /// Start of the crawl, since the Unix epoch.
    #[serde(serialize_with = "rfc3339")]
    pub started_at: Moment,
    /// Time when the crawl last ended a task, since the Unix epoch.
    #[serde(serialize_with = "rfc3339")]
    pub updated_at: Moment,
}

/// A refresh that is not published.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Held {
    /// What most of the lost pages have in common.
    pub reason: String,
    /// Share of the published pages that would be lost, between 0 and 1.
    pub share: f64,
    /// Number of pages that would be lost.
    pub pages: u64,
    /// Some of them.
    pub examples: Vec<Url>,
}

impl From<&publish::Held> for Held {
    fn from(held: &publish::Held) -> Self {
        Held {
            reason: held.reason.clone(),
            share: held.share(),
            pages: held.lost,
            examples: held.examples.clone(),
        }
    }
}

/// The state of a crawl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The crawl fetches pages.
    Running,
    /// The crawl waits for a server or a person.
    Paused,
    /// The crawl has seen every page.
    Complete,
    /// The crawl reached a limit or was stopped, and tasks are left.
    Incomplete,
}

impl Report {
    /// Returns the number of pages of all sites that a search can find now.
    pub(crate) fn searchable(&self) -> u64 {
        self.crawls.iter().map(|crawl| crawl.searchable).sum()
    }

    /// Returns the crawls that fetch pages at the moment.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Crawl> {
        self.crawls
            .iter()
            .filter(|crawl| crawl.state == State::Running)
    }
}

/// The status of a service that reads an index and knows nothing of crawls; it reports none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStatus;

impl Status for NoStatus {
    async fn status(&self) -> Result<Report, Failure> {
        Ok(Report::default())
    }
}
