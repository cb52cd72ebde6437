//! Everything that a step of a crawl needs from outside, in one place.

use std::sync::Arc;
use std::time::Duration;

use async_lock::Semaphore;
use url::Url;

use crate::failure::Failure;
use crate::ports::{Archive, FetchError, Frontier, Pages, Request, Response, Robots};
use crate::robots_cache::RobotsCache;
use crate::scope::Scope;
use crate::seen::Seen;
use crate::site::Site;
use crate::time::Moment;
use crate::traps::Traps;

/// Everything that a step needs from outside, for one site.
pub trait World: Send + Sync {
    /// The page store.
    type Pages: Pages;
    /// The frontier.
    type Frontier: Frontier;
    /// The archive.
    type Archive: Archive;
    /// Stored robots.txt policies.
    type Robots: Robots;

    /// Returns the site that is crawled.
    fn site(&self) -> &Site;
    /// Returns the page store.
    fn pages(&self) -> &Self::Pages;
    /// Returns the frontier.
    fn frontier(&self) -> &Self::Frontier;
    /// Returns the archive.
    fn archive(&self) -> &Self::Archive;
    /// Returns the stored robots.txt policies.
    fn robots(&self) -> &Self::Robots;
    /// Returns the links that this process has handed on.
    fn seen(&self) -> &Seen;
    /// Returns what this process has met of traps.
    fn traps(&self) -> &Traps;
    /// Returns the permits for sitemaps that are fetched and read at the same time. Their number is
    /// limited since each sitemap may take [`crate::sitemap::MAX_BYTES`] of memory, and its entries
    /// half as much.
    fn sitemaps(&self) -> &Semaphore;
    /// Returns the cache that holds the robots.txt of every authority.
    fn robots_cache(&self) -> &RobotsCache;
    /// Returns the time since the Unix epoch.
    fn now(&self) -> Moment;
    /// Returns a random number from 0 to 1.
    fn jitter(&self) -> f64;
    /// Returns the current scope of the site, which a seed's redirect may move.
    fn scope(&self) -> Arc<Scope>;

    /// Makes a request in a slot of its domain.
    fn fetch(&self, request: Request) -> impl Future<Output = Result<Response, FetchError>> + Send;
    /// Runs the work of reading an answer away from the threads that fire slots.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send;
    /// Holds the URL's domain: no process starts a request to it for this time.
    fn hold(&self, url: &Url, span: Duration) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Keeps the starts of requests to the URL's domain at least this far apart (`Crawl-delay`).
    fn slow(&self, url: &Url, delay: Duration);
    /// Moves the site's scope permanently.
    fn move_scope(&self, scope: Scope) -> impl Future<Output = Result<(), Failure>> + Send;
}
