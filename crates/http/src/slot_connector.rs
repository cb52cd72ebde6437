//! The place where a request on a cold lane takes its slot: inside reqwest's connector, after the
//! connection is open and before the request is sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use canter_core::ports::{Approach, FetchError, Gate};
use canter_core::time::Moment;
use tokio::sync::watch;
use tower::{BoxError, Layer, Service};

/// What one request needs in order to start.
pub(crate) struct SlotRequest {
    gate: Arc<dyn Gate>,
    connect_timeout: Duration,
    approach: Mutex<Option<Approach>>,
    start: watch::Sender<Option<Start>>,
}

/// When a request started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) moment: Moment,
    pub(crate) instant: Instant,
}

impl SlotRequest {
    pub(crate) fn new(gate: Arc<dyn Gate>, approach: Approach, connect_timeout: Duration) -> Self {
        SlotRequest {
            gate,
            connect_timeout,
            approach: Mutex::new(Some(approach)),
            start: watch::Sender::new(None),
        }
    }

    /// Takes a slot, after which the request must be sent at once. A request whose connection
    /// turned out to be closed takes another slot, and only the last start counts.
    pub(crate) async fn acquire_slot(&self) -> Result<(), FetchError> {
        let moment = self.gate.slot().await?;
        lock(&self.approach).take();
        self.start.send_replace(Some(Start {
            moment,
            instant: Instant::now(),
        }));
        Ok(())
    }

    /// The last start; none before the first.
    pub(crate) fn start(&self) -> Option<Start> {
        *self.start.borrow()
    }

    /// Resolves when `limit` has passed since the last start.
    pub(crate) async fn expired(&self, limit: Duration) {
        let mut starts = self.start.subscribe();
        loop {
            let start = *starts.borrow_and_update();
            match start {
                // Waiting cannot fail, since the sender lives as long as the slot request.
                None => drop(starts.changed().await),
                Some(start) => {
                    tokio::time::sleep_until((start.instant + limit).into()).await;
                    if !starts.has_changed().unwrap_or(false) {
                        return;
                    }
                }
            }
        }
    }
}

/// The connector layer of one lane. It keeps the slot request of the lane.
#[derive(Clone, Default)]
pub(crate) struct SlotConnectorLayer {
    shared: Arc<Mutex<Current>>,
}

#[derive(Default)]
struct Current {
    request: Option<Arc<SlotRequest>>,
    connected_in: Option<Duration>,
}

impl SlotConnectorLayer {
    /// Makes the next connection wait for this request's slot.
    pub(crate) fn begin(&self, request: Arc<SlotRequest>) {
        lock(&self.shared).request = Some(request);
    }

    /// Ends the request, so that a connection that is still being opened for it takes no slot.
    /// Returns how long it took to open a connection, if the request opened one.
    pub(crate) fn end(&self) -> Option<Duration> {
        let mut current = lock(&self.shared);
        current.request = None;
        current.connected_in.take()
    }
}

impl<S> Layer<S> for SlotConnectorLayer {
    type Service = SlotConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SlotConnector {
            inner,
            layer: self.clone(),
        }
    }
}

/// The connector, which connects and then takes the slot.
#[derive(Clone)]
pub(crate) struct SlotConnector<S> {
    inner: S,
    layer: SlotConnectorLayer,
}

impl<S, R> Service<R> for SlotConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.inner.call(request);
        let layer = self.layer.clone();
        Box::pin(async move {
            let slot_request = lock(&layer.shared).request.clone();
            let slot_request = slot_request.ok_or(FetchError::Closed)?;
            let began = Instant::now();
            let limit = slot_request.connect_timeout;
            let connection = tokio::time::timeout(limit, connecting)
                .await
                .map_err(|_| FetchError::Timeout(limit))?
                .map_err(Into::into)?;
            let mine = {
                let mut current = lock(&layer.shared);
                current.connected_in = Some(began.elapsed());
                current
                    .request
                    .as_ref()
                    .is_some_and(|held| Arc::ptr_eq(held, &slot_request))
            };
            if !mine {
                return Err(FetchError::Closed.into());
            }
            slot_request.acquire_slot().await?;
            Ok(connection)
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
