//! The page store: one item for each URL, as a rule of less than 1 KB, so that a write is one unit.
//!
//! | attribute | type | what |
//! |---|---|---|
//! | `u` | S | URL; of one that is skipped, the first 2,048 bytes |
//! | `c` | N | crawl that it belongs to |
//! | `d`, `h` | N | depth; redirects in a row |
//! | `a` | N | attempts so far |
//! | `t` | N | when a sweep counts it as lost, Unix ms; only while it is open |
//! | `z` | N | how often a sweep counted it as lost |
//! | `p` | S or B | URL of the parent that claimed it; its key when that is long; none for a seed |
//! | `q` | N | 1 when whoever began the crawl, or let it go on, has pushed it: no parent may claim it again |
//! | `g` | N | run of the crawl in which that was: the queue's tasks of earlier runs are dropped |
//! | `k` | N | 1 for a sitemap |
//! | `l` | N | when it last changed, as a sitemap says, Unix ms |
//! | `o`, `x` | S | outcome, and what belongs to it; absent while it is open |
//! | `s`, `f`, `w`, `b` | N | last answer: status, start in Unix ms, ms that it took, bytes |
//! | `i`, `y` | B, S | newest version in the archive: fingerprint, place; none if it has none |
//! | `e`, `m`, `n` | S | of that version: ETag, Last-Modified, canonical URL |
//! | `v` | N | largest number that a version of the page has had |
//! | `j` | N | version that the index shows since it was archived, in a first crawl |
//! | `r` | S | for how long the page has been absent, JSON; absent while it is not |
//!
//! A row is open until it has an outcome. Every claim, end and count of a row is a write under a
//! condition on its crawl and on being open, so that repeated and late writes and those of an older
//! crawl change nothing.
//!
//! What publishing shows stands beside the rows, in the entries of the module `shown`: a change of a
//! page costs a tenth of a write unit there. Until a page stands there, `j` says whether the index
//! shows it.

mod claim;
mod counts;
mod decision;
mod fill;
mod pass;
mod publishing;
mod row;
mod shown;
mod starts;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use canter_core::failure::Failure;
use canter_core::ports::{Claim, Claimed, Finish, Known, Pages};
use canter_core::task::{Task, UrlKey};
use canter_core::time::Moment;

use crate::change::{Change, Written, names};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::failure::failure;
use crate::item::{Item, number};
use crate::tables::page_key;
use decision::{Claimant, RowCache};
use shown::LastEntry;

pub use sweep::{LOSSES, Swept};

/// Time after its claim or its due time when a sweep counts a task as lost. It is longer than the time
/// for which a message is hidden from others while a worker has it.
pub const GRACE: Duration = Duration::from_secs(15 * 60);

/// The rows of one site, for one crawl of it.
#[derive(Clone)]
pub struct CloudSite {
    cloud: Cloud,
    site: String,
    crawl: u64,
    run: u32,
    clock: Clock,
    /// Whether the index shows pages as soon as the archive holds them.
    shows: bool,
    /// Shared by all clones.
    cache: Arc<RowCache>,
    /// Shared by all clones.
    last_entry: Arc<LastEntry>,
}

impl CloudSite {
    /// The rows of a site in a crawl that [`crate::Sites`] has begun. Sends nothing.
    pub fn new(cloud: Cloud, site: &str, crawl: u64, clock: Clock) -> Self {
        CloudSite {
            cloud,
            site: site.to_owned(),
            crawl,
            run: 0,
            clock,
            shows: false,
            cache: Arc::default(),
            last_entry: Arc::default(),
        }
    }

    /// The same rows in a run of the crawl, as [`crate::Crawling`] counts runs. Tasks are pushed for
    /// this run, and tasks that a later run has pushed are not begun.
    pub fn in_run(&self, run: u32) -> Self {
        CloudSite {
            run,
            ..self.clone()
        }
    }

    /// The same rows for tasks whose pages are in the index before they end.
    #[must_use]
    pub fn showing(&self) -> Self {
        CloudSite {
            shows: true,
            ..self.clone()
        }
    }

    /// Id of the crawl.
    pub fn crawl(&self) -> u64 {
        self.crawl
    }

    /// The run of the crawl.
    pub(crate) fn run(&self) -> u32 {
        self.run
    }

    /// Claims the seeds of the crawl, which have no parent, and returns tasks for those that have not
    /// ended, also when it is called again.
    ///
    /// # Errors
    ///
    /// The failure of DynamoDB. The call can be repeated.
    pub async fn claim_seeds(&self, seeds: Vec<Claim>) -> Result<Vec<Task>, Failure> {
        let nobody = Claimant::new(&self.site, self.crawl, None);
        Ok(self.claim_for(nobody, seeds).await?.tasks)
    }

    /// Notes that a task waits until `due`, with its attempts so far, so that a sweep that finds the
    /// task lost goes on from there. Returns whether the task is still open.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn note_attempt(&self, task: &Task, due: Moment) -> Result<bool, Failure> {
        let change = Change::default()
            .set(row::ATTEMPTS, number(task.attempts))
            .set(row::DUE, number((due + GRACE).millis()))
            .value(row::CRAWL, number(task.crawl));
        let written = self.change(task, change, row::IS_OPEN).await?;
        Ok(written.done())
    }

    async fn change(
        &self,
        task: &Task,
        change: Change,
        condition: &str,
    ) -> Result<Written, Failure> {
        let key = page_key(&task.site, UrlKey::of(&task.url));
        let table = &self.cloud.names.pages;
        change.write(&self.cloud, table, key, condition).await
    }

    /// The attributes of a row that [`Pages::begin`] needs.
    async fn row(&self, task: &Task, consistent: bool) -> Result<Option<Item>, Failure> {
        let table = &self.cloud.names.pages;
        let request = self
            .cloud
            .dynamodb
            .get_item()
            .table_name(table)
            .set_key(Some(page_key(&task.site, UrlKey::of(&task.url))))
            .projection_expression(row::TO_BEGIN)
            .set_expression_attribute_names(Some(names(&[row::TO_BEGIN])))
            .consistent_read(consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.send().await;
        let answer = answer.map_err(|error| failure(error, &format!("the table {table}")))?;
        let consumed = answer.consumed_capacity();
        self.cloud.meter.read("GetItem", consumed);
        Ok(answer.item)
    }
}

impl Pages for CloudSite {
    async fn begin(&self, task: &Task) -> Result<Option<Known>, Failure> {
        // A cheap read may be a moment behind, and miss the claim that made this task. Where it does
        // not see the task, a consistent read follows.
        for consistent in [false, true] {
            let row = self.row(task, consistent).await?;
            let Some(row) = row.filter(|row| row::is_open(row, task.crawl)) else {
                continue;
            };
            // A task of an earlier run comes again, since a later run has pushed it too.
            let earlier = self.run < row::small(&row, row::RUN);
            return Ok((!earlier).then(|| row::known(&row)));
        }
        Ok(None)
    }

    async fn claim(&self, parent: &Task, links: Vec<Claim>) -> Result<Claimed, Failure> {
        let claimant = Claimant::new(&parent.site, parent.crawl, Some(parent.url.clone()));
        self.claim_for(claimant, links).await
    }

    async fn finish(&self, task: &Task, finish: Finish) -> Result<(), Failure> {
        let change = row::ended(finish, self.shows).value(row::CRAWL, number(task.crawl));
        // Refused when the row has ended already, or belongs to a newer crawl.
        self.change(task, change, row::IS_OPEN).await?;
        self.cache.ended(UrlKey::of(&task.url));
        Ok(())
    }
}
