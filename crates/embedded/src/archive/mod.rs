//! The archive on one machine: one SQLite file, written by one thread and read by any process.
//!
//! A page is a row of its own, which belongs to the version that it holds, so a put that is repeated
//! changes nothing. A commit survives the process. After a power cut the last pages may be missing,
//! although the state names their places; such pages are fetched whole again, as are pages whose
//! data is damaged.

mod reader;
mod schema;
mod space;

use std::path::Path;

use canter_core::archived_page::{ArchivedPage, PageLinks};
use canter_core::failure::Failure;
use canter_core::ports::{Archive, Place, Retained};
use canter_core::task::UrlKey;
use rusqlite::{Connection, OptionalExtension, params};

pub use reader::ArchiveReader;

use crate::sqlite::{self, Database, Writer};

const ARCHIVE: Database = Database {
    name: "the archive of pages",
    repair: "move the file pages.sqlite out of the data folder, and the next crawl of each site \
             fetches its pages again",
};

/// An archive that this process writes.
pub struct SqliteArchive {
    // The reader precedes the writer, so that the connection that is closed last can empty the log.
    reader: ArchiveReader,
    writer: Writer,
}

impl SqliteArchive {
    /// Opens or creates the file, which only its owner can read. Only one process may write it, so
    /// the caller must hold the folder's lock.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the file cannot be opened, if a newer canter wrote it, or if
    /// the thread cannot be started.
    pub fn open(file: &Path) -> Result<Self, Failure> {
        keep_private(file).map_err(|error| {
            Failure::permanent(format!("{} cannot be written: {error}", file.display()))
                .with_source(error)
        })?;
        let failure = |error| ARCHIVE.failure(error);
        let mut connection = sqlite::connect(file).map_err(failure)?;
        let version = sqlite::version(&connection).map_err(failure)?;
        sqlite::refuse_newer(&ARCHIVE, file, version, schema::VERSION)?;
        schema::create(&mut connection).map_err(failure)?;
        let reader = ArchiveReader::over(file);
        let writer = Writer::start(connection, &ARCHIVE)?;
        Ok(SqliteArchive { reader, writer })
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.writer.run(job).await
    }
}

impl Archive for SqliteArchive {
    async fn put(&self, page: ArchivedPage) -> Result<Place, Failure> {
        // The writing thread compresses, so that a burst of pages takes the memory of one
        // compressor only.
        let written = self.run(move |connection| {
            let bytes = match page.to_bytes() {
                Ok(bytes) => bytes,
                Err(failure) => return Ok(Err(failure)),
            };
            let address = Address {
                key: UrlKey::of(&page.url),
                version: page.version,
            };
            put(connection, &page.site, address, &bytes)?;
            Ok(Ok(address.place()))
        });
        written.await?
    }

    async fn get(
        &self,
        site: &str,
        places: &[Place],
    ) -> Result<Vec<Option<ArchivedPage>>, Failure> {
        self.reader.get(site, places).await
    }

    async fn links(&self, site: &str, places: &[Place]) -> Result<Vec<Option<PageLinks>>, Failure> {
        self.reader.links(site, places).await
    }

    async fn retain(&self, site: &str, places: Vec<Place>) -> Result<Retained, Failure> {
        Ok(Retained {
            missing: self.free(site, places).await?,
            // Pages stay where they are.
            moved: Vec::new(),
        })
    }

    async fn forget(&self, site: &str) -> Result<(), Failure> {
        self.free(site, Vec::new()).await?;
        let site = site.to_owned();
        self.run(move |connection| {
            connection
                .execute("DELETE FROM site WHERE name = ?", [site])
                .map(drop)
        })
        .await
    }
}

/// What a place says: the version of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Address {
    key: UrlKey,
    version: u64,
}

impl Address {
    /// Returns the place: the key and the version, both in hexadecimal digits.
    fn place(self) -> Place {
        Place(format!("{}-{:x}", self.key, self.version))
    }

    /// Reads a place; `None` if no archive of this kind gave it.
    fn of(place: &Place) -> Option<Self> {
        let (key, version) = place.0.split_once('-')?;
        let sound = key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        let key = u128::from_str_radix(key, 16).ok().filter(|_| sound)?;
        Some(Address {
            key: UrlKey(key.to_be_bytes()),
            version: u64::from_str_radix(version, 16).ok()?,
        })
    }
}

fn put(
    connection: &Connection,
    site: &str,
    address: Address,
    bytes: &[u8],
) -> rusqlite::Result<()> {
    let site = match site_id(connection, site)? {
        Some(id) => id,
        None => {
            connection.execute("INSERT INTO site (name) VALUES (?)", [site])?;
            connection.last_insert_rowid()
        }
    };
    connection
        .prepare_cached(
            "INSERT INTO page (site, key, version, body) VALUES (?, ?, ?, ?)
             ON CONFLICT (site, key, version) DO UPDATE SET body = excluded.body",
        )?
        .execute(params![
            site,
            address.key.0,
            address.version.cast_signed(),
            bytes
        ])
        .map(drop)
}

fn site_id(connection: &Connection, site: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM site WHERE name = ?")?
        .query_row([site], |row| row.get(0))
        .optional()
}

/// Creates the file if there is none. On Unix, it and the files that SQLite keeps beside it can be
/// read by their owner only: SQLite gives them the mode of the file.
fn keep_private(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    {
        use std::fs::{Permissions, set_permissions};
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        options.mode(0o600).open(file)?;
        for end in ["", "-wal", "-shm"] {
            let mut beside = file.as_os_str().to_owned();
            beside.push(end);
            if Path::new(&beside).exists() {
                set_permissions(&beside, Permissions::from_mode(0o600))?;
            }
        }
    }
    #[cfg(not(unix))]
    options.open(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is() {
        for version in [0, 7, u64::MAX] {
            let address = Address {
                key: UrlKey::hash(b"a"),
                version,
            };
            assert_eq!(Address::of(&address.place()), Some(address));
        }
        for text in ["", "-", "1-1", "+0000000000000000000000000000001-1"] {
            assert_eq!(Address::of(&Place(text.into())), None, "{text}");
        }
    }
}
