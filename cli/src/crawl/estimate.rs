//! Estimates how long a crawl will still take from its recent course.
//!
//! It watches how many tasks end per second, and how many new links each ended task brings. While a
//! task brings one new link or more, the end is unknown, and the waiting tasks are a lower bound.
//! Below that, new links are assumed to run dry linearly: half of the present share is added to the
//! waiting tasks.

use std::time::Duration;

/// Number of tasks over which the share of new links is averaged: an eighth of all tasks seen,
/// within these bounds. A chapter full of new links thus counts for less in a large crawl.
const RECENT_TASKS: (f64, f64) = (30.0, 1000.0);
/// Time over which the rate is averaged, in seconds, and the minimum number of requests.
const RECENT_SECONDS: f64 = 10.0;
const RECENT_REQUESTS: f64 = 10.0;
/// Minimum time of measurement before the measured rate counts: the first answers come late.
const SETTLED: Duration = Duration::from_secs(3);

/// The state of a crawl at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// Time since the crawl began.
    pub at: Duration,
    /// Tasks that have ended.
    pub done: u64,
    /// Tasks that wait or are under way.
    pub waiting: u64,
    /// Remaining time of a hold that the site asked for.
    pub held: Duration,
}

/// The limits on the rest of a crawl.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bounds {
    /// Requests per second, by the limits of user and site; none if unlimited.
    pub rate: Option<f64>,
    /// Minimum number of tasks until a limit ends the crawl.
    pub tasks: Option<u64>,
    /// Time until a limit ends the crawl.
    pub time: Option<Duration>,
}

/// What is left of a crawl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// How long it takes.
    pub span: Duration,
    /// Whether it may take longer, because more new links are to be expected.
    pub at_least: bool,
}

/// Watches one crawl. Older observations count less and less.
#[derive(Debug, Default)]
pub struct Estimate {
    last: Option<Sight>,
    /// Tasks that ended while watching, and the time of watching without holds.
    seen: u64,
    watched: Duration,
    /// New links per ended task.
    fresh: Share,
    /// Ended tasks per second.
    pace: Share,
}

/// A quotient with exponential decay.
#[derive(Debug, Default)]
struct Share {
    over: f64,
    under: f64,
}

impl Share {
    fn add(&mut self, over: f64, under: f64, memory: f64) {
        let kept = (-under / memory).exp();
        self.over = self.over * kept + over;
        self.under = self.under * kept + under;
    }

    fn value(&self) -> Option<f64> {
        (self.under > 0.0).then(|| self.over / self.under)
    }
}

impl Estimate {
    /// Observes the crawl, and estimates what is left; none if that is unknown.
    pub fn left(&mut self, sight: Sight, bounds: Bounds) -> Option<Left> {
        self.watch(sight, bounds);
        let fresh = self.fresh.value();
        let waiting = sight.waiting as f64;
        let (tasks, at_least) = match fresh {
            Some(fresh) if fresh < 1.0 => (waiting * (1.0 + fresh / 2.0), false),
            _ => (waiting, true),
        };
        let limit = bounds.tasks.map_or(f64::INFINITY, |tasks| tasks as f64);
        let seconds = tasks.min(limit) / self.rate(bounds)?;
        let span = Duration::try_from_secs_f64(seconds).ok()? + sight.held;
        let most = bounds.time.unwrap_or(Duration::MAX);
        Some(Left {
            span: span.min(most),
            at_least: at_least && tasks < limit && span < most && waiting > 0.0,
        })
    }

    fn watch(&mut self, sight: Sight, bounds: Bounds) {
        let Some(last) = self.last.replace(sight) else {
            return;
        };
        let done = sight.done.saturating_sub(last.done);
        let known = sight.done + sight.waiting;
        let new = known.saturating_sub(last.done + last.waiting);
        if done > 0 {
            self.seen += done;
            let (least, most) = RECENT_TASKS;
            let memory = (self.seen as f64 / 8.0).clamp(least, most);
            self.fresh.add(new as f64, done as f64, memory);
        } else {
            // Their task has not ended yet.
            self.fresh.over += new as f64;
        }
        // A hold says nothing about the rate after it.
        if last.held.is_zero() && sight.held.is_zero() {
            let span = sight.at.saturating_sub(last.at);
            self.watched += span;
            let spacing = bounds.rate.map_or(0.0, |rate| RECENT_REQUESTS / rate);
            let memory = RECENT_SECONDS.max(spacing);
            self.pace.add(done as f64, span.as_secs_f64(), memory);
        }
    }

    /// Expected tasks per second: the measured rate, but never more than the limit.
    fn rate(&self, bounds: Bounds) -> Option<f64> {
        let settled = match bounds.rate {
            Some(rate) => SETTLED.max(Duration::from_secs_f64(RECENT_REQUESTS / rate)),
            None => Duration::ZERO,
        };
        let measured = self.pace.value();
        let measured = measured.filter(|rate| self.watched >= settled && *rate > 0.0);
        match (measured, bounds.rate) {
            (Some(measured), Some(limit)) => Some(measured.min(limit)),
            (measured, limit) => measured.or(limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limited(rate: f64) -> Bounds {
        Bounds {
            rate: Some(rate),
            ..Bounds::default()
        }
    }

    /// What is left after these observations of done and waiting tasks, one per second.
    fn after(sights: impl IntoIterator<Item = (u64, u64)>, bounds: Bounds) -> Option<Left> {
        let mut estimate = Estimate::default();
        let mut left = None;
        for (at, (done, waiting)) in (0..).zip(sights) {
            let held = Duration::ZERO;
            let at = SECOND * at;
            left = estimate.left(
                Sight {
                    at,
                    done,
                    waiting,
                    held,
                },
                bounds,
            );
        }
        left
    }

    #[track_caller]
    fn about(left: Option<Left>, seconds: u64, at_least: bool) {
        let left = left.expect("an estimate");
        let found = left.span.as_secs_f64();
        let near = (found - seconds as f64).abs() <= 0.1 * seconds as f64;
        assert!(
            near && left.at_least == at_least,
            "{left:?}, not {seconds} s"
        );
    }

    /// Observations of a site of `size` pages with `links` random links each, at ten tasks per
    /// second: the average number of new pages that each page brings.
    fn site(size: f64, links: f64) -> Vec<(u64, u64)> {
        let (mut known, mut done) = (1.0, 0.0);
        let mut sights = vec![(0, 1)];
        while done + 10.0 < known || done < 1.0 {
            for _ in 0..10 {
                if done < known {
                    done += 1.0;
                    known += links * (1.0 - known / size);
                }
            }
            sights.push((done as u64, (known - done) as u64));
        }
        sights
    }

    #[test]
    fn nothing_yet() {
        assert_eq!(after([(0, 1)], Bounds::default()), None);
        about(after([(0, 1)], limited(0.1)), 10, true);
    }

    #[test]
    fn a_growing_site_has_a_lower_bound() {
        let growing = (0..60).map(|n| (n * 10, 1 + n * 40));
        about(after(growing, limited(10.0)), 236, true);
    }

    #[test]
    fn a_shrinking_frontier_takes_its_time() {
        let shrinking = (0..60).map(|n| (n * 10, 1000 - n * 10));
        about(after(shrinking, limited(10.0)), 41, false);
    }

    #[test]
    fn new_links_that_grow_rare_are_counted() {
        let rarer = (0..60).map(|n| (n * 10, 1000 - n * 4));
        about(after(rarer, limited(10.0)), 99, false);
    }

    #[test]
    fn a_site_that_is_slower_than_the_limit_is_measured() {
        let slow = (0..60).map(|n| (n * 4, 1000 - n * 4));
        about(after(slow, limited(10.0)), 191, false);
    }

    #[test]
    fn no_more_than_the_limit_is_promised() {
        let refused = (0..60).map(|n| (n * 50, 10_000 - n * 50));
        about(after(refused, limited(10.0)), 705, false);
    }

    #[test]
    fn without_a_limit_the_measured_rate_counts() {
        let fast = (0..10).map(|n| (n * 300, 9_000 - n * 300));
        about(after(fast, Bounds::default()), 21, false);
    }

    #[test]
    fn a_slow_rate_is_not_taken_for_a_stop() {
        let spaced = (0..300).map(|n| (n / 20, 100 - n / 20));
        about(after(spaced, limited(0.05)), 1720, false);
    }

    #[test]
    fn a_hold_comes_on_top_and_slows_nothing() {
        let mut estimate = Estimate::default();
        let mut left = None;
        for n in 0..120 {
            let done = n.min(60) * 10;
            let held = Duration::from_secs(if n < 60 { 0 } else { 100 + 120 - n });
            let sight = Sight {
                at: SECOND * n as u32,
                done,
                waiting: 1000 - done,
                held,
            };
            left = estimate.left(sight, limited(10.0));
        }
        about(left, 101 + 40, false);
    }

    #[test]
    fn limits_end_a_crawl_sooner() {
        let growing: Vec<_> = (0..60).map(|n| (n * 10, 1 + n * 40)).collect();
        let tasks = Bounds {
            tasks: Some(100),
            ..limited(10.0)
        };
        about(after(growing.clone(), tasks), 10, false);
        let time = Bounds {
            time: Some(SECOND * 7),
            ..limited(10.0)
        };
        about(after(growing, time), 7, false);
    }

    #[test]
    fn the_end_is_known() {
        about(after([(0, 10), (10, 0)], limited(10.0)), 0, false);
    }

    #[test]
    fn sites_of_any_size_are_foreseen() {
        for (size, links) in [(500.0, 30.0), (3_000.0, 8.0), (20_000.0, 20.0)] {
            let sights = site(size, links);
            let mut estimate = Estimate::default();
            let whole = sights.len();
            assert!(whole as f64 > 0.09 * size);
            for (n, &(done, waiting)) in sights.iter().enumerate() {
                let sight = Sight {
                    at: SECOND * n as u32,
                    done,
                    waiting,
                    held: Duration::ZERO,
                };
                let left = estimate.left(sight, limited(10.0)).unwrap();
                let (found, right) = (left.span.as_secs_f64(), (whole - n) as f64);
                let near = match (left.at_least, n > whole / 2) {
                    (true, _) => found <= right + 1.0,
                    (false, true) => (found - right).abs() <= 0.1 * right + 1.0,
                    (false, false) => (found - right).abs() <= 0.5 * right,
                };
                assert!(near, "{size} pages, {n} of {whole} s: {left:?}");
            }
        }
    }
}
