//! What the SQLite files of a folder have in common: each is written by one thread of one process,
//! and read by any process.

mod failure;
mod writer;

use std::path::Path;
use std::time::Duration;

use canter_core::failure::Failure;
use rusqlite::Connection;

pub(crate) use failure::Database;
pub(crate) use writer::Writer;

/// Opens or creates a file for writing. A commit survives the process; after a power cut the file
/// is intact, and at most the last commits are missing.
pub(crate) fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Makes the file one that other processes can read while it is written.
pub(crate) fn share(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")
}

/// Returns the version of a file's tables.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    let version =
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
    Ok(u32::try_from(version).unwrap_or_default())
}

/// Refuses a file whose tables are of a newer version than this canter knows.
pub(crate) fn refuse_newer(
    database: &Database,
    file: &Path,
    version: u32,
    known: u32,
) -> Result<(), Failure> {
    if version <= known {
        return Ok(());
    }
    Err(Failure::permanent(format!(
        "{} in {} is of a newer canter (version {version}, this one knows {known}): use that \
         canter, or another folder with --data",
        database.name,
        file.display(),
    )))
}
