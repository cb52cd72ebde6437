//! Ends redirect loops.

use std::collections::HashMap;

use canter_core::circles::circles;
use canter_core::failure::Failure;
use canter_core::outcomes::columns;
use canter_core::task::{Skip, UrlKey};
use rusqlite::params;

use super::crawls::SiteStore;
use super::pages::url;

impl SiteStore {
    /// Marks the URLs of redirect loops as skipped, once the crawl has followed all redirects.
    ///
    /// # Errors
    ///
    /// When the store cannot be written.
    pub async fn end_redirect_loops(&self) -> Result<(), Failure> {
        let (site, crawl) = (self.site, self.crawl as i64);
        self.store
            .run(move |connection| {
                let mut redirects = HashMap::new();
                let mut redirected = connection.prepare_cached(
                    "SELECT key, detail FROM url
                     WHERE site = ? AND crawl = ? AND outcome = 'redirected'",
                )?;
                let mut rows = redirected.query(params![site, crawl])?;
                while let Some(row) = rows.next()? {
                    redirects.insert(UrlKey(row.get(0)?), UrlKey::of(&url(row.get(1)?)?));
                }
                let (outcome, detail) = columns(&Skip::RedirectLoop.into());
                let mut end = connection.prepare_cached(
                    "UPDATE url SET outcome = ?, detail = ? WHERE site = ? AND key = ?",
                )?;
                for key in circles(&redirects) {
                    end.execute(params![outcome, detail, site, key.0])?;
                }
                Ok(())
            })
            .await
    }
}
