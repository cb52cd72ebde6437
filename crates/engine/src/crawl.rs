//! The state that the steps of a crawl share, and the state that all crawls of a process share.

use std::sync::{Arc, PoisonError, RwLock};

use canter_core::failure::Failure;
use canter_core::pace::Rate;
use canter_core::ports::{Archive, Fetcher, Frontier, Paces, Pages, Robots};
use canter_core::robots_cache::RobotsCache;
use canter_core::scope::Scope;
use canter_core::seen::Seen;
use canter_core::site::Site;
use canter_core::time::Moment;
use canter_core::traps::Traps;
use tokio::sync::Semaphore;

use crate::counters::Counters;
use crate::readers::Readers;

/// Maximum number of links of a crawl that are remembered as handed on; they take some 6 MB.
const SEEN: usize = 200_000;
/// Maximum size of the texts of pages that the archive does not have yet, in KiB. A disk may stall
/// for long, and a site go on answering.
pub(crate) const UNARCHIVED_KIB: u32 = 32 << 10;
/// Maximum number of sitemaps in memory at the same time.
const SITEMAPS: usize = 3;

/// The adapters of a world.
pub trait Stores: Send + Sync + Sized + 'static {
    /// The page store of a crawl.
    type Pages: Pages + 'static;
    /// The frontier of a crawl.
    type Frontier: Frontier + 'static;
    /// The archive.
    type Archive: Archive + 'static;
    /// The store of robots.txt policies.
    type Robots: Robots + 'static;
    /// The store of paces.
    type Paces: Paces + 'static;
    /// The HTTP client.
    type Fetcher: Fetcher + 'static;

    /// Whether a push waits for other pushes to share a message with. A step that waits so gives
    /// its place to another step.
    const PUSH_WAITS: bool;

    /// Stores a scope that a seed's redirect has moved, for the process that continues the crawl.
    fn keep_scope(
        &self,
        crawl: &Crawl<Self>,
        scope: &Scope,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The state that all crawls of a process share.
pub struct Process<S: Stores> {
    pub(crate) stores: S,
    pub(crate) archive: Arc<S::Archive>,
    pub(crate) robots: S::Robots,
    /// Rules of robots.txt files. Sites on one host share them, so that its robots.txt is fetched
    /// once.
    pub(crate) robots_cache: RobotsCache,
    pub(crate) now: Arc<dyn Fn() -> Moment + Send + Sync>,
    pub(crate) readers: Readers,
    /// Room for pages that the archive does not have yet, in KiB of their texts.
    pub(crate) unarchived: Semaphore,
    pub(crate) sitemaps: async_lock::Semaphore,
}

impl<S: Stores> Process<S> {
    /// Creates the state of a process. `now` returns the time since the Unix epoch.
    ///
    /// # Errors
    ///
    /// Returns a transient failure if the threads that read pages cannot be started.
    pub fn new(
        stores: S,
        archive: Arc<S::Archive>,
        robots: S::Robots,
        now: Arc<dyn Fn() -> Moment + Send + Sync>,
    ) -> Result<Self, Failure> {
        Ok(Process {
            stores,
            archive,
            robots,
            robots_cache: RobotsCache::default(),
            now,
            readers: Readers::new()?,
            unarchived: Semaphore::new(UNARCHIVED_KIB as usize),
            sitemaps: async_lock::Semaphore::new(SITEMAPS),
        })
    }

    /// Returns the archive.
    pub fn archive(&self) -> &Arc<S::Archive> {
        &self.archive
    }

    /// Returns the time since the Unix epoch.
    pub fn now(&self) -> Moment {
        (self.now)()
    }
}

/// The parts of a [`Crawl`].
pub struct CrawlParts<S: Stores> {
    /// The site that is crawled.
    pub site: Site,
    /// Current scope of the site.
    pub scope: Scope,
    /// Id of the crawl.
    pub id: u64,
    /// Rate of the site's domains; `None` for no limit.
    pub rate: Option<Rate>,
    /// The page store.
    pub pages: S::Pages,
    /// The HTTP client.
    pub fetcher: Arc<S::Fetcher>,
}

/// A crawl of one site, shared by its steps.
pub struct Crawl<S: Stores> {
    /// The site that is crawled.
    pub site: Site,
    /// Id of the crawl.
    pub id: u64,
    /// Rate of the site's domains; `None` for no limit.
    pub rate: Option<Rate>,
    /// The page store.
    pub pages: S::Pages,
    /// Counters of the work of the crawl's steps.
    pub counters: Arc<Counters>,
    pub(crate) seen: Seen,
    pub(crate) traps: Traps,
    pub(crate) fetcher: Arc<S::Fetcher>,
    scope: RwLock<Arc<Scope>>,
}

impl<S: Stores> Crawl<S> {
    /// Creates a crawl that has done nothing in this process yet.
    pub fn new(parts: CrawlParts<S>) -> Self {
        Crawl {
            site: parts.site,
            id: parts.id,
            rate: parts.rate,
            pages: parts.pages,
            counters: Arc::default(),
            seen: Seen::new(SEEN),
            traps: Traps::default(),
            fetcher: parts.fetcher,
            scope: RwLock::new(Arc::new(parts.scope)),
        }
    }

    /// Returns the current scope of the site, which a seed's redirect may have moved.
    pub fn scope(&self) -> Arc<Scope> {
        let scope = self.scope.read();
        Arc::clone(&scope.unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_scope(&self, scope: Scope) {
        let mut current = self.scope.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(scope);
    }
}
