//! What other processes read of the store while a crawl writes it.

use std::path::Path;
use std::time::Duration;

use canter_core::failure::Failure;
use rusqlite::{Connection, OpenFlags, params};

use super::crawls::Counts;

/// The newest crawl of a site.
#[derive(Debug, Clone)]
pub struct SiteReport {
    /// Id of the site.
    pub site: String,
    /// Its numbers.
    pub counts: Counts,
    /// Pages that a search can find.
    pub searchable: u64,
    /// Limit of its rate; none for none.
    pub rps: Option<f64>,
    /// When it began, Unix ms.
    pub began_ms: u64,
    /// When it last ended a task that it had fetched, Unix ms.
    pub updated_ms: u64,
    /// Whether it has seen every page.
    pub ended: bool,
}

/// The newest crawl of every site of a store, by site.
pub fn report(file: &Path) -> Result<Vec<SiteReport>, Failure> {
    read(file).map_err(|error| super::failure(&error))
}

fn read(file: &Path) -> rusqlite::Result<Vec<SiteReport>> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    let mut sites = connection
        .prepare("SELECT id, name, crawl, rps, ended_ms IS NOT NULL FROM site ORDER BY name")?;
    let mut rows = sites.query([])?;
    let mut reports = Vec::new();
    while let Some(row) = rows.next()? {
        let (site, crawl): (i64, i64) = (row.get(0)?, row.get(2)?);
        let (searchable, updated): (i64, Option<i64>) = connection
            .prepare_cached("SELECT count(hash), max(fetched_ms) FROM url WHERE site = ?")?
            .query_row(params![site], |row| Ok((row.get(0)?, row.get(1)?)))?;
        reports.push(SiteReport {
            site: row.get(1)?,
            counts: Counts::of(&connection, site, crawl)?,
            searchable: searchable.max(0) as u64,
            rps: row.get(3)?,
            began_ms: crawl.max(0) as u64,
            updated_ms: updated.unwrap_or(crawl).max(0) as u64,
            ended: row.get(4)?,
        });
    }
    Ok(reports)
}
