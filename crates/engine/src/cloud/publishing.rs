//! Publishing in the cloud: at the end of a crawl, when it has come to rest, and on an errand.

use std::sync::atomic::Ordering;
use std::time::Duration;

use canter_aws::{Beginning, Crawling};
use canter_core::failure::Failure;
use canter_core::ports::{Fetcher, IndexReader, IndexWriter};
use canter_core::publish::{Done, How, When, publish};

use super::look::IN_VAIN;
use super::watched::Watched;
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
    /// Publishes a site that a person asks for, for at most this time. `in_vain` is the number of
    /// calls before this one that wrote nothing in their time; after some of them links are not
    /// counted. Returns that number for the next call, or none if all of the site is published. Does
    /// nothing while a crawl of the site goes on, which publishes at its end.
    ///
    /// # Errors
    ///
    /// Returns the errors of the stores, of the archive and of the index. The call can be repeated.
    pub async fn publish_site(
        &self,
        site: &str,
        asked: Asked,
        in_vain: u32,
        span: Duration,
    ) -> Result<Option<u32>, Failure> {
        let Some(crawling) = self.sites.load_now(site).await? else {
            tracing::warn!(site, "a site that is to be published is unknown");
            return Ok(None);
        };
        if crawling.is_running(self.time.now().millis()) {
            tracing::warn!(site, "a crawl goes on, and publishes the site at its end");
            return Ok(None);
        }
        let when = match asked {
            Asked::Reindex => When::Again,
            Asked::Publish if crawling.ended_ms.is_some() => When::Ended,
            Asked::Publish => When::Resting,
        };
        let how = How {
            when,
            max_loss: Some(100.0),
            lost: 0,
            links: in_vain < IN_VAIN,
        };
        if let (Done::Part(_), written) = self.publish(&crawling, how, span).await? {
            return Ok(Some(in_vain + u32::from(!written)));
        }
        if when == When::Ended {
            let counts = self.pages(site, crawling.crawl).counts().await?;
            self.sites
                .note_counts(site, crawling.crawl, &counts)
                .await?;
        }
        Ok(None)
    }

    /// Publishes a crawl, for at most this time, and notes what came of it in the site's record.
    /// Returns whether anything was written into the index, too.
    pub(super) async fn publish(
        &self,
        crawling: &Crawling,
        how: How,
        span: Duration,
    ) -> Result<(Done, bool), Failure> {
        let (site, crawl) = (crawling.spec.site.id.as_str(), crawling.crawl);
        let until = self.time.now() + span;
        let in_time = || self.time.now() < until;
        let pages = self.pages(site, crawl);
        let index = Watched::new(&**self.index());
        let done = publish(site, &pages, self.archive(), &index, how, in_time).await;
        let done = done.inspect_err(|failure| {
            // An alarm counts these events by this name: see the metric filter of the template.
            tracing::error!(event = "index_failure", site, %failure, "a site is not published");
        })?;
        let before = crawling.changes.clone().unwrap_or_default();
        match &done {
            // What is held stays so.
            _ if how.when == When::Again => {}
            Done::Published(changes) => {
                let all = before.and((**changes).clone());
                self.sites.note_published(site, crawl, &all).await?;
            }
            Done::Part(changes) if changes.is_empty() => {}
            Done::Part(changes) => {
                let all = before.and((**changes).clone());
                self.sites.note_changes(site, crawl, &all).await?;
            }
            Done::Held(held) => {
                let (reason, lost, of) = (held.reason.as_str(), held.lost, held.of);
                tracing::warn!(site, reason, lost, of, "a crawl is held");
                self.held.fetch_add(1, Ordering::Relaxed);
                self.sites.note_held(site, crawl, held).await?;
            }
        }
        Ok((done, index.was_written()))
    }
}

/// Returns how a crawl is published. What a first crawl has seen replaces nothing.
pub(super) fn how(crawling: &Crawling, when: When, links: bool) -> How {
    let first = crawling.beginning == Beginning::First;
    let max_loss = (!first).then_some(crawling.spec.max_loss);
    How {
        when,
        max_loss,
        lost: crawling.changes.as_ref().map_or(0, |changes| changes.lost),
        links,
    }
}
