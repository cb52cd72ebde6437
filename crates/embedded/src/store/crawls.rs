//! Sites and their crawls: begun, continued, refreshed, ended.

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

use super::rest::{Rest, rest};
use super::schema::state::{CLAIMED, TAKEN, WAITING};
use super::writer::Store;

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

impl Store {
    /// Opens the site's crawl: continues one that was cut off, else begins a new one. A changed
    /// scope is taken over only with `change_scope`.
    ///
    /// # Errors
    ///
    /// When the store failed.
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
    ///
    /// # Errors
    ///
    /// When the store failed.
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

    /// Keeps a scope that a seed's redirect has moved, for when the crawl is continued.
    ///
    /// # Errors
    ///
    /// When the store failed.
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
