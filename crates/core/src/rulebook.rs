//! The robots.txt verdicts that this process knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_lock::Mutex as AsyncMutex;
use url::Url;

use crate::domain::authority;
use crate::robots::Verdict;
use crate::time::Moment;

/// A cache of verdicts by authority. Only one task at a time looks for the verdict of an authority;
/// the others wait for its result.
#[derive(Debug, Default)]
pub struct Rulebook {
    verdicts: Mutex<HashMap<String, Arc<AsyncMutex<Option<Cached>>>>>,
}

#[derive(Debug)]
pub(crate) struct Cached {
    pub(crate) verdict: Verdict,
    /// When the verdict must be looked up again.
    pub(crate) until: Moment,
}

impl Rulebook {
    /// The sitemaps that the robots.txt of the URL's authority names; none while its verdict is not
    /// in the cache.
    pub async fn sitemaps(&self, url: &Url) -> Vec<Url> {
        let cached = self.cached(&authority(url));
        let cached = cached.lock().await;
        match cached.as_ref().map(|cached| &cached.verdict) {
            Some(Verdict::Rules(rules)) => rules.sitemaps().collect(),
            _ => Vec::new(),
        }
    }

    /// The verdict of an authority, to be locked while it is looked up.
    pub(crate) fn cached(&self, authority: &str) -> Arc<AsyncMutex<Option<Cached>>> {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(verdicts.entry(authority.to_owned()).or_default())
    }
}
