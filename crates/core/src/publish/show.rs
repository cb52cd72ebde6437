//! Brings the index to the targets: writes pages that differ, and deletes pages that leave.

use std::collections::{HashMap, HashSet};

use futures_util::future::join;

use crate::document::document_id;
use crate::failure::Failure;
use crate::inlink_collector::{InlinkCollector, Numbers};
use crate::ports::{Archive, IndexReader, IndexWriter, Place};
use crate::task::{Outcome, UrlKey};

use super::changes::Changes;
use super::decide::{Target, Why, shown};
use super::row::{ANEW, Kept, Mark, PageRow, PublishedPages, UNCOUNTED};
use super::write::Writer;
use super::{BATCH, Done, Plan, Publishing, READ, There};

/// A page that the index is to show.
struct Shown<'a> {
    id: UrlKey,
    /// Whether the page counts as lost when it is shown so.
    is_lost: bool,
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
    /// Brings the index to the targets.
    pub(super) async fn show(&self, plan: &Plan<'_>, there: &There) -> Result<Done, Failure> {
        let links = self.how.links;
        let pages = shown_pages(self.site, plan);
        let differs = |page: &Shown<'_>| {
            let published = page.row.published.as_ref();
            published.is_none_or(|published| {
                published.kept.fingerprint.version != page.kept.fingerprint.version
                    || published.inlinks == ANEW
                    || published.inlinks == UNCOUNTED && links
                    || there.get(&page.id) != Some(&published.write)
            })
        };
        let mut changes = Changes::default();
        let mut writer = Writer::new(self.site, self.pages, self.archive, self.index);
        let any = pages.iter().any(&differs);
        if !links {
            for page in pages.iter().filter(|page| differs(page)) {
                self.tell(&mut changes, page);
                let there = there.get(&page.id).copied();
                writer.write(page.row, page.kept, None, there).await?;
                if writer.is_due() && !(self.in_time)() {
                    writer.end().await?;
                    return Ok(Done::Part(Box::new(changes)));
                }
            }
            writer.end().await?;
        } else if any || leaves(plan, self.site, there) {
            let numbers: Numbers = pages.iter().map(|page| page.id).zip(0..).collect();
            let mut first = 0;
            while first < pages.len() {
                let mut collector = InlinkCollector::from(first, self.site, &numbers);
                let mut read = Vec::new();
                // The links of each batch are read while those of the one before are counted.
                for batch in pages.chunks(READ).chain([&[][..]]) {
                    if !(self.in_time)() {
                        writer.end().await?;
                        return Ok(Done::Part(Box::new(changes)));
                    }
                    let places: Vec<Place> =
                        batch.iter().map(|page| page.kept.place.clone()).collect();
                    let reading = self.archive.links(self.site, &places);
                    let counting = async {
                        for (page, links) in read {
                            collector.add(page, &links)?;
                        }
                        Ok(())
                    };
                    let (links, counted) = join(reading, counting).await;
                    counted?;
                    let links = batch.iter().zip(links?);
                    let links = links.filter_map(|(page, links)| Some((&page.row.url, links?)));
                    read = links.collect();
                }
                let (kept, inlinks) = collector.collected();
                first = kept.end;
                for (page, inlinks) in pages[kept].iter().zip(inlinks) {
                    let inlinks = inlinks?;
                    let digest = inlinks.digest();
                    let counted = page
                        .row
                        .published
                        .as_ref()
                        .is_some_and(|it| it.inlinks == digest);
                    if differs(page) || !counted {
                        self.tell(&mut changes, page);
                        let there = there.get(&page.id).copied();
                        writer
                            .write(page.row, page.kept, Some(inlinks), there)
                            .await?;
                    }
                    if writer.is_due() && !(self.in_time)() {
                        writer.end().await?;
                        return Ok(Done::Part(Box::new(changes)));
                    }
                }
            }
            writer.end().await?;
        }
        self.take_out(plan, there, &mut changes).await?;
        for batch in plan.strays.chunks(BATCH) {
            self.delete(batch.to_vec()).await?;
        }
        let strays = plan.strays.len() as u64;
        changes.removed.count += strays;
        changes.lost += self.how.limit().map_or(0, |_| strays);
        Ok(Done::Published(Box::new(changes)))
    }

    fn tell(&self, changes: &mut Changes, page: &Shown<'_>) {
        changes.lost += u64::from(page.is_lost);
        // What a first crawl shows early is told when it ends.
        let is_first = self.how.max_loss.is_none();
        match &page.row.published {
            None => changes.new.add(&page.row.url),
            Some(published) if is_first && published.inlinks == UNCOUNTED => {
                changes.new.add(&page.row.url);
            }
            Some(published) if published.kept.fingerprint.hash != page.kept.fingerprint.hash => {
                changes.changed.add(&page.row.url);
            }
            Some(_) => {}
        }
    }

    /// Deletes from the index what it is not to show, and marks the rows.
    async fn take_out(
        &self,
        plan: &Plan<'_>,
        there: &There,
        changes: &mut Changes,
    ) -> Result<(), Failure> {
        let mut out = Vec::new();
        for (number, (row, target)) in plan.rows.iter().zip(plan.targets).enumerate() {
            let Target::Out(why) = target else {
                continue;
            };
            let of_kind = match why {
                Why::Gone => &mut changes.removed,
                Why::Moved(_) => &mut changes.moved,
                Why::Noindex | Why::Withdrawn | Why::LeftOut => &mut changes.withdrawn,
                Why::Duplicate(_) => &mut changes.duplicates,
            };
            if row.published.is_some() {
                of_kind.add(&row.url);
                changes.lost += u64::from(plan.lost.contains(&number));
            }
            let key = UrlKey::of(&row.url);
            let mark = match why {
                Why::Duplicate(of) => Mark::Out(Some(Outcome::Duplicate { of: of.clone() })),
                Why::LeftOut if row.signal.is_none() => Mark::Forgotten,
                _ => Mark::Out(None),
            };
            let id = document_id(self.site, &row.url);
            let is_there = there.contains_key(&id);
            // A write that was given up may still be on its way into the index.
            let may_come = row.newest.is_some() && row.published.is_none();
            if is_there || row.published.is_some() || row.newest.is_some() {
                out.push(((is_there || may_come).then_some(id), key, mark));
            }
        }
        for batch in out.chunks(BATCH) {
            let ids: Vec<UrlKey> = batch.iter().filter_map(|(id, ..)| *id).collect();
            self.delete(ids).await?;
            let marks = batch.iter().map(|(_, key, mark)| (*key, mark.clone()));
            self.pages.mark(marks.collect()).await?;
        }
        Ok(())
    }

    /// Deletes pages from the index, durably.
    async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        if ids.is_empty() {
            return Ok(());
        }
        let (deleted, flushed) = join(self.index.delete(self.site, ids), self.index.flush()).await;
        deleted.and(flushed)
    }

    /// Frees what the archive no longer needs to keep. May be called only while no step is under
    /// way. A page that the archive has lost is fetched whole by the next crawl.
    pub(super) async fn tidy(&self, rows: &[PageRow], targets: &[Target]) -> Result<(), Failure> {
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
        let retained = self.archive.retain(self.site, places.collect()).await?;
        if retained.moved.is_empty() && retained.missing.is_empty() {
            return Ok(());
        }
        let missing: HashSet<Place> = retained.missing.into_iter().collect();
        let moved: HashMap<Place, Place> = retained.moved.into_iter().collect();
        let marks = rows.iter().zip(targets).filter_map(|(row, target)| {
            let [newest, published] = needed(row, target);
            let key = UrlKey::of(&row.url);
            if newest.as_ref().is_some_and(|place| missing.contains(place)) {
                return Some((key, Mark::Lost));
            }
            // The newest version is the published one now.
            let published = published.or_else(|| newest.clone());
            let to = |place: Option<Place>| {
                let place = place?;
                let to = moved.get(&place)?.clone();
                Some((place, to))
            };
            let (newest, published) = (to(newest), to(published));
            let any = newest.is_some() || published.is_some();
            any.then_some((key, Mark::Moved { newest, published }))
        });
        self.pages.mark(marks.collect()).await
    }
}

/// Returns the pages that the index is to show, in the order of their ids.
fn shown_pages<'a>(site: &str, plan: &Plan<'a>) -> Vec<Shown<'a>> {
    let all = plan.rows.iter().zip(plan.targets).enumerate();
    let pages = all.filter_map(|(number, (row, target))| {
        Some(Shown {
            id: document_id(site, &row.url),
            is_lost: plan.lost.contains(&number),
            row,
            kept: shown(row, target)?,
        })
    });
    let mut pages: Vec<Shown<'a>> = pages.collect();
    pages.sort_unstable_by_key(|page| page.id);
    pages
}

/// Returns whether a page has to leave the index.
fn leaves(plan: &Plan<'_>, site: &str, there: &There) -> bool {
    let mut out = plan.rows.iter().zip(plan.targets);
    out.any(|(row, target)| {
        matches!(target, Target::Out(_)) && there.contains_key(&document_id(site, &row.url))
    })
}
