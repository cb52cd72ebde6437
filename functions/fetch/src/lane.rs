//! The work on one domain within a batch: steps under way, and what is left of them.

mod back;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use canter_aws::{CloudPaces, Progress};
use canter_core::domain::domain;
use canter_core::failure::Failure;
use canter_core::ports::{Fetcher, IndexReader, IndexWriter};
use canter_core::step::{End, step};
use canter_core::task::{Outcome, Skip, Task};
use canter_http::PacedGate;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::batch::Deadline;
use crate::book::Book;
use crate::gates::Gates;
use crate::step_world::StepWorld;
use crate::worker::{Crawl, Worker};

/// Steps that read or write while others fetch.
const SPARE_STEPS: usize = 8;
/// A function waits for slots at most so long: beyond that, the queue waits at no cost.
const PATIENCE: Duration = Duration::from_secs(1);
/// Steps that only wait for company wait at most so long when nobody comes.
const SETTLE: Duration = Duration::from_millis(20);
/// Where the queue is short of work, what was found is sent as soon as this is all that is left to
/// do here, and as often: about what it takes until another function has begun on it.
const HAND_ON: Duration = Duration::from_millis(250);
/// So many steps in a row that a store fails are no accident.
const FAILURES: u32 = 3;
/// When to look again whether another worker has fetched a robots.txt.
const BUSY: Duration = Duration::from_secs(3);
/// When to try again what a store failed.
pub(crate) const OUTAGE: Duration = Duration::from_secs(60);
/// A task that the stores or the time failed so often does not wait for better times any more.
pub(crate) const OUTAGES: u32 = 20;

/// A task, and the messages in which it stands.
pub(crate) struct Work<F> {
    pub(crate) crawl: Arc<Crawl<F>>,
    pub(crate) task: Task,
    /// How often in a row it was sent on since a store failed, or time was up before its end: no
    /// attempt of the page's own.
    pub(crate) outages: u32,
    /// The run of the crawl that pushed it.
    pub(crate) run: u32,
    /// Their places in the batch.
    pub(crate) places: Vec<usize>,
    /// Whoever had it before did not come to its end.
    pub(crate) suspect: bool,
}

/// Why no more is begun.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// Nothing is left.
    Done,
    /// Time is up, or the next slot is far.
    Later,
    /// Another worker is fetching a robots.txt.
    Busy,
    /// A store fails.
    Outage,
}

/// The tasks of one domain.
pub(crate) struct Lane<F, I> {
    worker: Arc<Worker<F, I>>,
    gates: Arc<Gates>,
    book: Arc<Book>,
    domain: String,
    deadline: Deadline,
    fresh: VecDeque<Work<F>>,
    /// Done last and one by one: should one end the process, the others are through.
    suspects: VecDeque<Work<F>>,
    under_way: HashMap<Id, Work<F>>,
    steps: JoinSet<Result<End, Failure>>,
    places: Arc<Semaphore>,
    width: usize,
    /// They are less than a message can hold, so that few others are in the queue.
    lean: bool,
    failures: u32,
    /// Another worker is fetching a robots.txt that these tasks wait for.
    busy: bool,
    /// Not begun after all.
    back: Vec<Work<F>>,
    /// To be tried again when the store is back.
    failed: Vec<Work<F>>,
    /// What was done, by site and crawl.
    pub(crate) progress: BTreeMap<(String, u64), Progress>,
    /// What sites said that want to be left alone for long, by site and crawl.
    pub(crate) pauses: BTreeMap<(String, u64), String>,
    /// Tasks that were sent on.
    pub(crate) sent_on: u64,
}

impl<F: Fetcher + 'static, I: IndexReader + IndexWriter + 'static> Lane<F, I> {
    pub(crate) fn new(
        worker: &Arc<Worker<F, I>>,
        gates: &Arc<Gates>,
        book: &Arc<Book>,
        works: Vec<Work<F>>,
        deadline: Deadline,
    ) -> Self {
        let domain = works.first().map(|work| domain(&work.task.url).to_string());
        let domain = domain.unwrap_or_default();
        let width = gates.rates.concurrency(&domain) + SPARE_STEPS;
        let lean = works.len() < gates.rates.per_message(&domain);
        let (suspects, fresh) = works.into_iter().partition(|work| work.suspect);
        Lane {
            worker: Arc::clone(worker),
            gates: Arc::clone(gates),
            book: Arc::clone(book),
            domain,
            deadline,
            fresh,
            suspects,
            under_way: HashMap::new(),
            steps: JoinSet::new(),
            places: Arc::new(Semaphore::new(width)),
            width,
            lean,
            failures: 0,
            busy: false,
            back: Vec::new(),
            failed: Vec::new(),
            progress: BTreeMap::new(),
            pauses: BTreeMap::new(),
            sent_on: 0,
        }
    }

    /// Works until all is done or sent on.
    pub(crate) async fn run(mut self) -> Self {
        let stop = self.drive().await;
        let left = self
            .fresh
            .drain(..)
            .chain(self.suspects.drain(..))
            .collect();
        if stop != Stop::Done {
            // Whoever waits for a slot now would wait in vain.
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

    /// Begins what there is to do, as long as it goes on.
    async fn drive(&mut self) -> Stop {
        let gate = self.gates.of(&self.domain).gate;
        let (mut until, mut finishing, mut used_up) = (self.deadline.begin, false, false);
        let mut hand_on = Instant::now() + HAND_ON;
        loop {
            gate.expect(self.fresh.len() + self.suspects.len());
            let left =
                !self.fresh.is_empty() || !self.suspects.is_empty() && self.under_way.is_empty();
            let begin = left && !used_up;
            if !begin && self.under_way.is_empty() {
                return if left { Stop::Later } else { Stop::Done };
            }
            let places = Arc::clone(&self.places);
            tokio::select! {
                biased;
                () = sleep_until(until) => {
                    if finishing {
                        return Stop::Later;
                    }
                    // What is leased is nobody else's.
                    finishing = true;
                    until = Instant::now() + gate.finish();
                }
                _ = gate.far(PATIENCE) => return Stop::Later,
                failure = troubled(&gate) => {
                    tracing::error!(domain = self.domain, %failure, "no slots are given");
                    return Stop::Outage;
                }
                Some(ended) = self.steps.join_next_with_id() => {
                    used_up |= finishing && matches!(ended, Ok((_, Ok(End::Stopped))));
                    self.note(ended);
                    if self.failures >= FAILURES {
                        return Stop::Outage;
                    }
                    if self.busy {
                        return Stop::Busy;
                    }
                }
                place = places.acquire_owned(), if begin => {
                    let work = self.fresh.pop_front().or_else(|| self.suspects.pop_front());
                    if let (Ok(place), Some(work)) = (place, work) {
                        let world = StepWorld::new(&self.worker, &work, &self.gates, place);
                        let task = work.task.clone();
                        let step = self.steps.spawn(async move { step(&world, &task).await });
                        self.under_way.insert(step.id(), work);
                    }
                }
                () = sleep_until(hand_on), if self.lean && !begin => {
                    hand_on = Instant::now() + HAND_ON;
                    if self.nearly_done() && !self.gates.paces.contested(&self.domain) {
                        self.worker.outbox.flush();
                    }
                }
                () = settle(&self.worker, &self.places, self.width), if !begin => {}
            }
        }
    }

    /// Whether the steps that do not only wait for company are work for a short while.
    fn nearly_done(&self) -> bool {
        let busy = self.width.saturating_sub(self.places.available_permits());
        let spacing = self.gates.rates.slowed(&self.domain).spacing;
        spacing.saturating_mul(u32::try_from(busy).unwrap_or(u32::MAX)) <= HAND_ON * 2
    }

    /// Waits for the steps under way. What comes to no end in time is sent on.
    async fn see_off(&mut self) {
        while !self.under_way.is_empty() {
            let ended = async {
                tokio::select! {
                    biased;
                    ended = self.steps.join_next_with_id() => ended,
                    () = settle(&self.worker, &self.places, self.width) => None,
                }
            };
            match timeout_at(self.deadline.end, ended).await {
                Ok(Some(ended)) => self.note(ended),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        self.steps.abort_all();
        for (_, work) in std::mem::take(&mut self.under_way) {
            let work = self.endured(work, "time was up before its end");
            self.back.extend(work);
        }
    }

    fn note(&mut self, ended: Result<(Id, Result<End, Failure>), JoinError>) {
        let (id, end) = match ended {
            Ok((id, end)) => (id, end),
            Err(error) => {
                let why = format!("the step broke off: {error}");
                (error.id(), Err(Failure::permanent(why)))
            }
        };
        let Some(work) = self.under_way.remove(&id) else {
            return;
        };
        match end {
            Ok(End::Stopped) => self.back.push(work),
            Ok(End::Busy) => {
                self.busy = true;
                self.back.push(work);
            }
            Ok(end) => {
                self.failures = 0;
                self.book.done(&work.places);
                let site = (work.crawl.site.id.clone(), work.crawl.crawl);
                add(self.progress.entry(site.clone()).or_default(), &end);
                if let End::Paused(why) = end {
                    self.pauses.insert(site, why);
                }
            }
            Err(failure) => {
                self.failures += 1;
                let url = &work.task.url;
                tracing::error!(%url, %failure, "a step failed");
                match failure {
                    Failure::Transient(_) => self.failed.push(work),
                    // Its message comes back, each of its tasks apart, and in the end this one
                    // alone stands among the dead letters.
                    failure => self.book.fail(&work.places, &format!("{url}: {failure}")),
                }
            }
        }
    }
}

/// Resolves when slots will never be given, as things are: a table is gone, a clock is wrong.
async fn troubled(gate: &PacedGate<CloudPaces>) -> Failure {
    loop {
        if let Some(failure @ Failure::Permanent(_)) = gate.trouble() {
            return failure;
        }
        sleep(PATIENCE).await;
    }
}

/// When all steps under way only wait for others to share a message or a bulk, and no other can
/// come, nothing is gained by waiting.
async fn settle<F, I: IndexReader + IndexWriter>(
    worker: &Worker<F, I>,
    places: &Semaphore,
    width: usize,
) {
    let all = u32::try_from(width).unwrap_or(u32::MAX);
    drop(places.acquire_many(all).await);
    sleep(SETTLE).await;
    worker.outbox.flush();
    // Whoever waits for the index hears of its failure.
    let _ = worker.index.flush().await;
}

fn add(progress: &mut Progress, end: &End) {
    match end {
        End::Finished(outcome) => {
            progress.done += 1;
            match outcome {
                Outcome::Indexed
                | Outcome::Unchanged
                | Outcome::Duplicate { .. }
                | Outcome::Skipped {
                    reason: Skip::Noindex,
                    ..
                } => progress.pages += 1,
                Outcome::Failed { .. } => progress.failed += 1,
                _ => {}
            }
        }
        End::Again(_) => progress.retries += 1,
        End::Dropped | End::Stopped | End::Busy | End::Paused(_) => {}
    }
}
