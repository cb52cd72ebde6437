//! What a site's crawls know of a URL, with its names in JSON.

use canter_core::task::{Kind, Outcome};
use canter_embedded::store::{Account, KnownSite};
use serde::{Serialize, Serializer};
use url::Url;

use crate::when;

/// What the crawls of a site know of a URL that they have met.
#[derive(Debug, Serialize)]
pub struct History {
    pub waits: bool,
    /// Whether the newest crawl met it; if not, an older one did.
    pub met: bool,
    #[serde(rename = "due_at", serialize_with = "time")]
    pub due_ms: Option<u64>,
    pub kind: Kind,
    pub depth: u32,
    pub attempts: u32,
    pub outcome: Option<String>,
    /// Why it was skipped.
    pub reason: Option<String>,
    /// The target of its redirect, or the page it is a duplicate of.
    pub target: Option<String>,
    /// Why it failed.
    pub failure: Option<String>,
    pub status: Option<u16>,
    #[serde(rename = "fetched_at", serialize_with = "time")]
    pub fetched_ms: Option<u64>,
    pub took_ms: Option<u64>,
    pub bytes: Option<u64>,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    #[serde(rename = "lastmod", serialize_with = "time")]
    pub lastmod_ms: Option<u64>,
    pub canonical: Option<Url>,
    pub misses: u32,
    /// The way from a seed to the URL itself.
    pub found: Vec<Waypoint>,
    pub redirected_from: Vec<Url>,
    pub redirects_to: Vec<Target>,
    pub duplicates: Vec<Url>,
}

/// One URL on the way from a seed.
#[derive(Debug, Serialize)]
pub struct Waypoint {
    pub url: Url,
    /// `seed`, or how the URL before led here: `link`, `redirect`, `sitemap`; `unknown` if the way
    /// is lost.
    pub by: &'static str,
}

/// A redirect's target.
#[derive(Debug, Serialize)]
pub struct Target {
    pub url: Url,
    /// Its own outcome.
    pub outcome: Option<String>,
}

impl History {
    pub fn of(account: Account, site: &KnownSite, url: &Url) -> Self {
        let named = |name: &str| field(account.outcome.as_ref(), name);
        let targets = account.redirects_to.iter().map(|target| Target {
            outcome: field(target.outcome.as_ref(), "outcome"),
            url: target.url.clone(),
        });
        History {
            outcome: named("outcome"),
            reason: named("reason"),
            target: named("to").or_else(|| named("of")),
            failure: named("why"),
            due_ms: Some(account.due_ms).filter(|due| account.waits && *due > 0),
            found: found(&account, site, url),
            redirects_to: targets.collect(),
            waits: account.waits,
            met: account.met,
            kind: account.kind,
            depth: account.depth,
            attempts: account.attempts,
            status: account.status,
            fetched_ms: account.fetched_ms,
            took_ms: account.took_ms,
            bytes: account.bytes,
            etag: account.etag,
            last_modified: account.last_modified,
            lastmod_ms: account.lastmod_ms,
            canonical: account.canonical,
            misses: account.misses,
            redirected_from: account.redirected_from,
            duplicates: account.duplicates,
        }
    }
}

/// A field of an outcome by its name in JSON.
fn field(outcome: Option<&Outcome>, name: &str) -> Option<String> {
    let fields = serde_json::to_value(outcome?).ok()?;
    Some(fields.get(name)?.as_str()?.to_owned())
}

/// The way from a seed to the URL itself.
fn found(account: &Account, site: &KnownSite, url: &Url) -> Vec<Waypoint> {
    let mut by = None;
    let mut way = Vec::new();
    let before = account.found.iter();
    let before = before.map(|it| (&it.url, Some(it), it.sitemap));
    let itself = (url, None, account.kind == Kind::Sitemap);
    for (at, parent, is_sitemap) in before.chain([itself]) {
        let mut seeds = site.seeds.iter().chain(site.scope.seeds());
        let first = match seeds.any(|seed| seed == at) {
            true => "seed",
            false if is_sitemap => "--sitemap",
            false => "unknown",
        };
        // Pages do not name sitemaps; their robots.txt does.
        let by_robots = by == Some("link") && is_sitemap;
        let by_it = if by_robots { Some("robots.txt") } else { by };
        way.push(Waypoint {
            url: at.clone(),
            by: by_it.unwrap_or(first),
        });
        by = parent.map(|parent| match (parent.redirects, parent.sitemap) {
            (true, _) => "redirect",
            (false, true) => "sitemap",
            (false, false) => "link",
        });
    }
    way
}

/// Serializes Unix milliseconds as RFC 3339.
pub fn time<S: Serializer>(ms: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    ms.map(when::iso).serialize(serializer)
}
