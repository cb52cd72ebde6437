//! The frontier as a step sees it. What a step pushes goes to the queue, and to the page store where
//! a sweep must know of it.

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::Frontier;
use canter_core::task::Task;
use canter_core::time::Moment;

use super::message::Delivery;
use super::outbox::Outbox;
use crate::clock::Clock;
use crate::pages::CloudSite;
use crate::side_by_side::{WRITES, side_by_side};

/// The frontier of one site.
#[derive(Clone)]
pub struct CloudFrontier {
    site: CloudSite,
    outbox: Outbox,
    clock: Clock,
    /// The caller has noted the tasks in the page store.
    noted: bool,
}

impl CloudFrontier {
    /// The frontier of a site in one crawl.
    pub fn new(site: CloudSite, outbox: Outbox, clock: Clock) -> Self {
        CloudFrontier {
            site,
            outbox,
            clock,
            noted: false,
        }
    }

    /// The frontier for [`CloudSite::sweep`] and [`CloudSite::fill`], which note what they push
    /// themselves. A second note would cost a write per task.
    pub fn noted(self) -> Self {
        CloudFrontier {
            noted: true,
            ..self
        }
    }

    /// Notes tasks in the page store, and returns those that are still open.
    async fn note(&self, tasks: Vec<Task>, due: Option<Moment>) -> Result<Vec<Task>, Failure> {
        let now = (self.clock)();
        // A claim has noted tasks that are due now and were never tried.
        let is_known = |task: &Task| self.noted || due.is_none() && task.attempts == 0;
        let (mut open, unknown): (Vec<Task>, Vec<Task>) = tasks.into_iter().partition(is_known);
        let notes = unknown.into_iter().map(|task| {
            let site = self.site.clone();
            async move {
                let is_open = site.note_attempt(&task, due.unwrap_or(now)).await?;
                Ok(is_open.then_some(task))
            }
        });
        let notes: Vec<_> = notes.collect();
        open.extend(side_by_side(WRITES, notes).await?.into_iter().flatten());
        Ok(open)
    }
}

impl Frontier for CloudFrontier {
    async fn push(&self, tasks: Vec<Task>, delay: Duration) -> Result<(), Failure> {
        let due = (!delay.is_zero()).then(|| (self.clock)() + delay);
        let open = self.note(tasks, due).await?;
        let delivery = Delivery {
            due,
            run: self.site.run(),
            ..Delivery::default()
        };
        self.outbox.send(open, delivery).await
    }
}
