//! A site as the user asked for it: seeds, scope, limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::exchange::Headers;
use crate::scope::Scope;
use canter_page::url::Limits as UrlLimits;

/// Product token of canter in robots.txt, meta robots and `X-Robots-Tag` (RFC 9309 §2.2.1).
pub const PRODUCT: &str = "canter";

/// A site and how to crawl it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Site {
    /// A name that the user chose, or else the one that [`site_id`](crate::scope::site_id) gives.
    pub id: String,
    /// URLs at which the crawl starts, normalised.
    pub seeds: Vec<Url>,
    /// Sitemaps besides those that robots.txt names, normalised.
    pub sitemaps: Vec<Url>,
    /// Which URLs belong to the site.
    pub scope: Scope,
    /// Limits of a crawl of the site.
    pub limits: Limits,
    /// Headers for requests to the seeds' hosts, such as credentials of private documentation.
    pub headers: Headers,
}

/// Limits of a crawl and of each of its pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limits {
    /// Maximum number of pages of one crawl.
    pub max_pages: Option<u64>,
    /// Maximum number of links between a seed and a page.
    pub max_depth: Option<u32>,
    /// Maximum size of one page in bytes, decoded.
    pub max_page_bytes: usize,
    /// Maximum time from the start of a request to the last byte of its response.
    pub timeout: Duration,
    /// Maximum number of attempts at one URL.
    pub attempts: u32,
    /// Limits beyond which a URL counts as a crawler trap.
    pub url: UrlLimits,
}

impl Site {
    /// The site's headers for a request to `url`: none unless `url` is on a seed's host, and none
    /// over http where the seed was https.
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
