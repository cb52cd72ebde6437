//! The state of a gate.

use std::collections::VecDeque;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::pace::{Lease, Pace, Window};
use canter_core::time::Moment;

use crate::starts::Starts;

pub(super) struct State {
    /// Without a pace, requests start as soon as they come.
    pub(super) pace: Option<Pace>,
    pub(super) lease: Option<Lease>,
    pub(super) held_until: Moment,
    /// Whether the store was asked for its hold.
    pub(super) asked: bool,
    /// Number of requests that want a slot.
    pub(super) waiting: usize,
    /// Number of those whose turn has come.
    pub(super) approaching: usize,
    /// Maximum number of requests that will come besides those that wait.
    pub(super) coming: usize,
    /// Whether the current lease is the last.
    pub(super) finishing: bool,
    pub(super) closed: bool,
    pub(super) window: Window,
    pub(super) tally: Tally,
    pub(super) starts: Starts,
    pub(super) last_second: VecDeque<Moment>,
    /// The failure of the store when it was last asked; none if it answered.
    pub(super) trouble: Option<Failure>,
}

/// The starts of a gate, in figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Number of requests started.
    pub started: u64,
    /// Maximum number of starts in any sliding second.
    pub peak: u32,
    /// Number of starts in the last second.
    pub current: u32,
    /// Maximum delay between starts that the site asked for (`Crawl-delay`); zero for none.
    pub delay: Duration,
}

impl State {
    /// The state of a new gate.
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
            self.window.record(now, pace.window);
        }
        self.forget_before(now);
        self.last_second.push_back(now);
        self.tally.started += 1;
        let peak = self.last_second.len() as u32;
        self.tally.peak = self.tally.peak.max(peak);
        self.starts.note(now, peak);
    }
}
