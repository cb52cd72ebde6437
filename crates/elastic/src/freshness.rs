//! Whether a search finds what this process wrote: Elasticsearch shows writes once a second, or
//! when it is asked to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use canter_core::failure::Failure;
use elasticsearch::http::Method;
use tokio::sync::Mutex;

use crate::server::Server;

/// What was written, and not shown since.
pub(crate) struct Freshness {
    server: Arc<Server>,
    unseen: AtomicBool,
    /// Who comes second waits, or it would believe that all is shown already.
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

    /// Something was written; told before its caller is answered.
    pub(crate) fn wrote(&self) {
        self.unseen.store(true, Ordering::SeqCst);
    }

    /// Lets searches see all that was acknowledged.
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
