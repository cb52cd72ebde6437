//! How fast each domain may be asked, as far as this process knows.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use canter_core::pace::{Pace, Rate, Tolerance};

/// What clocks and ways may cost.
pub(crate) const TOLERANCE: Tolerance = Tolerance::SHARED;
/// A message is work for about so long.
const WORK: Duration = Duration::from_secs(5);
/// Tasks of a message where no rate says how long they take.
const UNLIMITED: usize = 100;
/// Requests of a domain in flight where no rate says how many it takes.
const UNLIMITED_CONCURRENCY: usize = 16;

/// The rates of domains. It outlives batches: what a robots.txt asks for is told once.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    known: Mutex<HashMap<String, Rated>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Rated {
    rate: Option<Rate>,
    delay: Duration,
}

impl Rates {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Rated>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The domain is asked at this rate from now on; none for as fast as it goes.
    pub(crate) fn set(&self, domain: &str, rate: Option<Rate>) {
        self.known().entry(domain.to_owned()).or_default().rate = rate;
    }

    /// A crawl comes to a domain that none of its tasks is of, by a redirect of a robots.txt: where
    /// no rate is known, the crawl's own counts.
    pub(crate) fn meet(&self, domain: &str, rate: Option<Rate>) {
        let known = &mut *self.known();
        let new = || Rated {
            rate,
            ..Rated::default()
        };
        known.entry(domain.to_owned()).or_insert_with(new);
    }

    /// The domain's starts are to be at least so far apart (`Crawl-delay`). Each of its hosts may
    /// ask for a delay: the longest counts, as long as this process lives.
    pub(crate) fn slow(&self, domain: &str, delay: Duration) {
        let mut known = self.known();
        let rated = known.entry(domain.to_owned()).or_default();
        rated.delay = rated.delay.max(delay);
    }

    /// What was asked for by [`Rates::slow`]; zero for nothing.
    pub(crate) fn delay(&self, domain: &str) -> Duration {
        let known = self.known();
        known
            .get(domain)
            .map_or(Duration::ZERO, |rated| rated.delay)
    }

    /// The pace of the domain, without what a `Crawl-delay` takes from it.
    pub(crate) fn pace(&self, domain: &str) -> Option<Pace> {
        let rate = self.known().get(domain)?.rate?;
        Some(Pace::new(rate, TOLERANCE))
    }

    /// From one start to the next, all in all.
    pub(crate) fn slowed(&self, domain: &str) -> Pace {
        let fastest = Pace {
            spacing: Duration::ZERO,
            patience: Duration::ZERO,
            most: u32::MAX,
            span: Duration::ZERO,
        };
        let pace = self.pace(domain).unwrap_or(fastest);
        let delay = self.delay(domain);
        if delay.is_zero() {
            return pace;
        }
        pace.at_least(delay, TOLERANCE)
    }

    /// Tasks that are work for about five seconds.
    pub(crate) fn per_message(&self, domain: &str) -> usize {
        let spacing = self.slowed(domain).spacing;
        if spacing.is_zero() {
            return UNLIMITED;
        }
        ((WORK.as_secs_f64() / spacing.as_secs_f64()) as usize).max(1)
    }

    /// Requests in flight that reach the rate at a second of latency.
    pub(crate) fn concurrency(&self, domain: &str) -> usize {
        let rate = self.known().get(domain).and_then(|rated| rated.rate);
        match rate {
            None => UNLIMITED_CONCURRENCY,
            Some(rate) => (rate.per_second() * 1.2).ceil().clamp(2.0, 512.0) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts of a domain may each ask for a delay of their own.
    #[test]
    fn the_longest_delay_counts() {
        let rates = Rates::default();
        for (asked, delay) in [(2, 2), (10, 10), (2, 10)] {
            rates.slow("a.test", Duration::from_secs(asked));
            assert_eq!(rates.delay("a.test"), Duration::from_secs(delay));
        }
        rates.set("a.test", Rate::new(50.0));
        assert!(rates.slowed("a.test").spacing >= Duration::from_secs(10));
    }

    #[test]
    fn a_message_is_five_seconds_of_work_at_most() {
        let rates = Rates::default();
        assert_eq!(rates.per_message("a.test"), UNLIMITED);
        for rate in [0.4, 1.0, 10.0, 50.0] {
            rates.set("a.test", Rate::new(rate));
            let spacing = rates.slowed("a.test").spacing;
            let tasks = rates.per_message("a.test") as u32;
            assert!(
                spacing * tasks <= WORK && spacing * (tasks + 1) > WORK,
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
