//! The end of a crawl: what can be decided only when all pages are known.
//!
//! When no task is left, pages that only older crawls came to leave the index, redirect loops are
//! told apart from redirects, duplicates are folded, and the index learns what the pages say about
//! each other. A crawl that merely rests has its duplicates folded, since people search meanwhile;
//! the rest waits for its end. Every part may be cut off and done again.

use std::collections::HashMap;
use std::future::Future;

use futures_util::future::join;
use url::Url;

use crate::document::document_id;
use crate::duplicates::{Candidate, duplicates};
use crate::failure::Failure;
use crate::link_pass::{Passed, link_pass, parts};
use crate::ports::{Boxed, IndexReader, IndexWriter};
use crate::redirect_loops::redirect_loops;
use crate::task::{Outcome, Skip, UrlKey};

/// Maximum number of pages that leave the index in one write.
const BATCH: usize = 1_000;

/// Deals with some URLs; see [`PagesAtEnd::forget_leftovers`].
pub type Each<'a> = dyn Fn(Vec<Url>) -> Boxed<'a, Result<(), Failure>> + Send + Sync + 'a;

/// What the end of a crawl asks of the page store.
pub trait PagesAtEnd: Send + Sync {
    /// Forgets the URLs that only older crawls came to. They go in batches of at most `batch`, each
    /// after `each` has dealt with it: their pages may be in the index. Returns how many they were.
    fn forget_leftovers(
        &self,
        batch: usize,
        each: &Each<'_>,
    ) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// The redirects of this crawl, each with its target.
    fn redirects(&self) -> impl Future<Output = Result<HashMap<UrlKey, UrlKey>, Failure>> + Send;

    /// The pages in the index that may be duplicates, as [`duplicates`] wants them. Leftovers are
    /// not among them: they go, and no page is to go in their favour.
    fn duplicate_candidates(&self) -> impl Future<Output = Result<Vec<Candidate>, Failure>> + Send;

    /// Gives tasks of this crawl another outcome than the one that they ended with. What ends as a
    /// duplicate has no copy in the index any more, so that the next crawl fetches it whole: the
    /// other page may be gone by then.
    fn amend(
        &self,
        outcomes: Vec<(UrlKey, Outcome)>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// How far the end of a crawl came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// Everything is done.
    Whole,
    /// The time is over. To be continued with this part of the site.
    Part(u32),
    /// The time is too short to read the site even once, so that its links are not counted.
    TooShort,
}

/// Ends a crawl in which no task is left, as long as `in_time` says so. `part` is where an earlier
/// call that ran out of time wants to be continued.
///
/// # Errors
///
/// Those of the page store and of the index. What was done until then stays, and is right.
pub async fn end_crawl(
    site: &str,
    pages: &impl PagesAtEnd,
    index: &(impl IndexReader + IndexWriter),
    part: Option<u32>,
    in_time: impl Fn() -> bool + Send + Sync,
) -> Result<Reached, Failure> {
    if part.is_none() {
        drop_leftovers(site, pages, index).await?;
        end_redirect_loops(pages).await?;
        fold_duplicates(site, pages, index).await?;
    }
    count_links(site, index, part.unwrap_or(0), in_time).await
}

/// Takes pages that only older crawls came to out of the index, forgets them, and returns how many
/// they were. Only when a crawl is complete: one that was cut off has not shown yet what takes their
/// place.
///
/// # Errors
///
/// As [`end_crawl`].
pub async fn drop_leftovers(
    site: &str,
    pages: &impl PagesAtEnd,
    index: &impl IndexWriter,
) -> Result<u64, Failure> {
    let each = |urls: Vec<Url>| -> Boxed<'_, Result<(), Failure>> {
        Box::pin(async move { remove(site, index, urls.iter()).await })
    };
    pages.forget_leftovers(BATCH, &each).await
}

/// Ends redirects that lead back to themselves as skipped.
///
/// # Errors
///
/// Those of the page store.
pub async fn end_redirect_loops(pages: &impl PagesAtEnd) -> Result<(), Failure> {
    let looping = redirect_loops(&pages.redirects().await?).into_iter();
    let outcomes = looping.map(|key| (key, Skip::RedirectLoop.into()));
    pages.amend(outcomes.collect()).await
}

/// Takes duplicates out of the index, ends them as such, and returns how many they were.
///
/// # Errors
///
/// As [`end_crawl`].
pub async fn fold_duplicates(
    site: &str,
    pages: &impl PagesAtEnd,
    index: &impl IndexWriter,
) -> Result<usize, Failure> {
    let found = duplicates(&pages.duplicate_candidates().await?);
    for batch in found.chunks(BATCH) {
        remove(site, index, batch.iter().map(|(url, _)| url)).await?;
        let outcomes = batch.iter().map(|(url, of)| {
            let outcome = Outcome::Duplicate { of: of.clone() };
            (UrlKey::of(url), outcome)
        });
        pages.amend(outcomes.collect()).await?;
    }
    Ok(found.len())
}

/// Tells the index what the pages of the site say about each other, part by part, from a part on and
/// as long as `in_time` says so.
///
/// # Errors
///
/// Those of the index.
pub async fn count_links(
    site: &str,
    index: &(impl IndexReader + IndexWriter),
    first: u32,
    in_time: impl Fn() -> bool + Send + Sync,
) -> Result<Reached, Failure> {
    let parts = parts(index.count(site).await?);
    for part in first..parts {
        match link_pass(index, site, (part, parts), &in_time).await? {
            Passed::Whole => {}
            // A pass that has just begun had all the time that there is.
            Passed::Nothing if part == first => return Ok(Reached::TooShort),
            Passed::Some | Passed::Nothing => return Ok(Reached::Part(part)),
        }
    }
    Ok(Reached::Whole)
}

/// Takes pages out of the index for good.
async fn remove(
    site: &str,
    index: &impl IndexWriter,
    urls: impl Iterator<Item = &Url>,
) -> Result<(), Failure> {
    let ids = urls.map(|url| document_id(site, url)).collect();
    let (deleted, flushed) = join(index.delete(ids), index.flush()).await;
    deleted.and(flushed)
}
