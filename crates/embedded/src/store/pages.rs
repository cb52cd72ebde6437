//! The page store: a row for every known URL.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use canter_core::failure::Failure;
use canter_core::fingerprint::Fingerprint;
use canter_core::outcomes::{columns, is_provisional};
use canter_core::ports::{Claim, Claimed, Finish, Known, Pages, Place};
use canter_core::publish::Kept;
use canter_core::task::{Outcome, Skip, Task, UrlKey};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use url::Url;

use super::crawls::SiteStore;
use super::reading::json;
use super::schema::state::{CLAIMED, FINISHED};
use super::schema::{kind, signed, unsigned};

impl Pages for SiteStore {
    async fn begin(&self, task: &Task) -> Result<Option<Known>, Failure> {
        let (site, key, crawl) = (self.site, UrlKey::of(&task.url), task.crawl as i64);
        self.store
            .run(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT etag, last_modified, newest, place, canonical, version, absence FROM url
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
        let absence = finish.known.absence.map(|it| serde_json::to_string(&it));
        let absence = absence.transpose().map_err(Failure::permanent)?;
        self.store
            .run(move |connection| {
                let (outcome, detail) = columns(&finish.outcome);
                let (known, exchange) = (finish.known, finish.exchange);
                let (newest, place) = known.newest.map(columns_of).unzip();
                let ended = connection
                    .prepare_cached(
                        "UPDATE url SET state = 3, outcome = ?, detail = ?, status = ?,
                             fetched_ms = coalesce(?, fetched_ms), took_ms = ?, bytes = ?, etag = ?,
                             last_modified = ?, newest = ?, place = ?, canonical = ?, version = ?,
                             absence = ?
                         WHERE site = ? AND key = ? AND crawl = ? AND state < 3",
                    )?
                    .execute(params![
                        outcome,
                        detail,
                        exchange.map(|exchange| exchange.status),
                        exchange.map(|exchange| exchange.started.millis() as i64),
                        exchange.map(|exchange| exchange.took.as_millis() as i64),
                        exchange.map(|exchange| exchange.bytes as i64),
                        known.etag,
                        known.last_modified,
                        newest,
                        place,
                        known.canonical.map(String::from),
                        signed(known.version),
                        absence,
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
    /// Another parent has claimed the link and not pushed it yet, or may still claim it.
    Open,
    /// The link is in the frontier, or has ended.
    Settled,
}

/// Claims a row that is new, of an older crawl, or skipped for a reason that another page may overrule.
static CLAIM: LazyLock<String> = LazyLock::new(|| {
    let provisional = Skip::provisional().map(|skip| format!("'{}'", skip.name()));
    let provisional = provisional.collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO url (site, key, url, crawl, state, due_ms, depth, hops, attempts, parent,
                          outcome, detail, kind, lastmod_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, 0, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (site, key) DO UPDATE SET
             crawl = ?4, state = ?5, due_ms = 0, depth = ?6, hops = ?7, attempts = 0,
             parent = ?8, outcome = ?9, detail = ?10, kind = ?11,
             lastmod_ms = coalesce(?12, lastmod_ms)
         WHERE crawl < ?4 OR (crawl = ?4 AND ?9 IS NULL AND detail IN ({provisional}))"
    )
});

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
    let changed = connection.prepare_cached(&CLAIM)?.execute(params![
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
            Some(reason) if reason.is_provisional() => Became::Open,
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
                _ if detail.is_some_and(|detail| is_provisional(&detail)) => Became::Open,
                _ => Became::Settled,
            })
        })
}

/// Parses a URL that this store wrote.
pub(super) fn url(text: String) -> rusqlite::Result<Url> {
    Url::parse(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}

pub(super) fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known {
        etag: row.get(0)?,
        last_modified: row.get(1)?,
        newest: kept(row, 2)?,
        canonical: row.get::<_, Option<String>>(4)?.map(url).transpose()?,
        version: unsigned(row.get(5)?),
        absence: json(row.get(6)?),
    })
}

/// Reads a version from two columns from `first` on: its fingerprint, its place. A fingerprint that
/// a newer canter wrote is none, so that the page is fetched whole.
pub(super) fn kept(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Kept>> {
    let fingerprint: Option<Vec<u8>> = row.get(first)?;
    let place: Option<String> = row.get(first + 1)?;
    let fingerprint = fingerprint.and_then(|bytes| Fingerprint::from_bytes(&bytes));
    let kept = fingerprint.zip(place);
    Ok(kept.map(|(fingerprint, place)| Kept {
        fingerprint,
        place: Place(place),
    }))
}

/// Returns the stored form of a version: its fingerprint, its place.
pub(super) fn columns_of(kept: Kept) -> (Vec<u8>, String) {
    (kept.fingerprint.to_bytes().to_vec(), kept.place.0)
}
