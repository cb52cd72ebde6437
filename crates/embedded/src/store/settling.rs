//! Repairs the state that a dead process left behind. A process that opens the store for writing is
//! its only writer, since it holds the folder's lock.

use std::time::Duration;

use canter_core::limits::{MAX_HOLD, MAX_HOLD_WAIT};
use canter_core::pace::Tolerance;
use canter_core::time::Moment;
use rusqlite::{Connection, params};

use super::rest::{Rest, text};
use super::schema::nanos;
use super::schema::state::WAITING;

/// Maximum time between the lease of a slot and the slot itself.
pub(super) const HORIZON: Duration = Duration::from_secs(1);

pub(super) fn settle(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    settle_paces(connection, now)?;
    settle_times(connection, now)?;
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

/// Caps times that no crawl has set by a clock that is right: what a clock that was ahead has
/// written must not be waited for.
fn settle_times(connection: &Connection, now: Moment) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE robots SET fetched_ns = ?1 WHERE fetched_ns > ?1",
        [nanos(now)],
    )?;
    connection.execute(
        "UPDATE url SET due_ms = ?1 WHERE state = ?2 AND due_ms > ?3",
        params![
            now.millis() as i64,
            WAITING,
            (now + MAX_HOLD_WAIT).millis() as i64
        ],
    )?;
    connection
        .execute(
            "UPDATE pace SET held_ns = ?1 WHERE held_ns > ?2",
            params![nanos(now), nanos(now + MAX_HOLD)],
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
