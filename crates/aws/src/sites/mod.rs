//! Sites and their crawls: one item a site, `site#docs.example.org`, and one crawl at a time.
//!
//! | attribute | type | what |
//! |---|---|---|
//! | `plan` | B | how the site is crawled, packed, without its headers |
//! | `headers` | B | name of its headers in the table of pages; absent if it has none |
//! | `crawl` | N | id of the newest crawl: its beginning, Unix ms |
//! | `begun` | S | how it began |
//! | `by` | N | the call that began it, or let it go on |
//! | `run` | N | how often the crawl has gone on after it rested or was cut off; absent while never |
//! | `filled` | N | 1 when the frontier holds all that the crawl begins with |
//! | `moved` | B | scope after a seed's redirect, packed |
//! | `before` | B | after a change of the scope, the new one where redirects had moved the old one, packed |
//! | `alive` | N | last sign of life, Unix ms |
//! | `rest` | S | why it does not go on, JSON; absent while it does |
//! | `ended` | N | when it ended, Unix ms; absent while tasks wait |
//! | `counts` | S | how its rows stood when it ended, JSON |
//! | `held` | S | why nothing of the last refresh was published, JSON; absent if it was |
//! | `changes` | S | what the last publishing changed, JSON |
//! | `sweeper`, `link`, `swept` | N | the chain of sweeps that looks for its end, the last turn of it that was taken, and when, Unix ms |
//! | `pages`, `done`, `failed`, `retries`, `found`, `requests`, `bytes` | N | how far it is, about: see [`Sites::note`] |
//!
//! The item `sites#all` holds the ids of all of them, in the set `names`.

mod headers;
mod record;

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use canter_core::failure::Failure;
use canter_core::outcomes::Counts;
use canter_core::publish::{Changes, Held};
use canter_core::scope::Scope;

use crate::change::{Change, Written};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::item::{Item, bytes, key_of, number, number_of, text};
use crate::packed::{MAX_PACKED, pack};
use crate::tables::state_key;

pub use canter_core::rest::Rest;
use record::{
    ALIVE, BEGUN, BY, CHANGES, COUNTS, CRAWL, ENDED, FILLED, HEADERS, HELD, MOVED, MOVED_BEFORE,
    REST, RUN, SPEC, SWEEPER, SWEPT, TURN,
};
pub use record::{Beginning, CrawlSpec, Crawling, Progress, Turn};

/// Silence after which a crawl counts as cut off. Whoever drives one notes its progress, or sweeps,
/// many times as often.
pub const SILENCE: Duration = Duration::from_secs(30 * 60);
/// Maximum number of attempts to begin a crawl while others begin the same site.
const ROUNDS: usize = 8;
/// Time after which a turn that was taken may be taken again: whoever took it has died. The message
/// of a turn is hidden from others for longer than this.
const TURN_TIMEOUT: Duration = Duration::from_secs(45);
/// Attribute with the ids of all sites.
const NAMES: &str = "names";
/// Name of the item with that attribute.
const ALL: &str = "all";

/// The sites of a stack.
#[derive(Clone)]
pub struct Sites {
    cloud: Cloud,
    clock: Clock,
}

impl Sites {
    /// The sites of a stack. Sends nothing.
    pub fn new(cloud: Cloud, clock: Clock) -> Self {
        Sites { cloud, clock }
    }

    /// Opens the site's crawl: continues one that rests or was cut off, joins one that goes on, or
    /// begins a new one. A changed scope is taken over only with `change_scope`. When several
    /// processes begin at the same time, one of them does and the others join.
    ///
    /// Whoever begins or continues the crawl then calls [`crate::CloudSite::fill`] and
    /// [`Sites::note_filled`]. Should it die before that, a sweep that finds the crawl unfilled does
    /// so before it looks for the end.
    ///
    /// # Errors
    ///
    /// The failure of DynamoDB; a spec that is too large for one record; records of another version
    /// of canter.
    pub async fn begin(
        &self,
        spec: &CrawlSpec,
        change_scope: bool,
    ) -> Result<(Beginning, Crawling), Failure> {
        let site = &spec.site.id;
        let mut public = spec.clone();
        let headers = std::mem::take(&mut public.site.headers);
        let packed = pack(&public)?;
        if packed.len() > MAX_PACKED {
            return Err(Failure::permanent(format!(
                "the site {site} has more seeds and globs than one record holds (400 KB): \
                 name fewer, or divide it with --site NAME"
            )));
        }
        self.list(site).await?;
        let mut item = self.item(site, true).await?;
        // The SDK repeats a write whose answer was lost. The token shows that it was this call's.
        let token = fastrand::u64(..);
        for _ in 0..ROUNDS {
            let now = (self.clock)().millis();
            let known = Crawling::of(site, &item)?;
            let beginning = known.as_ref().map_or(Beginning::First, |known| {
                known.beginning_of(spec, change_scope, now)
            });
            let crawl = match (&known, beginning) {
                (Some(known), Beginning::Running | Beginning::OtherScope) => {
                    return Ok((beginning, known.clone()));
                }
                (Some(known), Beginning::Continued) => known.crawl,
                (Some(known), _) => now.max(known.crawl + 1),
                (None, _) => now,
            };
            let before = key_of(&item, HEADERS);
            let kept = self.keep_headers(site, &headers, &item).await?;
            let change = Change::default()
                .set(SPEC, bytes(packed.clone()))
                .put(HEADERS, kept.map(|name| bytes(name.0)))
                .set(CRAWL, number(crawl))
                .set(BY, number(token))
                .set(ALIVE, number(now))
                .remove(&[REST, FILLED, SWEEPER, TURN]);
            let begun = Crawling::begun(spec, crawl, beginning, known.as_ref());
            let change = match beginning.name() {
                None => change.set(RUN, number(begun.run)),
                Some(name) => change
                    .set(BEGUN, text(name))
                    .put(
                        MOVED_BEFORE,
                        begun
                            .moved_before
                            .as_ref()
                            .map(pack)
                            .transpose()?
                            .map(bytes),
                    )
                    .remove(&[MOVED, ENDED, COUNTS, RUN, HELD, CHANGES])
                    .remove(&Progress::NAMES),
            };
            // The condition: nobody has begun the crawl since it was read.
            let change = match number_of(&item, BY) {
                Some(by) => change.value("was", number(by)),
                None => change,
            };
            let condition = match (&known, beginning) {
                (None, _) => "attribute_not_exists(#crawl) OR #by = :by",
                (_, Beginning::Continued) => "#by = :was AND attribute_not_exists(#ended)",
                _ => "#by = :was",
            };
            match self.change(site, change, condition).await? {
                Written::Done => {}
                Written::Refused(now) if number_of(&now, BY) == Some(token) => {}
                Written::Refused(now) => {
                    self.forget_headers(site, kept, before).await?;
                    item = now;
                    continue;
                }
            }
            self.forget_headers(site, before, kept).await?;
            return Ok((beginning, begun));
        }
        Err(Failure::transient(format!(
            "others begin the site {site} at the same time: try again"
        )))
    }

    /// The newest crawl of a site, as it is or was a moment ago; none for an unknown site. Workers
    /// keep it, and call [`Sites::load_now`] when a task does not fit: when it is of a newer crawl,
    /// or out of the scope that they know, which a seed's redirect may have moved.
    ///
    /// # Errors
    ///
    /// The failure of the read; records of another version of canter.
    pub async fn load(&self, site: &str) -> Result<Option<Crawling>, Failure> {
        let item = self.item(site, false).await?;
        match self.with_headers(site, &item).await? {
            Some(crawling) => Ok(crawling),
            None => self.load_now(site).await,
        }
    }

    /// Like [`Sites::load`], but without the headers of requests. It needs no right to read the table
    /// of pages.
    ///
    /// # Errors
    ///
    /// Those of [`Sites::load`].
    pub async fn load_public(&self, site: &str) -> Result<Option<Crawling>, Failure> {
        Crawling::of(site, &self.item(site, false).await?)
    }

    /// The newest crawl of a site by a consistent read, at twice the price.
    ///
    /// # Errors
    ///
    /// Those of [`Sites::load`].
    pub async fn load_now(&self, site: &str) -> Result<Option<Crawling>, Failure> {
        let item = self.item(site, true).await?;
        let crawling = self.with_headers(site, &item).await?;
        crawling.ok_or_else(|| {
            Failure::transient(format!("the headers of the site {site} were just changed"))
        })
    }

    /// Reads a record and the headers that it names; none if it is outdated and they are gone.
    async fn with_headers(
        &self,
        site: &str,
        item: &Item,
    ) -> Result<Option<Option<Crawling>>, Failure> {
        let mut crawling = Crawling::of(site, item)?;
        // A record of an older version holds them itself.
        if let Some(crawling) = &mut crawling
            && item.contains_key(HEADERS)
        {
            let Some(headers) = self.headers(site, item).await? else {
                return Ok(None);
            };
            crawling.spec.site.headers = headers;
        }
        Ok(Some(crawling))
    }

    /// The ids of all sites that were ever crawled, in their order.
    ///
    /// # Errors
    ///
    /// The failure of the read.
    pub async fn all(&self) -> Result<Vec<String>, Failure> {
        let table = &self.cloud.names.state;
        let item = self
            .cloud
            .item(table, state_key("sites", ALL), true)
            .await?;
        let names = item.get(NAMES).and_then(|names| names.as_ss().ok());
        let mut names = names.cloned().unwrap_or_default();
        names.sort_unstable();
        Ok(names)
    }

    /// Puts a site among all of them, before anything else is known of it.
    async fn list(&self, site: &str) -> Result<(), Failure> {
        let change = Change::default().add(NAMES, AttributeValue::Ss(vec![site.to_owned()]));
        let table = &self.cloud.names.state;
        let always = format!("attribute_not_exists(#{CRAWL})");
        let written = change.write(&self.cloud, table, state_key("sites", ALL), &always);
        written.await.map(drop)
    }

    /// Notes that the frontier holds, or has held, all that the crawl begins with.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn note_filled(&self, site: &str, crawl: u64) -> Result<bool, Failure> {
        let change = Change::default().set(FILLED, number(1_u64));
        self.note_in(site, crawl, change, "").await
    }

    /// Begins a chain of sweeps in place of any other. Returns its token, or none when the crawl has
    /// ended or is not the newest.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn new_sweeper(&self, site: &str, crawl: u64) -> Result<Option<u32>, Failure> {
        let token = fastrand::u32(1..);
        let now = (self.clock)().millis();
        let change = Change::default()
            .set(SWEEPER, number(token))
            .set(ALIVE, number(now))
            .remove(&[TURN]);
        let open = " AND attribute_not_exists(#ended)";
        let noted = self.note_in(site, crawl, change, open).await?;
        Ok(noted.then_some(token))
    }

    /// Takes a turn in the crawl's chain of sweeps, which is a sign of life too, and says whether the
    /// turn is the caller's. It is not when another chain has begun, nor when the turn was taken
    /// already, as when a queue delivers twice. After a while it may be taken again, since whoever
    /// took it has died.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn take_turn(&self, site: &str, crawl: u64, turn: Turn) -> Result<bool, Failure> {
        let now = (self.clock)();
        let change = Change::default()
            .set(TURN, number(turn.number))
            .set(SWEPT, number(now.millis()))
            .set(ALIVE, number(now.millis()))
            .value(SWEEPER, number(turn.chain))
            .value("died", number((now - TURN_TIMEOUT).millis()));
        let free = " AND #sweeper = :sweeper AND \
            (attribute_not_exists(#link) OR #link < :link OR #swept < :died)";
        self.note_in(site, crawl, change, free).await
    }

    /// Gives a sign of life. Returns whether the crawl is still the newest.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn note_alive(&self, site: &str, crawl: u64) -> Result<bool, Failure> {
        self.note(site, crawl, Progress::default()).await
    }

    /// Adds to the progress of a crawl, once per batch of tasks, and gives a sign of life. Returns
    /// whether the crawl is still the newest. A retried addition may count twice, so these numbers
    /// are approximate; [`crate::CloudSite::counts`] is exact.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn note(&self, site: &str, crawl: u64, progress: Progress) -> Result<bool, Failure> {
        let now = (self.clock)().millis();
        let change = Change::default().set(ALIVE, number(now));
        let added = Progress::NAMES.into_iter().zip(progress.values());
        let change = added
            .filter(|(_, value)| *value > 0)
            .fold(change, |change, (name, value)| {
                change.add(name, number(value))
            });
        self.note_in(site, crawl, change, "").await
    }

    /// Stores a scope that a seed's redirect has moved. Returns whether the crawl is still the newest.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn move_scope(&self, site: &str, crawl: u64, scope: &Scope) -> Result<bool, Failure> {
        let change = Change::default().set(MOVED, bytes(pack(scope)?));
        self.note_in(site, crawl, change, "").await
    }

    /// Notes that the crawl has come to rest. Returns false when it has ended or is not the newest.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn rest(&self, site: &str, crawl: u64, rest: &Rest) -> Result<bool, Failure> {
        let rest = serde_json::to_string(rest).map_err(Failure::permanent)?;
        let change = Change::default().set(REST, text(rest));
        let open = " AND attribute_not_exists(#ended)";
        self.note_in(site, crawl, change, open).await
    }

    /// Notes what all publishings of the crawl have changed so far. Nothing of it is held any more
    /// then. Returns whether the crawl is still the newest.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn note_published(
        &self,
        site: &str,
        crawl: u64,
        changes: &Changes,
    ) -> Result<bool, Failure> {
        let changes = serde_json::to_string(changes).map_err(Failure::permanent)?;
        let change = Change::default()
            .set(CHANGES, text(changes))
            .remove(&[HELD]);
        self.note_in(site, crawl, change, "").await
    }

    /// Notes what the publishings of the crawl have changed so far, of which the last one goes on.
    /// Returns whether the crawl is still the newest.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn note_changes(
        &self,
        site: &str,
        crawl: u64,
        changes: &Changes,
    ) -> Result<bool, Failure> {
        let changes = serde_json::to_string(changes).map_err(Failure::permanent)?;
        let change = Change::default().set(CHANGES, text(changes));
        self.note_in(site, crawl, change, "").await
    }

    /// Notes that nothing of the crawl was published. Returns whether the crawl is still the newest.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn note_held(&self, site: &str, crawl: u64, held: &Held) -> Result<bool, Failure> {
        let held = serde_json::to_string(held).map_err(Failure::permanent)?;
        let change = Change::default().set(HELD, text(held));
        self.note_in(site, crawl, change, "").await
    }

    /// Notes the counts of a crawl that was published after its end.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn note_counts(
        &self,
        site: &str,
        crawl: u64,
        counts: &Counts,
    ) -> Result<bool, Failure> {
        let counts = serde_json::to_string(counts).map_err(Failure::permanent)?;
        let change = Change::default().set(COUNTS, text(counts));
        self.note_in(site, crawl, change, " AND attribute_exists(#ended)")
            .await
    }

    /// Notes that the crawl has ended, with its counts. Returns false when it is not the newest,
    /// rests, or was not filled: pages that nobody has looked at yet are no leftovers.
    ///
    /// # Errors
    ///
    /// The failure of the write.
    pub async fn end(&self, site: &str, crawl: u64, counts: &Counts) -> Result<bool, Failure> {
        let now = (self.clock)().millis();
        let counts = serde_json::to_string(counts).map_err(Failure::permanent)?;
        let change = Change::default()
            .set(ENDED, number(now))
            .set(COUNTS, text(counts));
        let whole = " AND attribute_exists(#filled) AND attribute_not_exists(#rest)";
        self.note_in(site, crawl, change, whole).await
    }

    async fn note_in(
        &self,
        site: &str,
        crawl: u64,
        change: Change,
        also: &str,
    ) -> Result<bool, Failure> {
        let change = change.value("newest", number(crawl));
        let condition = format!("#crawl = :newest{also}");
        let written = self.change(site, change, &condition).await?;
        Ok(written.done())
    }

    async fn change(
        &self,
        site: &str,
        change: Change,
        condition: &str,
    ) -> Result<Written, Failure> {
        let table = &self.cloud.names.state;
        let key = state_key("site", site);
        change.write(&self.cloud, table, key, condition).await
    }

    async fn item(&self, site: &str, consistent: bool) -> Result<Item, Failure> {
        let key = state_key("site", site);
        let table = &self.cloud.names.state;
        self.cloud.item(table, key, consistent).await
    }
}
