//! What a process of the fetch function keeps from one batch to the next.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use canter_aws::queue::{CloudFrontier, Outbox, OutboxOptions};
use canter_aws::{Cloud, CloudPaces, CloudRobots, CloudSite, Crawling, Plan, Rest, Sites};
use canter_core::failure::Failure;
use canter_core::ports::{Fetcher, IndexReader, IndexWriter};
use canter_core::scope::Scope;
use canter_core::task::{Kind, Task};
use canter_http::Clock;

use super::time::Time;
use crate::crawl::{Crawl, CrawlParts, Process, Stores};
use crate::rates::Rates;

/// Maximum number of crawls that a process remembers: some 10 MB each.
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

/// The stores of the cloud, with any fetcher and index.
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
    type Index = I;
    type Robots = CloudRobots;
    type Paces = CloudPaces;
    type Fetcher = F;

    const PUSH_WAITS: bool = true;

    async fn keep_scope(&self, crawl: &Crawl<Self>, scope: &Scope) -> Result<(), Failure> {
        // Refused, a newer crawl has begun: what this one finds goes nowhere.
        self.sites
            .move_scope(&crawl.site.id, crawl.id, scope)
            .await?;
        Ok(())
    }

    fn index_failed(&self, failure: &Failure) {
        // The name by which an alarm counts these: see the metric filter of the template.
        tracing::error!(event = "index_failure", %failure, "pages are not in the index");
    }
}

/// A crawl in the cloud, as the steps of a worker share it.
pub(crate) type CloudCrawl<F, I> = Arc<Crawl<CloudStores<F, I>>>;

/// A worker of the fetch function: it is given batches of messages, and works on them.
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
    fetcher: MakeFetcher<F>,
    crawls: Mutex<HashMap<String, CloudCrawl<F, I>>>,
}

impl<F, I> Worker<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    /// A worker. To be called within a runtime; sends nothing yet.
    pub fn new(parts: Parts<F, I>) -> Self {
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
        let robots = CloudRobots::new(parts.cloud.clone());
        Worker {
            outbox: Outbox::open(&parts.cloud, options),
            process: Arc::new(Process::new(stores, parts.index, robots, time.teller())),
            sites,
            crawls: Mutex::default(),
            cloud: parts.cloud,
            time,
            rates,
            fetcher: parts.fetcher,
        }
    }

    /// The cloud that the worker is in.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// The index that the worker fills.
    pub fn index(&self) -> &Arc<I> {
        self.process.index()
    }

    /// The time for whoever asks for it later.
    pub fn teller(&self) -> canter_aws::Clock {
        self.time.teller()
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
    fn keep(&self, crawling: Crawling) -> Result<CloudCrawl<F, I>, Failure> {
        let mut crawls = self.crawls.lock().unwrap_or_else(PoisonError::into_inner);
        let site = crawling.plan.site.id.clone();
        if let Some(known) = crawls.get(&site).filter(|known| known.id == crawling.crawl) {
            known.set_scope(crawling.scope);
            return Ok(Arc::clone(known));
        }
        let new = Arc::new(Crawl::new(CrawlParts {
            fetcher: Arc::new((self.fetcher)(&crawling.plan)?),
            pages: self.pages(&site, crawling.crawl),
            scope: crawling.scope,
            id: crawling.crawl,
            rate: crawling.plan.rate,
            site: crawling.plan.site,
        }));
        if crawls.len() >= CRAWLS && !crawls.contains_key(&site) {
            // What is forgotten costs some reads and connections; the oldest crawl is the likeliest
            // to be over.
            let oldest = crawls.iter().min_by_key(|(_, known)| known.id);
            if let Some(oldest) = oldest.map(|(site, _)| site.clone()) {
                crawls.remove(&oldest);
            }
        }
        crawls.insert(site, Arc::clone(&new));
        Ok(new)
    }

    /// The crawls that this process remembers.
    pub(crate) fn known(&self) -> Vec<CloudCrawl<F, I>> {
        let crawls = self.crawls.lock().unwrap_or_else(PoisonError::into_inner);
        crawls.values().cloned().collect()
    }

    /// The rows of a site in one crawl.
    pub(crate) fn pages(&self, site: &str, crawl: u64) -> CloudSite {
        CloudSite::new(self.cloud.clone(), site, crawl, self.time.teller())
    }
}
