//! What the index shows of a site: a journal beside the rows.
//!
//! Publishing changes what is shown of many pages at a time, and reads it of all pages at a time.
//! So these changes are no writes to rows, of which each costs a unit: many of them are packed into
//! one entry, an item of its own, which takes some 100 bytes a page. A later entry wins over an
//! earlier one. An entry's shard is `SITE#shown`; its sort key is its number (8 bytes, big-endian)
//! and 8 bytes at random, since two processes may write at the same time. Its attribute `m` holds
//! the changes, packed. When most of the journal is outdated, it is written anew.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use canter_core::failure::Failure;
use canter_core::fingerprint::Fingerprint;
use canter_core::ports::Place;
use canter_core::publish::{Kept, Published};
use canter_core::task::UrlKey;
use serde::{Deserialize, Serialize};

use super::CloudSite;
use crate::change::{Change, names, remove};
use crate::failure::failure;
use crate::item::{Item, bytes, bytes_of, text};
use crate::packed::{pack, unpack};
use crate::tables::{HASH, SHARD, shown_shard};

/// Attribute of an entry that holds its changes.
const CHANGES: &str = "m";
/// Maximum number of changes in an entry: some 200 KB.
const MOST: usize = 2_000;
/// Maximum number of pages of a journal that is written anew. One shard takes a thousand units a
/// second, so that a larger journal would take longer than a function has; reading it costs little.
const LIVE: usize = 100_000;
/// Number of entries up to which a journal is not written anew.
const ENTRIES: usize = 16;

/// A change: what the index shows of a page from then on, if anything.
pub(super) type Shown = (UrlKey, Option<Published>);

/// A change in its stored form.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(rename = "k")]
    key: String,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    shown: Option<(String, String, u64, u64)>,
}

impl Stored {
    fn of((key, shown): &Shown) -> Self {
        Stored {
            key: key.to_string(),
            shown: shown.as_ref().map(|shown| {
                let fingerprint = hex(&shown.kept.fingerprint.to_bytes());
                let Place(place) = shown.kept.place.clone();
                (fingerprint, place, shown.write, shown.inlinks)
            }),
        }
    }

    fn read(self) -> Option<Shown> {
        let key = UrlKey(unhex(&self.key)?.try_into().ok()?);
        let Some((fingerprint, place, write, inlinks)) = self.shown else {
            return Some((key, None));
        };
        let kept = Kept {
            fingerprint: Fingerprint::from_bytes(&unhex(&fingerprint)?)?,
            place: Place(place),
        };
        let published = Published {
            kept,
            write,
            inlinks,
        };
        Some((key, Some(published)))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}

/// The journal as it was read.
#[derive(Default)]
pub(super) struct Journal {
    /// What is shown of each page, if anything.
    pub(super) shown: HashMap<UrlKey, Option<Published>>,
    /// Keys of the entries, in their order.
    entries: Vec<Item>,
    /// Number of changes in them.
    changes: usize,
}

impl Journal {
    /// Number of the last entry; 0 if there is none.
    fn last(&self) -> u64 {
        self.entries.last().map_or(0, entry_number)
    }

    /// Whether it is worth while to write the journal anew.
    fn is_outdated(&self) -> bool {
        let live = self.shown.values().flatten().count();
        let outdated = self.changes > 2 * live || self.entries.len() > live;
        live <= LIVE && self.entries.len() > ENTRIES && outdated
    }
}

/// Number of the last entry of a journal, as far as a process knows it.
#[derive(Default)]
pub(super) struct LastEntry(AtomicU64);

impl LastEntry {
    /// Takes note of a number. Numbers begin at 1, so that 0 stands for none that is known.
    fn note(&self, number: u64) {
        self.0.fetch_max(number.saturating_add(1), Ordering::SeqCst);
    }

    fn is_known(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }

    /// Number of the next entry.
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

fn entry_number(entry: &Item) -> u64 {
    let number = bytes_of(entry, HASH).and_then(|key| key.first_chunk());
    number.map_or(0, |number| u64::from_be_bytes(*number))
}

impl CloudSite {
    /// Reads the whole journal.
    pub(super) async fn journal(&self) -> Result<Journal, Failure> {
        let mut journal = Journal::default();
        let mut after = None;
        loop {
            let (items, next) = self.entries(after, CHANGES_AND_KEY, None).await?;
            for mut item in items {
                let stored: Option<Vec<Stored>> = bytes_of(&item, CHANGES).and_then(unpack);
                let stored = stored.ok_or_else(|| {
                    Failure::permanent(format!(
                        "what the index shows of the site {} was written by another version of \
                         canter, whose records this one cannot read: use that version",
                        self.site
                    ))
                })?;
                journal.changes += stored.len();
                let read = stored.into_iter().filter_map(Stored::read);
                journal.shown.extend(read);
                item.remove(CHANGES);
                journal.entries.push(item);
            }
            after = next;
            if after.is_none() {
                self.last_entry.note(journal.last());
                return Ok(journal);
            }
        }
    }

    /// Adds changes to the journal.
    pub(super) async fn show(&self, changes: &[Shown]) -> Result<(), Failure> {
        if changes.is_empty() {
            return Ok(());
        }
        if !self.last_entry.is_known() {
            let (items, _) = self.entries(None, KEY, Some(1)).await?;
            self.last_entry.note(items.first().map_or(0, entry_number));
        }
        for changes in changes.chunks(MOST) {
            let number = self.last_entry.next();
            self.write_entry(number, fastrand::u64(..), changes).await?;
        }
        Ok(())
    }

    /// Writes the journal anew if most of it is outdated. Entries that others add meanwhile win.
    pub(super) async fn tidy_journal(&self) -> Result<(), Failure> {
        let journal = self.journal().await?;
        if !journal.is_outdated() {
            return Ok(());
        }
        let number = journal.last();
        let live = journal.shown.into_iter().filter(|(_, it)| it.is_some());
        let live: Vec<Shown> = live.collect();
        let mut written: Vec<Item> = Vec::new();
        for (place, changes) in (0..).zip(live.chunks(MOST)) {
            // After all entries that were read, whatever their random bytes are.
            let place = u64::MAX - place;
            self.write_entry(number, place, changes).await?;
            written.push(self.entry_key(number, place));
        }
        // One after the other: without a later entry, an earlier one would hold again.
        for key in journal.entries {
            if !written.contains(&key) {
                let table = &self.cloud.names.pages;
                let exists = "attribute_exists(#hash) AND #hash <> :none";
                let none = ("none", bytes(vec![0]));
                remove(&self.cloud, table, key, exists, none).await?;
            }
        }
        Ok(())
    }

    async fn write_entry(&self, number: u64, place: u64, changes: &[Shown]) -> Result<(), Failure> {
        let stored: Vec<Stored> = changes.iter().map(Stored::of).collect();
        let change = Change::default().set(CHANGES, bytes(pack(&stored)?));
        let key = self.entry_key(number, place);
        let table = &self.cloud.names.pages;
        // The key is this call's own, so that a repeated write changes nothing.
        let always = "attribute_not_exists(#shard) OR attribute_exists(#shard)";
        change.write(&self.cloud, table, key, always).await?;
        Ok(())
    }

    fn entry_key(&self, number: u64, place: u64) -> Item {
        let key = [number.to_be_bytes(), place.to_be_bytes()].concat();
        Item::from([
            (SHARD.to_owned(), text(shown_shard(&self.site))),
            (HASH.to_owned(), bytes(key)),
        ])
    }

    /// Some entries in their order, or the last ones if a number is given; and where the next ones
    /// begin.
    async fn entries(
        &self,
        after: Option<Item>,
        attributes: &str,
        last: Option<i32>,
    ) -> Result<(Vec<Item>, Option<Item>), Failure> {
        let table = &self.cloud.names.pages;
        let of_site = format!("#{SHARD} = :shard");
        let request = self
            .cloud
            .dynamodb
            .query()
            .table_name(table)
            .set_expression_attribute_names(Some(names(&[&of_site, attributes])))
            .key_condition_expression(of_site)
            .projection_expression(attributes)
            .expression_attribute_values(":shard", AttributeValue::S(shown_shard(&self.site)))
            .set_exclusive_start_key(after)
            .scan_index_forward(last.is_none())
            .set_limit(last)
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.send().await;
        let answer = answer.map_err(|error| failure(error, &format!("the table {table}")))?;
        self.cloud.meter.read("Query", answer.consumed_capacity());
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}

/// Attributes of an entry.
const CHANGES_AND_KEY: &str = "#shard, #hash, #m";
const KEY: &str = "#shard, #hash";

#[cfg(test)]
mod tests {
    use super::*;
    use canter_core::publish::UNCOUNTED;

    fn change(number: u64) -> Shown {
        let hash = UrlKey::hash(&number.to_be_bytes());
        let kept = Kept {
            fingerprint: Fingerprint::of(number, hash, "Title", &format!("text {number}")),
            place: Place(format!("a.test/{:032x}/{number}+900", number / 50)),
        };
        let published = Published {
            kept,
            write: number << 10,
            inlinks: UNCOUNTED - number,
        };
        (hash, Some(published))
    }

    #[test]
    fn a_change_comes_back() {
        for change in [change(1), change(u64::MAX >> 12), (UrlKey([7; 16]), None)] {
            let packed = pack(&Stored::of(&change)).unwrap();
            let stored: Stored = unpack(&packed).unwrap();
            assert_eq!(stored.read(), Some(change));
        }
    }

    #[test]
    fn an_entry_takes_little_room() {
        let changes: Vec<Stored> = (0..MOST as u64).map(|n| Stored::of(&change(n))).collect();
        let packed = pack(&changes).unwrap();
        assert!(packed.len() < 130 * MOST, "{}", packed.len());
        assert!(packed.len() < crate::packed::MAX_PACKED);
    }
}
