//! The store's part in the end of a crawl.

use std::collections::HashMap;

use canter_core::duplicates::Candidate;
use canter_core::end::{Each, PagesAtEnd};
use canter_core::failure::Failure;
use canter_core::outcomes::columns;
use canter_core::task::{Outcome, UrlKey};
use rusqlite::{Row, params};

use super::crawls::SiteStore;
use super::pages::url;

impl PagesAtEnd for SiteStore {
    async fn forget_leftovers(&self, batch: usize, each: &Each<'_>) -> Result<u64, Failure> {
        let mut forgotten = 0;
        loop {
            let urls = self.leftovers(batch).await?;
            if urls.is_empty() {
                return Ok(forgotten);
            }
            forgotten += urls.len() as u64;
            each(urls.clone()).await?;
            self.forget(urls).await?;
        }
    }

    async fn redirects(&self) -> Result<HashMap<UrlKey, UrlKey>, Failure> {
        let (site, crawl) = (self.site, self.crawl as i64);
        self.store
            .run(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT key, detail FROM url
                         WHERE site = ? AND crawl = ? AND outcome = 'redirected'",
                    )?
                    .query_map(params![site, crawl], |row| {
                        Ok((UrlKey(row.get(0)?), UrlKey::of(&url(row.get(1)?)?)))
                    })?
                    .collect()
            })
            .await
    }

    async fn duplicate_candidates(&self) -> Result<Vec<Candidate>, Failure> {
        let (site, crawl) = (self.site, self.crawl as i64);
        self.store
            .run(move |connection| {
                connection
                    .prepare_cached(
                        "WITH named (url) AS (
                             SELECT canonical FROM url
                             WHERE site = ?1 AND hash IS NOT NULL AND canonical IS NOT NULL),
                         shared (hash) AS (
                             SELECT hash FROM url INDEXED BY copy
                             WHERE site = ?1 AND hash IS NOT NULL GROUP BY hash HAVING count(*) > 1)
                         SELECT url, canonical, hash FROM url
                         WHERE site = ?1 AND crawl = ?2 AND hash IS NOT NULL AND (canonical IS NOT NULL
                             OR url IN (SELECT url FROM named)
                             OR hash IN (SELECT hash FROM shared))",
                    )?
                    .query_map([site, crawl], candidate)?
                    .collect()
            })
            .await
    }

    async fn amend(&self, outcomes: Vec<(UrlKey, Outcome)>) -> Result<(), Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                let mut amend = connection.prepare_cached(
                    "UPDATE url SET outcome = ?, detail = ? WHERE site = ? AND key = ?",
                )?;
                let mut lose_copy = connection.prepare_cached(
                    "UPDATE url SET hash = NULL, etag = NULL, last_modified = NULL
                     WHERE site = ? AND key = ?",
                )?;
                for (key, ended) in &outcomes {
                    let (outcome, detail) = columns(ended);
                    amend.execute(params![outcome, detail, site, key.0])?;
                    if matches!(ended, Outcome::Duplicate { .. }) {
                        lose_copy.execute(params![site, key.0])?;
                    }
                }
                Ok(())
            })
            .await
    }
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    let canonical: Option<String> = row.get(1)?;
    Ok(Candidate {
        url: url(row.get(0)?)?,
        canonical: canonical.map(url).transpose()?,
        hash: UrlKey(row.get(2)?),
    })
}
