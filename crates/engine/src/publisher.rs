//! Publishes a crawl on one machine: while it goes on, and when it ends or rests.

use std::sync::Arc;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_core::publish::{Done, How, PublishedPages, When, publish};
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
    S::Pages: PublishedPages,
    I: IndexReader + IndexWriter,
{
    /// Publishes from time to time until `over` is set: in a first crawl what is new, in a refresh
    /// a portion each hour. A failure is left to the end of the crawl, which publishes the same
    /// pages.
    pub(crate) async fn meanwhile(&self, mut over: watch::Receiver<bool>) {
        let mut pause = match self.max_loss {
            None => APART,
            // The first portion fills an index that has lost pages.
            Some(_) => Duration::ZERO,
        };
        let mut most = EARLY;
        while timeout(pause, over.wait_for(|over| *over)).await.is_err() {
            let began = Instant::now();
            let when = match self.max_loss {
                None => When::Early(most),
                Some(_) => When::Resting,
            };
            let done = self.publish(when, || true).await;
            match self.max_loss {
                None => {
                    pause = (began.elapsed() * SHARE).max(APART);
                    most = MAX_EARLY.min(2 * most);
                }
                // The end of the crawl tells.
                Some(_) if matches!(done, Ok(Done::Held(_))) => return,
                Some(_) => pause = PORTION,
            }
        }
    }

    /// Publishes the site, as long as `in_time` returns true.
    pub(crate) async fn publish(
        &self,
        when: When,
        in_time: impl Fn() -> bool + Send + Sync,
    ) -> Result<Done, Failure> {
        let how = How {
            when,
            max_loss: self.max_loss,
            links: true,
        };
        let (site, archive) = (&self.crawl.site.id, &**self.process.archive());
        publish(site, &self.crawl.pages, archive, &*self.index, how, in_time).await
    }
}
