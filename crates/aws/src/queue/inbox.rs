//! Receiving from the queue on one machine, where Lambda has no event source.

use std::time::Duration;

use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName,
};
use canter_core::failure::Failure;

use super::dead_letters::REASON;
use crate::cloud::Cloud;
use crate::failure::failure;

/// Maximum number of messages in one request.
const BATCH: i32 = 10;

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// The same each time it is received.
    pub id: String,
    /// Receipt handle for deleting it, different each time.
    pub receipt: String,
    /// The body.
    pub body: String,
    /// How often it was received, this time included.
    pub receives: u32,
    /// Why a function sent it to the dead-letter queue, if one did: see
    /// [`super::send_to_dead_letters`].
    pub reason: Option<String>,
}

/// Approximate number of messages in the queue. SQS's own counts lag by up to a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that may be received now.
    pub visible: u64,
    /// Messages that were received and are not deleted yet.
    pub in_flight: u64,
    /// Messages whose delay has not passed.
    pub delayed: u64,
}

impl Depth {
    /// Whether the queue looks empty, which is a reason to sweep but no proof.
    pub fn is_empty(self) -> bool {
        self == Depth::default()
    }
}

fn name(cloud: &Cloud) -> String {
    format!("the queue {}", cloud.names.queue)
}

/// Asks how many messages the queue holds.
///
/// # Errors
///
/// The failure of SQS.
pub async fn depth(cloud: &Cloud) -> Result<Depth, Failure> {
    use QueueAttributeName::{
        ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
        ApproximateNumberOfMessagesNotVisible,
    };
    let asked = cloud
        .sqs
        .get_queue_attributes()
        .queue_url(&cloud.names.queue)
        .attribute_names(ApproximateNumberOfMessages)
        .attribute_names(ApproximateNumberOfMessagesNotVisible)
        .attribute_names(ApproximateNumberOfMessagesDelayed);
    let answer = asked.send().await;
    let answer = answer.map_err(|error| failure(error, &name(cloud)))?;
    let count = |name: QueueAttributeName| {
        let value = answer.attributes().and_then(|all| all.get(&name));
        let count = value.and_then(|value| value.parse().ok());
        count.ok_or_else(|| Failure::transient("the queue did not say how many messages it holds"))
    };
    Ok(Depth {
        visible: count(ApproximateNumberOfMessages)?,
        in_flight: count(ApproximateNumberOfMessagesNotVisible)?,
        delayed: count(ApproximateNumberOfMessagesDelayed)?,
    })
}

/// Creates a queue on one machine and returns its URL, which the names of a connection need. A message
/// that is not deleted is received again after `visibility`.
///
/// # Errors
///
/// The failure of SQS.
pub async fn create(cloud: &Cloud, name: &str, visibility: Duration) -> Result<String, Failure> {
    let created = cloud
        .sqs
        .create_queue()
        .queue_name(name)
        .attributes(
            QueueAttributeName::VisibilityTimeout,
            visibility.as_secs().to_string(),
        )
        .send()
        .await;
    let created = created.map_err(|error| failure(error, &format!("the queue {name}")))?;
    let url = created.queue_url().map(str::to_owned);
    url.ok_or_else(|| Failure::transient(format!("the queue {name} was made without a URL")))
}

/// Deletes the queue with its messages.
///
/// # Errors
///
/// The failure of SQS.
pub async fn remove(cloud: &Cloud) -> Result<(), Failure> {
    let removal = cloud.sqs.delete_queue().queue_url(&cloud.names.queue);
    let removed = removal.send().await;
    removed
        .map(drop)
        .map_err(|error| failure(error, &name(cloud)))
}

/// Receives up to ten messages, after waiting for the first for at most `wait`.
///
/// # Errors
///
/// The failure of SQS.
pub async fn receive(cloud: &Cloud, wait: Duration) -> Result<Vec<ReceivedMessage>, Failure> {
    let received = cloud
        .sqs
        .receive_message()
        .queue_url(&cloud.names.queue)
        .max_number_of_messages(BATCH)
        .wait_time_seconds(wait.as_secs() as i32)
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
        .message_attribute_names(REASON)
        .send()
        .await;
    let received = received.map_err(|error| failure(error, &name(cloud)))?;
    let messages = received.messages().iter().filter_map(|message| {
        let attributes = message.attributes();
        let receives = attributes
            .and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount))
            .and_then(|count| count.parse().ok());
        Some(ReceivedMessage {
            id: message.message_id()?.to_owned(),
            receipt: message.receipt_handle()?.to_owned(),
            body: message.body().unwrap_or_default().to_owned(),
            receives: receives.unwrap_or(1),
            reason: message
                .message_attributes()
                .and_then(|all| all.get(REASON)?.string_value().map(str::to_owned)),
        })
    });
    Ok(messages.collect())
}

/// Deletes messages. One that is not deleted is received again, which does no harm.
///
/// # Errors
///
/// The failure of SQS; some of the messages may be deleted.
pub async fn delete(cloud: &Cloud, messages: &[ReceivedMessage]) -> Result<(), Failure> {
    for messages in messages.chunks(BATCH as usize) {
        let mut request = cloud
            .sqs
            .delete_message_batch()
            .queue_url(&cloud.names.queue);
        for (id, message) in messages.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(id.to_string())
                .receipt_handle(&message.receipt);
            request = request.entries(entry.build().map_err(Failure::permanent)?);
        }
        let deleted = request.send().await;
        deleted.map_err(|error| failure(error, &name(cloud)))?;
    }
    Ok(())
}
