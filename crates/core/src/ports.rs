//! What the core wants of the world: one atomic verb each, in the core's own types.
//!
//! Every adapter of a port is held to the same contract suite. A [`Failure`] says what the caller
//! can do; a refusal is a value.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::document::{Document, Stored};
use crate::failure::Failure;
use crate::pace::{Grant, Pace};
use crate::robots::Verdict;
use crate::task::{Kind, Outcome, Skip, Task, UrlKey};
use crate::time::Moment;

/// A worker has so long to fetch a robots.txt before another one tries.
pub const FETCHING: Duration = Duration::from_secs(60);

/// A future behind a pointer, where a port is called through `dyn`.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Name and value pairs of a request or response head; names compare without case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a header, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// One exchange to make: always a GET.
#[derive(Debug, Clone)]
pub struct Request {
    /// Absolute http(s) URL without a fragment.
    pub url: Url,
    /// Headers beside the ones that every request carries.
    pub headers: Headers,
    /// Most bytes of the decoded body that are read.
    pub max_bytes: usize,
    /// From the request's start to the body's last byte.
    pub timeout: Duration,
    /// Says from the head whether the body is wanted at all.
    pub wants_body: fn(&Head) -> bool,
}

/// Status line and headers of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Status code, 200 to 599.
    pub status: u16,
    /// As received; a value that is no UTF-8 has its stray bytes replaced.
    pub headers: Headers,
}

/// An answer. A redirect is an answer like any other.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status and headers.
    pub head: Head,
    /// Decoded body; empty when it was not wanted.
    pub body: Vec<u8>,
    /// The body was longer than `max_bytes` and was cut there.
    pub cut: bool,
    /// When the request started, since the Unix epoch.
    pub started: Moment,
    /// From the start to the last byte.
    pub took: Duration,
    /// Bytes received for the body, decoded.
    pub bytes: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The gate was closed before the request started; nothing was sent.
    #[error("the crawl was stopped")]
    Closed,
    /// The host is, or resolves to, an address that may not be dialled.
    #[error("{0} is a private address")]
    PrivateAddress(String),
    /// The name does not resolve.
    #[error("no such host: {0}")]
    NoSuchHost(String),
    /// No connection: refused, unreachable, reset.
    #[error("cannot connect to {0}")]
    Connect(String),
    /// No trusted TLS connection.
    #[error("TLS error: {0}")]
    Tls(String),
    /// The time limit passed.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// The answer broke off or is no HTTP.
    #[error("broken answer: {0}")]
    Broken(String),
}

/// Lets requests of one domain start. Shared by all requests of the domain in this process.
pub trait Gate: Send + Sync {
    /// Resolves when the next slot is at most `lead` away and few others are ahead, so that a
    /// connection that takes `lead` to open is ready in time. Drop the approach to let others in.
    fn near(&self, lead: Duration) -> Boxed<'_, Result<Approach, FetchError>>;

    /// Takes the next slot and resolves within it: the request must start at once. Returns the
    /// start, since the Unix epoch.
    fn slot(&self) -> Boxed<'_, Result<Moment, FetchError>>;
}

/// A place near the front of a gate, given back when dropped.
pub struct Approach(#[expect(dead_code, reason = "held for its drop")] Box<dyn Send + Sync>);

impl Approach {
    /// Keeps `place` until the approach ends.
    pub fn new(place: impl Send + Sync + 'static) -> Self {
        Approach(Box::new(place))
    }
}

/// Makes one exchange. Follows no redirect, keeps connections, refuses private addresses.
pub trait Fetcher: Send + Sync {
    /// Sends the request in a slot of the gate, on a ready connection, exactly once a slot.
    fn fetch(
        &self,
        request: Request,
        gate: std::sync::Arc<dyn Gate>,
    ) -> impl Future<Output = Result<Response, FetchError>> + Send;
}

/// A document that an index will never take, whoever asks: the others of its batch are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The document.
    pub id: UrlKey,
    /// The index's reason, one phrase for a person.
    pub why: String,
}

/// An index as a crawl writes it.
pub trait IndexWriter: Send + Sync {
    /// Puts documents in the place of older versions of them; resolves when they are durable.
    /// A document that is refused is none of the call's failures.
    fn put(
        &self,
        documents: Vec<Document>,
    ) -> impl Future<Output = Result<Vec<Refused>, Failure>> + Send;

    /// Takes documents out; resolves when that is durable. Unknown ids are no error.
    fn delete(&self, ids: Vec<UrlKey>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Makes what was put and deleted durable now, and not with the next batch.
    fn flush(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The documents that an index holds, as they were put. Searching is a port of its own, in
/// `canter-ranking`.
pub trait IndexReader: Send + Sync {
    /// The stored form of one document.
    fn get(&self, id: UrlKey) -> impl Future<Output = Result<Option<Stored>, Failure>> + Send;

    /// How many documents a site has.
    fn count(&self, site: &str) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// The ids of all documents of a site, in any order, as they were at the call.
    fn ids(&self, site: &str) -> impl Future<Output = Result<Vec<UrlKey>, Failure>> + Send;

    /// Gives each document of a site in the order of the ids, as they were at the call; ends at
    /// the first failure of `each`.
    fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The stored next free slot of each domain, shared by all workers.
pub trait Paces: Send + Sync {
    /// Decides by [`crate::pace::grant`] and stores the new record in one atomic step.
    fn lease(
        &self,
        domain: &str,
        now: Moment,
        pace: Pace,
        count: u32,
    ) -> impl Future<Output = Result<Grant, Failure>> + Send;

    /// Lets no slot of the domain lie before `until`, for any worker (`Retry-After`).
    fn hold(&self, domain: &str, until: Moment)
    -> impl Future<Output = Result<(), Failure>> + Send;

    /// Until when the domain is held, if it ever was; may lie in the past.
    fn held(&self, domain: &str) -> impl Future<Output = Result<Option<Moment>, Failure>> + Send;
}

/// A link on its way to become a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Normalised and in scope.
    pub url: Url,
    /// Depth of the task.
    pub depth: u32,
    /// Redirects in a row so far.
    pub hops: u8,
    /// When set, the URL is not to be fetched: it is recorded and its task ends at once.
    pub skip: Option<Skip>,
    /// What is expected there.
    pub kind: Kind,
    /// When it last changed, as a sitemap says; nothing relies on it.
    pub lastmod: Option<Moment>,
}

impl Claim {
    /// A page to fetch.
    pub fn page(url: Url, depth: u32) -> Self {
        Claim {
            url,
            depth,
            hops: 0,
            skip: None,
            kind: Kind::Page,
            lastmod: None,
        }
    }
}

/// What became of the claims of a parent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Of the links that are now the parent's.
    pub tasks: Vec<Task>,
    /// Links that no claim of this crawl will win again: they are finished, or safely in the
    /// frontier. One that another parent has claimed and not pushed is none of them, since that
    /// parent may die and claim again.
    pub settled: Vec<UrlKey>,
}

/// What an earlier crawl left about a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// `ETag` of the copy in the index.
    pub etag: Option<String>,
    /// `Last-Modified` of the copy in the index.
    pub last_modified: Option<String>,
    /// Hash of the body of the copy in the index; none when no copy is there.
    pub indexed: Option<UrlKey>,
    /// Target of the `rel=canonical` of the copy in the index, when it is in scope.
    pub canonical: Option<Url>,
    /// Crawls in a row in which the page was missing.
    pub misses: u32,
}

/// The end of a task, as the page store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// How it ended.
    pub outcome: Outcome,
    /// What is known for the next crawl.
    pub known: Known,
    /// The last answer; none when there was none.
    pub exchange: Option<Exchange>,
}

/// What a request came to, in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Status code.
    pub status: u16,
    /// When the request started, since the Unix epoch.
    pub started: Moment,
    /// From the start to the last byte.
    pub took: Duration,
    /// Bytes of the body, decoded.
    pub bytes: u64,
}

impl Exchange {
    /// The figures of an answer.
    pub fn of(response: &Response) -> Self {
        Exchange {
            status: response.head.status,
            started: response.started,
            took: response.took,
            bytes: response.bytes,
        }
    }
}

/// What is known about every URL: exactly one row a URL and site.
pub trait Pages: Send + Sync {
    /// Begins a task: what is known of its URL, or nothing when the task is to be dropped (its
    /// page is finished in this crawl, or the crawl is an older one).
    fn begin(&self, task: &Task) -> impl Future<Output = Result<Option<Known>, Failure>> + Send;

    /// Makes tasks of those links that are now the parent's: absent, or of an older crawl, or
    /// claimed by this same parent and not finished. So a parent that died between claiming and
    /// pushing gets its children again. A claim with [`Claim::skip`] is finished at once and
    /// gives no task.
    fn claim(
        &self,
        parent: &Task,
        links: Vec<Claim>,
    ) -> impl Future<Output = Result<Claimed, Failure>> + Send;

    /// Ends a task. Ending it twice is no error; the first end stays.
    fn finish(
        &self,
        task: &Task,
        finish: Finish,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What is known of an authority's robots.txt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// The verdict, and when it was fetched.
    Known(Verdict, Moment),
    /// None that is new enough: the caller is to fetch it and to save what it says.
    Fetch,
    /// None that is new enough, and another worker is fetching it now.
    Busy,
}

/// Verdicts of robots.txt files, shared by all workers.
pub trait Robots: Send + Sync {
    /// The verdict of an authority, unless it was fetched before `since`. Where several workers
    /// ask at the same time, one is to fetch it; when it has not saved a verdict within
    /// [`FETCHING`], another one is.
    fn load(
        &self,
        authority: &str,
        since: Moment,
        now: Moment,
    ) -> impl Future<Output = Result<Loaded, Failure>> + Send;

    /// Lets another worker fetch a robots.txt at once that this one was to fetch and did not. A
    /// store that knows of one worker only has nothing to do.
    fn release(&self, _authority: &str) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }

    /// Keeps a verdict.
    fn save(
        &self,
        authority: &str,
        verdict: &Verdict,
        fetched_at: Moment,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Tasks that wait.
pub trait Frontier: Send + Sync {
    /// Makes tasks wait until `delay` has passed. A task that is waiting already is moved.
    fn push(
        &self,
        tasks: Vec<Task>,
        delay: Duration,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
