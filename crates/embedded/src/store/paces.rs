//! The paces' records.

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::pace::{Grant, Pace, grant};
use canter_core::ports::Paces;
use canter_core::time::Moment;
use rusqlite::{Connection, OptionalExtension, params};

use super::Store;

/// Slots are given out no further ahead.
const HORIZON: Duration = Duration::from_secs(1);

impl Paces for Store {
    async fn lease(
        &self,
        domain: &str,
        now: Moment,
        pace: Pace,
        count: u32,
    ) -> Result<Grant, Failure> {
        let domain = domain.to_owned();
        self.run(move |connection| {
            let decision = grant(next(connection, &domain)?, now, pace, count, HORIZON);
            if let Grant::Take { next, .. } = decision {
                store(connection, &domain, next)?;
            }
            Ok(decision)
        })
        .await
    }

    async fn hold(&self, domain: &str, until: Moment) -> Result<(), Failure> {
        let domain = domain.to_owned();
        self.run(move |connection| match next(connection, &domain)? {
            Some(next) if next >= until => Ok(()),
            _ => store(connection, &domain, until),
        })
        .await
    }
}

/// A process that died may have started its last requests late, and nobody knows its window: the
/// next slots keep a whole second away from its last ones.
pub(super) fn settle(connection: &Connection) -> rusqlite::Result<()> {
    let second = 1_000_000_000_i64;
    connection
        .execute("UPDATE pace SET next_ns = next_ns + ?", [second])
        .map(drop)
}

fn next(connection: &Connection, domain: &str) -> rusqlite::Result<Option<Moment>> {
    connection
        .prepare_cached("SELECT next_ns FROM pace WHERE domain = ?")?
        .query_row([domain], |row| row.get::<_, i64>(0))
        .optional()
        .map(|next| next.map(|next| Moment(next.max(0) as u64)))
}

fn store(connection: &Connection, domain: &str, next: Moment) -> rusqlite::Result<()> {
    let next = i64::try_from(next.0).unwrap_or(i64::MAX);
    connection
        .prepare_cached("INSERT OR REPLACE INTO pace (domain, next_ns) VALUES (?, ?)")?
        .execute(params![domain, next])?;
    Ok(())
}
