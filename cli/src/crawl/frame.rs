//! How far a crawl is at one moment, as it is shown; and where that comes from on one machine.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use canter_core::solo::SoloCrawl;
use canter_embedded::store::Store;
use canter_engine::Crawl;
use canter_engine::gates::Gates;

use super::Run;
use super::estimate::Left;
use super::one_machine::OneMachine;
use super::progress::Progress;
use crate::index::WrittenIndex;

/// What is shown of a site at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    pub pages: u64,
    pub done: u64,
    pub waiting: u64,
    pub failed: u64,
    pub retries: u64,
    pub rps: u32,
    pub held: Duration,
    /// What the site asks for between requests.
    pub delay: Duration,
    pub left: Option<Left>,
    /// The index is told what the pages say of each other: nothing else is left to do.
    pub counting_links: bool,
    pub trouble: Option<String>,
    /// What holds up the index.
    pub index_trouble: Option<String>,
    /// What holds up a crawl in the cloud, or whoever watches it.
    pub cloud_trouble: Option<String>,
}

/// Where the frames of a site come from.
pub trait Source: Send + 'static {
    /// How far the site is now; what is left is estimated by whoever shows it.
    fn frame(&mut self) -> impl Future<Output = Frame> + Send;
}

/// A site that this process crawls.
pub struct Ours {
    crawl: Arc<Crawl<OneMachine>>,
    index: Arc<WrittenIndex>,
    progress: Arc<Progress>,
    gates: Arc<Gates<Store>>,
}

impl Ours {
    pub fn of(run: &Run) -> Self {
        Ours {
            crawl: Arc::clone(&run.crawl),
            index: Arc::clone(run.process.index()),
            progress: Arc::clone(&run.progress),
            gates: Arc::clone(&run.gates),
        }
    }
}

impl Source for Ours {
    async fn frame(&mut self) -> Frame {
        let waiting = self.crawl.pages.waiting();
        let (now, seeds) = (self.progress.now(), &self.crawl.site.seeds);
        let tally = self.gates.tally(seeds);
        // What is on its way to the index was read; only its commit is to come.
        let read = self.crawl.counters.being_indexed.load(Ordering::Relaxed);
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
            counting_links: now.counting_links,
            trouble: now.last.back().cloned(),
            index_trouble: self.index.trouble(),
            cloud_trouble: None,
        }
    }
}
