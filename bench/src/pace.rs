//! The pace that a site's log shows.

use std::time::Duration;

use canter_tests::log::most_in_a_second;

/// The pace of requests, by their times of arrival.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Maximum number of requests in any sliding second.
    pub most: usize,
    /// Mean requests per second between the first and the last; none for fewer than two.
    pub mean: Option<f64>,
    /// Maximum time without a request.
    pub gap: Duration,
}

impl Pace {
    /// The pace of ascending times.
    pub fn of(times: &[Duration]) -> Self {
        let mean = times.first().zip(times.last()).and_then(|(first, last)| {
            // The first request only starts the clock.
            let span = (*last - *first).as_secs_f64();
            (span > 0.0).then(|| (times.len() - 1) as f64 / span)
        });
        let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
        Pace {
            most: most_in_a_second(times),
            mean,
            gap: gaps.max().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn pace(times_ms: &[u64], most: usize, mean: Option<f64>, gap_ms: u64) {
        let times: Vec<Duration> = times_ms
            .iter()
            .copied()
            .map(Duration::from_millis)
            .collect();
        let gap = Duration::from_millis(gap_ms);
        assert_eq!(Pace::of(&times), Pace { most, mean, gap }, "{times_ms:?}");
    }

    #[test]
    fn nothing_has_no_mean() {
        pace(&[], 0, None, 0);
        pace(&[700], 1, None, 0);
        pace(&[700, 700], 2, None, 0);
    }

    #[test]
    fn the_first_request_is_not_one_of_the_time_it_opens() {
        pace(&[0, 500, 1000], 2, Some(2.0), 500);
        pace(&[300, 400, 500, 600, 700], 5, Some(10.0), 100);
    }

    #[test]
    fn a_pause_counts() {
        pace(&[0, 100, 5000], 2, Some(0.4), 4900);
    }
}
