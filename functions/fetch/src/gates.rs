//! The gates of one batch: slots are never carried to the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use canter_aws::CloudPaces;
use canter_core::domain::domain;
use canter_core::pace::Rate;
use canter_http::{Clock, PacedGate};
use tokio::sync::Semaphore;
use url::Url;

use crate::rates::{Rates, TOLERANCE};

/// A domain's gate, and room for its requests in flight.
#[derive(Clone)]
pub(crate) struct Domain {
    pub(crate) gate: PacedGate<CloudPaces>,
    pub(crate) flight: Arc<Semaphore>,
}

/// One gate for each domain that a batch meets.
pub(crate) struct Gates {
    pub(crate) paces: Arc<CloudPaces>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) clock: Clock,
    domains: Mutex<HashMap<String, Domain>>,
}

impl Gates {
    pub(crate) fn new(paces: Arc<CloudPaces>, rates: Arc<Rates>, clock: Clock) -> Self {
        Gates {
            paces,
            rates,
            clock,
            domains: Mutex::default(),
        }
    }

    /// The gate of a domain.
    pub(crate) fn of(&self, name: &str) -> Domain {
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let (paces, pace) = (Arc::clone(&self.paces), self.rates.pace(name));
            let gate = PacedGate::new(paces, name, pace, TOLERANCE, self.clock);
            // Tasks of other domains come here one at a time, by redirects of their robots.txt.
            gate.expect(0);
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

    /// The gate of a URL's domain, for a crawl with this rate.
    pub(crate) fn of_url(&self, url: &Url, rate: Option<Rate>) -> Domain {
        let domain = domain(url);
        self.rates.meet(domain.as_str(), rate);
        self.of(domain.as_str())
    }
}
