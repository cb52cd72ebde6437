//! Numbers, times and links for people.

use std::time::Duration;

use indicatif::HumanCount;
use jiff::Timestamp;
use maud::{Markup, html};

/// Maximum number of characters that are shown of a URL or a text.
const SHOWN: usize = 160;

/// A number with separated thousands.
pub(super) fn number(number: u64) -> String {
    HumanCount(number).to_string()
}

/// A number with its noun.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", HumanCount(count))
}

/// A date with hours and minutes.
pub(super) fn date(unix_ms: u64) -> String {
    let time = i64::try_from(unix_ms).map(Timestamp::from_millisecond);
    match time {
        Ok(Ok(time)) => time.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        _ => "an unknown day".to_owned(),
    }
}

/// A duration of seconds or more.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{} s", (span.as_secs_f64() * 10.0).round() / 10.0),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!(
            "{} h {} min",
            HumanCount(seconds / 3600),
            seconds % 3600 / 60
        ),
    }
}

/// The duration of an answer.
pub(super) fn millis(ms: u64) -> String {
    match ms {
        0 => "< 1 ms".to_owned(),
        1..1000 => format!("{ms} ms"),
        1000..10_000 => format!("{:.2} s", ms as f64 / 1000.0),
        _ => format!("{:.1} s", ms as f64 / 1000.0),
    }
}

/// A percentage that is never rounded to nothing or to all.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    match share {
        0.0 => "0 %".to_owned(),
        ..0.1 => "< 0.1 %".to_owned(),
        99.95.. if part < whole => "> 99.9 %".to_owned(),
        ..10.0 | 99.0..100.0 => format!("{share:.1} %"),
        _ => format!("{share:.0} %"),
    }
}

/// A link to `url`, shown as `text`.
pub(super) fn link(url: &str, text: &str) -> Markup {
    let web = url.starts_with("http://") || url.starts_with("https://");
    html! {
        @if web {
            a href=(url) rel="nofollow noreferrer" { bdi { (cut(text)) } }
        } @else {
            bdi { (cut(text)) }
        }
    }
}

/// A text, shortened if it is too long.
pub(super) fn cut(text: &str) -> String {
    let mut letters = text.chars();
    let mut shown: String = letters.by_ref().take(SHOWN).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        for (part, whole, expect) in [
            (0, 0, "0 %"),
            (1, 100_000, "< 0.1 %"),
            (1, 64, "1.6 %"),
            (99_999, 100_000, "> 99.9 %"),
            (528, 529, "99.8 %"),
            (7, 7, "100 %"),
        ] {
            assert_eq!(percent(part, whole), expect);
        }
    }

    #[test]
    fn only_the_web_is_linked() {
        let marked = link("javascript:alert(1)", "<b>").into_string();
        assert_eq!(marked, "<bdi>&lt;b&gt;</bdi>");
    }
}
