//! The frontier in SQS: tasks that wait are messages of one queue, each of one domain.

mod burial;
mod errand;
mod frontier;
mod inbox;
mod message;
mod outbox;
mod packing;
mod parcel;

pub use burial::{REASON, bury};
pub use errand::{Errand, Link, Sweep, Watch};
pub use frontier::CloudFrontier;
pub use inbox::{Depth, Letter, create, delete, depth, receive, remove};
pub use message::{Message, Refusal, Terms};
pub use outbox::{LONGEST_DELAY, Outbox, Surroundings, tasks_per_message};
