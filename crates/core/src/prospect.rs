//! Whether a crawl would fetch a URL that it met, and if not, why. The checks are those of a step,
//! in the same order, made from what is stored.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::address::is_public;
use crate::domain::authority;
use crate::robots::RobotsPolicy;
use crate::scope::{Outside, Scope};
use crate::task::Skip;
use canter_page::url::{Limits, Trap, trap};

/// The limits of a crawl besides its scope, as the store keeps them for later questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrawlLimits {
    /// Maximum number of links between a seed and a page; none for no limit.
    pub max_depth: Option<u32>,
    /// Maximum size of one page in bytes, decoded.
    pub max_page_bytes: usize,
    /// Limits beyond which a URL counts as a crawler trap.
    pub url: Limits,
    /// Whether private addresses are permitted at the seeds' own hosts and ports.
    pub allow_private: bool,
}

/// What is known of a URL's site.
#[derive(Debug, Clone, Copy)]
pub struct SiteContext<'a> {
    /// Which URLs belong to the site.
    pub scope: &'a Scope,
    /// The seeds as they were typed, before any redirect moved them.
    pub seeds: &'a [Url],
    /// Limits of the newest crawl.
    pub limits: &'a CrawlLimits,
    /// The policy of the URL's robots.txt, if it was fetched.
    pub policy: Option<&'a RobotsPolicy>,
}

/// Why a URL would not be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// It does not belong to the site.
    Outside(Outside),
    /// It is probably a crawler trap.
    Trap(Trap<'a>),
    /// This rule of robots.txt disallows it.
    Robots(String),
    /// It has this private address.
    PrivateAddress(IpAddr),
}

impl Refusal<'_> {
    /// The reason for which its task would be skipped; none for a URL that never becomes a task.
    pub fn skip(&self) -> Option<Skip> {
        match self {
            Refusal::Outside(_) => None,
            Refusal::Trap(trap) => Some((*trap).into()),
            Refusal::Robots(_) => Some(Skip::Robots),
            Refusal::PrivateAddress(_) => Some(Skip::PrivateAddress),
        }
    }
}

/// The first reason not to fetch a normalised URL. None if it would be fetched, as far as that is
/// known without a request: its name may still resolve to a private address, and its depth depends
/// on the page that links to it.
pub fn refusal<'a>(url: &'a Url, context: SiteContext<'_>) -> Option<Refusal<'a>> {
    if let Some(outside) = context.scope.outside(url) {
        return Some(Refusal::Outside(outside));
    }
    if let Some(trap) = trap(url, &context.limits.url) {
        return Some(Refusal::Trap(trap));
    }
    let private = private_address(url);
    if let Some(address) = private
        && !is_permitted(url, context.seeds, context.limits)
    {
        return Some(Refusal::PrivateAddress(address));
    }
    match context.policy {
        Some(RobotsPolicy::Rules(rules)) if !rules.allows(url) => {
            Some(Refusal::Robots(rules.rule(url).unwrap_or_default()))
        }
        _ => None,
    }
}

/// Whether a private address may be dialled for this URL: at a seed's own host and port.
pub fn is_permitted(url: &Url, seeds: &[Url], limits: &CrawlLimits) -> bool {
    limits.allow_private && seeds.iter().any(|seed| authority(seed) == authority(url))
}

/// The private address that a URL contains; none for a public address and for a name.
pub fn private_address(url: &Url) -> Option<IpAddr> {
    let address: IpAddr = match url.host()? {
        Host::Ipv4(address) => address.into(),
        Host::Ipv6(address) => address.into(),
        Host::Domain(_) => return None,
    };
    (!is_public(address)).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robots::Rules;
    use crate::scope::Options;

    #[test]
    fn refusals_in_the_order_of_a_step() {
        let seeds = ["http://10.0.0.1/a/", "https://h.org/"].map(|seed| seed.parse().unwrap());
        let scope = Scope::new(&seeds, Options::default()).unwrap();
        let rules = Rules::parse(b"User-agent: *\nDisallow: /a/no\nDisallow: /x/x", "canter");
        let limits = |allow_private| CrawlLimits {
            max_depth: None,
            max_page_bytes: 1,
            url: Limits::default(),
            allow_private,
        };
        for (url, allow_private, expected) in [
            ("https://h.org/", false, "fetched"),
            ("https://i.org/a/no", false, "host"),
            ("http://10.0.0.2/a/no", false, "host"),
            ("http://10.0.0.1/b", false, "path_prefix"),
            ("https://h.org/x/x/x/x/x/x", false, "trap"),
            ("https://h.org/a/no", false, "robots"),
            ("http://10.0.0.1/a/no", false, "private_address"),
            ("http://10.0.0.1/a/no", true, "robots"),
            ("http://10.0.0.1/a/", true, "fetched"),
        ] {
            let url: Url = url.parse().unwrap();
            let context = SiteContext {
                scope: &scope,
                seeds: &seeds,
                limits: &limits(allow_private),
                policy: Some(&RobotsPolicy::Rules(rules.clone())),
            };
            let name = match refusal(&url, context) {
                None => "fetched",
                Some(Refusal::Outside(outside)) => outside.name(),
                Some(refusal) => refusal.skip().map_or("", Skip::name),
            };
            assert_eq!(name, expected, "{url}");
        }
    }
}
