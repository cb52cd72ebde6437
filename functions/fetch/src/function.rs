//! The handler that Lambda calls: it works on a batch of messages of one queue, and returns the
//! messages that are to be received again.

mod batches;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use canter_aws::queue::{Errand, Sweep, send_to_dead_letters};
use canter_aws::{Bill, Metrics, Steering, Unit, Usage};
use canter_core::failure::Failure;
use canter_core::ports::{Fetcher, Generations, IndexReader, IndexWriter};
use canter_core::task::UrlKey;
use canter_core::time::Moment;
use canter_elastic::{ElasticIndex, LazyIndex};
use canter_engine::cloud::look::{Look, Looks};
use canter_engine::cloud::{Asked, Deadline, Failed, Received, Report, Worker};
use canter_http::Clock;
use canter_tantivy::GenerationsIndex;
use tokio::time::{Instant, timeout_at};

/// Time after which an errand is tried again if a store failed.
const OUTAGE: Duration = Duration::from_secs(30);

/// A process of the function, which works on the queue of tasks or the queue of errands.
pub struct Function<F, I>
where
    F: Fetcher + 'static,
    I: Standby + 'static,
{
    worker: Arc<Worker<F, I>>,
    steering: Steering,
    most_receives: u32,
    memory_gb: f64,
    metrics: Metrics,
    /// Start of the process, until its first batch is billed. Lambda bills the time since then as
    /// well.
    began: Mutex<Option<Instant>>,
}

/// An index that may be unavailable for a while.
pub trait Standby: IndexReader + IndexWriter {
    /// Fails if the index cannot take pages now.
    fn ready(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl<O, T> Standby for LazyIndex<O, ElasticIndex>
where
    O: Fn() -> T + Send + Sync,
    T: Future<Output = Result<ElasticIndex, Failure>> + Send,
{
    async fn ready(&self) -> Result<(), Failure> {
        let index = self.opened().await?;
        match index.trouble() {
            None => Ok(()),
            // Any request shows whether the trouble persists.
            Some(_) => index.get("", UrlKey([0; 16])).await.map(drop),
        }
    }
}

impl<S: Generations> Standby for GenerationsIndex<S> {
    /// There is no server that could be down.
    async fn ready(&self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<F: Fetcher + 'static, I: Standby + 'static> Function<F, I> {
    /// Returns a function with a prepared worker, in a process that began at `began`.
    pub fn new(
        worker: Arc<Worker<F, I>>,
        (most_receives, memory_gb): (u32, f64),
        metrics: Metrics,
        began: Instant,
    ) -> Self {
        Function {
            steering: Steering::new(worker.cloud().clone(), worker.teller()),
            worker,
            most_receives,
            memory_gb,
            metrics,
            began: Mutex::new(Some(began)),
        }
    }

    /// Works on the messages of an event, and returns those that are to be received again. A
    /// message that fails for the last time, or that is not canter's, goes to the dead-letter queue
    /// with the reason, and counts as done.
    pub async fn handle(&self, event: SqsEvent, deadline: Deadline) -> SqsBatchResponse {
        let began = Instant::now();
        // Lambda may have frozen the process between two batches, and its clock with it.
        self.worker.wake(Clock::start());
        let (errands, tasks) = sort(&event.records);
        let waited = match errands.is_empty() {
            true => longest_wait(&event.records, (self.worker.teller())()),
            // Errands are sent with long delays.
            false => None,
        };
        let mut failed = Vec::new();
        let mut report = Report::default();
        let who = if errands.is_empty() { "fetch" } else { "sweep" };
        for (message, errand) in errands {
            let crawl = match &errand {
                Errand::Sweep(sweep) => Some((sweep.site.clone(), sweep.crawl)),
                Errand::Refresh
                | Errand::RefreshDue
                | Errand::Publish { .. }
                | Errand::Reindex { .. } => None,
            };
            report.came.extend(crawl.map(|crawl| (crawl, 1)));
            let run = timeout_at(deadline.end, self.run(errand, deadline));
            let run = run.await.unwrap_or_else(|_| {
                Err(Failure::transient(
                    "it takes longer than the function may: deploy with a longer FunctionTimeout",
                ))
            });
            if let Err(failure) = run {
                failed.push(Failed {
                    id: message.id,
                    why: failure.to_string(),
                    hopeless: false,
                });
            }
        }
        if !tasks.is_empty() {
            report = match self.worker.index().ready().await {
                Ok(()) => self.batches(tasks, deadline).await,
                Err(failure) => {
                    tracing::error!(event = "index_failure", %failure, "the index cannot be used");
                    self.worker.put_off(&tasks, &failure).await
                }
            };
            failed.append(&mut report.failed);
        }
        let messages: Vec<Received> = event.records.iter().map(received).collect();
        let again = self.bury_the_dead(&messages, failed).await;
        tell(who, &event, &report, began);
        self.measure(&report, waited);
        self.bill(who, &report, event.records.len(), began).await;
        let mut response = SqsBatchResponse::default();
        again.iter().for_each(|id| response.add_failure(id));
        response
    }

    async fn run(&self, errand: Errand, deadline: Deadline) -> Result<(), Failure> {
        let cloud = self.worker.cloud();
        let failure = match errand.clone() {
            Errand::Sweep(sweep) => match self.sweep(sweep, deadline).await {
                Ok(Some((next, after))) => return Errand::Sweep(next).send(cloud, after).await,
                Ok(None) => return Ok(()),
                Err(failure) => failure,
            },
            Errand::Refresh => {
                tell_failed(self.steering.refresh_all("sweep").await?);
                return Ok(());
            }
            Errand::RefreshDue => {
                tell_failed(self.steering.refresh_due("sweep").await?);
                return Ok(());
            }
            Errand::Publish { site, in_vain } => {
                match self.publish(&site, Asked::Publish, in_vain, deadline).await {
                    Ok(None) => return Ok(()),
                    Ok(Some(in_vain)) => {
                        let next = Errand::Publish { site, in_vain };
                        return next.send(cloud, Duration::ZERO).await;
                    }
                    Err(failure) => failure,
                }
            }
            Errand::Reindex { site, in_vain } => {
                match self.publish(&site, Asked::Reindex, in_vain, deadline).await {
                    Ok(None) => return Ok(()),
                    Ok(Some(in_vain)) => {
                        let next = Errand::Reindex { site, in_vain };
                        return next.send(cloud, Duration::ZERO).await;
                    }
                    Err(failure) => failure,
                }
            }
        };
        match failure {
            // The failed turn is not repeated; the errand goes on with the next one.
            Failure::Transient(why) => {
                tracing::warn!(why = &*why, "an errand is tried again");
                let errand = match errand {
                    Errand::Sweep(sweep) => Errand::Sweep(Sweep {
                        turn: sweep.turn.next(),
                        ..sweep
                    }),
                    errand => errand,
                };
                errand.send(cloud, OUTAGE).await
            }
            failure => Err(failure),
        }
    }

    /// Publishes a site. Returns the number of calls in vain for the next call, or none if all of it
    /// is published.
    async fn publish(
        &self,
        site: &str,
        asked: Asked,
        in_vain: u32,
        deadline: Deadline,
    ) -> Result<Option<u32>, Failure> {
        let span = deadline.begin.saturating_duration_since(Instant::now());
        let worker = &self.worker;
        worker.publish_site(site, asked, in_vain, span).await
    }

    /// Looks once whether a crawl is over. Returns the next sweep and the time until it makes
    /// sense, or none if the crawl is over.
    async fn sweep(
        &self,
        sweep: Sweep,
        deadline: Deadline,
    ) -> Result<Option<(Sweep, Duration)>, Failure> {
        let began = Moment::from_millis(sweep.crawl);
        let looks = Looks {
            pass: deadline.begin.saturating_duration_since(Instant::now()),
            ..Looks::at_age(began.until((self.worker.teller())()))
        };
        let mut watch = sweep.watch.clone();
        let crawl = (sweep.site.as_str(), sweep.crawl);
        let look = self.worker.look(crawl, Some(sweep.turn), &mut watch, looks);
        match look.await? {
            Look::Over(ending) => {
                let (site, crawl) = crawl;
                tracing::info!(site, crawl, ?ending, "a crawl is looked for no more");
                Ok(None)
            }
            Look::Again(after) => {
                let turn = sweep.turn.next();
                Ok(Some((
                    Sweep {
                        turn,
                        watch,
                        ..sweep
                    },
                    after,
                )))
            }
        }
    }

    /// Moves messages that failed for the last time to the dead-letter queue, and returns the
    /// others.
    async fn bury_the_dead(&self, messages: &[Received], failed: Vec<Failed>) -> Vec<String> {
        let mut again = Vec::new();
        for failed in failed {
            let Failed { id, why, hopeless } = failed;
            let message = messages.iter().find(|it| it.id == id);
            let receives = message.map_or(0, |message| message.receives);
            tracing::error!(id, receives, why, "a message failed");
            let dead = hopeless || receives >= self.most_receives;
            let body = message.map_or("", |message| &message.body);
            if dead {
                match send_to_dead_letters(self.worker.cloud(), body, &why).await {
                    Ok(()) => continue,
                    Err(failure) => tracing::error!(id, %failure, "a dead letter is not buried"),
                }
            }
            again.push(id);
        }
        again
    }

    /// Writes the metrics of a batch.
    fn measure(&self, report: &Report, waited: Option<Duration>) {
        let now = (self.worker.teller())();
        let fetched = report.progress.iter();
        for (site, progress) in fetched.filter(|(_, it)| it.pages + it.requests > 0) {
            let mut values = vec![
                ("Pages", Unit::Count, progress.pages as f64),
                ("Requests", Unit::Count, progress.requests as f64),
            ];
            let limit = report.limits.get(site);
            values.extend(limit.map(|limit| ("RateLimit", Unit::CountPerSecond, *limit)));
            self.metrics.write(now, Some(site), &values);
        }
        if let Some(waited) = waited {
            let age = ("QueueAge", Unit::Seconds, waited.as_secs_f64());
            self.metrics.write(now, None, &[age]);
        }
        let held = self.worker.take_held();
        if held > 0 {
            let held = ("CrawlsHeld", Unit::Count, held as f64);
            self.metrics.write(now, None, &[held]);
        }
    }

    /// Adds the cost of this batch to the bills of its crawls, by their shares of its tasks.
    async fn bill(&self, who: &str, report: &Report, messages: usize, began: Instant) {
        let meter = &self.worker.cloud().meter;
        let begun = self
            .began
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let ran = begun.unwrap_or(began).elapsed();
        let processor = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            other => other,
        };
        let one = Usage {
            sent: 1.0,
            ..Usage::default()
        };
        meter.add(
            "Lambda",
            processor,
            Usage {
                gb_seconds: ran.as_secs_f64() * self.memory_gb,
                ..one
            },
        );
        // The requests that the event source sends to the queue for a batch. One request covers up
        // to ten messages.
        meter.add("SQS", "ReceiveMessage", one);
        if messages > 0 {
            meter.add("SQS", "DeleteMessageBatch", one);
        }
        let bill = Bill::of(who, meter.take());
        let all: u64 = report.came.values().sum();
        for ((site, crawl), tasks) in &report.came {
            let share = bill.share(*tasks as f64 / all as f64);
            let now = (self.worker.teller())();
            let added = share.add_to(self.worker.cloud(), (site, *crawl), now).await;
            if let Err(failure) = added {
                // A bill is only informative, so the batch does not fail.
                tracing::warn!(%failure, site, "the bill is not noted");
            }
        }
    }
}

/// Logs the sites that could not be refreshed. The next refresh tries them again.
fn tell_failed(sites: Vec<(String, Failure)>) {
    for (site, failure) in sites {
        tracing::error!(site, %failure, "a site is not refreshed");
    }
}

/// Separates errands from tasks. A message that is neither counts as a task, and is refused as one.
fn sort(messages: &[SqsMessage]) -> (Vec<(Received, Errand)>, Vec<Received>) {
    let mut errands = Vec::new();
    let mut tasks = Vec::new();
    for message in messages.iter().map(received) {
        match Errand::parse(&message.body) {
            Ok(errand) => errands.push((message, errand)),
            Err(_) => tasks.push(message),
        }
    }
    (errands, tasks)
}

fn received(message: &SqsMessage) -> Received {
    let receives = message.attributes.get("ApproximateReceiveCount");
    Received {
        id: message.message_id.clone().unwrap_or_default(),
        body: message.body.clone().unwrap_or_default(),
        receives: receives.and_then(|count| count.parse().ok()).unwrap_or(1),
    }
}

/// Returns how long the oldest of these messages has waited since it was sent, its delay included.
fn longest_wait(messages: &[SqsMessage], now: Moment) -> Option<Duration> {
    let sent = messages.iter().filter_map(|message| {
        let sent = message.attributes.get("SentTimestamp")?;
        sent.parse().ok().map(Moment::from_millis)
    });
    Some(sent.min()?.until(now))
}

/// Logs a batch in one line.
fn tell(who: &str, event: &SqsEvent, report: &Report, began: Instant) {
    let progress = report.progress.values();
    let sum = progress.fold(canter_aws::Progress::default(), |sum, more| sum + *more);
    tracing::info!(
        event = "batch",
        who,
        messages = event.records.len(),
        tasks = report.came.values().sum::<u64>(),
        pages = sum.pages,
        done = sum.done,
        failed = sum.failed,
        requests = sum.requests,
        sent_on = report.sent_on,
        took_ms = began.elapsed().as_millis() as u64,
        "a batch is done"
    );
}
