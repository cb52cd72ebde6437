//! Claims: which links become tasks of the parent that found them.
//!
//! Most links of most pages are known, and a read costs a fraction of a write: so all are looked up
//! first, in a way that may be a moment behind, and what that shows already settles most of them.
//! The others are settled by one conditional write each. In this world a push is not written
//! down: a parent that claims again, since it or its answer was lost, gets all of its children
//! again that have not ended, and what is then fetched twice is dropped at its beginning.
//!
//! Pages that are read at the same time share most of their links. So the claims of a process write
//! one after the other, and what one has just won is no question for the next: a write that is
//! refused costs as much as one that is not.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use canter_core::failure::Failure;
use canter_core::ports::Claim;
use canter_core::task::{Outcome, Skip, Task, UrlKey};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::sleep;
use url::Url;

use super::{CloudSite, GRACE, row};
use crate::change::{Change, names};
use crate::failure::failure;
use crate::item::{Item, key_of, number, number_of, text};
use crate::side_by_side::{WRITES, side_by_side};
use crate::tables::{HASH, page_key};

/// Keys of one read: what DynamoDB takes.
const KEYS: usize = 100;
/// Reads under way at the same time, for one claim.
const READS: usize = 4;
/// Keys that a busy table left out are asked for so often again.
const ROUNDS: u32 = 8;
/// Wait before the first of those, doubling.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// A URL beyond this fits no item and no message.
const LONGEST_URL: usize = 64 * 1024;
/// Links that were won in this process: what is forgotten costs a write that is refused.
const WON: usize = 50_000;

/// Attributes that settle a claim.
const TO_CLAIM: &str = "#hash, #c, #o, #x, #p, #q";

/// Who claims.
#[derive(Debug, Clone)]
pub(super) struct Claimant {
    pub(super) site: String,
    pub(super) crawl: u64,
    /// The page that has the link; none for seeds.
    pub(super) parent: Option<Url>,
}

/// What a row says to a claim.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    crawl: u64,
    open: bool,
    too_deep: bool,
    parent: Option<AttributeValue>,
    requeued: bool,
}

/// What the claims of a process have won, and whose turn it is to write.
#[derive(Default)]
pub(super) struct Won {
    turn: AsyncMutex<()>,
    links: Mutex<HashMap<UrlKey, Seen>>,
}

impl Won {
    fn links(&self) -> MutexGuard<'_, HashMap<UrlKey, Seen>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task of a link has come to its end.
    pub(super) fn ended(&self, key: UrlKey) {
        if let Some(seen) = self.links().get_mut(&key) {
            seen.open = false;
        }
    }
}

impl Seen {
    /// The row of a link that was just claimed.
    fn of(claimant: &Claimant, link: &Claim) -> Self {
        Seen {
            crawl: claimant.crawl,
            open: link.skip.is_none(),
            too_deep: link.skip == Some(Skip::TooDeep),
            parent: claimant.parent.as_ref().map(row::parent_value),
            requeued: false,
        }
    }
}

/// What can be said of a claim before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// It was the claimant's already, and has not ended.
    Ours,
    /// It is somebody else's, or has ended, or a newer crawl has it.
    No,
    /// Only a conditional write can tell.
    Ask,
}

/// Decides from a row that may be a moment behind. A row only ever moves on: to its end, and to a
/// newer crawl. So what is lost here stays lost, and nothing is won but by a write.
fn decide(seen: Option<&Seen>, claimant: &Claimant, link: &Claim) -> Decision {
    let Some(seen) = seen.filter(|seen| seen.crawl >= claimant.crawl) else {
        return Decision::Ask;
    };
    if seen.crawl > claimant.crawl || link.skip.is_some() {
        return Decision::No;
    }
    if !seen.open {
        return if seen.too_deep {
            Decision::Ask
        } else {
            Decision::No
        };
    }
    let parent = claimant.parent.as_ref().map(row::parent_value);
    if seen.parent == parent && !seen.requeued {
        Decision::Ours
    } else {
        Decision::No
    }
}

impl CloudSite {
    /// Claims links; tasks of those that are the claimant's.
    pub(super) async fn claim_for(
        &self,
        claimant: Claimant,
        links: Vec<Claim>,
    ) -> Result<Vec<Task>, Failure> {
        let mut met = HashSet::new();
        let links = links.into_iter().map(|link| (UrlKey::of(&link.url), link));
        let links = links.filter(|(key, _)| met.insert(*key));
        let links: Vec<(UrlKey, Claim)> = links.map(|(key, link)| (key, fitting(link))).collect();
        let seen = self.look_up(&claimant.site, &links).await?;
        let mut ours = Vec::new();
        let mut asked = Vec::new();
        for (key, link) in links {
            match decide(seen.get(&key), &claimant, &link) {
                Decision::Ours => ours.push(link),
                Decision::No => {}
                Decision::Ask => asked.push((key, link)),
            }
        }
        ours.extend(self.ask(&claimant, asked).await?);
        let tasks = ours.into_iter().map(|link| Task {
            site: claimant.site.clone(),
            crawl: claimant.crawl,
            url: link.url,
            depth: link.depth,
            hops: link.hops,
            attempts: 0,
            parent: claimant.parent.clone(),
            kind: link.kind,
        });
        Ok(tasks.collect())
    }

    /// Claims by writes, after the other claims of this process: those to be fetched that are now
    /// the claimant's.
    async fn ask(
        &self,
        claimant: &Claimant,
        links: Vec<(UrlKey, Claim)>,
    ) -> Result<Vec<Claim>, Failure> {
        if links.is_empty() {
            return Ok(Vec::new());
        }
        let _turn = self.won.turn.lock().await;
        let mut ours = Vec::new();
        let mut writes = Vec::new();
        for (key, link) in links {
            match decide(self.won.links().get(&key), claimant, &link) {
                Decision::Ours => ours.push(link),
                Decision::No => {}
                Decision::Ask => {
                    let (site, claimant) = (self.clone(), claimant.clone());
                    writes.push(async move { site.claim_one(&claimant, key, link).await });
                }
            }
        }
        for (key, link) in side_by_side(WRITES, writes).await?.into_iter().flatten() {
            let mut won = self.won.links();
            if won.len() >= WON {
                won.clear();
            }
            won.insert(key, Seen::of(claimant, &link));
            ours.extend(Some(link).filter(|link| link.skip.is_none()));
        }
        Ok(ours)
    }

    /// Claims one link by a write; the link, when it is now the claimant's.
    async fn claim_one(
        &self,
        claimant: &Claimant,
        key: UrlKey,
        link: Claim,
    ) -> Result<Option<(UrlKey, Claim)>, Failure> {
        let due = (self.clock)() + GRACE;
        let change = match link.skip {
            Some(reason) => row::outcome_change(&Outcome::from(reason))
                .set(row::URL, row::cut_url(&link.url))
                .remove(&[row::DUE]),
            None => Change::default()
                .set(row::URL, text(link.url.as_str()))
                .set(row::DUE, number(due.millis()))
                .value("deep", text(Skip::TooDeep.name()))
                .remove(&[row::OUTCOME, row::DETAIL]),
        };
        let mut change = change
            .set(row::CRAWL, number(claimant.crawl))
            .set(row::DEPTH, number(link.depth))
            .set(row::HOPS, number(link.hops))
            .set(row::ATTEMPTS, number(0_u64))
            .put(row::PARENT, claimant.parent.as_ref().map(row::parent_value))
            .put(row::KIND, row::kind_value(link.kind))
            .remove(&[row::LOSSES, row::REQUEUED]);
        if let Some(at) = link.lastmod {
            change = change.set(row::LASTMOD, number(at.millis()));
        }
        let condition = condition(claimant, &link);
        let table = &self.cloud.names.pages;
        let row = page_key(&claimant.site, key);
        let written = change.write(&self.cloud, table, row, &condition).await?;
        Ok(written.done().then_some((key, link)))
    }

    /// What the rows of links say, of those that have rows.
    async fn look_up(
        &self,
        site: &str,
        links: &[(UrlKey, Claim)],
    ) -> Result<HashMap<UrlKey, Seen>, Failure> {
        let reads = links.chunks(KEYS).map(|links| {
            let keys = links.iter().map(|(key, _)| page_key(site, *key));
            let (site, keys) = (self.clone(), keys.collect());
            async move { site.look_up_some(keys).await }
        });
        let reads: Vec<_> = reads.collect();
        let items = side_by_side(READS, reads).await?;
        let items = items.iter().flatten();
        Ok(items
            .filter_map(|item| Some((key_of(item, HASH)?, seen(item)?)))
            .collect())
    }

    /// Reads rows by their keys; a busy table may answer for some of them only.
    async fn look_up_some(&self, keys: Vec<Item>) -> Result<Vec<Item>, Failure> {
        let table = &self.cloud.names.pages;
        let what = format!("the table {table}");
        let mut items = Vec::new();
        let mut left = keys;
        for round in 0..ROUNDS {
            if round > 0 {
                let wait = FIRST_WAIT * 2_u32.pow(round - 1);
                sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            }
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(left))
                .projection_expression(TO_CLAIM)
                .set_expression_attribute_names(Some(names(&[TO_CLAIM])));
            let request = self
                .cloud
                .dynamodb
                .batch_get_item()
                .request_items(table, asked.build().map_err(Failure::permanent)?)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = request.send().await;
            let mut answer = answer.map_err(|error| failure(&error, &what))?;
            for consumed in answer.consumed_capacity() {
                self.cloud.account.read("BatchGetItem", Some(consumed));
            }
            let found = answer.responses.as_mut().and_then(|all| all.remove(table));
            items.extend(found.unwrap_or_default());
            let unread = answer.unprocessed_keys.as_mut();
            left = match unread.and_then(|all| all.remove(table)) {
                Some(unread) => unread.keys,
                None => return Ok(items),
            };
        }
        Err(Failure::transient(format!(
            "{what} answers for a part of what it is asked only: try again, or raise its capacity \
             if it stays so"
        )))
    }
}

/// When a link's row may become the claimant's. The same parent again: it died before it pushed
/// the link, or the answer to this very write was lost.
fn condition(claimant: &Claimant, link: &Claim) -> String {
    let mut condition = String::from("attribute_not_exists(#c) OR #c < :c");
    if link.skip.is_none() {
        let same_parent = match claimant.parent {
            Some(_) => "#p = :p",
            None => "attribute_not_exists(#p)",
        };
        condition += &format!(
            " OR ({} AND attribute_not_exists(#q) AND {same_parent}) OR (#c = :c AND #x = :deep)",
            row::IS_OPEN
        );
    }
    condition
}

fn seen(row: &Item) -> Option<Seen> {
    Some(Seen {
        crawl: number_of(row, row::CRAWL)?,
        open: !row.contains_key(row::OUTCOME),
        too_deep: row::is_too_deep(row),
        parent: row.get(row::PARENT).cloned(),
        requeued: row.contains_key(row::REQUEUED),
    })
}

/// A URL that no item can hold is recorded and not fetched.
fn fitting(link: Claim) -> Claim {
    match link.skip {
        None if link.url.as_str().len() > LONGEST_URL => Claim {
            skip: Some(Skip::LongUrl),
            ..link
        },
        _ => link,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "https://a.test/parent";
    const OTHER: &str = "https://a.test/other";

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    /// A row of crawl 5, open, claimed by `parent`.
    fn open(parent: Option<&str>) -> Seen {
        Seen {
            crawl: 5,
            open: true,
            too_deep: false,
            parent: parent.map(|parent| row::parent_value(&url(parent))),
            requeued: false,
        }
    }

    fn ended(too_deep: bool) -> Seen {
        let row = open(Some(PARENT));
        Seen {
            open: false,
            too_deep,
            ..row
        }
    }

    #[test]
    fn what_a_row_settles() {
        use Decision::{Ask, No, Ours};
        let of = |crawl| Seen {
            crawl,
            ..open(Some(PARENT))
        };
        let requeued = Seen {
            requeued: true,
            ..open(Some(PARENT))
        };
        let long = format!("{PARENT}/{}", "x".repeat(3_000));
        // Row; parent that claims; whether it is to be skipped; what is said.
        let rows = [
            (None, Some(PARENT), None, Ask),
            (None, Some(PARENT), Some(Skip::Trap), Ask),
            (Some(of(4)), Some(PARENT), None, Ask),
            (Some(of(4)), Some(PARENT), Some(Skip::Trap), Ask),
            (Some(of(6)), Some(PARENT), None, No),
            (Some(of(5)), Some(PARENT), None, Ours),
            (Some(of(5)), Some(PARENT), Some(Skip::TooDeep), No),
            (Some(of(5)), Some(OTHER), None, No),
            (Some(of(5)), None, None, No),
            (Some(open(None)), None, None, Ours),
            (Some(open(None)), Some(PARENT), None, No),
            (Some(open(Some(&long))), Some(&long), None, Ours),
            (Some(requeued.clone()), Some(PARENT), None, No),
            (Some(ended(false)), Some(PARENT), None, No),
            (Some(ended(true)), Some(PARENT), None, Ask),
            (Some(ended(true)), Some(OTHER), None, Ask),
            (Some(ended(true)), Some(OTHER), Some(Skip::TooDeep), No),
        ];
        for (seen, parent, skip, expect) in rows {
            let claimant = Claimant {
                site: "a.test".into(),
                crawl: 5,
                parent: parent.map(url),
            };
            let link = Claim {
                skip,
                ..Claim::page(url("https://a.test/x"), 1)
            };
            let found = decide(seen.as_ref(), &claimant, &link);
            assert_eq!(found, expect, "{seen:?} {parent:?} {skip:?}");
        }
    }

    #[test]
    fn a_url_that_fits_nowhere_is_skipped() {
        let of =
            |length: usize| Claim::page(url(&format!("https://a.test/{}", "x".repeat(length))), 1);
        assert_eq!(fitting(of(2_000)).skip, None);
        assert_eq!(fitting(of(LONGEST_URL)).skip, Some(Skip::LongUrl));
    }
}
