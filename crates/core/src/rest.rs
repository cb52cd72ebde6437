//! Why a crawl rests although it has tasks left.

use serde::{Deserialize, Serialize};

/// The reason why a crawl does not continue. Its tasks are kept for the next run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rest", rename_all = "snake_case")]
pub enum Rest {
    /// The user stopped the crawl.
    Stopped,
    /// The crawl reached a limit.
    Limit {
        /// The option that set the limit.
        option: String,
    },
    /// The site asked for a pause.
    Paused {
        /// The site's answer.
        why: String,
    },
}
