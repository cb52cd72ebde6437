//! Advice about a URL that is not in the index.

use std::net::IpAddr;

use canter_core::address::is_public;
use canter_core::prospect::{CrawlLimits, Refusal};
use canter_core::scope::Outside;
use canter_core::task::{Outcome, Skip};
use canter_embedded::store::{Account, KnownSite};
use url::{Host, Url};

/// A URL in a site.
pub struct Case<'a> {
    pub url: &'a Url,
    pub site: &'a KnownSite,
    pub limits: &'a CrawlLimits,
    /// Why it would not be fetched now.
    pub refusal: Option<&'a Refusal<'a>>,
    pub account: Option<&'a Account>,
    /// Whether a crawl holds the folder.
    pub busy: bool,
}

/// One line of advice; none if there is nothing to do.
pub fn advice(case: &Case<'_>) -> Option<String> {
    let outcome = case.account.map(|account| account.outcome.as_ref());
    match (outcome, case.refusal) {
        (Some(Some(outcome)), _) => ended(case, outcome),
        (_, Some(Refusal::Outside(outside))) => Some(outside_of(case, outside)),
        (Some(None), _) if case.busy => None,
        (Some(None), _) => Some(format!("to go on with it: {}", command(case, ""))),
        (None, Some(refusal)) => refusal.skip().and_then(|reason| skipped(case, reason)),
        (None, None) => Some(format!(
            "no page that was read links to it; to take it as a start: {}",
            as_start(case)
        )),
    }
}

fn ended(case: &Case<'_>, outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Skipped { reason, .. } => skipped(case, *reason),
        Outcome::Failed { .. } => Some(format!(
            "the next crawl tries it again: {}",
            command(case, "")
        )),
        Outcome::Gone { status: 410 } => None,
        Outcome::Gone { .. } => {
            let parent = case.account.and_then(|account| account.found.last());
            let parent = parent.map(|step| format!("mend the link on {}", step.url));
            let copy = "its copy leaves the index after two crawls without it, or when no page links to it";
            let copy = case
                .account
                .filter(|account| account.indexed)
                .map(|_| copy.to_owned());
            let both: Vec<String> = parent.into_iter().chain(copy).collect();
            (!both.is_empty()).then(|| both.join("; "))
        }
        _ => None,
    }
}

fn skipped(case: &Case<'_>, reason: Skip) -> Option<String> {
    let url = case.url;
    Some(match reason {
        Skip::Robots => "only the site's owner can change that: robots.txt is always obeyed".into(),
        Skip::Noindex => "only the page's owner can change that".into(),
        Skip::NotHtml => return None,
        Skip::TooLarge => format!(
            "--max-page-bytes larger than {} takes it in",
            case.limits.max_page_bytes
        ),
        Skip::TooDeep => {
            let depth = case.account.map_or(0, |account| account.depth);
            format!("--max-depth {depth} takes it in")
        }
        Skip::LongUrl => format!("--max-url-bytes {} takes it in", url.as_str().len()),
        Skip::Trap | Skip::TrapRepeats | Skip::TrapCombinations | Skip::TrapHosts => format!(
            "if it is a page after all, take it as a start: {}",
            as_start(case)
        ),
        Skip::LeavesSite => "crawl the place that it redirects to as a site of its own".into(),
        Skip::RedirectLoop => "only the site's owner can mend its redirects".into(),
        Skip::PrivateAddress => {
            "--allow-private permits the given URLs' own host and port, if the server is yours"
                .into()
        }
    })
}

fn outside_of(case: &Case<'_>, outside: &Outside) -> String {
    let url = case.url;
    if let Some(options) = case.site.scope.remedy(url) {
        return command(case, &format!(" {options} --change-scope"));
    }
    match outside {
        Outside::Exclude(glob) => format!("leave --exclude '{glob}' out, with --change-scope"),
        Outside::Scheme(_) => "nothing: canter reads the web alone".to_owned(),
        _ => format!(
            "canter crawl {url}{} makes it a site of its own",
            permit(url)
        ),
    }
}

/// The option that a private address needs.
fn permit(url: &Url) -> &'static str {
    let private = |address: IpAddr| !is_public(address);
    let is_private = match url.host() {
        Some(Host::Ipv4(address)) => private(address.into()),
        Some(Host::Ipv6(address)) => private(address.into()),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    if is_private { " --allow-private" } else { "" }
}

fn as_start(case: &Case<'_>) -> String {
    command(case, &format!(" {} --change-scope", case.url))
}

/// The command that crawls the site again, with `more` options.
fn command(case: &Case<'_>, more: &str) -> String {
    let seeds: Vec<&str> = case.site.seeds.iter().map(Url::as_str).collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:/".contains(c);
    let name = &case.site.name;
    let name = if name.chars().all(plain) {
        name.clone()
    } else {
        format!("'{name}'")
    };
    format!(
        "canter crawl {}{more} --site {name} (and its other options)",
        seeds.join(" ")
    )
}
