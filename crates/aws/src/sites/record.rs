//! The record of a site: how it is crawled, and the state of its newest crawl.

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::outcomes::Counts;
use canter_core::pace::Rate;
use canter_core::publish::{Changes, Held, MAX_LOSS};
use canter_core::rest::Rest;
use canter_core::scope::Scope;
use canter_core::site::Site;
use canter_core::time::Moment;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::SILENCE;
use crate::item::{Item, bytes_of, number_of, text_of};
use crate::packed::unpack;

pub(super) const SPEC: &str = "plan";
pub(super) const HEADERS: &str = "headers";
pub(super) const CRAWL: &str = "crawl";
pub(super) const BEGUN: &str = "begun";
pub(super) const BY: &str = "by";
pub(super) const RUN: &str = "run";
pub(super) const FILLED: &str = "filled";
pub(super) const MOVED: &str = "moved";
pub(super) const MOVED_BEFORE: &str = "before";
pub(super) const ALIVE: &str = "alive";
pub(super) const REST: &str = "rest";
pub(super) const ENDED: &str = "ended";
pub(super) const COUNTS: &str = "counts";
pub(super) const SWEEPER: &str = "sweeper";
pub(super) const TURN: &str = "link";
pub(super) const SWEPT: &str = "swept";
pub(super) const HELD: &str = "held";
pub(super) const CHANGES: &str = "changes";

/// What a worker needs to crawl a site whose id it knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CrawlSpec {
    /// Seeds, scope, limits, headers. The headers may give access to private pages, so they are
    /// stored apart.
    pub site: Site,
    /// Requests per second for each domain; none for no limit.
    pub rate: Option<Rate>,
    /// The user agent of requests.
    pub user_agent: String,
    /// Whether private addresses are permitted at the seeds' own hosts and ports.
    pub allow_private: bool,
    /// Maximum share of the published pages that a refresh may lose, in percent.
    #[serde(default = "default_max_loss")]
    pub max_loss: f64,
    /// Interval at which the stack refreshes the site; none for the stack's own schedule.
    #[serde(default)]
    pub every: Option<Duration>,
}

fn default_max_loss() -> f64 {
    MAX_LOSS
}

/// A turn in a chain of sweeps. Only the newest chain of a crawl goes on, and each of its turns is
/// taken once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Token of the chain.
    pub chain: u32,
    /// Number of the turn, from 1.
    pub number: u64,
}

impl Turn {
    /// The turn after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Turn {
            number: self.number + 1,
            ..self
        }
    }
}

/// How a crawl begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// The site was unknown.
    First,
    /// The last crawl had come to rest or was cut off, and goes on.
    Continued,
    /// The last crawl had ended. Every page that it knew is looked at again.
    Refresh,
    /// The scope of the site was changed. Every known page in the new scope is looked at again.
    ChangedScope,
    /// The site is known with another scope. Nothing was done.
    OtherScope,
    /// The crawl is running already. Nothing was done.
    Running,
}

impl Beginning {
    /// The stored name; none for what does not begin a new crawl.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Beginning::First => Some("first"),
            Beginning::Refresh => Some("refresh"),
            Beginning::ChangedScope => Some("changed_scope"),
            Beginning::Continued | Beginning::OtherScope | Beginning::Running => None,
        }
    }

    fn named(name: &str) -> Self {
        let all = [Self::First, Self::ChangedScope];
        let named = all.into_iter().find(|one| one.name() == Some(name));
        named.unwrap_or(Self::Refresh)
    }
}

/// The approximate progress of a crawl, or what a batch adds to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// URLs that answered with a page.
    pub pages: u64,
    /// Tasks that ended.
    pub done: u64,
    /// Tasks that ended failed.
    pub failed: u64,
    /// Failed attempts that are retried.
    pub retries: u64,
    /// Tasks that were put into the queue for the first time.
    pub found: u64,
    /// Requests that were started at the site.
    pub requests: u64,
    /// Bytes of the answers, decoded.
    pub bytes: u64,
}

impl Progress {
    pub(super) const NAMES: [&str; 7] = [
        "pages", "done", "failed", "retries", "found", "requests", "bytes",
    ];

    pub(super) fn values(self) -> [u64; 7] {
        [
            self.pages,
            self.done,
            self.failed,
            self.retries,
            self.found,
            self.requests,
            self.bytes,
        ]
    }

    fn of(item: &Item) -> Self {
        let [pages, done, failed, retries, found, requests, bytes] =
            Self::NAMES.map(|name| number_of(item, name).unwrap_or_default());
        Progress {
            pages,
            done,
            failed,
            retries,
            found,
            requests,
            bytes,
        }
    }

    /// Number of tasks that wait or are under way.
    pub fn waiting(&self) -> u64 {
        self.found.saturating_sub(self.done)
    }
}

impl std::ops::Add for Progress {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Progress {
            pages: self.pages + more.pages,
            done: self.done + more.done,
            failed: self.failed + more.failed,
            retries: self.retries + more.retries,
            found: self.found + more.found,
            requests: self.requests + more.requests,
            bytes: self.bytes + more.bytes,
        }
    }
}

/// The newest crawl of a site.
#[derive(Debug, Clone)]
pub struct Crawling {
    /// How the site is crawled.
    pub spec: CrawlSpec,
    /// Id of the crawl, which is when it began, Unix ms.
    pub crawl: u64,
    /// How it began: [`Beginning::First`], [`Beginning::Refresh`] or [`Beginning::ChangedScope`].
    pub beginning: Beginning,
    /// The scope of the site now.
    pub scope: Scope,
    /// After a change of the scope, the new one with its seeds where redirects had moved them in the
    /// crawl before.
    pub moved_before: Option<Scope>,
    /// How often it has gone on after it rested or was cut off. The queue may still hold tasks of
    /// earlier runs.
    pub run: u32,
    /// Whether the frontier holds, or has held, all tasks that the crawl begins with.
    pub filled: bool,
    /// Why it does not go on; none while it does.
    pub rest: Option<Rest>,
    /// When it ended, Unix ms.
    pub ended_ms: Option<u64>,
    /// Its progress.
    pub progress: Progress,
    /// Last sign of life, Unix ms.
    pub alive_ms: u64,
    /// Token of its chain of sweeps; none before the first.
    pub sweeper: Option<u32>,
    /// Its counts at the end.
    pub counts: Option<Counts>,
    /// Why nothing of the last refresh that ended was published; none if it was.
    pub held: Option<Held>,
    /// What the last publishing changed.
    pub changes: Option<Changes>,
}

impl Crawling {
    /// Reads an item; none for an empty one. An item that another version of canter wrote is a
    /// failure, since a crawl that was taken for none would lose its tasks.
    pub(super) fn of(site: &str, item: &Item) -> Result<Option<Self>, Failure> {
        if item.is_empty() {
            return Ok(None);
        }
        let read = Self::read(item).map(Some);
        read.ok_or_else(|| {
            Failure::permanent(format!(
                "the site {site} was crawled by another version of canter, whose records this \
                 one cannot read: use that version, or another name by --site NAME"
            ))
        })
    }

    /// None when a part of the item cannot be read.
    fn read(item: &Item) -> Option<Self> {
        let spec: CrawlSpec = unpack(bytes_of(item, SPEC)?)?;
        let scope = match item.get(MOVED) {
            Some(_) => unpack(bytes_of(item, MOVED)?)?,
            None => spec.site.scope.clone(),
        };
        let rest = match item.get(REST) {
            Some(_) => Some(serde_json::from_str(text_of(item, REST)?).ok()?),
            None => None,
        };
        Some(Crawling {
            crawl: number_of(item, CRAWL)?,
            beginning: Beginning::named(text_of(item, BEGUN).unwrap_or_default()),
            scope,
            moved_before: bytes_of(item, MOVED_BEFORE).and_then(unpack),
            run: u32::try_from(number_of(item, RUN).unwrap_or_default()).unwrap_or(u32::MAX),
            filled: item.contains_key(FILLED),
            rest,
            ended_ms: number_of(item, ENDED),
            progress: Progress::of(item),
            alive_ms: number_of(item, ALIVE).unwrap_or_default(),
            sweeper: number_of(item, SWEEPER).and_then(|token| u32::try_from(token).ok()),
            counts: json_of(item, COUNTS),
            held: json_of(item, HELD),
            changes: json_of(item, CHANGES),
            spec,
        })
    }

    /// A crawl that begins by this spec, or the known one as it goes on by it.
    pub(super) fn begun(
        spec: &CrawlSpec,
        crawl: u64,
        beginning: Beginning,
        known: Option<&Crawling>,
    ) -> Self {
        if let (Beginning::Continued, Some(known)) = (beginning, known) {
            return Crawling {
                spec: spec.clone(),
                run: known.run.saturating_add(1),
                filled: false,
                rest: None,
                ..known.clone()
            };
        }
        let changed = known.filter(|_| beginning == Beginning::ChangedScope);
        Crawling {
            spec: spec.clone(),
            crawl,
            beginning,
            scope: spec.site.scope.clone(),
            moved_before: changed.and_then(|known| {
                let scope = &spec.site.scope;
                scope.moved_like(&known.spec.site.scope, &known.scope)
            }),
            run: 0,
            filled: false,
            rest: None,
            ended_ms: None,
            progress: Progress::default(),
            alive_ms: crawl,
            sweeper: None,
            counts: None,
            held: None,
            changes: None,
        }
    }

    /// Whether the crawl has neither ended nor come to rest.
    pub fn goes_on(&self) -> bool {
        self.ended_ms.is_none() && self.rest.is_none()
    }

    /// Whether the crawl is running at `now`, Unix ms: it has not ended, does not rest, and was not
    /// cut off.
    pub fn is_running(&self, now: u64) -> bool {
        let silence = u64::try_from(SILENCE.as_millis()).unwrap_or(u64::MAX);
        let alive = now < self.alive_ms.saturating_add(silence);
        alive && self.goes_on()
    }

    /// Whether the site has an interval of its own that is over at `now`, as nearly as ticks that
    /// are this far apart can tell.
    pub(crate) fn is_due(&self, now: Moment, tick: Duration) -> bool {
        let began = Moment::from_millis(self.crawl);
        let every = self.spec.every;
        every.is_some_and(|every| now + tick / 2 >= began + every)
    }

    /// How a crawl by the given spec begins after this one.
    pub(super) fn beginning_of(&self, spec: &CrawlSpec, change_scope: bool, now: u64) -> Beginning {
        if self.spec.site.scope != spec.site.scope {
            return if change_scope {
                Beginning::ChangedScope
            } else {
                Beginning::OtherScope
            };
        }
        if self.ended_ms.is_some() {
            return Beginning::Refresh;
        }
        if self.is_running(now) {
            Beginning::Running
        } else {
            Beginning::Continued
        }
    }
}

/// An attribute that is JSON; none if it is absent or of another version of canter.
fn json_of<T: DeserializeOwned>(item: &Item, name: &str) -> Option<T> {
    serde_json::from_str(text_of(item, name)?).ok()
}
