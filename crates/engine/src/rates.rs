//! The rates of requests to each domain, as far as this process knows them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use canter_aws::queue::tasks_per_message;
use canter_core::pace::{Pace, Rate, Tolerance};

/// Number of requests in flight to a domain without a rate.
const UNLIMITED_CONCURRENCY: usize = 16;

/// Returns the number of requests in flight that reaches a rate at a latency of one second.
pub fn concurrency(rate: Option<Rate>) -> usize {
    match rate {
        None => UNLIMITED_CONCURRENCY,
        Some(rate) => (rate.per_second() * 1.2).ceil().clamp(2.0, 512.0) as usize,
    }
}

/// The rates of domains. They outlive batches, since a robots.txt reports its delay only once.
#[derive(Debug)]
pub struct Rates {
    tolerance: Tolerance,
    /// Rate and concurrency of every domain, if the user gave them.
    given: Option<(Option<Rate>, usize)>,
    known: Mutex<HashMap<String, Rated>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Rated {
    rate: Option<Rate>,
    delay: Duration,
}

impl Rates {
    /// Creates the rates of domains that many workers share. Each crawl brings its own rate.
    pub fn shared() -> Self {
        Rates {
            tolerance: Tolerance::SHARED,
            given: None,
            known: Mutex::default(),
        }
    }

    /// Creates one rate for every domain, in a process that works alone; `None` for no limit.
    pub fn alone(rate: Option<Rate>, concurrency: usize) -> Self {
        Rates {
            tolerance: Tolerance::ALONE,
            given: Some((rate, concurrency)),
            known: Mutex::default(),
        }
    }

    pub(crate) fn tolerance(&self) -> Tolerance {
        self.tolerance
    }

    fn rate(&self, domain: &str) -> Option<Rate> {
        match self.given {
            Some((rate, _)) => rate,
            None => self.known().get(domain)?.rate,
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Rated>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the rate of a domain; `None` for no limit.
    pub(crate) fn set(&self, domain: &str, rate: Option<Rate>) {
        self.known().entry(domain.to_owned()).or_default().rate = rate;
    }

    /// Registers a domain that a crawl reaches only through a redirect of a robots.txt, so that
    /// none of the crawl's tasks belongs to it. If the domain is not known yet, the crawl's own
    /// rate applies.
    pub(crate) fn meet(&self, domain: &str, rate: Option<Rate>) {
        let known = &mut *self.known();
        let new = || Rated {
            rate,
            ..Rated::default()
        };
        known.entry(domain.to_owned()).or_insert_with(new);
    }

    /// Keeps the starts of a domain at least this far apart (`Crawl-delay`). Each of its hosts may
    /// ask for a delay; the longest one applies as long as this process lives.
    pub(crate) fn slow(&self, domain: &str, delay: Duration) {
        let mut known = self.known();
        let rated = known.entry(domain.to_owned()).or_default();
        rated.delay = rated.delay.max(delay);
    }

    /// Returns the delay set by [`Rates::slow`]; zero if there is none.
    pub(crate) fn delay(&self, domain: &str) -> Duration {
        let known = self.known();
        known
            .get(domain)
            .map_or(Duration::ZERO, |rated| rated.delay)
    }

    /// Returns the pace of the domain, without regard to a `Crawl-delay`.
    pub(crate) fn pace(&self, domain: &str) -> Option<Pace> {
        Some(Pace::new(self.rate(domain)?, self.tolerance))
    }

    /// Returns the pace of the domain, slowed by its `Crawl-delay`.
    pub(crate) fn slowed(&self, domain: &str) -> Pace {
        let fastest = Pace {
            spacing: Duration::ZERO,
            patience: Duration::ZERO,
            max_starts: u32::MAX,
            window: Duration::ZERO,
        };
        let pace = self.pace(domain).unwrap_or(fastest);
        let delay = self.delay(domain);
        if delay.is_zero() {
            return pace;
        }
        pace.at_least(delay, self.tolerance)
    }

    /// Returns the number of tasks on the domain that fill one message.
    pub(crate) fn per_message(&self, domain: &str) -> usize {
        tasks_per_message(self.slowed(domain).spacing)
    }

    /// Returns the maximum number of requests in flight to the domain.
    pub(crate) fn concurrency(&self, domain: &str) -> usize {
        match self.given {
            Some((_, concurrency)) => concurrency,
            None => concurrency(self.rate(domain)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts of a domain may each ask for a delay of their own.
    #[test]
    fn the_longest_delay_counts() {
        let rates = Rates::shared();
        for (asked, delay) in [(2, 2), (10, 10), (2, 10)] {
            rates.slow("a.test", Duration::from_secs(asked));
            assert_eq!(rates.delay("a.test"), Duration::from_secs(delay));
        }
        rates.set("a.test", Rate::new(50.0));
        assert!(rates.slowed("a.test").spacing >= Duration::from_secs(10));
    }

    #[test]
    fn a_message_is_five_seconds_of_work_at_most() {
        let rates = Rates::shared();
        let work = Duration::from_secs(5);
        assert_eq!(rates.per_message("a.test"), 100);
        for rate in [0.4, 1.0, 10.0, 50.0] {
            rates.set("a.test", Rate::new(rate));
            let spacing = rates.slowed("a.test").spacing;
            let tasks = rates.per_message("a.test") as u32;
            assert!(
                spacing * tasks <= work && spacing * (tasks + 1) > work,
                "{tasks}"
            );
        }
        rates.set("a.test", Rate::new(0.01));
        assert_eq!(rates.per_message("a.test"), 1);
        rates.set("a.test", Rate::new(50.0));
        rates.slow("a.test", Duration::from_secs(2));
        assert_eq!(rates.per_message("a.test"), 2);
        rates.set("a.test", None);
        assert_eq!(rates.per_message("a.test"), 2);
    }
}
