//! What publishing needs to know of a URL, and the part of the page store that knows it.

use std::collections::HashMap;
use std::future::Future;

use url::Url;

use crate::absence::{Absence, Signal};
use crate::failure::Failure;
use crate::fingerprint::Fingerprint;
use crate::ports::Place;
use crate::task::{Outcome, UrlKey};

/// A version of a page in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Where the archive holds it.
    pub place: Place,
}

/// The version of a page that the index shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The version.
    pub kept: Kept,
    /// Number of the write into the index; see [`crate::document::Write`].
    pub write: u64,
    /// Digest of the inbound links that were written; [`UNCOUNTED`] if they were not counted.
    pub inlinks: u64,
}

/// Stands for the digest of inbound links that were not counted. No digest has this value but by a
/// chance of one in 10^19, which would cost a write.
pub const UNCOUNTED: u64 = u64::MAX;

/// Stands for the digest of inbound links that were written before digests were noted. They are
/// written again when links are counted the next time.
pub const UNNOTED: u64 = 0;

/// Stands for the digest of a page that is to be written anew.
pub(super) const ANEW: u64 = UNCOUNTED - 1;

/// The row of a URL that has a page, in the archive or in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRow {
    /// The URL.
    pub url: Url,
    /// The newest version in the archive.
    pub newest: Option<Kept>,
    /// The version that the index shows.
    pub published: Option<Published>,
    /// Target of the newest version's `rel=canonical`, if it is in scope and another URL.
    pub canonical: Option<Url>,
    /// What this crawl saw; none if it has not finished the URL.
    pub signal: Option<Signal>,
    /// For how long the page has been absent.
    pub absence: Option<Absence>,
}

/// The rows that a publishing looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// All rows with a page, in any order.
    All,
    /// At most this number of rows that this crawl has finished and whose page was never
    /// published.
    Unpublished(usize),
}

/// A change of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// The index shows this version.
    Shown(Published),
    /// The index no longer shows the page, and the archive need not keep it: the next crawl fetches
    /// it whole. The outcome of the row changes if one is given.
    Out(Option<Outcome>),
    /// The task has another outcome.
    Ended(Outcome),
    /// The archive has moved versions of the page.
    Moved {
        /// From where to where it has moved the newest version.
        newest: Option<(Place, Place)>,
        /// From where to where it has moved the published version.
        published: Option<(Place, Place)>,
    },
    /// The archive has lost the newest version: the next crawl fetches the page whole. What the
    /// index shows stays.
    Lost,
    /// The newest version may be the site's mistake: the next crawl fetches the page whole.
    Doubted,
    /// The URL is no longer of the site.
    Forgotten,
}

/// The page store's part in publishing.
pub trait PublishedPages: Send + Sync {
    /// Returns rows of the site.
    fn rows(&self, rows: Rows) -> impl Future<Output = Result<Vec<PageRow>, Failure>> + Send;

    /// Returns the redirects of this crawl, each with its target.
    fn redirects(&self) -> impl Future<Output = Result<HashMap<UrlKey, UrlKey>, Failure>> + Send;

    /// Changes rows. Each change is durable when the call resolves, and may be repeated.
    fn mark(&self, marks: Vec<(UrlKey, Mark)>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Forgets the URLs without a page that only older crawls know. May be called only when this
    /// crawl has no task left.
    fn forget_older(&self) -> impl Future<Output = Result<u64, Failure>> + Send;
}
