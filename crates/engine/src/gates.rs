//! One gate for each domain. On one machine, all sites of the process share the gates; in the
//! cloud, the gates belong to one batch, since slots are never carried over to the next one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use canter_core::domain::domain;
use canter_core::pace::Rate;
use canter_core::ports::Paces;
use canter_http::{Clock, PacedGate, Starts, Tally};
use tokio::sync::Semaphore;
use url::Url;

use crate::rates::Rates;

/// A domain's gate, and permits for its requests in flight.
pub struct Domain<P> {
    /// The gate.
    pub gate: PacedGate<P>,
    pub(crate) flight: Arc<Semaphore>,
}

impl<P> Clone for Domain<P> {
    fn clone(&self) -> Self {
        Domain {
            gate: self.gate.clone(),
            flight: Arc::clone(&self.flight),
        }
    }
}

/// The gates of a process or of a batch.
pub struct Gates<P> {
    pub(crate) paces: Arc<P>,
    pub(crate) rates: Arc<Rates>,
    clock: Clock,
    /// Whether a gate leases slots only for requests that were announced to it.
    announced: bool,
    domains: Mutex<HashMap<String, Domain<P>>>,
    /// Number of sites that are crawling each domain.
    crawled: Mutex<HashMap<String, usize>>,
}

impl<P: Paces + 'static> Gates<P> {
    /// Creates the gates of a process that crawls until it is done.
    pub fn new(paces: Arc<P>, rates: Arc<Rates>, clock: Clock) -> Self {
        Gates {
            paces,
            rates,
            clock,
            announced: false,
            domains: Mutex::default(),
            crawled: Mutex::default(),
        }
    }

    /// Creates the gates of a batch. Slots are leased for announced requests only
    /// ([`PacedGate::expect`]): any slot left over would be lost to the other workers.
    pub fn of_batch(paces: Arc<P>, rates: Arc<Rates>, clock: Clock) -> Self {
        Gates {
            announced: true,
            ..Gates::new(paces, rates, clock)
        }
    }

    /// Returns the gate of a domain.
    pub fn of(&self, name: &str) -> Domain<P> {
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let (paces, pace) = (Arc::clone(&self.paces), self.rates.pace(name));
            let gate = PacedGate::new(paces, name, pace, self.rates.tolerance(), self.clock);
            if self.announced {
                // Requests to other domains arrive one at a time, through redirects of a
                // robots.txt.
                gate.expect(0);
            }
            let delay = self.rates.delay(name);
            if !delay.is_zero() {
                gate.slow(delay);
            }
            Domain {
                gate,
                flight: Arc::new(Semaphore::new(self.rates.concurrency(name))),
            }
        };
        domains.entry(name.to_owned()).or_insert_with(new).clone()
    }

    /// Returns the gate of a URL's domain, for a crawl with this rate.
    pub fn of_url(&self, url: &Url, rate: Option<Rate>) -> Domain<P> {
        let domain = domain(url);
        self.rates.meet(domain.as_str(), rate);
        self.of(domain.as_str())
    }

    /// Keeps starts on the URL's domain at least `delay` apart (`Crawl-delay`).
    pub(crate) fn slow(&self, url: &Url, rate: Option<Rate>, delay: Duration) {
        let gate = self.of_url(url, rate).gate;
        self.rates.slow(domain(url).as_str(), delay);
        gate.slow(delay);
    }

    /// Records that a site crawls the domains of these URLs from now on.
    pub fn enter(&self, urls: &[Url]) {
        let mut crawled = self.crawled();
        for name in names(urls) {
            *crawled.entry(name).or_default() += 1;
        }
    }

    /// Records that a site no longer crawls the domains of these URLs. The gate of a domain closes
    /// when its last site leaves.
    pub fn leave(&self, urls: &[Url]) {
        let mut crawled = self.crawled();
        for name in names(urls) {
            let sites = crawled.entry(name.clone()).or_default();
            *sites = sites.saturating_sub(1);
            if *sites == 0 {
                self.of(&name).gate.close();
            }
        }
    }

    /// Closes the gates of these URLs' domains, so that no further request passes.
    pub fn close(&self, urls: &[Url]) {
        for name in names(urls) {
            self.of(&name).gate.close();
        }
    }

    /// Returns the remaining time for which no request may start on the domains of these URLs,
    /// because a site asked for a pause.
    pub async fn held_for(&self, urls: &[Url]) -> Duration {
        let mut longest = Duration::ZERO;
        for name in names(urls) {
            longest = longest.max(self.of(&name).gate.held_for().await);
        }
        longest
    }

    /// Returns the tally of the domains of these URLs: the sum of their requests, and the largest
    /// peak, current rate and delay among them.
    pub fn tally(&self, urls: &[Url]) -> Tally {
        let tallies = names(urls)
            .into_iter()
            .map(|name| self.of(&name).gate.tally());
        tallies.fold(Tally::default(), |sum, tally| Tally {
            started: sum.started + tally.started,
            peak: sum.peak.max(tally.peak),
            current: sum.current.max(tally.current),
            delay: sum.delay.max(tally.delay),
        })
    }

    /// Returns the starts of requests to the domains of these URLs, by domain.
    pub fn starts(&self, urls: &[Url]) -> BTreeMap<String, Starts> {
        let starts = names(urls).into_iter().map(|name| {
            let starts = self.of(&name).gate.starts();
            (name, starts)
        });
        starts.collect()
    }

    fn crawled(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.crawled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the domains of these URLs, each once.
fn names(urls: &[Url]) -> BTreeSet<String> {
    urls.iter().map(|url| domain(url).to_string()).collect()
}
