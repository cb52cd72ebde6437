//! Drives the crawl of one site on one machine: takes tasks from the frontier, keeps enough steps
//! under way, and ends the crawl when no task is left.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_core::publish::{Done, When};
use canter_core::rest::Rest;
use canter_core::solo::{Popped, SoloCrawl};
use canter_core::step::{MAX_HOLD_WAIT, StepResult, step};
use canter_core::task::Task;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::crawl::{Crawl, Process, Stores};
use crate::gates::Gates;
use crate::publisher::Publisher;
use crate::steps::{Ended, Steps};
use crate::world::StepWorld;

/// Maximum number of tasks taken from the frontier at once.
const POPPED: usize = 64;
/// Maximum time that a crawl waits for the answers under way when it comes to rest, and that one
/// which is stopped takes for its publishing.
const GRACE: Duration = Duration::from_secs(5);

/// Receives the events of a crawl.
pub trait Observer: Send + Sync {
    /// Called when a step has ended.
    fn ended(&self, task: &Task, result: &StepResult);
    /// Called when no page is fetched any more, and the crawl is published.
    fn publishing(&self);
    /// Returns the number of pages so far, including the pages of an earlier run of the crawl.
    fn pages(&self) -> u64;
}

/// Limits of a drive.
pub struct DriveLimits {
    /// Maximum number of steps that fetch or read at the same time.
    pub steps: usize,
    /// Time at which to stop.
    pub deadline: Option<Instant>,
}

/// How a crawl came to its end.
#[derive(Debug)]
pub struct Driven {
    /// Why it does not go on; `None` if it has ended.
    pub rest: Option<Rest>,
    /// What was published.
    pub done: Done,
}

/// The crawl of one site, under way.
pub struct Drive<S: Stores, O, I> {
    publisher: Arc<Publisher<S, I>>,
    process: Arc<Process<S>>,
    crawl: Arc<Crawl<S>>,
    gates: Arc<Gates<S::Paces>>,
    observer: Arc<O>,
    stop: watch::Receiver<bool>,
    deadline: Option<Instant>,
    buffer: VecDeque<Task>,
    steps: Steps<Task>,
    rest: Option<Rest>,
}

impl<S, O, I> Drive<S, O, I>
where
    S: Stores<Frontier = <S as Stores>::Pages>,
    S::Pages: SoloCrawl + Clone,
    O: Observer,
    I: IndexReader + IndexWriter + 'static,
{
    /// Creates the driver of a crawl, which runs until `stop` is set or the limits are reached.
    pub fn new(
        publisher: Publisher<S, I>,
        gates: Arc<Gates<S::Paces>>,
        observer: Arc<O>,
        stop: watch::Receiver<bool>,
        limits: DriveLimits,
    ) -> Self {
        Drive {
            process: Arc::clone(&publisher.process),
            crawl: Arc::clone(&publisher.crawl),
            publisher: Arc::new(publisher),
            gates,
            observer,
            stop,
            deadline: limits.deadline,
            buffer: VecDeque::new(),
            steps: Steps::new(limits.steps),
            rest: None,
        }
    }

    /// Crawls until no task is left or something stops the crawl, and publishes it. Steps under way
    /// may come to their end, within a limited time.
    ///
    /// # Errors
    ///
    /// Returns the errors of the stores and of the index. Tasks that were not finished wait for the
    /// next run.
    pub async fn run(mut self) -> Result<Driven, Failure> {
        let (over, is_over) = watch::channel(false);
        let publisher = Arc::clone(&self.publisher);
        let mut meanwhile = tokio::spawn(async move { publisher.meanwhile(is_over).await });
        let result = self.crawl().await;
        let mut failure = result.as_ref().err().cloned();
        let seeds = &self.crawl.site.seeds;
        match result {
            // A step that waits for a slot now would wait in vain.
            Ok(Some(Rest::Paused { .. })) | Err(_) => self.gates.close(seeds),
            // Other sites on the domain continue.
            Ok(None | Some(Rest::Limit { .. } | Rest::Stopped)) => self.gates.leave(seeds),
        }
        self.see_off(&mut failure).await;
        over.send_replace(true);
        // It may wait for an index that does not answer. What it does not show is published now.
        if timeout(GRACE, &mut meanwhile).await.is_err() {
            meanwhile.abort();
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        self.end(result?).await
    }

    /// Publishes the crawl and records how it came to its end.
    async fn end(&self, rest: Option<Rest>) -> Result<Driven, Failure> {
        self.observer.publishing();
        let pages = &self.crawl.pages;
        let Some(rest) = rest else {
            // A crawl that is stopped now goes on with its publishing.
            let in_time = || !*self.stop.borrow();
            let done = tokio::select! {
                done = self.publisher.publish(When::Ended, true, in_time) => done?,
                () = self.stopped_in_vain() => Done::Part(Box::default()),
            };
            if let Done::Part(_) = done {
                let rest = Rest::Stopped;
                pages.record_rest(&rest).await?;
                return Ok(Driven {
                    rest: Some(rest),
                    done,
                });
            }
            pages.record_end().await?;
            return Ok(Driven { rest: None, done });
        };
        let done = if rest == Rest::Stopped {
            // Who stops a crawl does not wait until its links are counted, or for an index that does
            // not answer. What is not published now is published by the next run.
            let publishing = self.publisher.publish(When::Resting, false, || true);
            let done = timeout(GRACE, publishing).await;
            let done = done.ok().and_then(Result::ok);
            done.unwrap_or(Done::Part(Box::default()))
        } else {
            self.publisher.publish(When::Resting, true, || true).await?
        };
        pages.record_rest(&rest).await?;
        Ok(Driven {
            rest: Some(rest),
            done,
        })
    }

    /// Resolves when a stop was asked for and the grace period is over.
    async fn stopped_in_vain(&self) {
        let mut stop = self.stop.clone();
        if stop.wait_for(|stop| *stop).await.is_err() {
            // Nobody can stop it any more.
            std::future::pending::<()>().await;
        }
        sleep(GRACE).await;
    }

    /// Waits for the answers under way, within the grace period. A task whose answer does not arrive
    /// waits for the next run.
    async fn see_off(&mut self, failure: &mut Option<Failure>) {
        let until = Instant::now() + GRACE;
        while !self.steps.is_empty() && Instant::now() < until {
            let mut ended = timeout(Duration::from_millis(250), self.steps.ended())
                .await
                .unwrap_or_default();
            while let Some(step) = ended {
                if let Err(error) = self.note(step) {
                    failure.get_or_insert(error);
                }
                ended = self.steps.try_ended();
            }
        }
        self.steps.abort();
    }

    async fn crawl(&mut self) -> Result<Option<Rest>, Failure> {
        let held = self.gates.held_for(&self.crawl.site.seeds).await;
        if held > MAX_HOLD_WAIT {
            let minutes = held.as_secs() / 60;
            let why = format!("the site asked for a pause, {minutes} minutes of it are left");
            return Ok(Some(Rest::Paused { why }));
        }
        loop {
            while let Some(ended) = self.steps.try_ended() {
                self.note(ended)?;
            }
            if let Some(rest) = self.must_rest() {
                return Ok(Some(rest));
            }
            if self.page_limit_reached()
                && (self.crawl.pages.waiting() > 0 || !self.steps.is_empty())
            {
                if self.steps.is_empty() {
                    return Ok(Some(limit("--max-pages")));
                }
                self.wait(Duration::from_secs(1)).await?;
            } else if let Some(task) = self.buffer.pop_front() {
                self.start(task).await;
            } else if self.refill().await? {
                return Ok(None);
            }
        }
    }

    fn must_rest(&mut self) -> Option<Rest> {
        if *self.stop.borrow() {
            return Some(Rest::Stopped);
        }
        if self.is_late() {
            return Some(limit("--max-time"));
        }
        self.rest.take()
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|end| end <= Instant::now())
    }

    /// Returns whether the pages so far and the steps under way reach the limit. Each of the steps
    /// may end as a page.
    fn page_limit_reached(&self) -> bool {
        let limit = self.crawl.site.limits.max_pages;
        limit.is_some_and(|most| self.observer.pages() + self.steps.len() as u64 >= most)
    }

    async fn start(&mut self, task: Task) {
        let place = loop {
            match timeout(Duration::from_millis(200), self.steps.place()).await {
                Ok(Some(place)) => break place,
                Ok(None) | Err(_) if self.must_stop_waiting() => {
                    self.buffer.push_front(task);
                    return;
                }
                Ok(None) | Err(_) => {}
            }
        };
        let pages = self.crawl.pages.clone();
        let stores = (pages.clone(), pages);
        let world = StepWorld::new(&self.process, &self.crawl, &self.gates, stores, place);
        let of_step = task.clone();
        self.steps
            .start(task, async move { step(&world, &of_step).await });
    }

    fn must_stop_waiting(&self) -> bool {
        *self.stop.borrow() || self.rest.is_some() || self.is_late()
    }

    /// Takes tasks from the frontier, or waits for tasks. Returns whether the crawl has ended: no
    /// task waits, no step is under way, and no task was lost.
    async fn refill(&mut self) -> Result<bool, Failure> {
        match self.crawl.pages.pop(POPPED).await? {
            Popped::Tasks(tasks) => self.buffer.extend(tasks),
            Popped::Wait(due) => {
                let span = self.process.now().until(due);
                self.wait(span.min(Duration::from_millis(500))).await?;
            }
            Popped::Empty if !self.steps.is_empty() => {
                self.wait(Duration::from_millis(200)).await?;
            }
            Popped::Empty => return Ok(self.crawl.pages.sweep().await? == 0),
        }
        Ok(false)
    }

    /// Waits at most this time for a step to end or to push tasks.
    async fn wait(&mut self, span: Duration) -> Result<(), Failure> {
        if self.steps.is_empty() {
            sleep(span).await;
            return Ok(());
        }
        tokio::select! {
            Some(ended) = self.steps.ended() => self.note(ended),
            () = self.crawl.pages.pushed() => Ok(()),
            () = sleep(span) => Ok(()),
        }
    }

    fn note(&mut self, (task, result): Ended<Task>) -> Result<(), Failure> {
        let result = result?;
        self.observer.ended(&task, &result);
        match result {
            StepResult::Paused(why) => self.rest = Some(Rest::Paused { why }),
            // The gate was closed, possibly by another site on the domain.
            StepResult::Stopped => drop(self.rest.get_or_insert(Rest::Stopped)),
            // In a process that works alone, no other worker can be fetching a robots.txt.
            StepResult::Finished(_)
            | StepResult::Again(_)
            | StepResult::Dropped
            | StepResult::Busy => {}
        }
        Ok(())
    }
}

fn limit(option: &str) -> Rest {
    Rest::Limit {
        option: option.to_owned(),
    }
}
