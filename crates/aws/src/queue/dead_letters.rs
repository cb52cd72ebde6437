//! The dead-letter queue. Messages that the functions give up go there with the reason. SQS itself
//! moves messages there after too many receives; their reason is only in the log of the function.

use aws_sdk_sqs::types::MessageAttributeValue;
use canter_core::failure::Failure;

use crate::cloud::Cloud;
use crate::failure::failure;

/// Attribute of a dead letter that holds the reason.
pub const REASON: &str = "reason";
/// Maximum number of characters in a reason.
const MAX_REASON: usize = 1_000;

/// Sends a message to the dead-letter queue. Only then may the caller delete it from its own queue.
///
/// # Errors
///
/// The failure of SQS.
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

/// The text without what SQS refuses: control characters, and no characters at all.
fn printable(text: &str) -> String {
    let cut: String = text.chars().filter(allowed).take(MAX_REASON).collect();
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

/// Whether a message may hold the character: the characters of XML 1.0 (SendMessage, "Message body").
fn allowed(letter: &char) -> bool {
    matches!(letter, '\t' | '\n' | '\r')
        || *letter >= ' ' && !matches!(letter, '\u{FFFE}' | '\u{FFFF}')
}
