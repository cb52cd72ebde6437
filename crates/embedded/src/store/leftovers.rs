//! Leftovers of a changed scope: rows of an older crawl that the new crawl does not visit. Their
//! pages stay in the index until a complete crawl is published, since an interrupted crawl has not
//! found the pages that take their place yet.

use canter_core::scope::Scope;
use canter_core::task::UrlKey;
use rusqlite::{Connection, params};

use super::crawls::SiteStore;
use super::pages::url;
use super::schema::state::{FINISHED, WAITING};
use super::schema::visited_again;

impl SiteStore {
    /// Queues every known URL within one of the scopes again, and no other URL.
    pub(super) fn requeue_within(
        &self,
        connection: &Connection,
        scopes: &[Scope],
    ) -> rusqlite::Result<()> {
        let (site, crawl) = (self.site, self.crawl as i64);
        // The last crawl may have been interrupted.
        connection.execute(
            "UPDATE url SET state = ? WHERE site = ? AND crawl < ?",
            params![FINISHED, site, crawl],
        )?;
        let mut known = connection.prepare(concat!(
            "SELECT url FROM url WHERE site = ? AND crawl < ? AND ",
            visited_again!()
        ))?;
        let mut within = Vec::new();
        let mut rows = known.query(params![site, crawl])?;
        while let Some(row) = rows.next()? {
            let url = url(row.get(0)?)?;
            if scopes.iter().any(|scope| scope.contains(&url)) {
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
}
