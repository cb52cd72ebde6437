//! The same core over the stores of one machine: what a crawl in the cloud is held against.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use canter_core::document::document_id;
use canter_core::failure::Failure;
use canter_core::pace::Tolerance;
use canter_core::ports::{FetchError, Fetcher, IndexWriter, Request, Response};
use canter_core::rulebook::Rulebook;
use canter_core::scope::Scope;
use canter_core::seen::Seen;
use canter_core::site::Site;
use canter_core::step::step;
use canter_core::time::Moment;
use canter_core::twins::duplicates;
use canter_core::world::World;
use canter_embedded::index::TantivyIndex;
use canter_embedded::store::{Popped, SiteStore, Store};
use canter_http::{Clock, HttpFetcher, PacedGate};
use tokio::time::sleep;
use url::Url;

struct OneMachine {
    site: Site,
    store: SiteStore,
    verdicts: Store,
    index: TantivyIndex,
    fetcher: HttpFetcher,
    gate: PacedGate<Store>,
    clock: Clock,
    seen: Seen,
    rulebook: Rulebook,
    sitemaps: async_lock::Semaphore,
}

/// Crawls a site to its end, as fast as it goes: how its URLs ended, and what is in the index.
pub async fn crawl(site: &Site, folder: &Path) -> (serde_json::Value, BTreeSet<String>) {
    let clock = Clock::start();
    let verdicts = Store::open(&folder.join("state.sqlite")).unwrap();
    let now = Arc::new(move || clock.now());
    let (store, _, _) = verdicts.begin_crawl(site, false, now).await.unwrap();
    let paces = Arc::new(verdicts.clone());
    let world = OneMachine {
        gate: PacedGate::new(paces, "the site", None, Tolerance::ALONE, clock),
        index: TantivyIndex::open(&folder.join("index")).unwrap(),
        fetcher: HttpFetcher::start(super::http(site)).unwrap(),
        seen: Seen::new(1_000),
        rulebook: Rulebook::default(),
        sitemaps: async_lock::Semaphore::new(1),
        site: site.clone(),
        store,
        verdicts,
        clock,
    };
    loop {
        match world.store.pop(1).await.unwrap() {
            Popped::Tasks(tasks) => {
                for task in tasks {
                    let flush = async {
                        loop {
                            sleep(Duration::from_millis(1)).await;
                            world.index.flush().await.unwrap();
                        }
                    };
                    tokio::select! {
                        end = step(&world, &task) => drop(end.unwrap()),
                        () = flush => {}
                    }
                }
            }
            Popped::Wait(_) => sleep(Duration::from_millis(50)).await,
            Popped::Empty => break,
        }
    }
    let twins = duplicates(&world.store.twins().await.unwrap());
    for (url, of) in &twins {
        let gone = world.index.delete(vec![document_id(&site.id, url)]);
        let (gone, flushed) = tokio::join!(gone, world.index.flush());
        gone.and(flushed).unwrap();
        world.store.duplicate(url, of).await.unwrap();
    }
    let counts = world.store.counts().await.unwrap();
    let indexed = super::indexed(&world.index, &site.id).await;
    (serde_json::to_value(counts).unwrap(), indexed)
}

impl World for OneMachine {
    type Pages = SiteStore;
    type Frontier = SiteStore;
    type Index = TantivyIndex;
    type Reader = TantivyIndex;
    type Robots = Store;

    fn site(&self) -> &Site {
        &self.site
    }
    fn pages(&self) -> &SiteStore {
        &self.store
    }
    fn frontier(&self) -> &SiteStore {
        &self.store
    }
    fn index(&self) -> &TantivyIndex {
        &self.index
    }
    fn reader(&self) -> &TantivyIndex {
        &self.index
    }
    fn robots(&self) -> &Store {
        &self.verdicts
    }
    fn seen(&self) -> &Seen {
        &self.seen
    }
    fn sitemaps(&self) -> &async_lock::Semaphore {
        &self.sitemaps
    }
    fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }
    fn now(&self) -> Moment {
        self.clock.now()
    }
    fn jitter(&self) -> f64 {
        0.0
    }
    fn scope(&self) -> Arc<Scope> {
        Arc::new(self.site.scope.clone())
    }
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let gate = Arc::new(self.gate.clone());
        self.fetcher.fetch(request, gate).await
    }
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        Ok(work())
    }
    async fn hold(&self, _: &Url, _: Duration) -> Result<(), Failure> {
        Ok(())
    }
    fn slow(&self, _: &Url, _: Duration) {}
    async fn move_scope(&self, _: Scope) -> Result<(), Failure> {
        Ok(())
    }
}
