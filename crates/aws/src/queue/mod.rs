//! The frontier in SQS: waiting tasks are messages of one queue, each of one domain.

mod dead_letters;
mod errand;
mod frontier;
mod inbox;
mod message;
mod outbox;
mod outgoing_message;
mod packing;

pub use dead_letters::{REASON, send_to_dead_letters};
pub use errand::{Errand, Sweep, Watch};
pub use frontier::CloudFrontier;
pub use inbox::{Depth, ReceivedMessage, create, delete, depth, receive, remove};
pub use message::{Delivery, Message, Refusal};
pub use outbox::{MAX_DELAY, Outbox, OutboxOptions, tasks_per_message};
