//! Synchronizing with other workers' clocks. A record that is read the moment it is written shows the
//! time of its writer's clock.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use canter_core::failure::Failure;
use canter_core::time::Moment;

use super::CloudPaces;
use super::record::{AT, time};

/// Maximum time that a process listens without taking a slot.
const MAX_LISTENING: Duration = Duration::from_millis(1500);
/// Minimum difference between clocks after which a process listens again.
const NOTICED: Duration = Duration::from_millis(5);

/// Whether this process has synchronized with the clocks of others.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum ClockSync {
    /// No other worker was met.
    #[default]
    Alone,
    /// No slot is taken until another worker writes the record of this domain.
    Listening {
        domain: String,
        at: Moment,
        until: Moment,
    },
    /// Another worker's write was seen, or nobody wrote.
    Done,
}

impl CloudPaces {
    /// How long to wait for another worker's write, which shows its clock; none when there is nothing
    /// to wait for.
    pub(super) async fn listen(
        &self,
        domain: &str,
        now: Moment,
    ) -> Result<Option<Duration>, Failure> {
        let began = Instant::now();
        let sync = self.sync().clone();
        let (heard, until) = match sync {
            ClockSync::Alone => {
                let memory = self.memory(domain);
                let shared = now + self.skew.behind();
                let at_work = memory.state.last.is_some_and(|last| {
                    // A worker that needs more slots asks for them when its last one has come.
                    last + memory.state.spacing * 2 > shared
                });
                let recent = |at: &Moment| at_work && *at + MAX_LISTENING > shared;
                match memory.at.filter(recent) {
                    Some(at) if memory.wrote != Some(at) => {
                        let said = self.say(domain, now).await?;
                        self.listen_from(domain, said, now);
                        (said, now + MAX_LISTENING)
                    }
                    _ => return Ok(None),
                }
            }
            ClockSync::Listening {
                domain: listened,
                at,
                until,
            } if listened == domain => (at, until),
            _ => return Ok(None),
        };
        let record = self.read(domain).await?;
        if let Some(at) = record
            .and_then(|record| record.at)
            .filter(|&at| at != heard)
        {
            *self.sync() = ClockSync::Done;
            self.adopt(domain, at, now + began.elapsed())?;
        } else if now >= until {
            *self.sync() = ClockSync::Done;
        }
        let is_listening = matches!(*self.sync(), ClockSync::Listening { .. });
        // A process that is behind polls more often, to measure by how much.
        let nap = if self.skew.behind().is_zero() { 40 } else { 5 };
        Ok(is_listening.then_some(Duration::from_millis(nap)))
    }

    /// Writes this process's time and returns it. Without that, several processes that listen would
    /// wait for each other.
    async fn say(&self, domain: &str, now: Moment) -> Result<Moment, Failure> {
        let shared = now + self.skew.behind();
        let say = self
            .update(domain)
            .update_expression("SET #at = :at")
            .expression_attribute_names("#at", AT)
            .expression_attribute_values(":at", time(shared));
        if self.send(domain, say).await?.is_ok() {
            self.remember(domain, |memory| {
                (memory.at, memory.wrote) = (Some(shared), Some(shared));
            });
        }
        Ok(shared)
    }

    /// Adopts a time that another worker wrote. Listens again when the clocks differ noticeably.
    pub(super) fn adopt(&self, domain: &str, at: Moment, read: Moment) -> Result<(), Failure> {
        let before = self.skew.behind();
        self.skew.adopt(at, read)?;
        if self.skew.behind() > before + NOTICED {
            self.listen_from(domain, at, read);
        }
        Ok(())
    }

    fn listen_from(&self, domain: &str, at: Moment, now: Moment) {
        *self.sync() = ClockSync::Listening {
            domain: domain.to_owned(),
            at,
            until: now + MAX_LISTENING,
        };
    }

    fn sync(&self) -> MutexGuard<'_, ClockSync> {
        self.sync.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
