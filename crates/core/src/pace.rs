//! The exact pace: slots with a firing deadline.
//!
//! Each domain has one stored record, the next free slot. A worker leases a run of slots with one
//! conditional write and may start one request in each, from the slot's time until a short
//! lateness after it; later the slot is forfeited. With the spacing chosen by [`Pace::new`], no
//! sliding second sees more starts than the rate allows, over any number of workers whose clocks
//! agree within the tolerance. A worker that is alone knows every start, and may fire a slot even
//! later when its [`Window`] has room: see `docs/adr/0004`. This file decides; the store behind
//! [`crate::ports::Paces`] only compares and sets.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Moment;

/// Requests per second, between [`Rate::MIN`] and [`Rate::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Rate(f64);

impl Rate {
    /// One request in a little less than three hours.
    pub const MIN: f64 = 0.0001;
    /// Beyond this, one machine's clock and scheduler no longer hold the promise.
    pub const MAX: f64 = 10_000.0;

    /// A rate, or nothing when it is no number in the range.
    pub fn new(per_second: f64) -> Option<Self> {
        (Self::MIN..=Self::MAX)
            .contains(&per_second)
            .then_some(Rate(per_second))
    }

    /// Requests per second.
    pub fn per_second(self) -> f64 {
        self.0
    }

    /// The most requests that may start in any sliding second: fractions are rounded up.
    pub fn per_window(self) -> u32 {
        self.0.ceil() as u32
    }
}

/// What may stand between the time of a slot and the time at which a site sees its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tolerance {
    /// How long after its time a slot may fire at no cost to the slots that follow.
    pub lateness: Duration,
    /// How long after its time a slot may fire where the window has room. More than the lateness
    /// only for a worker that is alone.
    pub patience: Duration,
    /// How far a worker's clock may be from the true time, either way.
    pub clock_error: Duration,
    /// Room for a request's way from the socket to the site's log.
    pub guard: Duration,
}

impl Tolerance {
    /// One process, one clock. 96.8 % of the rate is delivered, and what the start of a crawl or
    /// a busy machine holds up is made good within the patience.
    pub const ALONE: Tolerance = Tolerance {
        lateness: Duration::from_millis(3),
        patience: Duration::from_millis(60),
        clock_error: Duration::ZERO,
        guard: Duration::from_millis(30),
    };

    /// Many workers on machines whose clocks agree to within 10 ms: 93.9 % of the rate. A worker
    /// does not know what the others started, so it is late at most as the spacing pays for.
    /// Figures: `docs/adr/0007`.
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

/// How a domain's slots lie: the rate and the tolerance turned into a spacing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// From one slot to the next.
    pub spacing: Duration,
    /// How long after its time a slot may still fire.
    pub patience: Duration,
    /// At most so many starts of one worker ...
    pub most: u32,
    /// ... lie within less than this.
    pub span: Duration,
}

impl Pace {
    /// The pace of a rate: `(1 + d + 2e + g) / R` between slots. The last of R + 1 slots in a row
    /// then lies more than a second after the first, even when the first fires as late and the
    /// last appears as early as the tolerance allows. Below one request a second, starts are at
    /// least `1 / R` apart.
    pub fn new(rate: Rate, tolerance: Tolerance) -> Self {
        let window = Duration::from_secs_f64(1.0 / rate.per_second().min(1.0));
        let slots = rate.per_second().max(1.0);
        Pace {
            spacing: (window + tolerance.total()).div_f64(slots),
            patience: tolerance.patience,
            most: rate.per_window(),
            span: window + tolerance.guard,
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
            most: 1,
            span: delay + tolerance.guard,
        }
    }
}

/// The last starts of one worker. Asked before each start, it keeps that worker to its pace
/// whatever the scheduler does to it.
#[derive(Debug, Clone, Default)]
pub struct Window {
    starts: VecDeque<Moment>,
}

impl Window {
    /// The earliest time of the next start, none when it may be at any time.
    pub fn opens(&self, pace: Pace) -> Option<Moment> {
        let first = self.starts.len().checked_sub(pace.most as usize)?;
        Some(*self.starts.get(first)? + pace.span)
    }

    /// Notes a start. Those of more than `span` before it are forgotten.
    pub fn record(&mut self, at: Moment, span: Duration) {
        while self.starts.front().is_some_and(|&old| old + span < at) {
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
    /// `count` slots, the first one at `first`.
    pub fn new(first: Moment, count: u32, pace: Pace) -> Self {
        Lease {
            next: first,
            left: count,
            pace,
        }
    }

    /// When its last slot can fire no more; its next one's time when none is left.
    pub fn end(&self) -> Moment {
        match self.left.checked_sub(1) {
            Some(more) => self.next + self.pace.spacing * more + self.pace.patience,
            None => self.next,
        }
    }

    /// Takes the earliest slot that can still fire at `now`; slots that have passed are forfeited.
    pub fn take(&mut self, now: Moment) -> Option<Slot> {
        let slot = self.peek(now)?;
        self.next = slot.at + self.pace.spacing;
        self.left -= 1;
        Some(slot)
    }

    /// The slot that [`Lease::take`] would give; forgets the ones that have passed.
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
    /// Not before this.
    pub at: Moment,
    /// Not after this.
    pub until: Moment,
}

/// What may be done with a slot now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Wait so long, then ask again.
    Early(Duration),
    /// Start the request at once.
    Fire,
    /// The slot is forfeited.
    Late,
}

impl Slot {
    /// Judges the slot at `now`.
    pub fn verdict(self, now: Moment) -> Verdict {
        if now < self.at {
            Verdict::Early(now.until(self.at))
        } else if now <= self.until {
            Verdict::Fire
        } else {
            Verdict::Late
        }
    }
}

/// What to do when a worker asks for slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Store the new record if the old one is still there; then the lease holds.
    Take {
        /// The slots.
        lease: Lease,
        /// The next free slot from now on.
        next: Moment,
    },
    /// Others are ahead, or the domain is held: ask again after this.
    Wait(Duration),
}

/// A slower pace counts for everybody, until nobody has asked for it for so long.
pub const REMEMBERED: Duration = Duration::from_secs(60);

/// What was given of a domain that many workers share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// The last slot that was given; none when there was none.
    pub last: Option<Moment>,
    /// The spacing that counts.
    pub spacing: Duration,
    /// When somebody last asked for that spacing.
    pub asked: Moment,
    /// No slot lies before this.
    pub held: Moment,
}

impl Given {
    /// Nothing yet.
    pub const NOTHING: Given = Given {
        last: None,
        spacing: Duration::ZERO,
        asked: Moment(0),
        held: Moment(0),
    };

    /// The pace for whoever asks for `pace`: the slower one wins, where two sites on one domain
    /// have different rates, or only one worker knows of a `Crawl-delay` yet.
    pub fn pace(&self, now: Moment, pace: Pace) -> Pace {
        if self.spacing > pace.spacing && now <= self.asked + REMEMBERED {
            let spacing = self.spacing;
            return Pace { spacing, ..pace };
        }
        pace
    }

    /// The next free slot at that pace: a whole spacing after the last one, whatever lay between
    /// the slots before it.
    pub fn next(&self, pace: Pace) -> Option<Moment> {
        let after = self.last.map(|last| last + pace.spacing);
        after.max((self.held > Moment(0)).then_some(self.held))
    }
}

/// Decides on a request for `count` slots. `next` is the domain's next free slot, none when it has
/// never been used; slots further away than `horizon` are not given out, so that a worker that
/// dies takes little with it.
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
        assert_eq!(slot.verdict(late), Verdict::Early(late.until(slot.at)));
        assert_eq!(slot.verdict(slot.at), Verdict::Fire);
        assert_eq!(slot.verdict(slot.until), Verdict::Fire);
        assert_eq!(slot.verdict(Moment(slot.until.0 + 1)), Verdict::Late);
        assert_eq!(lease.take(late), None);
    }

    #[test]
    fn the_slower_pace_counts_for_a_minute() {
        let (slow, fast, now) = (pace(1.0), pace(10.0), Moment::from_millis(100_000));
        let given = Given {
            last: Some(now),
            spacing: slow.spacing,
            asked: now,
            held: Moment(0),
        };
        let at = |later: Duration, asked| given.pace(now + later, asked).spacing;
        assert_eq!(at(REMEMBERED, fast), slow.spacing);
        assert_eq!(at(REMEMBERED + Duration::from_nanos(1), fast), fast.spacing);
        assert_eq!(at(Duration::ZERO, pace(0.5)), pace(0.5).spacing);
    }

    #[test]
    fn the_next_slot_keeps_its_distance_from_the_last_and_from_a_hold() {
        let last = Moment::from_millis(5_000);
        let given = |last, held| Given {
            last,
            held,
            ..Given::NOTHING
        };
        let pace = pace(10.0);
        for (last, held, next) in [
            (None, Moment(0), None),
            (None, last, Some(last)),
            (Some(last), Moment(0), Some(last + pace.spacing)),
            (Some(last), last, Some(last + pace.spacing)),
            (Some(last), Moment(u64::MAX), Some(Moment(u64::MAX))),
        ] {
            assert_eq!(given(last, held).next(pace), next);
        }
    }

    #[test]
    fn a_far_slot_is_a_wait() {
        let next = Some(Moment::from_millis(5_000));
        let wait = grant(next, Moment(0), pace(10.0), 1, Duration::from_secs(1));
        assert_eq!(wait, Grant::Wait(Duration::from_secs(4)));
    }
}
