//! The paces that all workers share: one item `pace#DOMAIN` of the table `state` for each domain.
//!
//! An item holds `last` (the time of the last slot given), `spacing` and `asked` (the spacing that
//! counts, and when a worker last asked for it), `held`, `promised`, `at` (the time of its last
//! writer) and `expires`. Times are nanoseconds since the Unix epoch. The next free slot lies one
//! spacing after `last`. So a worker that asks with another spacing keeps its own distance, and one
//! addition covers both, since DynamoDB allows one operation for each attribute.
//!
//! # A lease is one conditional write
//!
//! DynamoDB has no `max()`, so there are two kinds of writes. *On*: `last += k * T`, if the slot after
//! `last` lies between now and the horizon. It succeeds however many workers write at once.
//! *From*: `last = first + (k - 1) * T`, if nothing was given after `first - T`, as when a domain was
//! idle or held. The process guesses which one to try by what it remembers. A failed condition
//! returns the item, from which [`grant`] decides without a read whether to try the other or wait.
//!
//! # What stays exact
//!
//! `last` never goes back, and each success moves it past slots that no other worker has. So two
//! workers never get the same slot, whatever their clocks show, and however often the SDK repeats a
//! write that had succeeded: of two such writes, the slots of the first are lost. A write without an
//! answer gives no slots either.
//!
//! When a slot is *used* depends on clocks. With clocks that agree to 10 ms
//! ([`Tolerance::SHARED`](canter_core::pace::Tolerance::SHARED)) no sliding second has more than N
//! starts. If they differ by more, a second has at most `N * (1 + D)` starts, rounded up, D being the
//! seconds between the slowest and the fastest clock, until the slow workers have synchronized with
//! the fast ones. Every record holds its writer's time, and a worker that reads a time in its future
//! goes by that clock from then on. The older the record, the less its time tells. So a process that
//! meets another one at work for the first time, or finds itself behind, takes no slot until it has
//! seen another worker write. It writes its own time, and polls the record for at most a second and
//! a half. A worker that joins later with a faster clock than all others is noticed only by their
//! leases, which may take some of them.
//!
//! A fast clock costs the others no slots, since all go by it. A clock that is more than 2 s off, as
//! the `Date` of DynamoDB's answers proves, gets a failure and no slot before it has written anything.
//!
//! A hold reaches every later lease. Slots that were leased before are still used: they lie less than
//! the horizon and a lease away.

mod clock_sync;
mod memory;
mod record;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use canter_core::failure::Failure;
use canter_core::pace::{Grant, Lease, Pace, PaceState};
use canter_core::ports::Paces;
use canter_core::time::Moment;

use self::clock_sync::ClockSync;
use self::memory::Memory;
use self::record::{AT, HELD, LAST, PROMISED, Record, expiry, key, record, span, time};
use crate::cloud::Cloud;
use crate::failure::failure;
use crate::skew::Skew;
use crate::tables::{EXPIRES, KEY};

/// How far ahead slots are given out.
const HORIZON: Duration = Duration::from_secs(1);
/// Maximum number of writes for a lease, when others write at the same time.
const TRIES: usize = 4;
/// Maximum number of domains that a process remembers.
const MAX_REMEMBERED: usize = 1000;

/// The paces in DynamoDB. Clones share what they know of other clocks, and belong to one process.
#[derive(Debug, Clone)]
pub struct CloudPaces {
    cloud: Cloud,
    skew: Skew,
    checked: bool,
    domains: Arc<Mutex<HashMap<String, Memory>>>,
    sync: Arc<Mutex<ClockSync>>,
}

impl CloudPaces {
    /// The paces of a stack.
    pub fn new(cloud: Cloud) -> Self {
        CloudPaces {
            cloud,
            skew: Skew::default(),
            checked: true,
            domains: Arc::default(),
            sync: Arc::default(),
        }
    }

    /// The paces of a stack for callers whose `now` is no wall clock. No clocks are compared.
    pub fn unchecked(cloud: Cloud) -> Self {
        CloudPaces {
            checked: false,
            ..CloudPaces::new(cloud)
        }
    }

    /// The same paces for a process whose clock was reset. What was known of other clocks is forgotten.
    pub fn forgetful(&self) -> Self {
        CloudPaces {
            checked: self.checked,
            ..CloudPaces::new(self.cloud.clone())
        }
    }

    /// Whether others were using the domain when this process leased last.
    pub fn contested(&self, domain: &str) -> bool {
        self.memory(domain).contested
    }

    /// How long from `now` to come back with `count` requests that are sent away. Each caller gets a
    /// share of the time after the slots leased and the promises made before, so that each waits about
    /// once. A promise gives no slots.
    ///
    /// # Errors
    ///
    /// The failure of DynamoDB; a clock that is wrong.
    pub async fn promise(
        &self,
        domain: &str,
        now: Moment,
        pace: Pace,
        count: u32,
    ) -> Result<Duration, Failure> {
        self.check(domain, now).await?;
        let now = now + self.skew.behind();
        let pace = self.memory(domain).state.pace(now, pace);
        let share = pace.spacing * count;
        let on = self
            .update(domain)
            .update_expression("SET #promised = #promised + :share")
            .condition_expression(
                "#promised >= :now AND #promised >= #last AND \
                 (attribute_not_exists(#held) OR #promised >= #held)",
            )
            .expression_attribute_names("#promised", PROMISED)
            .expression_attribute_names("#last", LAST)
            .expression_attribute_names("#held", HELD)
            .expression_attribute_values(":share", span(share))
            .expression_attribute_values(":now", time(now));
        let mut old = match self.send(domain, on).await? {
            Ok(old) => {
                let next = old.state.next(pace).unwrap_or(now);
                return Ok(now.until(old.promised.max(next)));
            }
            Err(old) => old,
        };
        let mut begin = now;
        for _ in 0..TRIES {
            let next = old.state.next(pace).unwrap_or(now);
            begin = now.max(next).max(old.promised);
            let from = self
                .update(domain)
                .update_expression("SET #promised = :end, #expires = :expires")
                .condition_expression("attribute_not_exists(#promised) OR #promised = :old")
                .expression_attribute_names("#promised", PROMISED)
                .expression_attribute_names("#expires", EXPIRES)
                .expression_attribute_values(":old", time(old.promised))
                .expression_attribute_values(":end", time(begin + share))
                .expression_attribute_values(":expires", expiry(begin));
            match self.send(domain, from).await? {
                Ok(_) => return Ok(now.until(begin)),
                Err(newer) => old = newer,
            }
        }
        // Too many workers promise at once. The time that was read last is as good as any.
        Ok(now.until(begin) + pace.spacing.mul_f64(fastrand::f64()))
    }

    /// Refuses a wrong clock. The first call in a process asks DynamoDB for its time, so that a wrong
    /// clock has written nothing.
    async fn check(&self, domain: &str, now: Moment) -> Result<(), Failure> {
        if !self.checked {
            return Ok(());
        }
        let began = Instant::now();
        if !self.skew.asked() {
            self.read(domain).await?;
        }
        self.skew.check(now + began.elapsed())
    }

    /// Reads a record, and remembers it.
    async fn read(&self, domain: &str) -> Result<Option<Record>, Failure> {
        let read = self.cloud.dynamodb.get_item();
        let answer = read
            .table_name(&self.cloud.names.state)
            .key(KEY, key(domain))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(self.skew.clone())
            .send()
            .await
            .map_err(|error| failure(error, &self.table()))?;
        let meter = &self.cloud.meter;
        meter.read("GetItem", answer.consumed_capacity());
        let record = answer.item().map(record);
        if let Some(record) = record {
            self.remember(domain, |memory| memory.saw(record));
        }
        Ok(record)
    }

    /// Sends a write. Returns the item as it was before, for which the condition held or failed.
    async fn send(
        &self,
        domain: &str,
        update: UpdateItemFluentBuilder,
    ) -> Result<Result<Record, Record>, Failure> {
        let answer = update
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(self.skew.clone())
            .send()
            .await;
        let none = HashMap::new();
        match answer {
            Ok(answer) => {
                let meter = &self.cloud.meter;
                meter.wrote("UpdateItem", answer.consumed_capacity());
                Ok(Ok(record(answer.attributes().unwrap_or(&none))))
            }
            Err(error) => {
                let service = error.as_service_error();
                match service {
                    Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                        let old = record(failed.item().unwrap_or(&none));
                        self.remember(domain, |memory| memory.saw(old));
                        Ok(Err(old))
                    }
                    _ => Err(failure(error, &self.table())),
                }
            }
        }
    }

    fn update(&self, domain: &str) -> UpdateItemFluentBuilder {
        let update = self.cloud.dynamodb.update_item();
        update
            .table_name(&self.cloud.names.state)
            .key(KEY, key(domain))
    }

    fn memory(&self, domain: &str) -> Memory {
        let domains = self.domains();
        domains.get(domain).copied().unwrap_or(Memory::NOTHING)
    }

    fn remember<T>(&self, domain: &str, change: impl FnOnce(&mut Memory) -> T) -> T {
        let mut domains = self.domains();
        if domains.len() >= MAX_REMEMBERED && !domains.contains_key(domain) {
            // A forgotten domain costs a write that fails.
            domains.clear();
        }
        change(domains.entry(domain.to_owned()).or_insert(Memory::NOTHING))
    }

    fn domains(&self) -> MutexGuard<'_, HashMap<String, Memory>> {
        self.domains.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> String {
        format!("the table {}", self.cloud.names.state)
    }
}

impl Paces for CloudPaces {
    async fn lease(
        &self,
        domain: &str,
        now: Moment,
        pace: Pace,
        count: u32,
    ) -> Result<Grant, Failure> {
        let began = Instant::now();
        self.check(domain, now).await?;
        if self.checked {
            // The check may have read the record: what it says is held against the time after that.
            let checked = now + began.elapsed();
            if let Some(at) = self.memory(domain).at {
                self.adopt(domain, at, checked)?;
            }
            if let Some(wait) = self.listen(domain, checked).await? {
                return Ok(Grant::Wait(wait));
            }
        }
        let count = count.max(1);
        for tried in 0..TRIES {
            let shared = now + self.skew.behind();
            let planned =
                self.remember(domain, |memory| memory.plan(shared, pace, count, tried > 0));
            let write = match planned {
                Ok(write) => write,
                Err(wait) => return Ok(Grant::Wait(wait)),
            };
            let before = self.memory(domain);
            let sent = self
                .send(domain, write.apply(self.update(domain), shared))
                .await?;
            let (Ok(old) | Err(old)) = sent;
            let read = now + began.elapsed();
            if self.checked {
                self.skew.check(read)?;
                if let Some(at) = old.at {
                    self.adopt(domain, at, read)?;
                }
            }
            if sent.is_err() {
                continue;
            }
            let spacing = write.pace.spacing;
            let next = old.state.last.map(|last| last + spacing);
            let first = write.first.or(next).unwrap_or(shared);
            let last = first + spacing * (count - 1);
            self.remember(domain, |memory| {
                let mine = old.state.last == before.mine;
                memory.contested = !mine && next.is_some_and(|next| next >= shared);
                memory.mine = Some(last);
                (memory.at, memory.wrote) = (Some(shared), Some(shared));
                memory.crowd = memory.crowd.saturating_sub(3);
                memory.state = PaceState {
                    last: Some(last),
                    spacing,
                    asked: if write.own { shared } else { old.state.asked },
                    held: old.state.held,
                };
            });
            let behind = self.skew.behind();
            return Ok(Grant::Take {
                lease: Lease::new(first - behind, count, write.pace),
                next: last + spacing - behind,
            });
        }
        // Others were faster each time, so the wait is short.
        let millis = 5 + fastrand::u64(..20);
        Ok(Grant::Wait(Duration::from_millis(millis)))
    }

    async fn hold(&self, domain: &str, until: Moment) -> Result<(), Failure> {
        let until = until + self.skew.behind();
        let hold = self
            .update(domain)
            .update_expression("SET #held = :until, #expires = :expires")
            .condition_expression(
                "(attribute_not_exists(#held) OR #held < :until) AND \
                 (attribute_not_exists(#at) OR #at < :until)",
            )
            .expression_attribute_names("#held", HELD)
            .expression_attribute_names("#at", AT)
            .expression_attribute_names("#expires", EXPIRES)
            .expression_attribute_values(":until", time(until))
            .expression_attribute_values(":expires", expiry(until));
        if self.send(domain, hold).await?.is_ok() {
            self.remember(domain, |memory| {
                memory.state.held = memory.state.held.max(until)
            });
        }
        Ok(())
    }

    async fn held(&self, domain: &str) -> Result<Option<Moment>, Failure> {
        let record = self.read(domain).await?;
        let held = record.map(|record| record.state.held);
        Ok(held.map(|held| held - self.skew.behind()))
    }
}
