//! How a crawl in the cloud ended: the same summary as for a local crawl, and the bill.

use std::io::{Write, stderr, stdout};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use canter_aws::{Beginning, Bill, CloudArchive, CloudSite, Counts, Crawling, Rest};
use canter_core::task::Skip;
use canter_stack::Stack;

use super::bill;
use super::deployed::Deployed;
use crate::count::counted;
use crate::crawl::outward::Outward;
use crate::crawl::summary::Summary;

/// The end of one site's crawl.
pub struct Ended {
    summary: Summary,
    bill: Bill,
}

impl Ended {
    /// Loads the end of a crawl that began, or continued, at `since_ms`. Reads all rows of the
    /// crawl.
    pub async fn of(deployed: &Deployed, since_ms: u64, crawling: Crawling) -> Result<Self> {
        let (site, crawl) = (crawling.spec.site.id.clone(), crawling.crawl);
        let clock = Arc::clone(&deployed.clock);
        let rows = CloudSite::new(deployed.cloud.clone(), &site, crawl, clock);
        let counts = counts(&rows, &crawling).await?;
        let rest = rest(&crawling);
        let came_to = (rest.as_ref(), counts.pages);
        let archive = CloudArchive::open(&deployed.cloud, Arc::clone(&deployed.clock));
        let of = &crawling.spec.site;
        let outward = Outward::of(of, &crawling.scope, came_to, &rows, &archive).await?;
        let summary = Summary {
            counts,
            rest,
            requests: crawling.progress.requests,
            bytes: crawling.progress.bytes,
            elapsed: Duration::from_millis(
                crawling
                    .ended_ms
                    .unwrap_or(crawling.alive_ms)
                    .saturating_sub(since_ms),
            ),
            limit: crawling.spec.rate,
            peak: u32::try_from(rows.peak().await?).unwrap_or(u32::MAX),
            // The cloud keeps these only row by row or worker by worker.
            delay: Duration::ZERO,
            gone: Vec::new(),
            failed: Vec::new(),
            retries: crawling.progress.retries,
            changes: crawling.changes.clone().unwrap_or_default(),
            is_refresh: crawling.beginning != Beginning::First,
            held: crawling.held,
            outward,
            site: site.clone(),
            stack: Some(deployed.stack.name.clone()),
        };
        let bill = Bill::load(&deployed.cloud, &site, crawl).await?;
        Ok(Ended { summary, bill })
    }

    /// Whether nothing was published.
    pub fn is_held(&self) -> bool {
        self.summary.held.is_some()
    }

    /// Prints it: JSON on standard output, text on standard error.
    pub fn print(&self, json: bool) -> Result<()> {
        let pages = self.summary.counts.pages;
        if json {
            let mut object = self.summary.json();
            object["bill"] = bill::json(&self.bill, pages);
            writeln!(stdout(), "{object}")?;
        } else {
            let bill = bill::text(&self.bill, pages);
            write!(stderr(), "{}{bill}", self.summary.text())?;
        }
        Ok(())
    }

    /// Why the crawl failed; none if it found at least one page.
    pub fn nothing_crawled(&self, stack: &Stack) -> Option<String> {
        let Summary { counts, rest, .. } = &self.summary;
        let reasons = reasons(counts);
        if counts.pages > 0 || *rest == Some(Rest::Stopped) || reasons.is_empty() {
            return None;
        }
        let mut sentence = format!(
            "nothing was crawled of {}: {}",
            self.summary.site,
            reasons.join("; ")
        );
        if counts.skipped_by.contains_key(Skip::PrivateAddress.name()) {
            sentence += " (if it is your own, add --allow-private, and deploy with \
                         AllowPrivate=true)";
        }
        if counts.failed > 0
            && let Some(function) = &stack.fetch_function
        {
            sentence += &format!(" (the log of the function {function} says why)");
        }
        Some(sentence)
    }
}

/// Counts the rows of a crawl by outcome: as noted when the crawl ended, else by reading them all.
pub async fn counts(rows: &CloudSite, crawling: &Crawling) -> Result<Counts> {
    match &crawling.counts {
        Some(counts) if crawling.ended_ms.is_some() => Ok(counts.clone()),
        _ => Ok(rows.counts().await?),
    }
}

/// Why a crawl does not go on; `None` for one that has ended.
fn rest(crawling: &Crawling) -> Option<Rest> {
    if crawling.ended_ms.is_some() {
        return None;
    }
    Some(crawling.rest.clone().unwrap_or(Rest::Stopped))
}

/// What became of URLs that brought no page.
fn reasons(counts: &Counts) -> Vec<String> {
    let skipped = Skip::ALL.into_iter().filter_map(|reason| {
        let count = counts.skipped_by.get(reason.name())?;
        Some(format!(
            "{} skipped: {}",
            counted(*count, "URL"),
            reason.phrase()
        ))
    });
    let others = [
        (counts.gone, "gone (404 or 410)"),
        (counts.failed, "failed"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    let others = others.map(|(count, what)| format!("{} {what}", counted(count, "URL")));
    skipped.chain(others).collect()
}
