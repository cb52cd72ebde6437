//! Takes pages into the store that no crawl of this folder fetched.

use std::collections::HashMap;
use std::sync::Arc;

use canter_core::archived_page::ArchivedPage;
use canter_core::document::Stored;
use canter_core::failure::Failure;
use canter_core::ports::{Archive, Known, Place};
use canter_core::publish::Kept;
use canter_core::task::UrlKey;
use canter_core::time::Moment;
use futures_util::future::try_join_all;
use rusqlite::{OptionalExtension, params};
use url::Url;

use super::crawls::SiteStore;
use super::file::Store;
use super::pages::{columns_of, known};
use super::rest::{Rest, rest};
use super::schema::signed;

/// The crawl of a site that was never crawled here.
pub(super) const NO_CRAWL: i64 = 0;

impl Store {
    /// Opens a site to import pages of it. A site that is unknown becomes one that was imported and
    /// never crawled; `server` is the index that is to hold its pages, `None` for the folder's own.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn imported_site(
        &self,
        name: &str,
        server: Option<String>,
        clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    ) -> Result<SiteStore, Failure> {
        let (store, name) = (self.clone(), name.to_owned());
        self.run(move |connection| {
            connection.execute(
                "INSERT INTO site (name, scope, crawl, ended_ms, server) VALUES (?, '', ?, ?, ?)
                 ON CONFLICT (name) DO NOTHING",
                params![name, NO_CRAWL, clock().millis() as i64, server],
            )?;
            let (site, crawl, rest) = connection.query_row(
                "SELECT id, crawl, rest FROM site WHERE name = ?",
                [&name],
                |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, rest(row.get(2)?))),
            )?;
            if rest == Some(Rest::Forgotten) {
                return Ok(Err(name));
            }
            Ok(Ok(SiteStore::new(store, site, name, crawl as u64, clock)))
        })
        .await?
        .map_err(|name| {
            Failure::permanent(format!(
                "the site {name} was to be forgotten, which was cut off: run `canter forget \
                 {name}` first"
            ))
        })
    }
}

impl SiteStore {
    /// Imports pages into the archive and the store. A page that is not newer than the archived one
    /// changes nothing. Times in the future count as now. A task that waits for the page still
    /// fetches it.
    ///
    /// # Errors
    ///
    /// Returns the errors of the archive and of the store.
    pub async fn import(&self, pages: Vec<Stored>, archive: &impl Archive) -> Result<(), Failure> {
        let now = (self.clock)();
        let mut newest: HashMap<Url, Stored> = HashMap::new();
        for page in pages {
            let before = newest
                .get(&page.url)
                .map_or(0, |before| before.fetched_at_ms);
            if page.fetched_at_ms >= before {
                newest.insert(page.url.clone(), page);
            }
        }
        let pages: Vec<Stored> = newest.into_values().collect();
        let known = self.known(&pages).await?;
        let place = |known: &Known| known.newest.as_ref().map(|kept| kept.place.clone());
        let places: Vec<Place> = known
            .iter()
            .map(|it| place(it).unwrap_or_default())
            .collect();
        let there = archive.get(&self.name, &places).await?;
        let puts = pages
            .into_iter()
            .zip(known)
            .zip(there)
            .filter_map(|((page, known), there)| {
                let fetched_at = Moment::from_millis(page.fetched_at_ms).min(now);
                if there.is_some_and(|there| there.fetched_at >= fetched_at) {
                    return None;
                }
                // A hash of the body is missing, so the page counts as changed when it is fetched.
                let hash = UrlKey::hash(page.text.as_bytes());
                let mut page = archived(page, known.next_version(now), hash);
                page.fetched_at = fetched_at;
                Some(async move {
                    let (url, fingerprint) = (page.url.clone(), page.fingerprint());
                    let place = archive.put(page).await?;
                    Ok::<_, Failure>((url, fetched_at, Kept { fingerprint, place }))
                })
            });
        let imported = try_join_all(puts).await?;
        self.record_imported(imported).await
    }

    /// Returns what the store knows of pages, in their order.
    async fn known(&self, pages: &[Stored]) -> Result<Vec<Known>, Failure> {
        let site = self.site;
        let keys: Vec<UrlKey> = pages.iter().map(|page| UrlKey::of(&page.url)).collect();
        self.store
            .run(move |connection| {
                let mut look = connection.prepare_cached(
                    "SELECT etag, last_modified, newest, place, canonical, version, absence
                     FROM url WHERE site = ? AND key = ?",
                )?;
                let found = keys.into_iter().map(|key| {
                    let row = look.query_row(params![site, key.0], known);
                    Ok(row.optional()?.unwrap_or_default())
                });
                found.collect()
            })
            .await
    }

    async fn record_imported(&self, pages: Vec<(Url, Moment, Kept)>) -> Result<(), Failure> {
        let (site, crawl) = (self.site, signed(self.crawl));
        self.store
            .run(move |connection| {
                let mut record = connection.prepare_cached(
                    "INSERT INTO url (site, key, url, crawl, state, due_ms, depth, hops, attempts,
                         outcome, fetched_ms, newest, place, version)
                     VALUES (?1, ?2, ?3, ?4, 3, 0, 0, 0, 0, 'indexed', ?5, ?6, ?7, ?8)
                     ON CONFLICT (site, key) DO UPDATE SET
                         outcome = CASE state WHEN 3 THEN 'indexed' ELSE outcome END,
                         detail = CASE state WHEN 3 THEN NULL ELSE detail END,
                         fetched_ms = ?5, newest = ?6, place = ?7, version = ?8,
                         etag = NULL, last_modified = NULL, canonical = NULL, absence = NULL",
                )?;
                for (url, fetched_at, kept) in pages {
                    let version = signed(kept.fingerprint.version);
                    let (fingerprint, place) = columns_of(kept);
                    record.execute(params![
                        site,
                        UrlKey::of(&url).0,
                        url.as_str(),
                        crawl,
                        fetched_at.millis() as i64,
                        fingerprint,
                        place,
                        version
                    ])?;
                }
                Ok(())
            })
            .await
    }
}

/// Returns the archived form of an exported page.
pub(super) fn archived(stored: Stored, version: u64, hash: UrlKey) -> ArchivedPage {
    ArchivedPage {
        site: stored.site.clone(),
        url: stored.url.clone(),
        fetched_at: Moment::from_millis(stored.fetched_at_ms),
        version,
        hash,
        etag: None,
        last_modified: None,
        page: stored.into_page(),
    }
}
