//! What the user asked for: seeds, scope, limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ports::Headers;
use crate::scope::Scope;
use canter_page::url::Limits as UrlLimits;

/// The name by which robots.txt, meta robots and `X-Robots-Tag` know canter (RFC 9309 §2.2.1).
pub const PRODUCT: &str = "canter";

/// A site and how it is to be crawled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Site {
    /// Host, port where it is not the default, and path prefix; or a name of the user's.
    pub id: String,
    /// Where the crawl starts, normalised.
    pub seeds: Vec<Url>,
    /// Sitemaps beside those that robots.txt names, normalised.
    pub sitemaps: Vec<Url>,
    /// What belongs to the site.
    pub scope: Scope,
    /// When to stop.
    pub limits: Limits,
    /// Sent to the seeds' hosts only (private documentation).
    pub headers: Headers,
}

/// Bounds of a crawl and of each of its pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limits {
    /// Pages of one crawl.
    pub max_pages: Option<u64>,
    /// Links from a seed.
    pub max_depth: Option<u32>,
    /// Bytes of one page, decoded.
    pub max_page_bytes: usize,
    /// From the start of a request to its last byte.
    pub timeout: Duration,
    /// Attempts at one URL before it counts as failed.
    pub attempts: u32,
    /// Traps in the spelling of URLs.
    pub url: UrlLimits,
}

impl Site {
    /// Headers that go with a request to `url`: to a seed's host, and never in clear text where
    /// the seed was not.
    pub fn headers_for(&self, url: &Url) -> Headers {
        let safe = |seed: &Url| url.scheme() == "https" || seed.scheme() == "http";
        let mut seeds = self.seeds.iter();
        let ours = seeds.any(|seed| seed.host() == url.host() && safe(seed));
        if ours {
            self.headers.clone()
        } else {
            Headers::default()
        }
    }
}
