//! Dates of sitemaps and feeds: W3C datetime (<https://www.w3.org/TR/NOTE-datetime>) and RFC 2822.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

use crate::time::Moment;

/// The moment that a date names. A year, a month or a day means its first second, and a time
/// without a zone is UTC. None for what is not a date, and for one before 1970.
pub(super) fn parse(text: &str) -> Option<Moment> {
    let text = text.trim();
    let at = match text.len() {
        4 => day(&format!("{text}-01-01")),
        7 => day(&format!("{text}-01")),
        10 => day(text),
        _ => text
            .parse::<Timestamp>()
            .ok()
            .or_else(|| in_greenwich(text.parse().ok()?))
            .or_else(|| rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())),
    }?;
    let millis = u64::try_from(at.as_millisecond()).ok()?;
    Some(Moment::from_millis(millis))
}

fn day(text: &str) -> Option<Timestamp> {
    in_greenwich(text.parse::<Date>().ok()?.at(0, 0, 0, 0))
}

fn in_greenwich(at: DateTime) -> Option<Timestamp> {
    at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::parse;

    macro_rules! dates {
        ($($name:ident: $text:expr => $seconds:expr,)*) => {
            $(#[test]
            fn $name() {
                let seconds: Option<u64> = $seconds;
                let millis = parse($text).map(|at| at.millis());
                assert_eq!(millis, seconds.map(|seconds| seconds * 1000));
            })*
        };
    }

    dates! {
        year: "1997" => Some(852_076_800),
        month: "1997-07" => Some(867_715_200),
        day: " 1997-07-16\n" => Some(869_011_200),
        minutes: "1997-07-16T19:20+01:00" => Some(869_077_200),
        seconds: "1997-07-16T19:20:30+01:00" => Some(869_077_230),
        seconds_of_greenwich: "1997-07-16T18:20:30Z" => Some(869_077_230),
        without_a_zone: "1997-07-16T18:20:30" => Some(869_077_230),
        with_a_space: "1997-07-16 18:20:30" => Some(869_077_230),
        of_a_feed: "Wed, 16 Jul 1997 19:20:30 +0100" => Some(869_077_230),
        before_the_epoch: "1969-12-31" => None,
        no_such_month: "1997-13" => None,
        no_such_day: "1997-02-30" => None,
        sign_for_a_year: "-997" => None,
        words: "yesterday" => None,
        nothing: "" => None,
        not_ascii: "1997-0é" => None,
    }

    #[test]
    fn parts_of_a_second() {
        let at = parse("1997-07-16T19:20:30.45+01:00").unwrap();
        assert_eq!(at.millis(), 869_077_230_450);
    }
}
