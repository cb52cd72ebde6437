//! Everything that a crawl wants of the world, in one place.

use std::sync::Arc;
use std::time::Duration;

use async_lock::Semaphore;
use url::Url;

use crate::failure::Failure;
use crate::ports::{
    FetchError, Frontier, IndexReader, IndexWriter, Pages, Request, Response, Robots,
};
use crate::rulebook::Rulebook;
use crate::scope::Scope;
use crate::seen::Seen;
use crate::site::Site;
use crate::time::Moment;

/// Everything that a step wants of the world, for one site.
pub trait World: Send + Sync {
    /// The page store.
    type Pages: Pages;
    /// The frontier.
    type Frontier: Frontier;
    /// The index.
    type Index: IndexWriter;
    /// See [`IndexReader`].
    type Reader: IndexReader;
    /// Stored robots.txt verdicts.
    type Robots: Robots;

    /// The site that is crawled.
    fn site(&self) -> &Site;
    /// The page store.
    fn pages(&self) -> &Self::Pages;
    /// The frontier.
    fn frontier(&self) -> &Self::Frontier;
    /// The index.
    fn index(&self) -> &Self::Index;

    /// What the index holds already.
    fn reader(&self) -> &Self::Reader;
    /// Stored robots.txt verdicts.
    fn robots(&self) -> &Self::Robots;
    /// Links that this process has handed on.
    fn seen(&self) -> &Seen;
    /// Places for sitemaps that are fetched and read at the same time, since each may take
    /// [`crate::sitemap::MAX_BYTES`] of memory, and what it lists half as much.
    fn sitemaps(&self) -> &Semaphore;
    /// robots.txt of every authority.
    fn rulebook(&self) -> &Rulebook;
    /// Time since the Unix epoch.
    fn now(&self) -> Moment;
    /// A random number from 0 to 1.
    fn jitter(&self) -> f64;
    /// What belongs to the site now; a seed's redirect may move it.
    fn scope(&self) -> Arc<Scope>;

    /// Makes a request in a slot of its domain.
    fn fetch(&self, request: Request) -> impl Future<Output = Result<Response, FetchError>> + Send;
    /// Does the work of reading an answer, away from the threads that fire slots.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send;
    /// Starts nothing on the URL's domain for this long, in any process.
    fn hold(&self, url: &Url, span: Duration) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Keeps starts on the URL's domain at least this far apart (`Crawl-delay`).
    fn slow(&self, url: &Url, delay: Duration);
    /// Moves the site's scope for good.
    fn move_scope(&self, scope: Scope) -> impl Future<Output = Result<(), Failure>> + Send;
}
