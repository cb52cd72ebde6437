//! How far a crawl is, for the bar, the lines and the JSON.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use canter_core::step::StepResult;
use canter_core::task::{Outcome, Task};
use canter_embedded::store::Counts;
use canter_engine::drive::Observer;

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
    /// All pages are fetched, and are being published.
    pub publishing: bool,
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

    fn state(&self) -> MutexGuard<'_, Now> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn ended(&self, task: &Task, result: &StepResult) {
        let mut now = self.state();
        match result {
            StepResult::Finished(outcome) => {
                now.done += 1;
                now.pages += u64::from(outcome.is_page());
                now.failed += u64::from(matches!(outcome, Outcome::Failed { .. }));
            }
            StepResult::Again(why) => {
                now.retries += 1;
                now.last.push_back(format!("{}: {why}", task.url));
                if now.last.len() > LAST {
                    now.last.pop_front();
                }
            }
            StepResult::Dropped
            | StepResult::Stopped
            | StepResult::Busy
            | StepResult::Paused(_) => {}
        }
    }

    fn publishing(&self) {
        self.state().publishing = true;
    }

    fn pages(&self) -> u64 {
        self.state().pages
    }
}
