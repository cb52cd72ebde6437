//! Hands sitemaps and their entries on to the frontier.

use url::Url;

use crate::domain::domain;
use crate::failure::Failure;
use crate::ports::{Claim, Exchange, Known, Response};
use crate::scope::Scope;
use crate::sitemap::{Contents, Entry, read};
use crate::task::{Kind, Outcome, Skip, Task};
use crate::world::World;
use canter_page::url::trap;

use super::links::hand_on;
use super::{StepResult, fail, finish, page};

/// Maximum depth of sitemaps that list sitemaps. The protocol allows one index of sitemaps, but
/// real sites have an index of indexes.
const MAX_NESTING: u32 = 3;

/// Maximum number of sitemaps on other domains that a robots.txt may name. The site's owner decides
/// about its own domain, and must not send a crawler to a thousand others.
const MAX_ELSEWHERE: usize = 10;

/// Claims the sitemaps that the robots.txt of a seed's authority names, as children of the seed.
/// Every task with the depth of a seed counts as one, since a seed's redirect may lead to another
/// authority.
pub(super) async fn hand_on_named<W: World>(world: &W, task: &Task) -> Result<(), Failure> {
    let limits = &world.site().limits;
    if task.depth > 0 || task.kind == Kind::Sitemap || limits.max_depth == Some(0) {
        return Ok(());
    }
    let key = world.site().policy_key(&task.url);
    let named = world.robots_cache().sitemaps(&key).await;
    let here = domain(&task.url);
    let mut elsewhere = 0;
    let named = named.into_iter().filter(|url| {
        elsewhere += usize::from(domain(url) != here);
        domain(url) == here || elsewhere <= MAX_ELSEWHERE
    });
    let claims = named.map(|url| Claim {
        skip: trap(&url, &limits.url).map(Skip::from),
        kind: Kind::Sitemap,
        ..Claim::page(url, 0)
    });
    hand_on(world, task, claims).await
}

/// Returns whether a sitemap may lead to another one: both lie on the same domain, or the target
/// lies in the site. The site's owner is not responsible for sitemaps elsewhere.
pub(super) fn may_lead(scope: &Scope, from: &Url, to: &Url) -> bool {
    domain(from) == domain(to) || scope.contains(to)
}

/// Claims the entries of a sitemap. If the response turns out to be a page, it is read as a page.
pub(super) async fn listed<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    response: Response,
) -> Result<StepResult, Failure> {
    let exchange = Exchange::of(&response);
    let (scope, from) = (world.scope(), task.url.clone());
    let may_nest = task.depth < MAX_NESTING;
    let wanted = move |url: &Url, kind| match kind {
        Kind::Page => scope.contains(url),
        Kind::Sitemap => may_nest && may_lead(&scope, &from, url),
    };
    let (response, contents) = world
        .read(move || {
            let contents = read(&response.body, response.started, wanted);
            // Only a page is read again. The body of a sitemap is dropped before its entries are
            // claimed.
            let page = (contents == Contents::Html).then_some(response);
            (page, contents)
        })
        .await?;
    let listing = match (contents, response) {
        (Contents::Listing(listing), _) => listing,
        (Contents::Html, Some(response)) if world.scope().contains(&task.url) => {
            return page(world, task, known, response).await;
        }
        (Contents::Html, _) => {
            let why = "it is no sitemap but a page".to_owned();
            return fail(world, task, known, why, Some(exchange)).await;
        }
        (Contents::Other(why), _) => return fail(world, task, known, why, Some(exchange)).await,
    };
    let urls = (listing.pages.len() + listing.sitemaps.len()) as u64;
    claim_all(world, task, listing.sitemaps, Kind::Sitemap, task.depth + 1).await?;
    claim_all(world, task, listing.pages, Kind::Page, 1).await?;
    let outcome = Outcome::Listed {
        urls,
        left_out: listing.left_out,
        whole: listing.whole,
    };
    finish(world, task, known, outcome, Some(exchange)).await
}

async fn claim_all<W: World>(
    world: &W,
    task: &Task,
    entries: Vec<Entry>,
    kind: Kind,
    depth: u32,
) -> Result<(), Failure> {
    let limits = &world.site().limits;
    let too_deep = kind == Kind::Page && limits.max_depth.is_some_and(|most| depth > most);
    let claims = entries.into_iter().map(|entry| Claim {
        skip: trap(&entry.url, &limits.url)
            .map(Skip::from)
            .or(too_deep.then_some(Skip::TooDeep)),
        kind,
        lastmod: entry.lastmod,
        ..Claim::page(entry.url, depth)
    });
    hand_on(world, task, claims).await
}
