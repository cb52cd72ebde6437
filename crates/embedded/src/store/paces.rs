//! The stored paces of domains.

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::pace::{Grant, Pace, grant};
use canter_core::ports::Paces;
use canter_core::time::Moment;
use rusqlite::{Connection, OptionalExtension, params};

use super::file::Store;
use super::schema::nanos;
use super::settling::HORIZON;

/// The stored pace of a domain.
struct Record {
    next: Moment,
    spacing: Duration,
    held: Moment,
}

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
            let record = load(connection, &domain)?;
            // The last leased slot lies one old spacing before the next one; the pace that is asked
            // for now applies from there on.
            let next = record
                .as_ref()
                .map(|record| (record.next - record.spacing + pace.spacing).max(record.held));
            let decision = grant(next, now, pace, count, HORIZON);
            if let Grant::Take { next, .. } = decision {
                let held = record.map_or(Moment(0), |record| record.held);
                let spacing = pace.spacing;
                store(
                    connection,
                    &domain,
                    &Record {
                        next,
                        spacing,
                        held,
                    },
                )?;
            }
            Ok(decision)
        })
        .await
    }

    async fn hold(&self, domain: &str, until: Moment) -> Result<(), Failure> {
        let domain = domain.to_owned();
        self.run(move |connection| {
            let record = load(connection, &domain)?.unwrap_or(Record {
                next: Moment(0),
                spacing: Duration::ZERO,
                held: Moment(0),
            });
            let held = record.held.max(until);
            store(connection, &domain, &Record { held, ..record })
        })
        .await
    }

    async fn held(&self, domain: &str) -> Result<Option<Moment>, Failure> {
        let domain = domain.to_owned();
        self.run(move |connection| Ok(load(connection, &domain)?.map(|record| record.held)))
            .await
    }
}

fn load(connection: &Connection, domain: &str) -> rusqlite::Result<Option<Record>> {
    let moment = |ns: i64| Moment(ns.max(0) as u64);
    connection
        .prepare_cached("SELECT next_ns, spacing_ns, held_ns FROM pace WHERE domain = ?")?
        .query_row([domain], |row| {
            Ok(Record {
                next: moment(row.get(0)?),
                spacing: Duration::from_nanos(moment(row.get(1)?).0),
                held: moment(row.get(2)?),
            })
        })
        .optional()
}

fn store(connection: &Connection, domain: &str, record: &Record) -> rusqlite::Result<()> {
    let spacing = i64::try_from(record.spacing.as_nanos()).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO pace (domain, next_ns, spacing_ns, held_ns)
             VALUES (?, ?, ?, ?)",
        )?
        .execute(params![
            domain,
            nanos(record.next),
            spacing,
            nanos(record.held)
        ])?;
    Ok(())
}
