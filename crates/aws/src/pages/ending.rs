//! What the end of a crawl needs: leftovers of older crawls go, circles of redirects are told, and
//! duplicates are folded. Each may be done again when it was cut off.

use std::collections::{HashMap, HashSet};

use canter_core::circles::circles;
use canter_core::document::document_id;
use canter_core::failure::Failure;
use canter_core::ports::IndexWriter;
use canter_core::task::{Outcome, Skip, UrlKey};
use canter_core::twins::{Twin, duplicates};
use url::Url;

use super::pass::{OF_CRAWL, OLDER, WITH_COPY, crawl_value, key};
use super::{CloudSite, row};
use crate::change::{Change, remove};
use crate::item::{Item, key_of, text_of};
use crate::side_by_side::{WRITES, side_by_side};
use crate::tables::{HASH, page_key};

/// Pages that leave the index at once.
const BATCH: usize = 1_000;

impl CloudSite {
    /// Takes pages that only older crawls came to out of the index and forgets them; says how
    /// many URLs they were. Only when the crawl is complete: one that is cut off has not shown
    /// yet what takes their place. A pass, and a write each.
    pub async fn drop_leftovers(&self, index: &impl IndexWriter) -> Result<u64, Failure> {
        let mut dropped = 0;
        let mut pass = self.pass("#shard, #hash, #u", OLDER);
        while let Some(rows) = pass.next().await? {
            for rows in rows.chunks(BATCH) {
                let urls = rows.iter().filter_map(|row| row::url_of(row, row::URL));
                self.leave_index(index, urls).await?;
                let removals = rows.iter().map(|row| {
                    let (site, key) = (self.clone(), key(row));
                    async move {
                        let table = &site.cloud.names.pages;
                        let crawl = ("c", crawl_value(&site));
                        remove(&site.cloud, table, key, OLDER, crawl).await
                    }
                });
                let removals: Vec<_> = removals.collect();
                dropped += side_by_side(WRITES, removals).await?.len() as u64;
            }
        }
        Ok(dropped)
    }

    /// Ends redirects that lead back to themselves as skipped, once the crawl has followed all. A
    /// pass; in memory are the keys of all redirects, 32 bytes each.
    pub async fn end_circles(&self) -> Result<(), Failure> {
        let mut redirects = HashMap::new();
        let mut pass = self.pass("#hash, #o, #x", OF_CRAWL);
        while let Some(rows) = pass.next().await? {
            let redirected = rows.iter().filter_map(redirect);
            redirects.extend(redirected);
        }
        let ends = circles(&redirects).into_iter().map(|key| {
            let change = row::outcome_change(&Skip::RedirectLoop.into());
            let site = self.clone();
            async move { site.amend(key, change).await }
        });
        side_by_side(WRITES, ends.collect::<Vec<_>>()).await?;
        Ok(())
    }

    /// Takes duplicates out of the index and ends them as such; says how many they were. Without a
    /// copy they are fetched whole in the next crawl, when the other page may be gone. Two passes,
    /// and a write each; in memory are two keys a page, and what may be a duplicate.
    pub async fn fold_twins(&self, index: &impl IndexWriter) -> Result<u64, Failure> {
        let found = duplicates(&self.twins().await?);
        for found in found.chunks(BATCH) {
            let urls = found.iter().map(|(url, _)| url.clone());
            self.leave_index(index, urls).await?;
            let ends = found.iter().map(|(url, of)| {
                let outcome = Outcome::Duplicate { of: of.clone() };
                let gone = [row::HASH_OF_COPY, row::ETAG, row::LAST_MODIFIED];
                let change = row::outcome_change(&outcome).remove(&gone);
                let (site, key) = (self.clone(), UrlKey::of(url));
                async move { site.amend(key, change).await }
            });
            side_by_side(WRITES, ends.collect::<Vec<_>>()).await?;
        }
        Ok(found.len() as u64)
    }

    /// The pages in the index that may be the same as another, as [`canter_core::twins`] wants
    /// them. Leftovers are not among them: they go, and no page is to go in their favour.
    async fn twins(&self) -> Result<Vec<Twin>, Failure> {
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
        let mut twins = Vec::new();
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
                    twins.push(Twin {
                        url,
                        canonical,
                        hash: body,
                    });
                }
            }
        }
        Ok(twins)
    }

    /// Takes pages out of the index for good.
    async fn leave_index(
        &self,
        index: &impl IndexWriter,
        urls: impl Iterator<Item = Url>,
    ) -> Result<(), Failure> {
        let ids = urls.map(|url| document_id(&self.site, &url)).collect();
        let deleted = index.delete(ids);
        let (deleted, flushed) = tokio::join!(deleted, index.flush());
        deleted.and(flushed)
    }

    /// Changes a row of this crawl that has ended.
    async fn amend(&self, key: UrlKey, change: Change) -> Result<(), Failure> {
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
