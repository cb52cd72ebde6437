//! Publishing in the cloud: at the end of a crawl, when it has come to rest, and on an errand.

use std::time::Duration;

use canter_aws::{Beginning, Crawling};
use canter_core::failure::Failure;
use canter_core::ports::{Fetcher, IndexReader, IndexWriter};
use canter_core::publish::{Done, How, When, publish};

use super::worker::Worker;

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The site as the last crawl saw it, whatever is lost.
    Publish,
    /// The index of the site anew.
    Reindex,
}

impl<F, I> Worker<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    /// Publishes a site that a person asks for, for at most this time, and returns whether all of
    /// it is published. Does nothing while a crawl of the site goes on, which publishes at its end.
    ///
    /// # Errors
    ///
    /// Returns the errors of the stores, of the archive and of the index. The call can be repeated.
    pub async fn publish_site(
        &self,
        site: &str,
        asked: Asked,
        span: Duration,
    ) -> Result<bool, Failure> {
        let Some(crawling) = self.sites.load_now(site).await? else {
            tracing::warn!(site, "a site that is to be published is unknown");
            return Ok(true);
        };
        if crawling.goes_on() {
            tracing::warn!(site, "a crawl goes on, and publishes the site at its end");
            return Ok(true);
        }
        let when = match asked {
            Asked::Reindex => When::Again,
            Asked::Publish if crawling.ended_ms.is_some() => When::Ended,
            Asked::Publish => When::Resting,
        };
        let max_loss = None;
        let done = self
            .publish(&crawling, How { when, max_loss }, span)
            .await?;
        if done == Done::Part {
            return Ok(false);
        }
        if when == When::Ended {
            let counts = self.pages(site, crawling.crawl).counts().await?;
            self.sites
                .note_counts(site, crawling.crawl, &counts)
                .await?;
        }
        Ok(true)
    }

    /// Publishes a crawl, for at most this time, and notes what came of it in the site's record.
    pub(super) async fn publish(
        &self,
        crawling: &Crawling,
        how: How,
        span: Duration,
    ) -> Result<Done, Failure> {
        let (site, crawl) = (crawling.spec.site.id.as_str(), crawling.crawl);
        let until = self.time.now() + span;
        let in_time = || self.time.now() < until;
        let pages = self.pages(site, crawl);
        let (archive, index) = (self.archive(), &**self.index());
        let done = publish(site, &pages, archive, index, how, in_time).await?;
        match &done {
            Done::Published(changes) => {
                self.sites.note_published(site, crawl, changes).await?;
            }
            Done::Held(held) => {
                // An alarm counts these events by this message: see the metric filter of the
                // template.
                let (reason, lost, of) = (held.reason.as_str(), held.lost, held.of);
                tracing::warn!(site, reason, lost, of, "a crawl is held");
                self.sites.note_held(site, crawl, held).await?;
            }
            Done::Part => {}
        }
        Ok(done)
    }
}

/// Returns how a crawl is published. What a first crawl has seen replaces nothing.
pub(super) fn how(crawling: &Crawling, when: When) -> How {
    let first = crawling.beginning == Beginning::First;
    let max_loss = (!first).then_some(crawling.spec.max_loss);
    How { when, max_loss }
}
