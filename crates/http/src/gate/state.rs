//! What a gate knows at a moment.

use std::collections::VecDeque;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::pace::{Lease, Pace, Window};
use canter_core::time::Moment;

use crate::starts::Starts;

pub(super) struct State {
    /// None: as fast as it goes.
    pub(super) pace: Option<Pace>,
    pub(super) lease: Option<Lease>,
    pub(super) held_until: Moment,
    /// The stored hold is known.
    pub(super) asked: bool,
    /// Requests that want a slot.
    pub(super) waiting: usize,
    /// Of those, the ones whose turn has come.
    pub(super) approaching: usize,
    /// Requests that will come, at most, besides those that wait.
    pub(super) coming: usize,
    /// What is leased is the last.
    pub(super) finishing: bool,
    pub(super) closed: bool,
    pub(super) window: Window,
    pub(super) tally: Tally,
    pub(super) starts: Starts,
    pub(super) last_second: VecDeque<Moment>,
    /// Why the store gave no answer when it was asked last.
    pub(super) trouble: Option<Failure>,
}

/// What a gate let through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests started.
    pub started: u64,
    /// The largest number of starts in any sliding second.
    pub peak: u32,
    /// Starts in the second that has just passed.
    pub current: u32,
    /// The longest delay between starts that the site asked for (`Crawl-delay`); zero for none.
    pub delay: Duration,
}

impl State {
    /// Nothing has come yet, and nothing is leased.
    pub(super) fn new(pace: Option<Pace>) -> Self {
        State {
            pace,
            lease: None,
            held_until: Moment(0),
            asked: false,
            waiting: 0,
            approaching: 0,
            coming: usize::MAX,
            finishing: false,
            closed: false,
            window: Window::default(),
            tally: Tally::default(),
            starts: Starts::default(),
            last_second: VecDeque::new(),
            trouble: None,
        }
    }

    pub(super) fn forget_before(&mut self, now: Moment) {
        let horizon = now - Duration::from_secs(1);
        while self.last_second.front().is_some_and(|&at| at <= horizon) {
            self.last_second.pop_front();
        }
    }

    pub(super) fn record(&mut self, now: Moment) {
        if let Some(pace) = self.pace {
            self.window.record(now, pace.span);
        }
        self.forget_before(now);
        self.last_second.push_back(now);
        self.tally.started += 1;
        let peak = self.last_second.len() as u32;
        self.tally.peak = self.tally.peak.max(peak);
        self.starts.note(now, peak);
    }
}
