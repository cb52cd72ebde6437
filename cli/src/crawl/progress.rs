//! How far a crawl is, for the bar, the lines and the JSON.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use canter_core::task::{Outcome, Skip};
use canter_embedded::store::Counts;
use url::Url;

/// Maximum number of recent errors that are kept.
const LAST: usize = 5;

/// The numbers of a running crawl, including earlier runs of the same crawl.
#[derive(Debug, Default)]
pub struct Progress {
    state: Mutex<Now>,
}

/// The numbers at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Now {
    /// URLs that answered with a page.
    pub pages: u64,
    /// Tasks that ended.
    pub done: u64,
    /// Tasks that failed for good.
    pub failed: u64,
    /// Attempts that failed and are repeated.
    pub retries: u64,
    /// All pages are fetched, and links between them are being counted.
    pub counting_links: bool,
    /// The most recent errors.
    pub last: VecDeque<String>,
}

impl Progress {
    /// Starts with the counts of earlier runs.
    pub fn from(counts: &Counts) -> Self {
        let done = counts.indexed
            + counts.unchanged
            + counts.duplicates
            + counts.redirected
            + counts.sitemaps
            + counts.gone
            + counts.skipped
            + counts.failed;
        Progress {
            state: Mutex::new(Now {
                pages: counts.pages,
                done,
                failed: counts.failed,
                ..Now::default()
            }),
        }
    }

    pub fn now(&self) -> Now {
        self.state().clone()
    }

    pub fn pages(&self) -> u64 {
        self.state().pages
    }

    pub fn finished(&self, outcome: &Outcome) {
        let mut now = self.state();
        now.done += 1;
        match outcome {
            Outcome::Indexed
            | Outcome::Unchanged
            | Outcome::Duplicate { .. }
            | Outcome::Skipped {
                reason: Skip::Noindex,
                ..
            } => now.pages += 1,
            Outcome::Failed { .. } => now.failed += 1,
            Outcome::Redirected { .. }
            | Outcome::Listed { .. }
            | Outcome::Gone { .. }
            | Outcome::Skipped { .. } => {}
        }
    }

    pub fn again(&self, url: &Url, why: &str) {
        let mut now = self.state();
        now.retries += 1;
        now.last.push_back(format!("{url}: {why}"));
        if now.last.len() > LAST {
            now.last.pop_front();
        }
    }

    pub fn counting_links(&self) {
        self.state().counting_links = true;
    }

    fn state(&self) -> MutexGuard<'_, Now> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
