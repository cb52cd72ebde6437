//! The batches of one invocation: that of its event, and those that it receives itself.
//!
//! The last slots of a batch and the ends of its steps take a second or two. A domain that no other
//! function works on would get no request then, so the next batch begins meanwhile: see
//! `docs/adr/0040`.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use canter_aws::queue::{self, ReceivedMessage};
use canter_core::ports::Fetcher;
use canter_engine::cloud::{Deadline, Flow, Received, Report, ebb};
use tokio::time::Instant;

use super::{Function, Standby};

/// Time that the tasks of a message take. With less time no more messages are received.
const WORK: Duration = Duration::from_secs(5);
/// Maximum time that one request waits for more messages.
const WAIT: Duration = Duration::from_secs(1);
/// Maximum number of batches that a function receives itself. Those of a stopped crawl take no time,
/// so that time does not bound them.
const FOLLOWING: usize = 20;

/// One call of the function.
pub(super) struct Invocation {
    pub(super) deadline: Deadline,
    /// Number of batches that are worked on. Their tasks may find others.
    under_way: AtomicUsize,
    /// Number of batches that the function has received itself.
    received: AtomicUsize,
}

/// The work on a batch and on those that follow it.
type Working<'a> = Pin<Box<dyn Future<Output = Report> + Send + 'a>>;

impl Invocation {
    pub(super) fn until(deadline: Deadline) -> Self {
        Invocation {
            deadline,
            under_way: AtomicUsize::new(0),
            received: AtomicUsize::new(0),
        }
    }

    fn may_receive(&self) -> bool {
        let batches = self.received.load(Ordering::Relaxed);
        batches < FOLLOWING && Instant::now() + WORK <= self.deadline.begin
    }
}

impl<F: Fetcher + 'static, I: Standby + 'static> Function<F, I> {
    /// Works on tasks, and when all of them have begun also on what comes into the queue until all have
    /// ended. `own` are the messages of the tasks if the function received them itself; those that an
    /// event brought are left to the caller, with their failures.
    pub(super) fn work<'a>(
        &'a self,
        invocation: &'a Invocation,
        tasks: Vec<Received>,
        own: Vec<ReceivedMessage>,
    ) -> Working<'a> {
        Box::pin(async move {
            let (flow, ebb) = ebb();
            let batch = async {
                invocation.under_way.fetch_add(1, Ordering::Relaxed);
                let report = self.batch(&tasks, invocation.deadline, flow).await;
                let report = self.settle(&tasks, own, report).await;
                invocation.under_way.fetch_sub(1, Ordering::Relaxed);
                report
            };
            let more = async {
                match ebb.begun().await {
                    true => self.more(invocation).await,
                    false => Report::default(),
                }
            };
            let (report, more) = tokio::join!(batch, more);
            report.with(more)
        })
    }

    async fn batch(&self, tasks: &[Received], deadline: Deadline, flow: Flow) -> Report {
        match self.worker.index().ready().await {
            Ok(()) => self.worker.flow(tasks.to_vec(), deadline, flow).await,
            Err(failure) => {
                tracing::error!(event = "index_failure", %failure, "the index cannot be used");
                flow.stop();
                self.worker.put_off(tasks, &failure).await
            }
        }
    }

    /// Works on what comes into the queue while a batch is under way.
    async fn more(&self, invocation: &Invocation) -> Report {
        while invocation.may_receive() {
            let messages = match queue::receive(self.worker.cloud(), WAIT).await {
                Ok(messages) => messages,
                Err(failure) => {
                    tracing::warn!(%failure, "no more messages are received");
                    break;
                }
            };
            if !messages.is_empty() {
                invocation.received.fetch_add(1, Ordering::Relaxed);
                let tasks = messages.iter().map(|message| Received {
                    id: message.id.clone(),
                    body: message.body.clone(),
                    receives: message.receives,
                });
                return self.work(invocation, tasks.collect(), messages).await;
            }
            if invocation.under_way.load(Ordering::Relaxed) == 0 {
                break;
            }
        }
        Report::default()
    }

    /// Deletes the function's own messages that are done. The others come again when they are visible
    /// again, as those of an event do.
    async fn settle(
        &self,
        tasks: &[Received],
        own: Vec<ReceivedMessage>,
        mut report: Report,
    ) -> Report {
        if own.is_empty() {
            return report;
        }
        let failed = std::mem::take(&mut report.failed);
        let again = self.bury_the_dead(tasks, failed).await;
        let done = own.into_iter().filter(|it| !again.contains(&it.id));
        let deleted = queue::delete(self.worker.cloud(), &done.collect::<Vec<_>>()).await;
        if let Err(failure) = deleted {
            tracing::warn!(%failure, "messages that are done come again");
        }
        report
    }
}
