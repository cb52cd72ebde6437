//! The clock of one process.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use canter_core::time::Moment;

/// Wall-clock time that never jumps: the wall clock is read once, and only the monotonic clock
/// after that. All slots of a process must be measured with the same clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    wall: Duration,
}

impl Clock {
    /// A clock that shows the wall-clock time.
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        Self::showing(Moment(0) + wall.unwrap_or_default())
    }

    /// A clock that shows `now`, which may be wrong.
    pub fn showing(now: Moment) -> Self {
        Clock {
            began: Instant::now(),
            wall: Moment(0).until(now),
        }
    }

    /// Time since the Unix epoch.
    pub fn now(&self) -> Moment {
        Moment(0) + (self.wall + self.began.elapsed())
    }
}
