//! A whole crawl by several workers at once.

use std::sync::Arc;
use std::time::Duration;

use canter_aws::{Counts, CrawlSpec};
use canter_engine::cloud::look::{Ending, Looks};
use canter_tantivy::TantivyIndex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Place;
use super::event_source;

/// Crawls a site with this number of workers at once.
pub async fn crawl(
    place: &Place,
    spec: &CrawlSpec,
    index: &Arc<TantivyIndex>,
    workers: usize,
) -> Counts {
    let crawling = place.begin(spec).await;
    let looks = Looks {
        // The servers of one machine are not behind.
        apart: Duration::from_secs(1),
        ..Looks::default()
    };
    let (stop, stopped) = watch::channel(false);
    let mut polling = JoinSet::new();
    for _ in 0..workers {
        let worker = place.worker(index);
        let stopped = stopped.clone();
        polling.spawn(async move {
            let mut failed = Vec::new();
            event_source::poll(worker, stopped, |report| {
                failed.extend(report.failed.clone())
            })
            .await
            .unwrap();
            failed
        });
    }
    let ending = place.worker(index);
    let end = event_source::end(&ending, &crawling, looks);
    let ending = timeout(Duration::from_secs(300), end).await.unwrap();
    let Ending::Ended(counts) = ending.unwrap() else {
        panic!("nobody else ends it");
    };
    stop.send_replace(true);
    while let Some(failed) = polling.join_next().await {
        assert_eq!(failed.unwrap(), []);
    }
    counts
}
