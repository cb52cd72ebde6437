//! The AWS usage of a crawl, over all functions that worked on it: one item a crawl,
//! `bill#docs.example.org#1767225600000`, in the table `state`.
//!
//! Each batch adds its usage, as numbers of the form `fetch_DynamoDB_UpdateItem_sent`: who asked,
//! the service, the operation, and the figure. The usage of a process that died before it noted it is
//! missing, and so is the idle polling of queues, which goes on without a crawl.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use canter_core::failure::Failure;
use canter_core::time::Moment;

use crate::change::Change;
use crate::cloud::Cloud;
use crate::failure::failure;
use crate::item::{Item, number, text, text_of};
use crate::meter::Usage;
use crate::prices::dollars;
use crate::tables::{EXPIRES, KEY, state_key};

/// How long a bill is kept.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
// The figures of a line, as they are stored.
const SENT: &str = "sent";
const READ: &str = "read";
const WRITE: &str = "write";
const GB_SECONDS: &str = "gbs";

/// Who asked, the service, and its operation, as AWS names both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// `fetch`, `sweep`, or `shell` for the command line.
    pub who: String,
    /// `DynamoDB`, `S3`, `SQS`, `Lambda`.
    pub service: String,
    /// `UpdateItem`; of Lambda, the processor: `arm64`, `x86_64`.
    pub operation: String,
}

/// The usage of a crawl, line by line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bill {
    /// All lines, in their order.
    pub lines: BTreeMap<Line, Usage>,
}

impl Bill {
    /// The bill of one who asked, from the meter of its process.
    pub fn of(who: &str, lines: BTreeMap<(String, String), Usage>) -> Self {
        let lines = lines.into_iter().map(|((service, operation), usage)| {
            let who = who.to_owned();
            let line = Line {
                who,
                service,
                operation,
            };
            (line, usage)
        });
        Bill {
            lines: lines.collect(),
        }
    }

    /// The given share of the bill, as when two sites were worked on together.
    pub fn share(&self, share: f64) -> Self {
        let lines = self.lines.iter();
        Bill {
            lines: lines
                .map(|(line, it)| (line.clone(), *it * share))
                .collect(),
        }
    }

    /// The total at list prices, in US dollars: see [`crate::prices`].
    pub fn dollars(&self) -> f64 {
        let lines = self.lines.iter();
        lines
            .map(|(line, it)| dollars(&line.service, &line.operation, it))
            .sum()
    }

    /// Adds this to the bill of a crawl.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn add_to(
        &self,
        cloud: &Cloud,
        (site, crawl): (&str, u64),
        now: Moment,
    ) -> Result<(), Failure> {
        let expires = (now + KEPT).millis() / 1_000;
        let mut change = Change::default().set(EXPIRES, number(expires));
        for (line, usage) in &self.lines {
            let values = [
                (SENT, usage.sent),
                (READ, usage.read_units),
                (WRITE, usage.write_units),
                (GB_SECONDS, usage.gb_seconds),
            ];
            for (figure, value) in values.into_iter().filter(|(_, value)| *value > 0.0) {
                let Line {
                    who,
                    service,
                    operation,
                } = line;
                let name = format!("{who}_{service}_{operation}_{figure}");
                // Thousandths: DynamoDB adds decimals exactly, and has 38 digits for them.
                let value = AttributeValue::N(format!("{value:.3}"));
                change = change.add(&name, value);
            }
        }
        let always = "attribute_not_exists(#crawl)";
        let written = change.write(cloud, &cloud.names.state, key(site, crawl), always);
        written.await.map(drop)
    }

    /// The bill of a crawl so far; empty for one that nobody has worked on.
    ///
    /// # Errors
    ///
    /// The failure of the read.
    pub async fn load(cloud: &Cloud, site: &str, crawl: u64) -> Result<Self, Failure> {
        let item = cloud
            .item(&cloud.names.state, key(site, crawl), true)
            .await?;
        Ok(Self::read(&item))
    }

    /// The bills of all crawls that began at this time or later. Reads the whole table `state`, which
    /// costs half a read unit for each 4 KB.
    ///
    /// # Errors
    ///
    /// The failure of the read.
    pub async fn since(cloud: &Cloud, since: Moment) -> Result<Vec<Self>, Failure> {
        let table = &cloud.names.state;
        let mut bills = Vec::new();
        let mut after = None;
        loop {
            let request = cloud
                .dynamodb
                .scan()
                .table_name(table)
                .filter_expression(format!("begins_with(#{KEY}, :bill)"))
                .expression_attribute_names(format!("#{KEY}"), KEY)
                .expression_attribute_values(":bill", text("bill#"))
                .set_exclusive_start_key(after)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = request.send().await;
            let answer = answer.map_err(|error| failure(error, &format!("the table {table}")))?;
            cloud.meter.read("Scan", answer.consumed_capacity());
            let began_since =
                |item: &&Item| began(item).is_some_and(|began| Moment::from_millis(began) >= since);
            let items = answer.items().iter();
            bills.extend(items.filter(began_since).map(Self::read));
            after = answer.last_evaluated_key;
            if after.is_none() {
                return Ok(bills);
            }
        }
    }

    fn read(item: &Item) -> Self {
        let mut bill = Bill::default();
        for (name, value) in item {
            let Some((line, figure)) = parse(name) else {
                continue;
            };
            let value: f64 = value
                .as_n()
                .ok()
                .and_then(|it| it.parse().ok())
                .unwrap_or(0.0);
            let usage = bill.lines.entry(line).or_default();
            match figure {
                SENT => usage.sent = value,
                READ => usage.read_units = value,
                WRITE => usage.write_units = value,
                GB_SECONDS => usage.gb_seconds = value,
                _ => {}
            }
        }
        bill
    }
}

fn key(site: &str, crawl: u64) -> Item {
    state_key("bill", &format!("{site}#{crawl}"))
}

/// When the crawl of a bill began, Unix ms. None for a site whose name is too long for a key.
fn began(item: &Item) -> Option<u64> {
    let (_, crawl) = text_of(item, KEY)?.rsplit_once('#')?;
    crawl.parse().ok()
}

/// The line and the figure of an attribute's name. An operation may have an underscore in its own
/// name.
fn parse(name: &str) -> Option<(Line, &str)> {
    let (rest, figure) = name.rsplit_once('_')?;
    let mut parts = rest.splitn(3, '_').map(str::to_owned);
    let line = Line {
        who: parts.next()?,
        service: parts.next()?,
        operation: parts.next()?,
    };
    Some((line, figure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        let line = |who: &str, service: &str, operation: &str| Line {
            who: who.into(),
            service: service.into(),
            operation: operation.into(),
        };
        assert_eq!(
            parse("fetch_DynamoDB_UpdateItem_sent"),
            Some((line("fetch", "DynamoDB", "UpdateItem"), "sent"))
        );
        assert_eq!(
            parse("sweep_Lambda_x86_64_gbs"),
            Some((line("sweep", "Lambda", "x86_64"), "gbs"))
        );
        assert_eq!(parse("expires"), None);
        assert_eq!(parse("key"), None);
    }
}
