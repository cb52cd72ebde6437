//! How requests wait: for a lease, for their turn, for the time of their slot.

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

/// Slots are leased for about so long at a time.
const LEASE: Duration = Duration::from_secs(1);

pub(super) struct Shared<P> {
    pub(super) paces: Arc<P>,
    pub(super) domain: String,
    pub(super) clock: Clock,
    pub(super) tolerance: Tolerance,
    pub(super) state: Mutex<State>,
    /// Wakes those who wait when the gate is closed or held, or when an approach ends.
    pub(super) changed: watch::Sender<()>,
    /// When slots are asked for again, since others are ahead or the domain is held.
    pub(super) asked_again: watch::Sender<Moment>,
    /// Held by the one request whose turn it is to come near; the others queue in order.
    pub(super) turn: AsyncMutex<()>,
    /// Held while slots are leased, so that one lease is asked for at a time.
    pub(super) leasing: AsyncMutex<()>,
}

/// One request's place until its start.
pub(super) struct Place<P> {
    shared: Arc<Shared<P>>,
    /// Its turn has come.
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
        // Both ends, time passed and a change, mean the same to the caller: look again.
        let _ = timeout_at(wake, changes.changed()).await;
    }
}

impl<P: Paces> Shared<P> {
    /// Resolves when the next slot is near and there is room among those who approach it.
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
                && let Some(start) = self.fire(slot, &mut changes).await?
            {
                return Ok(start);
            }
        }
    }

    /// Waits for the slot's time; nothing when the slot was forfeited meanwhile.
    async fn fire(
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

    /// Makes sure that there is a slot to take, waiting for others or for a hold to end.
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

    /// Asks the store for slots; gives the time at which to look again.
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
                // Meanwhile the pace may have been slowed or the domain held: then the lease is lost.
                if state.pace == Some(pace) && state.held_until <= now {
                    state.lease = Some(lease);
                }
                Ok(now)
            }
        }
    }
}
