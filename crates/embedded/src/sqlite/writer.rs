//! The thread that writes a file. Jobs that arrive together share one transaction.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use canter_core::failure::Failure;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::failure::Database;

/// Maximum number of jobs that share a transaction.
const BATCH: usize = 256;

type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), Failure>) + Send>;

/// A handle to the thread. Clones share the thread, and dropping the last one waits until the file
/// is closed.
#[derive(Clone)]
pub(crate) struct Writer {
    database: &'static Database,
    thread: Arc<Running>,
}

struct Running {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the thread cannot be started.
    pub(crate) fn start(
        connection: Connection,
        database: &'static Database,
    ) -> Result<Self, Failure> {
        let (jobs, queue) = channel();
        let thread = thread::Builder::new()
            .name("canter-store".into())
            .spawn(move || work(connection, database, &queue))
            .map_err(|error| Failure::permanent(format!("cannot start a thread: {error}")))?;
        let thread = Arc::new(Running {
            jobs: Some(jobs),
            thread: Some(thread),
        });
        Ok(Writer { database, thread })
    }

    /// Runs `job` in a transaction on the thread and resolves after its commit.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the job or its commit fails.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let database = self.database;
        let gone = || Failure::permanent(format!("{} can no longer be written", database.name));
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = job(connection).map_err(|error| database.failure(error));
            Box::new(move |committed| {
                // The caller may be gone.
                let _ = sender.send(committed.and(result));
            })
        });
        // The driver bounds the number of jobs in the queue.
        let jobs = self.thread.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(job).map_err(|_| gone())?;
        receiver.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take().filter(|it| !is_current(it)) {
            // A panic of a job has been told to its caller.
            let _ = thread.join();
        }
    }
}

/// Returns whether a thread is the caller's own: a job may hold the last handle.
fn is_current(thread: &JoinHandle<()>) -> bool {
    thread.thread().id() == thread::current().id()
}

fn work(mut connection: Connection, database: &Database, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut answers = Vec::new();
        let committed = connection
            .transaction()
            .and_then(|transaction| {
                let mut job = Some(first);
                while let Some(next) = job {
                    answers.push(next(&transaction));
                    job = (answers.len() < BATCH)
                        .then(|| queue.try_recv().ok())
                        .flatten();
                }
                transaction.commit()
            })
            .map_err(|error| database.failure(error));
        for answer in answers {
            answer(committed.clone());
        }
    }
}
