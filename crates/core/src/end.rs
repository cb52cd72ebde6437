//! The end of a crawl: decisions that require all pages to be known.
//!
//! When no task is left, leftovers (pages that only older crawls found) leave the index, redirect
//! loops are told apart from redirects, duplicates are folded, and the link pass writes the
//! link score and the anchor texts of each page into the index. When a crawl merely rests, only its
//! duplicates are folded, since people search meanwhile; the other parts wait for the crawl's end.
//! Every part may be interrupted and repeated.

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

/// Maximum number of pages that are deleted from the index in one write.
const BATCH: usize = 1_000;

/// Handles a batch of URLs; see [`PagesAtEnd::forget_leftovers`].
pub type Each<'a> = dyn Fn(Vec<Url>) -> Boxed<'a, Result<(), Failure>> + Send + Sync + 'a;

/// The part of the page store that the end of a crawl needs.
pub trait PagesAtEnd: Send + Sync {
    /// Forgets the URLs that only older crawls found, and returns their number. The URLs go in
    /// batches of at most `batch`, each after `each` has handled it, since their pages may be in
    /// the index.
    fn forget_leftovers(
        &self,
        batch: usize,
        each: &Each<'_>,
    ) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Returns the redirects of this crawl, each with its target.
    fn redirects(&self) -> impl Future<Output = Result<HashMap<UrlKey, UrlKey>, Failure>> + Send;

    /// Returns the pages in the index that may be duplicates, as [`duplicates`] expects them.
    /// Leftovers are not among them: they are deleted, and no page may be deleted in favour of one
    /// of them.
    fn duplicate_candidates(&self) -> impl Future<Output = Result<Vec<Candidate>, Failure>> + Send;

    /// Replaces the outcomes of tasks that this crawl has finished. A task that becomes a duplicate
    /// no longer has a copy in the index, so the next crawl fetches the page whole: the other page
    /// may be gone by then.
    fn amend(
        &self,
        outcomes: Vec<(UrlKey, Outcome)>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The progress of the end of a crawl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// Every part is done.
    Whole,
    /// The time is over. The next call continues with this part of the site.
    Part(u32),
    /// The time is too short to read the site even once, so its links are not counted.
    TooShort,
}

/// Ends a crawl that has no task left, as long as `in_time` returns true. `part` is the part of the
/// site at which an earlier call ran out of time.
///
/// # Errors
///
/// Returns the errors of the page store and of the index. Changes made before the error stay, and
/// they are correct.
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

/// Deletes from the index the pages that only older crawls found, forgets their URLs, and returns
/// the number of these. The crawl must be complete: an interrupted crawl has not found the pages
/// that take their place yet.
///
/// # Errors
///
/// Returns the same errors as [`end_crawl`].
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

/// Ends the tasks of redirect loops as skipped.
///
/// # Errors
///
/// Returns the errors of the page store.
pub async fn end_redirect_loops(pages: &impl PagesAtEnd) -> Result<(), Failure> {
    let looping = redirect_loops(&pages.redirects().await?).into_iter();
    let outcomes = looping.map(|key| (key, Skip::RedirectLoop.into()));
    pages.amend(outcomes.collect()).await
}

/// Deletes duplicates from the index, ends their tasks as duplicates, and returns their number.
///
/// # Errors
///
/// Returns the same errors as [`end_crawl`].
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

/// Runs the link pass part by part, beginning with the part `first`, as long as `in_time` returns
/// true.
///
/// # Errors
///
/// Returns the errors of the index.
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
            // The first part had all the time that a call can have.
            Passed::Nothing if part == first => return Ok(Reached::TooShort),
            Passed::Some | Passed::Nothing => return Ok(Reached::Part(part)),
        }
    }
    Ok(Reached::Whole)
}

/// Deletes pages from the index and flushes it.
async fn remove(
    site: &str,
    index: &impl IndexWriter,
    urls: impl Iterator<Item = &Url>,
) -> Result<(), Failure> {
    let ids = urls.map(|url| document_id(site, url)).collect();
    let (deleted, flushed) = join(index.delete(ids), index.flush()).await;
    deleted.and(flushed)
}
