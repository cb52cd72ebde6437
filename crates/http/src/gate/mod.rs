//! The gate of one domain, at which the requests of this process wait for their slots.

mod shared;
mod state;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::pace::{Pace, Tolerance};
use canter_core::ports::{Approach, Boxed, FetchError, Gate, Paces};
use canter_core::time::Moment;
use tokio::sync::{Mutex as AsyncMutex, watch};

use crate::clock::Clock;
use crate::starts::Starts;
use shared::{Place, Shared};
use state::State;

pub use state::Tally;

/// Makes the requests of a domain start at its pace. Clones are the same gate.
pub struct PacedGate<P> {
    shared: Arc<Shared<P>>,
}

impl<P> Clone for PacedGate<P> {
    fn clone(&self) -> Self {
        PacedGate {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<P: Paces + 'static> PacedGate<P> {
    /// A gate for a domain. Without a pace, requests start as soon as they come.
    pub fn new(
        paces: Arc<P>,
        domain: &str,
        pace: Option<Pace>,
        tolerance: Tolerance,
        clock: Clock,
    ) -> Self {
        let shared = Shared {
            paces,
            domain: domain.to_owned(),
            clock,
            tolerance,
            state: Mutex::new(State::new(pace)),
            changed: watch::Sender::new(()),
            asked_again: watch::Sender::new(Moment(0)),
            turn: AsyncMutex::new(()),
            leasing: AsyncMutex::new(()),
        };
        PacedGate {
            shared: Arc::new(shared),
        }
    }

    /// Keeps starts at least `delay` apart from now on (`Crawl-delay`). The pace never gets faster.
    pub fn slow(&self, delay: Duration) {
        let mut state = self.shared.state();
        state.tally.delay = state.tally.delay.max(delay);
        let fastest = Pace {
            spacing: Duration::ZERO,
            patience: Duration::ZERO,
            max_starts: 1,
            window: Duration::ZERO,
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

    /// Lets nothing start before `until`, in any process (`Retry-After`).
    ///
    /// # Errors
    ///
    /// Fails if the hold cannot be stored. This process keeps to it nevertheless.
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

    /// Time for which nothing may start because the site asked for it; zero if requests may start.
    pub async fn held_for(&self) -> Duration {
        // If the store does not answer, nothing starts either: every request waits for its slot.
        let _ = self.shared.learn_hold().await;
        let held_until = self.shared.state().held_until;
        self.shared.clock.now().until(held_until)
    }

    /// Resolves once nothing can start for longer than `beyond`, because other workers are ahead or
    /// the domain is held. Returns for how long.
    pub async fn far(&self, beyond: Duration) -> Duration {
        let mut asked_again = self.shared.asked_again.subscribe();
        loop {
            let at = *asked_again.borrow_and_update();
            let wait = self.shared.clock.now().until(at);
            if wait > beyond {
                return wait;
            }
            // This cannot fail, since the sender lives as long as the gate.
            let _ = asked_again.changed().await;
        }
    }

    /// Sets the maximum number of requests that will come besides those that wait already. No more
    /// slots are leased than these can use. Without this call there is no maximum.
    pub fn expect(&self, coming: usize) {
        self.shared.state().coming = coming;
    }

    /// Stops leasing slots. A request that finds no leased slot fails with [`FetchError::Closed`].
    /// Returns how long the current lease lasts; zero without a pace.
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

    /// Lets no request start any more. Those that wait fail with [`FetchError::Closed`].
    pub fn close(&self) {
        self.shared.state().closed = true;
        self.shared.changed.send_replace(());
    }

    /// The failure of the store because of which nothing starts, if there is one. The gate keeps
    /// asking the store, but after a permanent failure, such as a wrong clock of this machine,
    /// waiting is of no use.
    pub fn trouble(&self) -> Option<Failure> {
        self.shared.state().trouble.clone()
    }

    /// The starts so far, in figures.
    pub fn tally(&self) -> Tally {
        let mut state = self.shared.state();
        let now = self.shared.clock.now();
        state.forget_before(now);
        Tally {
            current: state.last_second.len() as u32,
            ..state.tally
        }
    }

    /// When requests started.
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
