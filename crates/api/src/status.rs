//! What is being crawled and how far it is, told by whoever runs the crawls.

use std::future::Future;

use canter_core::failure::Failure;
use canter_core::time::Moment;
use serde::Serialize;

use crate::answer::rfc3339;

/// Knows the crawls whose pages the index holds.
pub trait Status: Send + Sync {
    /// The crawls as they are now.
    fn status(&self) -> impl Future<Output = Result<Report, Failure>> + Send;
}

/// Body of `GET /api/v1/status`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// The last crawl of each site, by site.
    pub crawls: Vec<Crawl>,
}

/// The last crawl of a site.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crawl {
    /// Id of the site.
    pub site: String,
    /// Whether it goes on.
    pub state: State,
    /// Pages of the site that a search can find now.
    pub searchable: u64,
    /// Distinct URLs that answered with a page in this crawl.
    pub pages: u64,
    /// URLs that are known and not fetched yet.
    pub waiting: u64,
    /// Tasks that ended failed after all attempts.
    pub failed: u64,
    /// Most requests started in any second for the domain; none for no limit.
    pub rps_limit: Option<f64>,
    /// When it began, since the Unix epoch.
    #[serde(serialize_with = "rfc3339")]
    pub started_at: Moment,
    /// When it last ended a task, since the Unix epoch.
    #[serde(serialize_with = "rfc3339")]
    pub updated_at: Moment,
}

/// Whether a crawl goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It fetches.
    Running,
    /// It waits for a server or a person.
    Paused,
    /// It has seen every page.
    Complete,
    /// It ended at a limit or was stopped; tasks wait.
    Incomplete,
}

impl Report {
    /// Pages that a search can find now, over all sites.
    pub(crate) fn searchable(&self) -> u64 {
        self.crawls.iter().map(|crawl| crawl.searchable).sum()
    }

    /// The crawls that fetch at this time.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Crawl> {
        self.crawls
            .iter()
            .filter(|crawl| crawl.state == State::Running)
    }
}

/// For a service that reads an index and knows nothing of crawls: no crawl.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStatus;

impl Status for NoStatus {
    async fn status(&self) -> Result<Report, Failure> {
        Ok(Report::default())
    }
}
