//! The life of one task: fetch it in a slot, judge the answer, read the page, claim its links and
//! push them, index it, finish it.
//!
//! The order is what loses nothing. Links are in the frontier before their page is finished, a
//! page is in the index before it is finished, and whatever dies on the way is done again from
//! the start with the same result.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::document::{Document, document_id, version};
use crate::domain::domain;
use crate::failure::Failure;
use crate::judge::{Judgement, judge, wants_page};
use crate::page::{Directives, Page};
use crate::patience::back_off;
use crate::ports::{
    Claim, FetchError, Finish, Frontier, Index, Known, Pages, Request, Response, Robots,
};
use crate::rulebook::{Permission, Rulebook};
use crate::scope::Scope;
use crate::seen::Seen;
use crate::site::{PRODUCT, Site};
use crate::task::{Outcome, Skip, Task, UrlKey};
use crate::time::Moment;
use crate::url::trap;

/// Redirects in a row before a chain counts as a loop.
const MAX_HOPS: u8 = 10;
/// Crawls in a row in which a page may be missing before it leaves the index.
const MAX_MISSES: u32 = 3;
/// Attempts at a URL whose site asks for patience (429, 503).
const PATIENT_ATTEMPTS: u32 = 10;
/// A site that wants to be left alone for longer is paused.
pub(crate) const MAX_HOLD: Duration = Duration::from_secs(3600);

/// Everything that a step wants of the world, for one site.
pub trait World: Send + Sync {
    /// The page store.
    type Pages: Pages;
    /// The frontier.
    type Frontier: Frontier;
    /// The index.
    type Index: Index;
    /// Stored robots.txt verdicts.
    type Robots: Robots;

    /// The site that is crawled.
    fn site(&self) -> &Site;
    /// The page store.
    fn pages(&self) -> &Self::Pages;
    /// The frontier.
    fn frontier(&self) -> &Self::Frontier;
    /// The index.
    fn index(&self) -> &Self::Index;
    /// Stored robots.txt verdicts.
    fn robots(&self) -> &Self::Robots;
    /// Links that this process has handed on.
    fn seen(&self) -> &Seen;
    /// robots.txt of every authority.
    fn rulebook(&self) -> &Rulebook;
    /// Time since the Unix epoch.
    fn now(&self) -> Moment;
    /// A random number from 0 to 1.
    fn jitter(&self) -> f64;
    /// What belongs to the site now; a seed's redirect may move it.
    fn scope(&self) -> Arc<Scope>;

    /// Makes a request in a slot of its domain.
    fn fetch(&self, request: Request) -> impl Future<Output = Result<Response, FetchError>> + Send;
    /// Reads a page with [`crate::page::read`], away from the threads that fire slots.
    fn read(
        &self,
        response: Response,
        url: &Url,
    ) -> impl Future<Output = Result<Page, Failure>> + Send;
    /// Starts nothing on the URL's domain for this long, in any process.
    fn hold(&self, url: &Url, span: Duration) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Keeps starts on the URL's domain at least this far apart (`Crawl-delay`).
    fn slow(&self, url: &Url, delay: Duration);
    /// Moves the site's scope for good.
    fn move_scope(&self, scope: Scope) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What became of a task in this step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It has ended.
    Finished(Outcome),
    /// It waits for another attempt.
    Again(String),
    /// It was done already.
    Dropped,
    /// The crawl is being stopped; the task waits.
    Stopped,
    /// The site wants to be left alone for long; the task waits.
    Paused(String),
}

/// Takes one task through its life. A failure is one of the stores: nothing was finished.
pub async fn step<W: World>(world: &W, task: &Task) -> Result<End, Failure> {
    let Some(known) = world.pages().begin(task).await? else {
        return Ok(End::Dropped);
    };
    match world.rulebook().permission(world, &task.url).await? {
        Permission::Granted => {}
        Permission::Denied(reason) => return skip(world, task, known, reason, None).await,
        Permission::Later(why) => return again(world, task, known, why, None).await,
        Permission::Pause(span) => {
            world.frontier().push(vec![task.clone()], MAX_HOLD).await?;
            return Ok(paused(span, "robots.txt"));
        }
        Permission::Stopped => return Ok(End::Stopped),
    }
    attempt(world, task, known).await
}

/// Makes the request and does what its answer asks for.
async fn attempt<W: World>(world: &W, task: &Task, known: Known) -> Result<End, Failure> {
    let request = request(world.site(), task, &known);
    let conditional = known.indexed.is_some();
    let answer = world.fetch(request).await;
    let status = answer.as_ref().ok().map(|answer| answer.head.status);
    match judge(&task.url, conditional, answer, world.now()) {
        Judgement::Page(response) => page(world, task, known, response).await,
        Judgement::NotModified => not_modified(world, task, known).await,
        Judgement::Redirect(to) => redirect(world, task, known, to, status).await,
        Judgement::Gone => gone(world, task, known, status.unwrap_or(404)).await,
        Judgement::Skip(reason) => skip(world, task, known, reason, status).await,
        Judgement::Again { why, hold } => again(world, task, known, why, hold).await,
        Judgement::Failed(why) => fail(world, task, known, why).await,
        Judgement::Stopped => Ok(End::Stopped),
    }
}

/// The request for a task; conditional where the index holds a copy.
fn request(site: &Site, task: &Task, known: &Known) -> Request {
    let mut headers = site.headers_for(&task.url);
    let html = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1";
    headers.0.push(("accept".into(), html.into()));
    if known.indexed.is_some() {
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
        max_bytes: site.limits.max_page_bytes,
        timeout: site.limits.timeout,
        wants_body: wants_page,
    }
}

async fn page<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    response: Response,
) -> Result<End, Failure> {
    let hash = UrlKey::hash(&response.body);
    let headers = &response.head.headers;
    let asked = Directives::from_header(headers.all("x-robots-tag"), PRODUCT);
    let fetched_at = response.started;
    let mut finish = Finish {
        outcome: Outcome::Indexed,
        known: Known {
            etag: headers.get("etag").map(str::to_owned),
            last_modified: headers.get("last-modified").map(str::to_owned),
            indexed: Some(hash),
            canonical: None,
            misses: 0,
        },
        status: Some(response.head.status),
        fetched_at: Some(fetched_at),
    };
    let mut page = match world.read(response, &task.url).await {
        Ok(page) => page,
        Err(unreadable) => return fail(world, task, known, unreadable.to_string()).await,
    };
    if asked.nofollow || page.directives.nofollow {
        // Said of each link, it is still known when only the stored copy is read.
        page.links.iter_mut().for_each(|link| link.nofollow = true);
    }
    let targets = page
        .links
        .iter()
        .filter(|link| !link.nofollow)
        .map(|link| &link.url)
        .chain(&page.canonical)
        .chain(&page.refresh);
    let claims = claims(world, task, targets);
    hand_on(world, task, claims).await?;

    let scope = world.scope();
    finish.known.canonical = page
        .canonical
        .clone()
        .filter(|canonical| *canonical != task.url && scope.contains(canonical));
    if asked.noindex || page.directives.noindex {
        remove(world, task, &known).await?;
        finish.known.indexed = None;
        finish.outcome = Outcome::Skipped {
            reason: Skip::Noindex,
        };
    } else if known.indexed == Some(hash) {
        finish.outcome = Outcome::Unchanged;
    } else {
        let document = Document {
            site: task.site.clone(),
            url: task.url.clone(),
            fetched_at,
            version: version(fetched_at, 0),
            page,
        };
        world.index().put(vec![document]).await?;
    }
    end(world, task, finish).await
}

/// A 304: the links of the stored copy are claimed again, so that an unchanged page does not make
/// its children look gone.
async fn not_modified<W: World>(world: &W, task: &Task, known: Known) -> Result<End, Failure> {
    let id = document_id(&task.site, &task.url);
    let Some(stored) = world.index().get(id).await? else {
        // The index lost its copy: the page is fetched whole.
        return Box::pin(attempt(world, task, Known::default())).await;
    };
    let targets = stored
        .links
        .iter()
        .filter(|link| !link.nofollow)
        .map(|link| &link.url);
    let claims = claims(world, task, targets);
    hand_on(world, task, claims).await?;
    let finish = Finish {
        outcome: Outcome::Unchanged,
        known: Known { misses: 0, ..known },
        status: Some(304),
        fetched_at: Some(world.now()),
    };
    end(world, task, finish).await
}

async fn redirect<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    to: Url,
    status: Option<u16>,
) -> Result<End, Failure> {
    if task.hops >= MAX_HOPS || task.parent.as_ref() == Some(&to) && task.hops > 0 {
        return skip(world, task, known, Skip::RedirectLoop, status).await;
    }
    if !world.scope().contains(&to) {
        match moved(&world.scope(), task, &to) {
            Some(scope) => world.move_scope(scope).await?,
            None => return skip(world, task, known, Skip::LeavesSite, status).await,
        }
    }
    let claim = Claim {
        skip: trap(&to, &world.site().limits.url),
        url: to.clone(),
        depth: task.depth,
        hops: task.hops + 1,
    };
    hand_on(world, task, vec![claim]).await?;
    remove(world, task, &known).await?;
    finish(
        world,
        task,
        Known::default(),
        Outcome::Redirected { to },
        status,
    )
    .await
}

/// The scope after a seed's redirect out of it; the seed may have been redirected within it before
/// (`http://example.org/` to `https://example.org/` to `https://www.example.org/`).
fn moved(scope: &Scope, task: &Task, to: &Url) -> Option<Scope> {
    if task.depth > 0 {
        return None;
    }
    let here = domain(&task.url);
    let mut seeds: Vec<&Url> = scope.seeds().iter().collect();
    seeds.sort_by_key(|seed| **seed != task.url);
    let mut seeds = seeds.into_iter().filter(|seed| domain(seed) == here);
    seeds.find_map(|seed| scope.moved(seed, to))
}

async fn gone<W: World>(world: &W, task: &Task, known: Known, status: u16) -> Result<End, Failure> {
    let misses = known.misses + 1;
    let for_good = status == 410 || misses >= MAX_MISSES;
    let known = if for_good {
        remove(world, task, &known).await?;
        Known::default()
    } else {
        Known { misses, ..known }
    };
    finish(world, task, known, Outcome::Gone { status }, Some(status)).await
}

async fn skip<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    reason: Skip,
    status: Option<u16>,
) -> Result<End, Failure> {
    remove(world, task, &known).await?;
    finish(
        world,
        task,
        Known::default(),
        Outcome::Skipped { reason },
        status,
    )
    .await
}

/// Ends a task that failed; a copy in the index stays, since an outage is no reason to forget.
async fn fail<W: World>(world: &W, task: &Task, known: Known, why: String) -> Result<End, Failure> {
    finish(world, task, known, Outcome::Failed { why }, None).await
}

/// Another attempt later, or the end when there were enough. `hold`: the site asked for patience,
/// for so long if it named a time.
async fn again<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    why: String,
    hold: Option<Option<Duration>>,
) -> Result<End, Failure> {
    let allowed = match hold {
        Some(_) => PATIENT_ATTEMPTS,
        None => world.site().limits.attempts,
    };
    if task.attempts + 1 >= allowed {
        let why = format!("{why} (tried {allowed} times)");
        return fail(world, task, known, why).await;
    }
    let delay = back_off(task.attempts, world.jitter());
    match hold {
        None => push_again(world, task, why, delay).await,
        Some(wanted) => {
            let span = wanted.unwrap_or(delay);
            world.hold(&task.url, span.min(MAX_HOLD)).await?;
            push_again(world, task, why.clone(), span.min(MAX_HOLD)).await?;
            if span > MAX_HOLD {
                return Ok(paused(span, &why));
            }
            Ok(End::Again(why))
        }
    }
}

fn paused(span: Duration, why: &str) -> End {
    let minutes = span.as_secs() / 60;
    End::Paused(format!(
        "the site asks for a pause of {minutes} minutes ({why})"
    ))
}

async fn push_again<W: World>(
    world: &W,
    task: &Task,
    why: String,
    delay: Duration,
) -> Result<End, Failure> {
    let task = Task {
        attempts: task.attempts + 1,
        ..task.clone()
    };
    world.frontier().push(vec![task], delay).await?;
    Ok(End::Again(why))
}

/// Links of a page that are to become tasks: in scope, each once, traps and depth marked.
fn claims<'a, W: World>(
    world: &W,
    task: &Task,
    targets: impl Iterator<Item = &'a Url>,
) -> Vec<Claim> {
    let limits = &world.site().limits;
    let scope = world.scope();
    let depth = task.depth + 1;
    let too_deep = limits.max_depth.is_some_and(|most| depth > most);
    let mut met: HashSet<&Url> = HashSet::new();
    targets
        .filter(|url| met.insert(url) && scope.contains(url))
        .map(|url| Claim {
            skip: trap(url, &limits.url).or(too_deep.then_some(Skip::TooDeep)),
            url: url.clone(),
            depth,
            hops: 0,
        })
        .collect()
}

/// Claims links and pushes what is now ours; only then are they remembered as seen.
async fn hand_on<W: World>(world: &W, task: &Task, claims: Vec<Claim>) -> Result<(), Failure> {
    let key = |claim: &Claim| UrlKey::of(&claim.url);
    let claims = world.seen().unknown(claims, key);
    if claims.is_empty() {
        return Ok(());
    }
    // A link that is too deep here may be shallow enough elsewhere.
    let keys: Vec<UrlKey> = claims
        .iter()
        .filter(|claim| claim.skip != Some(Skip::TooDeep))
        .map(key)
        .collect();
    let tasks = world.pages().claim(task, claims).await?;
    if !tasks.is_empty() {
        world.frontier().push(tasks, Duration::ZERO).await?;
    }
    world.seen().remember(keys);
    Ok(())
}

/// Takes the page's copy out of the index, if there is one.
async fn remove<W: World>(world: &W, task: &Task, known: &Known) -> Result<(), Failure> {
    if known.indexed.is_none() {
        return Ok(());
    }
    let id = document_id(&task.site, &task.url);
    world.index().delete(vec![id]).await
}

async fn finish<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    outcome: Outcome,
    status: Option<u16>,
) -> Result<End, Failure> {
    let finish = Finish {
        outcome,
        known,
        status,
        fetched_at: status.map(|_| world.now()),
    };
    end(world, task, finish).await
}

async fn end<W: World>(world: &W, task: &Task, finish: Finish) -> Result<End, Failure> {
    let outcome = finish.outcome.clone();
    world.pages().finish(task, finish).await?;
    Ok(End::Finished(outcome))
}
