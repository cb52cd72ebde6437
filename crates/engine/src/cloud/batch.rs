//! One batch of messages, from the event source's input to the report that it expects.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canter_aws::queue::{Delivery, Message};
use canter_aws::{Progress, Rest};
use canter_core::domain::domain;
use canter_core::failure::Failure;
use canter_core::pace::Rate;
use canter_core::ports::{Fetcher, IndexReader, IndexWriter};
use canter_core::task::{Task, UrlKey};
use tokio::task::JoinSet;

use super::backlog::Held;
use super::deadline::Deadline;
use super::ledger::{Failed, Ledger};
use super::share::{OUTAGE, OUTAGES, Share, Work};
use super::worker::Worker;
use crate::counters::Counters;
use crate::gates::Gates;

/// Maximum time that a message may come too early. Clocks differ, and the message has already
/// waited for long.
const EARLY: Duration = Duration::from_secs(1);

/// A message as an event source delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The message's id.
    pub id: String,
    /// The message's body.
    pub body: String,
    /// Number of times that the message was received, including this time.
    pub receives: u32,
}

/// The result of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Messages that are to be received again; the others may be deleted.
    pub failed: Vec<Failed>,
    /// Progress of each site.
    pub progress: BTreeMap<String, Progress>,
    /// Maximum number of requests in a second, for those of these sites that have one.
    pub limits: BTreeMap<String, f64>,
    /// Number of tasks that were sent on, because their slots were far off, the time was up or a
    /// store failed.
    pub sent_on: u64,
    /// Number of tasks that the batch held, by site and crawl.
    pub came: BTreeMap<(String, u64), u64>,
}

impl Report {
    /// Returns the result of both batches.
    #[must_use]
    pub fn with(mut self, more: Report) -> Report {
        self.failed.extend(more.failed);
        for (site, progress) in more.progress {
            let sum = self.progress.entry(site).or_default();
            *sum = *sum + progress;
        }
        self.limits.extend(more.limits);
        self.sent_on += more.sent_on;
        for (crawl, tasks) in more.came {
            *self.came.entry(crawl).or_default() += tasks;
        }
        self
    }
}

impl<F, I> Worker<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    /// Works on a batch until every task is done or sent on. Several batches may run at the same
    /// time.
    pub async fn batch(self: &Arc<Self>, received: Vec<Received>, deadline: Deadline) -> Report {
        let held = self.backlog.hold();
        let ids = received.iter().map(|message| message.id.clone());
        let ledger = Arc::new(Ledger::new(ids));
        let mut sorted = self.sort(&received, &ledger);
        let (paces, rates) = (self.time.paces(), Arc::clone(&self.rates));
        let gates = Arc::new(Gates::of_batch(paces, rates, self.time.clock()));
        let came = std::mem::take(&mut sorted.came);
        let mut shares: JoinSet<Share<F, I>> = JoinSet::new();
        for works in self
            .by_domain(std::mem::take(&mut sorted.works), &ledger)
            .await
        {
            let share = Share::new(self, &gates, &ledger, works, deadline);
            shares.spawn(share.run());
        }
        // Each share holds its own.
        drop(held);
        let errands = self.send_on(sorted, &ledger);
        // What is still held was sent on: nobody is to begin anything before the report says so.
        let ((), (report, _held)) = tokio::join!(errands, self.collect(shares));
        Report {
            failed: ledger.failed(),
            came,
            ..report
        }
    }

    /// Sends a whole batch on until the services that it needs are available again, and starts no
    /// task. This does not count as an attempt at any page. `why` is for the log, and for the tasks
    /// that were sent on too many times.
    pub async fn put_off(&self, received: &[Received], why: &Failure) -> Report {
        tracing::error!(%why, "a batch is put off");
        let ledger = Ledger::new(received.iter().map(|message| message.id.clone()));
        let due = self.time.now() + OUTAGE;
        let mut report = Report::default();
        let mut sends = JoinSet::new();
        for (place, message) in received.iter().enumerate() {
            let parsed = match Message::parse(&message.body) {
                Ok(parsed) if parsed.delivery.outages < OUTAGES => parsed,
                Ok(_) => {
                    ledger.fail(&[place], &format!("{why}, {OUTAGES} times"));
                    continue;
                }
                Err(refusal) => {
                    ledger.refuse(place, &refusal.to_string());
                    continue;
                }
            };
            *report.came.entry((parsed.site, parsed.crawl)).or_default() +=
                parsed.tasks.len() as u64;
            report.sent_on += parsed.tasks.len() as u64;
            let outbox = self.outbox.clone();
            let delivery = Delivery {
                due: parsed.delivery.due.max(Some(due)),
                outages: parsed.delivery.outages + 1,
                ..parsed.delivery
            };
            sends.spawn(async move { (place, outbox.send(parsed.tasks, delivery).await) });
        }
        self.outbox.flush();
        while let Some(sent) = sends.join_next().await {
            if let Ok((place, Err(failure))) = sent {
                ledger.fail(&[place], &failure.to_string());
            }
        }
        report.failed = ledger.failed();
        report
    }

    /// Waits for the shares of all domains, and records their progress. Returns also what those hold
    /// that have not begun all of their tasks.
    async fn collect(&self, mut shares: JoinSet<Share<F, I>>) -> (Report, Vec<Held>) {
        let mut report = Report::default();
        let mut held = Vec::new();
        let mut crawls = HashMap::new();
        while let Some(share) = shares.join_next().await {
            let share = match share {
                Ok(share) => share,
                Err(error) => {
                    // The share's tasks are open in the ledger, so their messages fail.
                    tracing::error!(%error, "the work on a domain broke off");
                    continue;
                }
            };
            report.sent_on += share.sent_on;
            held.extend(share.held);
            for ((site, crawl), why) in share.pauses {
                // The tasks wait in the page store until the crawl is continued.
                let rested = self.sites.rest(&site, crawl, &Rest::Paused { why }).await;
                if let Err(failure) = rested {
                    tracing::warn!(%failure, site, "a pause is not noted");
                }
            }
            for ((site, crawl), more) in share.progress {
                let sum = report.progress.entry(site.clone()).or_default();
                *sum = *sum + more;
                crawls.insert(site, crawl);
            }
        }
        for crawl in self.known() {
            let counted = counted(&crawl.counters);
            if counted != Progress::default() {
                let sum = report.progress.entry(crawl.site.id.clone()).or_default();
                *sum = *sum + counted;
                crawls.insert(crawl.site.id.clone(), crawl.id);
            }
            if let Some(rate) = crawl.rate {
                let site = crawl.site.id.clone();
                report.limits.insert(site, rate.per_second());
            }
        }
        let progress = &report.progress;
        report.limits.retain(|site, _| progress.contains_key(site));
        for (site, progress) in &report.progress {
            let crawl = crawls.get(site).copied().unwrap_or_default();
            if let Err(failure) = self.sites.note(site, crawl, *progress).await {
                // The progress is for display only; the counts come from the page store.
                tracing::warn!(%failure, site, "the progress is not noted");
            }
        }
        (report, held)
    }

    /// Parses the messages, and decides for each how it is handled.
    fn sort(&self, received: &[Received], ledger: &Ledger) -> Sorted {
        let now = self.time.now();
        let mut sorted = Sorted::default();
        for (place, message) in received.iter().enumerate() {
            let parsed = match Message::parse(&message.body) {
                Ok(parsed) => parsed,
                Err(refusal) => {
                    ledger.refuse(place, &refusal.to_string());
                    continue;
                }
            };
            let crawl = (parsed.site.clone(), parsed.crawl);
            *sorted.came.entry(crawl).or_default() += parsed.tasks.len() as u64;
            ledger.expect(place, parsed.tasks.len());
            let (delivery, tasks) = (parsed.delivery, parsed.tasks);
            let suspect = message.receives > 1;
            if delivery.due.is_some_and(|due| due > now + EARLY) {
                sorted.early.push((place, tasks, delivery));
            } else if suspect && tasks.len() > 1 {
                // The worker that had the message before did not finish it; one of these tasks may
                // have ended that worker.
                sorted.apart.push((place, tasks, delivery));
            } else {
                sorted.add(place, suspect, tasks, delivery);
            }
        }
        sorted
    }

    /// Sends on the tasks that are not to be worked on now.
    async fn send_on(&self, sorted: Sorted, ledger: &Ledger) {
        let mut sends = JoinSet::new();
        for (place, tasks, delivery) in sorted.early {
            let (outbox, count) = (self.outbox.clone(), tasks.len());
            sends.spawn(async move { (place, count, outbox.send(tasks, delivery).await) });
        }
        for (place, tasks, delivery) in sorted.apart {
            let (outbox, count) = (self.outbox.clone(), tasks.len());
            let delivery = Delivery {
                due: None,
                ..delivery
            };
            sends.spawn(async move { (place, count, outbox.send_apart(tasks, delivery).await) });
        }
        // A send that breaks off leaves its tasks open in the ledger, so its message fails.
        while let Some(sent) = sends.join_next().await {
            let Ok((place, count, sent)) = sent else {
                continue;
            };
            match sent {
                Ok(()) => (0..count).for_each(|_| ledger.done(&[place])),
                Err(failure) => ledger.fail(&[place], &failure.to_string()),
            }
        }
    }

    /// Looks up the crawls of the tasks, and groups the tasks by domain. Tasks of a crawl that does
    /// not go on are dropped.
    async fn by_domain(&self, works: Vec<Sought>, ledger: &Ledger) -> Vec<Vec<Work<F, I>>> {
        let mut by_crawl: BTreeMap<(String, u64), Vec<Sought>> = BTreeMap::new();
        for work in works {
            let key = (work.task.site.clone(), work.task.crawl);
            by_crawl.entry(key).or_default().push(work);
        }
        let mut by_domain: BTreeMap<String, Vec<Work<F, I>>> = BTreeMap::new();
        for ((site, crawl), works) in by_crawl {
            let tasks: Vec<&Task> = works.iter().map(|work| &work.task).collect();
            let found = self.crawl(&site, crawl, &tasks).await;
            for Sought {
                task,
                outages,
                run,
                places,
                suspect,
            } in works
            {
                match &found {
                    Err(failure) => ledger.fail(&places, &failure.to_string()),
                    Ok(None) => ledger.done(&places),
                    Ok(Some(crawl)) => {
                        let domain = domain(&task.url).to_string();
                        by_domain.entry(domain).or_default().push(Work {
                            crawl: Arc::clone(crawl),
                            task,
                            outages,
                            run,
                            places,
                            suspect,
                        });
                    }
                }
            }
        }
        for (domain, works) in &by_domain {
            self.rates
                .set(domain, slowest(works.iter().map(|work| work.crawl.rate)));
        }
        by_domain.into_values().collect()
    }
}

/// Returns the lowest of the rates of sites that share a domain.
fn slowest(rates: impl Iterator<Item = Option<Rate>>) -> Option<Rate> {
    rates
        .flatten()
        .reduce(|one, other| if other < one { other } else { one })
}

/// Returns the work of a crawl's steps since the last call.
fn counted(counters: &Counters) -> Progress {
    let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
    Progress {
        requests: take(&counters.requests),
        bytes: take(&counters.bytes),
        found: take(&counters.found),
        ..Progress::default()
    }
}

/// The messages of a batch, sorted by how they are handled.
#[derive(Default)]
struct Sorted {
    came: BTreeMap<(String, u64), u64>,
    works: Vec<Sought>,
    places: HashMap<(String, u64, UrlKey), usize>,
    early: Vec<(usize, Vec<Task>, Delivery)>,
    apart: Vec<(usize, Vec<Task>, Delivery)>,
}

/// A task, its outages and its run, the places of its messages, and whether one of these messages
/// was received before.
struct Sought {
    task: Task,
    outages: u32,
    run: u32,
    places: Vec<usize>,
    suspect: bool,
}

impl Sorted {
    /// Adds the tasks of a message. A task that stands in several messages is done once.
    fn add(&mut self, place: usize, suspect: bool, tasks: Vec<Task>, delivery: Delivery) {
        for task in tasks {
            let key = (task.site.clone(), task.crawl, UrlKey::of(&task.url));
            let known = *self.places.entry(key).or_insert(self.works.len());
            match self.works.get_mut(known) {
                Some(known) => {
                    known.places.push(place);
                    known.suspect |= suspect;
                    known.outages = known.outages.max(delivery.outages);
                    known.run = known.run.max(delivery.run);
                    known.task.attempts = known.task.attempts.max(task.attempts);
                }
                None => self.works.push(Sought {
                    task,
                    outages: delivery.outages,
                    run: delivery.run,
                    places: vec![place],
                    suspect,
                }),
            }
        }
    }
}
