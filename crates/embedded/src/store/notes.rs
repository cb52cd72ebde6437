//! Notes about the newest crawl of a site, for other processes to read.

use canter_core::failure::Failure;
use canter_core::prospect::CrawlLimits;
use rusqlite::params;

use super::crawls::SiteStore;
use super::rest::{Rest, text};

impl SiteStore {
    /// Records the limits of the crawl, which explain why a URL was not fetched.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn note_limits(&self, limits: &CrawlLimits) -> Result<(), Failure> {
        let site = self.site;
        let limits = serde_json::to_string(limits).map_err(Failure::permanent)?;
        self.store
            .run(move |connection| {
                connection
                    .execute(
                        "UPDATE site SET bounds = ? WHERE id = ?",
                        params![limits, site],
                    )
                    .map(drop)
            })
            .await
    }

    /// Returns the URL of the server whose index holds the site's pages; `None` for the folder's
    /// own index.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn server(&self) -> Result<Option<String>, Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                connection.query_row("SELECT server FROM site WHERE id = ?", [site], |row| {
                    row.get(0)
                })
            })
            .await
    }

    /// Returns the number of the site's pages in its index, as far as the store knows.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn searchable(&self) -> Result<u64, Failure> {
        let site = self.site;
        let count = self.store.run(move |connection| {
            let count = "SELECT count(*) FROM url WHERE site = ? AND hash IS NOT NULL";
            connection.query_row(count, [site], |row| row.get::<_, i64>(0))
        });
        count.await.map(|count| count.max(0) as u64)
    }

    /// Records the server whose index holds the site's pages from now on.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn note_server(&self, server: Option<String>) -> Result<(), Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                connection
                    .execute(
                        "UPDATE site SET server = ? WHERE id = ?",
                        params![server, site],
                    )
                    .map(drop)
            })
            .await
    }

    /// Records that the crawl has come to rest.
    pub(super) async fn note_rest(&self, rest: &Rest) -> Result<(), Failure> {
        let (site, rest) = (self.site, text(rest));
        self.store
            .run(move |connection| {
                connection
                    .execute("UPDATE site SET rest = ? WHERE id = ?", params![rest, site])
                    .map(drop)
            })
            .await
    }
}
