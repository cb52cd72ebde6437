//! Gives the space of pages back that a site no longer needs.
//!
//! Space is given back little by little (SQLite's incremental vacuum), because a whole vacuum
//! copies the file, needs its size once more on the disk, and lets no crawl write meanwhile. A
//! tenth of the file stays free for the pages of the next crawl.

use std::collections::HashMap;

use canter_core::failure::Failure;
use canter_core::ports::Place;
use canter_core::task::UrlKey;
use rusqlite::{Connection, params};

use super::{Address, SqliteArchive, site_id};

/// Maximum number of pages that are deleted in one transaction.
const DELETED: usize = 500;
/// Maximum number of blocks of the file that are given back in one transaction.
const GIVEN_BACK: u64 = 1_000;
/// The part of the file that stays free, as one part in this number.
const FREE: u64 = 10;

impl SqliteArchive {
    /// Deletes all pages of a site but those at `places`. Returns the places that hold nothing.
    pub(super) async fn free(&self, site: &str, places: Vec<Place>) -> Result<Vec<Place>, Failure> {
        let site = site.to_owned();
        let found = self.run(move |connection| unused(connection, &site, places));
        let (unused, missing) = found.await?;
        for ids in unused.chunks(DELETED) {
            let ids = ids.to_vec();
            self.run(move |connection| {
                let mut delete = connection.prepare_cached("DELETE FROM page WHERE id = ?")?;
                ids.iter().try_for_each(|id| delete.execute([id]).map(drop))
            })
            .await?;
        }
        while self.run(give_back).await? {}
        Ok(missing)
    }
}

/// Returns the ids of a site's pages that are not at `places`, and the places that hold nothing.
fn unused(
    connection: &Connection,
    site: &str,
    places: Vec<Place>,
) -> rusqlite::Result<(Vec<i64>, Vec<Place>)> {
    let Some(site) = site_id(connection, site)? else {
        return Ok((Vec::new(), places));
    };
    let mut used: HashMap<Address, bool> = places
        .iter()
        .filter_map(|place| Some((Address::of(place)?, false)))
        .collect();
    let mut all = connection.prepare("SELECT id, key, version FROM page WHERE site = ?")?;
    let mut rows = all.query(params![site])?;
    let mut unused = Vec::new();
    while let Some(row) = rows.next()? {
        let address = Address {
            key: UrlKey(row.get(1)?),
            version: row.get::<_, i64>(2)?.cast_unsigned(),
        };
        match used.get_mut(&address) {
            Some(there) => *there = true,
            None => unused.push(row.get(0)?),
        }
    }
    let there = |place: &Place| Address::of(place).and_then(|address| used.get(&address).copied());
    let missing = places.into_iter();
    let missing = missing.filter(|place| there(place) != Some(true)).collect();
    Ok((unused, missing))
}

/// Makes the file shorter. Returns whether there is more to give back.
fn give_back(connection: &Connection) -> rusqlite::Result<bool> {
    let number = |pragma| -> rusqlite::Result<u64> {
        let number: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
        Ok(number.max(0).cast_unsigned())
    };
    let (free, all) = (number("freelist_count")?, number("page_count")?);
    // What is given back makes the file shorter, and with it the part that stays free.
    let excess = (free * FREE).saturating_sub(all) / (FREE - 1);
    let now = excess.min(GIVEN_BACK);
    if now == 0 {
        return Ok(false);
    }
    // Each step of the statement gives one block back.
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({now})"))?;
    let mut steps = statement.query([])?;
    while steps.next()?.is_some() {}
    Ok(excess > now && number("freelist_count")? < free)
}
