//! The tables of the store.

use canter_core::time::Moment;
use rusqlite::{Connection, TransactionBehavior};

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

/// Columns that the tables of older versions lack.
const ADDED: [(&str, &str, &str); 17] = [
    ("url", "kind", "INTEGER NOT NULL DEFAULT 0"),
    ("url", "lastmod_ms", "INTEGER"),
    ("url", "took_ms", "INTEGER"),
    ("url", "bytes", "INTEGER"),
    ("site", "bounds", "TEXT"),
    ("site", "rest", "TEXT"),
    ("site", "server", "TEXT"),
    ("url", "newest", "BLOB"),
    ("url", "place", "TEXT"),
    ("url", "version", "INTEGER NOT NULL DEFAULT 0"),
    ("url", "published", "BLOB"),
    ("url", "published_place", "TEXT"),
    ("url", "written", "INTEGER"),
    ("url", "inlinks", "INTEGER"),
    ("url", "absence", "TEXT"),
    ("site", "held", "TEXT"),
    ("site", "changes", "TEXT"),
];

/// Version of the tables.
pub(super) const VERSION: u32 = 4;

/// Migrates the tables of an older canter, and creates missing tables, all in one transaction.
pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if transaction.table_exists(None, "url")? {
        for (table, column, declaration) in ADDED {
            // The tables decide, not the stored version, which may have been set back.
            if !transaction.column_exists(None, table, column)? {
                let add = format!("ALTER TABLE {table} ADD COLUMN {column} {declaration}");
                transaction.execute_batch(&add)?;
            }
        }
    }
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// The tables. Frontier and page store are one table: a task is a row that is not finished, and the
/// frontier is an index over the waiting rows.
const TABLES: &str = "
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
        server   TEXT,              -- URL of the index that holds its pages; NULL for the folder's
        held     TEXT,              -- JSON: why its refresh is not published; NULL if it is
        changes  TEXT               -- JSON: what its last publishing changed
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
        hash          BLOB,         -- of the body of a copy in the index that is not adopted yet
        canonical     TEXT,
        kind          INTEGER NOT NULL DEFAULT 0, -- what is expected there: 0 page, 1 sitemap
        lastmod_ms    INTEGER,      -- when it last changed, as a sitemap says
        took_ms       INTEGER,      -- from the last request's start to its answer's last byte
        bytes         INTEGER,      -- of its body, decoded
        newest        BLOB,         -- fingerprint of the newest version in the archive
        place         TEXT,         -- where the archive holds it
        version       INTEGER NOT NULL DEFAULT 0, -- largest number of a version
        published     BLOB,         -- fingerprint of the version that the index shows
        published_place TEXT,       -- where the archive holds it
        written       INTEGER,      -- number of its write into the index
        inlinks       INTEGER,      -- digest of its inbound links, as a signed number
        absence       TEXT,         -- JSON: for how long the page has been absent
        PRIMARY KEY (site, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS frontier ON url (site, due_ms, depth) WHERE state = 1;
    CREATE INDEX IF NOT EXISTS copy ON url (site, hash) WHERE hash IS NOT NULL;
    CREATE INDEX IF NOT EXISTS unpublished ON url (site, crawl)
        WHERE newest IS NOT NULL AND published IS NULL;
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
";

/// Returns the stored form of a moment, in nanoseconds.
pub(super) fn nanos(moment: Moment) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}

/// Returns the stored form of a number of which every bit counts.
pub(super) fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// Returns the number that [`signed`] stored.
pub(super) fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}

/// The rows whose page is in the index. One that is not adopted yet has only its hash.
macro_rules! in_index {
    () => {
        "(published IS NOT NULL OR hash IS NOT NULL)"
    };
}
pub(super) use in_index;

/// The rows of an older crawl that a refresh visits again: those with a page, and those that were
/// fetched or would be.
macro_rules! visited_again {
    () => {
        "(newest IS NOT NULL OR published IS NOT NULL OR hash IS NOT NULL
          OR kind = 0 AND (outcome <> 'skipped' OR fetched_ms IS NOT NULL))"
    };
}
pub(super) use visited_again;
