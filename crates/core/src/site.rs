//! A site as the user asked for it: seeds, scope, limits.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::authority;
use crate::exchange::Headers;
use crate::scope::Scope;
use canter_page::url::Limits as UrlLimits;

/// Product token of canter in robots.txt, meta robots and `X-Robots-Tag` (RFC 9309 §2.2.1).
pub const PRODUCT: &str = "canter";

/// Returns the product token of a user agent, by which a robots.txt addresses it (RFC 9309 §2.2.1):
/// its first word, or the one after `compatible;` if it poses as a browser. It is [`PRODUCT`] if there
/// is none.
pub fn product_token(user_agent: &str) -> String {
    let named = user_agent.split_once("compatible;");
    let named = named.filter(|_| user_agent.starts_with("Mozilla/"));
    let word = named.map_or(user_agent, |(_, name)| name).trim_start();
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let token: String = word.chars().take_while(|c| is_token(*c)).collect();
    match token.is_empty() {
        true => PRODUCT.to_owned(),
        false => token,
    }
}

fn product() -> String {
    PRODUCT.to_owned()
}

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
    /// Headers for requests to the seeds' origins, such as credentials of private documentation.
    pub headers: Headers,
    /// Product token of the crawl's user agent; see [`product_token`].
    #[serde(default = "product")]
    pub product: String,
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
    /// The names by which robots.txt, meta robots and `X-Robots-Tag` may address the crawl. canter's
    /// own is always one of them, so that another name gets around no rule.
    pub fn names(&self) -> [&str; 2] {
        [&self.product, PRODUCT]
    }

    /// Whether a name is one of those.
    pub fn is_named(&self, name: &str) -> bool {
        self.names().iter().any(|it| it.eq_ignore_ascii_case(name))
    }

    /// Key of the policy for this crawl of the authority of a URL. Crawls by another name have
    /// policies of their own.
    pub fn policy_key(&self, url: &Url) -> String {
        let authority = authority(url);
        match self.product.eq_ignore_ascii_case(PRODUCT) {
            true => authority,
            false => format!("{authority} {}", self.product.to_ascii_lowercase()),
        }
    }

    /// The site's headers for a request to `url`: none unless a seed has the same origin, that is,
    /// scheme, host and port (RFC 6454 §4).
    pub fn headers_for(&self, url: &Url) -> Headers {
        let mut seeds = self.seeds.iter();
        if seeds.any(|seed| seed.origin() == url.origin()) {
            self.headers.clone()
        } else {
            Headers::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_token_is_what_a_robots_txt_would_name() {
        let cases = [
            ("canter/0.1.0 (+https://example.org)", "canter"),
            ("ours/1", "ours"),
            ("Our-Docs_bot", "Our-Docs_bot"),
            ("docs bot/2", "docs"),
            (
                "Mozilla/5.0 (compatible; FooBot/1.0; +https://example.org)",
                "FooBot",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla"),
            ("(nothing)", "canter"),
            ("", "canter"),
        ];
        for (user_agent, token) in cases {
            assert_eq!(product_token(user_agent), token, "{user_agent}");
        }
    }
}
