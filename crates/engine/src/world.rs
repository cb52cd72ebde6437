//! The world of one step.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use canter_core::archived_page::{ArchivedPage, PageLinks};
use canter_core::failure::Failure;
use canter_core::ports::{
    Archive, FetchError, Fetcher, Frontier, Place, Request, Response, Retained,
};
use canter_core::robots_cache::RobotsCache;
use canter_core::scope::Scope;
use canter_core::seen::Seen;
use canter_core::site::Site;
use canter_core::task::Task;
use canter_core::time::Moment;
use canter_core::traps::Traps;
use canter_core::world::World;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use crate::counters::{CountedGate, Counters};
use crate::crawl::{Crawl, Process, Stores, UNARCHIVED_KIB};
use crate::gates::Gates;

/// The world of one step. It holds the step's place among the steps under way. It gives the place
/// up when the step only waits for other steps to share a commit, an object or a message, so that
/// the wait does not block the others.
pub struct StepWorld<S: Stores> {
    process: Arc<Process<S>>,
    crawl: Arc<Crawl<S>>,
    gates: Arc<Gates<S::Paces>>,
    pages: S::Pages,
    frontier: StepFrontier<S>,
    archive: StepArchive<S>,
}

/// A step's place among the steps under way.
#[derive(Clone)]
struct StepPlace(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl StepPlace {
    fn give_up(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The frontier as one step uses it.
pub struct StepFrontier<S: Stores> {
    frontier: S::Frontier,
    counters: Arc<Counters>,
    place: StepPlace,
}

/// The archive as one step uses it.
pub struct StepArchive<S: Stores> {
    process: Arc<Process<S>>,
    counters: Arc<Counters>,
    place: StepPlace,
}

impl<S: Stores> StepWorld<S> {
    /// Creates the world of a step that has taken a place.
    pub fn new(
        process: &Arc<Process<S>>,
        crawl: &Arc<Crawl<S>>,
        gates: &Arc<Gates<S::Paces>>,
        (pages, frontier): (S::Pages, S::Frontier),
        place: OwnedSemaphorePermit,
    ) -> Self {
        let place = StepPlace(Arc::new(Mutex::new(Some(place))));
        StepWorld {
            process: Arc::clone(process),
            crawl: Arc::clone(crawl),
            gates: Arc::clone(gates),
            pages,
            frontier: StepFrontier {
                frontier,
                counters: Arc::clone(&crawl.counters),
                place: place.clone(),
            },
            archive: StepArchive {
                process: Arc::clone(process),
                counters: Arc::clone(&crawl.counters),
                place,
            },
        }
    }
}

impl<S: Stores> World for StepWorld<S> {
    type Pages = S::Pages;
    type Frontier = StepFrontier<S>;
    type Archive = StepArchive<S>;
    type Robots = S::Robots;

    fn site(&self) -> &Site {
        &self.crawl.site
    }

    fn pages(&self) -> &S::Pages {
        &self.pages
    }

    fn frontier(&self) -> &StepFrontier<S> {
        &self.frontier
    }

    fn archive(&self) -> &StepArchive<S> {
        &self.archive
    }

    fn robots(&self) -> &S::Robots {
        &self.process.robots
    }

    fn seen(&self) -> &Seen {
        &self.crawl.seen
    }

    fn traps(&self) -> &Traps {
        &self.crawl.traps
    }

    fn sitemaps(&self) -> &async_lock::Semaphore {
        &self.process.sitemaps
    }

    fn robots_cache(&self) -> &RobotsCache {
        &self.process.robots_cache
    }

    fn now(&self) -> Moment {
        self.process.now()
    }

    fn jitter(&self) -> f64 {
        fastrand::f64()
    }

    fn scope(&self) -> Arc<Scope> {
        self.crawl.scope()
    }

    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let domain = self.gates.of_url(&request.url, self.crawl.rate);
        let _place = domain.flight.acquire().await;
        let counters = Arc::clone(&self.crawl.counters);
        let gate = Arc::new(CountedGate {
            gate: domain.gate,
            counters,
        });
        let response = self.crawl.fetcher.fetch(request, gate).await?;
        Counters::add(&self.crawl.counters.bytes, response.bytes);
        Ok(response)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.process.readers.read(work).await
    }

    async fn hold(&self, url: &Url, span: Duration) -> Result<(), Failure> {
        let gate = self.gates.of_url(url, self.crawl.rate).gate;
        gate.hold(self.now() + span).await
    }

    fn slow(&self, url: &Url, delay: Duration) {
        self.gates.slow(url, self.crawl.rate, delay);
    }

    async fn move_scope(&self, scope: Scope) -> Result<(), Failure> {
        let stores = &self.process.stores;
        stores.keep_scope(&self.crawl, &scope).await?;
        self.crawl.set_scope(scope);
        Ok(())
    }
}

impl<S: Stores> Frontier for StepFrontier<S> {
    async fn push(&self, tasks: Vec<Task>, delay: Duration) -> Result<(), Failure> {
        if S::PUSH_WAITS {
            self.place.give_up();
        }
        let new = tasks.iter().filter(|task| task.attempts == 0).count();
        self.frontier.push(tasks, delay).await?;
        if delay.is_zero() {
            Counters::add(&self.counters.found, new as u64);
        }
        Ok(())
    }
}

impl<S: Stores> Archive for StepArchive<S> {
    async fn put(&self, page: ArchivedPage) -> Result<Place, Failure> {
        let size = u32::try_from(page.page.text.len() / 1024 + 1).unwrap_or(u32::MAX);
        let room = self
            .process
            .unarchived
            .acquire_many(size.min(UNARCHIVED_KIB));
        let _room = room.await;
        self.place.give_up();
        let being_archived = &self.counters.being_archived;
        being_archived.fetch_add(1, Ordering::Relaxed);
        let put = self.process.archive.put(page).await;
        being_archived.fetch_sub(1, Ordering::Relaxed);
        put
    }

    async fn get(
        &self,
        site: &str,
        places: &[Place],
    ) -> Result<Vec<Option<ArchivedPage>>, Failure> {
        self.process.archive.get(site, places).await
    }

    async fn links(&self, site: &str, places: &[Place]) -> Result<Vec<Option<PageLinks>>, Failure> {
        self.process.archive.links(site, places).await
    }

    async fn retain(&self, site: &str, places: Vec<Place>) -> Result<Retained, Failure> {
        self.process.archive.retain(site, places).await
    }

    async fn forget(&self, site: &str) -> Result<(), Failure> {
        self.process.archive.forget(site).await
    }
}
