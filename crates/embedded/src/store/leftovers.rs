//! What a changed scope leaves behind: rows of an older crawl that the new one does not look at.
//! They stay in the index until the new crawl is complete, since one that is cut off has not shown
//! yet what takes their place.

use canter_core::failure::Failure;
use canter_core::scope::Scope;
use canter_core::task::UrlKey;
use rusqlite::{Connection, params};
use url::Url;

use super::crawls::SiteStore;
use super::pages::url;
use super::schema::state::{FINISHED, WAITING};

impl SiteStore {
    /// Lets every known URL in the scope be looked at again, and no other one.
    pub(super) fn requeue_within(
        &self,
        connection: &Connection,
        scope: &Scope,
    ) -> rusqlite::Result<()> {
        let (site, crawl) = (self.site, self.crawl as i64);
        // The last crawl may have been cut off.
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

    /// Some of the URLs of older crawls that this one has not come to. Their pages may be in the
    /// index.
    ///
    /// # Errors
    ///
    /// When the store failed.
    pub async fn leftovers(&self, most: usize) -> Result<Vec<Url>, Failure> {
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
    ///
    /// # Errors
    ///
    /// When the store failed.
    pub async fn forget(&self, leftovers: Vec<Url>) -> Result<(), Failure> {
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
