//! Takes over the pages of an index that was filled before there was an archive. Each of its pages
//! becomes an archived version and a published row, so that nothing has to be fetched again.

use std::collections::HashMap;

use canter_core::document::{Stored, Write};
use canter_core::failure::Failure;
use canter_core::ports::{Archive, IndexReader};
use canter_core::publish::{Kept, UNNOTED};
use canter_core::task::UrlKey;
use rusqlite::{Connection, OptionalExtension, params};
use url::Url;

use super::crawls::SiteStore;
use super::importing::archived;
use super::pages::{columns_of, url};
use super::schema::signed;
use super::schema::state::FINISHED;

/// Number of pages that are adopted together.
const BATCH: usize = 64;

/// What an old row says about the copy of its page in the index.
#[derive(Debug, Default)]
struct OldRow {
    hash: Option<UrlKey>,
    etag: Option<String>,
    last_modified: Option<String>,
    canonical: Option<Url>,
}

/// A page that is in the archive now.
struct Adopted {
    url: Url,
    kept: Kept,
    write: u64,
}

impl SiteStore {
    /// Returns whether an older canter has put pages of the site into the index that are not in the
    /// archive yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn needs_adoption(&self) -> Result<bool, Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                connection.query_row(
                    "SELECT EXISTS (SELECT 1 FROM url INDEXED BY copy
                                    WHERE site = ? AND hash IS NOT NULL)",
                    [site],
                    |row| row.get(0),
                )
            })
            .await
    }

    /// Adopts the pages of the site's index. Returns their number. If it breaks off, it is repeated
    /// as a whole. A page that only the store knows of is fetched whole by the next crawl.
    ///
    /// # Errors
    ///
    /// Returns the errors of the index, of the archive and of the store.
    pub async fn adopt(
        &self,
        index: &impl IndexReader,
        archive: &impl Archive,
    ) -> Result<u64, Failure> {
        let mut adopted = 0;
        for batch in index.versions(&self.name).await?.chunks(BATCH) {
            let mut pages = Vec::new();
            for (id, write) in batch {
                if let Some(stored) = index.get(&self.name, *id).await? {
                    pages.push((stored, *write));
                }
            }
            let rows = self
                .old_rows(pages.iter().map(|(page, _)| page.url.clone()).collect())
                .await?;
            let puts = pages
                .into_iter()
                .map(|(stored, write)| adopt_page(stored, write, &rows, archive));
            let pages = futures_util::future::try_join_all(puts).await?;
            adopted += pages.len() as u64;
            self.publish_adopted(pages).await?;
        }
        self.end_adoption().await?;
        Ok(adopted)
    }

    async fn old_rows(&self, urls: Vec<Url>) -> Result<HashMap<Url, OldRow>, Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                let mut rows = HashMap::new();
                for url in urls {
                    if let Some(row) = old_row(connection, site, &url)? {
                        rows.insert(url, row);
                    }
                }
                Ok(rows)
            })
            .await
    }

    async fn publish_adopted(&self, pages: Vec<Adopted>) -> Result<(), Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                // What this canter has archived already is newer than the copy in the index.
                let mut adopt = connection.prepare_cached(
                    "INSERT INTO url (site, key, url, crawl, state, due_ms, depth, hops, attempts,
                         outcome, newest, place, version, published, published_place, written, inlinks)
                     VALUES (?1, ?2, ?3, 0, ?4, 0, 0, 0, 0, 'indexed', ?5, ?6, ?7, ?5, ?6, ?8, ?9)
                     ON CONFLICT (site, key) DO UPDATE SET
                         newest = coalesce(newest, ?5), place = coalesce(place, ?6),
                         version = max(version, ?7), published = ?5, published_place = ?6,
                         written = ?8, inlinks = ?9
                     WHERE published IS NULL",
                )?;
                for page in pages {
                    let version = signed(page.kept.fingerprint.version);
                    let (fingerprint, place) = columns_of(page.kept);
                    adopt.execute(params![
                        site,
                        UrlKey::of(&page.url).0,
                        page.url.as_str(),
                        FINISHED,
                        fingerprint,
                        place,
                        version,
                        signed(page.write),
                        signed(UNNOTED)
                    ])?;
                }
                Ok(())
            })
            .await
    }

    /// Removes the marks of old rows. Validators go with them where there is no version.
    async fn end_adoption(&self) -> Result<(), Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                connection.execute(
                    "UPDATE url SET hash = NULL,
                             etag = CASE WHEN newest IS NOT NULL THEN etag END,
                             last_modified = CASE WHEN newest IS NOT NULL THEN last_modified END
                         WHERE site = ? AND hash IS NOT NULL",
                    [site],
                )?;
                // What is adopted was published, so the next refresh is checked.
                connection
                    .execute(
                        "UPDATE site SET changes = coalesce(changes, '{}') WHERE id = ?",
                        [site],
                    )
                    .map(drop)
            })
            .await
    }
}

/// Puts a page of the index into the archive.
async fn adopt_page(
    stored: Stored,
    write: u64,
    rows: &HashMap<Url, OldRow>,
    archive: &impl Archive,
) -> Result<Adopted, Failure> {
    let row = rows.get(&stored.url);
    // A page without a hash is taken for changed when it is fetched again.
    let unknown = || UrlKey::hash(stored.text.as_bytes());
    let hash = row.and_then(|row| row.hash).unwrap_or_else(unknown);
    let mut page = archived(stored, Write::numbered(write).version, hash);
    page.etag = row.and_then(|row| row.etag.clone());
    page.last_modified = row.and_then(|row| row.last_modified.clone());
    page.page.canonical = row.and_then(|row| row.canonical.clone());
    let (url, fingerprint) = (page.url.clone(), page.fingerprint());
    let place = archive.put(page).await?;
    Ok(Adopted {
        url,
        kept: Kept { fingerprint, place },
        write,
    })
}

fn old_row(connection: &Connection, site: i64, of: &Url) -> rusqlite::Result<Option<OldRow>> {
    connection
        .prepare_cached(
            "SELECT hash, etag, last_modified, canonical FROM url WHERE site = ? AND key = ?",
        )?
        .query_row(params![site, UrlKey::of(of).0], |row| {
            Ok(OldRow {
                hash: row.get::<_, Option<[u8; 16]>>(0)?.map(UrlKey),
                etag: row.get(1)?,
                last_modified: row.get(2)?,
                canonical: row.get::<_, Option<String>>(3)?.map(url).transpose()?,
            })
        })
        .optional()
}
