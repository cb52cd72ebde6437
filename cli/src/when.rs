//! Times for people and for programs.

use std::time::Duration;

use canter_http::Clock;
use indicatif::HumanDuration;
use jiff::Timestamp;

/// The current time, in Unix milliseconds.
pub fn now_ms() -> u64 {
    Clock::start().now().millis()
}

/// A time as RFC 3339, in UTC and whole seconds.
pub fn iso(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| String::new(), |at| at.to_string())
}

/// A time both ways: `3 minutes ago (2026-11-22T10:00:00Z)`.
pub fn ago(ms: u64, now_ms: u64) -> String {
    format!("{} ({})", span(ms, now_ms), iso(ms))
}

/// A time relative to now: `3 minutes ago`.
pub fn span(ms: u64, now_ms: u64) -> String {
    let span = HumanDuration(Duration::from_millis(now_ms.abs_diff(ms)));
    if ms > now_ms {
        format!("in {span}")
    } else if now_ms - ms < 1_000 {
        "just now".to_owned()
    } else {
        format!("{span} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_twice() {
        let now = 1_700_000_000_000;
        for (ms, expected) in [
            (now - 200, "just now (2023-11-14T22:13:19Z)"),
            (now - 180_000, "3 minutes ago (2023-11-14T22:10:20Z)"),
            (now + 7_200_000, "in 2 hours (2023-11-15T00:13:20Z)"),
        ] {
            assert_eq!(ago(ms, now), expected);
        }
    }
}
