//! The life of one task: fetch it in a slot, judge the answer, read the page, claim its links and
//! push them, archive the page, finish the task. What the index shows is decided later
//! ([`crate::publish`]).
//!
//! The order ensures that nothing is lost. The links are in the frontier and the page is in the
//! archive before the task is finished. A task that is interrupted on the way is repeated from the
//! start with the same result.

mod ending;
mod links;
mod sitemaps;

use url::Url;

use crate::archived_page::ArchivedPage;
use crate::back_off::back_off;
use crate::domain::domain;
use crate::failure::Failure;
use crate::judge::{Judgement, judge, wants_body};
pub use crate::limits::MAX_HOLD_WAIT;
use crate::permission::{Permission, Unknown, permission};
use crate::ports::{Archive, Claim, Exchange, Frontier, Known, Pages, Request, Response};
use crate::publish::Kept;
use crate::scope::Scope;
use crate::site::Site;
use crate::sitemap;
use crate::task::{Kind, Outcome, Skip, Task, UrlKey};
use crate::world::World;
use canter_page::url::trap;
use canter_page::{self, Directives, link_header};

use ending::{again, fail, finish, gone, paused, skip_redirect};
use links::{claims, hand_on};
use sitemaps::{hand_on_named, listed, may_lead};

/// Maximum number of redirects in a row before a chain counts as a loop.
const MAX_REDIRECTS: u8 = 10;
/// Factor by which a sitemap may take longer than a page, since it may be larger by the same
/// factor.
const SITEMAP_PATIENCE: u32 = 4;

/// The result of a step for its task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepResult {
    /// The task has ended.
    Finished(Outcome),
    /// The task waits for another attempt.
    Again(String),
    /// The task was already done.
    Dropped,
    /// The crawl is being stopped; the task stays in the frontier.
    Stopped,
    /// Another worker is fetching the robots.txt. Nothing was recorded or pushed, so that a caller
    /// with many such tasks can postpone all of them at once. The caller pushes this task again.
    Busy,
    /// The site asked for a long pause; the task stays in the frontier.
    Paused(String),
}

/// Runs one task from its permission to its end.
///
/// # Errors
///
/// Returns the errors of the stores and of the index. The task is not finished then.
pub async fn step<W: World>(world: &W, task: &Task) -> Result<StepResult, Failure> {
    let Some(known) = world.pages().begin(task).await? else {
        return Ok(StepResult::Dropped);
    };
    if world
        .traps()
        .has_too_many_hosts(&task.url, &world.site().seeds)
    {
        return finish(world, task, known, Skip::TrapHosts.into(), None).await;
    }
    let permission = permission(world, &task.url).await?;
    if let Permission::Granted | Permission::Denied(Skip::Robots) = permission {
        hand_on_named(world, task).await?;
    }
    match permission {
        Permission::Granted => {}
        Permission::Denied(reason) => return finish(world, task, known, reason.into(), None).await,
        Permission::Later(Unknown { why, asked, hold }) => {
            if asked {
                return again(world, task, known, why, hold, None).await;
            }
            // Only requests count as attempts. Whoever asks next may have to wait for long.
            let delay = back_off(task.attempts + 2, world.jitter());
            world.frontier().push(vec![task.clone()], delay).await?;
            return Ok(StepResult::Again(why));
        }
        Permission::Busy => return Ok(StepResult::Busy),
        Permission::Pause(span) => {
            world
                .frontier()
                .push(vec![task.clone()], MAX_HOLD_WAIT)
                .await?;
            return Ok(paused(span, "robots.txt"));
        }
        Permission::Stopped => return Ok(StepResult::Stopped),
    }
    attempt(world, task, known, None).await
}

/// Makes the request and acts on its answer. `cookie` is what an answer before has set, which
/// redirected to itself.
async fn attempt<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    cookie: Option<String>,
) -> Result<StepResult, Failure> {
    let conditional = known.newest.is_some();
    let is_second = cookie.is_some();
    let request = request(world.site(), task, &known, cookie);
    let room = match task.kind {
        Kind::Page => None,
        Kind::Sitemap => Some(world.sitemaps().acquire().await),
    };
    let answer = world.fetch(request).await;
    let exchange = answer.as_ref().ok().map(Exchange::of);
    if answer.is_ok() {
        world.traps().answered(&task.url);
    }
    match judge(task, conditional, is_second, answer, world.now()) {
        Judgement::Page(response) => page(world, task, known, response).await,
        Judgement::Sitemap(response) => listed(world, task, known, response).await,
        Judgement::NotModified => not_modified(world, task, known, exchange).await,
        Judgement::Redirect(to) => redirect(world, task, known, to, exchange).await,
        Judgement::Cookie(set) => {
            drop(room);
            Box::pin(attempt(world, task, known, Some(set))).await
        }
        Judgement::Gone => gone(world, task, known, exchange).await,
        Judgement::Skip(reason) => finish(world, task, known, reason.into(), exchange).await,
        Judgement::Again { why, hold } => again(world, task, known, why, hold, exchange).await,
        Judgement::Failed(why) => fail(world, task, known, why, exchange).await,
        Judgement::Stopped => Ok(StepResult::Stopped),
    }
}

/// Returns the request for a task. The request is conditional if the index holds a copy.
fn request(site: &Site, task: &Task, known: &Known, cookie: Option<String>) -> Request {
    let mut headers = site.headers_for(&task.url);
    let limits = &site.limits;
    let (accept, max_bytes, timeout) = match task.kind {
        Kind::Page => (
            "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1",
            limits.max_page_bytes,
            limits.timeout,
        ),
        Kind::Sitemap => (
            "application/xml,text/xml,application/gzip;q=0.9,text/plain;q=0.8,*/*;q=0.1",
            sitemap::MAX_BYTES,
            limits.timeout.saturating_mul(SITEMAP_PATIENCE),
        ),
    };
    headers.0.push(("accept".into(), accept.into()));
    if let Some(set) = cookie {
        let sent = headers.all("cookie").map(str::to_owned).chain([set]);
        let all = sent.collect::<Vec<_>>().join("; ");
        headers
            .0
            .retain(|(name, _)| !name.eq_ignore_ascii_case("cookie"));
        headers.0.push(("cookie".into(), all));
    }
    if known.newest.is_some() {
        let validators = [
            ("if-none-match", &known.etag),
            ("if-modified-since", &known.last_modified),
        ];
        for (name, value) in validators {
            if let Some(value) = value {
                headers.0.push((name.into(), value.clone()));
            }
        }
    }
    Request {
        url: task.url.clone(),
        headers,
        max_bytes,
        timeout,
        wants_body: wants_body(task.kind),
    }
}

async fn page<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    response: Response,
) -> Result<StepResult, Failure> {
    let hash = UrlKey::hash(&response.body);
    let headers = &response.head.headers;
    let asked = Directives::from_header(headers.all("x-robots-tag"), &world.site().names());
    let named = link_header::canonical(headers.all("link"), &task.url);
    let led_to = link_header::pages(headers.all("link"), &task.url);
    let fetched_at = response.started;
    let validator = |name| headers.get(name).map(str::to_owned);
    let (etag, last_modified) = (validator("etag"), validator("last-modified"));
    let exchange = Some(Exchange::of(&response));
    let url = task.url.clone();
    let reading = world.read(move || {
        let content_type = response.head.headers.get("content-type");
        canter_page::read(&response.body, content_type, &url)
    });
    let mut page = match reading.await {
        Ok(page) => page,
        Err(unreadable) => {
            let why = format!("the page cannot be read: {unreadable}");
            return fail(world, task, known, why, exchange).await;
        }
    };
    for (name, directives) in std::mem::take(&mut page.named_directives) {
        if world.site().is_named(&name) {
            page.directives = page.directives.union(directives);
        }
    }
    page.canonical = page.canonical.or(named);
    page.links.extend(led_to);
    if asked.nofollow || page.directives.nofollow {
        // Marking each link keeps the directive known when only the stored copy is read.
        page.links.iter_mut().for_each(|link| link.nofollow = true);
    }
    let is_repeated = world.traps().is_repeated(&task.url, hash, Some(&page));
    let content = page.canonical.iter().chain(&page.refresh);
    if is_repeated {
        // Where the page says that its content is, is none of its links.
        hand_on(world, task, claims(world, task, false, content.clone())).await?;
    }
    let followed = page.links.iter().filter(|link| !link.nofollow);
    let targets = followed.map(|link| &link.url).chain(content);
    let claims = claims(world, task, is_repeated, targets);
    hand_on(world, task, claims).await?;

    if asked.noindex || page.directives.noindex {
        return finish(world, task, known, Skip::Noindex.into(), exchange).await;
    }
    let scope = world.scope();
    let canonical = page
        .canonical
        .clone()
        .filter(|canonical| *canonical != task.url && scope.contains(canonical));
    let same = known
        .newest
        .as_ref()
        .filter(|it| it.fingerprint.hash == hash);
    let (outcome, newest) = match same {
        Some(same) => (Outcome::Unchanged, same.clone()),
        None => {
            let archived = ArchivedPage {
                site: task.site.clone(),
                url: task.url.clone(),
                fetched_at,
                version: known.next_version(world.now()),
                hash,
                etag: etag.clone(),
                last_modified: last_modified.clone(),
                page,
            };
            let fingerprint = archived.fingerprint();
            let place = world.archive().put(archived).await?;
            (Outcome::Indexed, Kept { fingerprint, place })
        }
    };
    let known = Known {
        etag,
        last_modified,
        version: known.version.max(newest.fingerprint.version),
        newest: Some(newest),
        canonical,
        ..known
    };
    finish(world, task, known, outcome, exchange).await
}

/// Handles a 304: the links of the archived version are claimed again, so that an unchanged page
/// does not make the pages that it links to look gone.
async fn not_modified<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    exchange: Option<Exchange>,
) -> Result<StepResult, Failure> {
    let place = known.newest.as_ref().map(|newest| newest.place.clone());
    let links = world.archive().links(&task.site, place.as_slice()).await?;
    let links = links.into_iter().next().flatten();
    let Some(links) = links.as_ref().and_then(|links| links.read().ok()) else {
        // The archive has lost the version, so the page is fetched whole.
        let known = Known {
            newest: None,
            ..known
        };
        return Box::pin(attempt(world, task, known, None)).await;
    };
    let links = links.into_iter().filter(|link| !link.nofollow);
    let targets: Vec<Url> = links
        .filter_map(|link| Url::parse(&link.url).ok())
        .collect();
    let hash = known.newest.as_ref().map(|newest| newest.fingerprint.hash);
    let repeated = hash.map(|hash| world.traps().is_repeated(&task.url, hash, None));
    let claims = claims(world, task, repeated == Some(true), targets.iter());
    hand_on(world, task, claims).await?;
    finish(world, task, known, Outcome::Unchanged, exchange).await
}

async fn redirect<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    to: Url,
    exchange: Option<Exchange>,
) -> Result<StepResult, Failure> {
    if task.redirects >= MAX_REDIRECTS || task.parent.as_ref() == Some(&to) && task.redirects > 0 {
        return skip_redirect(world, task, known, Skip::RedirectLoop, to, exchange).await;
    }
    let scope = world.scope();
    let may_follow = match task.kind {
        Kind::Page => scope.contains(&to),
        Kind::Sitemap => may_lead(&scope, &task.url, &to),
    };
    if !may_follow {
        match moved(&scope, task, &to) {
            Some(scope) => world.move_scope(scope).await?,
            None => return skip_redirect(world, task, known, Skip::LeavesSite, to, exchange).await,
        }
    }
    let claim = Claim {
        skip: trap(&to, &world.site().limits.url).map(Skip::from),
        redirects: task.redirects + 1,
        kind: task.kind,
        ..Claim::page(to.clone(), task.depth)
    };
    hand_on(world, task, vec![claim]).await?;
    finish(world, task, known, Outcome::Redirected { to }, exchange).await
}

/// Returns the scope after a seed's redirect out of the current scope; `None` if the task is no
/// seed. The seed may have been redirected within the scope before (`http://example.org/` to
/// `https://example.org/` to `https://www.example.org/`).
fn moved(scope: &Scope, task: &Task, to: &Url) -> Option<Scope> {
    if task.depth > 0 || task.kind == Kind::Sitemap {
        return None;
    }
    let here = domain(&task.url);
    let mut seeds: Vec<&Url> = scope.seeds().iter().collect();
    seeds.sort_by_key(|seed| **seed != task.url);
    let mut seeds = seeds.into_iter().filter(|seed| domain(seed) == here);
    seeds.find_map(|seed| scope.moved(seed, to))
}
