//! Drives the crawl of one site: takes tasks from the frontier, keeps enough steps under way, and
//! knows the end when it sees it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use canter_core::document::document_id;
use canter_core::failure::Failure;
use canter_core::link_pass::whole_pass;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_core::step::{End, MAX_HOLD, step};
use canter_core::task::Task;
use canter_core::twins::duplicates;
use canter_embedded::store::{Popped, Rest as Stored};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::progress::Progress;
use super::world::{SiteWorld, StepWorld};

/// Tasks that are taken from the frontier at once.
const HANDFUL: usize = 64;
/// Leftovers that leave the index at once.
const BATCH: usize = 4096;

/// A crawl that is stopped waits so long for the answers under way, and for the index to take them.
const GRACE: Duration = Duration::from_secs(5);

/// Why a crawl came to rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// No task is left.
    Complete,
    /// The limit of an option was reached; tasks wait.
    Limit(String),
    /// The user stopped it; tasks wait.
    Stopped,
    /// The site wants to be left alone, for this reason; tasks wait.
    Paused(String),
}

impl Rest {
    /// As the store keeps it; none for a crawl that has ended.
    fn stored(&self) -> Option<Stored> {
        match self {
            Rest::Complete => None,
            Rest::Limit(option) => Some(Stored::Limit {
                option: option.clone(),
            }),
            Rest::Stopped => Some(Stored::Stopped),
            Rest::Paused(why) => Some(Stored::Paused { why: why.clone() }),
        }
    }
}

/// Bounds of a drive.
pub struct Bounds {
    /// Steps that fetch or read at the same time.
    pub steps: usize,
    /// When to stop.
    pub deadline: Option<Instant>,
}

/// What a step left behind.
type Ended = (Task, Result<End, Failure>);

/// One site's crawl under way.
pub struct Drive<I> {
    world: Arc<SiteWorld<I>>,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
    places: Arc<Semaphore>,
    bounds: Bounds,
    buffer: VecDeque<Task>,
    steps: JoinSet<Ended>,
    rest: Option<Rest>,
}

impl<I: IndexReader + IndexWriter + 'static> Drive<I> {
    pub fn new(
        world: Arc<SiteWorld<I>>,
        progress: Arc<Progress>,
        stop: watch::Receiver<bool>,
        bounds: Bounds,
    ) -> Self {
        Drive {
            world,
            progress,
            stop,
            places: Arc::new(Semaphore::new(bounds.steps)),
            bounds,
            buffer: VecDeque::new(),
            steps: JoinSet::new(),
            rest: None,
        }
    }

    /// Crawls until nothing is left or something stops it. Steps under way are seen to their end.
    pub async fn run(mut self) -> Result<Rest, Failure> {
        let result = self.crawl().await;
        let mut failure = result.as_ref().err().cloned();
        let (gates, seeds) = (&self.world.gates, &self.world.site.seeds);
        match result {
            // Whoever waits for a slot now would wait in vain.
            Ok(Rest::Paused(_)) | Err(_) => gates.close(seeds),
            // Other sites on the domain go on.
            Ok(Rest::Complete | Rest::Limit(_) | Rest::Stopped) => gates.leave(seeds),
        }
        self.see_off(&mut failure).await;
        if let Some(failure) = failure {
            return Err(failure);
        }
        let rest = result?;
        if rest == Rest::Complete {
            self.drop_leftovers().await?;
            self.world.store.end_redirect_loops().await?;
        }
        self.fold_twins().await?;
        if rest == Rest::Complete {
            self.count_links().await?;
        }
        match rest.stored() {
            None => self.world.store.end().await?,
            Some(stored) => self.world.store.note_rest(&stored).await?,
        }
        Ok(rest)
    }

    /// Waits for the answers under way and for the index to take them, within the grace. A task
    /// whose answer does not come waits for the next run. What the index took is to be seen by
    /// searches when the crawl ends, even where nothing is under way any more.
    async fn see_off(&mut self, failure: &mut Option<Failure>) {
        let until = Instant::now() + GRACE;
        loop {
            // An index that cannot be written may try for long: what is not in it waits for the
            // next run.
            let left = until.saturating_duration_since(Instant::now());
            if let Ok(Err(error)) = timeout(left, self.world.index.flush()).await {
                failure.get_or_insert(error);
            }
            if self.steps.is_empty() || Instant::now() >= until {
                break;
            }
            let mut ended = timeout(Duration::from_millis(250), self.steps.join_next())
                .await
                .unwrap_or_default();
            while let Some(step) = ended {
                if let Err(error) = self.note(step) {
                    failure.get_or_insert(error);
                }
                ended = self.steps.try_join_next();
            }
        }
        self.steps.abort_all();
    }

    async fn crawl(&mut self) -> Result<Rest, Failure> {
        let held = self.world.gates.held_for(&self.world.site.seeds).await;
        if held > MAX_HOLD {
            let minutes = held.as_secs() / 60;
            let why = format!("the site asked for a pause, {minutes} minutes of it are left");
            return Ok(Rest::Paused(why));
        }
        loop {
            while let Some(ended) = self.steps.try_join_next() {
                self.note(ended)?;
            }
            if let Some(rest) = self.must_rest() {
                return Ok(rest);
            }
            if self.page_limit_reached()
                && (self.world.store.waiting() > 0 || !self.steps.is_empty())
            {
                if self.steps.is_empty() {
                    return Ok(Rest::Limit("--max-pages".to_owned()));
                }
                self.wait(Duration::from_secs(1)).await?;
            } else if let Some(task) = self.buffer.pop_front() {
                self.start(task).await?;
            } else if self.refill().await? {
                return Ok(Rest::Complete);
            }
        }
    }

    fn must_rest(&mut self) -> Option<Rest> {
        if *self.stop.borrow() {
            return Some(Rest::Stopped);
        }
        if self
            .bounds
            .deadline
            .is_some_and(|end| end <= Instant::now())
        {
            return Some(Rest::Limit("--max-time".to_owned()));
        }
        self.rest.take()
    }

    /// Every step under way may end as a page: so many are left room for.
    fn page_limit_reached(&self) -> bool {
        let limit = self.world.site.limits.max_pages;
        limit.is_some_and(|most| self.progress.pages() + self.steps.len() as u64 >= most)
    }

    async fn start(&mut self, task: Task) -> Result<(), Failure> {
        let place = loop {
            let wait = timeout(
                Duration::from_millis(200),
                Arc::clone(&self.places).acquire_owned(),
            );
            match wait.await {
                Ok(Ok(place)) => break place,
                Ok(Err(_)) => return Err(Failure::permanent("the crawl has no places")),
                Err(_) if self.must_stop_waiting() => {
                    self.buffer.push_front(task);
                    return Ok(());
                }
                Err(_) => {}
            }
        };
        let world = StepWorld::new(&self.world, place);
        self.steps.spawn(async move {
            let end = step(&world, &task).await;
            (task, end)
        });
        Ok(())
    }

    fn must_stop_waiting(&self) -> bool {
        *self.stop.borrow()
            || self.rest.is_some()
            || self
                .bounds
                .deadline
                .is_some_and(|end| end <= Instant::now())
    }

    /// Takes tasks from the frontier, or waits for some; says whether the crawl has ended: none
    /// waits, no step is under way, and none was lost.
    async fn refill(&mut self) -> Result<bool, Failure> {
        match self.world.store.pop(HANDFUL).await? {
            Popped::Tasks(tasks) => self.buffer.extend(tasks),
            Popped::Wait(due) => {
                let span = self.world.clock.now().until(due);
                self.wait(span.min(Duration::from_millis(500))).await?;
            }
            Popped::Empty if !self.steps.is_empty() => {
                self.wait(Duration::from_millis(200)).await?
            }
            Popped::Empty => return Ok(self.world.store.sweep().await? == 0),
        }
        Ok(false)
    }

    /// Waits for a step to end or to push tasks, at most this long. When all steps under way only
    /// wait for a commit, nothing new can come, and there is no reason to let them wait.
    async fn wait(&mut self, span: Duration) -> Result<(), Failure> {
        if self.steps.is_empty() {
            sleep(span).await;
            return Ok(());
        }
        let places = u32::try_from(self.bounds.steps).unwrap_or(u32::MAX);
        tokio::select! {
            ended = self.steps.join_next() => return ended.map_or(Ok(()), |ended| self.note(ended)),
            () = self.world.store.pushed() => return Ok(()),
            () = sleep(span) => return Ok(()),
            all = Arc::clone(&self.places).acquire_many_owned(places) => drop(all),
        }
        // Not for longer than anything else is waited for: somebody may want the crawl to stop.
        if let Ok(flushed) = timeout(span, self.world.index.flush()).await {
            flushed?;
        }
        tokio::select! {
            ended = self.steps.join_next() => ended.map_or(Ok(()), |ended| self.note(ended)),
            () = self.world.store.pushed() => Ok(()),
            () = sleep(span) => Ok(()),
        }
    }

    fn note(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), Failure> {
        let (task, end) = ended.map_err(|error| {
            Failure::permanent(format!("a step of the crawl broke off: {error}"))
        })?;
        match end? {
            End::Finished(outcome) => self.progress.finished(&outcome),
            End::Again(why) => self.progress.again(&task.url, &why),
            End::Paused(why) => self.rest = Some(Rest::Paused(why)),
            // The gate was closed, maybe by another site on the domain.
            End::Stopped => drop(self.rest.get_or_insert(Rest::Stopped)),
            // One worker alone finds nobody else at a robots.txt.
            End::Dropped | End::Busy => {}
        }
        Ok(())
    }

    /// Takes pages that only an older scope held out of the index.
    async fn drop_leftovers(&self) -> Result<(), Failure> {
        loop {
            let urls = self.world.store.leftovers(BATCH).await?;
            if urls.is_empty() {
                return Ok(());
            }
            self.remove(urls.iter()).await?;
            self.world.store.forget(urls).await?;
        }
    }

    /// Tells the index what the pages say of each other. Where the user does not wait for it, the next
    /// crawl makes up for it.
    async fn count_links(&self) -> Result<(), Failure> {
        let wanted = || !*self.stop.borrow();
        self.progress.counting_links();
        whole_pass(&*self.world.index, &self.world.site.id, wanted).await
    }

    /// Takes pages out of the index for good.
    async fn remove(&self, urls: impl Iterator<Item = &Url>) -> Result<(), Failure> {
        let ids = urls.map(|url| document_id(&self.world.site.id, url));
        let deleted = self.world.index.delete(ids.collect());
        let (deleted, flushed) = tokio::join!(deleted, self.world.index.flush());
        deleted.and(flushed)
    }

    /// Takes duplicates out of the index.
    async fn fold_twins(&self) -> Result<(), Failure> {
        let store = &self.world.store;
        let found = duplicates(&store.twins().await?);
        if found.is_empty() {
            return Ok(());
        }
        self.remove(found.iter().map(|(url, _)| url)).await?;
        for (url, of) in &found {
            store.duplicate(url, of).await?;
        }
        Ok(())
    }
}
