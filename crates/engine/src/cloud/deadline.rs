//! The time limits of a batch.

use std::time::Duration;

use tokio::time::Instant;

/// Minimum and maximum time that a function needs to report the result of its batch.
const FAREWELL: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));
/// Maximum time that the steps under way may take to end.
const ENDING: Duration = Duration::from_secs(15);

/// Times at which a batch begins no more steps, and at which it has to be done.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// Time after which no step begins; the remaining tasks are sent on.
    pub begin: Instant,
    /// Time at which the steps under way are aborted, and their tasks sent on.
    pub end: Instant,
}

impl Deadline {
    /// Returns the deadline of a process that ends after `left`.
    pub fn before(left: Duration) -> Self {
        let now = Instant::now();
        let farewell = (left / 20).clamp(FAREWELL.0, FAREWELL.1);
        let end = left.saturating_sub(farewell);
        let begin = end.saturating_sub(ENDING.min(end / 3));
        Deadline {
            begin: now + begin,
            end: now + end,
        }
    }
}
