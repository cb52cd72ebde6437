//! Failures of SQLite.

use canter_core::failure::Failure;
use rusqlite::ErrorCode;

/// An error of SQLite, as a sentence for a person.
pub(super) fn failure(error: rusqlite::Error) -> Failure {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            "the disk is full: make room and run the same command again, nothing is lost".to_owned()
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            format!("the crawl's state cannot be written: {error}")
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => format!(
            "the crawl's state is damaged ({error}): move the data folder away and crawl again"
        ),
        _ => format!("the crawl's state failed: {error}"),
    };
    Failure::permanent(what).with_source(error)
}
