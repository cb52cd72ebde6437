//! The tables of the store.

use canter_core::time::Moment;
use rusqlite::Connection;

/// The states of a URL.
pub(super) mod state {
    /// Claimed, and not in the frontier yet.
    pub(crate) const CLAIMED: i64 = 0;
    /// In the frontier.
    pub(crate) const WAITING: i64 = 1;
    /// Taken by a step.
    pub(crate) const TAKEN: i64 = 2;
    /// Ended, with an outcome.
    pub(crate) const FINISHED: i64 = 3;
}

/// The expected kind of a URL's resource.
pub(super) mod kind {
    use canter_core::task::Kind;

    /// Returns the stored form of a kind.
    pub(crate) fn number(kind: Kind) -> i64 {
        match kind {
            Kind::Page => 0,
            Kind::Sitemap => 1,
        }
    }

    /// Returns the kind that [`number`] stored.
    pub(crate) fn named(number: i64) -> Kind {
        match number {
            1 => Kind::Sitemap,
            _ => Kind::Page,
        }
    }
}

/// Additions of each version of the tables to the version before it, from the second version on.
const ADDED: [&str; 3] = [
    "
    ALTER TABLE url ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE url ADD COLUMN lastmod_ms INTEGER;
    ALTER TABLE url ADD COLUMN took_ms INTEGER;
    ALTER TABLE url ADD COLUMN bytes INTEGER;
",
    "
    ALTER TABLE site ADD COLUMN bounds TEXT;
    ALTER TABLE site ADD COLUMN rest TEXT;
",
    "
    ALTER TABLE site ADD COLUMN server TEXT;
",
];

/// Version of the tables.
pub(super) const VERSION: usize = ADDED.len();

/// Migrates the tables of an older canter, and creates missing tables.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    let version = version(connection)?;
    let exists = connection.table_exists(None, "url")?;
    if exists {
        for added in ADDED.iter().skip(version) {
            connection.execute_batch(&format!("BEGIN; {added} COMMIT;"))?;
        }
    }
    tables(connection)?;
    connection.pragma_update(None, "user_version", VERSION as i64)
}

/// Returns the version of the stored tables.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version =
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
    Ok(version.max(0) as usize)
}

/// Creates missing tables. Frontier and page store are one table: a task is a row that is not
/// finished, and the frontier is an index over the waiting rows.
fn tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "BEGIN;
         CREATE TABLE IF NOT EXISTS site (
             id       INTEGER PRIMARY KEY,
             name     TEXT NOT NULL UNIQUE,
             scope    TEXT NOT NULL,     -- JSON: as the user asked for it
             moved    TEXT,              -- JSON: where a seed's redirect moved it in this crawl
             crawl    INTEGER NOT NULL,  -- id of the newest crawl: its beginning, Unix ms
             rps      REAL,              -- limit of the newest crawl; NULL for none
             ended_ms INTEGER,           -- when it ended; NULL while tasks wait
             bounds   TEXT,              -- JSON: of the newest crawl
             rest     TEXT,              -- JSON: why it does not go on; NULL while it does
             server   TEXT               -- URL of the index that holds its pages; NULL for the folder's
         ) STRICT;
         CREATE TABLE IF NOT EXISTS url (
             site          INTEGER NOT NULL REFERENCES site (id),
             key           BLOB    NOT NULL,
             url           TEXT    NOT NULL,
             crawl         INTEGER NOT NULL,
             state         INTEGER NOT NULL,
             due_ms        INTEGER NOT NULL,
             depth         INTEGER NOT NULL,
             hops          INTEGER NOT NULL,
             attempts      INTEGER NOT NULL,
             parent        TEXT,
             outcome       TEXT,
             detail        TEXT,
             status        INTEGER,
             fetched_ms    INTEGER,
             etag          TEXT,
             last_modified TEXT,
             hash          BLOB,         -- of the body of the copy in the index; NULL without one
             canonical     TEXT,
             misses        INTEGER NOT NULL DEFAULT 0,
             kind          INTEGER NOT NULL DEFAULT 0, -- what is expected there: 0 page, 1 sitemap
             lastmod_ms    INTEGER,      -- when it last changed, as a sitemap says
             took_ms       INTEGER,      -- from the last request's start to its answer's last byte
             bytes         INTEGER,      -- of its body, decoded
             PRIMARY KEY (site, key)
         ) STRICT, WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS frontier ON url (site, due_ms, depth) WHERE state = 1;
         CREATE INDEX IF NOT EXISTS copy ON url (site, hash) WHERE hash IS NOT NULL;
         CREATE TABLE IF NOT EXISTS pace (
             domain     TEXT PRIMARY KEY,
             next_ns    INTEGER NOT NULL, -- next free slot, Unix ns
             spacing_ns INTEGER NOT NULL, -- between the slots before it
             held_ns    INTEGER NOT NULL  -- no slot before this: the site asked for it
         ) STRICT, WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS robots (
             authority  TEXT PRIMARY KEY,
             fetched_ns INTEGER NOT NULL,
             verdict    TEXT NOT NULL    -- JSON
         ) STRICT, WITHOUT ROWID;
         COMMIT;",
    )
}

/// Returns the stored form of a moment, in nanoseconds.
pub(super) fn nanos(moment: Moment) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}
