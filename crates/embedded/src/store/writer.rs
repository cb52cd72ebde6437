//! The thread that writes the store's file.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use canter_core::failure::Failure;
use canter_core::time::Moment;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::failure::failure;
use super::schema;
use super::settling::settle;

/// Maximum number of jobs that share a transaction.
const BATCH: usize = 256;

type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), Failure>) + Send>;

/// A handle to the store. Clones share its thread, which ends with the last handle.
#[derive(Clone)]
pub struct Store {
    jobs: Sender<Job>,
}

impl Store {
    /// Opens or creates the file. Only one process may write it, so the caller must hold the
    /// folder's lock.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the file cannot be opened or the thread cannot be started.
    pub fn open(file: &Path) -> Result<Self, Failure> {
        let connection = connect(file).map_err(failure)?;
        let (jobs, queue) = channel();
        thread::Builder::new()
            .name("canter-store".into())
            .spawn(move || work(connection, &queue))
            .map_err(|error| Failure::permanent(format!("cannot start a thread: {error}")))?;
        Ok(Store { jobs })
    }

    /// Runs `job` in a transaction on the store's thread and resolves after its commit.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = job(connection).map_err(failure);
            Box::new(move |committed| {
                // The caller may be gone.
                let _ = sender.send(committed.and(result));
            })
        });
        // The driver bounds the number of jobs in the queue.
        self.jobs.send(job).map_err(|_| gone())?;
        receiver.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.set_prepared_statement_cache_capacity(64);
    schema::create(&connection)?;
    settle(&connection, now())?;
    Ok(connection)
}

fn now() -> Moment {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    Moment(0) + wall.unwrap_or_default()
}

fn work(mut connection: Connection, queue: &Receiver<Job>) {
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
            .map_err(failure);
        for answer in answers {
            answer(committed.clone());
        }
    }
}

fn gone() -> Failure {
    Failure::permanent("the crawl's state can no longer be written")
}
