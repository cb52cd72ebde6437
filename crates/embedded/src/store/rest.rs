//! Why the newest crawl of a site does not go on.

use serde::{Deserialize, Serialize};

/// Why a crawl does not go on although tasks may wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rest", rename_all = "snake_case")]
pub enum Rest {
    /// Its process died.
    CutOff,
    /// It was asked to stop.
    Stopped,
    /// It reached a limit.
    Limit {
        /// The option that set it.
        option: String,
    },
    /// The site wants to be left alone.
    Paused {
        /// What it said.
        why: String,
    },
    /// The site is being forgotten: nothing may crawl it before that is done.
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

/// The stored form of a rest.
pub(super) fn text(rest: &Rest) -> Option<String> {
    serde_json::to_string(rest).ok()
}

/// Reads the stored form; none for one that a newer canter wrote.
pub(super) fn rest(text: Option<String>) -> Option<Rest> {
    serde_json::from_str(&text?).ok()
}
