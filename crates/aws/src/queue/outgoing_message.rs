//! Messages on their way to SQS, each with the pushes that wait for its confirmation.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use canter_core::back_off::back_off;
use canter_core::failure::Failure;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::cloud::Cloud;
use crate::failure::{failure, service};

/// Maximum number of messages in one request (`SendMessageBatch`).
const BATCH: usize = 10;
/// Maximum number of bytes in one request. SQS bills each 64 KiB as a request, so that the requests
/// counted here are those billed.
const BATCH_BYTES: usize = 64 * 1024;
/// Maximum number of attempts at a message, on top of the retries of the SDK: half a minute at most.
const ATTEMPTS: u32 = 6;

/// Answers a push with the first failure, or once every message with one of its tasks is confirmed.
/// When it is dropped without an answer, the push fails.
#[derive(Debug)]
pub(super) struct Receipt {
    /// Number of tasks of the push whose messages are not confirmed yet.
    left: AtomicUsize,
    confirmed: Mutex<Option<oneshot::Sender<Result<(), Failure>>>>,
}

impl Receipt {
    pub(super) fn new(confirmed: oneshot::Sender<Result<(), Failure>>) -> Self {
        Receipt {
            left: AtomicUsize::new(0),
            confirmed: Mutex::new(Some(confirmed)),
        }
    }

    /// Expects the confirmation of one more task.
    pub(super) fn expect_one_more(&self) {
        self.left.fetch_add(1, Ordering::AcqRel);
    }

    fn answer(&self, answer: Result<(), Failure>) {
        let confirmed = self.confirmed.lock();
        let confirmed = confirmed.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(confirmed) = confirmed {
            // The push may have been dropped in the meantime.
            let _ = confirmed.send(answer);
        }
    }
}

/// A message on its way.
#[derive(Debug)]
pub(super) struct OutgoingMessage {
    /// Seconds.
    pub(super) delay: i32,
    pub(super) body: String,
    pub(super) receipts: Vec<Arc<Receipt>>,
}

impl OutgoingMessage {
    fn confirm(&self) {
        for receipt in &self.receipts {
            if receipt.left.fetch_sub(1, Ordering::AcqRel) == 1 {
                receipt.answer(Ok(()));
            }
        }
    }

    fn fail(&self, failure: &Failure) {
        for receipt in &self.receipts {
            receipt.answer(Err(failure.clone()));
        }
    }
}

/// Splits messages into requests that SQS takes.
pub(super) fn batches(messages: Vec<OutgoingMessage>) -> Vec<Vec<OutgoingMessage>> {
    let mut batches: Vec<Vec<OutgoingMessage>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let length = message.body.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && bytes + length <= BATCH_BYTES => {
                bytes += length;
                batch.push(message);
            }
            _ => {
                bytes = length;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

/// Sends messages until each is confirmed or has failed for good.
pub(super) async fn send(cloud: Cloud, mut batch: Vec<OutgoingMessage>) {
    let what = format!("the queue {}", cloud.names.queue);
    let mut attempt = 0;
    loop {
        let reason = match send_once(&cloud, &what, &mut batch).await {
            Ok(None) => return,
            Ok(Some(reason)) => reason,
            Err(failure) => failure,
        };
        attempt += 1;
        if matches!(reason, Failure::Permanent(_)) || attempt >= ATTEMPTS {
            for message in &batch {
                message.fail(&reason);
            }
            return;
        }
        tracing::warn!(attempt, messages = batch.len(), %reason, "messages are sent again");
        sleep(back_off(attempt - 1, fastrand::f64())).await;
    }
}

/// Sends messages once. Those that are confirmed or have failed for good leave the batch. Returns why
/// others are left.
async fn send_once(
    cloud: &Cloud,
    what: &str,
    batch: &mut Vec<OutgoingMessage>,
) -> Result<Option<Failure>, Failure> {
    let mut request = cloud.sqs.send_message_batch().queue_url(&cloud.names.queue);
    for (id, message) in batch.iter().enumerate() {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(id.to_string())
            .delay_seconds(message.delay)
            .message_body(&message.body);
        request = request.entries(entry.build().map_err(Failure::permanent)?);
    }
    let answer = request.send().await.map_err(|error| failure(error, what))?;
    let confirmed: Vec<&str> = answer.successful().iter().map(|entry| entry.id()).collect();
    let refused: HashMap<&str, Failure> = answer
        .failed()
        .iter()
        .map(|entry| (entry.id(), refusal(entry, what)))
        .collect();
    let mut reason = None;
    let mut left = Vec::new();
    for (id, message) in batch.drain(..).enumerate() {
        let id = id.to_string();
        match refused.get(id.as_str()) {
            Some(failure @ Failure::Permanent(_)) => message.fail(failure),
            Some(failure) => {
                reason = Some(failure.clone());
                left.push(message);
            }
            None if confirmed.contains(&id.as_str()) => message.confirm(),
            None => {
                reason = Some(Failure::transient(format!(
                    "{what} did not answer for a message"
                )));
                left.push(message);
            }
        }
    }
    *batch = left;
    Ok(reason)
}

/// Why one message of a request was not taken.
fn refusal(entry: &BatchResultErrorEntry, what: &str) -> Failure {
    let said = entry.message().unwrap_or("no reason given");
    if entry.sender_fault() {
        service(entry.code(), None, said, what)
    } else {
        Failure::transient(format!(
            "{what} did not take a message ({}: {said})",
            entry.code()
        ))
    }
}
