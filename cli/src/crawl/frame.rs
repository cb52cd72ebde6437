//! Frames of the display: how far a crawl is at one moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canter_embedded::store::SiteStore;
use url::Url;

use super::estimate::Left;
use super::gates::Gates;
use super::progress::Progress;
use super::run::Run;
use crate::index::WrittenIndex;

/// How far a site is at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    pub pages: u64,
    pub done: u64,
    pub waiting: u64,
    pub failed: u64,
    pub retries: u64,
    pub rps: u32,
    pub held: Duration,
    /// `Crawl-delay` of the site; zero if there is none.
    pub delay: Duration,
    pub left: Option<Left>,
    /// All pages are fetched, and links between them are being counted.
    pub counting_links: bool,
    pub trouble: Option<String>,
    /// What holds up the index.
    pub index_trouble: Option<String>,
    /// What holds up a crawl in the cloud, or the process that watches it.
    pub cloud_trouble: Option<String>,
}

/// Where the frames of a site come from.
pub trait Source: Send + 'static {
    /// The current frame. The caller estimates what is left.
    fn frame(&mut self) -> impl Future<Output = Frame> + Send;
}

/// A site that this process crawls.
pub struct Ours {
    seeds: Vec<Url>,
    store: SiteStore,
    index: Arc<WrittenIndex>,
    progress: Arc<Progress>,
    gates: Arc<Gates>,
    being_indexed: Arc<AtomicU64>,
}

impl Ours {
    pub fn of(run: &Run) -> Self {
        Ours {
            seeds: run.world.site.seeds.clone(),
            store: run.world.store.clone(),
            index: Arc::clone(&run.world.index),
            progress: Arc::clone(&run.progress),
            gates: Arc::clone(&run.world.gates),
            being_indexed: Arc::clone(&run.world.being_indexed),
        }
    }
}

impl Source for Ours {
    async fn frame(&mut self) -> Frame {
        let waiting = self.store.waiting();
        let now = self.progress.now();
        let tally = self.gates.tally(&self.seeds);
        // Pages on their way to the index are read already; only their commit is missing.
        let read = self.being_indexed.load(Ordering::Relaxed);
        Frame {
            pages: now.pages + read,
            done: now.done + read,
            waiting: waiting.saturating_sub(read),
            failed: now.failed,
            retries: now.retries,
            rps: tally.current,
            held: self.gates.held_for(&self.seeds).await,
            delay: tally.delay,
            left: None,
            counting_links: now.counting_links,
            trouble: now.last.back().cloned(),
            index_trouble: self.index.trouble(),
            cloud_trouble: None,
        }
    }
}
