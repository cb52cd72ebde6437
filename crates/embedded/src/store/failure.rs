//! Failures of SQLite.

use canter_core::failure::Failure;
use rusqlite::ErrorCode;

/// An error of SQLite, as a sentence for a person.
pub(super) fn failure(error: &rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Failure::permanent(
            "the disk is full: make room and run the same command again, nothing is lost",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Failure::permanent(format!("the crawl's state cannot be written: {error}"))
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Failure::permanent(format!(
            "the crawl's state is damaged ({error}): move the data folder away and crawl again"
        )),
        _ => Failure::permanent(format!("the crawl's state failed: {error}")),
    }
}
