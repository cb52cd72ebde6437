//! The robots.txt policies that this process knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_lock::Mutex as AsyncMutex;
use url::Url;

use crate::robots::RobotsPolicy;
use crate::time::Moment;

/// A cache of policies by their keys; see [`Site::policy_key`](crate::site::Site::policy_key). Only
/// one task at a time looks for a policy; the others wait for its result.
#[derive(Debug, Default)]
pub struct RobotsCache {
    policies: Mutex<HashMap<String, Arc<AsyncMutex<Option<Cached>>>>>,
}

#[derive(Debug)]
pub(crate) struct Cached {
    pub(crate) policy: RobotsPolicy,
    /// When the policy must be looked up again.
    pub(crate) until: Moment,
}

impl RobotsCache {
    /// The sitemaps that the robots.txt with this key names; none while its policy is not in the
    /// cache.
    pub async fn sitemaps(&self, key: &str) -> Vec<Url> {
        let cached = self.cached(key);
        let cached = cached.lock().await;
        match cached.as_ref().map(|cached| &cached.policy) {
            Some(RobotsPolicy::Rules(rules)) => rules.sitemaps().collect(),
            _ => Vec::new(),
        }
    }

    /// The policy of a key, to be locked while it is looked up.
    pub(crate) fn cached(&self, key: &str) -> Arc<AsyncMutex<Option<Cached>>> {
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(policies.entry(key.to_owned()).or_default())
    }
}
