//! Listening to other workers' clocks: a record that is seen the moment it is written says what its
//! writer's clock shows.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use canter_core::failure::Failure;
use canter_core::time::Moment;

use super::CloudPaces;
use super::record::{AT, time};

/// A process that listens takes no slot for at most so long.
const LISTENED: Duration = Duration::from_millis(1500);
/// A difference between clocks that is worth listening again.
const NOTICED: Duration = Duration::from_millis(5);

/// Whether the clocks of others are known.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Hearing {
    /// Nobody else was met.
    #[default]
    Alone,
    /// No slot is taken until somebody writes the record of this domain again.
    Listening {
        domain: String,
        at: Moment,
        until: Moment,
    },
    /// Somebody was heard while he wrote, or nobody wrote.
    Heard,
}

impl CloudPaces {
    /// Says how long to wait for another's write, by which his clock is known; none when there is
    /// nothing to wait for.
    pub(super) async fn listen(
        &self,
        domain: &str,
        now: Moment,
    ) -> Result<Option<Duration>, Failure> {
        let hearing = self.hearing().clone();
        let (heard, until) = match hearing {
            Hearing::Alone => {
                let known = self.known(domain);
                let shared = now + self.skew.behind();
                let at_work = known.given.last.is_some_and(|last| {
                    // Who needs more slots asks for them when the last one has come.
                    last + known.given.spacing * 2 > shared
                });
                let recent = |at: &Moment| at_work && *at + LISTENED > shared;
                match known.at.filter(recent) {
                    Some(at) if known.wrote != Some(at) => {
                        let said = self.say(domain, now).await?;
                        self.listen_from(domain, said, now);
                        (said, now + LISTENED)
                    }
                    _ => return Ok(None),
                }
            }
            Hearing::Listening {
                domain: listened,
                at,
                until,
            } if listened == domain => (at, until),
            _ => return Ok(None),
        };
        let began = Instant::now();
        let record = self.read(domain).await?;
        if let Some(at) = record
            .and_then(|record| record.at)
            .filter(|&at| at != heard)
        {
            *self.hearing() = Hearing::Heard;
            self.adopt(domain, at, now + began.elapsed())?;
        } else if now >= until {
            *self.hearing() = Hearing::Heard;
        }
        let listens = matches!(*self.hearing(), Hearing::Listening { .. });
        // Who is known to be behind wants to know exactly.
        let nap = if self.skew.behind().is_zero() { 40 } else { 5 };
        Ok(listens.then_some(Duration::from_millis(nap)))
    }

    /// Writes this process's time, which it gives, and no more: several that listen would wait for
    /// each other otherwise.
    async fn say(&self, domain: &str, now: Moment) -> Result<Moment, Failure> {
        let shared = now + self.skew.behind();
        let say = self
            .update(domain)
            .update_expression("SET #at = :at")
            .expression_attribute_names("#at", AT)
            .expression_attribute_values(":at", time(shared));
        if self.send(domain, say).await?.is_ok() {
            self.remember(domain, |known| {
                (known.at, known.wrote) = (Some(shared), Some(shared));
            });
        }
        Ok(shared)
    }

    /// Learns from a time that another wrote; listens again when that says much.
    pub(super) fn adopt(&self, domain: &str, at: Moment, read: Moment) -> Result<(), Failure> {
        let before = self.skew.behind();
        self.skew.adopt(at, read)?;
        if self.skew.behind() > before + NOTICED {
            self.listen_from(domain, at, read);
        }
        Ok(())
    }

    fn listen_from(&self, domain: &str, at: Moment, now: Moment) {
        *self.hearing() = Hearing::Listening {
            domain: domain.to_owned(),
            at,
            until: now + LISTENED,
        };
    }

    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
