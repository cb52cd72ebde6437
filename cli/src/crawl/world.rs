//! The world of one machine, as the crawl step wants it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use canter_core::document::Document;
use canter_core::failure::Failure;
use canter_core::ports::{
    FetchError, Fetcher, IndexReader, IndexWriter, Refused, Request, Response,
};
use canter_core::rulebook::Rulebook;
use canter_core::scope::Scope;
use canter_core::seen::Seen;
use canter_core::site::Site;
use canter_core::task::UrlKey;
use canter_core::time::Moment;
use canter_core::world::World;
use canter_embedded::store::{SiteStore, Store};
use canter_http::{Clock, HttpFetcher};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::gates::Gates;

/// Links that are remembered as handed on: some 6 MB.
const SEEN: usize = 200_000;

/// What all steps of a site share.
pub struct SiteWorld<I> {
    pub site: Site,
    pub store: SiteStore,
    pub index: Arc<I>,
    pub verdicts: Store,
    pub fetcher: Arc<HttpFetcher>,
    pub gates: Arc<Gates>,
    pub clock: Clock,
    /// One permit for each core: readers never outnumber them.
    pub readers: Arc<Semaphore>,
    /// Shared by all sites.
    pub sitemaps: Arc<async_lock::Semaphore>,
    pub bytes: AtomicU64,
    /// Requests that were answered or broke off, robots.txt among them.
    pub requests: AtomicU64,
    /// Pages on their way to the index.
    pub being_indexed: Arc<AtomicU64>,
    seen: Seen,
    rulebook: Arc<Rulebook>,
    scope: RwLock<Arc<Scope>>,
}

/// A site's world in the hands of one step. It holds the step's place among those under way, and
/// gives it up when the page is on its way to the index: waiting for a commit blocks nobody.
pub struct StepWorld<I> {
    shared: Arc<SiteWorld<I>>,
    index: StepIndex<I>,
}

/// The index in the hands of one step.
pub struct StepIndex<I> {
    index: Arc<I>,
    being_indexed: Arc<AtomicU64>,
    place: Mutex<Option<OwnedSemaphorePermit>>,
}

/// What a site's world is made of.
pub struct Parts<I> {
    pub site: Site,
    pub scope: Scope,
    pub store: SiteStore,
    pub index: Arc<I>,
    pub verdicts: Store,
    pub fetcher: Arc<HttpFetcher>,
    pub gates: Arc<Gates>,
    pub clock: Clock,
    pub readers: Arc<Semaphore>,
    pub sitemaps: Arc<async_lock::Semaphore>,
    /// Shared, so that sites on one host fetch its robots.txt once.
    pub rulebook: Arc<Rulebook>,
}

impl<I> SiteWorld<I> {
    pub fn new(parts: Parts<I>) -> Self {
        SiteWorld {
            site: parts.site,
            store: parts.store,
            index: parts.index,
            verdicts: parts.verdicts,
            fetcher: parts.fetcher,
            gates: parts.gates,
            clock: parts.clock,
            readers: parts.readers,
            sitemaps: parts.sitemaps,
            bytes: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            being_indexed: Arc::default(),
            seen: Seen::new(SEEN),
            rulebook: parts.rulebook,
            scope: RwLock::new(Arc::new(parts.scope)),
        }
    }
}

impl<I> StepWorld<I> {
    pub fn new(shared: &Arc<SiteWorld<I>>, place: OwnedSemaphorePermit) -> Self {
        StepWorld {
            shared: Arc::clone(shared),
            index: StepIndex {
                index: Arc::clone(&shared.index),
                being_indexed: Arc::clone(&shared.being_indexed),
                place: Mutex::new(Some(place)),
            },
        }
    }
}

impl<I: IndexReader + IndexWriter> World for StepWorld<I> {
    type Pages = SiteStore;
    type Frontier = SiteStore;
    type Index = StepIndex<I>;
    type Reader = I;
    type Robots = Store;

    fn site(&self) -> &Site {
        &self.shared.site
    }

    fn pages(&self) -> &SiteStore {
        &self.shared.store
    }

    fn frontier(&self) -> &SiteStore {
        &self.shared.store
    }

    fn index(&self) -> &StepIndex<I> {
        &self.index
    }

    fn reader(&self) -> &I {
        &self.shared.index
    }

    fn robots(&self) -> &Store {
        &self.shared.verdicts
    }

    fn seen(&self) -> &Seen {
        &self.shared.seen
    }

    fn sitemaps(&self) -> &async_lock::Semaphore {
        &self.shared.sitemaps
    }

    fn rulebook(&self) -> &Rulebook {
        &self.shared.rulebook
    }

    fn now(&self) -> Moment {
        self.shared.clock.now()
    }

    fn jitter(&self) -> f64 {
        fastrand::f64()
    }

    fn scope(&self) -> Arc<Scope> {
        let scope = self.shared.scope.read();
        Arc::clone(&scope.unwrap_or_else(PoisonError::into_inner))
    }

    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let domain = self.shared.gates.of(&request.url);
        let _place = domain.flight.acquire().await;
        let gate = Arc::new(domain.gate);
        let answer = self.shared.fetcher.fetch(request, gate).await;
        if let Ok(_) | Err(FetchError::Timeout(_) | FetchError::Broken(_)) = answer {
            self.shared.requests.fetch_add(1, Ordering::Relaxed);
        }
        let bytes = answer.as_ref().map_or(0, |response| response.bytes);
        self.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        answer
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let _core = self.shared.readers.acquire().await;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Failure::permanent)
    }

    async fn hold(&self, url: &Url, span: Duration) -> Result<(), Failure> {
        let gate = self.shared.gates.of(url).gate;
        gate.hold(self.now() + span).await
    }

    fn slow(&self, url: &Url, delay: Duration) {
        self.shared.gates.of(url).gate.slow(delay);
    }

    async fn move_scope(&self, scope: Scope) -> Result<(), Failure> {
        self.shared.store.move_scope(&scope).await?;
        let mut current = self
            .shared
            .scope
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(scope);
        Ok(())
    }
}

impl<I> StepIndex<I> {
    fn give_up_place(&self) {
        let place = self.place.lock();
        place.unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl<I: IndexWriter> IndexWriter for StepIndex<I> {
    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        self.give_up_place();
        let count = documents.len() as u64;
        self.being_indexed.fetch_add(count, Ordering::Relaxed);
        let done = self.index.put(documents).await;
        self.being_indexed.fetch_sub(count, Ordering::Relaxed);
        done
    }

    async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.give_up_place();
        self.index.delete(ids).await
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.index.flush().await
    }
}
