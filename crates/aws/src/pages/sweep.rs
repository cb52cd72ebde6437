//! Sweeps push lost tasks again, and see the end of a crawl.
//!
//! A task is lost when its message is: because workers died with it too often, or one died between
//! claim and push, or the queue was purged. Its row is then still open past its due time.

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::limits::MAX_HOLD_WAIT;
use canter_core::outcomes::Counts;
use canter_core::ports::Frontier;
use canter_core::task::{Outcome, Task};
use canter_core::time::Moment;

use super::counts::count;
use super::pass::{OF_CRAWL, crawl_value, due, key};
use super::{CloudSite, GRACE, row};
use crate::change::{Change, Written};
use crate::item::{Item, number, number_of};
use crate::side_by_side::{WRITES, side_by_side};

/// Number of losses after which a task is given up, since it may be what kills the workers.
pub const LOSSES: u32 = 3;
/// Maximum number of tasks that are marked before they are pushed. If a sweep dies in between, only
/// these have lost one of their lives.
const PUSH: usize = 500;
/// Attributes of a row that a sweep needs.
const TO_SWEEP: &str = "#shard, #hash, #o, #x, #u, #c, #d, #h, #a, #p, #k, #t, #z";

/// The result of a sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// The rows of the crawl by outcome.
    pub counts: Counts,
    /// Number of lost tasks that were pushed again.
    pub pushed: u64,
    /// Number of tasks that were lost too often and have failed now.
    pub given_up: u64,
    /// When the first of the open tasks will count as lost; none when none is open.
    pub next: Option<Moment>,
}

impl Swept {
    /// Whether the crawl has ended, by this sweep and the counts of the one before it.
    ///
    /// A single sweep without an open row is no proof. It reads one row after the other, and a page
    /// that it sees as ended may have claimed another one in a part that it had read before. The next
    /// sweep counts that page, open or ended: two sweeps with the same counts and without an open row
    /// have missed nothing. Let some seconds pass between them, since reads may be behind.
    pub fn is_the_end(&self, before: &Counts) -> bool {
        self.counts.waiting == 0 && self.counts == *before
    }
}

/// What became of a lost row.
enum Lost {
    Task(Box<Task>),
    GivenUp,
    /// It has ended, or another sweep has taken it.
    Foreign,
}

impl CloudSite {
    /// Sweeps a filled crawl: pushes tasks that are past their due time, gives up those that were lost
    /// [`LOSSES`] times, and counts. A pass over the site's rows, and a write for each lost task. Call
    /// it only when the queue looks empty, since tasks that wait in it longer than [`GRACE`] look
    /// lost. The frontier need not note what it is given, since the sweep does.
    ///
    /// # Errors
    ///
    /// The failure of DynamoDB or of the frontier. The call can be repeated.
    pub async fn sweep(&self, frontier: &impl Frontier) -> Result<Swept, Failure> {
        let mut swept = Swept::default();
        let mut pass = self.pass(TO_SWEEP, OF_CRAWL);
        while let Some(rows) = pass.next().await? {
            let now = (self.clock)();
            let (now, latest) = (now.millis(), (now + MAX_HOLD_WAIT + 2 * GRACE).millis());
            let mut lost = Vec::new();
            for row in rows {
                count(&mut swept.counts, &row);
                if !row::is_open(&row, self.crawl) {
                    continue;
                }
                let due = due(&row);
                // A clock that was ahead wrote a time that no crawl waits for.
                if due <= now || due > latest {
                    lost.push(row);
                } else {
                    let due = Moment::from_millis(due);
                    swept.next = Some(swept.next.map_or(due, |next| next.min(due)));
                }
            }
            while !lost.is_empty() {
                let some = lost.split_off(lost.len().saturating_sub(PUSH));
                self.take_back(some, frontier, &mut swept).await?;
            }
        }
        Ok(swept)
    }

    /// Counts a loss of each of these rows, and pushes those that are not given up.
    async fn take_back(
        &self,
        rows: Vec<Item>,
        frontier: &impl Frontier,
        swept: &mut Swept,
    ) -> Result<(), Failure> {
        let again = (self.clock)() + GRACE;
        let marks = rows.into_iter().map(|row| {
            let site = self.clone();
            async move { site.mark_lost(row, again).await }
        });
        let marks: Vec<_> = marks.collect();
        let mut tasks = Vec::new();
        for lost in side_by_side(WRITES, marks).await? {
            match lost {
                Lost::Task(task) => tasks.push(*task),
                Lost::GivenUp => swept.given_up += 1,
                Lost::Foreign => {}
            }
        }
        if tasks.is_empty() {
            return Ok(());
        }
        swept.pushed += tasks.len() as u64;
        swept.next = Some(swept.next.map_or(again, |next| next.min(again)));
        frontier.push(tasks, Duration::ZERO).await
    }

    /// Counts a loss before the task is pushed. Two sweeps at once count it once, and a sweep that
    /// dies here leaves a row that is lost again after the grace.
    async fn mark_lost(&self, row: Item, again: Moment) -> Result<Lost, Failure> {
        let losses = row::small(&row, row::LOSSES) + 1;
        let task = row::task(&row, &self.site, self.crawl);
        let task = task.filter(|_| losses < LOSSES).map(|task| Task {
            attempts: task.attempts + 1,
            ..task
        });
        let change = match &task {
            Some(task) => Change::default()
                .set(row::DUE, number(again.millis()))
                .set(row::ATTEMPTS, number(task.attempts))
                .set(row::LOSSES, number(losses)),
            None => row::outcome_change(&Outcome::Failed {
                why: format!("lost {losses} times: no worker came to its end"),
            })
            .remove(&[row::DUE, row::LOSSES])
            // The answer of an earlier crawl says nothing about this one.
            .remove(&[row::STATUS, row::TOOK, row::BYTES]),
        };
        let change = change.value(row::CRAWL, crawl_value(self));
        let (change, unmoved) = match number_of(&row, row::DUE) {
            Some(due) => (change.value("seen", number(due)), "#t = :seen"),
            None => (change, "attribute_not_exists(#t)"),
        };
        let condition = format!("{} AND {unmoved}", row::IS_OPEN);
        let table = &self.cloud.names.pages;
        let written = change.write(&self.cloud, table, key(&row), &condition);
        Ok(match (written.await?, task) {
            (Written::Done, Some(task)) => Lost::Task(Box::new(task)),
            (Written::Done, None) => Lost::GivenUp,
            (Written::Refused(_), _) => Lost::Foreign,
        })
    }
}
