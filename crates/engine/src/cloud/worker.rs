//! The state that a process of the fetch function keeps from one batch to the next.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use canter_aws::queue::{CloudFrontier, Outbox, OutboxOptions};
use canter_aws::{
    Beginning, Cloud, CloudArchive, CloudPaces, CloudRobots, CloudSite, CrawlSpec, Crawling, Rest,
    Sites,
};
use canter_core::failure::Failure;
use canter_core::ports::{Fetcher, IndexReader, IndexWriter};
use canter_core::scope::Scope;
use canter_core::task::{Kind, Task};
use canter_http::Clock;

use super::backlog::Backlog;
use super::early::EarlyArchive;
use super::time::Time;
use crate::crawl::{Crawl, CrawlParts, Process, Stores};
use crate::rates::Rates;

/// Maximum number of crawls that a process remembers; each takes some 10 MB.
const CRAWLS: usize = 16;

/// Creates the HTTP client for a site, from the site's spec.
pub type MakeFetcher<F> = Box<dyn Fn(&CrawlSpec) -> Result<F, Failure> + Send + Sync>;

/// The parts of a [`Worker`].
pub struct Parts<F, I> {
    /// Tables and queue.
    pub cloud: Cloud,
    /// The index that searches read.
    pub index: Arc<I>,
    /// Whether the pages of a first crawl are put into the index one by one, as soon as they are
    /// archived. Where each write costs much, they are published in portions.
    pub page_by_page: bool,
    /// The clock of this process.
    pub clock: Clock,
    /// Creates the HTTP client for a site. Sites differ in their user agents and permissions.
    pub fetcher: MakeFetcher<F>,
}

/// The stores of the cloud, with any HTTP client and index.
pub(crate) struct CloudStores<F, I> {
    sites: Sites,
    made_of: PhantomData<fn() -> (F, I)>,
}

impl<F, I> Stores for CloudStores<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    type Pages = CloudSite;
    type Frontier = CloudFrontier;
    type Archive = EarlyArchive<I>;
    type Robots = CloudRobots;
    type Paces = CloudPaces;
    type Fetcher = F;

    const PUSH_WAITS: bool = true;

    async fn keep_scope(&self, crawl: &Crawl<Self>, scope: &Scope) -> Result<(), Failure> {
        // A refusal means that a newer crawl has begun; the results of this one are discarded.
        self.sites
            .move_scope(&crawl.site.id, crawl.id, scope)
            .await?;
        Ok(())
    }
}

/// A crawl in the cloud, shared by the steps of a worker.
pub(crate) type CloudCrawl<F, I> = Arc<Crawl<CloudStores<F, I>>>;

/// A worker of the fetch function, which receives batches of messages and works on them.
pub struct Worker<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    pub(crate) cloud: Cloud,
    pub(crate) process: Arc<Process<CloudStores<F, I>>>,
    pub(crate) time: Time,
    pub(crate) rates: Arc<Rates>,
    pub(crate) outbox: Outbox,
    pub(crate) sites: Sites,
    pub(crate) page_by_page: bool,
    pub(crate) held: AtomicU64,
    pub(crate) backlog: Backlog,
    fetcher: MakeFetcher<F>,
    crawls: Mutex<HashMap<String, CloudCrawl<F, I>>>,
}

impl<F, I> Worker<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    /// Creates a worker, which sends nothing yet. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// Returns a transient failure if the threads that read pages cannot be started.
    pub fn new(parts: Parts<F, I>) -> Result<Self, Failure> {
        let time = Time::new(parts.clock, CloudPaces::new(parts.cloud.clone()));
        let rates = Arc::new(Rates::shared());
        let options = OutboxOptions {
            clock: time.teller(),
            most: {
                let rates = Arc::clone(&rates);
                Box::new(move |domain| rates.per_message(domain.as_str()))
            },
        };
        let sites = Sites::new(parts.cloud.clone(), time.teller());
        let stores = CloudStores {
            sites: sites.clone(),
            made_of: PhantomData,
        };
        let archive = CloudArchive::open(&parts.cloud, time.teller());
        let archive = EarlyArchive::new(archive, parts.index);
        let robots = CloudRobots::new(parts.cloud.clone());
        let process = Process::new(stores, Arc::new(archive), robots, time.teller())?;
        Ok(Worker {
            outbox: Outbox::open(&parts.cloud, options),
            process: Arc::new(process),
            sites,
            held: AtomicU64::new(0),
            backlog: Backlog::default(),
            crawls: Mutex::default(),
            cloud: parts.cloud,
            time,
            rates,
            page_by_page: parts.page_by_page,
            fetcher: parts.fetcher,
        })
    }

    /// Returns the cloud that the worker uses.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Returns the index that the worker fills.
    pub fn index(&self) -> &Arc<I> {
        self.process.archive().index()
    }

    /// Returns the archive that the worker fills.
    pub(crate) fn archive(&self) -> &CloudArchive {
        self.process.archive().archive()
    }

    /// Returns a function that tells the time of this process.
    pub fn teller(&self) -> canter_aws::Clock {
        self.time.teller()
    }

    /// Resolves once all tasks of the batches under way have begun. The last slots and the ends of
    /// the steps take about a second more, in which the process could begin other tasks.
    pub async fn all_begun(&self) {
        self.backlog.falls_to(0).await;
    }

    /// Returns how many publishings were held since the last call.
    pub fn take_held(&self) -> u64 {
        self.held.swap(0, Ordering::Relaxed)
    }

    /// Returns the frontier of one crawl, which pushes its tasks into the queue.
    pub(crate) fn frontier(&self, pages: &CloudSite) -> CloudFrontier {
        let outbox = self.outbox.clone();
        CloudFrontier::new(pages.clone(), outbox, self.time.teller())
    }

    /// Sets the clock by one that is right. A process that may have been frozen must call this
    /// before each batch, since time goes on while a process is frozen.
    pub fn wake(&self, right: Clock) {
        self.time.wake(right);
    }

    /// Returns the crawl of the tasks of a message; `None` if the crawl has ended, rests, or a
    /// newer one has begun. Its tasks stay in the page store for the run that continues it.
    pub(crate) async fn crawl(
        &self,
        site: &str,
        crawl: u64,
        tasks: &[&Task],
    ) -> Result<Option<CloudCrawl<F, I>>, Failure> {
        let found = self.sites.load(site).await?;
        let fits = |crawling: &Crawling| {
            let inside =
                |task: &&Task| task.kind == Kind::Sitemap || crawling.scope.contains(&task.url);
            let goes_on = crawling.rest.is_none() && crawling.ended_ms.is_none();
            crawling.crawl > crawl || crawling.crawl == crawl && goes_on && tasks.iter().all(inside)
        };
        let found = match found {
            Some(crawling) if fits(&crawling) => Some(crawling),
            // The state that was read may be slightly stale: the crawl may have begun or been
            // continued since, or its scope moved. Tasks that are dropped because of an outdated
            // rest would come back only by a sweep.
            _ => self.sites.load_now(site).await?,
        };
        let Some(crawling) = found.filter(|crawling| {
            crawling.crawl == crawl && crawling.ended_ms.is_none() && crawling.rest.is_none()
        }) else {
            return Ok(None);
        };
        let limit = crawling.spec.site.limits.max_pages;
        if limit.is_some_and(|most| crawling.progress.pages >= most) {
            let option = "--max-pages".to_owned();
            self.sites
                .rest(site, crawl, &Rest::Limit { option })
                .await?;
            return Ok(None);
        }
        self.keep(crawling).map(Some)
    }

    /// Remembers a crawl in place of older ones of its site.
    fn keep(&self, crawling: Crawling) -> Result<CloudCrawl<F, I>, Failure> {
        let mut crawls = self.crawls.lock().unwrap_or_else(PoisonError::into_inner);
        let site = crawling.spec.site.id.clone();
        if let Some(known) = crawls.get(&site).filter(|known| known.id == crawling.crawl) {
            known.set_scope(crawling.scope);
            return Ok(Arc::clone(known));
        }
        let early = self.page_by_page && crawling.beginning == Beginning::First;
        self.process.archive().note(&site, early);
        let pages = self.pages(&site, crawling.crawl);
        let new = Arc::new(Crawl::new(CrawlParts {
            fetcher: Arc::new((self.fetcher)(&crawling.spec)?),
            pages: if early { pages.showing() } else { pages },
            scope: crawling.scope,
            id: crawling.crawl,
            rate: crawling.spec.rate,
            site: crawling.spec.site,
        }));
        if crawls.len() >= CRAWLS && !crawls.contains_key(&site) {
            // Forgetting a crawl costs some reads and connections. The oldest crawl is the most
            // likely to be over.
            let oldest = crawls.iter().min_by_key(|(_, known)| known.id);
            if let Some(oldest) = oldest.map(|(site, _)| site.clone()) {
                crawls.remove(&oldest);
            }
        }
        crawls.insert(site, Arc::clone(&new));
        Ok(new)
    }

    /// Returns the crawls that this process remembers.
    pub(crate) fn known(&self) -> Vec<CloudCrawl<F, I>> {
        let crawls = self.crawls.lock().unwrap_or_else(PoisonError::into_inner);
        crawls.values().cloned().collect()
    }

    /// Returns the page store of a site in one crawl.
    pub(crate) fn pages(&self, site: &str, crawl: u64) -> CloudSite {
        CloudSite::new(self.cloud.clone(), site, crawl, self.time.teller())
    }
}
