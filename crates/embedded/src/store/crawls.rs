//! Begins, continues, refreshes and ends the crawls of sites.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use canter_core::failure::Failure;
use canter_core::ports::Claim;
use canter_core::scope::Scope;
use canter_core::site::Site;
use canter_core::task::Kind;
use canter_core::time::Moment;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::Notify;

use super::file::Store;
use super::importing::NO_CRAWL;
use super::reading::json;
use super::rest::{Rest, rest};
use super::schema::state::{CLAIMED, TAKEN, WAITING};
use super::schema::visited_again;

/// The part of the store that belongs to a site's newest crawl.
#[derive(Clone)]
pub struct SiteStore {
    pub(super) store: Store,
    pub(super) site: i64,
    pub(super) name: String,
    pub(super) crawl: u64,
    pub(super) clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// Notified of every push.
    pub(super) pushed: Arc<Notify>,
    /// Number of tasks that wait or are under way. It is updated as tasks are claimed and finished,
    /// since a large site has too many rows to count them on each call.
    pub(super) waiting: Arc<AtomicU64>,
}

/// The way in which a crawl begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// The site was unknown.
    First,
    /// The last crawl was interrupted and is continued.
    Continued,
    /// The last crawl had ended; every page that it knew is visited again.
    Refresh,
    /// The site's scope has changed, or its pages were imported; every known page within the new
    /// scope is visited again.
    ChangedScope,
    /// The site is known with another scope; nothing was done.
    OtherScope,
    /// An interrupted process was forgetting the site; nothing was done.
    Forgotten,
}

impl Store {
    /// Opens a site as its newest crawl left it, to publish it without crawling; `None` if the site
    /// is unknown or partly forgotten.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn known_site(
        &self,
        name: &str,
        clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    ) -> Result<Option<SiteStore>, Failure> {
        let (store, name) = (self.clone(), name.to_owned());
        self.run(move |connection| {
            let known = connection
                .query_row(
                    "SELECT id, crawl, rest FROM site WHERE name = ?",
                    [&name],
                    |row| {
                        let rest = rest(row.get(2)?);
                        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, rest))
                    },
                )
                .optional()?;
            let Some((site, crawl, rest)) = known else {
                return Ok(None);
            };
            if rest == Some(Rest::Forgotten) {
                return Ok(None);
            }
            let site_store = SiteStore::new(store, site, name, crawl as u64, clock);
            site_store.count_waiting(connection)?;
            Ok(Some(site_store))
        })
        .await
    }

    /// Opens the site's crawl: continues an interrupted one, or else begins a new one. A changed
    /// scope replaces the old one only with `change_scope`.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
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
                let left = moved_before(connection, &asked)?;
                let (id, crawl, beginning, moved) =
                    open_site(connection, &asked, &scope, change_scope, now)?;
                let site_store = SiteStore::new(store, id, asked.id.clone(), crawl, clock);
                if !matches!(beginning, Beginning::OtherScope | Beginning::Forgotten) {
                    let mut scopes = vec![asked.scope.clone()];
                    scopes.extend(left);
                    site_store.restart(connection, &asked, beginning, &scopes)?;
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

/// Returns the scope with its seeds where redirects had moved them in the last crawl, if any.
fn moved_before(connection: &Connection, site: &Site) -> rusqlite::Result<Option<Scope>> {
    let stored = connection
        .query_row(
            "SELECT scope, moved FROM site WHERE name = ?",
            [&site.id],
            |row| Ok((json::<Scope>(row.get(0)?), json::<Scope>(row.get(1)?))),
        )
        .optional()?;
    Ok(stored.and_then(|(before, moved)| site.scope.moved_like(&before?, &moved?)))
}

/// Returns the row's id, the crawl, its beginning, and the moved scope of a crawl that is
/// continued.
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
    if !same && !change_scope && crawl as i64 != NO_CRAWL {
        return Ok((id, crawl, Beginning::OtherScope, None));
    }
    if ended.is_none() && same {
        return Ok((id, crawl, Beginning::Continued, moved));
    }
    let next = now.max(crawl + 1);
    connection.execute(
        "UPDATE site SET scope = ?, crawl = ?, ended_ms = NULL, moved = NULL, held = NULL,
             changes = CASE WHEN changes IS NOT NULL THEN '{}' END
         WHERE id = ?",
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
    pub(super) fn new(
        store: Store,
        site: i64,
        name: String,
        crawl: u64,
        clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    ) -> Self {
        SiteStore {
            store,
            site,
            name,
            crawl,
            clock,
            pushed: Arc::default(),
            waiting: Arc::default(),
        }
    }

    /// Returns whether the site was imported and never crawled.
    pub fn is_imported(&self) -> bool {
        self.crawl as i64 == NO_CRAWL
    }

    /// Returns the id of the crawl.
    pub fn crawl(&self) -> u64 {
        self.crawl
    }

    /// Fills the frontier with the seeds, with the tasks that an earlier process left, and in a
    /// refresh with every URL that the last crawl fetched. After a change of the scope, only the
    /// URLs within the new one are queued, which is one of `scopes`. Sitemaps are queued when they are named again.
    fn restart(
        &self,
        connection: &Connection,
        site: &Site,
        beginning: Beginning,
        scopes: &[Scope],
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
                concat!(
                    "UPDATE url SET crawl = ?1, state = ?2, due_ms = 0, attempts = 0,
                         outcome = NULL, detail = NULL, kind = 0
                     WHERE site = ?3 AND crawl < ?1 AND ",
                    visited_again!()
                ),
                params![self.crawl as i64, WAITING, self.site],
            )?;
            // A URL that was only claimed then is claimed anew if a link still leads to it. What is
            // published is among the rows that were queued.
            connection.execute(
                "DELETE FROM url WHERE site = ?2 AND crawl < ?1",
                params![self.crawl as i64, self.site],
            )?;
        }
        if beginning == Beginning::ChangedScope {
            self.requeue_within(connection, scopes)?;
        }
        connection.execute(
            "UPDATE url SET state = ?, due_ms = 0 WHERE site = ? AND crawl = ? AND state IN (?, ?)",
            params![WAITING, self.site, self.crawl as i64, CLAIMED, TAKEN],
        )?;
        self.count_waiting(connection)
    }

    fn count_waiting(&self, connection: &Connection) -> rusqlite::Result<()> {
        let waiting: i64 = connection.query_row(
            "SELECT count(*) FROM url INDEXED BY frontier WHERE site = ? AND state = 1",
            [self.site],
            |row| row.get(0),
        )?;
        self.waiting.store(waiting.max(0) as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Records the crawl's rate, for reports on its progress.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
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
    pub(super) async fn end(&self) -> Result<(), Failure> {
        let (site, now) = (self.site, (self.clock)().millis() as i64);
        self.store
            .run(move |connection| {
                connection
                    .execute("UPDATE site SET ended_ms = ? WHERE id = ?", [now, site])
                    .map(drop)
            })
            .await
    }

    /// Stores a scope that a seed's redirect has moved, for the run that continues the crawl.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
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
}
