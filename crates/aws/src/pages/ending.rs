//! What the end of a crawl asks of the page store.

use std::collections::{HashMap, HashSet};

use canter_core::duplicates::Candidate;
use canter_core::end::{Each, PagesAtEnd};
use canter_core::failure::Failure;
use canter_core::task::{Outcome, UrlKey};

use super::pass::{OF_CRAWL, OLDER, WITH_COPY, crawl_value, key};
use super::{CloudSite, row};
use crate::change::{Change, remove};
use crate::item::{Item, key_of, text_of};
use crate::side_by_side::{WRITES, side_by_side};
use crate::tables::{HASH, page_key};

impl PagesAtEnd for CloudSite {
    /// A pass, and a write for each leftover.
    async fn forget_leftovers(&self, batch: usize, each: &Each<'_>) -> Result<u64, Failure> {
        let mut forgotten = 0;
        let mut pass = self.pass("#shard, #hash, #u", OLDER);
        while let Some(rows) = pass.next().await? {
            for rows in rows.chunks(batch) {
                let urls = rows.iter().filter_map(|row| row::url_of(row, row::URL));
                each(urls.collect()).await?;
                let removals = rows.iter().map(|row| {
                    let (site, key) = (self.clone(), key(row));
                    async move {
                        let table = &site.cloud.names.pages;
                        let crawl = ("c", crawl_value(&site));
                        remove(&site.cloud, table, key, OLDER, crawl).await
                    }
                });
                let removed = side_by_side(WRITES, removals.collect::<Vec<_>>()).await?;
                forgotten += removed.len() as u64;
            }
        }
        Ok(forgotten)
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

    /// Two passes; in memory are two keys a page, and what may be a duplicate.
    async fn duplicate_candidates(&self) -> Result<Vec<Candidate>, Failure> {
        let mut met: HashMap<UrlKey, bool> = HashMap::new();
        let mut named = HashSet::new();
        let mut pass = self.pass("#i, #n", WITH_COPY);
        while let Some(rows) = pass.next().await? {
            for row in &rows {
                if let Some(body) = key_of(row, row::HASH_OF_COPY) {
                    let twice = met.contains_key(&body);
                    met.insert(body, twice);
                }
                named.extend(row::url_of(row, row::CANONICAL).map(|url| UrlKey::of(&url)));
            }
        }
        let mut candidates = Vec::new();
        let mut pass = self.pass("#hash, #u, #i, #n", WITH_COPY);
        while let Some(rows) = pass.next().await? {
            for row in &rows {
                let (Some(key), Some(body)) = (key_of(row, HASH), key_of(row, row::HASH_OF_COPY))
                else {
                    continue;
                };
                let shared = met.get(&body).is_some_and(|twice| *twice);
                let canonical = row::url_of(row, row::CANONICAL);
                if (shared || canonical.is_some() || named.contains(&key))
                    && let Some(url) = row::url_of(row, row::URL)
                {
                    candidates.push(Candidate {
                        url,
                        canonical,
                        hash: body,
                    });
                }
            }
        }
        Ok(candidates)
    }

    /// A write for each outcome.
    async fn amend(&self, outcomes: Vec<(UrlKey, Outcome)>) -> Result<(), Failure> {
        let ends = outcomes.into_iter().map(|(key, outcome)| {
            let mut change = row::outcome_change(&outcome);
            if matches!(outcome, Outcome::Duplicate { .. }) {
                change = change.remove(&[row::HASH_OF_COPY, row::ETAG, row::LAST_MODIFIED]);
            }
            let site = self.clone();
            async move { site.amend_row(key, change).await }
        });
        side_by_side(WRITES, ends.collect::<Vec<_>>()).await?;
        Ok(())
    }
}

impl CloudSite {
    /// Changes a row of this crawl that has ended.
    async fn amend_row(&self, key: UrlKey, change: Change) -> Result<(), Failure> {
        let change = change.value(row::CRAWL, crawl_value(self));
        let table = &self.cloud.names.pages;
        let key = page_key(&self.site, key);
        let condition = "#c = :c AND attribute_exists(#o)";
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
