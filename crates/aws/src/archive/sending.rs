//! Stores the pages that many steps put at about the same time in few objects.
//!
//! A put resolves when S3 has confirmed the object, so that a page is never finished before it is
//! safe. A page whose object S3 did not confirm may be stored all the same; nobody then knows its
//! place, and the next [`super::retention`] frees it.

use std::collections::HashMap;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::Place;
use canter_core::task::UrlKey;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::OBJECT_BYTES;
use super::bucket::Bucket;
use super::piece::Piece;

/// Number of pages that do not wait for others.
const OBJECT_PAGES: usize = 200;
/// Maximum time that a page waits for others to share its object. At 50 pages a second an object
/// then has 150. A request for each page would cost three times as much as all the rest. The page's
/// links are in the queue by then, so that nothing but the end of its task waits.
const LINGER: Duration = Duration::from_secs(3);

/// Hands pages to the task that stores them. Clones hand them to the same task.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    orders: mpsc::UnboundedSender<Order>,
}

#[derive(Debug)]
enum Order {
    Store { prefix: String, page: Waiting },
    Flush,
}

/// A page in its stored form, and who waits for its place.
#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    stored: oneshot::Sender<Result<Place, Failure>>,
}

impl Sender {
    /// Starts the task. Must be called within a runtime.
    pub(super) fn start(bucket: Bucket) -> Self {
        let (orders, incoming) = mpsc::unbounded_channel();
        let sending = Sending {
            bucket,
            batches: HashMap::new(),
            under_way: JoinSet::new(),
        };
        tokio::spawn(sending.run(incoming));
        Sender { orders }
    }

    /// Stores a page in an object whose key begins with a prefix.
    pub(super) async fn store(&self, prefix: String, bytes: Vec<u8>) -> Result<Place, Failure> {
        let (stored, place) = oneshot::channel();
        let page = Waiting { bytes, stored };
        let gone = || Failure::transient("the process that fills the archive is ending");
        let sent = self.orders.send(Order::Store { prefix, page });
        sent.map_err(|_| gone())?;
        place.await.map_err(|_| gone())?
    }

    pub(super) fn flush(&self) {
        // Where the task is gone, its puts fail themselves.
        let _ = self.orders.send(Order::Flush);
    }
}

struct Sending {
    bucket: Bucket,
    /// The pages that wait, by the prefix of their site.
    batches: HashMap<String, Vec<Waiting>>,
    under_way: JoinSet<()>,
}

impl Sending {
    async fn run(mut self, mut incoming: mpsc::UnboundedReceiver<Order>) {
        let mut leave = None;
        loop {
            let order = tokio::select! {
                order = incoming.recv() => order,
                () = sleep_until(leave.unwrap_or_else(Instant::now)), if leave.is_some() => Some(Order::Flush),
                Some(_) = self.under_way.join_next() => continue,
            };
            match order {
                Some(Order::Store { prefix, page }) => {
                    self.add(prefix, page);
                    if self.batches.is_empty() {
                        leave = None;
                    } else {
                        leave = leave.or(Some(Instant::now() + LINGER));
                    }
                }
                Some(Order::Flush) => {
                    self.dispatch();
                    leave = None;
                }
                None => break,
            }
        }
        self.dispatch();
        while self.under_way.join_next().await.is_some() {}
    }

    /// Adds a page to the batch of its site, and stores the batch when it is full.
    fn add(&mut self, prefix: String, page: Waiting) {
        let batch = self.batches.entry(prefix.clone()).or_default();
        let bytes: usize = batch.iter().map(|page| page.bytes.len()).sum();
        if !batch.is_empty() && bytes + page.bytes.len() > OBJECT_BYTES {
            let full = std::mem::take(batch);
            let stored = store(self.bucket.clone(), prefix.clone(), full);
            self.under_way.spawn(stored);
        }
        batch.push(page);
        if batch.len() >= OBJECT_PAGES
            && let Some(full) = self.batches.remove(&prefix)
        {
            let stored = store(self.bucket.clone(), prefix, full);
            self.under_way.spawn(stored);
        }
    }

    /// Begins to store all pages that wait.
    fn dispatch(&mut self) {
        for (prefix, batch) in self.batches.drain() {
            let stored = store(self.bucket.clone(), prefix, batch);
            self.under_way.spawn(stored);
        }
    }
}

/// Stores pages in one object, and tells each its place.
async fn store(bucket: Bucket, prefix: String, batch: Vec<Waiting>) {
    let (pages, waiting): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .map(|page| (page.bytes, page.stored))
        .unzip();
    // A put may have been dropped in the meantime.
    match put_together(&bucket, &prefix, &pages).await {
        Ok(places) => {
            for (stored, place) in waiting.into_iter().zip(places) {
                let _ = stored.send(Ok(place));
            }
        }
        Err(failure) => {
            for stored in waiting {
                let _ = stored.send(Err(failure.clone()));
            }
        }
    }
}

/// Stores pages in one object. Returns their places in order.
pub(super) async fn put_together(
    bucket: &Bucket,
    prefix: &str,
    pages: &[Vec<u8>],
) -> Result<Vec<Place>, Failure> {
    let content = pages.concat();
    let object = UrlKey::hash(&content).to_string();
    bucket.put(&format!("{prefix}{object}"), content).await?;
    let mut offset = 0;
    let places = pages.iter().map(|page| {
        let piece = Piece {
            object: object.clone(),
            offset,
            length: page.len() as u64,
        };
        offset += piece.length;
        piece.place()
    });
    Ok(places.collect())
}
