//! The exact pace: slots with a firing deadline.
//!
//! Each domain has one stored record, its next free slot. A worker leases a run of slots with one
//! conditional write and may start one request in each, from the slot's time until shortly after
//! it; a slot that is missed is forfeited. With the spacing that [`Pace::new`] chooses, no sliding
//! second has more starts than the rate allows, for any number of workers whose clocks agree within
//! the tolerance. A worker that is alone knows every start, and may fire a slot even later if its
//! [`Window`] has room: see `docs/adr/0004`. This module decides; the store behind
//! [`Paces`](crate::ports::Paces) only compares and sets.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// Requests per second, between [`Rate::MIN`] and [`Rate::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Rate(f64);

impl Rate {
    /// Minimum rate: one request in a little less than three hours.
    pub const MIN: f64 = 0.0001;
    /// Maximum rate. Beyond it, the clock and scheduler of one machine cannot keep the promise.
    pub const MAX: f64 = 10_000.0;

    /// A rate, or nothing if `per_second` is not a number in the range.
    pub fn new(per_second: f64) -> Option<Self> {
        (Self::MIN..=Self::MAX)
            .contains(&per_second)
            .then_some(Rate(per_second))
    }

    /// Requests per second.
    pub fn per_second(self) -> f64 {
        self.0
    }

    /// Maximum number of requests that may start in any sliding second: the rate rounded up.
    pub fn per_window(self) -> u32 {
        self.0.ceil() as u32
    }
}

/// What may lie between the time of a slot and the time at which the site sees its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Maximum delay of a slot that costs the following slots nothing.
    pub lateness: Duration,
    /// Maximum delay of a slot if the window has room. Longer than the lateness only for a worker
    /// that is alone.
    pub patience: Duration,
    /// Maximum difference between a worker's clock and the true time, either way.
    pub clock_error: Duration,
    /// Time for a request to get from the socket to the site's log.
    pub guard: Duration,
}

impl Tolerance {
    /// One process with one clock. Delivers 96.8 % of the rate, and makes up within the patience
    /// for what the start of a crawl or a busy machine holds up.
    pub const ALONE: Tolerance = Tolerance {
        lateness: Duration::from_millis(3),
        patience: Duration::from_millis(60),
        clock_error: Duration::ZERO,
        guard: Duration::from_millis(30),
    };

    /// Many workers on machines whose clocks agree to within 10 ms. Delivers 93.9 % of the rate. A
    /// worker does not know what the others started, so it may be no later than the spacing allows
    /// for. Figures: `docs/adr/0008`.
    pub const SHARED: Tolerance = Tolerance {
        lateness: Duration::from_millis(15),
        patience: Duration::from_millis(15),
        clock_error: Duration::from_millis(5),
        guard: Duration::from_millis(40),
    };

    fn total(self) -> Duration {
        self.lateness + self.clock_error * 2 + self.guard
    }
}

/// The spacing of a domain's slots, computed from its rate and the tolerance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Time from one slot to the next.
    pub spacing: Duration,
    /// Maximum delay of a slot.
    pub patience: Duration,
    /// Maximum number of starts of one worker within `window`.
    #[serde(rename = "most")]
    pub max_starts: u32,
    /// Length of the window in which one worker counts its starts.
    #[serde(rename = "span")]
    pub window: Duration,
}

impl Pace {
    /// The pace of a rate `R`: slots lie `(1 + d + 2e + g) / R` apart, where `d` is the lateness,
    /// `e` the clock error and `g` the guard. Then the last of R + 1 slots in a row lies more than
    /// a second after the first, even if the first fires as late and the last appears as early as
    /// the tolerance allows. Below one request a second, starts are at least `1 / R` apart.
    pub fn new(rate: Rate, tolerance: Tolerance) -> Self {
        let period = Duration::from_secs_f64(1.0 / rate.per_second().min(1.0));
        let slots = rate.per_second().max(1.0);
        Pace {
            spacing: (period + tolerance.total()).div_f64(slots),
            patience: tolerance.patience,
            max_starts: rate.per_window(),
            window: period + tolerance.guard,
        }
    }

    /// The slower of this pace and one whose starts are at least `delay` apart (`Crawl-delay`).
    #[must_use]
    pub fn at_least(self, delay: Duration, tolerance: Tolerance) -> Self {
        let spacing = delay + tolerance.total();
        if self.spacing >= spacing {
            return self;
        }
        Pace {
            spacing,
            patience: tolerance.patience,
            max_starts: 1,
            window: delay + tolerance.guard,
        }
    }
}

/// The last starts of one worker. A worker that asks it before each start keeps to its pace
/// whatever the scheduler does.
#[derive(Debug, Clone, Default)]
pub struct Window {
    starts: VecDeque<Moment>,
}

impl Window {
    /// The earliest time of the next start; none if it may be at any time.
    pub fn opens(&self, pace: Pace) -> Option<Moment> {
        let first = self.starts.len().checked_sub(pace.max_starts as usize)?;
        Some(*self.starts.get(first)? + pace.window)
    }

    /// Records a start, and forgets those that lie more than `window` before it.
    pub fn record(&mut self, at: Moment, window: Duration) {
        while self.starts.front().is_some_and(|&old| old + window < at) {
            self.starts.pop_front();
        }
        self.starts.push_back(at);
    }
}

/// A run of slots that one worker may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    next: Moment,
    left: u32,
    pace: Pace,
}

impl Lease {
    /// A lease of `count` slots, the first one at `first`.
    pub fn new(first: Moment, count: u32, pace: Pace) -> Self {
        Lease {
            next: first,
            left: count,
            pace,
        }
    }

    /// When the last slot is forfeited; the time of the next slot if none is left.
    pub fn end(&self) -> Moment {
        match self.left.checked_sub(1) {
            Some(more) => self.next + self.pace.spacing * more + self.pace.patience,
            None => self.next,
        }
    }

    /// Takes the earliest slot that can still fire at `now`. Slots that have passed are forfeited.
    pub fn take(&mut self, now: Moment) -> Option<Slot> {
        let slot = self.peek(now)?;
        self.next = slot.at + self.pace.spacing;
        self.left -= 1;
        Some(slot)
    }

    /// The slot that [`Lease::take`] would take. Slots that have passed are forfeited.
    pub fn peek(&mut self, now: Moment) -> Option<Slot> {
        while self.left > 0 {
            let slot = Slot {
                at: self.next,
                until: self.next + self.pace.patience,
            };
            if now <= slot.until {
                return Some(slot);
            }
            self.next = self.next + self.pace.spacing;
            self.left -= 1;
        }
        None
    }
}

/// The right to start one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Earliest time of the start.
    pub at: Moment,
    /// Latest time of the start.
    pub until: Moment,
}

/// What may be done with a slot now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// Ask again after this time.
    Early(Duration),
    /// Start the request at once.
    Fire,
    /// The slot is forfeited.
    Late,
}

impl Slot {
    /// What may be done with the slot at `now`.
    pub fn timing(self, now: Moment) -> Timing {
        if now < self.at {
            Timing::Early(now.until(self.at))
        } else if now <= self.until {
            Timing::Fire
        } else {
            Timing::Late
        }
    }
}

/// The decision on a worker's request for slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Store the new record if the old one is unchanged. The lease holds once that has succeeded.
    Take {
        /// The slots.
        lease: Lease,
        /// The next free slot from now on.
        next: Moment,
    },
    /// Ask again after this time: others are ahead, or the domain is held.
    Wait(Duration),
}

/// Time for which a slower pace counts for every worker after the last request for it.
pub const REMEMBERED: Duration = Duration::from_secs(60);

/// The state of the pace of a domain that many workers share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaceState {
    /// The last slot given out; none if there was none.
    pub last: Option<Moment>,
    /// The spacing that counts.
    pub spacing: Duration,
    /// When a worker last asked for that spacing.
    pub asked: Moment,
    /// Earliest time of the next slot.
    pub held: Moment,
}

impl PaceState {
    /// No slot was given out yet.
    pub const UNUSED: PaceState = PaceState {
        last: None,
        spacing: Duration::ZERO,
        asked: Moment(0),
        held: Moment(0),
    };

    /// The pace for a worker that asks for `pace`. The slower one wins where two sites on one
    /// domain have different rates, and where only one worker knows of a `Crawl-delay` yet.
    pub fn pace(&self, now: Moment, pace: Pace) -> Pace {
        if self.spacing > pace.spacing && now <= self.asked + REMEMBERED {
            let spacing = self.spacing;
            return Pace { spacing, ..pace };
        }
        pace
    }

    /// The next free slot at that pace: a whole spacing after the last one, whatever the spacing
    /// was before.
    pub fn next(&self, pace: Pace) -> Option<Moment> {
        let after = self.last.map(|last| last + pace.spacing);
        after.max((self.held > Moment(0)).then_some(self.held))
    }
}

/// Decides on a request for `count` slots. `next` is the domain's next free slot, or none if the
/// domain was never used. Slots further away than `horizon` are not given out, so that few slots
/// are lost with a worker that dies.
pub fn grant(
    next: Option<Moment>,
    now: Moment,
    pace: Pace,
    count: u32,
    horizon: Duration,
) -> Grant {
    let first = next.map_or(now, |next| next.max(now));
    if first > now + horizon {
        return Grant::Wait(now.until(first) - horizon);
    }
    Grant::Take {
        lease: Lease::new(first, count, pace),
        next: first + pace.spacing * count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rate: f64) -> Pace {
        Pace::new(Rate::new(rate).unwrap(), Tolerance::ALONE)
    }

    #[test]
    fn a_rate_is_a_number_in_range() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 20_000.0] {
            assert_eq!(Rate::new(bad), None, "{bad}");
        }
        assert_eq!(Rate::new(2.5).unwrap().per_window(), 3);
    }

    #[test]
    fn delivers_at_least_95_percent() {
        for rate in [1.0, 2.0, 10.0, 50.0, 200.0, 1000.0] {
            let delivered = 1.0 / pace(rate).spacing.as_secs_f64();
            assert!(delivered >= 0.965 * rate, "{delivered} of {rate}");
        }
    }

    #[test]
    fn below_one_a_second_starts_are_spaced() {
        let pace = pace(0.1);
        assert!(pace.spacing - Tolerance::ALONE.lateness >= Duration::from_secs(10));
    }

    #[test]
    fn crawl_delay_only_slows() {
        let slow = pace(10.0).at_least(Duration::from_secs(3), Tolerance::ALONE);
        assert!(slow.spacing - Tolerance::ALONE.lateness >= Duration::from_secs(3));
        let same = pace(0.1).at_least(Duration::from_secs(3), Tolerance::ALONE);
        assert_eq!(same, pace(0.1));
    }

    #[test]
    fn passed_slots_are_forfeited() {
        let pace = pace(10.0);
        let Grant::Take { mut lease, .. } = grant(None, Moment(0), pace, 3, Duration::ZERO) else {
            panic!("nobody is ahead");
        };
        let late = Moment(0) + pace.spacing + pace.patience + Duration::from_nanos(1);
        let slot = lease.take(late).unwrap();
        assert_eq!(slot.at, Moment(0) + pace.spacing * 2);
        assert_eq!(slot.timing(late), Timing::Early(late.until(slot.at)));
        assert_eq!(slot.timing(slot.at), Timing::Fire);
        assert_eq!(slot.timing(slot.until), Timing::Fire);
        assert_eq!(slot.timing(Moment(slot.until.0 + 1)), Timing::Late);
        assert_eq!(lease.take(late), None);
    }

    #[test]
    fn the_slower_pace_counts_for_a_minute() {
        let (slow, fast, now) = (pace(1.0), pace(10.0), Moment::from_millis(100_000));
        let state = PaceState {
            last: Some(now),
            spacing: slow.spacing,
            asked: now,
            held: Moment(0),
        };
        let at = |later: Duration, asked| state.pace(now + later, asked).spacing;
        assert_eq!(at(REMEMBERED, fast), slow.spacing);
        assert_eq!(at(REMEMBERED + Duration::from_nanos(1), fast), fast.spacing);
        assert_eq!(at(Duration::ZERO, pace(0.5)), pace(0.5).spacing);
    }

    #[test]
    fn the_next_slot_keeps_its_distance_from_the_last_and_from_a_hold() {
        let last = Moment::from_millis(5_000);
        let state = |last, held| PaceState {
            last,
            held,
            ..PaceState::UNUSED
        };
        let pace = pace(10.0);
        for (last, held, next) in [
            (None, Moment(0), None),
            (None, last, Some(last)),
            (Some(last), Moment(0), Some(last + pace.spacing)),
            (Some(last), last, Some(last + pace.spacing)),
            (Some(last), Moment(u64::MAX), Some(Moment(u64::MAX))),
        ] {
            assert_eq!(state(last, held).next(pace), next);
        }
    }

    #[test]
    fn a_far_slot_is_a_wait() {
        let next = Some(Moment::from_millis(5_000));
        let wait = grant(next, Moment(0), pace(10.0), 1, Duration::from_secs(1));
        assert_eq!(wait, Grant::Wait(Duration::from_secs(4)));
    }
}
