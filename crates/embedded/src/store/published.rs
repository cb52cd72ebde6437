//! The store's part in publishing: which version of each page the index shows.

use std::collections::HashMap;

use canter_core::absence::Signal;
use canter_core::failure::Failure;
use canter_core::outcomes::{columns, outcome};
use canter_core::publish::{Mark, PageRow, Published, PublishedPages, Rows, UNCOUNTED};
use canter_core::task::{Outcome, UrlKey};
use rusqlite::{Connection, Row, params};

use super::crawls::SiteStore;
use super::pages::{columns_of, kept, url};
use super::reading::json;
use super::schema::{signed, unsigned};

/// The columns that [`page_row`] reads.
macro_rules! page_columns {
    () => {
        "url, newest, place, published, published_place, written, inlinks, canonical, absence,
         CASE WHEN crawl = ?2 AND state = 3 THEN outcome END, detail, status"
    };
}

impl PublishedPages for SiteStore {
    async fn rows(&self, rows: Rows) -> Result<Vec<PageRow>, Failure> {
        let (site, crawl) = (self.site, signed(self.crawl));
        self.store
            .run(move |connection| match rows {
                Rows::All => connection
                    .prepare_cached(concat!(
                        "SELECT ",
                        page_columns!(),
                        " FROM url WHERE site = ?1 AND (newest IS NOT NULL OR published IS NOT NULL)"
                    ))?
                    .query_map(params![site, crawl], page_row)?
                    .collect(),
                // A page that now asks not to be indexed may have an older version.
                Rows::Unpublished(most) => connection
                    .prepare_cached(concat!(
                        "SELECT ",
                        page_columns!(),
                        " FROM url INDEXED BY unpublished
                         WHERE site = ?1 AND crawl = ?2 AND newest IS NOT NULL
                           AND published IS NULL AND outcome IN ('indexed', 'unchanged')
                         LIMIT ?3"
                    ))?
                    .query_map(params![site, crawl, most as i64], page_row)?
                    .collect(),
            })
            .await
    }

    async fn redirects(&self) -> Result<HashMap<UrlKey, UrlKey>, Failure> {
        let (site, crawl) = (self.site, signed(self.crawl));
        self.store
            .run(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT key, detail FROM url
                         WHERE site = ? AND crawl = ? AND outcome = 'redirected'",
                    )?
                    .query_map(params![site, crawl], |row| {
                        Ok((UrlKey(row.get(0)?), UrlKey::of(&url(row.get(1)?)?)))
                    })?
                    .collect()
            })
            .await
    }

    async fn mark(&self, marks: Vec<(UrlKey, Mark)>) -> Result<(), Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                marks
                    .into_iter()
                    .try_for_each(|(key, change)| mark(connection, site, key, change))
            })
            .await
    }

    async fn forget_older(&self) -> Result<u64, Failure> {
        let (site, crawl) = (self.site, signed(self.crawl));
        let forgotten = self.store.run(move |connection| {
            connection.execute(
                "DELETE FROM url WHERE site = ? AND crawl < ?
                   AND newest IS NULL AND published IS NULL AND hash IS NULL",
                params![site, crawl],
            )
        });
        forgotten.await.map(|forgotten| forgotten as u64)
    }
}

fn mark(connection: &Connection, site: i64, key: UrlKey, mark: Mark) -> rusqlite::Result<()> {
    match mark {
        Mark::Shown(published) => {
            let (fingerprint, place) = columns_of(published.kept);
            connection
                .prepare_cached(
                    "UPDATE url SET published = ?, published_place = ?, written = ?, inlinks = ?
                     WHERE site = ? AND key = ?",
                )?
                .execute(params![
                    fingerprint,
                    place,
                    signed(published.write),
                    signed(published.inlinks),
                    site,
                    key.0
                ])?;
        }
        Mark::Out(ended) => {
            connection
                .prepare_cached(
                    "UPDATE url SET published = NULL, published_place = NULL, written = NULL,
                         inlinks = NULL, newest = NULL, place = NULL, etag = NULL,
                         last_modified = NULL
                     WHERE site = ? AND key = ?",
                )?
                .execute(params![site, key.0])?;
            if let Some(outcome) = ended {
                end(connection, site, key, &outcome)?;
            }
        }
        Mark::Ended(outcome) => end(connection, site, key, &outcome)?,
        Mark::Moved { newest, published } => {
            connection
                .prepare_cached(
                    "UPDATE url SET
                         place = CASE WHEN place = ?1 THEN ?2 ELSE place END,
                         published_place = CASE WHEN published_place = ?3 THEN ?4
                             ELSE published_place END
                     WHERE site = ?5 AND key = ?6",
                )?
                .execute(params![
                    newest.as_ref().map(|(from, _)| &from.0),
                    newest.as_ref().map(|(_, to)| &to.0),
                    published.as_ref().map(|(from, _)| &from.0),
                    published.as_ref().map(|(_, to)| &to.0),
                    site,
                    key.0
                ])?;
        }
        Mark::Lost => {
            connection
                .prepare_cached(
                    "UPDATE url SET newest = NULL, place = NULL, etag = NULL, last_modified = NULL
                     WHERE site = ? AND key = ?",
                )?
                .execute(params![site, key.0])?;
        }
        Mark::Doubted => {
            connection
                .prepare_cached(
                    "UPDATE url SET etag = NULL, last_modified = NULL WHERE site = ? AND key = ?",
                )?
                .execute(params![site, key.0])?;
        }
        Mark::Forgotten => {
            connection
                .prepare_cached("DELETE FROM url WHERE site = ? AND key = ?")?
                .execute(params![site, key.0])?;
        }
    }
    Ok(())
}

fn end(connection: &Connection, site: i64, key: UrlKey, outcome: &Outcome) -> rusqlite::Result<()> {
    let (outcome, detail) = columns(outcome);
    connection
        .prepare_cached("UPDATE url SET outcome = ?, detail = ? WHERE site = ? AND key = ?")?
        .execute(params![outcome, detail, site, key.0])
        .map(drop)
}

fn page_row(row: &Row<'_>) -> rusqlite::Result<PageRow> {
    let published = kept(row, 3)?.map(|kept| -> rusqlite::Result<_> {
        Ok(Published {
            kept,
            write: unsigned(row.get::<_, Option<i64>>(5)?.unwrap_or_default()),
            inlinks: row.get::<_, Option<i64>>(6)?.map_or(UNCOUNTED, unsigned),
        })
    });
    let canonical: Option<String> = row.get(7)?;
    let ended: Option<String> = row.get(9)?;
    let status: Option<u16> = row.get(11)?;
    let detail = row.get(10)?;
    let ended = ended.and_then(|kind| outcome(&kind, detail, status));
    Ok(PageRow {
        url: url(row.get(0)?)?,
        newest: kept(row, 1)?,
        published: published.transpose()?,
        canonical: canonical.map(url).transpose()?,
        signal: ended.map(|outcome| Signal::of(&outcome, status)),
        absence: json(row.get(8)?),
    })
}
