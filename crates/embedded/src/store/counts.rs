//! Counts of the outcomes of a crawl, and the outcomes of single URLs.

use std::collections::HashSet;

use canter_core::failure::Failure;
use canter_core::outcomes::{Counts, outcome};
use canter_core::task::{Outcome, Skip, UrlKey};
use rusqlite::{Connection, OptionalExtension, params};
use url::Url;

use super::crawls::SiteStore;

impl SiteStore {
    /// Follows the redirects of each URL, and returns the last URL with its outcome; nothing for a
    /// URL that has not ended. Redirects that lead back to themselves, each fetched once, are a
    /// redirect loop.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn ends(&self, urls: Vec<Url>) -> Result<Vec<(Url, Outcome)>, Failure> {
        let (site, crawl) = (self.site, self.crawl as i64);
        self.store
            .run(move |connection| {
                let mut ends = Vec::new();
                for mut url in urls {
                    let mut passed = HashSet::new();
                    while let Some(outcome) = end_of(connection, site, crawl, &url)? {
                        match outcome {
                            Outcome::Redirected { to } if passed.insert(url.clone()) => url = to,
                            Outcome::Redirected { .. } => {
                                ends.push((url, Skip::RedirectLoop.into()));
                                break;
                            }
                            outcome => {
                                ends.push((url, outcome));
                                break;
                            }
                        }
                    }
                }
                Ok(ends)
            })
            .await
    }

    /// Returns at most `most` URLs with the outcome `outcome` (failed or gone), each with the
    /// reason and the page that named it.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn troubles(&self, outcome: &str, most: usize) -> Result<Vec<Trouble>, Failure> {
        let (site, crawl, outcome) = (self.site, self.crawl as i64, outcome.to_owned());
        self.store
            .run(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT url, coalesce(detail, 'status ' || status),
                             CASE kind WHEN 0 THEN parent END FROM url
                         WHERE site = ? AND crawl = ? AND outcome = ? ORDER BY url LIMIT ?",
                    )?
                    .query_map(params![site, crawl, outcome, most as i64], |row| {
                        Ok(Trouble {
                            url: row.get(0)?,
                            what: row.get(1)?,
                            parent: row.get(2)?,
                        })
                    })?
                    .collect()
            })
            .await
    }

    /// Counts the crawl's rows by outcome.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn counts(&self) -> Result<Counts, Failure> {
        let (site, crawl) = (self.site, self.crawl as i64);
        self.store
            .run(move |connection| count(connection, site, crawl))
            .await
    }
}

/// A URL that failed or is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The URL.
    pub url: String,
    /// The reason.
    pub what: String,
    /// The page that named it first.
    pub parent: Option<String>,
}

fn end_of(
    connection: &Connection,
    site: i64,
    crawl: i64,
    url: &Url,
) -> rusqlite::Result<Option<Outcome>> {
    let row = connection
        .prepare_cached(
            "SELECT outcome, detail, status FROM url
             WHERE site = ? AND key = ? AND crawl = ? AND outcome IS NOT NULL",
        )?
        .query_row(params![site, UrlKey::of(url).0, crawl], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    Ok(row.and_then(|(kind, detail, status): (String, _, _)| outcome(&kind, detail, status)))
}

/// Counts a crawl's rows in one pass over them. SQLite would sort the many rows to group them,
/// which takes longer than everything else.
pub(super) fn count(connection: &Connection, site: i64, crawl: i64) -> rusqlite::Result<Counts> {
    let mut counts = Counts::default();
    let mut all = connection.prepare_cached(
        "SELECT outcome, CASE outcome WHEN 'skipped' THEN detail END FROM url
         WHERE site = ? AND crawl = ?",
    )?;
    let mut rows = all.query(params![site, crawl])?;
    while let Some(row) = rows.next()? {
        let outcome = row.get_ref(0)?.as_str_or_null()?;
        counts.add(outcome, row.get_ref(1)?.as_str_or_null()?);
    }
    Ok(counts)
}
