//! One site that the command crawls.

use std::sync::Arc;

use canter_embedded::store::Store;
use canter_engine::gates::Gates;
use canter_engine::{Crawl, Process};

use super::one_machine::OneMachine;
use super::progress::Progress;
use crate::index::WrittenIndex;

/// One site of the command: what the engine drives, and its progress.
pub struct Run {
    pub process: Arc<Process<OneMachine>>,
    pub gates: Arc<Gates<Store>>,
    pub crawl: Arc<Crawl<OneMachine>>,
    pub index: Arc<WrittenIndex>,
    /// Maximum share of the published pages that may be lost, in percent; `None` for a first crawl.
    pub max_loss: Option<f64>,
    pub progress: Arc<Progress>,
}
