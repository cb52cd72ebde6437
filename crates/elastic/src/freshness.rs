//! Refreshes the index, so that a search finds the writes of this process. By default,
//! Elasticsearch refreshes once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use canter_core::failure::Failure;
use elasticsearch::http::Method;
use tokio::sync::Mutex;

use crate::server::Server;

/// A record of whether something was written since the last refresh.
pub(crate) struct Freshness {
    server: Arc<Server>,
    unseen: AtomicBool,
    /// A second caller must wait until the first one has refreshed.
    turn: Mutex<()>,
}

impl Freshness {
    pub(crate) fn new(server: Arc<Server>) -> Self {
        Freshness {
            server,
            unseen: AtomicBool::new(false),
            turn: Mutex::new(()),
        }
    }

    /// Records a write. The task that writes must call this before it answers its caller.
    pub(crate) fn wrote(&self) {
        self.unseen.store(true, Ordering::SeqCst);
    }

    /// Makes all acknowledged writes visible to searches.
    pub(crate) async fn show(&self, patience: Duration) -> Result<(), Failure> {
        let _turn = self.turn.lock().await;
        if !self.unseen.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let path = format!("{}/_refresh", self.server.index());
        let shown = self.server.fetch(Method::Post, &path, None, patience).await;
        if shown.is_err() {
            self.wrote();
        }
        shown.map(drop)
    }
}
