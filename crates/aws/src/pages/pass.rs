//! Passes over the rows of a site: a query for each shard, some rows at a time.
//!
//! A pass costs half a read unit for each 4 KB of rows, whatever it asks of them. A row with URLs of
//! 60 bytes takes 290 bytes, so a million rows take 35,000 units, which is less than a cent. All
//! shards are read at the same time and their rows come mixed, so that writes to rows as they come
//! spread over the table, of which one shard takes a thousand a second. One answer of each shard is
//! in memory.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use canter_core::failure::Failure;

use super::{CloudSite, row};
use crate::change::names;
use crate::failure::failure;
use crate::item::{Item, number, number_of, text};
use crate::side_by_side::side_by_side;
use crate::tables::{HASH, SHARD, SHARDS, shard};

/// Maximum number of rows of a shard in one read, including rows that do not meet the condition.
const ROWS: i32 = 1_000;

/// A pass under way.
pub(super) struct Pass<'a> {
    site: &'a CloudSite,
    attributes: &'static str,
    condition: &'static str,
    /// Shards with more rows, and where to go on in them.
    left: Vec<(u8, Option<Item>)>,
}

impl CloudSite {
    /// A pass over the rows that meet a condition, which knows this crawl as `:c`. The rows have the
    /// named attributes, as they are or were a moment ago.
    pub(super) fn pass(&self, attributes: &'static str, condition: &'static str) -> Pass<'_> {
        Pass {
            site: self,
            attributes,
            condition,
            left: (0..SHARDS).map(|shard| (shard, None)).collect(),
        }
    }

    /// Some rows of a shard, and where its next ones begin.
    async fn some_of(
        &self,
        shard_number: u8,
        after: Option<Item>,
        attributes: &'static str,
        condition: &'static str,
    ) -> Result<(Vec<Item>, Option<Item>), Failure> {
        let table = &self.cloud.names.pages;
        let keys = format!("#{SHARD} = :shard");
        let names = names(&[&keys, condition, attributes]);
        let request = self
            .cloud
            .dynamodb
            .query()
            .table_name(table)
            .key_condition_expression(keys)
            .filter_expression(condition)
            .projection_expression(attributes)
            .set_expression_attribute_names(Some(names))
            .expression_attribute_values(":shard", text(shard(&self.site, shard_number)))
            .expression_attribute_values(":c", crawl_value(self))
            .set_exclusive_start_key(after)
            .limit(ROWS)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.send().await;
        let answer = answer.map_err(|error| failure(error, &format!("the table {table}")))?;
        let consumed = answer.consumed_capacity();
        self.cloud.meter.read("Query", consumed);
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}

impl Pass<'_> {
    /// Some more rows, maybe none; nothing at the end of the pass.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Item>>, Failure> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let (attributes, condition) = (self.attributes, self.condition);
        let reads = self.left.drain(..).map(|(shard, after)| {
            let site = self.site.clone();
            async move {
                let (rows, next) = site.some_of(shard, after, attributes, condition).await?;
                Ok((shard, rows, next))
            }
        });
        let reads: Vec<_> = reads.collect();
        let mut shards = Vec::new();
        for (shard, rows, next) in side_by_side(SHARDS.into(), reads).await? {
            shards.push(rows.into_iter());
            if next.is_some() {
                self.left.push((shard, next));
            }
        }
        let mut mixed = Vec::new();
        while !shards.is_empty() {
            shards.retain_mut(|rows| match rows.next() {
                Some(row) => {
                    mixed.push(row);
                    true
                }
                None => false,
            });
        }
        Ok(Some(mixed))
    }
}

/// Condition: of this crawl.
pub(super) const OF_CRAWL: &str = "#c = :c";
/// Condition: of an older crawl.
pub(super) const OLDER: &str = "#c < :c";
/// Condition: of any crawl.
pub(super) const ANY: &str = "attribute_exists(#c) OR #c = :c";

/// The key of a row.
pub(super) fn key(row: &Item) -> Item {
    let part = |name: &str| row.get(name).map(|value| (name.to_owned(), value.clone()));
    [SHARD, HASH].into_iter().filter_map(part).collect()
}

/// The crawl as a value for conditions.
pub(super) fn crawl_value(site: &CloudSite) -> AttributeValue {
    number(site.crawl)
}

/// When a row is due, Unix ms; 0 without a due time.
pub(super) fn due(row: &Item) -> u64 {
    number_of(row, row::DUE).unwrap_or_default()
}
