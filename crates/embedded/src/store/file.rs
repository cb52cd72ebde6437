//! The store's file.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use canter_core::failure::Failure;
use canter_core::time::Moment;
use rusqlite::Connection;

use super::schema;
use super::settling::settle;
use crate::sqlite::{self, Database, Writer};

const STATE: Database = Database {
    name: "the crawl's state",
    repair: "move the data folder away and crawl again",
};

/// A handle to the store. Clones share its thread, which ends with the last handle.
#[derive(Clone)]
pub struct Store {
    writer: Writer,
}

impl Store {
    /// Opens or creates the file. Only one process may write it, so the caller must hold the
    /// folder's lock. The tables of an older canter are migrated.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the file cannot be opened, if a newer canter wrote it, or if
    /// the thread cannot be started.
    pub fn open(file: &Path) -> Result<Self, Failure> {
        let mut connection = sqlite::connect(file).map_err(failure)?;
        refuse_newer(file, sqlite::version(&connection).map_err(failure)?)?;
        prepare(&mut connection).map_err(failure)?;
        let writer = Writer::start(connection, &STATE)?;
        Ok(Store { writer })
    }

    /// Runs `job` in a transaction on the store's thread and resolves after its commit.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.writer.run(job).await
    }
}

/// Returns the failure for an error of SQLite, with a message for the user.
pub(super) fn failure(error: rusqlite::Error) -> Failure {
    STATE.failure(error)
}

/// Refuses tables of a newer canter.
pub(super) fn refuse_newer(file: &Path, version: u32) -> Result<(), Failure> {
    sqlite::refuse_newer(&STATE, file, version, schema::VERSION)
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    sqlite::share(connection)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    schema::create(connection)?;
    settle(connection, now())
}

fn now() -> Moment {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    Moment(0) + wall.unwrap_or_default()
}
