//! The world of one step.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use canter_core::document::Document;
use canter_core::failure::Failure;
use canter_core::ports::{FetchError, Fetcher, Frontier, IndexWriter, Refused, Request, Response};
use canter_core::robots_cache::RobotsCache;
use canter_core::scope::Scope;
use canter_core::seen::Seen;
use canter_core::site::Site;
use canter_core::task::{Task, UrlKey};
use canter_core::time::Moment;
use canter_core::world::World;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use crate::counters::{CountedGate, Counters};
use crate::crawl::{Crawl, Process, Stores};
use crate::gates::Gates;

/// The world of one step. It holds the step's place among the steps under way. It gives the place
/// up when the step only waits for other steps to share a commit, a bulk request or a message, so
/// that the wait does not block the others.
pub struct StepWorld<S: Stores> {
    process: Arc<Process<S>>,
    crawl: Arc<Crawl<S>>,
    gates: Arc<Gates<S::Paces>>,
    pages: S::Pages,
    frontier: StepFrontier<S>,
    index: StepIndex<S>,
}

/// A step's place among the steps under way.
#[derive(Clone)]
struct Place(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Place {
    fn give_up(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The frontier as one step uses it.
pub struct StepFrontier<S: Stores> {
    frontier: S::Frontier,
    counters: Arc<Counters>,
    place: Place,
}

/// The index as one step uses it.
pub struct StepIndex<S: Stores> {
    process: Arc<Process<S>>,
    counters: Arc<Counters>,
    place: Place,
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
        let place = Place(Arc::new(Mutex::new(Some(place))));
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
            index: StepIndex {
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
    type Index = StepIndex<S>;
    type Reader = S::Index;
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

    fn index(&self) -> &StepIndex<S> {
        &self.index
    }

    fn reader(&self) -> &S::Index {
        &self.process.index
    }

    fn robots(&self) -> &S::Robots {
        &self.process.robots
    }

    fn seen(&self) -> &Seen {
        &self.crawl.seen
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
        let _core = self.process.readers.acquire().await;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Failure::permanent)
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

impl<S: Stores> IndexWriter for StepIndex<S> {
    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        self.place.give_up();
        let count = documents.len() as u64;
        let being_indexed = &self.counters.being_indexed;
        being_indexed.fetch_add(count, Ordering::Relaxed);
        let put = self.process.index.put(documents).await;
        being_indexed.fetch_sub(count, Ordering::Relaxed);
        if let Err(failure) = &put {
            self.process.stores.index_failed(failure);
        }
        put
    }

    async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.place.give_up();
        self.process.index.delete(ids).await
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.process.index.flush().await
    }
}
