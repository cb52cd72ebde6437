//! Sends the tasks that a share does not reach back into the queue.

use std::collections::BTreeMap;
use std::time::Duration;

use canter_aws::queue::Delivery;
use canter_core::ports::{Fetcher, IndexReader, IndexWriter};

use super::{OUTAGE, OUTAGES, PATIENCE, Share, Work};

/// Time by which tasks come back before their promised slots, unless the domain is held. The queue
/// counts whole seconds, and is late itself.
const EARLIER: Duration = Duration::from_millis(1_500);
/// Fraction of the slots needed that is promised to tasks. Other tasks leave some of their slots
/// unused, and a function that comes too early sends its tasks on, whereas an unused slot is lost.
const PROMISED: f64 = 0.8;

impl<F, I> Share<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    /// Sends tasks back until there are slots for them.
    pub(super) async fn promise(&mut self, mut works: Vec<Work<F, I>>) {
        if works.is_empty() {
            return;
        }
        let pace = self.gates.rates.slowed(&self.domain);
        let most = self.gates.rates.per_message(&self.domain);
        let held = self.gates.of(&self.domain).gate.held_for().await;
        let earlier = if held.is_zero() {
            EARLIER
        } else {
            Duration::ZERO
        };
        let mut sends = Vec::new();
        while !works.is_empty() {
            let rest = works.split_off(most.min(works.len()));
            let some = std::mem::replace(&mut works, rest);
            let now = self.worker.time.now();
            let count = (some.len() as f64 * PROMISED).ceil() as u32;
            let promise = self.gates.paces.promise(&self.domain, now, pace, count);
            let delay = promise.await.unwrap_or_else(|failure| {
                tracing::warn!(%failure, "no slots are promised");
                PATIENCE
            });
            sends.push((some, delay.saturating_sub(earlier)));
        }
        for (works, delay) in sends {
            self.send(works, delay).await;
        }
    }

    /// Sends tasks back until the store that failed them is available again.
    pub(super) async fn postpone(&mut self) {
        let failed = std::mem::take(&mut self.failed).into_iter();
        let works = failed.filter_map(|work| self.endured(work, "a store failed it"));
        let works = works.collect();
        self.send(works, OUTAGE).await;
    }

    /// Returns the task with one more outage; `None` after the last one, and then its messages
    /// fail.
    pub(super) fn endured(&self, work: Work<F, I>, what: &str) -> Option<Work<F, I>> {
        if work.outages >= OUTAGES {
            let why = format!("{}: {what} {OUTAGES} times", work.task.url);
            self.ledger.fail(&work.places, &why);
            return None;
        }
        let outages = work.outages + 1;
        Some(Work { outages, ..work })
    }

    /// Sends tasks on. When they are safe in the queue, their messages may be deleted.
    pub(super) async fn send(&mut self, works: Vec<Work<F, I>>, delay: Duration) {
        let due = (!delay.is_zero()).then(|| self.worker.time.now() + delay);
        let mut alike: BTreeMap<Delivery, Vec<Work<F, I>>> = BTreeMap::new();
        for work in works {
            let delivery = Delivery {
                due,
                outages: work.outages,
                run: work.run,
            };
            alike.entry(delivery).or_default().push(work);
        }
        for (delivery, works) in alike {
            self.send_alike(works, delivery).await;
        }
    }

    async fn send_alike(&mut self, works: Vec<Work<F, I>>, delivery: Delivery) {
        let tasks = works.iter().map(|work| work.task.clone()).collect();
        let send = self.worker.outbox.send(tasks, delivery);
        let (sent, ()) = tokio::join!(send, async { self.worker.outbox.flush() });
        match sent {
            Ok(()) => {
                self.sent_on += works.len() as u64;
                works.iter().for_each(|work| self.ledger.done(&work.places));
            }
            Err(failure) => {
                let why = failure.to_string();
                works
                    .iter()
                    .for_each(|work| self.ledger.fail(&work.places, &why));
            }
        }
    }
}
