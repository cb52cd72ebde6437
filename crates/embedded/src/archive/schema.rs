//! The tables of the archive.

use rusqlite::{Connection, TransactionBehavior};

use crate::sqlite;

/// Version of the tables.
pub(super) const VERSION: u32 = 1;

/// Maximum length of the log that is kept when it is empty, in bytes.
const MAX_LOG: i64 = 16 << 20;

/// Creates missing tables. A page is a row of its own, at the end of the file; only its short key
/// is sorted.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS site (
        id   INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE IF NOT EXISTS page (
        id      INTEGER PRIMARY KEY,
        site    INTEGER NOT NULL REFERENCES site (id),
        key     BLOB    NOT NULL,  -- of its URL
        version INTEGER NOT NULL,  -- as a signed number
        body    BLOB    NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX IF NOT EXISTS place ON page (site, key, version);
";

/// Prepares a new or an existing file for writing.
pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    // Has an effect on a new file only, before its first table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    sqlite::share(connection)?;
    connection.pragma_update(None, "journal_size_limit", MAX_LOG)?;
    // What is forgotten must not be read from free blocks.
    connection.pragma_update(None, "secure_delete", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}
