//! The gate of one domain: where this process's requests wait for their slots.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::pace::{Grant, Lease, Pace, Slot, Tolerance, Verdict, Window};
use canter_core::ports::{Approach, Boxed, FetchError, Gate, Paces};
use canter_core::time::Moment;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::starts::Starts;

/// Slots are leased for about so long at a time.
const LEASE: Duration = Duration::from_secs(1);

/// Lets the requests of a domain start at its pace. Clones share the gate.
pub struct PacedGate<P> {
    shared: Arc<Shared<P>>,
}

struct Shared<P> {
    paces: Arc<P>,
    domain: String,
    clock: Clock,
    tolerance: Tolerance,
    state: Mutex<State>,
    /// Wakes those who wait when the gate is closed or held, or when an approach ends.
    changed: watch::Sender<()>,
    /// When slots are asked for again, since others are ahead or the domain is held.
    asked_again: watch::Sender<Moment>,
    /// Held by the one request whose turn it is to come near; the others queue in order.
    turn: AsyncMutex<()>,
    /// Held while slots are leased, so that one lease is asked for at a time.
    leasing: AsyncMutex<()>,
}

struct State {
    /// None: as fast as it goes.
    pace: Option<Pace>,
    lease: Option<Lease>,
    held_until: Moment,
    /// The stored hold is known.
    asked: bool,
    /// Requests that want a slot.
    waiting: usize,
    /// Of those, the ones whose turn has come.
    approaching: usize,
    /// Requests that will come, at most, besides those that wait.
    coming: usize,
    /// What is leased is the last.
    finishing: bool,
    closed: bool,
    window: Window,
    tally: Tally,
    starts: Starts,
    last_second: VecDeque<Moment>,
    /// Why the store gave no answer when it was asked last.
    trouble: Option<Failure>,
}

/// What a gate let through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests started.
    pub started: u64,
    /// The largest number of starts in any sliding second.
    pub peak: u32,
    /// Starts in the second that has just passed.
    pub current: u32,
    /// The longest delay between starts that the site asked for (`Crawl-delay`); zero for none.
    pub delay: Duration,
}

impl<P> Clone for PacedGate<P> {
    fn clone(&self) -> Self {
        PacedGate {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<P: Paces + 'static> PacedGate<P> {
    /// A gate for a domain; without a pace requests start as fast as they come.
    pub fn new(
        paces: Arc<P>,
        domain: &str,
        pace: Option<Pace>,
        tolerance: Tolerance,
        clock: Clock,
    ) -> Self {
        let state = State {
            pace,
            lease: None,
            held_until: Moment(0),
            asked: false,
            waiting: 0,
            approaching: 0,
            coming: usize::MAX,
            finishing: false,
            closed: false,
            window: Window::default(),
            tally: Tally::default(),
            starts: Starts::default(),
            last_second: VecDeque::new(),
            trouble: None,
        };
        let shared = Shared {
            paces,
            domain: domain.to_owned(),
            clock,
            tolerance,
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
            asked_again: watch::Sender::new(Moment(0)),
            turn: AsyncMutex::new(()),
            leasing: AsyncMutex::new(()),
        };
        PacedGate {
            shared: Arc::new(shared),
        }
    }

    /// Keeps starts at least `delay` apart from now on (`Crawl-delay`); never speeds up.
    pub fn slow(&self, delay: Duration) {
        let mut state = self.shared.state();
        state.tally.delay = state.tally.delay.max(delay);
        let fastest = Pace {
            spacing: Duration::ZERO,
            patience: Duration::ZERO,
            most: 1,
            span: Duration::ZERO,
        };
        let pace = state.pace.unwrap_or(fastest);
        let slowed = pace.at_least(delay, self.shared.tolerance);
        if state.pace == Some(slowed) {
            return;
        }
        state.pace = Some(slowed);
        state.lease = None;
        drop(state);
        self.shared.changed.send_replace(());
    }

    /// Starts nothing before `until`, in any process (`Retry-After`).
    pub async fn hold(&self, until: Moment) -> Result<(), Failure> {
        {
            let mut state = self.shared.state();
            state.held_until = state.held_until.max(until);
            state.lease = None;
        }
        self.shared.changed.send_replace(());
        self.shared.asked_again.send_replace(until);
        self.shared.paces.hold(&self.shared.domain, until).await
    }

    /// How long nothing may start, since the site asked for it; zero when it may.
    pub async fn held_for(&self) -> Duration {
        // Without an answer of the store nothing starts either, and whoever asks for a slot waits.
        let _ = self.shared.learn_hold().await;
        let held_until = self.shared.state().held_until;
        self.shared.clock.now().until(held_until)
    }

    /// Resolves when nothing can start for longer than `beyond`, since others are ahead or the
    /// domain is held; gives how long.
    pub async fn far(&self, beyond: Duration) -> Duration {
        let mut asked_again = self.shared.asked_again.subscribe();
        loop {
            let at = *asked_again.borrow_and_update();
            let wait = self.shared.clock.now().until(at);
            if wait > beyond {
                return wait;
            }
            // The sender lives as long as this gate.
            let _ = asked_again.changed().await;
        }
    }

    /// So many requests will come, at most, besides those that wait already: no more slots are leased
    /// than they can use. Unless it is told, a gate takes it that there is no end of them.
    pub fn expect(&self, coming: usize) {
        self.shared.state().coming = coming;
    }

    /// Leases no more: whoever finds nothing leased gets [`FetchError::Closed`]. Gives how long
    /// there is something, zero where no pace is set.
    pub fn finish(&self) -> Duration {
        let mut state = self.shared.state();
        state.finishing = true;
        let now = self.shared.clock.now();
        let rest = state
            .lease
            .map_or(Duration::ZERO, |lease| now.until(lease.end()));
        drop(state);
        self.shared.changed.send_replace(());
        rest
    }

    /// Lets nobody through any more: whoever waits gets [`FetchError::Closed`].
    pub fn close(&self) {
        self.shared.state().closed = true;
        self.shared.changed.send_replace(());
    }

    /// Why nothing starts, where that is the store's failure: it is asked again and again. After
    /// a permanent one, such as this machine's clock being wrong, there is no use in waiting.
    pub fn trouble(&self) -> Option<Failure> {
        self.shared.state().trouble.clone()
    }

    /// What went through so far.
    pub fn tally(&self) -> Tally {
        let mut state = self.shared.state();
        let now = self.shared.clock.now();
        state.forget_before(now);
        Tally {
            current: state.last_second.len() as u32,
            ..state.tally
        }
    }

    /// When it went through.
    pub fn starts(&self) -> Starts {
        self.shared.state().starts.clone()
    }
}

impl<P: Paces + 'static> Gate for PacedGate<P> {
    fn near(&self, lead: Duration) -> Boxed<'_, Result<Approach, FetchError>> {
        Box::pin(async move {
            let mut place = Place::of(&self.shared);
            let _turn = self.shared.turn.lock().await;
            self.shared.come_near(lead).await?;
            place.near = true;
            Ok(Approach::new(place))
        })
    }

    fn slot(&self) -> Boxed<'_, Result<Moment, FetchError>> {
        Box::pin(self.shared.take_slot())
    }
}

/// One request's place until its start.
struct Place<P> {
    shared: Arc<Shared<P>>,
    /// Its turn has come.
    near: bool,
}

impl<P> Place<P> {
    fn of(shared: &Arc<Shared<P>>) -> Self {
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

impl State {
    fn forget_before(&mut self, now: Moment) {
        let horizon = now - Duration::from_secs(1);
        while self.last_second.front().is_some_and(|&at| at <= horizon) {
            self.last_second.pop_front();
        }
    }

    fn record(&mut self, now: Moment) {
        if let Some(pace) = self.pace {
            self.window.record(now, pace.span);
        }
        self.forget_before(now);
        self.last_second.push_back(now);
        self.tally.started += 1;
        let peak = self.last_second.len() as u32;
        self.tally.peak = self.tally.peak.max(peak);
        self.starts.note(now, peak);
    }
}

impl<P> Shared<P> {
    fn state(&self) -> MutexGuard<'_, State> {
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
    async fn come_near(&self, lead: Duration) -> Result<(), FetchError> {
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

    async fn take_slot(&self) -> Result<Moment, FetchError> {
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
                match (slot.verdict(now), opens) {
                    (Verdict::Late, _) => return Ok(None),
                    (Verdict::Fire, Some(opens)) if opens > now => opens,
                    (Verdict::Fire, _) => {
                        state.record(now);
                        return Ok(Some(now));
                    }
                    (Verdict::Early(_), _) => slot.at,
                }
            };
            self.sleep(wake, changes).await;
        }
    }

    /// Asks the store once whether the domain is held.
    async fn learn_hold(&self) -> Result<(), Failure> {
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
