//! A site leaves the store: marked first, so that no crawl takes up what is half gone; its rows
//! last, so that whoever is cut off finds the mark again.

use canter_core::failure::Failure;
use rusqlite::params;

use super::rest::{Rest, text};
use super::writer::Store;

/// Rows that go in one transaction.
const BATCH: usize = 20_000;

impl Store {
    /// Marks a site: no crawl begins from now on. Says whether the site is known.
    ///
    /// # Errors
    ///
    /// When the store failed.
    pub async fn begin_forgetting(&self, site: &str) -> Result<bool, Failure> {
        let (site, rest) = (site.to_owned(), text(&Rest::Forgotten));
        self.run(move |connection| {
            connection
                .execute(
                    "UPDATE site SET rest = ? WHERE name = ?",
                    params![rest, site],
                )
                .map(|rows| rows > 0)
        })
        .await
    }

    /// Removes a site's rows, after its pages have left the index. Says how many URLs there were.
    ///
    /// # Errors
    ///
    /// When the store failed.
    pub async fn forget_site(&self, site: &str) -> Result<u64, Failure> {
        let mut removed = 0;
        loop {
            let name = site.to_owned();
            let rows = self
                .run(move |connection| {
                    let rows = connection.execute(
                        "DELETE FROM url WHERE (site, key) IN (
                             SELECT site, key FROM url
                             WHERE site = (SELECT id FROM site WHERE name = ?) LIMIT ?)",
                        params![name, BATCH as i64],
                    )?;
                    if rows == 0 {
                        connection.execute("DELETE FROM site WHERE name = ?", [name])?;
                    }
                    Ok(rows)
                })
                .await?;
            if rows == 0 {
                return Ok(removed);
            }
            removed += rows as u64;
        }
    }
}
