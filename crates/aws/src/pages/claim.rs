//! Claims: which links become tasks of the parent that found them.
//!
//! Most links of most pages are known, and a read costs a fraction of a write. So a claim first looks
//! all links up by reads that may be a moment behind, which settles most of them. Each of the others
//! takes a conditional write. Pushes are not written down here: a parent that claims again, because
//! it or its answer was lost, gets all of its children again that have not ended, and a task that
//! comes twice is dropped when it begins.
//!
//! Pages that are read at the same time share most of their links. So the claims of a process write
//! one after the other, and each knows what the ones before it have won or lost: a refused write
//! costs as much as one that succeeds.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use canter_core::failure::Failure;
use canter_core::ports::{Claim, Claimed};
use canter_core::task::{Outcome, Skip, Task, UrlKey};
use tokio::time::sleep;

use super::decision::{Claimant, Decision, Seen, decide};
use super::{CloudSite, GRACE, row};
use crate::change::{Change, Written, names};
use crate::failure::failure;
use crate::item::{Item, key_of, number, text};
use crate::side_by_side::{WRITES, side_by_side};
use crate::tables::{HASH, page_key};

/// Maximum number of keys in one read (`BatchGetItem`).
const KEYS: usize = 100;
/// Maximum number of concurrent reads for one claim.
const READS: usize = 4;
/// Maximum number of requests for keys that a busy table leaves out.
const ROUNDS: u32 = 8;
/// Maximum wait before the second of those requests, doubling from there.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Maximum bytes of a URL. A longer one fits no item and no message.
const MAX_URL: usize = 64 * 1024;
/// Attributes that decide about a claim.
const TO_CLAIM: &str = "#hash, #c, #o, #x, #p, #q";

impl CloudSite {
    /// Claims links. Returns tasks for those that are the claimant's.
    pub(super) async fn claim_for(
        &self,
        claimant: Claimant,
        links: Vec<Claim>,
    ) -> Result<Claimed, Failure> {
        let mut met = HashSet::new();
        let links = links.into_iter().map(|link| (UrlKey::of(&link.url), link));
        let links = links.filter(|(key, _)| met.insert(*key));
        let links = links.map(|(key, link)| (key, fitting(link)));
        let mut sorting = Sorting::default();
        let mut unknown = Vec::new();
        for (key, link) in links {
            let seen = self.cache.get(key);
            match decide(seen.as_ref(), &claimant, &link) {
                Decision::No => sorting.lost(&claimant, key, seen.as_ref()),
                // A link of the claimant may have been pushed by a later run in the meantime.
                Decision::Claimed | Decision::Ask => unknown.push((key, link)),
            }
        }
        let rows = self.look_up(&claimant.site, &unknown).await?;
        let mut asked = Vec::new();
        for (key, link) in unknown {
            let seen = rows.get(&key);
            match decide(seen, &claimant, &link) {
                Decision::Claimed => sorting.ours.push(link),
                Decision::No => sorting.lost(&claimant, key, seen),
                Decision::Ask => asked.push((key, link)),
            }
        }
        self.cache.keep(rows);
        self.ask(&claimant, asked, &mut sorting).await?;
        Ok(sorting.claimed(&claimant))
    }

    /// Claims by writes, after the other claims of this process.
    async fn ask(
        &self,
        claimant: &Claimant,
        links: Vec<(UrlKey, Claim)>,
        sorting: &mut Sorting,
    ) -> Result<(), Failure> {
        if links.is_empty() {
            return Ok(());
        }
        let _writing = self.cache.writing.lock().await;
        let mut writes = Vec::new();
        for (key, link) in links {
            let seen = self.cache.get(key);
            match decide(seen.as_ref(), claimant, &link) {
                Decision::Claimed => sorting.ours.push(link),
                Decision::No => sorting.lost(claimant, key, seen.as_ref()),
                Decision::Ask => {
                    let (site, claimant) = (self.clone(), claimant.clone());
                    writes.push(async move { site.claim_one(&claimant, key, link).await });
                }
            }
        }
        for (key, link, seen) in side_by_side(WRITES, writes).await? {
            match link {
                Some(link) if link.skip.is_none() => sorting.ours.push(link),
                _ => sorting.lost(claimant, key, seen.as_ref()),
            }
            self.cache.keep(seen.map(|seen| (key, seen)));
        }
        Ok(())
    }

    /// Claims one link by a write. Returns the link if it is now the claimant's, and its row.
    async fn claim_one(
        &self,
        claimant: &Claimant,
        key: UrlKey,
        link: Claim,
    ) -> Result<(UrlKey, Option<Claim>, Option<Seen>), Failure> {
        let due = (self.clock)() + GRACE;
        let mut change = match link.skip {
            Some(reason) => row::outcome_change(&Outcome::from(reason))
                .set(row::URL, row::cut_url(&link.url))
                .remove(&[row::DUE]),
            None => Change::default()
                .set(row::URL, text(link.url.as_str()))
                .set(row::DUE, number(due.millis()))
                .remove(&[row::OUTCOME, row::DETAIL]),
        };
        for reason in Skip::provisional().filter(|_| link.skip.is_none()) {
            change = change.value(reason.name(), text(reason.name()));
        }
        let mut change = change
            .set(row::CRAWL, number(claimant.crawl))
            .set(row::DEPTH, number(link.depth))
            .set(row::REDIRECTS, number(link.redirects))
            .set(row::ATTEMPTS, number(0_u64))
            .put(row::PARENT, claimant.parent.as_ref().map(row::parent_value))
            .put(row::KIND, row::kind_value(link.kind))
            .remove(&[row::LOSSES, row::REQUEUED, row::RUN]);
        if let Some(at) = link.lastmod {
            change = change.set(row::LASTMOD, number(at.millis()));
        }
        let condition = condition(claimant, &link);
        let table = &self.cloud.names.pages;
        let row = page_key(&claimant.site, key);
        Ok(
            match change.write(&self.cloud, table, row, &condition).await? {
                Written::Done => {
                    let seen = Seen::claimed(claimant, &link);
                    (key, Some(link), Some(seen))
                }
                Written::Refused(row) => (key, None, Seen::read(&row)),
            },
        )
    }

    /// The rows of those links that have rows.
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
            .filter_map(|item| Some((key_of(item, HASH)?, Seen::read(item)?)))
            .collect())
    }

    /// Reads rows by their keys. A busy table may answer for some of them only.
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
            let mut answer = answer.map_err(|error| failure(error, &what))?;
            for consumed in answer.consumed_capacity() {
                self.cloud.meter.read("BatchGetItem", Some(consumed));
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

/// Links by the results of their claims.
#[derive(Default)]
struct Sorting {
    ours: Vec<Claim>,
    settled: Vec<UrlKey>,
}

impl Sorting {
    fn lost(&mut self, claimant: &Claimant, key: UrlKey, seen: Option<&Seen>) {
        let settled = seen.is_some_and(|seen| seen.is_settled(claimant.crawl));
        self.settled.extend(settled.then_some(key));
    }

    fn claimed(self, claimant: &Claimant) -> Claimed {
        let tasks = self.ours.into_iter().map(|link| Task {
            site: claimant.site.clone(),
            crawl: claimant.crawl,
            url: link.url,
            depth: link.depth,
            redirects: link.redirects,
            attempts: 0,
            parent: claimant.parent.clone(),
            kind: link.kind,
        });
        Claimed {
            tasks: tasks.collect(),
            settled: self.settled,
        }
    }
}

/// The condition under which a link becomes the claimant's. It holds for the same parent again, since
/// that may have died before it pushed the link, or may have lost the answer to this very write.
fn condition(claimant: &Claimant, link: &Claim) -> String {
    let mut condition = String::from("attribute_not_exists(#c) OR #c < :c");
    if link.skip.is_none() {
        let same_parent = match claimant.parent {
            Some(_) => "#p = :p",
            None => "attribute_not_exists(#p)",
        };
        let provisional: Vec<_> = Skip::provisional()
            .map(|skip| format!(":{}", skip.name()))
            .collect();
        condition += &format!(
            " OR ({} AND attribute_not_exists(#q) AND {same_parent}) OR (#c = :c AND #x IN ({}))",
            row::IS_OPEN,
            provisional.join(", ")
        );
    }
    condition
}

/// Skips a URL that no item can hold.
fn fitting(link: Claim) -> Claim {
    match link.skip {
        None if link.url.as_str().len() > MAX_URL => Claim {
            skip: Some(Skip::LongUrl),
            ..link
        },
        _ => link,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_fits_nowhere_is_skipped() {
        let of = |length: usize| {
            let url = format!("https://a.test/{}", "x".repeat(length));
            Claim::page(url.parse().unwrap(), 1)
        };
        assert_eq!(fitting(of(2_000)).skip, None);
        assert_eq!(fitting(of(MAX_URL)).skip, Some(Skip::LongUrl));
    }
}
