//! Sites and their crawls: begun, continued, refreshed, counted.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use canter_core::failure::Failure;
use canter_core::ports::Claim;
use canter_core::scope::Scope;
use canter_core::site::Site;
use canter_core::task::{Kind, Outcome, Skip, UrlKey};
use canter_core::time::Moment;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use tokio::sync::Notify;
use url::Url;

use super::Store;
use super::pages::{outcome, reason_of};
use super::rest::{Rest, rest};
use super::schema::state::{CLAIMED, TAKEN, WAITING};

/// One site's part of the store, in its newest crawl.
#[derive(Clone)]
pub struct SiteStore {
    pub(super) store: Store,
    pub(super) site: i64,
    pub(super) name: String,
    pub(super) crawl: u64,
    pub(super) clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// Told of every push.
    pub(super) pushed: Arc<Notify>,
    /// Tasks that wait or are under way: counted as they are claimed and finished, since a large
    /// site has too many rows to look at each time somebody asks.
    pub(super) waiting: Arc<AtomicU64>,
}

/// How a crawl begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// The site was unknown.
    First,
    /// The last crawl was cut off and goes on.
    Continued,
    /// The last crawl had ended; every page that it knew is looked at again.
    Refresh,
    /// The site is known with another scope, which has changed: every page that is known in the
    /// new one is looked at again.
    ChangedScope,
    /// The site is known with another scope: nothing was done.
    OtherScope,
    /// The site is being forgotten, which was cut off: nothing was done.
    Forgotten,
}

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

impl Store {
    /// Opens the site's crawl: continues one that was cut off, else begins a new one. A changed
    /// scope is taken over only with `change_scope`.
    pub async fn begin_crawl(
        &self,
        site: &Site,
        change_scope: bool,
        clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    ) -> Result<(SiteStore, Beginning, Scope), Failure> {
        let now = clock().millis();
        let scope = serde_json::to_string(&site.scope).map_err(Failure::permanent)?;
        let (store, asked) = (self.clone(), site.clone());
        let (site_store, beginning, moved) = self
            .run(move |connection| {
                let (id, crawl, beginning, moved) =
                    open_site(connection, &asked, &scope, change_scope, now)?;
                let site_store = SiteStore {
                    store,
                    site: id,
                    name: asked.id.clone(),
                    crawl,
                    clock,
                    pushed: Arc::default(),
                    waiting: Arc::default(),
                };
                if !matches!(beginning, Beginning::OtherScope | Beginning::Forgotten) {
                    site_store.restart(connection, &asked, beginning)?;
                }
                Ok((site_store, beginning, moved))
            })
            .await?;
        let moved = moved.and_then(|moved| serde_json::from_str(&moved).ok());
        Ok((
            site_store,
            beginning,
            moved.unwrap_or_else(|| site.scope.clone()),
        ))
    }
}

/// Row id, crawl, beginning, and where the scope has moved in a crawl that goes on.
fn open_site(
    connection: &Connection,
    site: &Site,
    scope: &str,
    change_scope: bool,
    now: u64,
) -> rusqlite::Result<(i64, u64, Beginning, Option<String>)> {
    let found = connection
        .query_row(
            "SELECT id, scope, crawl, ended_ms, moved, rest FROM site WHERE name = ?",
            [&site.id],
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, i64>(2)? as u64,
                    row.get::<_, Option<i64>>(3)?,
                    row.get::<_, Option<String>>(4)?,
                    rest(row.get(5)?),
                ))
            },
        )
        .optional()?;
    let Some((id, stored, crawl, ended, moved, rest)) = found else {
        connection.execute(
            "INSERT INTO site (name, scope, crawl) VALUES (?, ?, ?)",
            params![site.id, scope, now as i64],
        )?;
        return Ok((connection.last_insert_rowid(), now, Beginning::First, None));
    };
    if rest == Some(Rest::Forgotten) {
        return Ok((id, crawl, Beginning::Forgotten, None));
    }
    let same = stored == scope;
    if !same && !change_scope {
        return Ok((id, crawl, Beginning::OtherScope, None));
    }
    if ended.is_none() && same {
        return Ok((id, crawl, Beginning::Continued, moved));
    }
    let next = now.max(crawl + 1);
    connection.execute(
        "UPDATE site SET scope = ?, crawl = ?, ended_ms = NULL, moved = NULL WHERE id = ?",
        params![scope, next as i64, id],
    )?;
    let beginning = if same {
        Beginning::Refresh
    } else {
        Beginning::ChangedScope
    };
    Ok((id, next, beginning, None))
}

impl SiteStore {
    /// Id of the crawl.
    pub fn crawl(&self) -> u64 {
        self.crawl
    }

    /// Resolves when tasks are pushed from now on, or were since the last call.
    pub async fn pushed(&self) {
        self.pushed.notified().await;
    }

    /// Fills the frontier: with the seeds, with what an earlier process left, and in a refresh with
    /// every URL that the last crawl fetched, of those that a changed scope still holds. Sitemaps
    /// come back where they are still named.
    fn restart(
        &self,
        connection: &Connection,
        site: &Site,
        beginning: Beginning,
    ) -> rusqlite::Result<()> {
        connection.execute("UPDATE site SET rest = NULL WHERE id = ?", [self.site])?;
        let seeds = site.seeds.iter().map(|url| Claim::page(url.clone(), 0));
        let sitemaps = site.sitemaps.iter().map(|url| Claim {
            kind: Kind::Sitemap,
            ..Claim::page(url.clone(), 0)
        });
        self.claim_seeds(connection, seeds.chain(sitemaps).collect())?;
        if beginning == Beginning::Refresh {
            connection.execute(
                "UPDATE url SET crawl = ?1, state = ?2, due_ms = 0, attempts = 0, outcome = NULL,
                     detail = NULL, kind = 0
                 WHERE site = ?3 AND crawl < ?1 AND (kind = 0 OR hash IS NOT NULL)
                   AND (hash IS NOT NULL OR outcome <> 'skipped' OR fetched_ms IS NOT NULL)",
                params![self.crawl as i64, WAITING, self.site],
            )?;
            // What was only claimed then is claimed anew where a link still leads to it.
            connection.execute(
                "DELETE FROM url WHERE site = ?2 AND crawl < ?1",
                params![self.crawl as i64, self.site],
            )?;
        }
        if beginning == Beginning::ChangedScope {
            self.requeue_within(connection, &site.scope)?;
        }
        connection.execute(
            "UPDATE url SET state = ?, due_ms = 0 WHERE site = ? AND crawl = ? AND state IN (?, ?)",
            params![WAITING, self.site, self.crawl as i64, CLAIMED, TAKEN],
        )?;
        let waiting: i64 = connection.query_row(
            "SELECT count(*) FROM url INDEXED BY frontier WHERE site = ? AND state = 1",
            [self.site],
            |row| row.get(0),
        )?;
        self.waiting.store(waiting.max(0) as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Notes the crawl's rate, for whoever asks how it goes.
    pub async fn note_rate(&self, rps: Option<f64>) -> Result<(), Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                connection
                    .execute("UPDATE site SET rps = ? WHERE id = ?", params![rps, site])
                    .map(drop)
            })
            .await
    }

    /// Marks the crawl as ended.
    pub async fn end(&self) -> Result<(), Failure> {
        let (site, now) = (self.site, (self.clock)().millis() as i64);
        self.store
            .run(move |connection| {
                connection
                    .execute("UPDATE site SET ended_ms = ? WHERE id = ?", [now, site])
                    .map(drop)
            })
            .await
    }

    /// Keeps a scope that a seed's redirect has moved, for when the crawl is continued.
    pub async fn move_scope(&self, scope: &Scope) -> Result<(), Failure> {
        let site = self.site;
        let scope = serde_json::to_string(scope).map_err(Failure::permanent)?;
        self.store
            .run(move |connection| {
                connection
                    .execute(
                        "UPDATE site SET moved = ? WHERE id = ?",
                        params![scope, site],
                    )
                    .map(drop)
            })
            .await
    }

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
                        "SELECT url, coalesce(detail, 'status ' || status), parent FROM url
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
    pub(super) fn of(connection: &Connection, site: i64, crawl: i64) -> rusqlite::Result<Self> {
        let mut counts = Counts::default();
        let mut groups = connection.prepare_cached(
            "SELECT outcome, CASE outcome WHEN 'skipped' THEN detail END, count(*) FROM url
             WHERE site = ? AND crawl = ? GROUP BY 1, 2",
        )?;
        let mut rows = groups.query(params![site, crawl])?;
        while let Some(row) = rows.next()? {
            let outcome: Option<String> = row.get(0)?;
            let detail: Option<String> = row.get(1)?;
            let reason = detail.as_deref().map(reason_of);
            let count = row.get::<_, i64>(2)?.max(0) as u64;
            counts.add(outcome.as_deref(), reason, count);
        }
        Ok(counts)
    }

    pub(super) fn add(&mut self, outcome: Option<&str>, reason: Option<&str>, count: u64) {
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
        *of_outcome += count;
        let page = match reason {
            Some(reason) => reason == Skip::Noindex.name(),
            None => matches!(outcome, Some("indexed" | "unchanged" | "duplicate")),
        };
        if page {
            self.pages += count;
        }
        if let Some(reason) = reason {
            *self.skipped_by.entry(reason.to_owned()).or_default() += count;
        }
    }
}
