//! Leftovers of a changed scope: rows of an older crawl that the new crawl does not visit. Their
//! pages stay in the index until the new crawl is complete, since an interrupted crawl has not
//! found the pages that take their place yet.

use canter_core::failure::Failure;
use canter_core::scope::Scope;
use canter_core::task::UrlKey;
use rusqlite::{Connection, params};
use url::Url;

use super::crawls::SiteStore;
use super::pages::url;
use super::schema::state::{FINISHED, WAITING};

impl SiteStore {
    /// Queues every known URL within the scope again, and no other URL.
    pub(super) fn requeue_within(
        &self,
        connection: &Connection,
        scope: &Scope,
    ) -> rusqlite::Result<()> {
        let (site, crawl) = (self.site, self.crawl as i64);
        // The last crawl may have been interrupted.
        connection.execute(
            "UPDATE url SET state = ? WHERE site = ? AND crawl < ?",
            params![FINISHED, site, crawl],
        )?;
        let mut known = connection.prepare(
            "SELECT url FROM url
             WHERE site = ? AND crawl < ? AND (kind = 0 OR hash IS NOT NULL)
               AND (hash IS NOT NULL OR outcome <> 'skipped' OR fetched_ms IS NOT NULL)",
        )?;
        let mut within = Vec::new();
        let mut rows = known.query(params![site, crawl])?;
        while let Some(row) = rows.next()? {
            let url = url(row.get(0)?)?;
            if scope.contains(&url) {
                within.push(UrlKey::of(&url));
            }
        }
        let mut requeue = connection.prepare(
            "UPDATE url SET crawl = ?, state = ?, due_ms = 0, attempts = 0, outcome = NULL,
                 detail = NULL, kind = 0
             WHERE site = ? AND key = ?",
        )?;
        for key in within {
            requeue.execute(params![crawl, WAITING, site, key.0])?;
        }
        Ok(())
    }

    /// Returns at most `most` URLs of older crawls that this crawl has not found. Their pages may
    /// be in the index.
    pub(super) async fn leftovers(&self, most: usize) -> Result<Vec<Url>, Failure> {
        let (site, crawl) = (self.site, self.crawl as i64);
        self.store
            .run(move |connection| {
                connection
                    .prepare_cached("SELECT url FROM url WHERE site = ? AND crawl < ? LIMIT ?")?
                    .query_map(params![site, crawl, most as i64], |row| url(row.get(0)?))?
                    .collect()
            })
            .await
    }

    /// Forgets leftovers, after their pages have left the index.
    pub(super) async fn forget(&self, leftovers: Vec<Url>) -> Result<(), Failure> {
        let (site, crawl) = (self.site, self.crawl as i64);
        self.store
            .run(move |connection| {
                let mut forget = connection
                    .prepare_cached("DELETE FROM url WHERE site = ? AND key = ? AND crawl < ?")?;
                for url in &leftovers {
                    forget.execute(params![site, UrlKey::of(url).0, crawl])?;
                }
                Ok(())
            })
            .await
    }
}
