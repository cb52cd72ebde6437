//! The clock that callers hand in.

use std::sync::Arc;

use canter_core::time::Moment;

/// Gives the time now, since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;
