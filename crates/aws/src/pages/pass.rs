//! Passes over the rows of a site: a query for each shard, a page of at most 1 MB at a time.
//!
//! A pass costs half a read unit for each 4 KB of rows that are there, whatever it asks of them.
//! Rows of 400 bytes: a million take 49,000 units, which is less than a cent. It takes about 400
//! answers, one after the other; in memory is one.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use canter_core::failure::Failure;

use super::{CloudSite, row};
use crate::change::names;
use crate::failure::failure;
use crate::item::{Item, number, text};
use crate::tables::{SHARD, SHARDS, shard};

/// A pass under way.
pub(super) struct Pass<'a> {
    site: &'a CloudSite,
    attributes: &'static str,
    condition: &'static str,
    shard: u8,
    after: Option<Item>,
}

impl CloudSite {
    /// A pass over the rows that fulfil a condition, which knows this crawl as `:c`. They come
    /// as they are or were a moment ago, with the attributes that are named.
    pub(super) fn pass(&self, attributes: &'static str, condition: &'static str) -> Pass<'_> {
        Pass {
            site: self,
            attributes,
            condition,
            shard: 0,
            after: None,
        }
    }
}

impl Pass<'_> {
    /// Some more rows, maybe none of a page; nothing when all were seen.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Item>>, Failure> {
        if self.shard >= SHARDS {
            return Ok(None);
        }
        let CloudSite {
            cloud, site, crawl, ..
        } = self.site;
        let table = &cloud.names.pages;
        let keys = format!("#{SHARD} = :shard");
        let request = cloud
            .dynamodb
            .query()
            .table_name(table)
            .key_condition_expression(&keys)
            .filter_expression(self.condition)
            .projection_expression(self.attributes)
            .set_expression_attribute_names(Some(names(&[&keys, self.condition, self.attributes])))
            .expression_attribute_values(":shard", text(shard(site, self.shard)))
            .expression_attribute_values(":c", number(*crawl))
            .set_exclusive_start_key(self.after.take())
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.send().await;
        let answer = answer.map_err(|error| failure(&error, &format!("the table {table}")))?;
        cloud.account.read("Query", answer.consumed_capacity());
        self.after = answer.last_evaluated_key;
        if self.after.is_none() {
            self.shard += 1;
        }
        Ok(Some(answer.items.unwrap_or_default()))
    }
}

/// Condition: of this crawl.
pub(super) const OF_CRAWL: &str = "#c = :c";
/// Condition: of an older crawl.
pub(super) const OLDER: &str = "#c < :c";
/// Condition: of this crawl, with a copy in the index.
pub(super) const WITH_COPY: &str = "#c = :c AND attribute_exists(#i)";

/// Where a row is.
pub(super) fn key(row: &Item) -> Item {
    use crate::tables::HASH;
    let part = |name: &str| row.get(name).map(|value| (name.to_owned(), value.clone()));
    [SHARD, HASH].into_iter().filter_map(part).collect()
}

/// The crawl of this site as the conditions know it.
pub(super) fn crawl_value(site: &CloudSite) -> AttributeValue {
    number(site.crawl)
}

/// When a row is due, Unix ms; one that does not say so is due.
pub(super) fn due(row: &Item) -> u64 {
    crate::item::number_of(row, row::DUE).unwrap_or_default()
}
