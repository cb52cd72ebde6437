//! The fetch function's surroundings on one machine: an event source that polls the queue, and the
//! sweeps that find a crawl's end. In the cloud, Lambda and a message of its own do this.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use canter_aws::queue::{Letter, delete, depth, receive};
use canter_aws::{CloudSite, Counts, Crawling};
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
/// Between two looks at a queue that is not empty.
const LOOK: Duration = Duration::from_millis(300);

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

/// Waits for the end of a crawl: sweeps when the queue looks empty, until two sweeps in a row see
/// nothing open; then drops leftovers, ends circles, folds duplicates. Gives the counts at the end.
pub async fn end<F: Fetcher, I: Index>(
    worker: &Arc<Worker<F, I>>,
    crawling: &Crawling,
) -> Result<Counts, Failure> {
    let site = &crawling.plan.site.id;
    let clock = worker.clock;
    let now = Arc::new(move || clock.now());
    let pages = CloudSite::new(worker.cloud.clone(), site, crawling.crawl, now);
    let frontier = worker.frontier(&pages);
    let mut before = None;
    loop {
        if !depth(&worker.cloud).await?.is_empty() {
            sleep(LOOK).await;
            continue;
        }
        let swept = pages.sweep(&frontier).await?;
        if before.is_some_and(|before| swept.is_the_end(&before)) {
            break;
        }
        before = Some(swept.counts);
        sleep(LOOK).await;
    }
    pages.drop_leftovers(&*worker.index).await?;
    pages.end_circles().await?;
    pages.fold_twins(&*worker.index).await?;
    worker.sites.end(site, crawling.crawl).await?;
    pages.counts().await
}
