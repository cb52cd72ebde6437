//! How the URLs of a crawl ended: counted, and told apart.

use std::collections::{BTreeMap, HashSet};

use canter_core::failure::Failure;
use canter_core::task::{Outcome, Skip, UrlKey};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use url::Url;

use super::crawls::SiteStore;
use super::pages::{outcome, reason_of};

/// Numbers of a crawl, from its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// URLs that answered with a page.
    pub pages: u64,
    /// Pages written to the index.
    pub indexed: u64,
    /// Pages whose copy in the index is still right.
    pub unchanged: u64,
    /// Pages whose content stands at another URL.
    pub duplicates: u64,
    /// URLs that lead elsewhere.
    pub redirected: u64,
    /// Sitemaps that were read.
    pub sitemaps: u64,
    /// URLs without a page (404, 410).
    pub gone: u64,
    /// URLs not fetched or not indexed for a reason that is no fault.
    pub skipped: u64,
    /// Those by reason.
    pub skipped_by: BTreeMap<String, u64>,
    /// Tasks that failed after all attempts.
    pub failed: u64,
    /// Tasks that wait.
    pub waiting: u64,
}

impl SiteStore {
    /// How the URLs ended that came of these ones by redirects; none for what has not ended.
    /// Redirects that lead round in a circle, each fetched once, are a loop.
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

    /// Some of the URLs that ended failed or gone, with what happened and the page that named them.
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
    pub async fn counts(&self) -> Result<Counts, Failure> {
        let (site, crawl) = (self.site, self.crawl as i64);
        self.store
            .run(move |connection| Counts::of(connection, site, crawl))
            .await
    }
}

/// A URL that gave trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The URL.
    pub url: String,
    /// What happened.
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

impl Counts {
    /// Counts a crawl's rows in one pass over them: they are many, and SQLite would sort them to
    /// group them, which takes longer than all the rest.
    pub(super) fn of(connection: &Connection, site: i64, crawl: i64) -> rusqlite::Result<Self> {
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

    /// Counts one more row; `detail` is that of a skipped one.
    pub(super) fn add(&mut self, outcome: Option<&str>, detail: Option<&str>) {
        let reason = detail.map(reason_of);
        let of_outcome = match outcome {
            None => &mut self.waiting,
            Some("indexed") => &mut self.indexed,
            Some("unchanged") => &mut self.unchanged,
            Some("duplicate") => &mut self.duplicates,
            Some("redirected") => &mut self.redirected,
            Some("listed") => &mut self.sitemaps,
            Some("gone") => &mut self.gone,
            Some("skipped") => &mut self.skipped,
            _ => &mut self.failed,
        };
        *of_outcome += 1;
        let page = match reason {
            Some(reason) => reason == Skip::Noindex.name(),
            None => matches!(outcome, Some("indexed" | "unchanged" | "duplicate")),
        };
        if page {
            self.pages += 1;
        }
        if let Some(reason) = reason {
            *self.skipped_by.entry(reason.to_owned()).or_default() += 1;
        }
    }
}
