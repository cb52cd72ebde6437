//! The frontier as a step sees it: what it pushes is in the queue, and in the page store where a
//! sweep must know of it.

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::Frontier;
use canter_core::task::Task;

use super::outbox::Outbox;
use crate::pages::{Clock, CloudSite};

/// One site's way into the queue.
#[derive(Clone)]
pub struct CloudFrontier {
    site: CloudSite,
    outbox: Outbox,
    clock: Clock,
}

impl CloudFrontier {
    /// The frontier of a site in one crawl.
    pub fn new(site: CloudSite, outbox: Outbox, clock: Clock) -> Self {
        CloudFrontier {
            site,
            outbox,
            clock,
        }
    }
}

impl Frontier for CloudFrontier {
    async fn push(&self, tasks: Vec<Task>, delay: Duration) -> Result<(), Failure> {
        let now = (self.clock)();
        let due = (!delay.is_zero()).then(|| now + delay);
        let mut open = Vec::with_capacity(tasks.len());
        for task in tasks {
            // A claim has noted the others, as tasks that are due now and were never tried.
            let known = due.is_none() && task.attempts == 0;
            if known || self.site.note_attempt(&task, due.unwrap_or(now)).await? {
                open.push(task);
            }
        }
        self.outbox.send(open, due).await
    }
}
