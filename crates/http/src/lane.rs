//! Lanes: clients that have at most one connection and make one request at a time.
//!
//! A lane that has finished a request is warm: its connection is open, and a request on it starts
//! at once. A cold lane is always a new client, so it certainly has no connection, and its request
//! certainly passes the [`SlotConnectorLayer`].

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use canter_core::ports::FetchError;
use reqwest::{Client, redirect};
use rustls::ClientConfig;

use crate::failure::builder_failed;
use crate::resolver::{Lookup, Resolver};
use crate::slot_connector::SlotConnectorLayer;

/// Maximum time for which an idle connection is trusted to be open: many servers close theirs after
/// five seconds. The time is reduced for a server that closes earlier, since each connection that
/// turns out to be closed costs a slot.
const MAX_KEEP: Duration = Duration::from_secs(4);
/// Minimum time for which an idle connection is trusted, from which trust can grow again.
const MIN_KEEP: Duration = Duration::from_millis(1);
/// Lead before the first connection was opened, a guess.
const FIRST_LEAD: Duration = Duration::from_millis(100);
/// Minimum lead.
const MIN_LEAD: Duration = Duration::from_millis(20);
/// Maximum lead.
const MAX_LEAD: Duration = Duration::from_secs(1);

/// A client with at most one connection.
pub(crate) struct Lane {
    pub(crate) client: Client,
    pub(crate) connector: SlotConnectorLayer,
    /// Whether its connection is open and idle.
    pub(crate) warm: bool,
    pub(crate) idle_since: Instant,
}

/// The idle lanes of all authorities.
pub(crate) struct Lanes {
    tls: ClientConfig,
    user_agent: String,
    lookup: Lookup,
    idle: Mutex<HashMap<String, Idle>>,
    lead: Mutex<Duration>,
}

/// The idle lanes of an authority.
struct Idle {
    lanes: VecDeque<Lane>,
    /// Time for which an idle connection is trusted.
    keep: Duration,
    /// Longest idle time that a connection over HTTP/2 has survived.
    survived: Duration,
}

impl Default for Idle {
    fn default() -> Self {
        Idle {
            lanes: VecDeque::new(),
            keep: MAX_KEEP,
            survived: Duration::ZERO,
        }
    }
}

impl Lanes {
    pub(crate) fn new(tls: ClientConfig, user_agent: String, lookup: Lookup) -> Self {
        Lanes {
            tls,
            user_agent,
            lookup,
            idle: Mutex::default(),
            lead: Mutex::new(FIRST_LEAD),
        }
    }

    /// Takes the authority's lane that was used last, or makes a cold one.
    pub(crate) fn take(&self, authority: &str, private: bool) -> Result<Lane, FetchError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Idle { lanes, keep, .. } = idle.entry(authority.to_owned()).or_default();
        // The lane stays idle until the slot, which is one lead away.
        let lead = self.lead();
        while lanes
            .front()
            .is_some_and(|lane| lane.idle_since.elapsed() + lead > *keep)
        {
            lanes.pop_front();
        }
        let warm = lanes.pop_back();
        drop(idle);
        warm.map_or_else(|| self.cold(private), Ok)
    }

    /// Notes that a connection over HTTP/2 was still open after it had been idle for `idle_for`.
    pub(crate) fn open_after(&self, authority: &str, idle_for: Duration) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let survived = &mut idle.entry(authority.to_owned()).or_default().survived;
        *survived = (*survived).max(idle_for);
    }

    /// Notes that the server closed a connection that was idle for `idle_for`.
    pub(crate) fn closed_after(&self, authority: &str, idle_for: Duration) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Idle { keep, survived, .. } = idle.entry(authority.to_owned()).or_default();
        if idle_for > *survived {
            *keep = (*keep).min(idle_for / 2).max(MIN_KEEP);
        }
        // If other connections survived as long, this one was probably closed for the number of
        // requests that it had carried (GOAWAY). That is believed only while others keep surviving.
        *survived /= 2;
    }

    /// Gives back a lane whose response was read to its end on a connection that stays open.
    pub(crate) fn give_back(&self, authority: &str, mut lane: Lane) {
        lane.warm = true;
        lane.idle_since = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Idle { lanes, keep, .. } = idle.entry(authority.to_owned()).or_default();
        // Trust is lost at once and comes back slowly: the server may only have been restarted.
        *keep = (*keep + *keep / 64).min(MAX_KEEP);
        lanes.push_back(lane);
    }

    /// The time before its slot at which a request should have a lane: twice the usual time to
    /// connect.
    pub(crate) fn lead(&self) -> Duration {
        *self.lead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how long it took to open a connection.
    pub(crate) fn connected_in(&self, took: Duration) {
        let mut lead = self.lead.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = took * 2;
        *lead = wanted
            .max((*lead * 7 + wanted) / 8)
            .clamp(MIN_LEAD, MAX_LEAD);
    }

    /// Makes a lane, which has no connection yet.
    pub(crate) fn cold(&self, private: bool) -> Result<Lane, FetchError> {
        let connector = SlotConnectorLayer::default();
        let client = Client::builder()
            .user_agent(&self.user_agent)
            .redirect(redirect::Policy::none())
            // A retry would be a request without a slot.
            .retry(reqwest::retry::never())
            .referer(false)
            // With a proxy, the resolver would not see the address that is dialled.
            .no_proxy()
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(None)
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .dns_resolver(Arc::new(Resolver {
                lookup: Arc::clone(&self.lookup),
                private,
            }))
            .connector_layer(connector.clone())
            .tls_backend_preconfigured(self.tls.clone())
            .build()
            .map_err(builder_failed)?;
        Ok(Lane {
            client,
            connector,
            warm: false,
            idle_since: Instant::now(),
        })
    }
}
