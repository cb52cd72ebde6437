//! How long a batch may take.

use std::time::Duration;

use tokio::time::Instant;

/// Minimum and maximum time that a function needs to say what became of its batch.
const FAREWELL: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));
/// Maximum time that the steps under way may take to come to their end.
const ENDING: Duration = Duration::from_secs(15);

/// When a batch is to begin no more, and when it is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// Nothing is begun after this; what is left is sent on.
    pub begin: Instant,
    /// Whatever is under way is given up at this, and sent on.
    pub end: Instant,
}

impl Deadline {
    /// The deadline of a process that is ended after `left`.
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
