//! One site that the command crawls.

use std::sync::Arc;

use canter_embedded::store::Store;
use canter_engine::gates::Gates;
use canter_engine::{Crawl, Process};

use super::one_machine::OneMachine;
use super::progress::Progress;

/// One site of the command: what the engine drives, and its progress.
pub struct Run {
    pub process: Arc<Process<OneMachine>>,
    pub gates: Arc<Gates<Store>>,
    pub crawl: Arc<Crawl<OneMachine>>,
    pub progress: Arc<Progress>,
}
