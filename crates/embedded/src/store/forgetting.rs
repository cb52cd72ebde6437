//! Removes a site from the store. The site is marked first, so that no crawl continues a site that
//! is partly removed. Its rows are removed last, so that an interrupted process finds the mark
//! again.

use canter_core::failure::Failure;
use rusqlite::params;

use super::file::Store;
use super::rest::{Rest, text};

/// Maximum number of rows deleted in one transaction.
const BATCH: usize = 20_000;

impl Store {
    /// Marks a site, so that no crawl of it begins from now on. Returns whether the site is known.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
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

    /// Removes a site's rows after its pages have left the index. Returns the number of its URLs.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
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
