//! Notes about the newest crawl of a site, for other processes to read.

use canter_core::failure::Failure;
use canter_core::prospect::CrawlLimits;
use canter_core::publish::{Changes, Held};
use rusqlite::params;

use super::crawls::SiteStore;
use super::reading::json;
use super::rest::{Rest, text};
use super::schema::in_index;

impl SiteStore {
    /// Records the limits of the crawl, which explain why a URL was not fetched.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn note_limits(&self, limits: &CrawlLimits) -> Result<(), Failure> {
        let limits = serde_json::to_string(limits).map_err(Failure::permanent)?;
        self.note("UPDATE site SET bounds = ? WHERE id = ?", Some(limits))
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

    /// Returns the number of the site's pages that its index shows, as far as the store knows.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn searchable(&self) -> Result<u64, Failure> {
        let site = self.site;
        let count = self.store.run(move |connection| {
            let count = concat!("SELECT count(*) FROM url WHERE site = ? AND ", in_index!());
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
        self.note("UPDATE site SET server = ? WHERE id = ?", server)
            .await
    }

    /// Records why a refresh is not published; `None` when it is.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn note_held(&self, held: Option<&Held>) -> Result<(), Failure> {
        let held = held.map(serde_json::to_string).transpose();
        let held = held.map_err(Failure::permanent)?;
        self.note("UPDATE site SET held = ? WHERE id = ?", held)
            .await
    }

    /// Returns what the publishings of the newest crawl have changed.
    pub(super) async fn noted_changes(&self) -> Result<Changes, Failure> {
        let site = self.site;
        let changes = self.store.run(move |connection| {
            let sql = "SELECT changes FROM site WHERE id = ?";
            connection.query_row(sql, [site], |row| Ok(json(row.get(0)?)))
        });
        Ok(changes.await?.unwrap_or_default())
    }

    /// Records what the publishings of the newest crawl have changed.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn note_changes(&self, changes: &Changes) -> Result<(), Failure> {
        let changes = serde_json::to_string(changes).map_err(Failure::permanent)?;
        self.note("UPDATE site SET changes = ? WHERE id = ?", Some(changes))
            .await
    }

    /// Returns whether the site was ever published as a whole.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn was_published(&self) -> Result<bool, Failure> {
        let site = self.site;
        let was = self.store.run(move |connection| {
            let sql = "SELECT changes IS NOT NULL FROM site WHERE id = ?";
            connection.query_row(sql, [site], |row| row.get(0))
        });
        was.await
    }

    /// Returns why the last refresh is not published; `None` if it is.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn held(&self) -> Result<Option<Held>, Failure> {
        let site = self.site;
        let held = self.store.run(move |connection| {
            connection.query_row("SELECT held FROM site WHERE id = ?", [site], |row| {
                Ok(json(row.get(0)?))
            })
        });
        held.await
    }

    /// Writes a note about the site; `sql` takes the text and the site's id.
    async fn note(&self, sql: &'static str, text: Option<String>) -> Result<(), Failure> {
        let site = self.site;
        self.store
            .run(move |connection| connection.execute(sql, params![text, site]).map(drop))
            .await
    }

    /// Records that the crawl has come to rest.
    pub(super) async fn note_rest(&self, rest: &Rest) -> Result<(), Failure> {
        self.note("UPDATE site SET rest = ? WHERE id = ?", text(rest))
            .await
    }
}
