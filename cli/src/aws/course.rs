//! The recent course of a crawl in the cloud, and the frame that is shown of it. Workers note their
//! progress once per batch, so the rate is measured between notes.

use std::collections::VecDeque;
use std::time::Duration;

use canter_aws::Crawling;

use crate::crawl::frame::Frame;

/// Time over which the rate is measured.
const RECENT: Duration = Duration::from_secs(60);
/// Time without a note after which the crawl counts as slower than its last notes say.
const LULL: Duration = Duration::from_secs(20);
/// Time without a sign of life after which the crawl may have lost its workers.
const SILENCE: Duration = Duration::from_secs(10 * 60);

/// What was seen of a crawl.
#[derive(Debug, Default)]
pub struct Course {
    /// Numbers of requests, and when each was first seen since the watch began.
    notes: VecDeque<(Duration, u64)>,
}

impl Course {
    /// The frame of a crawl that was loaded `at` this time since the watch began, at `now_ms` on
    /// the clock. `function` is the function whose log its workers write.
    pub fn frame(
        &mut self,
        crawling: &Crawling,
        at: Duration,
        now_ms: u64,
        function: Option<&str>,
    ) -> Frame {
        let progress = crawling.progress;
        self.note(at, progress.requests);
        Frame {
            pages: progress.pages,
            done: progress.done,
            waiting: progress.waiting(),
            failed: progress.failed,
            retries: progress.retries,
            rps: self.rate(at).round() as u32,
            cloud_trouble: silence(now_ms.saturating_sub(crawling.alive_ms), function),
            ..Frame::default()
        }
    }

    fn note(&mut self, at: Duration, requests: u64) {
        if self.notes.back().is_none_or(|(_, last)| *last != requests) {
            self.notes.push_back((at, requests));
        }
        while self.notes.len() > 2 && self.notes[1].0 + RECENT < at {
            self.notes.pop_front();
        }
    }

    /// Requests per second.
    fn rate(&self, at: Duration) -> f64 {
        let (Some(first), Some(last)) = (self.notes.front(), self.notes.back()) else {
            return 0.0;
        };
        let until = if at > last.0 + LULL { at } else { last.0 };
        let span = until.saturating_sub(first.0).as_secs_f64();
        let requests = last.1.saturating_sub(first.1) as f64;
        if span > 0.0 { requests / span } else { 0.0 }
    }
}

/// The message for a crawl without a sign of life.
fn silence(ms: u64, function: Option<&str>) -> Option<String> {
    let silence = Duration::from_millis(ms);
    (silence > SILENCE).then(|| {
        let minutes = silence.as_secs() / 60;
        let log = function.map_or("its fetch function".to_owned(), |name| {
            format!("the function {name}")
        });
        format!("no sign of life for {minutes} min: the log of {log} may say why")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rate after these numbers of requests, one a second.
    fn rate(requests: impl IntoIterator<Item = u64>) -> f64 {
        let mut course = Course::default();
        let mut rate = 0.0;
        for (at, requests) in (0..).zip(requests) {
            let at = Duration::from_secs(at);
            course.note(at, requests);
            rate = course.rate(at);
        }
        rate
    }

    #[test]
    fn notes_that_come_in_lumps_are_a_steady_rate() {
        assert_eq!(rate([0]), 0.0);
        assert_eq!(rate([7, 7, 7]), 0.0);
        for seconds in [5, 20, 59, 120, 999] {
            assert_eq!(rate((0..=seconds).map(|at| at * 10)), 10.0);
        }
        // Batches of 150 requests in 15 s, whenever it is asked.
        for seconds in [16, 29, 30, 31, 300, 333] {
            assert_eq!(
                rate((0..seconds).map(|at| at / 15 * 150)),
                10.0,
                "{seconds}"
            );
        }
    }

    #[test]
    fn what_stands_still_is_slow_before_long() {
        let standing = |for_seconds: u64| rate((0..60 + for_seconds).map(|at| at.min(60) * 10));
        assert_eq!(standing(10), 10.0);
        assert!((4.0..6.0).contains(&standing(30)), "{}", standing(30));
        assert!(standing(60) < 1.0, "{}", standing(60));
        assert!(standing(600) < 1.0, "{}", standing(600));
    }

    #[test]
    fn a_change_of_rate_shows_within_a_minute() {
        let slower = (0..300_u64).map(|at| at.min(200) * 10 + at.saturating_sub(200) * 2);
        assert!((rate(slower) - 2.0).abs() < 0.3);
    }

    #[test]
    fn silence_is_told_after_ten_minutes() {
        assert_eq!(silence(600_000, None), None);
        let told = silence(780_000, Some("docs-Fetch")).unwrap();
        assert!(
            told.contains("13 min") && told.contains("docs-Fetch"),
            "{told}"
        );
    }
}
