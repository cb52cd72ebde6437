//! Reads the store from other processes while a crawl writes it.

use std::path::Path;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::outcomes::Counts;
use canter_core::robots::RobotsPolicy;
use canter_core::time::Moment;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::failure::failure;
use super::rest::{Rest, rest};
use super::writer::Store;
use super::{robots, schema};
use crate::folder::Folder;

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
    /// Time at which the crawl began, in Unix ms.
    pub began_ms: u64,
    /// Time at which a page was last fetched, in Unix ms; `None` if none ever was.
    pub fetched_ms: Option<u64>,
    /// Whether the crawl has seen every page.
    pub ended: bool,
    /// Reason why the crawl rests; `None` while it runs and when it has ended.
    pub rest: Option<Rest>,
    /// URL of the server whose index holds the site's pages; `None` for the folder's own index.
    pub server: Option<String>,
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
    /// Returns an error if the store cannot be read.
    pub fn open(folder: &Folder) -> Result<Option<Self>, Failure> {
        let file = folder.state();
        if !file.exists() {
            return Ok(None);
        }
        let open = || open(&file).map_err(failure);
        let (connection, version) = open()?;
        if version >= schema::VERSION {
            return Ok(Some(Reading { connection }));
        }
        drop(connection);
        {
            let _alone = folder.lock()?;
            drop(Store::open(&file)?);
        }
        let (connection, _) = open()?;
        Ok(Some(Reading { connection }))
    }

    /// Returns the version of the tables.
    pub fn version(&self) -> usize {
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
            "SELECT id, name, crawl, rps, ended_ms IS NOT NULL, rest, server
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
                began_ms: crawl.max(0) as u64,
                fetched_ms: rows.fetched_ms.map(|at| at.max(0) as u64),
                ended: row.get(4)?,
                rest: rest(row.get(5)?),
                server: row.get(6)?,
            });
        }
        Ok(reports)
    }

    /// Reads a site's rows in one pass, as [`super::counts::count`] does.
    fn rows(&self, site: i64, crawl: i64) -> rusqlite::Result<Rows> {
        let mut found = Rows::default();
        let mut all = self.connection.prepare_cached(
            "SELECT crawl = ?2, outcome, CASE outcome WHEN 'skipped' THEN detail END,
                 hash IS NOT NULL, fetched_ms
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

    /// Returns the robots.txt policy of an authority and the time at which it was fetched.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
    pub fn robots_policy(
        &self,
        authority: &str,
    ) -> Result<Option<(RobotsPolicy, Moment)>, Failure> {
        robots::stored(&self.connection, authority, Moment(0))
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

fn open(file: &Path) -> rusqlite::Result<(Connection, usize)> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    let version = schema::version(&connection)?;
    Ok((connection, version))
}
