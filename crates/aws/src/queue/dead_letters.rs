//! Messages that nobody can work on go among the dead letters, with the reason: what SQS itself puts
//! there, after too many receives, has none but what the log of its function says.

use aws_sdk_sqs::types::MessageAttributeValue;
use canter_core::failure::Failure;

use crate::cloud::Cloud;
use crate::failure::failure;

/// The attribute of a dead letter that says why it is one.
pub const REASON: &str = "reason";
/// Characters of a reason: it is for a person.
const LONGEST: usize = 1_000;

/// Puts a message among the dead letters. Only after that may the message itself go.
pub async fn send_to_dead_letters(cloud: &Cloud, body: &str, why: &str) -> Result<(), Failure> {
    let queue = &cloud.names.dead_letters;
    let reason = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(printable(why));
    let sent = cloud
        .sqs
        .send_message()
        .queue_url(queue)
        .message_body(printable_body(body))
        .message_attributes(REASON, reason.build().map_err(Failure::permanent)?)
        .send()
        .await;
    sent.map(drop)
        .map_err(|error| failure(error, &format!("the queue {queue}")))
}

/// A text as SQS takes it: no control characters, and not empty.
fn printable(text: &str) -> String {
    let cut: String = text.chars().filter(allowed).take(LONGEST).collect();
    if cut.is_empty() {
        "unknown".to_owned()
    } else {
        cut
    }
}

fn printable_body(body: &str) -> String {
    let kept: String = body.chars().filter(allowed).collect();
    if kept.is_empty() {
        " ".to_owned()
    } else {
        kept
    }
}

/// What a message may hold: what XML 1.0 allows (SendMessage, "Message body").
fn allowed(letter: &char) -> bool {
    matches!(letter, '\t' | '\n' | '\r')
        || *letter >= ' ' && !matches!(letter, '\u{FFFE}' | '\u{FFFF}')
}
