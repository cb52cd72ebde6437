//! Support for tests: a site on loopback in five lines, with every bad manner that a server can
//! have; runs of the real program; the real servers of a stack, and a proxy with the faults of a
//! network; and contract suites for the adapters of each port.
//!
//! The tests themselves are in the packages that they test, for example whole crawls in
//! `cli/tests`.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

pub mod answer;
pub mod canter;
mod connection;
pub mod contract;
pub mod elastic;
pub mod faults;
mod gate;
mod http2;
pub mod judged;
mod lines;
pub mod log;
mod manners;
pub mod places;
pub mod site;
pub mod stack;
pub mod tls;

pub use answer::Answer;
pub use canter::{Canter, Ended, Started};
pub use elastic::OwnIndex;
pub use faults::Faults;
pub use gate::OpenGate;
pub use judged::{Judged, Scores};
pub use lines::Lines;
pub use log::{Log, Visit};
pub use site::{Serving, Site};
pub use stack::Stack;
