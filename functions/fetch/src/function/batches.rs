//! The batches of one invocation: that of its event, and those that the function receives itself.
//!
//! The last slots of a batch and the ends of its steps take about a second. A domain that no other
//! function works on would get no request then, so the next batch begins meanwhile: see
//! `docs/adr/0040`.

use std::time::Duration;

use canter_aws::queue::{self, ReceivedMessage};
use canter_core::ports::Fetcher;
use canter_engine::cloud::{Deadline, Received, Report};
use futures_util::future::OptionFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use super::{Function, Standby};

/// Time that the tasks of a message take. With less time no more messages are received.
const WORK: Duration = Duration::from_secs(5);
/// Maximum time that a request waits for messages.
const WAIT: Duration = Duration::from_secs(1);

impl<F: Fetcher + 'static, I: Standby + 'static> Function<F, I> {
    /// Works on the tasks of an event, and when all have begun also on what comes into the queue
    /// until all have ended.
    pub(super) async fn batches(&self, tasks: Vec<Received>, deadline: Deadline) -> Report {
        let (worker, mut report, mut goes_on) = (&self.worker, Report::default(), true);
        let mut batches = FuturesUnordered::new();
        batches.push(self.batch(tasks, Vec::new(), deadline));
        let mut receiving = None;
        loop {
            let is_time = Instant::now() + WORK <= deadline.begin;
            let receives = goes_on && is_time && receiving.is_none() && !batches.is_empty();
            tokio::select! {
                biased;
                Some(done) = batches.next() => {
                    // Slots are far off, or a store fails.
                    goes_on &= done.sent_on == 0;
                    report = report.with(done);
                }
                () = worker.all_begun(), if receives => {
                    receiving = Some(Box::pin(queue::receive(worker.cloud(), WAIT)));
                }
                // A request is never given up: its messages would be hidden for minutes.
                Some(received) = OptionFuture::from(receiving.as_mut()) => {
                    receiving = None;
                    match received {
                        Ok(own) if own.is_empty() => {}
                        Ok(own) => {
                            let tasks = own.iter().map(task).collect();
                            batches.push(self.batch(tasks, own, deadline));
                        }
                        Err(failure) => {
                            tracing::warn!(%failure, "no more messages are received");
                            goes_on = false;
                        }
                    }
                }
                else => return report,
            }
        }
    }

    /// Works on a batch. The function's own messages that are done are deleted; the others come
    /// again when they are visible again, as those of an event do.
    async fn batch(
        &self,
        tasks: Vec<Received>,
        own: Vec<ReceivedMessage>,
        deadline: Deadline,
    ) -> Report {
        let mut report = self.worker.batch(tasks, deadline).await;
        if own.is_empty() {
            return report;
        }
        let failed = std::mem::take(&mut report.failed);
        let is_failed = |it: &&ReceivedMessage| failed.iter().any(|failed| failed.id == it.id);
        let tasks: Vec<Received> = own.iter().filter(is_failed).map(task).collect();
        let again = self.bury_the_dead(&tasks, failed).await;
        let done = own.into_iter().filter(|it| !again.contains(&it.id));
        let deleted = queue::delete(self.worker.cloud(), &done.collect::<Vec<_>>()).await;
        if let Err(failure) = deleted {
            tracing::warn!(%failure, "messages that are done come again");
        }
        report
    }
}

fn task(message: &ReceivedMessage) -> Received {
    Received {
        id: message.id.clone(),
        body: message.body.clone(),
        receives: message.receives,
    }
}
