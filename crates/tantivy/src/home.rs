//! Where the files of an index are, and what an error there means for the user.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use canter_core::failure::Failure;
use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};

/// Where the files of an index are.
#[derive(Debug)]
pub(super) enum Home {
    Folder(PathBuf),
    /// The bucket of a stack, whose files never change; whether they are still coming.
    Bucket(Arc<AtomicBool>),
}

impl Home {
    pub(super) fn stamp(&self) -> Option<Stamp> {
        match self {
            Home::Folder(dir) => Stamp::of(dir),
            Home::Bucket(_) => None,
        }
    }

    /// Returns whether a read may wait for a request.
    pub(super) fn is_far(&self) -> bool {
        match self {
            Home::Folder(_) => false,
            Home::Bucket(coming) => coming.load(Ordering::Relaxed),
        }
    }

    /// What to do about damage.
    fn remedy(&self) -> &'static str {
        match self {
            Home::Folder(_) => "remove that folder, and the next crawl of each site makes it anew",
            Home::Bucket(_) => {
                "`canter rollback` goes back to the one before, `canter reindex` makes it anew"
            }
        }
    }
}

impl fmt::Display for Home {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Home::Folder(dir) => dir.display().fmt(formatter),
            Home::Bucket(_) => formatter.write_str("the stack's bucket"),
        }
    }
}

/// Identifies a commit by the file that Tantivy replaces with each commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    file: u64,
}

impl Stamp {
    fn of(dir: &Path) -> Option<Stamp> {
        let meta = fs::metadata(dir.join("meta.json")).ok()?;
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(&meta);
        #[cfg(not(unix))]
        let file = 0;
        Some(Stamp {
            modified: meta.modified().ok(),
            length: meta.len(),
            file,
        })
    }
}

/// Why an index cannot be opened.
#[derive(Debug)]
pub(super) enum Unopened {
    /// It has another layout or is damaged. No reader will ever open it.
    Unusable(Failure),
    /// There is none, or the folder cannot be read.
    Other(Failure),
}

impl Unopened {
    pub(super) fn of(error: &TantivyError, home: &Home) -> Self {
        let told = failure(error, home);
        match is_damage(error) {
            true => Unopened::Unusable(told),
            false => Unopened::Other(told),
        }
    }
}

impl From<Failure> for Unopened {
    fn from(failure: Failure) -> Self {
        Unopened::Other(failure)
    }
}

impl From<Unopened> for Failure {
    fn from(unopened: Unopened) -> Self {
        let (Unopened::Unusable(failure) | Unopened::Other(failure)) = unopened;
        failure
    }
}

/// Returns the failure for an error of Tantivy, with a message for the user.
pub(super) fn failure(error: &TantivyError, home: &Home) -> Failure {
    let text = error.to_string();
    let failure = match (error, io_error(error).map(io::Error::kind)) {
        (TantivyError::LockFailure(LockError::LockBusy, _), _) => Failure::permanent(format!(
            "another canter is writing the index in {home}: wait for it, or name another folder \
             with --data"
        )),
        (_, Some(ErrorKind::StorageFull)) => Failure::permanent(format!(
            "the disk that holds {home} is full: make room and run the same command again"
        )),
        _ if is_damage(error) => Failure::permanent(format!(
            "the index in {home} is damaged: {} ({text})",
            home.remedy()
        )),
        _ => Failure::transient(format!("the index in {home} failed: {text}")),
    };
    failure.with_source(error.clone())
}

/// Returns whether an error means that files of the index are damaged or missing.
fn is_damage(error: &TantivyError) -> bool {
    matches!(
        error,
        TantivyError::DataCorruption(_)
            | TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_))
    ) || io_error(error).is_some_and(|error| error.kind() == ErrorKind::InvalidData)
        || error.to_string().contains("corrupted")
}

/// Returns the I/O error inside an error of Tantivy, which does not expose it as its source.
fn io_error(error: &TantivyError) -> Option<&io::Error> {
    match error {
        TantivyError::IoError(error)
        | TantivyError::LockFailure(LockError::IoError(error), _)
        | TantivyError::OpenDirectoryError(
            OpenDirectoryError::FailedToCreateTempDir(error)
            | OpenDirectoryError::IoError {
                io_error: error, ..
            },
        )
        | TantivyError::OpenReadError(OpenReadError::IoError {
            io_error: error, ..
        })
        | TantivyError::OpenWriteError(OpenWriteError::IoError {
            io_error: error, ..
        }) => Some(error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// The failure must not depend on how Tantivy wraps the I/O error, or on the error's text.
    #[test]
    fn a_full_disk_is_told_as_one() {
        let full = || Arc::new(io::Error::new(ErrorKind::StorageFull, "nothing goes in"));
        let filepath = PathBuf::from("0.store");
        for error in [
            TantivyError::IoError(full()),
            TantivyError::LockFailure(LockError::IoError(full()), None),
            OpenWriteError::IoError {
                io_error: full(),
                filepath,
            }
            .into(),
        ] {
            let said = failure(&error, &Home::Folder("/data".into()));
            assert!(matches!(&said, Failure::Permanent(why) if why.contains("/data is full")));
            let source = std::error::Error::source(&said);
            assert!(source.is_some_and(|source| source.is::<TantivyError>()));
        }
        let other = io::Error::other("No space left on device is what a page says");
        let said = failure(&other.into(), &Home::Folder("/data".into()));
        assert!(matches!(said, Failure::Transient(_)));
    }
}
