//! The data folder, which holds one index and one state for all sites of a user.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use canter_core::failure::Failure;

/// Version of the folder's layout, as the marker file states it.
pub const FORMAT: u32 = 1;

const MARKER: &str = "canter-data";
/// Maximum time for which a process that was killed may still hold its lock.
const DYING: Duration = Duration::from_secs(2);
/// Time between two looks at the lock.
const LOOK: Duration = Duration::from_millis(20);

/// A data folder that was checked to be canter's own.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// A lock on the folder for writing. It is released when it is dropped or when the process dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl Folder {
    /// Opens a folder for writing, and creates it if it does not exist. An existing folder must be
    /// empty or canter's own.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the folder cannot be written or is not canter's.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let cannot = |error: std::io::Error| {
            Failure::permanent(format!(
                "the data folder {} cannot be written: {error}",
                path.display()
            ))
            .with_source(error)
        };
        fs::create_dir_all(path).map_err(cannot)?;
        let marker = path.join(MARKER);
        // The writer of an empty marker died, or the disk was full.
        if fs::metadata(&marker).map_or(0, |marker| marker.len()) == 0 {
            for entry in fs::read_dir(path).map_err(cannot)? {
                if entry.map_err(cannot)?.file_name() != MARKER {
                    return Err(foreign(path));
                }
            }
            fs::write(&marker, format!("{FORMAT}\n")).map_err(cannot)?;
        }
        Self::existing(path)
    }

    /// Opens a folder for reading.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if nothing was crawled yet, and the failures of
    /// [`Folder::find`].
    pub fn existing(path: &Path) -> Result<Self, Failure> {
        Self::find(path)?.ok_or_else(|| nothing(path))
    }

    /// Opens a folder for reading; `None` if nothing was crawled yet.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the folder cannot be read, is not canter's, or has another
    /// format.
    pub fn find(path: &Path) -> Result<Option<Self>, Failure> {
        let format = match fs::read_to_string(path.join(MARKER)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
                return if empty || !path.exists() {
                    Ok(None)
                } else {
                    Err(foreign(path))
                };
            }
            Err(error) => {
                return Err(Failure::permanent(format!(
                    "the data folder {} cannot be read: {error}",
                    path.display()
                )));
            }
        };
        if format.trim() == FORMAT.to_string() {
            return Ok(Some(Folder {
                path: path.to_owned(),
            }));
        }
        Err(Failure::permanent(format!(
            "the data folder {} has format {}, this canter knows {FORMAT}: \
             use the canter that made it, or another --data folder",
            path.display(),
            format.trim()
        )))
    }

    /// Locks the folder for this process, so that only one crawl at a time writes it. Waits up to
    /// two seconds for a process that is just ending.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if another process holds the lock, or the folder cannot be
    /// locked.
    pub fn lock(&self) -> Result<Lock, Failure> {
        let path = self.path.join("lock");
        let cannot = |error: std::io::Error| {
            Failure::permanent(format!("{} cannot be locked: {error}", path.display()))
                .with_source(error)
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(cannot)?;
        let until = Instant::now() + DYING;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(LOOK),
                Err(TryLockError::WouldBlock) => return Err(self.in_use()),
                Err(TryLockError::Error(error)) => return Err(cannot(error)),
            }
        }
    }

    fn in_use(&self) -> Failure {
        Failure::permanent(format!(
            "another crawl is using the data folder {}: wait for its end, or choose another \
             folder with --data",
            self.path.display()
        ))
    }

    /// Returns whether a crawl holds the lock at this moment.
    pub fn is_locked(&self) -> bool {
        let lock = File::open(self.path.join("lock"));
        lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the index.
    pub fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    /// Returns the path of the archive of pages.
    pub fn archive(&self) -> PathBuf {
        self.path.join("pages.sqlite")
    }

    /// Returns the path of the crawls' state.
    pub fn state(&self) -> PathBuf {
        self.path.join("state.sqlite")
    }
}

/// Returns the failure for a folder in which nothing was crawled yet.
pub fn nothing(path: &Path) -> Failure {
    Failure::permanent(format!(
        "there is no index in {} yet: crawl a site first, \
         for example: canter crawl https://docs.example.org/",
        path.display()
    ))
}

fn foreign(path: &Path) -> Failure {
    Failure::permanent(format!(
        "the folder {} holds other things and is not canter's: choose an empty or a new folder \
         with --data",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_of_a_process_that_ends_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::create(dir.path()).unwrap();
        let lock = folder.lock().unwrap();
        let other = folder.clone();
        let waiting = thread::spawn(move || other.lock().map(drop));
        drop(lock);
        assert_eq!(waiting.join().unwrap(), Ok(()));
        let _lock = folder.lock().unwrap();
        let refused = folder.lock().map(drop).unwrap_err();
        assert!(
            refused.to_string().starts_with("another crawl"),
            "{refused}"
        );
    }
}
