//! What a site's crawls know of a URL, with its names in JSON.

use canter_core::task::{Kind, Outcome};
use canter_embedded::store::{Account, KnownSite, RedirectTarget};
use serde::Serialize;
use url::Url;

use super::answer::time;

/// A URL that a crawl has met.
#[derive(Debug, Serialize)]
pub struct Known {
    pub waits: bool,
    /// The newest crawl has met it; if not, an older one did.
    pub met: bool,
    #[serde(rename = "due_at", serialize_with = "time")]
    pub due_ms: Option<u64>,
    pub kind: Kind,
    pub depth: u32,
    pub attempts: u32,
    pub outcome: Option<String>,
    /// Why it was skipped.
    pub reason: Option<String>,
    /// Where it redirects to, or what it is a duplicate of.
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
    /// From a seed to the URL itself.
    pub found: Vec<Link>,
    pub redirected_from: Vec<Url>,
    pub redirects_to: Vec<Target>,
    pub duplicates: Vec<Url>,
}

/// One URL of the way.
#[derive(Debug, Serialize)]
pub struct Link {
    pub url: Url,
    /// `seed`, or what the URL before it did: `link`, `redirect`, `sitemap`; `unknown` where the
    /// way is lost.
    pub by: &'static str,
}

/// A redirect's target.
#[derive(Debug, Serialize)]
pub struct Target {
    pub url: Url,
    /// How it ended itself.
    pub outcome: Option<String>,
}

impl Known {
    pub fn of(account: Account, site: &KnownSite, url: &Url) -> Self {
        let outcome = account.outcome.as_ref().map(fields);
        let named = |name: &str| {
            let fields = outcome.as_ref()?.as_object()?;
            Some(fields.get(name)?.as_str()?.to_owned())
        };
        Known {
            outcome: named("outcome"),
            reason: named("reason"),
            target: named("to").or_else(|| named("of")),
            failure: named("why"),
            due_ms: Some(account.due_ms).filter(|due| account.waits && *due > 0),
            found: found(&account, site, url),
            redirects_to: account.redirects_to.into_iter().map(target).collect(),
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

/// An outcome by its own names, so that what a later one holds is told too.
fn fields(outcome: &Outcome) -> serde_json::Value {
    serde_json::to_value(outcome).unwrap_or_default()
}

fn target(found: RedirectTarget) -> Target {
    let outcome = found.outcome.as_ref().map(fields);
    Target {
        outcome: outcome.and_then(|fields| Some(fields.get("outcome")?.as_str()?.to_owned())),
        url: found.url,
    }
}

fn found(account: &Account, site: &KnownSite, url: &Url) -> Vec<Link> {
    let steps = &account.found;
    let mut by = None;
    let mut links = Vec::new();
    let is_sitemap = account.kind == Kind::Sitemap;
    let itself = [(url, None, is_sitemap)];
    for (at, step, is_sitemap) in steps
        .iter()
        .map(|step| (&step.url, Some(step), step.sitemap))
        .chain(itself)
    {
        let seeds = site.seeds.iter().chain(site.scope.seeds());
        let first = match seeds.clone().any(|seed| seed == at) {
            true => "seed",
            false if is_sitemap => "--sitemap",
            false => "unknown",
        };
        // A page names no sitemap: the robots.txt beside it does.
        let by_robots = by == Some("link") && is_sitemap;
        let by_it = if by_robots { Some("robots.txt") } else { by };
        links.push(Link {
            url: at.clone(),
            by: by_it.unwrap_or(first),
        });
        by = step.map(|step| match (step.redirects, step.sitemap) {
            (true, _) => "redirect",
            (false, true) => "sitemap",
            (false, false) => "link",
        });
    }
    links
}
