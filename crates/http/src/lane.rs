//! Lanes: clients that hold at most one connection and make one request at a time.
//!
//! A lane that has just finished a request is warm: its connection is open, and a request on it
//! starts at once. Every other lane is made anew, so that a cold lane certainly has no connection
//! and its request certainly passes the [`Turnstile`].

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use canter_core::ports::FetchError;
use reqwest::{Client, redirect};
use rustls::ClientConfig;

use crate::failure::builder_failed;
use crate::resolver::Resolver;
use crate::turnstile::Turnstile;

/// An idle connection is not trusted longer: many servers close theirs after five seconds. Of one
/// that closes earlier less is expected, since a slot is lost with each connection that turns out
/// to be closed.
const KEEP: Duration = Duration::from_secs(4);
/// From here trust grows again.
const MIN_KEEP: Duration = Duration::from_millis(1);
/// A guess before the first connection was opened.
const FIRST_LEAD: Duration = Duration::from_millis(100);
const MAX_LEAD: Duration = Duration::from_secs(1);

/// A client with at most one connection.
pub(crate) struct Lane {
    pub(crate) client: Client,
    pub(crate) turnstile: Turnstile,
    /// Its connection is open and idle.
    pub(crate) warm: bool,
    pub(crate) idle_since: Instant,
}

/// The idle lanes of all authorities.
pub(crate) struct Lanes {
    tls: ClientConfig,
    user_agent: String,
    idle: Mutex<HashMap<String, Idle>>,
    lead: Mutex<Duration>,
}

/// The idle lanes of an authority.
struct Idle {
    lanes: VecDeque<Lane>,
    /// How long its connections are trusted.
    keep: Duration,
    /// How long one over HTTP/2 was idle and still open.
    survived: Duration,
}

impl Default for Idle {
    fn default() -> Self {
        Idle {
            lanes: VecDeque::new(),
            keep: KEEP,
            survived: Duration::ZERO,
        }
    }
}

impl Lanes {
    pub(crate) fn new(tls: ClientConfig, user_agent: String) -> Self {
        Lanes {
            tls,
            user_agent,
            idle: Mutex::default(),
            lead: Mutex::new(FIRST_LEAD),
        }
    }

    /// The lane of the authority that was used last, or a cold one.
    pub(crate) fn take(&self, authority: &str, private: bool) -> Result<Lane, FetchError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Idle { lanes, keep, .. } = idle.entry(authority.to_owned()).or_default();
        // It will be idle until its slot comes.
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

    /// Learns that a connection over HTTP/2 was still open after it had been idle for so long.
    pub(crate) fn open_after(&self, authority: &str, idle_for: Duration) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let survived = &mut idle.entry(authority.to_owned()).or_default().survived;
        *survived = (*survived).max(idle_for);
    }

    /// Learns that a connection was closed by the server while it was idle for so long.
    pub(crate) fn closed_after(&self, authority: &str, idle_for: Duration) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Idle { keep, survived, .. } = idle.entry(authority.to_owned()).or_default();
        if idle_for > *survived {
            *keep = (*keep).min(idle_for / 2).max(MIN_KEEP);
        }
        // Others survived as long: this one was closed for what it had carried (GOAWAY after so
        // many requests). That is believed only while others go on to survive.
        *survived /= 2;
    }

    /// Gives a lane back whose answer was read to its end on a connection that stays open.
    pub(crate) fn give_back(&self, authority: &str, mut lane: Lane) {
        lane.warm = true;
        lane.idle_since = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Idle { lanes, keep, .. } = idle.entry(authority.to_owned()).or_default();
        // Trust that was lost at once comes back slowly: maybe the server had only been restarted.
        *keep = (*keep + *keep / 64).min(KEEP);
        lanes.push_back(lane);
    }

    /// How long before its slot a request should have a lane: twice the usual time to connect.
    pub(crate) fn lead(&self) -> Duration {
        *self.lead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns how long a connection took to open.
    pub(crate) fn connected_in(&self, took: Duration) {
        let mut lead = self.lead.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = took * 2;
        *lead = wanted
            .max((*lead * 7 + wanted) / 8)
            .clamp(Duration::from_millis(20), MAX_LEAD);
    }

    /// A lane that certainly has no connection yet.
    pub(crate) fn cold(&self, private: bool) -> Result<Lane, FetchError> {
        let turnstile = Turnstile::default();
        let client = Client::builder()
            .user_agent(&self.user_agent)
            .redirect(redirect::Policy::none())
            // A second attempt would be a request without a slot.
            .retry(reqwest::retry::never())
            .referer(false)
            // A proxy would hide the address that is dialled from the resolver.
            .no_proxy()
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(None)
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .dns_resolver(Arc::new(Resolver { private }))
            .connector_layer(turnstile.clone())
            .tls_backend_preconfigured(self.tls.clone())
            .build()
            .map_err(builder_failed)?;
        Ok(Lane {
            client,
            turnstile,
            warm: false,
            idle_since: Instant::now(),
        })
    }
}
