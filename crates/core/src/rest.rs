//! Why a crawl rests although tasks wait.

use serde::{Deserialize, Serialize};

/// Why a crawl does not go on. Its tasks are kept for the run that continues it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rest", rename_all = "snake_case")]
pub enum Rest {
    /// The user stopped it.
    Stopped,
    /// It reached a limit.
    Limit {
        /// The option that set the limit.
        option: String,
    },
    /// The site wants to be left alone.
    Paused {
        /// What the site said.
        why: String,
    },
}
