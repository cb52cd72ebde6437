//! The status of a stack's crawls, from its tables and its index.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use canter_api::{Crawl, Report, State, Status};
use canter_aws::{Clock, Crawling, Rest, Sites};
use canter_core::failure::Failure;
use canter_core::ports::IndexReader;
use canter_core::time::Moment;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::timeout;

/// Maximum age of a cached report. A report takes two requests for each site: one to the tables and
/// one to the index.
const KEPT: Duration = Duration::from_secs(10);
/// Maximum number of sites that are queried at the same time.
const ABREAST: usize = 16;
/// Maximum wait for a part of the report, which the start page needs. The client of the tables
/// would retry for longer than API Gateway waits.
const SOON: Duration = Duration::from_secs(2);

/// The status of a stack's crawls. It connects to the tables on first use, since a search needs
/// none.
pub struct CloudStatus<C, I> {
    connect: C,
    sites: OnceCell<Sites>,
    index: Arc<I>,
    clock: Clock,
    cached: Mutex<Option<CachedReport>>,
}

/// A report and the time when it was made.
struct CachedReport {
    at: Moment,
    report: Report,
}

impl<C, I> CloudStatus<C, I> {
    /// Returns the status of the sites to which `connect` leads, with the numbers of their pages in
    /// `index`.
    pub fn new(connect: C, index: Arc<I>, clock: Clock) -> Self {
        CloudStatus {
            connect,
            sites: OnceCell::new(),
            index,
            clock,
            cached: Mutex::new(None),
        }
    }
}

impl<C, F, I> Status for CloudStatus<C, I>
where
    C: Fn() -> F + Send + Sync,
    F: Future<Output = Sites> + Send,
    I: IndexReader + 'static,
{
    /// Concurrent calls share one report.
    async fn status(&self) -> Result<Report, Failure> {
        let mut cached = self.cached.lock().await;
        let now = (self.clock)();
        if let Some(cached) = cached.as_ref()
            && cached.at.until(now) < KEPT
        {
            return Ok(cached.report.clone());
        }
        let before = cached
            .as_ref()
            .map(|cached| cached.report.crawls.as_slice());
        let before = before.unwrap_or_default();
        let sites = self.sites.get_or_init(&self.connect).await;
        let mut report = Report::default();
        for names in soon(sites.all()).await?.chunks(ABREAST) {
            let asked: Vec<_> = names
                .iter()
                .map(|name| {
                    let last = before.iter().find(|crawl| crawl.site == *name);
                    let (sites, index) = (sites.clone(), Arc::clone(&self.index));
                    tokio::spawn(look(sites, index, name.clone(), last.cloned(), now))
                })
                .collect();
            for crawl in asked {
                report.crawls.extend(crawl.await.ok().flatten());
            }
        }
        *cached = Some(CachedReport {
            at: now,
            report: report.clone(),
        });
        Ok(report)
    }
}

/// Returns the status of one site's crawl, or the last known status if it cannot be read, so that
/// the failure of one site does not hide the others.
async fn look(
    sites: Sites,
    index: Arc<impl IndexReader>,
    site: String,
    last: Option<Crawl>,
    now: Moment,
) -> Option<Crawl> {
    let (crawling, count) = tokio::join!(soon(sites.load_public(&site)), soon(index.count(&site)));
    let crawling = match crawling {
        Ok(crawling) => crawling?,
        Err(failure) => {
            tracing::warn!(site, %failure, "how a crawl is cannot be told");
            return last;
        }
    };
    let searchable = match count {
        Ok(count) => Some(count),
        Err(failure) => {
            tracing::warn!(site, %failure, "the pages of a site cannot be counted");
            None
        }
    };
    let searchable = searchable.or(last.map(|last| last.searchable));
    Some(crawl(site, &crawling, searchable.unwrap_or_default(), now))
}

/// Waits for an answer for up to [`SOON`].
async fn soon<T>(asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let answer = timeout(SOON, asked).await;
    answer.unwrap_or_else(|_| Err(Failure::transient(format!("no answer within {SOON:?}"))))
}

fn crawl(site: String, crawling: &Crawling, searchable: u64, now: Moment) -> Crawl {
    let progress = &crawling.progress;
    let (pages, waiting, failed) = match &crawling.counts {
        Some(counts) => (counts.pages, counts.waiting, counts.failed),
        None => (progress.pages, progress.waiting(), progress.failed),
    };
    Crawl {
        site,
        state: state(crawling, now),
        searchable,
        pages,
        waiting,
        failed,
        rps_limit: crawling.spec.rate.map(|rate| rate.per_second()),
        held: crawling.held.as_ref().map(Into::into),
        started_at: Moment::from_millis(crawling.crawl),
        updated_at: Moment::from_millis(crawling.ended_ms.unwrap_or(crawling.alive_ms)),
    }
}

fn state(crawling: &Crawling, now: Moment) -> State {
    match crawling.rest {
        _ if crawling.is_running(now.millis()) => State::Running,
        _ if crawling.ended_ms.is_some() => State::Complete,
        Some(Rest::Paused { .. }) => State::Paused,
        _ => State::Incomplete,
    }
}
