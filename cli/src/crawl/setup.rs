//! Turns arguments into sites that can be crawled.

use std::collections::HashSet;
use std::io::{IsTerminal, stderr, stdin};
use std::sync::Arc;

use anyhow::{Result, bail};
use canter_core::address::is_public;
use canter_core::domain::authority;
use canter_core::ports::{Headers, IndexReader};
use canter_core::prospect::CrawlLimits;
use canter_core::scope::{Options, Scope, site_id};
use canter_core::site::{Limits, Site, product_token};
use canter_embedded::store::{Beginning, SiteStore, Store};
use canter_http::Clock;
use canter_page::url::{Limits as UrlLimits, parse_seed};
use url::{Host, Url};

use super::args::Crawl;
use crate::count::counted;
use crate::index::WrittenIndex;
use crate::usage::UsageError;

/// Maximum number of attempts at one URL.
const ATTEMPTS: u32 = 3;

/// The sites of the command: one for each site id, or one named site with all URLs.
pub fn sites(args: &Crawl) -> Result<Vec<Site>> {
    let mut seeds: Vec<(String, Vec<Url>)> = Vec::new();
    for typed in &args.urls {
        let seed = parse_seed(typed).map_err(UsageError::new)?;
        check_private(&seed, args.allow_private)?;
        let id = args.site.clone().unwrap_or_else(|| site_id(&seed));
        match seeds.iter_mut().find(|(known, _)| *known == id) {
            Some((_, urls)) if urls.contains(&seed) => {}
            Some((_, urls)) => urls.push(seed),
            None => seeds.push((id, vec![seed])),
        }
    }
    let sitemaps: Result<Vec<Url>, _> = args.sitemap.iter().map(|url| parse_seed(url)).collect();
    let sitemaps = sitemaps.map_err(UsageError::new)?;
    seeds
        .into_iter()
        .map(|(id, seeds)| {
            let options = Options {
                include: args.include.clone(),
                exclude: args.exclude.clone(),
                subdomains: args.subdomains,
            };
            Ok(Site {
                id,
                sitemaps: sitemaps.clone(),
                scope: Scope::new(&seeds, options).map_err(UsageError::new)?,
                seeds,
                limits: limits(args),
                headers: Headers(args.header.clone()),
                product: product_token(&user_agent(args)),
            })
        })
        .collect()
}

/// The user agent: canter, its version, and where to reach its owner.
pub fn user_agent(args: &Crawl) -> String {
    let ours = concat!(
        "canter/",
        env!("CARGO_PKG_VERSION"),
        " (+",
        env!("CARGO_PKG_HOMEPAGE"),
        ")"
    );
    let name = args.user_agent.as_deref().unwrap_or(ours);
    match &args.contact {
        Some(contact) => format!("{name} ({contact})"),
        None => name.to_owned(),
    }
}

/// The authorities at which private addresses are permitted: those of the seeds.
pub fn private(args: &Crawl, sites: &[Site]) -> HashSet<String> {
    let seeds = sites.iter().flat_map(|site| &site.seeds);
    seeds
        .filter(|_| args.allow_private)
        .map(authority)
        .collect()
}

/// Begins or continues the crawl of a site. Asks before it changes the scope of a known site.
pub async fn begin(
    store: &Store,
    site: &Site,
    args: &Crawl,
    clock: Clock,
) -> Result<(SiteStore, Beginning, Scope)> {
    let now = Arc::new(move || clock.now());
    let mut begun = store
        .begin_crawl(site, args.change_scope, now.clone())
        .await?;
    if begun.1 == Beginning::OtherScope {
        confirm_scope(&site.id)?;
        begun = store.begin_crawl(site, true, now).await?;
    }
    let (site_store, beginning, scope) = begun;
    if beginning == Beginning::Forgotten {
        bail!(
            "the site {0} was to be forgotten, which was cut off: run `canter forget {0}` first",
            site.id
        );
    }
    site_store
        .note_limits(&CrawlLimits {
            max_depth: site.limits.max_depth,
            max_page_bytes: site.limits.max_page_bytes,
            url: site.limits.url,
            allow_private: args.allow_private,
        })
        .await?;
    site_store
        .note_rate(args.rps.0.map(|rate| rate.per_second()))
        .await?;
    Ok((site_store, beginning, scope))
}

/// How the announcement of a crawl begins.
pub fn words(beginning: Beginning) -> &'static str {
    match beginning {
        Beginning::First | Beginning::OtherScope | Beginning::Forgotten => "Crawling",
        Beginning::Continued => "Continuing the crawl of",
        Beginning::Refresh | Beginning::ChangedScope => "Refreshing",
    }
}

/// Announces a crawl: `Crawling docs.example.org from https://docs.example.org/`.
pub fn announce(what: &str, site: &str, scope: &Scope) {
    let seeds: Vec<&str> = scope.seeds().iter().map(Url::as_str).collect();
    eprintln!("{what} {site} from {}", seeds.join(" "));
}

/// Asks whether to crawl a site with another scope than before. Fails if the user refuses or there
/// is no terminal to ask on.
pub fn confirm_scope(site: &str) -> Result<()> {
    if !confirm(site)? {
        bail!(
            "the site {site} was crawled with other options of scope: add --change-scope to crawl \
             it anew with these, or keep both apart with --site NAME"
        );
    }
    Ok(())
}

/// Notes the index of the site, and says what becomes of pages in another index.
pub async fn settle_index(
    store: &SiteStore,
    site: &Site,
    index: &WrittenIndex,
    server: Option<&Url>,
) -> Result<()> {
    let server = server.map(Url::to_string);
    let before = store.server().await?;
    let there = index.count(&site.id).await?;
    let shown = store.searchable().await?;
    if server != before && shown > 0 {
        let old = before.as_deref().unwrap_or("the data folder's own index");
        eprintln!(
            "Note: {} of {} stay in {old}; `canter forget` before a move removes them.",
            counted(shown, "page"),
            site.id
        );
    } else if there > 0 && shown == 0 {
        eprintln!(
            "Note: the index holds {} of a site {} that this data folder does not know of. If they \
             are another site's, stop now and name this one with --site.",
            counted(there, "page"),
            site.id
        );
    }
    if server != before {
        store.note_server(server).await?;
    }
    Ok(())
}

fn confirm(site: &str) -> Result<bool> {
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        return Ok(false);
    }
    eprint!("The site {site} was crawled with other options of scope. Crawl it anew? [y/N] ");
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}

fn check_private(seed: &Url, allowed: bool) -> Result<()> {
    let address = match seed.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        _ => return Ok(()),
    };
    if !allowed && !is_public(address) {
        bail!("{address} is a private address: add --allow-private if the server is your own");
    }
    Ok(())
}

fn limits(args: &Crawl) -> Limits {
    Limits {
        max_pages: Some(args.max_pages),
        max_depth: Some(args.max_depth),
        max_page_bytes: args.max_page_bytes,
        timeout: args.timeout,
        attempts: ATTEMPTS,
        url: UrlLimits {
            bytes: args.max_url_bytes,
            ..UrlLimits::default()
        },
    }
}
