//! What a row says to a claim, and the cache of rows that a process has seen.
//!
//! A row only ever moves on: to its end, and to a newer crawl. So a claim that is lost by a row that
//! may be a moment behind, or was read an hour ago, stays lost, and only a write wins a claim.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use canter_core::ports::Claim;
use canter_core::task::UrlKey;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;

use super::row;
use crate::item::{Item, number_of};

/// Maximum number of rows in the cache, some 80 bytes each. A row that is not in it costs a read, or a
/// write that is refused.
const MAX_CACHED: usize = 100_000;

/// The page that claims links, and its crawl.
#[derive(Debug, Clone)]
pub(super) struct Claimant {
    pub(super) site: String,
    pub(super) crawl: u64,
    /// The page that has the link; none for seeds.
    pub(super) parent: Option<Url>,
    parent_key: Option<UrlKey>,
}

impl Claimant {
    pub(super) fn new(site: &str, crawl: u64, parent: Option<Url>) -> Self {
        Claimant {
            site: site.to_owned(),
            crawl,
            parent_key: parent.as_ref().map(UrlKey::of),
            parent,
        }
    }
}

/// The part of a row that decides about claims.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    crawl: u64,
    open: bool,
    /// Whether it was skipped for a reason that another page may overrule.
    provisional: bool,
    parent: Option<UrlKey>,
    requeued: bool,
}

impl Seen {
    /// Reads a row; none where it is no row of ours.
    pub(super) fn read(row: &Item) -> Option<Self> {
        Some(Seen {
            crawl: number_of(row, row::CRAWL)?,
            open: !row.contains_key(row::OUTCOME),
            provisional: row::is_provisional(row),
            parent: row::parent_key(row),
            requeued: row.contains_key(row::REQUEUED),
        })
    }

    /// The row of a link that was just claimed.
    pub(super) fn claimed(claimant: &Claimant, link: &Claim) -> Self {
        Seen {
            crawl: claimant.crawl,
            open: link.skip.is_none(),
            provisional: link.skip.is_some_and(|skip| skip.is_provisional()),
            parent: claimant.parent_key,
            requeued: false,
        }
    }

    /// Whether no claim of this crawl will ever win the link again. A link that another parent has
    /// is not settled: that parent may die before it pushes the link, and claim it again.
    pub(super) fn is_settled(&self, crawl: u64) -> bool {
        let ended = !self.open && !self.provisional;
        self.crawl > crawl || self.crawl == crawl && (ended || self.requeued)
    }
}

/// What a row decides about a claim before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// The link is the claimant's already, and has not ended.
    Claimed,
    /// The link is another parent's, or has ended, or belongs to a newer crawl.
    No,
    /// Only a conditional write can decide.
    Ask,
}

/// Decides about a claim by a row.
pub(super) fn decide(seen: Option<&Seen>, claimant: &Claimant, link: &Claim) -> Decision {
    let Some(seen) = seen.filter(|seen| seen.crawl >= claimant.crawl) else {
        return Decision::Ask;
    };
    if seen.crawl > claimant.crawl || link.skip.is_some() {
        return Decision::No;
    }
    if !seen.open {
        return if seen.provisional {
            Decision::Ask
        } else {
            Decision::No
        };
    }
    if seen.parent == claimant.parent_key && !seen.requeued {
        Decision::Claimed
    } else {
        Decision::No
    }
}

/// The rows that the claims of a process have seen.
#[derive(Default)]
pub(super) struct RowCache {
    /// Held by the claim that writes.
    pub(super) writing: AsyncMutex<()>,
    rows: Mutex<HashMap<UrlKey, Seen>>,
}

impl RowCache {
    fn rows(&self) -> MutexGuard<'_, HashMap<UrlKey, Seen>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The row of a link.
    pub(super) fn get(&self, key: UrlKey) -> Option<Seen> {
        self.rows().get(&key).cloned()
    }

    /// Adds the rows of links.
    pub(super) fn keep(&self, seen: impl IntoIterator<Item = (UrlKey, Seen)>) {
        let mut rows = self.rows();
        for (key, seen) in seen {
            if rows.len() >= MAX_CACHED {
                rows.clear();
            }
            rows.insert(key, seen);
        }
    }

    /// Notes that the task of a link has ended.
    pub(super) fn ended(&self, key: UrlKey) {
        if let Some(seen) = self.rows().get_mut(&key) {
            seen.open = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use canter_core::task::Skip;

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
            provisional: false,
            parent: parent.map(|parent| UrlKey::of(&url(parent))),
            requeued: false,
        }
    }

    fn of(crawl: u64) -> Seen {
        Seen {
            crawl,
            ..open(Some(PARENT))
        }
    }

    fn requeued() -> Seen {
        Seen {
            requeued: true,
            ..of(5)
        }
    }

    fn ended(provisional: bool) -> Seen {
        let row = open(Some(PARENT));
        Seen {
            open: false,
            provisional,
            ..row
        }
    }

    #[test]
    fn what_a_row_settles() {
        use Decision::{Ask, Claimed, No};
        let long = format!("{PARENT}/{}", "x".repeat(3_000));
        // Row; parent that claims; whether it is to be skipped; what is said.
        let rows = [
            (None, Some(PARENT), None, Ask),
            (None, Some(PARENT), Some(Skip::Trap), Ask),
            (Some(of(4)), Some(PARENT), None, Ask),
            (Some(of(4)), Some(PARENT), Some(Skip::Trap), Ask),
            (Some(of(6)), Some(PARENT), None, No),
            (Some(of(5)), Some(PARENT), None, Claimed),
            (Some(of(5)), Some(PARENT), Some(Skip::TooDeep), No),
            (Some(of(5)), Some(OTHER), None, No),
            (Some(of(5)), None, None, No),
            (Some(open(None)), None, None, Claimed),
            (Some(open(None)), Some(PARENT), None, No),
            (Some(open(Some(&long))), Some(&long), None, Claimed),
            (Some(requeued()), Some(PARENT), None, No),
            (Some(ended(false)), Some(PARENT), None, No),
            (Some(ended(true)), Some(PARENT), None, Ask),
            (Some(ended(true)), Some(OTHER), None, Ask),
            (Some(ended(true)), Some(OTHER), Some(Skip::TooDeep), No),
        ];
        for (seen, parent, skip, expect) in rows {
            let claimant = Claimant::new("a.test", 5, parent.map(url));
            let link = Claim {
                skip,
                ..Claim::page(url("https://a.test/x"), 1)
            };
            let found = decide(seen.as_ref(), &claimant, &link);
            assert_eq!(found, expect, "{seen:?} {parent:?} {skip:?}");
        }
    }

    #[test]
    fn what_somebody_else_has_is_not_settled_before_its_end() {
        let rows = [
            (of(4), false),
            (of(5), false),
            (of(6), true),
            (open(None), false),
            (requeued(), true),
            (ended(false), true),
            (ended(true), false),
        ];
        for (seen, expect) in rows {
            assert_eq!(seen.is_settled(5), expect, "{seen:?}");
        }
    }
}
