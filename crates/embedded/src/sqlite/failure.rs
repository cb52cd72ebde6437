//! Failures of SQLite.

use canter_core::failure::Failure;
use rusqlite::ErrorCode;

/// What a file holds, as failures name it.
#[derive(Debug)]
pub(crate) struct Database {
    /// The name, such as `the crawl's state`.
    pub(crate) name: &'static str,
    /// What a person does about a damaged file.
    pub(crate) repair: &'static str,
}

impl Database {
    /// Returns the failure for an error of SQLite, with a message for the user.
    pub(crate) fn failure(&self, error: rusqlite::Error) -> Failure {
        let Database { name, repair } = self;
        let what = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                "the disk is full: make room and run the same command again, nothing is lost"
                    .to_owned()
            }
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                format!("{name} cannot be written: {error}")
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                format!("{name} is damaged ({error}): {repair}")
            }
            _ => format!("{name} failed: {error}"),
        };
        Failure::permanent(what).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_full_disk_is_told_as_one() {
        let state = Database {
            name: "the state",
            repair: "crawl again",
        };
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "max_page_count", 1).unwrap();
        let full = state.failure(connection.execute_batch("CREATE TABLE t (x)").unwrap_err());
        assert!(full.to_string().starts_with("the disk is full"), "{full}");
        let source = std::error::Error::source(&full);
        assert!(source.is_some_and(|source| source.is::<rusqlite::Error>()));
    }
}
