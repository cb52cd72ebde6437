//! Frames of the display: how far a crawl is at one moment.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use canter_core::solo::SoloCrawl;
use canter_embedded::store::Store;
use canter_engine::Crawl;
use canter_engine::gates::Gates;

use super::estimate::Left;
use super::one_machine::OneMachine;
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
    /// All pages are fetched, and are being published.
    pub publishing: bool,
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
pub struct LocalSource {
    crawl: Arc<Crawl<OneMachine>>,
    index: Arc<WrittenIndex>,
    progress: Arc<Progress>,
    gates: Arc<Gates<Store>>,
}

impl LocalSource {
    pub fn of(run: &Run) -> Self {
        LocalSource {
            crawl: Arc::clone(&run.crawl),
            index: Arc::clone(&run.index),
            progress: Arc::clone(&run.progress),
            gates: Arc::clone(&run.gates),
        }
    }
}

impl Source for LocalSource {
    async fn frame(&mut self) -> Frame {
        let waiting = self.crawl.pages.waiting();
        let (now, seeds) = (self.progress.now(), &self.crawl.site.seeds);
        let tally = self.gates.tally(seeds);
        // Pages on their way to the archive are read already; only their commit is missing.
        let read = self.crawl.counters.being_archived.load(Ordering::Relaxed);
        Frame {
            pages: now.pages + read,
            done: now.done + read,
            waiting: waiting.saturating_sub(read),
            failed: now.failed,
            retries: now.retries,
            rps: tally.current,
            held: self.gates.held_for(seeds).await,
            delay: tally.delay,
            left: None,
            publishing: now.publishing,
            trouble: now.last.back().cloned(),
            index_trouble: self.index.trouble(),
            cloud_trouble: None,
        }
    }
}
