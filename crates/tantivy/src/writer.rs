//! The writing thread, which gathers the writes of many callers into few commits.
//!
//! A commit costs tens of milliseconds regardless of its size, so callers wait together for the
//! next one. A failure before a commit is reported to every caller whose writes the commit would
//! have made durable.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use canter_core::document::Document;
use canter_core::failure::Failure;
use canter_core::task::UrlKey;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, UserOperation};
use tantivy::{IndexWriter, Searcher, TantivyError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::document::IndexedPage;
use crate::reader::Reader;
use crate::terms::TermReader;

/// Memory that Tantivy fills before it writes a segment, in bytes.
const ARENA: usize = 64 << 20;
/// Maximum memory of documents that wait to be indexed, in KiB.
const WAITING_KIB: u32 = 4 << 10;
/// Minimum time that a commit waits for further writes.
const GATHER: Duration = Duration::from_secs(1);
/// Wait of a commit as a multiple of the last commit's duration, so that committing stays a small
/// part of the work.
const SHARE: u32 = 10;
/// Maximum wait of a commit, so that a slow disk does not delay callers for minutes.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// Fraction of deleted pages at which a segment is merged.
const DELETED: f32 = 0.3;
/// Number of pages at which a segment is merged no more while its writer waits: a merge of the
/// largest ones takes some seconds.
const MERGED: usize = 20_000;

/// When writes are committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commits {
    /// Soon after they came, many at a time.
    InTime,
    /// When they are flushed. Then segments are merged too, so that a commit leaves few files.
    Flushed,
}

type Answer = oneshot::Sender<Result<(), Failure>>;

enum Command {
    Put(Vec<Document>, OwnedSemaphorePermit, Answer),
    Delete(Vec<UrlKey>, Answer),
    Flush(Answer),
}

/// A handle to the writing thread. Dropping it ends the thread.
pub(super) struct Writer {
    commands: Option<mpsc::Sender<Command>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Takes the folder's lock for writing and starts the thread.
    pub(super) fn start(reader: Arc<Reader>, commits: Commits) -> Result<Self, Failure> {
        let mut work = Work::new(reader, commits)?;
        let (commands, received) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("index".to_owned())
            .spawn(move || work.run(&received))
            .map_err(|error| Failure::transient(format!("cannot start a thread: {error}")))?;
        Ok(Writer {
            commands: Some(commands),
            room: Arc::new(Semaphore::new(WAITING_KIB as usize)),
            thread: Some(thread),
        })
    }

    /// Waits until a document would not have to wait for memory. An index that is closed tells so
    /// when it is asked.
    pub(super) async fn has_room(&self) {
        let _ = self.room.acquire().await;
    }

    pub(super) async fn put(&self, documents: Vec<Document>) -> Result<(), Failure> {
        let size = documents.iter().map(kib).fold(0, u32::saturating_add);
        self.ask(size, |room, answer| Command::Put(documents, room, answer))
            .await
    }

    pub(super) async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.ask(1, |_, answer| Command::Delete(ids, answer)).await
    }

    pub(super) async fn flush(&self) -> Result<(), Failure> {
        self.ask(1, |_, answer| Command::Flush(answer)).await
    }

    /// Sends a command and waits for its answer. Every command takes some memory, even a flush:
    /// memory is granted in the order of the calls, so a command that takes none would overtake the
    /// others.
    async fn ask(
        &self,
        kib: u32,
        command: impl FnOnce(OwnedSemaphorePermit, Answer) -> Command,
    ) -> Result<(), Failure> {
        let room = Arc::clone(&self.room);
        let room = room.acquire_many_owned(kib.clamp(1, WAITING_KIB)).await;
        let room = room.map_err(|_| ended())?;
        let (answer, answered) = oneshot::channel();
        let sent = self
            .commands
            .as_ref()
            .map(|commands| commands.send(command(room, answer)));
        match sent {
            Some(Ok(())) => answered.await.unwrap_or_else(|_| Err(ended())),
            _ => Err(ended()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // The thread catches panics; another one cannot be reported to any caller.
            let _ = thread.join();
        }
    }
}

/// Returns the approximate memory of a document until it is indexed, in KiB: its text and terms.
fn kib(document: &Document) -> u32 {
    u32::try_from(5 * document.page.text.len() / 1024 + 1).unwrap_or(u32::MAX)
}

fn ended() -> Failure {
    Failure::permanent("the index is closed")
}

/// The state of the thread.
struct Work {
    reader: Arc<Reader>,
    commits: Commits,
    terms: TermReader,
    /// Tantivy's writer; `None` after a failure, until the next write.
    tantivy: Option<IndexWriter<IndexedPage>>,
    /// The last commit.
    committed: Searcher,
    /// Versions written since the last commit; `None` for deleted pages.
    versions: HashMap<UrlKey, Option<u64>>,
    /// Callers that wait for the next commit.
    waiting: Vec<Answer>,
    /// Time at which the first of these callers came.
    since: Option<Instant>,
    /// Duration of the last commit.
    took: Duration,
}

impl Work {
    fn new(reader: Arc<Reader>, commits: Commits) -> Result<Self, Failure> {
        let tantivy = Some(open(&reader, commits).map_err(|error| reader.failure(&error))?);
        Ok(Work {
            committed: reader.searcher(),
            reader,
            commits,
            terms: TermReader::new(),
            tantivy,
            versions: HashMap::new(),
            waiting: Vec::new(),
            since: None,
            took: Duration::ZERO,
        })
    }

    fn run(&mut self, commands: &mpsc::Receiver<Command>) {
        loop {
            let received = match self.since {
                None => commands.recv().map_err(RecvTimeoutError::from),
                Some(since) => commands.recv_timeout(self.gather().saturating_sub(since.elapsed())),
            };
            match received {
                Ok(Command::Put(documents, room, answer)) => {
                    self.attempt(answer, |work| work.put(&documents, room));
                }
                Ok(Command::Delete(ids, answer)) => {
                    self.attempt(answer, |work| work.delete(&ids));
                }
                Ok(Command::Flush(answer)) => {
                    self.waiting.push(answer);
                    self.commit();
                }
                Err(RecvTimeoutError::Timeout) => self.commit(),
                Err(RecvTimeoutError::Disconnected) => return self.end(),
            }
            // If the channel is never empty, receiving never times out.
            if self
                .since
                .is_some_and(|since| since.elapsed() >= self.gather())
            {
                self.commit();
            }
        }
    }

    /// Commits and waits for merges. Publishing may have rewritten pages, and the replaced copies
    /// would take a third of the index and of each search until the next crawl.
    fn end(&mut self) {
        self.commit();
        // A failed merge leaves its segments as they are.
        let _ = self.merge();
    }

    /// Waits for merges, which closes Tantivy's writer until the next write.
    fn merge(&mut self) -> tantivy::Result<()> {
        match self.tantivy.take() {
            Some(tantivy) => tantivy.wait_merging_threads(),
            None => Ok(()),
        }
    }

    /// Returns the time that the next commit waits after the first write.
    fn gather(&self) -> Duration {
        match self.commits {
            Commits::InTime => (self.took * SHARE).clamp(GATHER, MAX_WAIT),
            Commits::Flushed => Duration::MAX,
        }
    }

    fn attempt(&mut self, answer: Answer, write: impl FnOnce(&mut Self) -> tantivy::Result<()>) {
        self.waiting.push(answer);
        self.since.get_or_insert_with(Instant::now);
        if let Err(failure) = self.guarded(write) {
            self.fail(&failure);
        }
    }

    fn commit(&mut self) {
        if self.since.take().is_some() {
            let started = Instant::now();
            let done = self.guarded(|work| {
                if let Some(tantivy) = work.tantivy.as_mut() {
                    tantivy.commit()?;
                }
                match work.commits {
                    Commits::InTime => Ok(()),
                    Commits::Flushed => work.merge(),
                }
            });
            self.took = started.elapsed();
            let shown = done.and_then(|()| self.reader.reload());
            if let Err(failure) = shown {
                return self.fail(&failure);
            }
            self.committed = self.reader.searcher();
            self.versions.clear();
        }
        for answer in self.waiting.drain(..) {
            // The caller may be gone.
            let _ = answer.send(Ok(()));
        }
    }

    /// Reports a failure to all waiting callers. Their writes are lost; the next write starts from
    /// the last commit.
    fn fail(&mut self, failure: &Failure) {
        self.tantivy = None;
        self.versions.clear();
        self.since = None;
        for answer in self.waiting.drain(..) {
            let _ = answer.send(Err(failure.clone()));
        }
    }

    /// Changes the index, and turns a panic into a failure.
    fn guarded(
        &mut self,
        act: impl FnOnce(&mut Self) -> tantivy::Result<()>,
    ) -> Result<(), Failure> {
        let done = catch_unwind(AssertUnwindSafe(|| {
            act(self).map_err(|error| self.cause().unwrap_or(error))
        }));
        match done {
            Ok(done) => done.map_err(|error| self.reader.failure(&error)),
            Err(panic) => {
                let what = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("no message");
                Err(Failure::transient(format!(
                    "writing the index in {} broke off: {what}",
                    self.reader.home
                )))
            }
        }
    }

    /// Returns the reason why Tantivy rejects writes, which only joining its threads reveals.
    fn cause(&mut self) -> Option<TantivyError> {
        self.tantivy.as_mut()?.prepare_commit().err()
    }

    fn tantivy(&mut self) -> tantivy::Result<&mut IndexWriter<IndexedPage>> {
        match &mut self.tantivy {
            Some(tantivy) => Ok(tantivy),
            none => Ok(none.insert(open(&self.reader, self.commits)?)),
        }
    }

    fn put(
        &mut self,
        documents: &[Document],
        mut room: OwnedSemaphorePermit,
    ) -> tantivy::Result<()> {
        let fields = self.reader.fields;
        let terms = self.terms.read(documents);
        for (document, terms) in documents.iter().zip(terms) {
            // The last ones take what is left, if the documents are larger than all of the memory.
            let share = room.split((kib(document) as usize).min(room.num_permits()));
            let id = document.id();
            let known = self.version(id)?;
            if known.is_some_and(|known| known > document.version) {
                continue;
            }
            let mut group = Vec::new();
            if known.is_some() {
                group.push(UserOperation::Delete(fields.id_term(id)));
            }
            let page = IndexedPage::new(&fields, document, terms, share);
            let page = page.map_err(|error| TantivyError::InternalError(error.to_string()))?;
            group.push(UserOperation::Add(page));
            self.tantivy()?.run(group)?;
            self.versions.insert(id, Some(document.version));
        }
        Ok(())
    }

    fn delete(&mut self, ids: &[UrlKey]) -> tantivy::Result<()> {
        for &id in ids {
            if self.version(id)?.is_some() {
                let term = self.reader.fields.id_term(id);
                self.tantivy()?.delete_term(term);
                self.versions.insert(id, None);
            }
        }
        Ok(())
    }

    fn version(&self, id: UrlKey) -> tantivy::Result<Option<u64>> {
        match self.versions.get(&id) {
            Some(known) => Ok(*known),
            None => self.reader.version(&self.committed, id),
        }
    }
}

fn open(reader: &Reader, commits: Commits) -> tantivy::Result<IndexWriter<IndexedPage>> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .memory_budget_per_thread(ARENA)
        .num_merge_threads(1)
        .build();
    let writer = reader.index.writer_with_options(options)?;
    let mut policy = LogMergePolicy::default();
    policy.set_del_docs_ratio_before_merge(DELETED);
    if commits == Commits::Flushed {
        policy.set_max_docs_before_merge(MERGED);
    }
    writer.set_merge_policy(Box::new(policy));
    // A writer that died leaves files that no commit names. Repeating its operations would create
    // files with the same names and fail.
    writer.garbage_collect_files().wait()?;
    Ok(writer)
}
