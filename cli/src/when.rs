//! Times for people and for programs.

use std::time::Duration;

use canter_http::Clock;
use indicatif::HumanDuration;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The current time, in Unix milliseconds.
pub fn now_ms() -> u64 {
    Clock::start().now().millis()
}

/// A time as RFC 3339, in UTC and whole seconds.
pub fn iso(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| String::new(), |at| at.to_string())
}

/// When the calendar month of a time began in UTC, in Unix milliseconds.
pub fn month_began(ms: u64) -> u64 {
    let now = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let now = now.unwrap_or_default().to_zoned(TimeZone::UTC);
    let began = now.first_of_month().and_then(|first| first.start_of_day());
    let began = began.map_or(0, |began| began.timestamp().as_millisecond());
    u64::try_from(began).unwrap_or_default()
}

/// A length of time, exactly: `36h`, `1h 30m`.
pub fn length(span: Duration) -> String {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    format!("{span:#}")
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
    fn a_month_begins_at_its_first_midnight_in_utc() {
        for (at, expected) in [
            (1_700_000_000_000, "2023-11-01T00:00:00Z"),
            (1_698_796_800_000, "2023-11-01T00:00:00Z"),
            (1_698_796_799_999, "2023-10-01T00:00:00Z"),
        ] {
            assert_eq!(iso(month_began(at)), expected);
        }
    }

    #[test]
    fn lengths_are_exact() {
        assert_eq!(length(Duration::from_secs(36 * 3_600)), "36h");
        assert_eq!(length(Duration::from_secs(5_400)), "1h 30m");
    }

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
