//! Reads the archive, also while another process writes it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use canter_core::archived_page::{ArchivedPage, PageLinks};
use canter_core::failure::Failure;
use canter_core::ports::Place;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::{ARCHIVE, Address, schema, site_id};
use crate::folder::Folder;
use crate::sqlite;

/// Maximum number of open connections that wait for the next call.
const SPARE: usize = 4;

/// An archive that this process only reads. Clones share their connections.
#[derive(Clone)]
pub struct ArchiveReader {
    file: Arc<PathBuf>,
    spare: Arc<Mutex<Vec<Connection>>>,
}

impl ArchiveReader {
    /// Opens the archive of a folder; `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the file cannot be read, or if a newer canter wrote it.
    pub fn open(folder: &Folder) -> Result<Option<Self>, Failure> {
        let file = folder.archive();
        if !file.exists() {
            return Ok(None);
        }
        let reader = ArchiveReader::over(&file);
        let connection = reader.connection()?;
        let version = sqlite::version(&connection).map_err(|error| ARCHIVE.failure(error))?;
        sqlite::refuse_newer(&ARCHIVE, &file, version, schema::VERSION)?;
        reader.put_back(connection);
        Ok(Some(reader))
    }

    /// Returns a reader of a file that exists.
    pub(super) fn over(file: &Path) -> Self {
        ArchiveReader {
            file: Arc::new(file.to_owned()),
            spare: Arc::default(),
        }
    }

    /// Reads pages, as [`canter_core::ports::Archive::get`] does.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the file cannot be read.
    pub async fn get(
        &self,
        site: &str,
        places: &[Place],
    ) -> Result<Vec<Option<ArchivedPage>>, Failure> {
        self.read(site, places, ArchivedPage::from_bytes).await
    }

    /// Reads the links of pages, as [`canter_core::ports::Archive::links`] does.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the file cannot be read.
    pub async fn links(
        &self,
        site: &str,
        places: &[Place],
    ) -> Result<Vec<Option<PageLinks>>, Failure> {
        self.read(site, places, PageLinks::from_bytes).await
    }

    /// Reads and parses the pages at places on a thread for blocking work.
    async fn read<T: Send + 'static>(
        &self,
        site: &str,
        places: &[Place],
        parse: fn(&[u8]) -> Result<T, Failure>,
    ) -> Result<Vec<Option<T>>, Failure> {
        let (reader, site, places) = (self.clone(), site.to_owned(), places.to_vec());
        let reading = tokio::task::spawn_blocking(move || {
            let connection = reader.connection()?;
            let found = look_up(&connection, &site, &places, parse);
            let found = found.map_err(|error| ARCHIVE.failure(error))?;
            reader.put_back(connection);
            Ok(found)
        });
        reading.await.unwrap_or_else(|error| {
            Err(Failure::transient(format!(
                "reading the archive of pages broke off: {error}"
            )))
        })
    }

    fn connection(&self) -> Result<Connection, Failure> {
        let spare = self.spare().pop();
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
            let connection = Connection::open_with_flags(self.file.as_path(), flags)?;
            connection.busy_timeout(Duration::from_secs(10))?;
            Ok(connection)
        };
        spare.map_or_else(|| open().map_err(|error| ARCHIVE.failure(error)), Ok)
    }

    fn put_back(&self, connection: Connection) {
        let mut spare = self.spare();
        if spare.len() < SPARE {
            spare.push(connection);
        }
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look_up<T>(
    connection: &Connection,
    site: &str,
    places: &[Place],
    parse: fn(&[u8]) -> Result<T, Failure>,
) -> rusqlite::Result<Vec<Option<T>>> {
    let Some(site) = site_id(connection, site)? else {
        return Ok(places.iter().map(|_| None).collect());
    };
    let mut look = connection
        .prepare_cached("SELECT body FROM page WHERE site = ? AND key = ? AND version = ?")?;
    let found = places.iter().map(|place| {
        let Some(address) = Address::of(place) else {
            return Ok(None);
        };
        let version = address.version.cast_signed();
        let read = look.query_row(params![site, address.key.0, version], |row| {
            // A damaged page is as good as none: it is fetched again.
            Ok(parse(row.get_ref(0)?.as_blob()?).ok())
        });
        Ok(read.optional()?.flatten())
    });
    found.collect()
}
