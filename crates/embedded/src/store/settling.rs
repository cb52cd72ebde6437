//! Repairs the state that a dead process left behind. A process that opens the store for writing is
//! its only writer, since it holds the folder's lock.

use std::time::Duration;

use canter_core::pace::Tolerance;
use canter_core::time::Moment;
use rusqlite::{Connection, params};

use super::rest::{Rest, text};
use super::schema::nanos;

/// Maximum time between the lease of a slot and the slot itself.
pub(super) const HORIZON: Duration = Duration::from_secs(1);

pub(super) fn settle(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    settle_paces(connection, now)?;
    settle_rests(connection)
}

/// Takes back slots that a dead process leased and did not use. That process may have used its last
/// slots late, so the next slots are delayed by the same time.
fn settle_paces(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    let late = Tolerance::ALONE.patience;
    let horizon = HORIZON * 2;
    connection
        .execute(
            "UPDATE pace SET next_ns = ?2 + next_ns
                 - max(0, (next_ns - ?1) / max(spacing_ns, 1)) * spacing_ns
             WHERE next_ns > ?3",
            params![nanos(now), late.as_nanos() as i64, nanos(now - horizon)],
        )
        .map(drop)
}

/// Marks the crawls of dead processes as cut off. Like a running crawl, such a crawl has no rest
/// recorded.
fn settle_rests(connection: &Connection) -> rusqlite::Result<()> {
    let rest = text(&Rest::CutOff);
    connection
        .execute(
            "UPDATE site SET rest = ? WHERE rest IS NULL AND ended_ms IS NULL",
            [rest],
        )
        .map(drop)
}
