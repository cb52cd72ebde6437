//! What a process remembers of a domain, and the lease that it tries next.

use std::time::Duration;

use canter_core::pace::{Grant, Pace, PaceState, grant};
use canter_core::time::Moment;

use super::HORIZON;
use super::record::{LeaseWrite, Record};

/// Span over which workers that found no slot come back. It doubles with each step of the crowd.
const APART: Duration = Duration::from_millis(125);
/// Maximum size of the crowd. Its workers come back within a second, so that a few of them always do.
const MAX_CROWD: u32 = 3;

/// The state of a domain as this process saw it last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    pub(super) state: PaceState,
    /// The last slot that this process got.
    pub(super) mine: Option<Moment>,
    /// Others were using the domain.
    pub(super) contested: bool,
    /// How often in a row, about, others had taken all slots.
    pub(super) crowd: u32,
    /// When asking makes sense again.
    pub(super) not_before: Moment,
    /// The time of the last writer.
    pub(super) at: Option<Moment>,
    /// The time that this process wrote last.
    pub(super) wrote: Option<Moment>,
}

impl Memory {
    pub(super) const NOTHING: Memory = Memory {
        state: PaceState::UNUSED,
        mine: None,
        contested: false,
        crowd: 0,
        not_before: Moment(0),
        at: None,
        wrote: None,
    };

    pub(super) fn saw(&mut self, record: Record) {
        self.state = record.state;
        self.at = record.at;
    }

    /// The write to try at `now`, or how long to wait. `fresh` says that the record was just read.
    pub(super) fn plan(
        &mut self,
        now: Moment,
        asked: Pace,
        count: u32,
        fresh: bool,
    ) -> Result<LeaseWrite, Duration> {
        if self.not_before > now {
            return Err(now.until(self.not_before));
        }
        let state = self.state;
        let pace = state.pace(now, asked);
        let mut lease = match grant(state.next(pace), now, pace, count, HORIZON) {
            Grant::Take { lease, .. } => lease,
            Grant::Wait(wait) => return Err(self.refuse(now, wait)),
        };
        let first = lease.peek(now).map_or(now, |slot| slot.at);
        let free = state.held <= now || state.last.is_some_and(|last| state.held <= last);
        let on = state.last.is_some_and(|last| {
            let next = last + pace.spacing;
            // Others have probably taken slots since, as they did the last time.
            next >= now || (self.contested && !fresh)
        });
        Ok(LeaseWrite {
            pace,
            count,
            own: pace.spacing == asked.spacing,
            first: (!on || !free).then_some(first),
        })
    }

    /// Notes that all slots up to the horizon are taken, and adds jitter to the wait for the next
    /// ones. The larger the crowd, the larger the jitter: if all workers came back at once, all but
    /// one would do so in vain.
    fn refuse(&mut self, now: Moment, wait: Duration) -> Duration {
        let held = self.state.last.is_none_or(|last| self.state.held > last);
        if !held {
            self.crowd = (self.crowd + 2).min(MAX_CROWD);
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
