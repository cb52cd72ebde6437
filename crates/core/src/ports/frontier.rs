//! Where tasks wait, and what is known about every URL.

use std::time::Duration;

use url::Url;

use crate::absence::Absence;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::publish::Kept;
use crate::task::{Kind, Outcome, Skip, Task, UrlKey};
use crate::time::Moment;

/// A URL that a page leads to and that may become a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Normalised and in scope.
    pub url: Url,
    /// Depth of the task.
    pub depth: u32,
    /// Number of redirects in a row so far.
    pub redirects: u8,
    /// If set, the URL is not fetched: it is recorded, and its task ends at once.
    pub skip: Option<Skip>,
    /// What is expected there.
    pub kind: Kind,
    /// When the page last changed, according to a sitemap. Nothing relies on it.
    pub lastmod: Option<Moment>,
}

impl Claim {
    /// A page to fetch.
    pub fn page(url: Url, depth: u32) -> Self {
        Claim {
            url,
            depth,
            redirects: 0,
            skip: None,
            kind: Kind::Page,
            lastmod: None,
        }
    }
}

/// What became of the claims of a parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Tasks of the URLs that now belong to the parent.
    pub tasks: Vec<Task>,
    /// URLs that no claim of this crawl will win again: their tasks have ended or are safely in the
    /// frontier. A URL that another parent has claimed but not pushed is not among them, since that
    /// parent may die and claim it again.
    pub settled: Vec<UrlKey>,
}

/// What an earlier crawl left about a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// `ETag` of the newest version.
    pub etag: Option<String>,
    /// `Last-Modified` of the newest version.
    pub last_modified: Option<String>,
    /// The newest version in the archive; none if it holds no version.
    pub newest: Option<Kept>,
    /// Target of the newest version's `rel=canonical`, if it is in scope.
    pub canonical: Option<Url>,
    /// The largest number that a version of the page has had; 0 if it had none. The next version
    /// has a larger one, even if the archive forgot the versions before.
    pub version: u64,
    /// For how long the page has been absent.
    pub absence: Option<Absence>,
}

impl Known {
    /// Returns the number of the page's next version. It is a counter. The first one is a time, so
    /// that it is larger than those of a page that was forgotten.
    pub fn next_version(&self, now: Moment) -> u64 {
        match self.version {
            0 => now.millis().max(1),
            version => version.saturating_add(1),
        }
    }
}

/// The end of a task, as the page store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// How the task ended.
    pub outcome: Outcome,
    /// What the next crawl is to know.
    pub known: Known,
    /// The last response; none if there was none.
    pub exchange: Option<Exchange>,
}

/// What is known about every URL. Each URL of a site has exactly one row.
pub trait Pages: Send + Sync {
    /// Begins a task and returns what is known of its URL. Returns nothing if the task must be
    /// dropped: its page is finished in this crawl, or it belongs to an older crawl.
    fn begin(&self, task: &Task) -> impl Future<Output = Result<Option<Known>, Failure>> + Send;

    /// Makes tasks of the URLs that the parent wins: those that are new, that only an older crawl
    /// knows, or that this same parent has claimed and that are not finished. So a parent that died
    /// between claiming and pushing gets its children again. A claim with [`Claim::skip`] is
    /// finished at once and gives no task.
    fn claim(
        &self,
        parent: &Task,
        claims: Vec<Claim>,
    ) -> impl Future<Output = Result<Claimed, Failure>> + Send;

    /// Ends a task. Ending it again is no error and changes nothing.
    fn finish(
        &self,
        task: &Task,
        finish: Finish,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Tasks that wait.
pub trait Frontier: Send + Sync {
    /// Makes tasks wait until `delay` has passed. A task that is waiting already is moved.
    fn push(
        &self,
        tasks: Vec<Task>,
        delay: Duration,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
