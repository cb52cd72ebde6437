//! Policies of robots.txt files: one item an authority, `robots#https://example.org:443`.
//!
//! | attribute | type | what |
//! |---|---|---|
//! | `verdict` | B | the policy, packed |
//! | `fetched` | N | when it was fetched, Unix ns |
//! | `until`, `by` | N | end of the right of a worker to fetch it, Unix ns; the call that gave it |
//! | `expires` | N | when the item may go, Unix s |

use canter_core::failure::Failure;
use canter_core::ports::{FETCHING, Loaded, Robots};
use canter_core::robots::{MAX_AGE, RobotsPolicy};
use canter_core::time::Moment;

use crate::change::{Change, Written};
use crate::cloud::Cloud;
use crate::item::{Item, bytes, bytes_of, number, number_of};
use crate::packed::{MAX_PACKED, pack, unpack};
use crate::tables::{EXPIRES, state_key};

const POLICY: &str = "verdict";
const FETCHED: &str = "fetched";
const UNTIL: &str = "until";
const BY: &str = "by";

/// The robots.txt policies that all workers of a stack share.
#[derive(Debug, Clone)]
pub struct CloudRobots {
    cloud: Cloud,
}

impl CloudRobots {
    /// The policies of a stack. Sends nothing.
    pub fn new(cloud: Cloud) -> Self {
        CloudRobots { cloud }
    }

    /// The item of an authority, maybe as it was a moment ago.
    async fn item(&self, authority: &str) -> Result<Item, Failure> {
        let key = state_key("robots", authority);
        self.cloud.item(&self.cloud.names.state, key, false).await
    }

    async fn change(
        &self,
        authority: &str,
        change: Change,
        condition: &str,
    ) -> Result<Written, Failure> {
        let table = &self.cloud.names.state;
        let key = state_key("robots", authority);
        change.write(&self.cloud, table, key, condition).await
    }
}

impl Robots for CloudRobots {
    async fn load(&self, authority: &str, since: Moment, now: Moment) -> Result<Loaded, Failure> {
        let item = self.item(authority).await?;
        let latest = now + FETCHING;
        if let Some((policy, fetched)) = policy(&item, since, latest) {
            return Ok(Loaded::Policy(policy, fetched));
        }
        if number_of(&item, UNTIL).is_some_and(|until| until > now.0 && until <= latest.0) {
            return Ok(Loaded::Busy);
        }
        // A policy that cannot be read must not keep workers from fetching it again.
        let unreadable = number_of(&item, FETCHED).filter(|fetched| *fetched >= since.0);
        // The SDK repeats a write whose answer was lost. The token shows that it was this call's.
        let token = fastrand::u64(..);
        let until = now + FETCHING;
        let change = Change::default()
            .set(UNTIL, number(until.0))
            .set(BY, number(token))
            .set(EXPIRES, number((until + MAX_AGE).millis() / 1_000))
            .value("since", number(since.0))
            .value("unreadable", number(unreadable.unwrap_or(u64::MAX)))
            .value("latest", number(latest.0))
            .value("now", number(now.0));
        let condition = "(attribute_not_exists(#fetched) OR #fetched < :since \
                          OR #fetched > :latest OR #fetched = :unreadable) \
                         AND (attribute_not_exists(#until) OR #until <= :now \
                              OR #until > :latest OR #by = :by)";
        let written = self.change(authority, change, condition).await?;
        Ok(match written {
            Written::Done => Loaded::Fetch,
            // Another worker has just saved one, or is fetching it.
            Written::Refused(item) => match policy(&item, since, latest) {
                Some((policy, fetched)) => Loaded::Policy(policy, fetched),
                None => Loaded::Busy,
            },
        })
    }

    async fn release(&self, authority: &str) -> Result<(), Failure> {
        // If another worker has taken over in the meantime, the file is fetched twice at worst.
        let change = Change::default().remove(&[UNTIL, BY]);
        let condition = "attribute_exists(#until)";
        self.change(authority, change, condition).await.map(drop)
    }

    async fn save(
        &self,
        authority: &str,
        policy: &RobotsPolicy,
        fetched_at: Moment,
    ) -> Result<(), Failure> {
        let packed = pack(policy)?;
        let change = Change::default().remove(&[UNTIL, BY]);
        let saved = if packed.len() > MAX_PACKED {
            // Rules too large for an item are fetched by each worker for itself, one at a time.
            tracing::warn!(
                authority,
                bytes = packed.len(),
                "robots.txt is too large to share"
            );
            let change = change.remove(&[POLICY, FETCHED]);
            let gone = fetched_at + MAX_AGE;
            change.set(EXPIRES, number(gone.millis() / 1_000))
        } else {
            let gone = fetched_at + MAX_AGE * 2;
            change
                .set(POLICY, bytes(packed))
                .set(FETCHED, number(fetched_at.0))
                .set(EXPIRES, number(gone.millis() / 1_000))
        };
        let condition = "attribute_not_exists(#fetched) OR #fetched <= :newest \
                         OR #fetched > :latest";
        let saved = saved
            .value("newest", number(fetched_at.0))
            .value("latest", number((fetched_at + FETCHING).0));
        // Refused when a newer policy is stored.
        self.change(authority, saved, condition).await.map(drop)
    }
}

/// The policy of an item, unless it was fetched before `since`, or after `latest` by a clock that
/// was ahead.
fn policy(item: &Item, since: Moment, latest: Moment) -> Option<(RobotsPolicy, Moment)> {
    let recent = since.0..=latest.0;
    let fetched = number_of(item, FETCHED).filter(|fetched| recent.contains(fetched))?;
    let policy = unpack(bytes_of(item, POLICY)?)?;
    Some((policy, Moment(fetched)))
}
