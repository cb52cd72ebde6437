//! Accounts of single URLs: everything that the store knows about a URL, to explain its outcome.

use std::collections::HashSet;

use canter_core::absence::Absence;
use canter_core::failure::Failure;
use canter_core::outcomes::outcome;
use canter_core::ports::Place;
use canter_core::prospect::CrawlLimits;
use canter_core::scope::Scope;
use canter_core::task::{Kind, Outcome, UrlKey};
use rusqlite::{OptionalExtension, Row, params};
use url::Url;

use super::file::failure;
use super::pages::url;
use super::reading::{Reading, json};
use super::schema::{kind, state};

/// Maximum number of redirects to a URL and duplicates of it that are listed, together.
const MAX_LISTED: i64 = 50;
/// Maximum length of a chain that is followed, far beyond every limit on depth and redirects.
const MAX_CHAIN: usize = 10_000;

/// A site in the state that its newest crawl left.
#[derive(Debug, Clone)]
pub struct KnownSite {
    /// The site's name.
    pub name: String,
    /// The site's scope, as redirects may have moved it.
    pub scope: Scope,
    /// The site's seeds, as the user gave them.
    pub seeds: Vec<Url>,
    /// Limits of the newest crawl; `None` if an older canter crawled the site.
    pub limits: Option<CrawlLimits>,
    /// URL of the server whose index holds the site's pages; `None` for the folder's own index.
    pub server: Option<String>,
    id: i64,
    crawl: i64,
}

/// The facts about a URL, from its own row and from related rows.
#[derive(Debug, Clone)]
pub struct Account {
    /// Whether the newest crawl has found the URL; if not, an older crawl did.
    pub met: bool,
    /// Whether the URL waits or is under way.
    pub waits: bool,
    /// Time at which the next attempt is due, in Unix ms; 0 if it is due at once.
    pub due_ms: u64,
    /// Number of links from a seed.
    pub depth: u32,
    /// Number of failed attempts.
    pub attempts: u32,
    /// Expected kind of the resource.
    pub kind: Kind,
    /// Outcome; `None` while the URL waits.
    pub outcome: Option<Outcome>,
    /// Status of the last answer.
    pub status: Option<u16>,
    /// Time at which the URL was last fetched, in Unix ms.
    pub fetched_ms: Option<u64>,
    /// Time from the start of the last request to the last byte of its answer, in ms.
    pub took_ms: Option<u64>,
    /// Length of the last answer's decoded body, in bytes.
    pub bytes: Option<u64>,
    /// Whether the index shows the page.
    pub indexed: bool,
    /// Where the archive holds the version that the index shows.
    pub place: Option<Place>,
    /// `ETag` of the newest version in the archive.
    pub etag: Option<String>,
    /// `Last-Modified` of the newest version in the archive.
    pub last_modified: Option<String>,
    /// Time of the last change according to a sitemap, in Unix ms.
    pub lastmod_ms: Option<u64>,
    /// The page's canonical URL, if that is another URL of the site.
    pub canonical: Option<Url>,
    /// Number of crawls in a row that saw the page absent in the same way.
    pub misses: u32,
    /// The path to the URL: the URLs that lead to it, from a seed on, without the URL itself.
    pub found: Vec<Waypoint>,
    /// URLs that redirect to this one directly.
    pub redirected_from: Vec<Url>,
    /// Targets of the URL's redirects, in their order.
    pub redirects_to: Vec<RedirectTarget>,
    /// Duplicates of the page, which are not indexed for that reason.
    pub duplicates: Vec<Url>,
}

/// One URL on the path to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waypoint {
    /// The URL.
    pub url: Url,
    /// Whether the URL is a sitemap.
    pub sitemap: bool,
    /// Whether the URL redirects to the next one.
    pub redirects: bool,
}

/// The target of a redirect, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectTarget {
    /// The URL.
    pub url: Url,
    /// Outcome; `None` if the URL waits or does not belong to the site.
    pub outcome: Option<Outcome>,
}

impl Reading {
    /// Returns all sites, by name.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
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
                    let (crawl, limits) = (row.get(4)?, json(row.get(5)?));
                    let server = row.get(6)?;
                    Ok(scope.map(|scope| KnownSite {
                        name,
                        seeds: scope.seeds().to_vec(),
                        scope: moved.unwrap_or(scope),
                        limits,
                        server,
                        id,
                        crawl,
                    }))
                })?
                .collect()
        };
        // A newer canter wrote a scope that cannot be read.
        let sites = sites().map_err(failure)?;
        Ok(sites.into_iter().flatten().collect())
    }

    /// Returns the account of a normalised URL in a site; `None` if the URL is unknown.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
    pub fn account(&self, site: &KnownSite, of: &Url) -> Result<Option<Account>, Failure> {
        self.account_of(site, of).map_err(failure)
    }

    fn account_of(&self, site: &KnownSite, of: &Url) -> rusqlite::Result<Option<Account>> {
        let row = self
            .connection
            .prepare_cached(
                "SELECT state, due_ms, depth, attempts, kind, outcome, detail, status, fetched_ms,
                     took_ms, bytes, etag, last_modified, lastmod_ms, canonical, absence, crawl,
                     parent, published IS NOT NULL OR hash IS NOT NULL, published_place
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

    /// Returns the path from a seed to a URL, through the page that named each URL first.
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
            // A later crawl may find a page through another page, and two such paths combined may
            // contain a loop.
            if !met.insert(at.clone()) || way.len() == MAX_CHAIN {
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

    /// Returns the targets of a URL's redirects.
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

    /// Returns the redirects to a URL and the duplicates of it. The query reads each of the site's
    /// rows once, which takes a third of a second for a million rows.
    fn leading(&self, site: &KnownSite, to: &Url) -> rusqlite::Result<(Vec<Url>, Vec<Url>)> {
        let mut both = (Vec::new(), Vec::new());
        let mut leading = self.connection.prepare_cached(
            "SELECT url, outcome = 'redirected' FROM url
             WHERE site = ? AND outcome IN ('redirected', 'duplicate') AND detail = ?
             ORDER BY url LIMIT ?",
        )?;
        let mut rows = leading.query(params![site.id, to.as_str(), MAX_LISTED])?;
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

/// Reads a row's own part of an account.
fn account(row: &Row<'_>, site: &KnownSite) -> rusqlite::Result<Account> {
    let number = |column| -> rusqlite::Result<Option<u64>> {
        let number: Option<i64> = row.get(column)?;
        Ok(number.map(|number| number.max(0) as u64))
    };
    let canonical: Option<String> = row.get(14)?;
    let absence: Option<Absence> = json(row.get(15)?);
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
        place: row.get::<_, Option<String>>(19)?.map(Place),
        etag: row.get(11)?,
        last_modified: row.get(12)?,
        lastmod_ms: number(13)?,
        canonical: canonical.map(url).transpose()?,
        misses: absence.map_or(0, |absence| absence.times()),
        found: Vec::new(),
        redirected_from: Vec::new(),
        redirects_to: Vec::new(),
        duplicates: Vec::new(),
    })
}

/// Reads the outcome from three columns from `first` on: its kind, its detail, the status.
fn end(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Outcome>> {
    let kind: Option<String> = row.get(first)?;
    let (detail, status) = (row.get(first + 1)?, row.get(first + 2)?);
    Ok(kind.and_then(|kind| outcome(&kind, detail, status)))
}
