//! What a process of the fetch function keeps from one batch to the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::available_parallelism;

use canter_aws::queue::{CloudFrontier, Outbox, OutboxOptions};
use canter_aws::{Cloud, CloudPaces, CloudRobots, CloudSite, Crawling, Plan, Rest, Sites};
use canter_core::failure::Failure;
use canter_core::pace::Rate;
use canter_core::rulebook::Rulebook;
use canter_core::scope::Scope;
use canter_core::seen::Seen;
use canter_core::site::Site;
use canter_core::task::{Kind, Task};
use canter_http::Clock;
use tokio::sync::Semaphore;

use crate::rates::Rates;
use crate::tally::Tally;
use crate::time::Time;

/// Links that are remembered as handed on: some 6 MB a crawl.
const SEEN: usize = 200_000;
/// Sitemaps in memory at the same time.
const SITEMAPS: usize = 3;
/// Crawls that a process remembers: some 10 MB each.
const CRAWLS: usize = 16;

/// Makes what requests a site's pages, by its plan.
pub type MakeFetcher<F> = Box<dyn Fn(&Plan) -> Result<F, Failure> + Send + Sync>;

/// What a worker is made of.
pub struct Parts<F, I> {
    /// Tables and queue.
    pub cloud: Cloud,
    /// What search reads.
    pub index: Arc<I>,
    /// The clock of this process.
    pub clock: Clock,
    /// Makes what requests a site's pages: sites differ by user agent and by what is permitted.
    pub fetcher: MakeFetcher<F>,
}

/// A worker of the fetch function: it is given batches of messages, and works on them.
pub struct Worker<F, I> {
    pub(crate) cloud: Cloud,
    pub(crate) index: Arc<I>,
    pub(crate) time: Time,
    pub(crate) rates: Arc<Rates>,
    pub(crate) outbox: Outbox,
    pub(crate) sites: Sites,
    pub(crate) robots: CloudRobots,
    pub(crate) rulebook: Rulebook,
    /// One permit for each core: readers never outnumber them.
    pub(crate) readers: Semaphore,
    pub(crate) sitemaps: async_lock::Semaphore,
    fetcher: MakeFetcher<F>,
    crawls: Mutex<HashMap<String, Arc<Crawl<F>>>>,
}

/// The newest crawl of a site that this process has met.
pub(crate) struct Crawl<F> {
    pub(crate) site: Site,
    pub(crate) crawl: u64,
    pub(crate) rate: Option<Rate>,
    pub(crate) pages: CloudSite,
    pub(crate) seen: Seen,
    pub(crate) tally: Arc<Tally>,
    pub(crate) fetcher: Arc<F>,
    scope: RwLock<Arc<Scope>>,
}

impl<F> Crawl<F> {
    pub(crate) fn scope(&self) -> Arc<Scope> {
        let scope = self.scope.read();
        Arc::clone(&scope.unwrap_or_else(PoisonError::into_inner))
    }

    fn set_scope(&self, scope: Scope) {
        let mut current = self.scope.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(scope);
    }
}

impl<F, I> Worker<F, I> {
    /// A worker. To be called within a runtime; sends nothing yet.
    pub fn new(parts: Parts<F, I>) -> Self {
        let time = Time::new(parts.clock, CloudPaces::new(parts.cloud.clone()));
        let rates = Arc::new(Rates::default());
        let options = OutboxOptions {
            clock: time.teller(),
            most: {
                let rates = Arc::clone(&rates);
                Box::new(move |domain| rates.per_message(domain.as_str()))
            },
        };
        Worker {
            outbox: Outbox::open(&parts.cloud, options),
            sites: Sites::new(parts.cloud.clone(), time.teller()),
            robots: CloudRobots::new(parts.cloud.clone()),
            rulebook: Rulebook::default(),
            readers: Semaphore::new(available_parallelism().map_or(1, usize::from)),
            sitemaps: async_lock::Semaphore::new(SITEMAPS),
            crawls: Mutex::default(),
            cloud: parts.cloud,
            index: parts.index,
            time,
            rates,
            fetcher: parts.fetcher,
        }
    }

    /// The way into the queue for one crawl's tasks.
    pub(crate) fn frontier(&self, pages: &CloudSite) -> CloudFrontier {
        let outbox = self.outbox.clone();
        CloudFrontier::new(pages.clone(), outbox, self.time.teller())
    }

    /// To be called before a batch with a clock that is right, by whoever may have been frozen:
    /// time goes on while a process does not.
    pub fn wake(&self, right: Clock) {
        self.time.wake(right);
    }

    /// The crawl of tasks that came in a message; none when it does not go on: it has ended, rests,
    /// or a newer one has begun. Whoever lets it go on finds its tasks in the page store.
    pub(crate) async fn crawl(
        &self,
        site: &str,
        crawl: u64,
        tasks: &[&Task],
    ) -> Result<Option<Arc<Crawl<F>>>, Failure> {
        let found = self.sites.load(site).await?;
        let fits = |crawling: &Crawling| {
            let inside =
                |task: &&Task| task.kind == Kind::Sitemap || crawling.scope.contains(&task.url);
            let goes_on = crawling.rest.is_none() && crawling.ended_ms.is_none();
            crawling.crawl > crawl || crawling.crawl == crawl && goes_on && tasks.iter().all(inside)
        };
        let found = match found {
            Some(crawling) if fits(&crawling) => Some(crawling),
            // What was read may be a moment behind: a crawl that began or goes on again, a scope
            // that moved. Tasks that are dropped for a rest that is over come back by a sweep only.
            _ => self.sites.load_now(site).await?,
        };
        let Some(crawling) = found.filter(|crawling| {
            crawling.crawl == crawl && crawling.ended_ms.is_none() && crawling.rest.is_none()
        }) else {
            return Ok(None);
        };
        let limit = crawling.plan.site.limits.max_pages;
        if limit.is_some_and(|most| crawling.progress.pages >= most) {
            let option = "--max-pages".to_owned();
            self.sites
                .rest(site, crawl, &Rest::Limit { option })
                .await?;
            return Ok(None);
        }
        self.keep(crawling).map(Some)
    }

    /// Remembers a crawl in the place of older ones of its site.
    fn keep(&self, crawling: Crawling) -> Result<Arc<Crawl<F>>, Failure> {
        let mut crawls = self.crawls.lock().unwrap_or_else(PoisonError::into_inner);
        let site = crawling.plan.site.id.clone();
        if let Some(known) = crawls
            .get(&site)
            .filter(|known| known.crawl == crawling.crawl)
        {
            known.set_scope(crawling.scope);
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(Crawl {
            fetcher: Arc::new((self.fetcher)(&crawling.plan)?),
            pages: self.pages(&site, crawling.crawl),
            tally: Arc::default(),
            seen: Seen::new(SEEN),
            scope: RwLock::new(Arc::new(crawling.scope)),
            crawl: crawling.crawl,
            rate: crawling.plan.rate,
            site: crawling.plan.site,
        });
        if crawls.len() >= CRAWLS && !crawls.contains_key(&site) {
            // What is forgotten costs some reads and connections; the oldest crawl is the likeliest
            // to be over.
            let oldest = crawls.iter().min_by_key(|(_, known)| known.crawl);
            if let Some(oldest) = oldest.map(|(site, _)| site.clone()) {
                crawls.remove(&oldest);
            }
        }
        crawls.insert(site, Arc::clone(&new));
        Ok(new)
    }

    /// The crawls that this process remembers.
    pub(crate) fn known(&self) -> Vec<Arc<Crawl<F>>> {
        let crawls = self.crawls.lock().unwrap_or_else(PoisonError::into_inner);
        crawls.values().cloned().collect()
    }

    /// The rows of a site in one crawl.
    pub(crate) fn pages(&self, site: &str, crawl: u64) -> CloudSite {
        CloudSite::new(self.cloud.clone(), site, crawl, self.time.teller())
    }

    pub(crate) async fn move_scope(&self, crawl: &Crawl<F>, scope: Scope) -> Result<(), Failure> {
        let moved = self.sites.move_scope(&crawl.site.id, crawl.crawl, &scope);
        // Refused, a newer crawl has begun: what this one finds goes nowhere.
        moved.await?;
        crawl.set_scope(scope);
        Ok(())
    }
}
