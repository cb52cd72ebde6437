//! Limits of every crawl that no option changes.

use std::time::Duration;

/// Maximum time for which a site can hold its requests (`Retry-After`). A longer wish is taken for
/// a mistake.
pub const MAX_HOLD: Duration = Duration::from_secs(7 * 24 * 3600);

/// Maximum time for which a crawl waits for a held site. A site that asks for more is paused.
pub const MAX_HOLD_WAIT: Duration = Duration::from_secs(3600);

/// Maximum number of attempts at a URL whose site asks to wait (429, 503).
pub(crate) const PATIENT_ATTEMPTS: u32 = 10;
