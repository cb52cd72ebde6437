//! What a process remembers of a domain, and the write that it tries next.

use std::time::Duration;

use canter_core::pace::{Given, Grant, Pace, grant};
use canter_core::time::Moment;

use super::HORIZON;
use super::record::Record;

/// Those who wait come back within so long, and twice that for each step of the crowd.
const APART: Duration = Duration::from_millis(125);
/// The largest crowd: they come back within a second, so that a few of them always do.
const CROWD: u32 = 3;

/// What this process saw last of a domain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) given: Given,
    /// The last slot that this process got.
    pub(super) mine: Option<Moment>,
    /// Others were using the domain.
    pub(super) contested: bool,
    /// How often in a row, about, others had taken all slots there were.
    pub(super) crowd: u32,
    /// No use asking before this.
    pub(super) not_before: Moment,
    /// The time of the last writer.
    pub(super) at: Option<Moment>,
    /// The time that this process wrote last.
    pub(super) wrote: Option<Moment>,
}

/// A lease's write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) pace: Pace,
    pub(super) count: u32,
    /// The spacing is the asker's own, and counts for all from now on.
    pub(super) own: bool,
    /// The first slot; none for the one after the last.
    pub(super) first: Option<Moment>,
}

impl Known {
    pub(super) const NOTHING: Known = Known {
        given: Given::NOTHING,
        mine: None,
        contested: false,
        crowd: 0,
        not_before: Moment(0),
        at: None,
        wrote: None,
    };

    pub(super) fn saw(&mut self, record: Record) {
        self.given = record.given;
        self.at = record.at;
    }

    /// The write to try at `now`, or how long to wait. `fresh`: the record was read just now.
    pub(super) fn plan(
        &mut self,
        now: Moment,
        asked: Pace,
        count: u32,
        fresh: bool,
    ) -> Result<Step, Duration> {
        if self.not_before > now {
            return Err(now.until(self.not_before));
        }
        let given = self.given;
        let pace = given.pace(now, asked);
        let mut lease = match grant(given.next(pace), now, pace, count, HORIZON) {
            Grant::Take { lease, .. } => lease,
            Grant::Wait(wait) => return Err(self.refuse(now, wait)),
        };
        let first = lease.peek(now).map_or(now, |slot| slot.at);
        let free = given.held <= now || given.last.is_some_and(|last| given.held <= last);
        let on = given.last.is_some_and(|last| {
            let next = last + pace.spacing;
            // Others have gone on meanwhile, as they did the last time.
            next >= now || (self.contested && !fresh)
        });
        Ok(Step {
            pace,
            count,
            own: pace.spacing == asked.spacing,
            first: (!on || !free).then_some(first),
        })
    }

    /// All slots up to the horizon are taken; there will be some after `wait`. Those who wait come
    /// back one after the other, the more of them the further apart: otherwise all would come at
    /// once, and all but one in vain.
    fn refuse(&mut self, now: Moment, wait: Duration) -> Duration {
        let held = self.given.last.is_none_or(|last| self.given.held > last);
        if !held {
            self.crowd = (self.crowd + 2).min(CROWD);
        }
        let apart = if held {
            HORIZON
        } else {
            APART * (1 << self.crowd)
        };
        let wait = wait + apart.mul_f64(fastrand::f64());
        self.not_before = now + wait;
        wait
    }
}
