//! The data folder: one index and one state for all sites of a user.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use canter_core::failure::Failure;

/// Version of the folder's layout, in its marker file.
pub const FORMAT: u32 = 1;

const MARKER: &str = "canter-data";

/// A data folder that was looked at and is canter's own.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// The folder held for writing; let go when dropped, or when the process dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl Folder {
    /// Opens a folder for writing, and makes it where there is none. An existing folder must be
    /// empty or canter's own.
    ///
    /// # Errors
    ///
    /// Permanent when the folder cannot be written or is not canter's.
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
        // An empty marker is one whose writer died, or had no room on the disk.
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
    /// Permanent when nothing was crawled yet, or as [`Folder::find`].
    pub fn existing(path: &Path) -> Result<Self, Failure> {
        Self::find(path)?.ok_or_else(|| nothing(path))
    }

    /// Opens a folder for reading; none where nothing was crawled yet.
    ///
    /// # Errors
    ///
    /// Permanent when the folder cannot be read, is not canter's, or has another format.
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

    /// Takes the folder for this process, so that one crawl at a time writes it.
    ///
    /// # Errors
    ///
    /// Permanent when another process holds the folder, or it cannot be locked.
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
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(Failure::permanent(format!(
                "another crawl is using the data folder {}: wait for its end, or choose another \
                 folder with --data",
                self.path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(cannot(error)),
        }
    }

    /// Whether a crawl holds the folder at this moment.
    pub fn is_locked(&self) -> bool {
        let lock = File::open(self.path.join("lock"));
        lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the index lies.
    pub fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    /// Where the crawl's state lies.
    pub fn state(&self) -> PathBuf {
        self.path.join("state.sqlite")
    }
}

/// What is said of a folder in which nothing was crawled yet.
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
