//! The steps under way of either driver.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use canter_core::failure::Failure;
use canter_core::step::StepResult;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{Id, JoinError, JoinSet};

/// A step's task and the result of the step.
pub(crate) type Ended<T> = (T, Result<StepResult, Failure>);

/// Steps under way, each with its driver's value for the task. A limited number of steps fetch or
/// read at the same time; steps that only wait for others have given their places up.
pub(crate) struct Steps<T> {
    under_way: HashMap<Id, T>,
    steps: JoinSet<Result<StepResult, Failure>>,
    places: Arc<Semaphore>,
    width: usize,
}

impl<T> Steps<T> {
    /// Returns an empty set of steps, with `width` places.
    pub(crate) fn new(width: usize) -> Self {
        Steps {
            under_way: HashMap::new(),
            steps: JoinSet::new(),
            places: Arc::new(Semaphore::new(width)),
            width,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Returns the number of steps that hold a place.
    pub(crate) fn busy(&self) -> usize {
        self.width.saturating_sub(self.places.available_permits())
    }

    /// Waits for a place.
    pub(crate) fn place(
        &self,
    ) -> impl Future<Output = Option<OwnedSemaphorePermit>> + Send + 'static {
        let places = Arc::clone(&self.places);
        // The semaphore is never closed.
        async move { places.acquire_owned().await.ok() }
    }

    pub(crate) fn start(
        &mut self,
        task: T,
        step: impl Future<Output = Result<StepResult, Failure>> + Send + 'static,
    ) {
        let handle = self.steps.spawn(step);
        self.under_way.insert(handle.id(), task);
    }

    /// Returns the next step that ends; `None` if no step is under way.
    pub(crate) async fn ended(&mut self) -> Option<Ended<T>> {
        let ended = self.steps.join_next_with_id().await?;
        self.of(ended)
    }

    /// Returns a step that has ended; `None` if no step has ended yet.
    pub(crate) fn try_ended(&mut self) -> Option<Ended<T>> {
        let ended = self.steps.try_join_next_with_id()?;
        self.of(ended)
    }

    fn of(
        &mut self,
        ended: Result<(Id, Result<StepResult, Failure>), JoinError>,
    ) -> Option<Ended<T>> {
        let (id, result) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                let why = format!("a step of the crawl broke off: {error}");
                (error.id(), Err(Failure::permanent(why)))
            }
        };
        Some((self.under_way.remove(&id)?, result))
    }

    /// Resolves when every step under way only waits for others to share a commit, a bulk request
    /// or a message. No other step can join them then, so waiting gains nothing.
    pub(crate) fn all_wait(&self) -> impl Future<Output = ()> + Send + 'static {
        let places = Arc::clone(&self.places);
        let all = u32::try_from(self.width).unwrap_or(u32::MAX);
        async move { drop(places.acquire_many_owned(all).await) }
    }

    /// Aborts the steps under way, and returns their tasks.
    pub(crate) fn abort(&mut self) -> Vec<T> {
        self.steps.abort_all();
        std::mem::take(&mut self.under_way).into_values().collect()
    }
}
