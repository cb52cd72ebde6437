//! How a site treats its clients, and what it answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::answer::Answer;
use crate::log::{Log, Visit};

pub(crate) type Reply = Arc<dyn Fn(&Visit) -> Answer + Send + Sync>;

/// How the server ends a connection after each answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// Announced with `Connection: close`.
    Said,
    /// Without a word.
    Silent,
}

/// How a server treats every client.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manners {
    pub(crate) latency: Duration,
    pub(crate) close: Option<Close>,
    pub(crate) idle: Option<Duration>,
    pub(crate) handshake: Duration,
    pub(crate) http2: bool,
    pub(crate) farewell: Option<usize>,
}

/// What all connections of a site share.
pub(crate) struct Shared {
    pub(crate) replies: Mutex<HashMap<String, Reply>>,
    pub(crate) otherwise: Reply,
    pub(crate) manners: Manners,
    pub(crate) log: Arc<Log>,
}

impl Shared {
    pub(crate) fn answer(&self, visit: &Visit) -> Answer {
        let reply = {
            let replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
            replies.get(&visit.path).map(Arc::clone)
        };
        reply.unwrap_or_else(|| Arc::clone(&self.otherwise))(visit)
    }
}
