//! How the rows of a crawl stand, counted.

use std::collections::BTreeMap;

use canter_core::failure::Failure;
use canter_core::task::Skip;
use serde::{Deserialize, Serialize};

use super::pass::OF_CRAWL;
use super::{CloudSite, row};
use crate::item::{Item, text_of};

/// Numbers of a crawl, from its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// URLs that answered with a page.
    pub pages: u64,
    /// Pages written to the index.
    pub indexed: u64,
    /// Pages whose copy in the index is still right.
    pub unchanged: u64,
    /// Pages whose content stands at another URL.
    pub duplicates: u64,
    /// URLs that lead elsewhere.
    pub redirected: u64,
    /// Sitemaps that were read.
    pub sitemaps: u64,
    /// URLs without a page (404, 410).
    pub gone: u64,
    /// URLs not fetched or not indexed for a reason that is no fault.
    pub skipped: u64,
    /// Those by reason.
    pub skipped_by: BTreeMap<String, u64>,
    /// Tasks that failed after all attempts.
    pub failed: u64,
    /// Tasks that wait.
    pub waiting: u64,
}

impl CloudSite {
    /// Counts the crawl's rows by outcome: a pass over all of the site's.
    pub async fn counts(&self) -> Result<Counts, Failure> {
        let mut counts = Counts::default();
        let mut pass = self.pass("#o, #x", OF_CRAWL);
        while let Some(rows) = pass.next().await? {
            rows.iter().for_each(|row| counts.add(row));
        }
        Ok(counts)
    }
}

impl Counts {
    /// Counts one more row.
    pub(super) fn add(&mut self, row: &Item) {
        let of_outcome = match text_of(row, row::OUTCOME) {
            None => &mut self.waiting,
            Some("indexed") => &mut self.indexed,
            Some("unchanged") => &mut self.unchanged,
            Some("duplicate") => &mut self.duplicates,
            Some("redirected") => &mut self.redirected,
            Some("listed") => &mut self.sitemaps,
            Some("gone") => &mut self.gone,
            Some("skipped") => return self.add_skipped(text_of(row, row::DETAIL)),
            _ => &mut self.failed,
        };
        *of_outcome += 1;
        self.pages = self.indexed + self.unchanged + self.duplicates + self.noindex();
    }

    /// Where it redirects to may follow the reason.
    fn add_skipped(&mut self, detail: Option<&str>) {
        let reason = detail.and_then(|detail| detail.split(' ').next());
        self.skipped += 1;
        let reason = reason.unwrap_or_default().to_owned();
        *self.skipped_by.entry(reason).or_default() += 1;
        self.pages = self.indexed + self.unchanged + self.duplicates + self.noindex();
    }

    /// They answered with a page as well.
    fn noindex(&self) -> u64 {
        let noindex = self.skipped_by.get(Skip::Noindex.name());
        noindex.copied().unwrap_or_default()
    }
}
