//! A stack of a test's own in the servers of the running one: two tables, a bucket and queues, which
//! go with the test; workers, sites and crawls in it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each file of tests uses its part"
)]

pub mod crawling;
pub mod embedded;
pub mod event_source;
pub mod shelf;

use std::collections::{BTreeSet, HashSet};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canter_aws::queue::{self, Outbox, OutboxOptions, ReceivedMessage};
use canter_aws::{
    Beginning, Cloud, CloudSite, CrawlSpec, Crawling, Endpoints, Names, Sites, create_bucket,
    delete_bucket, tables,
};
use canter_core::domain::authority;
use canter_core::pace::Rate;
use canter_core::ports::{Headers, IndexReader, IndexWriter};
use canter_core::scope::{Options, Scope, site_id};
use canter_core::site::{Limits, Site};
use canter_core::task::{Kind, Task};
use canter_engine::cloud::{Deadline, Parts, Received, Worker};
use canter_http::{Clock, HttpConfig, HttpFetcher};
use canter_page::url::Limits as UrlLimits;
use canter_tantivy::TantivyIndex;
use canter_tests::Stack;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

pub type TestWorker = Arc<Worker<HttpFetcher, TantivyIndex>>;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Tables and a queue, connected.
pub struct Place {
    pub cloud: Cloud,
    pub clock: Clock,
    names: Names,
    endpoints: Endpoints,
}

impl Place {
    /// Makes them. What a worker does not delete comes again after `visibility`.
    pub async fn create(visibility: Duration) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name =
            |kind: &str| format!("{kind}-{}-{number}-{:x}", process::id(), fastrand::u32(..));
        let stack = Stack::find();
        let endpoints = Endpoints {
            dynamodb: stack.dynamodb_endpoint.to_string(),
            s3: stack.aws_endpoint.to_string(),
            sqs: stack.aws_endpoint.to_string(),
        };
        let mut names = Names {
            pages: name("pages"),
            state: name("state"),
            bucket: name("archive"),
            queue: String::new(),
            errands: String::new(),
            dead_letters: String::new(),
        };
        let cloud = Cloud::connect_local(names.clone(), endpoints.clone()).await;
        tables::create(&cloud).await.unwrap();
        create_bucket(&cloud).await.unwrap();
        let queues = [
            (&mut names.queue, "tasks"),
            (&mut names.errands, "errands"),
            (&mut names.dead_letters, "dead"),
        ];
        for (url, kind) in queues {
            *url = queue::create(&cloud, &name(kind), visibility)
                .await
                .unwrap();
        }
        Place {
            cloud: Cloud::connect_local(names.clone(), endpoints.clone()).await,
            clock: Clock::start(),
            names,
            endpoints,
        }
    }

    /// A connection of its own, through other doors.
    pub async fn through(&self, endpoints: Endpoints) -> Cloud {
        Cloud::connect_local(self.names.clone(), endpoints).await
    }

    /// A connection whose errands go to the queue of tasks.
    pub async fn misled(&self) -> Cloud {
        let errands = self.names.queue.clone();
        let names = Names {
            errands,
            ..self.names.clone()
        };
        Cloud::connect_local(names, self.endpoints()).await
    }

    pub fn endpoints(&self) -> Endpoints {
        self.endpoints.clone()
    }

    /// A worker, as one process of the function is one.
    pub fn worker(&self, index: &Arc<TantivyIndex>) -> TestWorker {
        self.worker_over(self.cloud.clone(), index)
    }

    pub fn worker_over<I: IndexReader + IndexWriter>(
        &self,
        cloud: Cloud,
        index: &Arc<I>,
    ) -> Arc<Worker<HttpFetcher, I>> {
        let worker = Worker::new(Parts {
            cloud,
            index: Arc::clone(index),
            page_by_page: true,
            clock: self.clock,
            fetcher: Box::new(|spec| HttpFetcher::start(http(&spec.site))),
        });
        Arc::new(worker.unwrap())
    }

    /// Begins the crawl of a site, with its seeds in the queue.
    pub async fn begin(&self, spec: &CrawlSpec) -> Crawling {
        let crawling = self.begin_unfilled(spec).await;
        let clock = self.clock;
        let now: canter_aws::Clock = Arc::new(move || clock.now());
        let pages = self.pages(&crawling);
        let frontier = queue::CloudFrontier::new(pages.clone(), self.outbox(), now);
        pages.fill(&crawling, &frontier).await.unwrap();
        let (sites, site) = (self.sites(), &spec.site.id);
        assert!(sites.note_filled(site, crawling.crawl).await.unwrap());
        crawling
    }

    /// Begins the crawl of a site, as one that dies before it fills the frontier.
    pub async fn begin_unfilled(&self, spec: &CrawlSpec) -> Crawling {
        let (beginning, crawling) = self.sites().begin(spec, false).await.unwrap();
        assert!(!matches!(
            beginning,
            Beginning::Running | Beginning::OtherScope
        ));
        crawling
    }

    pub fn sites(&self) -> Sites {
        let clock = self.clock;
        Sites::new(self.cloud.clone(), Arc::new(move || clock.now()))
    }

    pub fn pages(&self, crawling: &Crawling) -> CloudSite {
        let clock = self.clock;
        let now = Arc::new(move || clock.now());
        CloudSite::new(
            self.cloud.clone(),
            &crawling.spec.site.id,
            crawling.crawl,
            now,
        )
        .in_run(crawling.run)
    }

    /// A way into the queue, with messages of up to 50 tasks.
    pub fn outbox(&self) -> Outbox {
        let clock = self.clock;
        let options = OutboxOptions {
            clock: Arc::new(move || clock.now()),
            most: Box::new(|_| 50),
        };
        Outbox::open(&self.cloud, options)
    }

    /// All messages that are there now.
    pub async fn receive(&self) -> Vec<ReceivedMessage> {
        self.receive_from(&self.names.queue).await
    }

    /// What comes next, within some seconds.
    pub async fn next_messages(&self) -> Vec<ReceivedMessage> {
        let wait = async {
            loop {
                let messages = self.receive().await;
                if !messages.is_empty() {
                    return messages;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(Duration::from_secs(20), wait).await.unwrap()
    }

    /// All errands that are there now.
    pub async fn errands(&self) -> Vec<ReceivedMessage> {
        self.receive_from(&self.names.errands).await
    }

    /// All dead letters that are there now.
    pub async fn dead_letters(&self) -> Vec<ReceivedMessage> {
        self.receive_from(&self.names.dead_letters).await
    }

    async fn receive_from(&self, url: &str) -> Vec<ReceivedMessage> {
        let cloud = self.cloud.at_queue(url);
        let mut all = Vec::new();
        loop {
            let some = queue::receive(&cloud, Duration::ZERO).await.unwrap();
            if some.is_empty() {
                return all;
            }
            all.extend(some);
        }
    }

    /// Number of requests so far for an operation of a service.
    pub fn requests(&self, service: &str, operation: &str) -> u64 {
        let lines = self.cloud.meter.lines();
        let line = lines.get(&(service.to_owned(), operation.to_owned()));
        line.map_or(0, |line| line.sent as u64)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (names, endpoints) = (self.names.clone(), self.endpoints.clone());
        let deletes = std::thread::spawn(move || {
            let delete = async {
                let cloud = Cloud::connect_local(names.clone(), endpoints).await;
                for url in [&names.queue, &names.errands, &names.dead_letters] {
                    // One that is gone already is what is wanted.
                    let _ = queue::remove(&cloud.at_queue(url)).await;
                }
                let _ = delete_bucket(&cloud).await;
                tables::delete(&cloud).await
            };
            Runtime::new().map(|runtime| runtime.block_on(delete))
        });
        // What stays behind harms nobody.
        let _ = deletes.join();
    }
}

/// A crawl that has begun with these seeds, and an index for it, which goes with its folder. What is
/// not deleted stays hidden for longer than any test.
pub async fn begin_crawl(
    seeds: &[String],
    rate: Option<f64>,
) -> (Place, Crawling, Arc<TantivyIndex>, TempDir) {
    let mut spec = spec(&seeds[0], rate);
    spec.site.seeds = seeds.iter().map(|url| Url::parse(url).unwrap()).collect();
    let place = Place::create(Duration::from_secs(300)).await;
    let crawling = place.begin(&spec).await;
    let folder = tempfile::tempdir().unwrap();
    let index = Arc::new(TantivyIndex::open(folder.path()).unwrap());
    (place, crawling, index, folder)
}

/// How a site is crawled in tests.
pub fn spec(seed: &str, rate: Option<f64>) -> CrawlSpec {
    let seed = Url::parse(seed).unwrap();
    CrawlSpec {
        site: Site {
            id: site_id(&seed),
            scope: Scope::new(std::slice::from_ref(&seed), Options::default()).unwrap(),
            seeds: vec![seed],
            sitemaps: Vec::new(),
            limits: Limits {
                max_pages: None,
                max_depth: None,
                max_page_bytes: 8 << 20,
                timeout: Duration::from_secs(20),
                attempts: 3,
                url: UrlLimits::default(),
            },
            headers: Headers::default(),
            product: "canter".into(),
        },
        rate: rate.and_then(Rate::new),
        user_agent: "canter".into(),
        allow_private: true,
        max_loss: 10.0,
        every: None,
    }
}

pub fn http(site: &Site) -> HttpConfig {
    HttpConfig {
        user_agent: "canter".into(),
        private: site.seeds.iter().map(authority).collect::<HashSet<_>>(),
    }
}

/// A task of a crawl, as a seed has it.
pub fn task(crawling: &Crawling, url: &str) -> Task {
    Task {
        site: crawling.spec.site.id.clone(),
        crawl: crawling.crawl,
        url: Url::parse(url).unwrap(),
        depth: 0,
        redirects: 0,
        attempts: 0,
        parent: None,
        kind: Kind::Page,
    }
}

/// What an event source gives of a message.
pub fn received(messages: &[ReceivedMessage]) -> Vec<Received> {
    let received = messages.iter().map(|message| Received {
        id: message.id.clone(),
        body: message.body.clone(),
        receives: message.receives,
    });
    received.collect()
}

/// Enough time for everything.
pub fn plenty() -> Deadline {
    within(Duration::from_secs(60))
}

/// So long to begin, and some more to end.
pub fn within(begin: Duration) -> Deadline {
    let begin = Instant::now() + begin;
    Deadline {
        begin,
        end: begin + Duration::from_secs(10),
    }
}

/// The paths of all pages in an index.
pub async fn indexed(index: &TantivyIndex, site: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let each = |stored: canter_core::document::Stored| {
        assert!(
            paths.insert(stored.url.path().to_owned()),
            "{} twice",
            stored.url
        );
        Ok(())
    };
    index.export(site, each).await.unwrap();
    paths
}
