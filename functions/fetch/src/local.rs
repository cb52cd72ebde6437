//! The fetch function's surroundings on one machine: an event source that polls the queue, and the
//! sweeps that find a crawl's end. In the cloud, Lambda and a message of its own do this.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use canter_aws::queue::{Letter, delete, depth, receive};
use canter_aws::{CloudSite, Counts, Crawling, Rest};
use canter_core::failure::Failure;
use canter_core::ports::{Fetcher, Index};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::batch::{Deadline, Received, Report};
use crate::worker::Worker;

/// How long a batch may begin tasks, as in a function that may run for a minute.
const BEGIN: Duration = Duration::from_secs(45);
/// How long it may take to end them after that.
const END: Duration = Duration::from_secs(10);

/// How often the end of a crawl is looked for. Each look is a request to the queue and a read of
/// the site, each sweep a pass over all of its rows.
#[derive(Debug, Clone, Copy)]
pub struct Looks {
    /// Between two looks at the queue.
    pub between: Duration,
    /// At least so long between two sweeps: the second sees what was written before the first.
    pub apart: Duration,
    /// At most so long between two sweeps while a task is not due yet and the queue looks empty: it
    /// may only look so.
    pub lag: Duration,
}

impl Default for Looks {
    /// As SQS and DynamoDB ask for: the queue's counts lag by up to a minute.
    fn default() -> Self {
        Looks {
            between: Duration::from_secs(1),
            apart: Duration::from_secs(5),
            lag: Duration::from_secs(60),
        }
    }
}

/// Receives batches and has them worked on, one after the other, until `stop` is set; deletes what
/// is done, leaves the rest to be received again, and tells `each` of every batch.
pub async fn poll<F: Fetcher + 'static, I: Index + 'static>(
    worker: Arc<Worker<F, I>>,
    stop: watch::Receiver<bool>,
    mut each: impl FnMut(&Report) + Send,
) -> Result<(), Failure> {
    while !*stop.borrow() {
        let letters = receive(&worker.cloud, Duration::from_secs(1)).await?;
        if letters.is_empty() {
            continue;
        }
        let report = work(&worker, &letters).await?;
        each(&report);
    }
    Ok(())
}

/// Has one batch worked on, and deletes what is done.
pub async fn work<F: Fetcher + 'static, I: Index + 'static>(
    worker: &Arc<Worker<F, I>>,
    letters: &[Letter],
) -> Result<Report, Failure> {
    let begin = Instant::now() + BEGIN;
    let deadline = Deadline {
        begin,
        end: begin + END,
    };
    let report = worker.batch(letters.iter().map(received).collect(), deadline);
    let report = report.await;
    let failed: HashSet<&str> = report
        .failed
        .iter()
        .map(|failed| failed.id.as_str())
        .collect();
    let done = letters
        .iter()
        .filter(|letter| !failed.contains(letter.id.as_str()));
    let done: Vec<Letter> = done.cloned().collect();
    delete(&worker.cloud, &done).await?;
    Ok(report)
}

fn received(letter: &Letter) -> Received {
    Received {
        id: letter.id.clone(),
        body: letter.body.clone(),
        receives: letter.receives,
    }
}

/// Why there is no more to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The crawl has ended, with these counts.
    Ended(Counts),
    /// Another process has ended it.
    EndedElsewhere,
    /// It rests: its open tasks are kept for whoever lets it go on.
    Resting(Rest),
    /// It is not the newest crawl of its site any more.
    Superseded,
}

/// Waits for the end of a crawl: sweeps when the queue looks empty, until two sweeps in a row see
/// nothing open; then drops leftovers, ends circles, folds duplicates. Fills a crawl whose filler
/// died. A crawl that rests, or is no longer the newest, is left as it is.
pub async fn end<F: Fetcher, I: Index>(
    worker: &Arc<Worker<F, I>>,
    crawling: &Crawling,
    looks: Looks,
) -> Result<Ending, Failure> {
    let (site, crawl) = (&crawling.plan.site.id, crawling.crawl);
    let clock = worker.clock;
    let now = Arc::new(move || clock.now());
    let pages = CloudSite::new(worker.cloud.clone(), site, crawl, now);
    let frontier = worker.frontier(&pages).noted();
    let mut before = None;
    let mut next = Instant::now();
    loop {
        let standing = match standing(worker, site, crawl).await? {
            Standing::Goes(standing) => standing,
            Standing::Over(ending) => return Ok(ending),
        };
        if !depth(&worker.cloud).await?.is_empty() {
            // Whatever is worked on may leave nothing open.
            next = next.min(Instant::now() + looks.between);
            before = None;
            sleep(looks.between).await;
            continue;
        }
        if !standing.filled {
            // Before that, the rows of the last crawl look like leftovers.
            pages.fill(&standing, &frontier).await?;
            worker.sites.note_filled(site, crawl).await?;
            before = None;
            continue;
        }
        if Instant::now() < next {
            let left = next - Instant::now();
            sleep(left.min(looks.between)).await;
            continue;
        }
        let swept = pages.sweep(&frontier).await?;
        let over = before.is_some_and(|before| swept.is_the_end(&before));
        if over && still_whole(worker, site, crawl).await? {
            pages.drop_leftovers(&*worker.index).await?;
            pages.end_circles().await?;
            pages.fold_twins(&*worker.index).await?;
            let counts = pages.counts().await?;
            if worker.sites.end(site, crawl).await? {
                return Ok(Ending::Ended(counts));
            }
        }
        // Open tasks are lost at that time, and not before.
        let lost = swept.next.map(|next| clock.now().until(next));
        let wait = lost.map_or(looks.apart, |lost| lost.min(looks.lag).max(looks.apart));
        next = Instant::now() + wait;
        before = Some(swept.counts);
    }
}

/// How a crawl stands now.
enum Standing {
    Goes(Box<Crawling>),
    Over(Ending),
}

async fn standing<F, I>(
    worker: &Worker<F, I>,
    site: &str,
    crawl: u64,
) -> Result<Standing, Failure> {
    let found = worker.sites.load_now(site).await?;
    let Some(found) = found.filter(|found| found.crawl == crawl) else {
        return Ok(Standing::Over(Ending::Superseded));
    };
    if found.ended_ms.is_some() {
        return Ok(Standing::Over(Ending::EndedElsewhere));
    }
    Ok(match found.rest.clone() {
        Some(rest) => Standing::Over(Ending::Resting(rest)),
        None => Standing::Goes(Box::new(found)),
    })
}

/// Whether a crawl still goes on and is filled: a sweep takes its time, and nothing that leaves the
/// index after it comes back by itself.
async fn still_whole<F, I>(worker: &Worker<F, I>, site: &str, crawl: u64) -> Result<bool, Failure> {
    let standing = standing(worker, site, crawl).await?;
    Ok(matches!(standing, Standing::Goes(crawling) if crawling.filled))
}
