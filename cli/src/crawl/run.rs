//! One site that the command crawls.

use std::sync::Arc;

use super::progress::Progress;
use super::world::SiteWorld;
use crate::index::WrittenIndex;

/// One site of the command: its world and its progress.
pub struct Run {
    pub world: Arc<SiteWorld<WrittenIndex>>,
    pub progress: Arc<Progress>,
}
