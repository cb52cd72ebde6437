//! Everything that the store knows of one URL, for whoever asks why.

use std::collections::HashSet;

use canter_core::failure::Failure;
use canter_core::outcomes::outcome;
use canter_core::prospect::Bounds;
use canter_core::scope::Scope;
use canter_core::task::{Kind, Outcome, UrlKey};
use rusqlite::{OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use url::Url;

use super::failure::failure;
use super::pages::url;
use super::reading::Reading;
use super::schema::{kind, state};

/// Pages that lead to one URL beyond these are not named.
const MOST: i64 = 50;
/// Longest chain that is followed: far beyond every limit on depth and redirects.
const LONGEST: usize = 10_000;

/// A site as its newest crawl left it.
#[derive(Debug, Clone)]
pub struct KnownSite {
    /// Its name.
    pub name: String,
    /// What belongs to it; where redirects have moved it.
    pub scope: Scope,
    /// Its seeds, as they were given.
    pub seeds: Vec<Url>,
    /// Bounds of its newest crawl; none when an older canter crawled it.
    pub bounds: Option<Bounds>,
    /// URL of the server whose index holds its pages; none for the folder's own.
    pub server: Option<String>,
    id: i64,
    crawl: i64,
}

/// A URL's row, and the rows around it.
#[derive(Debug, Clone)]
pub struct Account {
    /// Whether the newest crawl has met it; if not, an older one did.
    pub met: bool,
    /// It waits, or is under way.
    pub waits: bool,
    /// When the next attempt is due, Unix ms; 0 for at once.
    pub due_ms: u64,
    /// Links from a seed.
    pub depth: u32,
    /// Attempts that failed.
    pub attempts: u32,
    /// What is expected there.
    pub kind: Kind,
    /// How it ended; none while it waits.
    pub outcome: Option<Outcome>,
    /// Status of the last answer.
    pub status: Option<u16>,
    /// When it was last fetched, Unix ms.
    pub fetched_ms: Option<u64>,
    /// From the last request's start to its answer's last byte, ms.
    pub took_ms: Option<u64>,
    /// Bytes of the last answer's body, decoded.
    pub bytes: Option<u64>,
    /// A copy of it is in the index.
    pub indexed: bool,
    /// Validator of the copy in the index.
    pub etag: Option<String>,
    /// Validator of the copy in the index.
    pub last_modified: Option<String>,
    /// When it last changed, as a sitemap says, Unix ms.
    pub lastmod_ms: Option<u64>,
    /// The canonical URL that the page names, when it is another one of the site.
    pub canonical: Option<Url>,
    /// Crawls in a row in which the page was missing.
    pub misses: u32,
    /// How it was found: the URLs that lead to it from a seed on, the seed first, itself left out.
    pub found: Vec<Waypoint>,
    /// What redirects to it directly.
    pub redirected_from: Vec<Url>,
    /// Where it redirects to, one after the other.
    pub redirects_to: Vec<RedirectTarget>,
    /// What has its content and is not indexed for that reason.
    pub duplicates: Vec<Url>,
}

/// One URL of the way to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waypoint {
    /// The URL.
    pub url: Url,
    /// It is a sitemap.
    pub sitemap: bool,
    /// It leads on by a redirect.
    pub redirects: bool,
}

/// A URL, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectTarget {
    /// The URL.
    pub url: Url,
    /// How it ended; none for what waits and what is no part of the site.
    pub outcome: Option<Outcome>,
}

impl Reading {
    /// All sites, by name.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn sites(&self) -> Result<Vec<KnownSite>, Failure> {
        let sites = || -> rusqlite::Result<Vec<_>> {
            self.connection
                .prepare(
                    "SELECT id, name, scope, moved, crawl, bounds, server FROM site ORDER BY name",
                )?
                .query_map([], |row| {
                    let scope: Option<Scope> = json(row.get(2)?);
                    let moved: Option<Scope> = json(row.get(3)?);
                    let (id, name) = (row.get(0)?, row.get(1)?);
                    let (crawl, bounds) = (row.get(4)?, json(row.get(5)?));
                    let server = row.get(6)?;
                    Ok(scope.map(|scope| KnownSite {
                        name,
                        seeds: scope.seeds().to_vec(),
                        scope: moved.unwrap_or(scope),
                        bounds,
                        server,
                        id,
                        crawl,
                    }))
                })?
                .collect()
        };
        // A scope that cannot be read is a newer canter's.
        let sites = sites().map_err(failure)?;
        Ok(sites.into_iter().flatten().collect())
    }

    /// What is known of a normalised URL in a site.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn account(&self, site: &KnownSite, of: &Url) -> Result<Option<Account>, Failure> {
        self.account_of(site, of).map_err(failure)
    }

    fn account_of(&self, site: &KnownSite, of: &Url) -> rusqlite::Result<Option<Account>> {
        let row = self
            .connection
            .prepare_cached(
                "SELECT state, due_ms, depth, attempts, kind, outcome, detail, status, fetched_ms,
                     took_ms, bytes, etag, last_modified, lastmod_ms, canonical, misses, crawl,
                     parent, hash IS NOT NULL
                 FROM url WHERE site = ? AND key = ?",
            )?
            .query_row(params![site.id, UrlKey::of(of).0], |row| {
                Ok((account(row, site)?, row.get::<_, Option<String>>(17)?))
            })
            .optional()?;
        let Some((account, parent)) = row else {
            return Ok(None);
        };
        let (redirected_from, duplicates) = self.leading(site, of)?;
        Ok(Some(Account {
            found: self.way(site, of, parent)?,
            redirected_from,
            redirects_to: self.targets(site, of, account.outcome.as_ref())?,
            duplicates,
            ..account
        }))
    }

    /// From a seed to a URL, by the page that named each one first.
    fn way(
        &self,
        site: &KnownSite,
        of: &Url,
        mut parent: Option<String>,
    ) -> rusqlite::Result<Vec<Waypoint>> {
        let mut look = self.connection.prepare_cached(
            "SELECT kind, CASE outcome WHEN 'redirected' THEN detail END, parent FROM url
             WHERE site = ? AND key = ?",
        )?;
        let mut way = Vec::new();
        let mut met = HashSet::from([of.clone()]);
        let mut child = of.clone();
        while let Some(text) = parent {
            let at = url(text)?;
            // A later crawl may find a page by another way: two ways together may be a circle.
            if !met.insert(at.clone()) || way.len() == LONGEST {
                break;
            }
            let row = look.query_row(params![site.id, UrlKey::of(&at).0], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, Option<String>>(1)?,
                    row.get(2)?,
                ))
            });
            let (number, target, next) = row.optional()?.unwrap_or_default();
            way.push(Waypoint {
                sitemap: kind::named(number) == Kind::Sitemap,
                redirects: target.as_deref() == Some(child.as_str()),
                url: at.clone(),
            });
            (child, parent) = (at, next);
        }
        way.reverse();
        Ok(way)
    }

    /// Where a URL's redirects lead.
    fn targets(
        &self,
        site: &KnownSite,
        of: &Url,
        ended: Option<&Outcome>,
    ) -> rusqlite::Result<Vec<RedirectTarget>> {
        let mut targets = Vec::new();
        let mut met = HashSet::from([of.clone()]);
        let mut ended = ended.cloned();
        while let Some(Outcome::Redirected { to }) = ended {
            ended = self
                .connection
                .prepare_cached(
                    "SELECT outcome, detail, status FROM url WHERE site = ? AND key = ?",
                )?
                .query_row(params![site.id, UrlKey::of(&to).0], |row| end(row, 0))
                .optional()?
                .flatten();
            let outcome = ended.clone();
            targets.push(RedirectTarget {
                url: to.clone(),
                outcome,
            });
            if !met.insert(to) {
                break;
            }
        }
        Ok(targets)
    }

    /// What ended with a URL for its target: redirects, and duplicates. This is one look at each
    /// of the site's rows, a third of a second for a million.
    fn leading(&self, site: &KnownSite, to: &Url) -> rusqlite::Result<(Vec<Url>, Vec<Url>)> {
        let mut both = (Vec::new(), Vec::new());
        let mut leading = self.connection.prepare_cached(
            "SELECT url, outcome = 'redirected' FROM url
             WHERE site = ? AND outcome IN ('redirected', 'duplicate') AND detail = ?
             ORDER BY url LIMIT ?",
        )?;
        let mut rows = leading.query(params![site.id, to.as_str(), MOST])?;
        while let Some(row) = rows.next()? {
            let list = if row.get(1)? {
                &mut both.0
            } else {
                &mut both.1
            };
            list.push(url(row.get(0)?)?);
        }
        Ok(both)
    }
}

/// A row's own part of an account.
fn account(row: &Row<'_>, site: &KnownSite) -> rusqlite::Result<Account> {
    let number = |column| -> rusqlite::Result<Option<u64>> {
        let number: Option<i64> = row.get(column)?;
        Ok(number.map(|number| number.max(0) as u64))
    };
    let canonical: Option<String> = row.get(14)?;
    Ok(Account {
        met: row.get::<_, i64>(16)? == site.crawl,
        waits: row.get::<_, i64>(0)? != state::FINISHED,
        due_ms: number(1)?.unwrap_or_default(),
        depth: row.get(2)?,
        attempts: row.get(3)?,
        kind: kind::named(row.get(4)?),
        outcome: end(row, 5)?,
        status: row.get(7)?,
        fetched_ms: number(8)?,
        took_ms: number(9)?,
        bytes: number(10)?,
        indexed: row.get(18)?,
        etag: row.get(11)?,
        last_modified: row.get(12)?,
        lastmod_ms: number(13)?,
        canonical: canonical.map(url).transpose()?,
        misses: row.get(15)?,
        found: Vec::new(),
        redirected_from: Vec::new(),
        redirects_to: Vec::new(),
        duplicates: Vec::new(),
    })
}

/// The outcome in three columns from `first` on: its kind, its detail, the status.
fn end(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Outcome>> {
    let kind: Option<String> = row.get(first)?;
    let (detail, status) = (row.get(first + 1)?, row.get(first + 2)?);
    Ok(kind.and_then(|kind| outcome(&kind, detail, status)))
}

fn json<T: DeserializeOwned>(text: Option<String>) -> Option<T> {
    serde_json::from_str(&text?).ok()
}
