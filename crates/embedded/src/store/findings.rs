//! The findings of a crawl for a report, read once when the crawl has ended.

use canter_core::failure::Failure;
use canter_core::outcomes::Counts;
use canter_core::publish::{Changes, Held};
use canter_core::scope::Scope;
use canter_core::task::Skip;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use url::Url;

use super::counts::count;
use super::file::failure;
use super::importing::NO_CRAWL;
use super::reading::{Reading, json};

/// Maximum number of URLs of one outcome whose linking pages are looked up.
const MAX_TARGETS: i64 = 100_000;
/// Maximum number of URLs that serve as examples: the slowest, the largest, the skipped ones.
const MAX_EXAMPLES: i64 = 100;

/// The findings of the newest crawl of a site.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// The crawl's seeds.
    pub seeds: Vec<Url>,
    /// Time at which the crawl began, in Unix ms.
    pub began_ms: u64,
    /// Whether the crawl has seen every page.
    pub ended: bool,
    /// Counts of the crawl's URLs by outcome.
    pub counts: Counts,
    /// Status codes of the last answers, each with its number of URLs.
    pub statuses: Vec<(u64, u64)>,
    /// Durations of the last answers in ms, ascending, each with its number of URLs.
    pub times: Vec<(u64, u64)>,
    /// URLs by the duration of their answer, the slowest first.
    pub slowest: Vec<Finding>,
    /// Pages by the size of their body, the largest first.
    pub largest: Vec<Finding>,
    /// Pages that do not exist, sorted by URL; at most 100,000, as in the next two lists.
    pub gone: Vec<Finding>,
    /// URLs that failed after all attempts.
    pub failed: Vec<Finding>,
    /// URLs that redirect to another URL.
    pub redirected: Vec<Finding>,
    /// Examples of pages that are duplicates of another URL.
    pub duplicates: Vec<Finding>,
    /// Examples of skipped URLs, by the reason.
    pub skipped: Vec<(Skip, Vec<Finding>)>,
    /// Why nothing of the crawl is published; `None` if it is.
    pub held: Option<Held>,
    /// What the last publishing changed; `None` if there was none.
    pub changes: Option<Changes>,
}

/// A URL and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The normalised URL.
    pub url: String,
    /// Detail of the outcome, such as a target or a reason.
    pub detail: Option<String>,
    /// Status of the last answer.
    pub status: Option<u16>,
    /// The URL that named this one first; `None` for a seed.
    pub parent: Option<String>,
    /// Time from the start of the last request to the last byte of its answer, in ms.
    pub took_ms: Option<u64>,
    /// Length of the decoded body, in bytes.
    pub bytes: Option<u64>,
}

impl Reading {
    /// Returns the findings of the newest crawl of a site; `None` if the site was never crawled.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
    pub fn findings(&self, site: &str) -> Result<Option<Findings>, Failure> {
        read(&self.connection, site).map_err(failure)
    }
}

/// The rows of a site's newest crawl.
struct Rows<'a> {
    connection: &'a Connection,
    site: i64,
    crawl: i64,
}

fn read(connection: &Connection, site: &str) -> rusqlite::Result<Option<Findings>> {
    let known = connection
        .query_row(
            "SELECT id, crawl, coalesce(moved, scope), ended_ms IS NOT NULL, held, changes
             FROM site WHERE name = ? AND crawl > ?",
            params![site, NO_CRAWL],
            |row| {
                let rows = Rows {
                    connection,
                    site: row.get(0)?,
                    crawl: row.get(1)?,
                };
                let scope: Option<Scope> = json(row.get(2)?);
                let findings = Findings {
                    seeds: scope.map_or_else(Vec::new, |scope| scope.seeds().to_vec()),
                    ended: row.get(3)?,
                    held: json(row.get(4)?),
                    changes: json(row.get(5)?),
                    ..Findings::default()
                };
                Ok((rows, findings))
            },
        )
        .optional()?;
    known
        .map(|(rows, findings)| rows.findings(findings))
        .transpose()
}

impl Rows<'_> {
    /// Completes the findings.
    fn findings(&self, begun: Findings) -> rusqlite::Result<Findings> {
        let counts = count(self.connection, self.site, self.crawl)?;
        Ok(Findings {
            began_ms: self.crawl.max(0) as u64,
            statuses: self.groups("status")?,
            times: self.groups("took_ms")?,
            slowest: self.found("took_ms IS NOT NULL", "took_ms DESC, url", MAX_EXAMPLES)?,
            largest: self.found(
                "bytes > 0 AND (outcome IN ('indexed', 'unchanged', 'duplicate')
                     OR outcome = 'skipped' AND detail IN ('noindex', 'too_large'))",
                "bytes DESC, url",
                MAX_EXAMPLES,
            )?,
            gone: self.found("outcome = 'gone'", "url", MAX_TARGETS)?,
            failed: self.found("outcome = 'failed'", "url", MAX_TARGETS)?,
            redirected: self.found("outcome = 'redirected'", "url", MAX_TARGETS)?,
            duplicates: self.found("outcome = 'duplicate'", "url", MAX_EXAMPLES)?,
            skipped: self.skipped(&counts)?,
            counts,
            ..begun
        })
    }

    fn skipped(&self, counts: &Counts) -> rusqlite::Result<Vec<(Skip, Vec<Finding>)>> {
        let reasons = Skip::ALL.into_iter();
        let met = reasons.filter(|reason| counts.skipped_by.contains_key(reason.name()));
        met.map(|reason| {
            let name = reason.name();
            // The target of a redirect may follow the name.
            let rows =
                format!("outcome = 'skipped' AND (detail = '{name}' OR detail LIKE '{name} %')");
            Ok((reason, self.found(&rows, "url", MAX_EXAMPLES)?))
        })
        .collect()
    }

    /// Returns the values of a column, ascending, each with its number of rows.
    fn groups(&self, column: &str) -> rusqlite::Result<Vec<(u64, u64)>> {
        let sql = format!(
            "SELECT {column}, count(*) FROM url
             WHERE site = ? AND crawl = ? AND {column} IS NOT NULL GROUP BY 1 ORDER BY 1"
        );
        self.query(&sql, params![self.site, self.crawl], |row| {
            Ok((number(row.get(0)?), number(row.get(1)?)))
        })
    }

    fn found(&self, rows: &str, order: &str, most: i64) -> rusqlite::Result<Vec<Finding>> {
        let sql = format!(
            "SELECT url, detail, status, CASE kind WHEN 0 THEN parent END, took_ms, bytes FROM url
             WHERE site = ? AND crawl = ? AND {rows} ORDER BY {order} LIMIT ?"
        );
        self.query(&sql, params![self.site, self.crawl, most], found)
    }

    fn query<T>(
        &self,
        sql: &str,
        values: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.connection
            .prepare(sql)?
            .query_map(values, row)?
            .collect()
    }
}

fn found(row: &Row<'_>) -> rusqlite::Result<Finding> {
    Ok(Finding {
        url: row.get(0)?,
        detail: row.get(1)?,
        status: row.get(2)?,
        parent: row.get(3)?,
        took_ms: row.get::<_, Option<i64>>(4)?.map(number),
        bytes: row.get::<_, Option<i64>>(5)?.map(number),
    })
}

/// Converts a count, since SQLite's integers are signed.
fn number(value: i64) -> u64 {
    value.max(0) as u64
}
