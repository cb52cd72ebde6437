//! The same engine over the stores of one machine: what a crawl in the cloud is held against.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use canter_core::failure::Failure;
use canter_core::scope::Scope;
use canter_core::site::Site;
use canter_core::step::StepResult;
use canter_core::task::Task;
use canter_embedded::archive::SqliteArchive;
use canter_embedded::store::{SiteStore, Store};
use canter_engine::drive::{Drive, DriveLimits, Observer};
use canter_engine::gates::Gates;
use canter_engine::{Crawl, CrawlParts, Process, Publisher, Rates, Stores};
use canter_http::{Clock, HttpFetcher};
use canter_tantivy::TantivyIndex;
use tokio::sync::watch;

struct OneMachine;

impl Stores for OneMachine {
    type Pages = SiteStore;
    type Frontier = SiteStore;
    type Archive = SqliteArchive;
    type Robots = Store;
    type Paces = Store;
    type Fetcher = HttpFetcher;

    const PUSH_WAITS: bool = false;

    async fn keep_scope(&self, crawl: &Crawl<Self>, scope: &Scope) -> Result<(), Failure> {
        crawl.pages.move_scope(scope).await
    }
}

struct Nobody;

impl Observer for Nobody {
    fn ended(&self, _: &Task, _: &StepResult) {}
    fn publishing(&self) {}
    fn pages(&self) -> u64 {
        0
    }
}

/// Crawls a site to its end, as fast as it goes: how its URLs ended, and what is in the index.
/// `max_loss` is none in a first crawl.
pub async fn crawl(
    site: &Site,
    folder: &Path,
    clock: Clock,
    max_loss: Option<f64>,
) -> (serde_json::Value, BTreeSet<String>) {
    let now = Arc::new(move || clock.now());
    let store = Store::open(&folder.join("state.sqlite")).unwrap();
    let (pages, _, scope) = store.begin_crawl(site, false, now.clone()).await.unwrap();
    let index = Arc::new(TantivyIndex::open(&folder.join("index")).unwrap());
    let gates = Gates::new(
        Arc::new(store.clone()),
        Arc::new(Rates::alone(None, 16)),
        clock,
    );
    let crawl = Crawl::new(CrawlParts {
        site: site.clone(),
        scope,
        id: pages.crawl(),
        rate: None,
        pages: pages.clone(),
        fetcher: Arc::new(HttpFetcher::start(super::http(site)).unwrap()),
    });
    let archive = SqliteArchive::open(&folder.join("archive.sqlite")).unwrap();
    let process = Process::new(OneMachine, Arc::new(archive), store, now).unwrap();
    let (_keep_going, stop) = watch::channel(false);
    let limits = DriveLimits {
        steps: 16,
        deadline: None,
    };
    let publisher = Publisher {
        process: Arc::new(process),
        crawl: Arc::new(crawl),
        index: Arc::clone(&index),
        max_loss,
    };
    let drive = Drive::new(publisher, Arc::new(gates), Arc::new(Nobody), stop, limits);
    assert_eq!(drive.run().await.unwrap().rest, None);
    let counts = pages.counts().await.unwrap();
    let indexed = super::indexed(&index, &site.id).await;
    (serde_json::to_value(counts).unwrap(), indexed)
}
