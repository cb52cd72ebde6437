//! Brings the index to what the archive says.
//!
//! A crawl only fills the archive. Publishing decides what the index is to show of each page
//! ([`decide`]), checks that a refresh has seen the site and not an outage ([`check`]), counts the
//! links between the pages, and writes each page that differs once. The index itself tells what it
//! holds, so an index that was lost, in part or as a whole, is filled again. Every part may be
//! interrupted and repeated.

mod changes;
mod check;
mod decide;
mod row;
mod show;
#[cfg(test)]
mod tests;
mod unlinked;
mod write;

use std::collections::{HashMap, HashSet};

pub use changes::{Change, Changes};
pub use check::Held;
use row::ANEW;
pub use row::{Kept, Mark, PageRow, Published, PublishedPages, Rows, UNCOUNTED, UNNOTED};

use crate::document::document_id;
use crate::failure::Failure;
use crate::ports::{Archive, IndexReader, IndexWriter};
use crate::redirect_loops::redirect_loops;
use crate::task::{Skip, UrlKey};

use check::{Allowance, check};
use decide::{Progress, Target, decide};
use write::Writer;

/// Maximum share of the published pages that a refresh may lose, in percent, unless its user gives
/// another one.
pub const MAX_LOSS: f64 = 10.0;

/// Number of pages that are read from the archive at a time.
const READ: usize = 64;
/// Number of changes that are made at a time.
const BATCH: usize = 1_000;

/// When a publishing takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// While a first crawl goes on. Shows at most this number of new pages; their links are
    /// counted later.
    Early(usize),
    /// While a refresh goes on: shows the pages that it has seen so far.
    Portion,
    /// When a crawl has come to rest before it has seen every page.
    Resting,
    /// When a crawl has seen every page.
    Ended,
    /// At any time: shows what was published before, each page written anew.
    Again,
    /// At any time, also while a crawl goes on: shows what was published before where the index has
    /// lost it.
    Lost,
}

/// How to publish.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// When it takes place.
    pub when: When,
    /// Maximum share of the published pages that may be lost, in percent, where 100 allows
    /// everything; `None` for a first crawl, which replaces nothing.
    pub max_loss: Option<f64>,
    /// Number of pages that earlier publishings of the same crawl have lost; see [`Changes::lost`].
    pub lost: u64,
    /// Whether links are counted. Without them a page that differs is shown without its inbound
    /// links, until a later publishing counts them.
    pub links: bool,
}

impl How {
    /// Returns the maximum share of the published pages that may be lost, in percent; `None` if
    /// everything may be: nothing is lost then, since whoever allows it has seen it.
    fn limit(&self) -> Option<f64> {
        self.max_loss.filter(|most| *most < 100.0)
    }
}

/// What came of a publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The index shows what the archive says.
    Published(Box<Changes>),
    /// Nothing was published, since too much would be lost.
    Held(Held),
    /// The time is over. The next call goes on.
    Part(Box<Changes>),
}

/// Publishes a site, as long as `in_time` returns true.
///
/// # Errors
///
/// Returns the errors of the page store, of the archive and of the index. Changes made before the
/// error stay, and they are correct.
pub async fn publish(
    site: &str,
    pages: &impl PublishedPages,
    archive: &impl Archive,
    index: &(impl IndexReader + IndexWriter),
    how: How,
    in_time: impl Fn() -> bool + Send + Sync,
) -> Result<Done, Failure> {
    let publishing = Publishing {
        site,
        pages,
        archive,
        index,
        how,
        in_time,
    };
    let progress = match how.when {
        When::Early(most) => return Box::pin(publishing.early(most)).await,
        When::Again => return Box::pin(publishing.again()).await,
        When::Lost => return Box::pin(publishing.lost()).await,
        When::Portion => Progress::Part { fold: false },
        // Nothing is lost by folding what a first crawl has published.
        When::Resting => Progress::Part {
            fold: how.max_loss.is_none(),
        },
        When::Ended => Progress::Whole,
    };
    // The largest of all futures, which others would hold and move.
    Box::pin(publishing.crawled(progress)).await
}

struct Publishing<'a, P, A, I, T> {
    site: &'a str,
    pages: &'a P,
    archive: &'a A,
    index: &'a I,
    how: How,
    in_time: T,
}

/// What a publishing is to do.
struct Plan<'a> {
    rows: &'a [PageRow],
    /// What the index is to show of each row.
    targets: &'a [Target],
    /// Numbers of the rows whose pages count as lost when they are published so.
    lost: HashSet<usize>,
    /// Ids in the index that no row knows of.
    strays: Vec<UrlKey>,
}

/// The write of each page that the index holds.
type There = HashMap<UrlKey, u64>;

impl<P, A, I, T> Publishing<'_, P, A, I, T>
where
    P: PublishedPages,
    A: Archive,
    I: IndexReader + IndexWriter,
    T: Fn() -> bool + Send + Sync,
{
    /// Shows new pages without their inbound links.
    async fn early(&self, most: usize) -> Result<Done, Failure> {
        let rows = self.pages.rows(Rows::Unpublished(most)).await?;
        let mut changes = Changes::default();
        let mut writer = Writer::new(self.site, self.pages, self.archive, self.index);
        for row in &rows {
            let newest = row.newest.as_ref().filter(|_| row.published.is_none());
            if let Some(kept) = newest {
                changes.new.add(&row.url);
                writer.write(row, kept, None, None).await?;
            }
        }
        writer.end().await?;
        Ok(Done::Published(Box::new(changes)))
    }

    /// Writes what is published anew. All of it is marked first, in the order in which it is
    /// written, so that a call after an interrupted one goes on where that one was.
    async fn again(&self) -> Result<Done, Failure> {
        let mut rows = self.pages.rows(Rows::All).await?;
        rows.sort_unstable_by_key(|row| document_id(self.site, &row.url));
        let last = rows.iter().rev().find_map(|row| row.published.as_ref());
        if last.is_none_or(|published| published.inlinks != ANEW) {
            let published = rows.iter_mut().filter_map(|row| {
                let published = row.published.as_mut()?;
                published.inlinks = ANEW;
                Some((UrlKey::of(&row.url), Mark::Shown(published.clone())))
            });
            let marks: Vec<_> = published.collect();
            for batch in marks.chunks(BATCH) {
                self.pages.mark(batch.to_vec()).await?;
            }
        }
        let same = vec![Target::Same; rows.len()];
        let there = self.there().await?;
        let plan = Plan {
            rows: &rows,
            targets: &same,
            lost: HashSet::new(),
            strays: strays(self.site, &rows, &there),
        };
        let done = self.show(&plan, &there).await?;
        if let Done::Published(_) = done {
            self.tidy(&rows, &same).await?;
        }
        Ok(done)
    }

    /// Writes what is published and the index does not hold.
    async fn lost(&self) -> Result<Done, Failure> {
        let rows = self.pages.rows(Rows::All).await?;
        let there = self.there().await?;
        let is_lost = |row: &PageRow| {
            let published = row.published.as_ref();
            let held = there.get(&document_id(self.site, &row.url));
            published.is_some_and(|published| held != Some(&published.write))
        };
        if !rows.iter().any(is_lost) {
            return Ok(Done::Published(Box::default()));
        }
        let plan = Plan {
            rows: &rows,
            targets: &vec![Target::Same; rows.len()],
            lost: HashSet::new(),
            strays: Vec::new(),
        };
        self.show(&plan, &there).await
    }

    /// Publishes what a crawl has seen.
    async fn crawled(&self, progress: Progress) -> Result<Done, Failure> {
        let rows = self.pages.rows(Rows::All).await?;
        let redirects = self.pages.redirects().await?;
        let there = self.there().await?;
        let mut targets = decide(&rows, &redirects, progress);
        if !self.settle_unlinked(&rows, &mut targets).await? {
            return Ok(Done::Part(Box::default()));
        }
        let whole = progress == Progress::Whole;
        // What a first crawl finds in the index may be another folder's.
        let strays = match self.how.max_loss {
            Some(_) if whole => strays(self.site, &rows, &there),
            _ => Vec::new(),
        };
        let mut lost = HashSet::new();
        if let Some(most) = self.how.limit() {
            let allowance = Allowance {
                most,
                before: self.how.lost,
                strays: strays.len() as u64,
            };
            match check(&rows, &targets, allowance) {
                Ok(now) => lost = now,
                Err(held) => {
                    if whole {
                        self.doubt(&rows).await?;
                        self.tidy(&rows, &vec![Target::Same; rows.len()]).await?;
                    }
                    return Ok(Done::Held(held));
                }
            }
        }
        let plan = Plan {
            rows: &rows,
            targets: &targets,
            lost,
            strays,
        };
        let done = self.show(&plan, &there).await?;
        if whole && matches!(done, Done::Published(_)) {
            self.tidy(&rows, &targets).await?;
            self.end_redirect_loops(&redirects).await?;
            self.pages.forget_older().await?;
        }
        Ok(done)
    }

    /// Returns the write of each page that the index holds.
    async fn there(&self) -> Result<There, Failure> {
        Ok(self.index.versions(self.site).await?.into_iter().collect())
    }

    /// Has pages asked for whole that a refresh found changed and did not publish: a server may say
    /// of them that nothing has changed since, although the site is itself again.
    async fn doubt(&self, rows: &[PageRow]) -> Result<(), Failure> {
        let version = |kept: &Kept| kept.fingerprint.version;
        let doubted = rows.iter().filter(|row| {
            let published = row.published.as_ref().map(|it| version(&it.kept));
            published.is_some() && published != row.newest.as_ref().map(version)
        });
        let marks: Vec<_> = doubted
            .map(|row| (UrlKey::of(&row.url), Mark::Doubted))
            .collect();
        for batch in marks.chunks(BATCH) {
            self.pages.mark(batch.to_vec()).await?;
        }
        Ok(())
    }

    /// Ends the tasks of redirect loops as skipped.
    async fn end_redirect_loops(&self, redirects: &HashMap<UrlKey, UrlKey>) -> Result<(), Failure> {
        let looping = redirect_loops(redirects).into_iter();
        let ended = looping.map(|key| (key, Mark::Ended(Skip::RedirectLoop.into())));
        self.pages.mark(ended.collect()).await
    }
}

/// Returns the ids of pages in the index that no row knows of.
fn strays(site: &str, rows: &[PageRow], there: &There) -> Vec<UrlKey> {
    let known = rows.iter().map(|row| document_id(site, &row.url));
    let known: HashSet<UrlKey> = known.collect();
    let strays = there.keys().filter(|id| !known.contains(id));
    strays.copied().collect()
}
