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
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;

pub use changes::{Change, Changes};
pub use check::Held;
use row::ANEW;
pub use row::{Kept, Mark, PageRow, Published, PublishedPages, Rows, UNCOUNTED};

use crate::document::document_id;
use crate::failure::Failure;
use crate::inlink_collector::{InlinkCollector, Numbers};
use crate::ports::{Archive, IndexReader, IndexWriter, Place};
use crate::redirect_loops::redirect_loops;
use crate::task::{Outcome, Skip, UrlKey};

use check::check;
use decide::{Progress, Target, Why, decide, shown};
use write::Writer;

/// Number of pages that are read from the archive at a time.
const READ: usize = 256;
/// Number of changes that are made at a time.
const BATCH: usize = 1_000;

/// When a publishing takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// While a first crawl goes on. Shows at most this number of new pages; their links are
    /// counted later.
    Early(usize),
    /// While a refresh goes on, or when a crawl has come to rest.
    Resting,
    /// When a crawl has seen every page.
    Ended,
    /// At any time: shows what was published before, each page written anew.
    Again,
}

/// How to publish.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// When it takes place.
    pub when: When,
    /// Maximum share of the published pages that may be lost, in percent; `None` to publish
    /// without a check, as after a first crawl.
    pub max_loss: Option<f64>,
}

/// What came of a publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The index shows what the archive says.
    Published(Box<Changes>),
    /// Nothing was published, since too much would be lost.
    Held(Held),
    /// The time is over. The next call goes on.
    Part,
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
        in_time,
    };
    match how.when {
        When::Early(most) => publishing.early(most).await,
        When::Again => publishing.again().await,
        When::Resting => {
            // Nothing is lost by folding what a first crawl has published.
            let fold = how.max_loss.is_none();
            publishing
                .crawled(Progress::Part { fold }, how.max_loss)
                .await
        }
        When::Ended => publishing.crawled(Progress::Whole, how.max_loss).await,
    }
}

struct Publishing<'a, P, A, I, T> {
    site: &'a str,
    pages: &'a P,
    archive: &'a A,
    index: &'a I,
    in_time: T,
}

/// A page that the index is to show.
struct Shown<'a> {
    id: UrlKey,
    row: &'a PageRow,
    kept: &'a Kept,
}

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
        self.show(&rows, same).await
    }

    /// Publishes what a crawl has seen.
    async fn crawled(&self, progress: Progress, max_loss: Option<f64>) -> Result<Done, Failure> {
        let rows = self.pages.rows(Rows::All).await?;
        let redirects = self.pages.redirects().await?;
        let targets = decide(&rows, &redirects, progress);
        if let Some(most) = max_loss
            && let Err(held) = check(&rows, &targets, most)
        {
            return Ok(Done::Held(held));
        }
        let done = self.show(&rows, targets).await?;
        if progress == Progress::Whole && done != Done::Part {
            self.end_redirect_loops(&redirects).await?;
            self.pages.forget_older().await?;
        }
        Ok(done)
    }

    /// Ends the tasks of redirect loops as skipped.
    async fn end_redirect_loops(&self, redirects: &HashMap<UrlKey, UrlKey>) -> Result<(), Failure> {
        let looping = redirect_loops(redirects).into_iter();
        let ended = looping.map(|key| (key, Mark::Ended(Skip::RedirectLoop.into())));
        self.pages.mark(ended.collect()).await
    }

    /// Brings the index to the targets.
    async fn show(&self, rows: &[PageRow], mut targets: Vec<Target>) -> Result<Done, Failure> {
        let there: HashMap<UrlKey, u64> =
            self.index.versions(self.site).await?.into_iter().collect();
        let mut pages = shown_pages(self.site, rows, &targets);
        let differs = |page: &Shown<'_>| {
            let published = page.row.published.as_ref();
            published.is_none_or(|published| {
                published.kept.fingerprint.version != page.kept.fingerprint.version
                    || [UNCOUNTED, ANEW].contains(&published.inlinks)
                    || there.get(&page.id) != Some(&published.write)
            })
        };
        let unlinked = targets.contains(&Target::SameIfLinked);
        let mut changes = Changes::default();
        if unlinked || pages.iter().any(&differs) || leaves(rows, &targets, self.site, &there) {
            let mut first = 0;
            let mut writer = Writer::new(self.site, self.pages, self.archive, self.index);
            while first < pages.len() {
                let numbers: Numbers = pages.iter().map(|page| page.id).zip(0..).collect();
                let mut collector = InlinkCollector::new(self.site, &numbers, first);
                for batch in pages.chunks(READ) {
                    if !(self.in_time)() {
                        return Ok(Done::Part);
                    }
                    let places: Vec<Place> =
                        batch.iter().map(|page| page.kept.place.clone()).collect();
                    let links = self.archive.links(self.site, &places).await?;
                    for (page, links) in batch.iter().zip(links) {
                        if let Some(links) = links {
                            collector.add(&page.row.url, &links)?;
                        }
                    }
                }
                let (linking, inlinks) = collector.collected();
                if first == 0 && unlinked {
                    let missing = drop_unlinked(rows, &mut targets, &pages, &linking);
                    if missing {
                        pages = shown_pages(self.site, rows, &targets);
                        continue;
                    }
                }
                let end = first + inlinks.len();
                for (page, inlinks) in pages[first..end].iter().zip(inlinks) {
                    let digest = inlinks.digest();
                    let counted = page
                        .row
                        .published
                        .as_ref()
                        .is_some_and(|it| it.inlinks == digest);
                    if differs(page) || !counted {
                        tell(&mut changes, page);
                        let there = there.get(&page.id).copied();
                        writer
                            .write(page.row, page.kept, Some(inlinks), there)
                            .await?;
                    }
                    if writer.is_due() && !(self.in_time)() {
                        writer.end().await?;
                        return Ok(Done::Part);
                    }
                }
                first = end;
            }
            writer.end().await?;
        }
        self.take_out(rows, &targets, &there, &mut changes).await?;
        self.tidy(rows, &targets).await?;
        Ok(Done::Published(Box::new(changes)))
    }

    /// Deletes from the index what it is not to show, and marks the rows.
    async fn take_out(
        &self,
        rows: &[PageRow],
        targets: &[Target],
        there: &HashMap<UrlKey, u64>,
        changes: &mut Changes,
    ) -> Result<(), Failure> {
        let mut out = Vec::new();
        for (row, target) in rows.iter().zip(targets) {
            let Target::Out(why) = target else {
                continue;
            };
            let of_kind = match why {
                Why::Gone | Why::LeftOut => &mut changes.removed,
                Why::Moved(_) => &mut changes.moved,
                Why::Noindex | Why::Withdrawn => &mut changes.withdrawn,
                Why::Duplicate(_) => &mut changes.duplicates,
            };
            if row.published.is_some() {
                of_kind.add(&row.url);
            }
            let key = UrlKey::of(&row.url);
            let mark = match why {
                Why::Duplicate(of) => Mark::Out(Some(Outcome::Duplicate { of: of.clone() })),
                Why::LeftOut if row.signal.is_none() => Mark::Forgotten,
                _ => Mark::Out(None),
            };
            let id = document_id(self.site, &row.url);
            if there.contains_key(&id) || row.published.is_some() || row.newest.is_some() {
                out.push((id, key, mark));
            }
        }
        for batch in out.chunks(BATCH) {
            let ids = batch.iter().map(|(id, ..)| *id);
            let ids: Vec<UrlKey> = ids.filter(|id| there.contains_key(id)).collect();
            if !ids.is_empty() {
                let deleted = self.index.delete(ids);
                let (deleted, flushed) =
                    futures_util::future::join(deleted, self.index.flush()).await;
                deleted.and(flushed)?;
            }
            let marks = batch.iter().map(|(_, key, mark)| (*key, mark.clone()));
            self.pages.mark(marks.collect()).await?;
        }
        Ok(())
    }

    /// Frees what the archive no longer needs to keep.
    async fn tidy(&self, rows: &[PageRow], targets: &[Target]) -> Result<(), Failure> {
        let needed = |row: &PageRow, target: &Target| {
            let newest = row.newest.as_ref().map(|kept| kept.place.clone());
            match target {
                Target::Out(_) => [None, None],
                Target::Newest => [newest, None],
                Target::Same | Target::SameIfLinked => {
                    let published = row.published.as_ref();
                    [newest, published.map(|it| it.kept.place.clone())]
                }
            }
        };
        let places = rows.iter().zip(targets);
        let places = places
            .flat_map(|(row, target)| needed(row, target))
            .flatten();
        let moved = self.archive.retain(self.site, places.collect()).await?;
        if moved.is_empty() {
            return Ok(());
        }
        let moved: HashMap<Place, Place> = moved.into_iter().collect();
        let marks = rows.iter().zip(targets).filter_map(|(row, target)| {
            let [newest, published] = needed(row, target);
            // The newest version is the published one now.
            let published = published.or_else(|| newest.clone());
            let to = |place: Option<Place>| moved.get(&place?).cloned();
            let (newest, published) = (to(newest), to(published));
            let any = newest.is_some() || published.is_some();
            any.then(|| (UrlKey::of(&row.url), Mark::Moved { newest, published }))
        });
        self.pages.mark(marks.collect()).await
    }
}

/// Returns the pages that the index is to show, in the order of their ids.
fn shown_pages<'a>(site: &str, rows: &'a [PageRow], targets: &[Target]) -> Vec<Shown<'a>> {
    let pages = rows.iter().zip(targets).filter_map(|(row, target)| {
        Some(Shown {
            id: document_id(site, &row.url),
            row,
            kept: shown(row, target)?,
        })
    });
    let mut pages: Vec<Shown<'a>> = pages.collect();
    pages.sort_unstable_by_key(|page| page.id);
    pages
}

/// Returns whether a page has to leave the index.
fn leaves(rows: &[PageRow], targets: &[Target], site: &str, there: &HashMap<UrlKey, u64>) -> bool {
    let mut out = rows.iter().zip(targets);
    out.any(|(row, target)| {
        matches!(target, Target::Out(_)) && there.contains_key(&document_id(site, &row.url))
    })
}

/// Takes out the missing pages that no page links to. Returns whether there are any.
fn drop_unlinked(
    rows: &[PageRow],
    targets: &mut [Target],
    pages: &[Shown<'_>],
    linking: &[u32],
) -> bool {
    let unlinked: HashMap<&url::Url, bool> = pages
        .iter()
        .zip(linking)
        .map(|(page, linking)| (&page.row.url, *linking == 0))
        .collect();
    let mut any = false;
    for (row, target) in rows.iter().zip(targets) {
        if *target == Target::SameIfLinked {
            let is_unlinked = unlinked.get(&row.url).copied().unwrap_or(true);
            *target = match is_unlinked {
                true => Target::Out(Why::Gone),
                false => Target::Same,
            };
            any |= is_unlinked && row.published.is_some();
        }
    }
    any
}

fn tell(changes: &mut Changes, page: &Shown<'_>) {
    match &page.row.published {
        None => changes.new.add(&page.row.url),
        // It was shown early, and nobody has told of it.
        Some(published) if published.inlinks == UNCOUNTED => changes.new.add(&page.row.url),
        Some(published) if published.kept.fingerprint.hash != page.kept.fingerprint.hash => {
            changes.changed.add(&page.row.url);
        }
        Some(_) => {}
    }
}
