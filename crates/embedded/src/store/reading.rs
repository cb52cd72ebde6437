//! Reads the store from other processes while a crawl writes it.

use std::path::Path;
use std::time::Duration;

use canter_core::document::document_id;
use canter_core::failure::Failure;
use canter_core::outcomes::Counts;
use canter_core::ports::Place;
use canter_core::publish::{Changes, Held};
use canter_core::robots::RobotsPolicy;
use canter_core::time::Moment;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde::de::DeserializeOwned;
use url::Url;

use super::file::{Store, failure, refuse_newer};
use super::importing::NO_CRAWL;
use super::pages::url;
use super::rest::{Rest, rest};
use super::{robots, schema};
use crate::folder::Folder;
use crate::sqlite;

/// The store of a folder, opened for reading.
pub struct Reading {
    pub(super) connection: Connection,
}

/// A report on the newest crawl of a site.
#[derive(Debug, Clone)]
pub struct SiteReport {
    /// Id of the site.
    pub site: String,
    /// Counts of the crawl's URLs by outcome.
    pub counts: Counts,
    /// Number of pages that a search can find.
    pub searchable: u64,
    /// Maximum rate in requests per second; `None` for no limit.
    pub rps: Option<f64>,
    /// Time at which the crawl began, in Unix ms; `None` if the site was imported and never crawled.
    pub began_ms: Option<u64>,
    /// Time at which a page was last fetched, in Unix ms; `None` if none ever was.
    pub fetched_ms: Option<u64>,
    /// Whether the crawl has seen every page.
    pub ended: bool,
    /// Reason why the crawl rests; `None` while it runs and when it has ended.
    pub rest: Option<Rest>,
    /// URL of the server whose index holds the site's pages; `None` for the folder's own index.
    pub server: Option<String>,
    /// Why the last refresh is not published; `None` if it is.
    pub held: Option<Held>,
    /// What the last publishing changed; `None` if nothing was published yet.
    pub changes: Option<Changes>,
}

impl SiteReport {
    /// Returns whether the crawl is running at this moment. `busy` tells whether a crawl holds the
    /// folder's lock.
    pub fn is_running(&self, busy: bool) -> bool {
        busy && !self.ended && self.rest.is_none()
    }
}

/// Returns reports on the newest crawl of every site of a folder, by site.
///
/// # Errors
///
/// Returns an error if the store cannot be read.
pub fn report(folder: &Folder) -> Result<Vec<SiteReport>, Failure> {
    Reading::open(folder)?.map_or(Ok(Vec::new()), |reading| reading.report())
}

impl Reading {
    /// Opens the store of a folder; `None` if nothing was crawled yet. The tables of an older
    /// canter are migrated first.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the store cannot be read, or if a newer canter wrote it.
    pub fn open(folder: &Folder) -> Result<Option<Self>, Failure> {
        let file = folder.state();
        if !file.exists() {
            return Ok(None);
        }
        let (connection, version) = open(&file)?;
        if version == schema::VERSION {
            return Ok(Some(Reading { connection }));
        }
        drop(connection);
        {
            let _alone = folder.lock()?;
            drop(Store::open(&file)?);
        }
        let (connection, _) = open(&file)?;
        Ok(Some(Reading { connection }))
    }

    /// Returns the version of the tables.
    pub fn version(&self) -> u32 {
        schema::VERSION
    }

    /// Returns reports on the newest crawl of every site, by site.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
    pub fn report(&self) -> Result<Vec<SiteReport>, Failure> {
        self.reports().map_err(failure)
    }

    fn reports(&self) -> rusqlite::Result<Vec<SiteReport>> {
        let mut sites = self.connection.prepare(
            "SELECT id, name, crawl, rps, ended_ms IS NOT NULL, rest, server, held, changes
             FROM site ORDER BY name",
        )?;
        let mut rows = sites.query([])?;
        let mut reports = Vec::new();
        while let Some(row) = rows.next()? {
            let (site, crawl): (i64, i64) = (row.get(0)?, row.get(2)?);
            let rows = self.rows(site, crawl)?;
            reports.push(SiteReport {
                site: row.get(1)?,
                counts: rows.counts,
                searchable: rows.searchable,
                rps: row.get(3)?,
                began_ms: (crawl > NO_CRAWL).then_some(crawl as u64),
                fetched_ms: rows.fetched_ms.map(|at| at.max(0) as u64),
                ended: row.get(4)?,
                rest: rest(row.get(5)?),
                server: row.get(6)?,
                held: json(row.get(7)?),
                changes: json(row.get(8)?),
            });
        }
        Ok(reports)
    }

    /// Reads a site's rows in one pass, as [`super::counts::count`] does.
    fn rows(&self, site: i64, crawl: i64) -> rusqlite::Result<Rows> {
        let mut found = Rows::default();
        let mut all = self.connection.prepare_cached(
            "SELECT crawl = ?2, outcome, CASE outcome WHEN 'skipped' THEN detail END,
                 published IS NOT NULL OR hash IS NOT NULL, fetched_ms
             FROM url WHERE site = ?1",
        )?;
        let mut rows = all.query(params![site, crawl])?;
        while let Some(row) = rows.next()? {
            found.searchable += u64::from(row.get::<_, bool>(3)?);
            found.fetched_ms = found.fetched_ms.max(row.get(4)?);
            if row.get(0)? {
                let outcome = row.get_ref(1)?.as_str_or_null()?;
                found.counts.add(outcome, row.get_ref(2)?.as_str_or_null()?);
            }
        }
        Ok(found)
    }

    /// Returns the pages of a site that its index shows, each with the place of its version in the
    /// archive, in the order of their ids in the index.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
    pub fn published(&self, site: &str) -> Result<Vec<(Url, Place)>, Failure> {
        let published = || -> rusqlite::Result<Vec<_>> {
            self.connection
                .prepare(
                    "SELECT url, published_place FROM url
                     WHERE site = (SELECT id FROM site WHERE name = ?)
                       AND published_place IS NOT NULL",
                )?
                .query_map([site], |row| Ok((url(row.get(0)?)?, Place(row.get(1)?))))?
                .collect()
        };
        let mut published = published().map_err(failure)?;
        published.sort_by_cached_key(|(url, _)| document_id(site, url));
        Ok(published)
    }

    /// Returns the newest robots.txt policy of an authority and the time at which it was fetched.
    /// Crawls that go by other names than canter's have policies of their own.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
    pub fn robots_policy(
        &self,
        authority: &str,
    ) -> Result<Option<(RobotsPolicy, Moment)>, Failure> {
        robots::newest(&self.connection, authority)
            .optional()
            .map(|stored| stored.and_then(robots::policy))
            .map_err(failure)
    }
}

#[derive(Default)]
struct Rows {
    counts: Counts,
    searchable: u64,
    fetched_ms: Option<i64>,
}

fn open(file: &Path) -> Result<(Connection, u32), Failure> {
    let read_only = || -> rusqlite::Result<_> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        let version = sqlite::version(&connection)?;
        Ok((connection, version))
    };
    let (connection, version) = read_only().map_err(failure)?;
    refuse_newer(file, version)?;
    Ok((connection, version))
}

/// Reads a JSON column; `None` if it is empty or a newer canter wrote it.
pub(super) fn json<T: DeserializeOwned>(text: Option<String>) -> Option<T> {
    serde_json::from_str(&text?).ok()
}
