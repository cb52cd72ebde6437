//! Why the newest crawl of a site rests.

use serde::{Deserialize, Serialize};

/// The reason why a crawl does not continue although it may have tasks left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rest", rename_all = "snake_case")]
pub enum Rest {
    /// The crawl's process died.
    CutOff,
    /// The crawl was asked to stop.
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
    /// The site is being forgotten; no crawl may begin before that is done.
    Forgotten,
}

impl From<canter_core::rest::Rest> for Rest {
    fn from(rest: canter_core::rest::Rest) -> Self {
        match rest {
            canter_core::rest::Rest::Stopped => Rest::Stopped,
            canter_core::rest::Rest::Limit { option } => Rest::Limit { option },
            canter_core::rest::Rest::Paused { why } => Rest::Paused { why },
        }
    }
}

/// Returns the stored form of a rest.
pub(super) fn text(rest: &Rest) -> Option<String> {
    serde_json::to_string(rest).ok()
}

/// Reads the stored form of a rest; `None` if a newer canter wrote it.
pub(super) fn rest(text: Option<String>) -> Option<Rest> {
    serde_json::from_str(&text?).ok()
}
