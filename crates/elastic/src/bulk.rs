//! A bulk request, which is repeated until the server has settled each operation: it is done, or
//! the document is refused for good.
//!
//! A put carries the version of its document. An older copy therefore never replaces a newer one,
//! and a bulk request whose response was lost can be sent again. A delete carries the last version
//! of the copy that it removes ([`deleted`]), so it can be sent again too: a copy that any process
//! fetched in the meantime is newer and stays. These versions keep the order of the operations on a
//! page, even if a part of a bulk request is done later than the rest.
//!
//! The server remembers the version of a delete for the index's `gc_deletes`. Until then, a late
//! copy that is as old as the deleted one does not come back. After that, it would.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use canter_core::document::deleted;
use canter_core::failure::Failure;
use canter_core::task::UrlKey;
use elasticsearch::http::Method;
use serde_json::{Value, json};

use crate::retries::Retries;
use crate::server::Server;
use crate::verdict::{self, Verdict};

/// Maximum number of bytes that surround a document in a bulk request.
const FRAME: usize = 128;
/// Filter of the response to the fields that are judged. The full response to a large bulk request
/// holds much that nobody reads.
const ANSWER: &str = "filter_path=error,items.*.status,items.*.error.type,items.*.error.reason,\
                      items.*.error.caused_by.reason";

/// An operation on a document.
pub(crate) struct Operation {
    pub(crate) id: UrlKey,
    /// Version and JSON of the document; none for a delete.
    put: Option<(u64, String)>,
}

impl Operation {
    pub(crate) fn put(id: UrlKey, version: u64, source: String) -> Self {
        Operation {
            id,
            put: Some((version, source)),
        }
    }

    pub(crate) fn delete(id: UrlKey) -> Self {
        Operation { id, put: None }
    }

    /// Returns roughly the size in a bulk request, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        FRAME + self.put.as_ref().map_or(0, |(_, source)| source.len())
    }
}

/// The outcome of an operation.
#[derive(Debug, PartialEq)]
pub(crate) enum Settled {
    /// The operation is durable.
    Done,
    /// The server will never accept the document.
    Refused(String),
    /// The operation may or may not have been done.
    Failed(Failure),
}

/// A sender of bulk requests.
pub(crate) struct Bulk {
    server: Arc<Server>,
    patience: Duration,
    /// Maximum size of a request that the server accepts, in bytes, as far as it is known.
    most: usize,
}

/// The outcome of one request.
enum Round {
    Judged(Vec<Verdict>),
    TooLarge,
    /// None of the operations was done, or the outcome is unknown: try again.
    Again(Failure),
    /// No further try helps.
    Stop(Failure),
}

impl Bulk {
    pub(crate) fn new(server: Arc<Server>, patience: Duration) -> Self {
        Bulk {
            server,
            patience,
            most: usize::MAX,
        }
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Carries out the operations in their order, and returns their outcomes in the same order.
    pub(crate) async fn run(&mut self, operations: &[Operation]) -> Vec<Settled> {
        let mut settled: Vec<Option<Settled>> = operations.iter().map(|_| None).collect();
        let sent = match self.lines(operations).await {
            Ok(lines) => self.send(operations, &lines, &mut settled).await,
            Err(failure) => Err(failure),
        };
        let failure = again_later(
            sent.err()
                .unwrap_or_else(|| Failure::transient("a bulk ended before all of it was done")),
        );
        let failed = || Settled::Failed(failure.clone());
        let ended = settled.into_iter().map(|one| one.unwrap_or_else(failed));
        ended.collect()
    }

    /// Sends the operations until all of them are settled. On an error, the rest has failed.
    async fn send(
        &mut self,
        operations: &[Operation],
        lines: &[Option<String>],
        settled: &mut [Option<Settled>],
    ) -> Result<(), Failure> {
        let mut waiting = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            match line {
                Some(_) => waiting.push(at),
                None => settled[at] = Some(Settled::Done),
            }
        }
        let mut tries = Retries::new(self.patience);
        while !waiting.is_empty() {
            let (now, rest) = waiting.split_at(self.fitting(operations, &waiting));
            let verdicts = match self.once(operations, lines, now).await {
                Round::Judged(verdicts) => verdicts,
                Round::TooLarge => {
                    if let [single] = now {
                        let bytes = operations[*single].bytes();
                        settled[*single] = Some(Settled::Refused(format!(
                            "its {bytes} bytes are more than the server takes (413)"
                        )));
                        waiting = rest.to_vec();
                    } else {
                        let sent = now.iter().map(|&at| operations[at].bytes());
                        self.most = sent.sum::<usize>() / 2;
                    }
                    continue;
                }
                Round::Again(failure) => {
                    self.server.tell(Some(&failure));
                    if !tries.again().await {
                        return Err(failure);
                    }
                    continue;
                }
                Round::Stop(failure) => return Err(failure),
            };
            let mut again = Vec::new();
            let mut trouble: Option<Failure> = None;
            for (&at, verdict) in now.iter().zip(verdicts) {
                match verdict {
                    Verdict::Stop(failure) => return Err(failure),
                    Verdict::Again(failure) => {
                        again.push(at);
                        trouble = Some(failure);
                    }
                    Verdict::Done => settled[at] = Some(Settled::Done),
                    Verdict::Refused(why) => settled[at] = Some(Settled::Refused(why)),
                }
            }
            if again.len() < now.len() {
                tries.progressed();
            }
            again.extend(rest);
            waiting = again;
            self.server.tell(trouble.as_ref());
            if let Some(failure) = trouble
                && !tries.again().await
            {
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Returns the number of operations that fit into one request, at least one.
    fn fitting(&self, operations: &[Operation], waiting: &[usize]) -> usize {
        let mut bytes = 0;
        let fit = waiting.iter().take_while(|&&at| {
            bytes += operations[at].bytes();
            bytes <= self.most
        });
        fit.count().max(1)
    }

    /// Sends one request.
    async fn once(
        &self,
        operations: &[Operation],
        lines: &[Option<String>],
        now: &[usize],
    ) -> Round {
        let mut body = String::with_capacity(now.iter().map(|&at| operations[at].bytes()).sum());
        for &at in now {
            body.extend(lines[at].as_deref());
            body.push('\n');
            if let Some((_, source)) = &operations[at].put {
                body.push_str(source);
                body.push('\n');
            }
        }
        // The server's own time-out is shorter than the connection's, so that a server that waits
        // for some of its shards can still say so.
        let wait = (self.patience / 4).as_millis().max(1);
        let path = format!("{}/_bulk?timeout={wait}ms&{ANSWER}", self.server.index());
        let sent = self
            .server
            .exchange(Method::Post, &path, Some(body.as_bytes()));
        let answer = match sent.await {
            Ok(answer) => answer,
            Err(failure @ Failure::Transient(_)) => return Round::Again(failure),
            Err(failure) => return Round::Stop(failure),
        };
        if answer.status == 413 {
            return Round::TooLarge;
        }
        let told = answer.json().unwrap_or_default();
        match told["items"].as_array() {
            Some(items) if answer.status == 200 && items.len() == now.len() => {
                let verdicts = items
                    .iter()
                    .map(|item| verdict::of_item(&self.server, item));
                Round::Judged(verdicts.collect())
            }
            _ => match verdict::of_whole(&self.server, &answer) {
                Ok(failure) => Round::Again(failure),
                Err(failure) => Round::Stop(failure),
            },
        }
    }

    /// Returns the action line of each operation; none for a delete of a document that does not
    /// exist.
    async fn lines(&self, operations: &[Operation]) -> Result<Vec<Option<String>>, Failure> {
        self.look().await?;
        let deletes = operations.iter().filter(|it| it.put.is_none());
        let mut known = self.versions(deletes.map(|it| it.id).collect()).await?;
        let lines = operations.iter().map(|operation| {
            let id = operation.id;
            match &operation.put {
                Some((version, _)) => {
                    let newest = known.entry(id).or_default();
                    *newest = (*newest).max(*version);
                    Some(format!(
                        r#"{{"index":{{"_id":"{id}","version":{version},"version_type":"external_gte"}}}}"#
                    ))
                }
                None => {
                    let version = deleted(known.remove(&id)?);
                    Some(format!(
                        r#"{{"delete":{{"_id":"{id}","version":{version},"version_type":"external"}}}}"#
                    ))
                }
            }
        });
        Ok(lines.collect())
    }

    /// Checks that the index exists. If it is missing, the server would create a new index on the
    /// first write, without the pages of earlier crawls and, if the template is missing too, with a
    /// mapping of its own.
    async fn look(&self) -> Result<(), Failure> {
        let index = self.server.index();
        let answer = self.server.ask(Method::Head, index, None, self.patience);
        let answer = answer.await?;
        match answer.status {
            200..300 => Ok(()),
            404 => Err(self.server.vanished()),
            _ => Err(self.server.refusal(&answer)),
        }
    }

    /// Returns the versions of the documents that exist.
    async fn versions(&self, ids: Vec<UrlKey>) -> Result<HashMap<UrlKey, u64>, Failure> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let path = format!("{}/_mget?_source=false", self.server.index());
        let written: Vec<String> = ids.iter().map(UrlKey::to_string).collect();
        let body = json!({"ids": written});
        let mut tries = Retries::new(self.patience);
        loop {
            let found = self
                .server
                .fetch(Method::Post, &path, Some(&body), self.patience);
            let found = found.await?;
            let found = found["docs"].as_array().filter(|found| {
                found.len() == ids.len() && found.iter().all(|one| one["error"].is_null())
            });
            if let Some(found) = found {
                let known = ids.iter().zip(found);
                let known = known.filter_map(|(&id, one): (_, &Value)| {
                    one["_version"].as_u64().map(|version| (id, version))
                });
                return Ok(known.collect());
            }
            if !tries.again().await {
                return Err(Failure::transient(format!(
                    "Elasticsearch at {} cannot read a part of the index",
                    self.server.url()
                )));
            }
        }
    }
}

/// Adds the remedy for exhausted patience: running the command again. The crawl has recorded which
/// pages are not indexed.
fn again_later(failure: Failure) -> Failure {
    match failure {
        Failure::Transient(why) => Failure::transient(format!(
            "{why}; run the same command again later, nothing is lost"
        ))
        .with_source(why),
        permanent => permanent,
    }
}
