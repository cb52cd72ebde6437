//! Stored policies of robots.txt files.

use std::ops::RangeInclusive;

use canter_core::failure::Failure;
use canter_core::ports::{FETCHING, Loaded, Robots};
use canter_core::robots::RobotsPolicy;
use canter_core::time::Moment;
use rusqlite::{Connection, OptionalExtension, params};

use super::file::Store;
use super::schema::nanos;

impl Robots for Store {
    async fn load(&self, authority: &str, since: Moment, now: Moment) -> Result<Loaded, Failure> {
        let authority = authority.to_owned();
        let recent = since..=now + FETCHING;
        let stored = self
            .run(move |connection| stored(connection, &authority, &recent).optional())
            .await?;
        // The folder's lock keeps other workers away, so the caller is the only worker.
        Ok(match stored.and_then(policy) {
            Some((policy, fetched_at)) => Loaded::Policy(policy, fetched_at),
            None => Loaded::Fetch,
        })
    }

    async fn save(
        &self,
        authority: &str,
        policy: &RobotsPolicy,
        fetched_at: Moment,
    ) -> Result<(), Failure> {
        let authority = authority.to_owned();
        let policy = serde_json::to_string(policy).map_err(Failure::permanent)?;
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO robots (authority, fetched_ns, verdict) VALUES (?, ?, ?)",
                )?
                .execute(params![authority, fetched_at.0 as i64, policy])?;
            Ok(())
        })
        .await
    }
}

/// Returns the row of an authority's policy, if it was fetched in a time.
pub(super) fn stored(
    connection: &Connection,
    authority: &str,
    fetched: &RangeInclusive<Moment>,
) -> rusqlite::Result<(String, i64)> {
    connection
        .prepare_cached(
            "SELECT verdict, fetched_ns FROM robots
             WHERE authority = ? AND fetched_ns BETWEEN ? AND ?",
        )?
        .query_row(
            params![authority, nanos(*fetched.start()), nanos(*fetched.end())],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
}

/// Returns the newest policy of an authority, by whatever name a crawl goes.
pub(super) fn newest(connection: &Connection, authority: &str) -> rusqlite::Result<(String, i64)> {
    connection
        .prepare_cached(
            "SELECT verdict, fetched_ns FROM robots
             WHERE authority = ?1 OR substr(authority, 1, length(?1) + 1) = ?1 || ' '
             ORDER BY fetched_ns DESC LIMIT 1",
        )?
        .query_row(params![authority], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Parses the row that [`stored`] returned; `None` if an older canter wrote it in another form.
pub(super) fn policy((policy, fetched): (String, i64)) -> Option<(RobotsPolicy, Moment)> {
    let policy = serde_json::from_str(&policy).ok()?;
    Some((policy, Moment(fetched.max(0) as u64)))
}
