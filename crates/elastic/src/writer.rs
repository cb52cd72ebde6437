//! The writer gathers the puts and deletes of many callers into a few bulk requests.
//!
//! Callers queue up in the order of their calls. One task turns their documents into JSON. A second
//! task sends one bulk request at a time, so that all operations on a page keep their order. A
//! caller gets its answer when the server has acknowledged all of the caller's operations.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use canter_core::document::Document;
use canter_core::failure::Failure;
use canter_core::ports::Refused;
use canter_core::task::UrlKey;
use canter_ranking::tokenizer::Tokenizer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::bulk::{Bulk, Operation, Settled};
use crate::freshness::Freshness;
use crate::page;

/// Maximum memory of the documents that wait to be sent, in KiB.
const WAITING_KIB: u32 = 48 << 10;
/// Time for which a bulk request waits for more operations.
const GATHER: Duration = Duration::from_secs(1);
/// Size at which a bulk request is sent, in bytes. Small hosted servers accept at most 10 MiB.
const FULL: usize = 8 << 20;
/// Number of operations at which a bulk request is sent.
const MANY: usize = 500;

type Answer = oneshot::Sender<Result<Vec<Refused>, Failure>>;

enum Wish {
    Put(Vec<Document>),
    Delete(Vec<UrlKey>),
    Flush,
}

/// A caller's command. The permit is its share of the memory for waiting documents.
struct Command {
    wish: Wish,
    answer: Answer,
    room: OwnedSemaphorePermit,
}

/// A handle to the writing tasks. When it is dropped, they send the operations that they hold, and
/// end.
pub(crate) struct Writer {
    commands: mpsc::UnboundedSender<Command>,
    room: Arc<Semaphore>,
}

impl Writer {
    /// Starts the tasks on the caller's runtime.
    pub(crate) fn start(bulk: Bulk, freshness: Arc<Freshness>) -> Self {
        let (commands, received) = mpsc::unbounded_channel();
        let (prepared, ready) = mpsc::unbounded_channel();
        tokio::spawn(prepare(received, prepared));
        let sending = Sending {
            bulk,
            freshness,
            callers: HashMap::new(),
            last_caller: 0,
            queue: VecDeque::new(),
            bytes: 0,
            flushing: Vec::new(),
        };
        tokio::spawn(sending.run(ready));
        Writer {
            commands,
            room: Arc::new(Semaphore::new(WAITING_KIB as usize)),
        }
    }

    /// Waits until a document would not have to wait for memory. An index that is closed tells so
    /// when it is asked.
    pub(crate) async fn has_room(&self) {
        let _ = self.room.acquire().await;
    }

    pub(crate) async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        let size = documents.iter().map(kib).fold(1_u32, u32::saturating_add);
        self.ask(Wish::Put(documents), size).await
    }

    pub(crate) async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        let size = u32::try_from(ids.len() / 16 + 1).unwrap_or(u32::MAX);
        self.ask(Wish::Delete(ids), size).await.map(drop)
    }

    pub(crate) async fn flush(&self) -> Result<(), Failure> {
        self.ask(Wish::Flush, 1).await.map(drop)
    }

    /// Queues a command and waits for its answer. Every command takes some memory, even a flush:
    /// memory is granted in the order of the calls, so a command that takes none would overtake the
    /// others.
    async fn ask(&self, wish: Wish, kib: u32) -> Result<Vec<Refused>, Failure> {
        let room = Arc::clone(&self.room);
        let room = room.acquire_many_owned(kib.min(WAITING_KIB)).await;
        let room = room.map_err(|_| ended())?;
        let (answer, answered) = oneshot::channel();
        let command = Command { wish, answer, room };
        self.commands.send(command).map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }
}

/// Returns roughly the memory that a document takes until it is sent, in KiB: its text, its terms
/// and its links.
fn kib(document: &Document) -> u32 {
    let page = &document.page;
    let links: usize = page.links.iter().map(|link| 200 + link.text.len()).sum();
    u32::try_from((5 * page.text.len() + links) / 1024 + 1).unwrap_or(u32::MAX)
}

fn ended() -> Failure {
    Failure::permanent("the index is closed")
}

/// A command that is ready to be sent.
struct Ready {
    operations: Vec<Operation>,
    refused: Vec<Refused>,
    flush: bool,
    answer: Answer,
    room: OwnedSemaphorePermit,
}

/// Turns documents into JSON on the blocking threads while other documents are sent.
async fn prepare(
    mut commands: mpsc::UnboundedReceiver<Command>,
    prepared: mpsc::UnboundedSender<Ready>,
) {
    let mut tokenizer = Tokenizer::default();
    while let Some(Command { wish, answer, room }) = commands.recv().await {
        let mut ready = Ready {
            operations: Vec::new(),
            refused: Vec::new(),
            flush: false,
            answer,
            room,
        };
        match wish {
            Wish::Flush => ready.flush = true,
            Wish::Delete(ids) => ready
                .operations
                .extend(ids.into_iter().map(Operation::delete)),
            Wish::Put(documents) => {
                let mut own = std::mem::take(&mut tokenizer);
                let written = tokio::task::spawn_blocking(move || {
                    let operations = documents.iter().map(|document| put(document, &mut own));
                    (operations.collect::<Vec<_>>(), own)
                });
                match written.await {
                    Ok((operations, own)) => {
                        tokenizer = own;
                        for operation in operations {
                            match operation {
                                Ok(operation) => ready.operations.push(operation),
                                Err(refused) => ready.refused.push(refused),
                            }
                        }
                    }
                    Err(error) => {
                        let what = format!("making a page ready for the index broke off: {error}");
                        // A caller that has gone away needs no answer.
                        let _ = ready.answer.send(Err(Failure::transient(what)));
                        continue;
                    }
                }
            }
        }
        if prepared.send(ready).is_err() {
            return;
        }
    }
}

fn put(document: &Document, tokenizer: &mut Tokenizer) -> Result<Operation, Refused> {
    let id = document.id();
    match page::source(document, tokenizer) {
        Ok(source) => Ok(Operation::put(id, document.version, source)),
        Err(error) => Err(Refused {
            id,
            why: format!("it cannot be written as JSON: {error}"),
        }),
    }
}

/// A caller with operations that are not acknowledged yet.
struct Caller {
    left: usize,
    refused: Vec<Refused>,
    answer: Answer,
    _room: OwnedSemaphorePermit,
}

/// The task that sends bulk requests.
struct Sending {
    bulk: Bulk,
    freshness: Arc<Freshness>,
    callers: HashMap<u64, Caller>,
    last_caller: u64,
    queue: VecDeque<(u64, Operation)>,
    bytes: usize,
    /// Callers that wait until all earlier operations are done and visible to searches.
    flushing: Vec<(Answer, OwnedSemaphorePermit)>,
}

impl Sending {
    async fn run(mut self, mut ready: mpsc::UnboundedReceiver<Ready>) {
        while let Some(first) = ready.recv().await {
            self.take(first);
            let until = Instant::now() + GATHER;
            while self.flushing.is_empty() && self.bytes < FULL && self.queue.len() < MANY {
                match timeout_at(until, ready.recv()).await {
                    Ok(Some(more)) => self.take(more),
                    Ok(None) | Err(_) => break,
                }
            }
            self.send().await;
        }
    }

    fn take(&mut self, ready: Ready) {
        let Ready {
            operations,
            refused,
            flush,
            answer,
            room,
        } = ready;
        if flush {
            self.flushing.push((answer, room));
            return;
        }
        if operations.is_empty() {
            let _ = answer.send(Ok(refused));
            return;
        }
        self.last_caller += 1;
        let caller = Caller {
            left: operations.len(),
            refused,
            answer,
            _room: room,
        };
        self.callers.insert(self.last_caller, caller);
        for operation in operations {
            self.bytes += operation.bytes();
            self.queue.push_back((self.last_caller, operation));
        }
    }

    /// Sends all waiting operations, and answers the callers that flush.
    async fn send(&mut self) {
        let mut failed = None;
        while let Some((callers, operations)) = self.next_batch() {
            let settled = self.bulk.run(&operations).await;
            // The write is recorded only now: a count during the bulk request refreshes only the
            // earlier writes, and would clear this record as well.
            self.freshness.wrote();
            for ((caller, operation), settled) in callers.into_iter().zip(operations).zip(settled) {
                if let Settled::Failed(failure) = &settled {
                    failed = Some(failure.clone());
                }
                self.settle(caller, operation.id, settled);
            }
        }
        if self.flushing.is_empty() {
            return;
        }
        let shown = match failed {
            Some(failure) => Err(failure),
            None => self.freshness.show(self.bulk.patience()).await,
        };
        for (answer, _room) in self.flushing.drain(..) {
            let _ = answer.send(shown.clone().map(|()| Vec::new()));
        }
    }

    /// Removes the first waiting operations that make one bulk request, and returns them. It leaves
    /// out the operations of a caller that was told of a failure, since that caller will repeat all
    /// of them.
    fn next_batch(&mut self) -> Option<(Vec<u64>, Vec<Operation>)> {
        let (mut callers, mut operations) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        while let Some((caller, operation)) = self.queue.front() {
            let size = operation.bytes();
            let is_full = bytes + size > FULL || operations.len() == MANY;
            if is_full && !operations.is_empty() {
                break;
            }
            let is_wanted = self.callers.contains_key(caller);
            self.bytes -= size;
            if let Some((caller, operation)) = self.queue.pop_front()
                && is_wanted
            {
                bytes += size;
                callers.push(caller);
                operations.push(operation);
            }
        }
        (!operations.is_empty()).then_some((callers, operations))
    }

    fn settle(&mut self, number: u64, id: UrlKey, settled: Settled) {
        // The caller is gone if another of its operations failed.
        let Some(caller) = self.callers.get_mut(&number) else {
            return;
        };
        let failure = match settled {
            Settled::Done => None,
            Settled::Refused(why) => {
                caller.refused.push(Refused { id, why });
                None
            }
            Settled::Failed(failure) => Some(failure),
        };
        caller.left -= 1;
        if (caller.left == 0 || failure.is_some())
            && let Some(caller) = self.callers.remove(&number)
        {
            let _ = caller.answer.send(match failure {
                Some(failure) => Err(failure),
                None => Ok(caller.refused),
            });
        }
    }
}
