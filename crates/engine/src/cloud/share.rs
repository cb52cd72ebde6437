//! The share of one domain in a batch: its steps under way, and its remaining tasks.

mod back;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use canter_aws::queue::CloudFrontier;
use canter_aws::{CloudPaces, CloudSite, Progress};
use canter_core::domain::domain;
use canter_core::failure::Failure;
use canter_core::ports::{Fetcher, IndexReader, IndexWriter};
use canter_core::step::{StepResult, step};
use canter_core::task::{Outcome, Task};
use canter_http::PacedGate;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::backlog::Held;
use super::deadline::Deadline;
use super::ledger::Ledger;
use super::worker::{CloudCrawl, Worker};
use crate::gates::Gates;
use crate::steps::{Ended, Steps};
use crate::world::StepWorld;

/// Number of steps that may read or write while others fetch.
const SPARE_STEPS: usize = 8;
/// Maximum time that a function waits for slots. For longer waits the tasks go back into the queue,
/// where they wait at no cost.
const PATIENCE: Duration = Duration::from_secs(1);
/// Maximum time that steps wait for others to share a message when no other step can join them.
const SETTLE: Duration = Duration::from_millis(20);
/// Remaining work below which new tasks are sent at once while the queue is short of work, and the
/// interval between such sends. Another function needs about this time to begin on them.
const HAND_ON: Duration = Duration::from_millis(250);
/// Number of steps in a row that a store has to fail before it counts as unavailable.
const FAILURES: u32 = 3;
/// Time after which to check again whether another worker has fetched a robots.txt.
const BUSY: Duration = Duration::from_secs(3);
/// Time after which tasks that a store failed are tried again.
pub(crate) const OUTAGE: Duration = Duration::from_secs(60);
/// Maximum number of times in a row that a task is sent on because a store failed it or the time
/// was up.
pub(crate) const OUTAGES: u32 = 20;

/// A task, and the messages that hold it.
pub(crate) struct Work<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    pub(crate) crawl: CloudCrawl<F, I>,
    pub(crate) task: Task,
    /// Number of times in a row that the task was sent on because a store failed it or the time was
    /// up. These do not count as attempts at the page.
    pub(crate) outages: u32,
    /// Run of the crawl that pushed the task.
    pub(crate) run: u32,
    /// Places of the task's messages in the batch.
    pub(crate) places: Vec<usize>,
    /// Whether the worker that had the task before did not finish it.
    pub(crate) suspect: bool,
}

/// The reason why a share begins no more steps.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// No task is left.
    Done,
    /// The time is up, or the next slot is far off.
    Later,
    /// Another worker is fetching a robots.txt.
    Busy,
    /// A store fails.
    Outage,
}

/// The tasks of one domain.
pub(crate) struct Share<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    worker: Arc<Worker<F, I>>,
    gates: Arc<Gates<CloudPaces>>,
    ledger: Arc<Ledger>,
    domain: String,
    deadline: Deadline,
    fresh: VecDeque<Work<F, I>>,
    /// Suspects run last and one by one: if one of them ends the process, the other tasks are done.
    suspects: VecDeque<Work<F, I>>,
    steps: Steps<Work<F, I>>,
    /// Whether the tasks are fewer than one message can hold, which suggests that the queue holds
    /// few others.
    lean: bool,
    failures: u32,
    /// Held until the last task has begun; if one does not, until it is sent on.
    pub(crate) held: Option<Held>,
    /// Whether another worker is fetching a robots.txt that these tasks wait for.
    busy: bool,
    /// Tasks that were not begun after all.
    back: Vec<Work<F, I>>,
    /// Tasks to try again when the store is available again.
    failed: Vec<Work<F, I>>,
    /// Progress by site and crawl.
    pub(crate) progress: BTreeMap<(String, u64), Progress>,
    /// Reasons of sites that asked for a long pause, by site and crawl.
    pub(crate) pauses: BTreeMap<(String, u64), String>,
    /// Number of tasks that were sent on.
    pub(crate) sent_on: u64,
}

impl<F, I> Share<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    pub(crate) fn new(
        worker: &Arc<Worker<F, I>>,
        gates: &Arc<Gates<CloudPaces>>,
        ledger: &Arc<Ledger>,
        works: Vec<Work<F, I>>,
        deadline: Deadline,
    ) -> Self {
        let domain = works.first().map(|work| domain(&work.task.url).to_string());
        let domain = domain.unwrap_or_default();
        let width = gates.rates.concurrency(&domain) + SPARE_STEPS;
        let lean = works.len() < gates.rates.per_message(&domain);
        let (suspects, fresh) = works.into_iter().partition(|work| work.suspect);
        Share {
            worker: Arc::clone(worker),
            gates: Arc::clone(gates),
            ledger: Arc::clone(ledger),
            domain,
            deadline,
            fresh,
            suspects,
            steps: Steps::new(width),
            lean,
            held: Some(worker.backlog.hold()),
            failures: 0,
            busy: false,
            back: Vec::new(),
            failed: Vec::new(),
            progress: BTreeMap::new(),
            pauses: BTreeMap::new(),
            sent_on: 0,
        }
    }

    /// Works until every task is done or sent on.
    pub(crate) async fn run(mut self) -> Self {
        let stop = self.drive().await;
        let left = self
            .fresh
            .drain(..)
            .chain(self.suspects.drain(..))
            .collect();
        if stop != Stop::Done {
            // A step that waits for a slot now would wait in vain.
            self.gates.of(&self.domain).gate.close();
        }
        match stop {
            Stop::Done => {}
            Stop::Later => self.promise(left).await,
            Stop::Busy => self.back.extend(left),
            Stop::Outage => self.failed = left,
        }
        self.see_off().await;
        let back = std::mem::take(&mut self.back);
        match stop {
            Stop::Outage => self.failed.extend(back),
            Stop::Busy => self.send(back, BUSY).await,
            Stop::Done | Stop::Later => self.promise(back).await,
        }
        self.postpone().await;
        self
    }

    /// Begins steps until there is a reason to stop.
    async fn drive(&mut self) -> Stop {
        let gate = self.gates.of(&self.domain).gate;
        let (mut until, mut finishing, mut used_up) = (self.deadline.begin, false, false);
        let mut hand_on = Instant::now() + HAND_ON;
        loop {
            gate.expect(self.fresh.len() + self.suspects.len());
            if self.fresh.is_empty() && self.suspects.is_empty() {
                self.held = None;
            }
            let left = !self.fresh.is_empty() || !self.suspects.is_empty() && self.steps.is_empty();
            let begin = left && !used_up;
            if !begin && self.steps.is_empty() {
                return if left { Stop::Later } else { Stop::Done };
            }
            let (place, settled) = (self.steps.place(), self.settled(true));
            tokio::select! {
                biased;
                () = sleep_until(until) => {
                    if finishing {
                        return Stop::Later;
                    }
                    // No other worker can use the slots that are already leased.
                    finishing = true;
                    until = Instant::now() + gate.finish();
                }
                _ = gate.far(PATIENCE) => return Stop::Later,
                failure = troubled(&gate) => {
                    tracing::error!(domain = self.domain, %failure, "no slots are given");
                    return Stop::Outage;
                }
                Some(ended) = self.steps.ended() => {
                    used_up |= finishing && matches!(ended.1, Ok(StepResult::Stopped));
                    self.note(ended);
                    if self.failures >= FAILURES {
                        return Stop::Outage;
                    }
                    if self.busy {
                        return Stop::Busy;
                    }
                }
                Some(place) = place, if begin => {
                    let work = self.fresh.pop_front().or_else(|| self.suspects.pop_front());
                    if let Some(work) = work {
                        let stores = self.stores(&work);
                        let process = &self.worker.process;
                        let world = StepWorld::new(process, &work.crawl, &self.gates, stores, place);
                        let task = work.task.clone();
                        self.steps.start(work, async move { step(&world, &task).await });
                    }
                }
                () = sleep_until(hand_on), if self.lean && !begin => {
                    hand_on = Instant::now() + HAND_ON;
                    if self.nearly_done() && !self.gates.paces.contested(&self.domain) {
                        self.worker.outbox.flush();
                    }
                }
                () = settled, if !begin => {}
            }
        }
    }

    /// Returns whether the steps that hold a place are work for a short time only.
    fn nearly_done(&self) -> bool {
        let busy = u32::try_from(self.steps.busy()).unwrap_or(u32::MAX);
        let spacing = self.gates.rates.slowed(&self.domain).spacing;
        spacing.saturating_mul(busy) <= HAND_ON * 2
    }

    /// Returns the page store and the frontier of a task, in the run of the crawl that pushed it.
    fn stores(&self, work: &Work<F, I>) -> (CloudSite, CloudFrontier) {
        let pages = work.crawl.pages.in_run(work.run);
        let frontier = self.worker.frontier(&pages);
        (pages, frontier)
    }

    /// Resolves when the steps under way only waited for others to share a message, an object of
    /// the archive or a bulk request, and were told not to wait any longer. With `patience` they do
    /// wait for tasks of others that are still to begin in this process.
    fn settled(&self, patience: bool) -> impl Future<Output = ()> + Send + 'static {
        let (worker, all_wait) = (Arc::clone(&self.worker), self.steps.all_wait());
        let own = usize::from(self.held.is_some());
        async move {
            all_wait.await;
            sleep(SETTLE).await;
            if patience {
                worker.backlog.falls_to(own).await;
            }
            worker.outbox.flush();
            worker.archive().flush();
            // The steps that wait for the index receive its failure themselves.
            let _ = worker.index().flush().await;
        }
    }

    /// Waits for the steps under way. Tasks that do not end in time are sent on.
    async fn see_off(&mut self) {
        while !self.steps.is_empty() {
            let settled = self.settled(false);
            let ended = async {
                tokio::select! {
                    biased;
                    ended = self.steps.ended() => ended,
                    () = settled => None,
                }
            };
            match timeout_at(self.deadline.end, ended).await {
                Ok(Some(ended)) => self.note(ended),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        for work in self.steps.abort() {
            let work = self.endured(work, "time was up before its end");
            self.back.extend(work);
        }
    }

    fn note(&mut self, (work, result): Ended<Work<F, I>>) {
        match result {
            Ok(StepResult::Stopped) => self.back.push(work),
            Ok(StepResult::Busy) => {
                self.busy = true;
                self.back.push(work);
            }
            Ok(result) => {
                self.failures = 0;
                self.ledger.done(&work.places);
                let site = (work.crawl.site.id.clone(), work.crawl.id);
                add(self.progress.entry(site.clone()).or_default(), &result);
                if let StepResult::Paused(why) = result {
                    self.pauses.insert(site, why);
                }
            }
            Err(failure) => {
                self.failures += 1;
                let url = &work.task.url;
                tracing::error!(%url, %failure, "a step failed");
                match failure {
                    Failure::Transient(_) => self.failed.push(work),
                    // Its message comes back, and each of its tasks is sent on apart. In the end
                    // this task alone is left in the dead-letter queue.
                    failure => self.ledger.fail(&work.places, &format!("{url}: {failure}")),
                }
            }
        }
    }
}

/// Resolves when slots cannot be given any more, for example because a table is missing or a clock
/// is wrong.
async fn troubled(gate: &PacedGate<CloudPaces>) -> Failure {
    loop {
        if let Some(failure @ Failure::Permanent(_)) = gate.trouble() {
            return failure;
        }
        sleep(PATIENCE).await;
    }
}

fn add(progress: &mut Progress, result: &StepResult) {
    match result {
        StepResult::Finished(outcome) => {
            progress.done += 1;
            progress.pages += u64::from(outcome.is_page());
            progress.failed += u64::from(matches!(outcome, Outcome::Failed { .. }));
        }
        StepResult::Again(_) => progress.retries += 1,
        StepResult::Dropped | StepResult::Stopped | StepResult::Busy | StepResult::Paused(_) => {}
    }
}
