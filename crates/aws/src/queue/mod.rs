//! The frontier in SQS: tasks that wait are messages of one queue.

pub mod message;
