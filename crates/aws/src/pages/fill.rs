//! Filling the frontier at the beginning of a crawl: with its seeds, the open tasks of an earlier
//! process, and in a refresh every URL that the last crawl fetched.

use std::collections::HashSet;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::{Claim, Frontier};
use canter_core::task::{Kind, Task, UrlKey};

use super::pass::{crawl_value, key};
use super::{CloudSite, GRACE, row};
use crate::change::{Change, Written};
use crate::item::{Item, key_of, number, number_of, text_of};
use crate::side_by_side::{WRITES, side_by_side};
use crate::sites::{Beginning, Crawling};
use crate::tables::HASH;

/// Attributes of a row that filling needs.
const TO_FILL: &str = "#shard, #hash, #o, #u, #c, #d, #h, #a, #p, #k, #f, #i";

impl CloudSite {
    /// Pushes the tasks that a crawl begins or goes on with, and returns their number. When it is
    /// called again, because a process died in it, it pushes again what has not ended.
    ///
    /// Tasks that an earlier run of the crawl has left in the queue are dropped when they come up,
    /// since the rows are of this run now.
    ///
    /// A pass over the site's rows, and a write for each pushed row, so that the frontier need not
    /// note what it is given. Two kinds of rows stay behind: those of older crawls for which nothing
    /// was fetched, and those that a changed scope leaves out. Links claim them anew, or
    /// the end of the crawl drops them.
    ///
    /// # Errors
    ///
    /// The failure of DynamoDB or of the frontier. The call can be repeated.
    pub async fn fill(
        &self,
        crawling: &Crawling,
        frontier: &impl Frontier,
    ) -> Result<u64, Failure> {
        let site = &crawling.spec.site;
        let seeds = site.seeds.iter().map(|url| Claim::page(url.clone(), 0));
        let sitemaps = site.sitemaps.iter().map(|url| Claim {
            kind: Kind::Sitemap,
            ..Claim::page(url.clone(), 0)
        });
        let tasks = self.claim_seeds(seeds.chain(sitemaps).collect()).await?;
        let begun: HashSet<UrlKey> = tasks.iter().map(|task| UrlKey::of(&task.url)).collect();
        let mut filled = tasks.len() as u64;
        if !tasks.is_empty() {
            frontier.push(tasks, Duration::ZERO).await?;
        }
        let within = (crawling.beginning == Beginning::ChangedScope).then_some(crawling);
        let mut pass = self.pass(TO_FILL, "#c <= :c");
        while let Some(rows) = pass.next().await? {
            let wanted = rows.into_iter().filter(|row| {
                key_of(row, HASH).is_some_and(|key| !begun.contains(&key))
                    && self.is_to_be_done(row, within)
            });
            let takes = wanted.map(|row| {
                let site = self.clone();
                async move { site.take_over(row).await }
            });
            let takes: Vec<_> = takes.collect();
            let tasks = side_by_side(WRITES, takes).await?;
            let tasks: Vec<Task> = tasks.into_iter().flatten().collect();
            filled += tasks.len() as u64;
            if !tasks.is_empty() {
                frontier.push(tasks, Duration::ZERO).await?;
            }
        }
        Ok(filled)
    }

    /// Whether a row is open, or was fetched in an older crawl.
    fn is_to_be_done(&self, row: &Item, within: Option<&Crawling>) -> bool {
        if number_of(row, row::CRAWL) == Some(self.crawl) {
            return row::is_open(row, self.crawl);
        }
        let copy = row.contains_key(row::NEWEST);
        let fetched = copy
            || row.contains_key(row::FETCHED)
            || text_of(row, row::OUTCOME).is_some_and(|outcome| outcome != "skipped");
        // Sitemaps come back if they are still named.
        let page = copy || row::kind(row) == Kind::Page;
        let inside = within.is_none_or(|crawling| {
            let mut scopes = crawling.moved_before.iter().chain([&crawling.scope]);
            let url = row::url_of(row, row::URL);
            url.is_some_and(|url| scopes.any(|scope| scope.contains(&url)))
        });
        fetched && page && inside
    }

    /// Makes a task of a row, unless the row has changed.
    async fn take_over(&self, row: Item) -> Result<Option<Task>, Failure> {
        let Some(task) = row::task(&row, &self.site, self.crawl) else {
            return Ok(None);
        };
        let due = (self.clock)() + GRACE;
        let run = Some(self.run).filter(|run| *run > 0).map(number);
        // The row keeps its parent for information. The parent claims it no more.
        let change = Change::default()
            .set(row::DUE, number(due.millis()))
            .set(row::REQUEUED, number(1_u64))
            .put(row::RUN, run);
        let (task, change, condition) = if row::is_open(&row, self.crawl) {
            let change = change.value(row::CRAWL, crawl_value(self));
            (task, change, row::IS_OPEN)
        } else {
            let task = Task {
                attempts: 0,
                kind: Kind::Page,
                ..task
            };
            let change = change
                .set(row::CRAWL, crawl_value(self))
                .set(row::ATTEMPTS, number(0_u64))
                .remove(&[row::OUTCOME, row::DETAIL, row::LOSSES, row::KIND]);
            (task, change, "#c < :c")
        };
        let table = &self.cloud.names.pages;
        let written = change.write(&self.cloud, table, key(&row), condition);
        Ok(match written.await? {
            Written::Done => Some(task),
            // The answer to this very write was lost, or another process fills too and may have
            // died. The task is pushed twice at worst.
            Written::Refused(row)
                if row::is_open(&row, self.crawl) && row.contains_key(row::REQUEUED) =>
            {
                Some(task)
            }
            Written::Refused(_) => None,
        })
    }
}
