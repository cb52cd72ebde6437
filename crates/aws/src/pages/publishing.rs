//! What publishing asks of the page store.

use std::collections::HashMap;

use canter_core::absence::Signal;
use canter_core::document::Write;
use canter_core::failure::Failure;
use canter_core::ports::Place;
use canter_core::publish::{Mark, PageRow, Published, PublishedPages, Rows, UNCOUNTED};
use canter_core::task::{Outcome, UrlKey};

use super::pass::{ANY, OF_CRAWL, OLDER, crawl_value, key};
use super::shown::Shown;
use super::{CloudSite, row};
use crate::change::{Change, remove};
use crate::item::{Item, key_of, number_of, text, text_of};
use crate::side_by_side::{WRITES, side_by_side};
use crate::tables::{HASH, page_key};

/// Attributes of a row that publishing needs.
const TO_PUBLISH: &str = "#hash, #u, #c, #o, #x, #s, #n, #i, #y, #j, #r";
/// The attributes of the newest version.
const VERSION: [&str; 5] = [
    row::NEWEST,
    row::PLACE,
    row::SHOWN,
    row::ETAG,
    row::LAST_MODIFIED,
];
/// Condition: of this crawl, and ended.
const ENDED: &str = "#c = :c AND attribute_exists(#o)";
/// Condition: of no later crawl.
const NO_LATER: &str = "#c <= :c";
/// Condition: of no later crawl, and with the version that was moved.
const NOT_REPLACED: &str = "#c <= :c AND #y = :from";
/// Condition: only an older crawl knows it, and it has no page.
const OLDER_WITHOUT_PAGE: &str = "#c < :c AND attribute_not_exists(#i)";

impl PublishedPages for CloudSite {
    /// A pass, and the journal; the rows and what is shown are in memory.
    async fn rows(&self, rows: Rows) -> Result<Vec<PageRow>, Failure> {
        let mut shown = self.journal().await?.shown;
        let mut found = Vec::new();
        let mut pass = self.pass(TO_PUBLISH, ANY);
        while let Some(items) = pass.next().await? {
            let read = items
                .iter()
                .filter_map(|item| self.page_row(item, &mut shown));
            match rows {
                Rows::All => found.extend(read),
                Rows::Unpublished(most) => {
                    let new = read.filter(|row| {
                        let answered = row.signal == Some(Signal::Answered);
                        answered && row.newest.is_some() && row.published.is_none()
                    });
                    found.extend(new);
                    if found.len() >= most {
                        found.truncate(most);
                        return Ok(found);
                    }
                }
            }
        }
        Ok(found)
    }

    /// A pass; in memory are the keys of all redirects, 32 bytes each.
    async fn redirects(&self) -> Result<HashMap<UrlKey, UrlKey>, Failure> {
        let mut redirects = HashMap::new();
        let mut pass = self.pass("#hash, #o, #x", OF_CRAWL);
        while let Some(rows) = pass.next().await? {
            redirects.extend(rows.iter().filter_map(redirect));
        }
        Ok(redirects)
    }

    /// Entries of the journal, and a write for each row that changes.
    async fn mark(&self, marks: Vec<(UrlKey, Mark)>) -> Result<(), Failure> {
        let mut shown: Vec<Shown> = Vec::new();
        let mut moved: HashMap<UrlKey, (Place, Place)> = HashMap::new();
        let mut changes = Vec::new();
        for (key, mark) in marks {
            match mark {
                Mark::Shown(published) => shown.push((key, Some(published))),
                Mark::Out(outcome) => {
                    shown.push((key, None));
                    changes.push((key, RowChange::Out(outcome)));
                }
                Mark::Ended(outcome) => changes.push((key, RowChange::Ended(outcome))),
                Mark::Moved { newest, published } => {
                    moved.extend(published.map(|places| (key, places)));
                    changes.extend(newest.map(|(from, to)| (key, RowChange::Moved { from, to })));
                }
                Mark::Lost => changes.push((key, RowChange::Lost)),
                Mark::Doubted => changes.push((key, RowChange::Doubted)),
                Mark::Forgotten => {
                    shown.push((key, None));
                    changes.push((key, RowChange::Forgotten));
                }
            }
        }
        if !moved.is_empty() {
            let journal = self.journal().await?;
            for (key, published) in journal.shown {
                let (Some(mut published), Some((from, to))) = (published, moved.remove(&key))
                else {
                    continue;
                };
                if published.kept.place == from {
                    published.kept.place = to;
                    shown.push((key, Some(published)));
                }
            }
        }
        self.show(&shown).await?;
        let writes = changes.into_iter().map(|(key, change)| {
            let site = self.clone();
            async move { site.change_row(key, change).await }
        });
        side_by_side(WRITES, writes.collect::<Vec<_>>()).await?;
        Ok(())
    }

    /// A pass, a write for each row, and at times the journal.
    async fn forget_older(&self) -> Result<u64, Failure> {
        let mut forgotten = 0;
        let mut pass = self.pass("#shard, #hash, #i", OLDER);
        while let Some(rows) = pass.next().await? {
            let rows = rows.iter().filter(|row| !row.contains_key(row::NEWEST));
            let removals = rows.map(|row| {
                let (site, key) = (self.clone(), key(row));
                async move {
                    let table = &site.cloud.names.pages;
                    let crawl = ("c", crawl_value(&site));
                    remove(&site.cloud, table, key, OLDER_WITHOUT_PAGE, crawl).await
                }
            });
            let removed = side_by_side(WRITES, removals.collect::<Vec<_>>()).await?;
            forgotten += removed.len() as u64;
        }
        self.tidy_journal().await?;
        Ok(forgotten)
    }
}

/// A change of a row.
enum RowChange {
    Out(Option<Outcome>),
    Ended(Outcome),
    Moved { from: Place, to: Place },
    Lost,
    Doubted,
    Forgotten,
}

impl CloudSite {
    /// A row as publishing sees it; none if it has no page. Takes what is shown of it.
    fn page_row(
        &self,
        item: &Item,
        shown: &mut HashMap<UrlKey, Option<Published>>,
    ) -> Option<PageRow> {
        let newest = row::newest(item);
        let published = match shown.remove(&key_of(item, HASH)?) {
            Some(published) => published,
            // Only the worker that archived the page has shown it.
            None => newest
                .clone()
                .filter(|newest| number_of(item, row::SHOWN) == Some(newest.fingerprint.version))
                .map(|kept| Published {
                    write: Write {
                        version: kept.fingerprint.version,
                        pass: 0,
                    }
                    .number(),
                    inlinks: UNCOUNTED,
                    kept,
                }),
        };
        if newest.is_none() && published.is_none() {
            return None;
        }
        // A later crawl decides about its rows itself.
        let later = number_of(item, row::CRAWL) > Some(self.crawl);
        let signal = match later {
            true => Some(Signal::Unknown),
            false => row::signal(item, self.crawl),
        };
        Some(PageRow {
            url: row::url_of(item, row::URL)?,
            canonical: row::url_of(item, row::CANONICAL),
            absence: row::absence(item),
            newest,
            published,
            signal,
        })
    }

    /// Changes a row, unless that is for a later crawl to do.
    async fn change_row(&self, key: UrlKey, change: RowChange) -> Result<(), Failure> {
        let table = &self.cloud.names.pages;
        let key = page_key(&self.site, key);
        let (change, condition) = match change {
            RowChange::Forgotten => {
                let crawl = ("c", crawl_value(self));
                return remove(&self.cloud, table, key, OLDER, crawl).await;
            }
            RowChange::Out(outcome) => {
                let change = outcome
                    .as_ref()
                    .map_or_else(Change::default, row::outcome_change);
                (change.remove(&VERSION), NO_LATER)
            }
            RowChange::Ended(outcome) => (row::outcome_change(&outcome), ENDED),
            RowChange::Moved { from, to } => {
                let change = Change::default().set(row::PLACE, text(to.0));
                (change.value("from", text(from.0)), NOT_REPLACED)
            }
            RowChange::Lost => (Change::default().remove(&VERSION), NO_LATER),
            RowChange::Doubted => {
                let validators = [row::ETAG, row::LAST_MODIFIED];
                (Change::default().remove(&validators), NO_LATER)
            }
        };
        let change = change.value(row::CRAWL, crawl_value(self));
        change.write(&self.cloud, table, key, condition).await?;
        Ok(())
    }
}

/// From where to where a row redirects, if it does.
fn redirect(row: &Item) -> Option<(UrlKey, UrlKey)> {
    text_of(row, row::OUTCOME).filter(|outcome| *outcome == "redirected")?;
    let to = row::url_of(row, row::DETAIL)?;
    Some((key_of(row, HASH)?, UrlKey::of(&to)))
}
