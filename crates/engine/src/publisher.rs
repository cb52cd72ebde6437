//! Publishes a crawl on one machine: while it goes on, and when it ends or rests.

use std::sync::Arc;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_core::publish::{Done, How, When, publish};
use canter_core::solo::SoloCrawl;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::crawl::{Crawl, Process, Stores};

/// Maximum number of new pages of the first publishing while a first crawl goes on. It doubles each
/// time, since these pages are written again at the end, which has to stay a small part of a short
/// crawl too.
const EARLY: usize = 64;
/// Maximum number of new pages of any of these publishings.
const MAX_EARLY: usize = 1_024;
/// Minimum time between two publishings of a first crawl.
const APART: Duration = Duration::from_secs(1);
/// Time between two publishings of a first crawl as a multiple of the time that the last one took.
const SHARE: u32 = 12;
/// Time between two publishings of a refresh.
const PORTION: Duration = Duration::from_secs(3600);

/// The publishing of one crawl.
pub struct Publisher<S: Stores, I> {
    /// The state of the process.
    pub process: Arc<Process<S>>,
    /// The crawl.
    pub crawl: Arc<Crawl<S>>,
    /// The index.
    pub index: Arc<I>,
    /// Maximum share of the published pages that may be lost, in percent; `None` for a first crawl.
    pub max_loss: Option<f64>,
}

impl<S, I> Publisher<S, I>
where
    S: Stores,
    S::Pages: SoloCrawl,
    I: IndexReader + IndexWriter,
{
    /// Publishes from time to time until `over` is set: in a first crawl what is new, in a refresh
    /// a portion each hour. A failure is left to the end of the crawl, which publishes the same
    /// pages.
    pub(crate) async fn meanwhile(&self, mut over: watch::Receiver<bool>) {
        let is_over = over.clone();
        let in_time = || !*is_over.borrow();
        let mut pause = match self.max_loss {
            None => APART,
            Some(_) => {
                // An index that has lost pages need not wait for the end.
                let _ = self.publish(When::Lost, true, in_time).await;
                PORTION
            }
        };
        let mut most = EARLY;
        while timeout(pause, over.wait_for(|over| *over)).await.is_err() {
            let began = Instant::now();
            match self.max_loss {
                None => {
                    let _ = self.publish(When::Early(most), true, in_time).await;
                    pause = (began.elapsed() * SHARE).max(APART);
                    most = MAX_EARLY.min(2 * most);
                }
                Some(_) => match self.publish(When::Portion, true, in_time).await {
                    // The end of the crawl looks again, and tells.
                    Ok(Done::Held(_)) => return,
                    _ => pause = PORTION,
                },
            }
        }
    }

    /// Publishes the site, as long as `in_time` returns true, and records what was changed. Returns
    /// it with what earlier publishings of the crawl changed.
    pub(crate) async fn publish(
        &self,
        when: When,
        links: bool,
        in_time: impl Fn() -> bool + Send + Sync,
    ) -> Result<Done, Failure> {
        let pages = &self.crawl.pages;
        let how = How {
            when,
            max_loss: self.max_loss,
            lost: pages.changes().await?.lost,
            links,
        };
        let (site, archive) = (&self.crawl.site.id, &**self.process.archive());
        let done = publish(site, pages, archive, &*self.index, how, in_time).await?;
        if when == When::Lost {
            return Ok(done);
        }
        // Until a first crawl has ended, the site counts as not published.
        match self.max_loss.is_some() || when == When::Ended && matches!(done, Done::Published(_)) {
            true => pages.record_published(done).await,
            false => Ok(done),
        }
    }
}
