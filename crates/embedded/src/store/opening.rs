//! Opens a site that was crawled, without beginning a crawl of it.

use std::sync::Arc;

use canter_core::failure::Failure;
use canter_core::time::Moment;
use rusqlite::OptionalExtension;

use super::crawls::SiteStore;
use super::rest::{Rest, rest};
use super::file::Store;

impl Store {
    /// Opens a known site at its newest crawl, and returns whether that crawl has ended; `None` if
    /// the site is unknown or being forgotten.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn open_site(
        &self,
        name: &str,
        clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    ) -> Result<Option<(SiteStore, bool)>, Failure> {
        let (wanted, store, name) = (name.to_owned(), self.clone(), name.to_owned());
        let found = self.run(move |connection| {
            connection
                .query_row(
                    "SELECT id, crawl, ended_ms IS NOT NULL, rest FROM site WHERE name = ?",
                    [wanted],
                    |row| {
                        let (id, crawl): (i64, i64) = (row.get(0)?, row.get(1)?);
                        Ok((id, crawl, row.get::<_, bool>(2)?, rest(row.get(3)?)))
                    },
                )
                .optional()
        });
        let found = found.await?.filter(|(.., rest)| *rest != Some(Rest::Forgotten));
        Ok(found.map(|(site, crawl, ended, _)| {
            let site_store = SiteStore {
                store,
                site,
                name,
                crawl: crawl.max(0) as u64,
                clock,
                pushed: Arc::default(),
                waiting: Arc::default(),
            };
            (site_store, ended)
        }))
    }
}

impl SiteStore {
    /// Returns whether a crawl of the site was ever published as a whole.
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
}
