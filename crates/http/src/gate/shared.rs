//! How requests wait: for a lease, for their turn, and for the time of their slot.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::pace::{Grant, Pace, Slot, Timing, Tolerance};
use canter_core::ports::{FetchError, Paces};
use canter_core::time::Moment;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::{Instant, timeout_at};

use super::state::State;
use crate::clock::Clock;

/// Time for which slots are leased at once, approximately.
const LEASE: Duration = Duration::from_secs(1);

pub(super) struct Shared<P> {
    pub(super) paces: Arc<P>,
    pub(super) domain: String,
    pub(super) clock: Clock,
    pub(super) tolerance: Tolerance,
    pub(super) state: Mutex<State>,
    /// Wakes the requests that wait, after the gate was closed or held or an approach ended.
    pub(super) changed: watch::Sender<()>,
    /// When the store is next asked for slots, because others are ahead or the domain is held.
    pub(super) asked_again: watch::Sender<Moment>,
    /// Locked by the one request whose turn it is to come near. The others queue in order.
    pub(super) turn: AsyncMutex<()>,
    /// Locked while slots are leased, so that only one lease is asked for at a time.
    pub(super) leasing: AsyncMutex<()>,
}

/// The place of one request in the gate until its start.
pub(super) struct Place<P> {
    shared: Arc<Shared<P>>,
    /// Whether its turn has come.
    pub(super) near: bool,
}

impl<P> Place<P> {
    pub(super) fn of(shared: &Arc<Shared<P>>) -> Self {
        shared.state().waiting += 1;
        Place {
            shared: Arc::clone(shared),
            near: false,
        }
    }
}

impl<P> Drop for Place<P> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.waiting -= 1;
        if self.near {
            state.approaching -= 1;
            drop(state);
            self.shared.changed.send_replace(());
        }
    }
}

impl<P> Shared<P> {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until the clock shows `until` or something changes.
    async fn sleep(&self, until: Moment, changes: &mut watch::Receiver<()>) {
        let wake = Instant::now() + self.clock.now().until(until);
        // Whether the time has passed or something has changed, the caller looks again.
        let _ = timeout_at(wake, changes.changed()).await;
    }
}

impl<P: Paces> Shared<P> {
    /// Resolves when the next slot is near and there is room among the requests that approach it.
    pub(super) async fn come_near(&self, lead: Duration) -> Result<(), FetchError> {
        let mut changes = self.changed.subscribe();
        loop {
            self.ensure_lease().await?;
            let wake = {
                let mut state = self.state();
                let now = self.clock.now();
                if state.closed {
                    return Err(FetchError::Closed);
                }
                let Some(pace) = state.pace else {
                    state.approaching += 1;
                    return Ok(());
                };
                let slots = lead.as_secs_f64() / pace.spacing.as_secs_f64();
                let room = state.approaching <= slots.ceil() as usize;
                let next = state.lease.as_mut().and_then(|lease| lease.peek(now));
                match next {
                    Some(slot) if room && slot.at <= now + lead => {
                        state.approaching += 1;
                        return Ok(());
                    }
                    Some(slot) if room => slot.at - lead,
                    Some(_) => now + LEASE,
                    None => now,
                }
            };
            self.sleep(wake, &mut changes).await;
        }
    }

    pub(super) async fn take_slot(&self) -> Result<Moment, FetchError> {
        let mut changes = self.changed.subscribe();
        loop {
            self.ensure_lease().await?;
            let slot = {
                let mut state = self.state();
                let now = self.clock.now();
                if state.closed {
                    return Err(FetchError::Closed);
                }
                if state.pace.is_none() && state.held_until <= now {
                    state.record(now);
                    return Ok(now);
                }
                state.lease.as_mut().and_then(|lease| lease.take(now))
            };
            if let Some(slot) = slot
                && let Some(start) = self.wait_for(slot, &mut changes).await?
            {
                return Ok(start);
            }
        }
    }

    /// Waits for the time of the slot and returns the start; none if the slot was forfeited.
    async fn wait_for(
        &self,
        slot: Slot,
        changes: &mut watch::Receiver<()>,
    ) -> Result<Option<Moment>, FetchError> {
        loop {
            let wake = {
                let mut state = self.state();
                if state.closed {
                    return Err(FetchError::Closed);
                }
                if state.held_until > slot.at {
                    return Ok(None);
                }
                let now = self.clock.now();
                let opens = state.pace.and_then(|pace| state.window.opens(pace));
                match (slot.timing(now), opens) {
                    (Timing::Late, _) => return Ok(None),
                    (Timing::Fire, Some(opens)) if opens > now => opens,
                    (Timing::Fire, _) => {
                        state.record(now);
                        return Ok(Some(now));
                    }
                    (Timing::Early(_), _) => slot.at,
                }
            };
            self.sleep(wake, changes).await;
        }
    }

    /// Asks the store once whether the domain is held.
    pub(super) async fn learn_hold(&self) -> Result<(), Failure> {
        if self.state().asked {
            return Ok(());
        }
        let held = self.paces.held(&self.domain).await;
        let mut state = self.state();
        state.trouble = held.as_ref().err().cloned();
        let held = held?;
        state.held_until = state.held_until.max(held.unwrap_or(Moment(0)));
        state.asked = true;
        Ok(())
    }

    /// Makes sure that there is a slot to take. Waits while others are ahead or the domain is held.
    async fn ensure_lease(&self) -> Result<(), FetchError> {
        let _leasing = self.leasing.lock().await;
        let mut changes = self.changed.subscribe();
        while self.learn_hold().await.is_err() && !self.state().closed {
            // The store did not answer: nothing may start until it does.
            self.sleep(self.clock.now() + LEASE, &mut changes).await;
        }
        loop {
            let now = self.clock.now();
            let (pace, held_until) = {
                let mut state = self.state();
                if state.closed {
                    return Err(FetchError::Closed);
                }
                let held = state.held_until > now;
                let ready = match state.pace {
                    None => !held && !state.finishing,
                    Some(_) => state
                        .lease
                        .as_mut()
                        .is_some_and(|lease| lease.peek(now).is_some()),
                };
                if ready {
                    return Ok(());
                }
                if state.finishing {
                    return Err(FetchError::Closed);
                }
                (state.pace, held.then_some(state.held_until))
            };
            let wake = match (pace, held_until) {
                (_, Some(held_until)) => {
                    self.asked_again.send_replace(held_until);
                    held_until
                }
                (None, None) => continue,
                (Some(pace), None) => match self.ask(pace, now).await {
                    Ok(wake) => wake,
                    // The store did not answer: nothing may start until it does.
                    Err(()) => now + LEASE,
                },
            };
            self.sleep(wake, &mut changes).await;
        }
    }

    /// Asks the store for slots, and returns when to look again.
    async fn ask(&self, pace: Pace, now: Moment) -> Result<Moment, ()> {
        let wanted = {
            let state = self.state();
            u32::try_from(state.waiting.saturating_add(state.coming)).unwrap_or(u32::MAX)
        };
        let slots = (LEASE.as_secs_f64() / pace.spacing.as_secs_f64()).ceil() as u32;
        let count = slots.min(wanted).max(1);
        let grant = self.paces.lease(&self.domain, now, pace, count).await;
        self.state().trouble = grant.as_ref().err().cloned();
        match grant.map_err(drop)? {
            Grant::Wait(wait) => {
                self.asked_again.send_replace(now + wait);
                Ok(now + wait)
            }
            Grant::Take { lease, .. } => {
                let mut state = self.state();
                // If the pace was slowed or the domain held meanwhile, the lease is lost.
                if state.pace == Some(pace) && state.held_until <= now {
                    state.lease = Some(lease);
                }
                Ok(now)
            }
        }
    }
}
