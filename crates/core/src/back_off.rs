//! How long to wait after a failure: as long as the server asks for, or else longer each time.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

use crate::exchange::Headers;
use crate::time::Moment;

/// Wait after the first failed attempt, before jitter.
const MIN_WAIT: Duration = Duration::from_secs(1);
/// Maximum wait where the server names none.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The wait from `now` (since the Unix epoch) that `Retry-After` asks for (RFC 9110 §10.2.3): a
/// number of seconds, or a date in any of the three forms of §5.6.7. A date that has passed gives a
/// wait of zero. None without the header, and if its value is neither. The server may ask for
/// years, so the caller must bound the wait.
pub fn retry_after(headers: &Headers, now: Moment) -> Option<Duration> {
    let value = headers.get("retry-after")?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large to parse is a long wait, not a broken header.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let millis = http_date(value)?.as_millisecond();
    // A date before 1970 has passed, like any other in the past.
    let then = Moment::from_millis(u64::try_from(millis).unwrap_or(0));
    Some(now.until(then))
}

/// The wait before the next attempt where the server names none: 1 s after the first failure
/// (`attempt` 0, as in [`Task::attempts`](crate::task::Task::attempts)), doubling up to 60 s. Half
/// of it is fixed and the other half is scaled by `jitter` (0 to 1), so that workers that failed
/// together come back apart.
pub fn back_off(attempt: u32, jitter: f64) -> Duration {
    let wait = MIN_WAIT
        .saturating_mul(2_u32.saturating_pow(attempt))
        .min(MAX_WAIT);
    let jitter = if jitter.is_nan() {
        0.0
    } else {
        jitter.clamp(0.0, 1.0)
    };
    wait.mul_f64(0.5 + jitter / 2.0)
}

/// Parses a date by RFC 9110 §5.6.7. The weekday may be wrong: servers get it wrong, and the rest
/// of the date is clear.
fn http_date(value: &str) -> Option<Timestamp> {
    let imf = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    if let Ok(timestamp) = imf.parse_timestamp(value) {
        return Some(timestamp);
    }
    // The obsolete forms of RFC 850 and of C's asctime(), after their weekday.
    let (_, date) = value.split_once(' ')?;
    ["%d-%b-%y %H:%M:%S GMT", "%b %e %H:%M:%S %Y"]
        .into_iter()
        .find_map(|form| strtime::parse(form, date).ok()?.to_datetime().ok())?
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_reads_every_form() {
        // Sun, 06 Nov 1994 08:49:37 GMT, the RFC's own example.
        let now = Moment::from_millis(784_111_777_000);
        let secs = Duration::from_secs;
        let rows = [
            ("120", Some(secs(120))),
            (" 0 ", Some(secs(0))),
            ("99999999999999999999999", Some(secs(u64::MAX))),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(secs(60))),
            ("Mon, 06 Nov 1994 08:50:37 GMT", Some(secs(60))),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(secs(60))),
            ("Monday, 06-Nov-94 08:50:37 GMT", Some(secs(60))),
            ("Sun Nov  6 08:50:37 1994", Some(secs(60))),
            ("Sun Nov 16 08:49:37 1994", Some(secs(864_000))),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(secs(0))),
            ("Sun, 06 Nov 1904 08:00:00 GMT", Some(secs(0))),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ];
        for (value, expected) in rows {
            let headers = Headers(vec![("Retry-After".into(), value.into())]);
            assert_eq!(retry_after(&headers, now), expected, "{value:?}");
        }
        assert_eq!(retry_after(&Headers::default(), now), None);
    }

    #[test]
    fn back_off_doubles_up_to_a_minute() {
        let rows = [
            (0, 1.0, 1_000),
            (0, 0.0, 500),
            (1, 1.0, 2_000),
            (3, 0.5, 6_000),
            (5, 1.0, 32_000),
            (6, 1.0, 60_000),
            (u32::MAX, 0.0, 30_000),
            (0, f64::NAN, 500),
            (0, -3.0, 500),
            (0, f64::INFINITY, 1_000),
        ];
        for (attempt, jitter, millis) in rows {
            assert_eq!(
                back_off(attempt, jitter),
                Duration::from_millis(millis),
                "{attempt} {jitter}"
            );
        }
    }
}
