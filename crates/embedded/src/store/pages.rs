//! The page store: a row for every known URL.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use canter_core::failure::Failure;
use canter_core::outcomes::columns;
use canter_core::ports::{Claim, Claimed, Finish, Known, Pages};
use canter_core::task::{Outcome, Skip, Task, UrlKey};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use url::Url;

use super::crawls::SiteStore;
use super::schema::kind;
use super::schema::state::{CLAIMED, FINISHED, WAITING};

impl Pages for SiteStore {
    async fn begin(&self, task: &Task) -> Result<Option<Known>, Failure> {
        let (site, key, crawl) = (self.site, UrlKey::of(&task.url), task.crawl as i64);
        self.store
            .run(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT etag, last_modified, hash, misses, canonical FROM url
                         WHERE site = ? AND key = ? AND crawl = ? AND state < 3",
                    )?
                    .query_row(params![site, key.0, crawl], known)
                    .optional()
            })
            .await
    }

    async fn claim(&self, parent: &Task, links: Vec<Claim>) -> Result<Claimed, Failure> {
        let (site, parent) = (self.site, parent.clone());
        let waiting = Arc::clone(&self.waiting);
        self.store
            .run(move |connection| claim(connection, site, &waiting, &parent, links))
            .await
    }

    async fn finish(&self, task: &Task, finish: Finish) -> Result<(), Failure> {
        let (site, key, crawl) = (self.site, UrlKey::of(&task.url), task.crawl as i64);
        let waiting = Arc::clone(&self.waiting);
        self.store
            .run(move |connection| {
                let (outcome, detail) = columns(&finish.outcome);
                let exchange = finish.exchange;
                let ended = connection
                    .prepare_cached(
                        "UPDATE url SET state = 3, outcome = ?, detail = ?, status = ?,
                             fetched_ms = coalesce(?, fetched_ms), took_ms = ?, bytes = ?, etag = ?,
                             last_modified = ?, hash = ?, canonical = ?, misses = ?
                         WHERE site = ? AND key = ? AND crawl = ? AND state < 3",
                    )?
                    .execute(params![
                        outcome,
                        detail,
                        exchange.map(|exchange| exchange.status),
                        exchange.map(|exchange| exchange.started.millis() as i64),
                        exchange.map(|exchange| exchange.took.as_millis() as i64),
                        exchange.map(|exchange| exchange.bytes as i64),
                        finish.known.etag,
                        finish.known.last_modified,
                        finish.known.indexed.map(|hash| hash.0),
                        finish.known.canonical.map(String::from),
                        finish.known.misses,
                        site,
                        key.0,
                        crawl
                    ])?;
                waiting.fetch_sub(ended as u64, Ordering::Relaxed);
                Ok(())
            })
            .await
    }
}

impl SiteStore {
    /// Claims the seeds of a crawl.
    pub(super) fn claim_seeds(
        &self,
        connection: &Connection,
        seeds: Vec<Claim>,
    ) -> rusqlite::Result<()> {
        for seed in seeds {
            let nobody = Task {
                site: self.name.clone(),
                crawl: self.crawl,
                url: seed.url.clone(),
                depth: 0,
                redirects: 0,
                attempts: 0,
                parent: None,
                kind: seed.kind,
            };
            insert(connection, self.site, &nobody, None, &seed)?;
        }
        Ok(())
    }

    /// Queues every page again that the index holds according to the store, to be fetched whole.
    /// This is needed when the index was lost, or created anew by another version.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails.
    pub async fn fetch_copies_again(&self) -> Result<(), Failure> {
        let (site, crawl) = (self.site, self.crawl as i64);
        let waiting = Arc::clone(&self.waiting);
        self.store
            .run(move |connection| {
                let ended = connection.execute(
                    "UPDATE url SET state = ?3, due_ms = 0, attempts = 0, outcome = NULL, detail = NULL
                     WHERE site = ?1 AND crawl = ?2 AND hash IS NOT NULL AND state = ?4",
                    params![site, crawl, WAITING, FINISHED],
                )?;
                waiting.fetch_add(ended as u64, Ordering::Relaxed);
                connection.execute(
                    "UPDATE url SET hash = NULL, etag = NULL, last_modified = NULL
                     WHERE site = ?1 AND hash IS NOT NULL",
                    [site],
                )?;
                Ok(())
            })
            .await
    }
}

fn claim(
    connection: &Connection,
    site: i64,
    waiting: &AtomicU64,
    parent: &Task,
    links: Vec<Claim>,
) -> rusqlite::Result<Claimed> {
    let mut claimed = Claimed::default();
    for link in links {
        match insert(connection, site, parent, Some(&parent.url), &link)? {
            Became::New => waiting.fetch_add(1, Ordering::Relaxed),
            Became::Again => 0,
            Became::Open => continue,
            Became::Settled => {
                claimed.settled.push(UrlKey::of(&link.url));
                continue;
            }
        };
        claimed.tasks.push(Task {
            site: parent.site.clone(),
            crawl: parent.crawl,
            url: link.url,
            depth: link.depth,
            redirects: link.redirects,
            attempts: 0,
            parent: Some(parent.url.clone()),
            kind: link.kind,
        });
    }
    Ok(claimed)
}

/// The result of a claim for a link.
#[derive(PartialEq, Eq)]
enum Became {
    /// The parent has claimed the link now.
    New,
    /// The parent had claimed the link before, but did not push it.
    Again,
    /// Another parent has claimed the link and not pushed it yet, or the link is too deep.
    Open,
    /// The link is in the frontier, or has ended.
    Settled,
}

/// Inserts or takes over the row of a link. In this store a push is as durable as a claim, so a
/// child is given to its parent again only if it was not pushed.
fn insert(
    connection: &Connection,
    site: i64,
    crawl: &Task,
    parent: Option<&Url>,
    link: &Claim,
) -> rusqlite::Result<Became> {
    let ended = link.skip.map(Outcome::from);
    let (outcome, detail) = ended.as_ref().map(columns).unzip();
    let (key, parent) = (UrlKey::of(&link.url).0, parent.map(Url::as_str));
    let changed = connection
        .prepare_cached(
            "INSERT INTO url (site, key, url, crawl, state, due_ms, depth, hops, attempts, parent,
                              outcome, detail, kind, lastmod_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, 0, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (site, key) DO UPDATE SET
                 crawl = ?4, state = ?5, due_ms = 0, depth = ?6, hops = ?7, attempts = 0,
                 parent = ?8, outcome = ?9, detail = ?10, kind = ?11,
                 lastmod_ms = coalesce(?12, lastmod_ms)
             WHERE crawl < ?4 OR (crawl = ?4 AND detail = 'too_deep' AND ?9 IS NULL)",
        )?
        .execute(params![
            site,
            key,
            link.url.as_str(),
            crawl.crawl as i64,
            if ended.is_some() { FINISHED } else { CLAIMED },
            link.depth,
            link.redirects,
            parent,
            outcome,
            detail.flatten(),
            kind::number(link.kind),
            link.lastmod.map(|at| at.millis() as i64)
        ])?;
    if changed > 0 {
        return Ok(match link.skip {
            None => Became::New,
            Some(Skip::TooDeep) => Became::Open,
            Some(_) => Became::Settled,
        });
    }
    connection
        .prepare_cached(
            "SELECT crawl, state, parent IS ?, detail FROM url WHERE site = ? AND key = ?",
        )?
        .query_row(params![parent, site, key], |row| {
            let (of, state, same): (i64, i64, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let detail: Option<String> = row.get(3)?;
            Ok(match state {
                _ if of != crawl.crawl as i64 => Became::Settled,
                CLAIMED if same && link.skip.is_none() => Became::Again,
                CLAIMED => Became::Open,
                _ if detail.as_deref() == Some(Skip::TooDeep.name()) => Became::Open,
                _ => Became::Settled,
            })
        })
}

/// Parses a URL that this store wrote.
pub(super) fn url(text: String) -> rusqlite::Result<Url> {
    Url::parse(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known {
        etag: row.get(0)?,
        last_modified: row.get(1)?,
        indexed: row.get::<_, Option<[u8; 16]>>(2)?.map(UrlKey),
        misses: row.get(3)?,
        canonical: row.get::<_, Option<String>>(4)?.map(url).transpose()?,
    })
}
