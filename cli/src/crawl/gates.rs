//! One gate for each domain that the crawl meets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use canter_core::domain::domain;
use canter_core::pace::{Pace, Rate, Tolerance};
use canter_embedded::store::Store;
use canter_http::{Clock, PacedGate, Starts, Tally};
use tokio::sync::Semaphore;
use url::Url;

/// A domain's gate, and room for its requests in flight.
#[derive(Clone)]
pub struct Domain {
    pub gate: PacedGate<Store>,
    pub flight: Arc<Semaphore>,
}

/// The gates of this process; all its sites share them.
pub struct Gates {
    paces: Arc<Store>,
    rate: Option<Rate>,
    concurrency: usize,
    clock: Clock,
    domains: Mutex<HashMap<String, Domain>>,
    /// Sites that crawl each domain now.
    crawled: Mutex<HashMap<String, usize>>,
}

impl Gates {
    /// Gates at a rate, or without one; `concurrency` requests of a domain are in flight at most.
    pub fn new(paces: Store, rate: Option<Rate>, concurrency: usize, clock: Clock) -> Self {
        Gates {
            paces: Arc::new(paces),
            rate,
            concurrency,
            clock,
            domains: Mutex::default(),
            crawled: Mutex::default(),
        }
    }

    /// The gate of the URL's domain.
    pub fn of(&self, url: &Url) -> Domain {
        let name = domain(url).to_string();
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let tolerance = Tolerance::ALONE;
            let pace = self.rate.map(|rate| Pace::new(rate, tolerance));
            let paces = Arc::clone(&self.paces);
            Domain {
                gate: PacedGate::new(paces, &name, pace, tolerance, self.clock),
                flight: Arc::new(Semaphore::new(self.concurrency)),
            }
        };
        domains.entry(name.clone()).or_insert_with(new).clone()
    }

    /// A site crawls the domains of these URLs from now on.
    pub fn enter(&self, urls: &[Url]) {
        let mut crawled = self.crawled.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names(urls) {
            *crawled.entry(name).or_default() += 1;
        }
    }

    /// A site crawls the domains of these URLs no more: where it was the last one, nobody is let
    /// through.
    pub fn leave(&self, urls: &[Url]) {
        let mut crawled = self.crawled.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names(urls) {
            let left = crawled.entry(name).or_default();
            *left = left.saturating_sub(1);
        }
        let alone = |url: &&Url| {
            crawled
                .get(domain(url).as_str())
                .is_none_or(|left| *left == 0)
        };
        for url in urls.iter().filter(alone) {
            self.of(url).gate.close();
        }
    }

    /// Lets nobody through to the domains of these URLs any more.
    pub fn close(&self, urls: &[Url]) {
        for url in urls {
            self.of(url).gate.close();
        }
    }

    /// How long nothing may start on the domains of these URLs, since a site asked for it.
    pub async fn held_for(&self, urls: &[Url]) -> Duration {
        let mut longest = Duration::ZERO;
        for url in urls {
            longest = longest.max(self.of(url).gate.held_for().await);
        }
        longest
    }

    /// What went to the domains of these URLs: requests of all; peak, current rate and delay of
    /// the domain where each is largest.
    pub fn tally(&self, urls: &[Url]) -> Tally {
        let domains: BTreeMap<String, &Url> = urls
            .iter()
            .map(|url| (domain(url).to_string(), url))
            .collect();
        let tallies = domains.into_values().map(|url| self.of(url).gate.tally());
        tallies.fold(Tally::default(), |sum, tally| Tally {
            started: sum.started + tally.started,
            peak: sum.peak.max(tally.peak),
            current: sum.current.max(tally.current),
            delay: sum.delay.max(tally.delay),
        })
    }

    /// When requests went to the domains of these URLs, by domain.
    pub fn starts(&self, urls: &[Url]) -> BTreeMap<String, Starts> {
        let named = urls.iter().map(|url| (domain(url).to_string(), url));
        let domains: BTreeMap<String, &Url> = named.collect();
        let starts = |(name, url)| (name, self.of(url).gate.starts());
        domains.into_iter().map(starts).collect()
    }
}

/// The domains of these URLs, each once.
fn names(urls: &[Url]) -> BTreeSet<String> {
    urls.iter().map(|url| domain(url).to_string()).collect()
}
