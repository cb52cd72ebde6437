//! How far a crawl is, in words.

use std::time::Duration;

use canter_core::pace::Rate;
use console::{StyledObject, style};
use indicatif::HumanCount;

use super::estimate::Left;
use super::frame::Frame;
use crate::count::counted;

/// One line. What matters most comes first, because a narrow terminal cuts it.
pub fn line(frame: &Frame, limit: Option<Rate>) -> String {
    let mut pieces = Vec::new();
    if let Some(trouble) = &frame.cloud_trouble {
        pieces.push(on_stderr(trouble.clone()).yellow().to_string());
    } else if let Some(trouble) = &frame.index_trouble {
        pieces.push(
            on_stderr(format!("waiting: {trouble}"))
                .yellow()
                .to_string(),
        );
    } else if frame.publishing {
        pieces.push(on_stderr("publishing".to_owned()).cyan().to_string());
        pieces.push(counted(frame.pages, "page"));
        return pieces.join(", ");
    } else if let Some(left) = frame.left.filter(|_| frame.waiting > 0) {
        pieces.push(on_stderr(remaining(left)).cyan().to_string());
    }
    pieces.push(counted(frame.pages, "page"));
    pieces.push(format!("{} waiting", HumanCount(frame.waiting)));
    if frame.held.is_zero() {
        pieces.push(rate(frame, limit));
    } else {
        let held = format!("on hold for {} as the site asked", rough(frame.held));
        pieces.push(on_stderr(held).yellow().to_string());
    }
    if frame.failed > 0 {
        let failed = format!("{} failed", HumanCount(frame.failed));
        pieces.push(on_stderr(failed).red().to_string());
    }
    if frame.retries > 0 {
        let mut again = format!("{} tried again", HumanCount(frame.retries));
        if let Some(trouble) = &frame.trouble {
            again += &format!(" (last: {trouble})");
        }
        pieces.push(again);
    }
    pieces.join(", ")
}

fn rate(frame: &Frame, limit: Option<Rate>) -> String {
    let limit = limit.map(Rate::per_second);
    if slows(frame.delay, limit) {
        let delay = frame.delay.as_secs_f64();
        return format!("{}/s, {delay} s apart as the site asks", frame.rps);
    }
    match limit {
        Some(limit) => format!("{} of {limit}/s", frame.rps),
        None => format!("{}/s", frame.rps),
    }
}

/// Whether the site's `Crawl-delay` sets the pace, and not the limit.
pub fn slows(delay: Duration, limit: Option<f64>) -> bool {
    limit.map_or(!delay.is_zero(), |limit| delay.as_secs_f64() * limit > 1.0)
}

fn remaining(left: Left) -> String {
    let word = if left.at_least { "at least" } else { "about" };
    format!("{word} {} left", rough(left.span))
}

/// A duration, as rough as the estimate.
fn rough(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        _ if seconds < 10.0 => format!("{} s", seconds.ceil()),
        _ if seconds < 90.0 => format!("{} s", (seconds / 5.0).round() * 5.0),
        0..90 => format!("{minutes} min"),
        90..600 => format!("{} h {} min", minutes / 60, minutes % 60 / 5 * 5),
        600..2880 => format!("{} h", (minutes + 30) / 60),
        _ => format!("{} days", HumanCount((minutes + 720) / 1440)),
    }
}

fn on_stderr(text: String) -> StyledObject<String> {
    style(text).for_stderr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_rough_as_estimates() {
        for (seconds, expect) in [
            (0.2, "1 s"),
            (9.0, "9 s"),
            (43.0, "45 s"),
            (89.0, "90 s"),
            (90.0, "2 min"),
            (5390.0, "1 h 30 min"),
            (35_900.0, "9 h 55 min"),
            (36_000.0, "10 h"),
            (172_700.0, "48 h"),
            (172_800.0, "2 days"),
            (1e9, "11,574 days"),
        ] {
            assert_eq!(rough(Duration::from_secs_f64(seconds)), expect);
        }
    }

    #[test]
    fn what_is_done_when_all_pages_are_there_is_said() {
        let frame = Frame {
            pages: 3,
            publishing: true,
            ..Frame::default()
        };
        assert_eq!(line(&frame, None), "publishing, 3 pages");
    }

    #[test]
    fn the_slower_of_limit_and_delay_counts() {
        let second = Duration::from_secs(1);
        assert!(slows(second, Some(10.0)) && slows(second, None));
        assert!(!slows(second, Some(0.5)) && !slows(Duration::ZERO, None));
    }
}
