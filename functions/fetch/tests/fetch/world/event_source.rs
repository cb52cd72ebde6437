//! The fetch function's surroundings in one process: an event source that polls the queue, and looks
//! for a crawl's end. In the cloud, Lambda and a chain of errands do this.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use canter_aws::Crawling;
use canter_aws::queue::{ReceivedMessage, Watch, delete, receive};
use canter_core::failure::Failure;
use canter_core::ports::{Fetcher, IndexReader, IndexWriter};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use canter_engine::cloud::look::{Ending, Look, Looks};
use canter_engine::cloud::{Deadline, Received, Report, Worker};

/// How long a batch may begin tasks, as in a function that may run for a minute.
const BEGIN: Duration = Duration::from_secs(45);
/// How long it may take to end them after that.
const END: Duration = Duration::from_secs(10);

/// Receives batches and has them worked on, one after the other, until `stop` is set; deletes what
/// is done, leaves the rest to be received again, and tells `each` of every batch.
pub async fn poll<F: Fetcher + 'static, I: IndexReader + IndexWriter + 'static>(
    worker: Arc<Worker<F, I>>,
    stop: watch::Receiver<bool>,
    mut each: impl FnMut(&Report) + Send,
) -> Result<(), Failure> {
    while !*stop.borrow() {
        let messages = receive(worker.cloud(), Duration::from_secs(1)).await?;
        if messages.is_empty() {
            continue;
        }
        let report = work(&worker, &messages).await?;
        each(&report);
    }
    Ok(())
}

/// Has one batch worked on, and deletes what is done.
pub async fn work<F: Fetcher + 'static, I: IndexReader + IndexWriter + 'static>(
    worker: &Arc<Worker<F, I>>,
    messages: &[ReceivedMessage],
) -> Result<Report, Failure> {
    let begin = Instant::now() + BEGIN;
    let deadline = Deadline {
        begin,
        end: begin + END,
    };
    let report = worker.batch(messages.iter().map(received).collect(), deadline);
    let report = report.await;
    let failed: HashSet<&str> = report
        .failed
        .iter()
        .map(|failed| failed.id.as_str())
        .collect();
    let done = messages
        .iter()
        .filter(|message| !failed.contains(message.id.as_str()));
    let done: Vec<ReceivedMessage> = done.cloned().collect();
    delete(worker.cloud(), &done).await?;
    Ok(report)
}

fn received(message: &ReceivedMessage) -> Received {
    Received {
        id: message.id.clone(),
        body: message.body.clone(),
        receives: message.receives,
    }
}

/// Waits for the end of a crawl, by one look after the other.
pub async fn end<F: Fetcher + 'static, I: IndexReader + IndexWriter + 'static>(
    worker: &Arc<Worker<F, I>>,
    crawling: &Crawling,
    looks: Looks,
) -> Result<Ending, Failure> {
    let crawl = (crawling.spec.site.id.as_str(), crawling.crawl);
    let mut watch = Watch::default();
    loop {
        match worker.look(crawl, None, &mut watch, looks).await? {
            Look::Over(ending) => return Ok(ending),
            Look::Again(after) => sleep(after).await,
        }
    }
}
