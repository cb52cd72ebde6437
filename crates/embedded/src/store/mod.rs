//! The crawl's state on disk: one SQLite file, written by one thread, read by any process.
//!
//! Jobs of many tasks that arrive together share one transaction; a job's answer comes after its
//! commit. In WAL mode a commit survives the process (kill -9) without a disk sync; after a power
//! cut the file is whole and at most the last moments are missing, which are then done again.
//! Why SQLite and not redb: `docs/adr/0002`.

mod account;
mod circles;
mod counts;
mod crawls;
mod findings;
mod forgetting;
mod frontier;
mod leftovers;
mod paces;
mod pages;
mod reading;
mod rest;
mod robots;
mod schema;

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use canter_core::failure::Failure;
use canter_core::time::Moment;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

pub use account::{Account, Found, KnownSite, Step};
pub use canter_core::outcomes::Counts;
pub use counts::Trouble;
pub use crawls::{Beginning, SiteStore};
pub use findings::{Finding, Findings};
pub use frontier::Popped;
pub use reading::{Reading, SiteReport, report};
pub use rest::Rest;

/// Jobs that share a transaction at the most.
const BATCH: usize = 256;

type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), Failure>) + Send>;

/// A handle on the store; clones share it. The thread ends with the last handle.
#[derive(Clone)]
pub struct Store {
    jobs: Sender<Job>,
}

impl Store {
    /// Opens or creates the file. Only one process may write it: the caller holds the folder's lock.
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
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = job(connection).map_err(failure);
            Box::new(move |committed| {
                // A caller that went away needs no answer.
                let _ = sender.send(committed.and(result));
            })
        });
        // The queue is as long as there are steps under way: the driver bounds them.
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
    paces::settle(&connection, now())?;
    rest::settle(&connection)?;
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

/// The sentence for a person.
fn failure(error: rusqlite::Error) -> Failure {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            "the disk is full: make room and run the same command again, nothing is lost".to_owned()
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            format!("the crawl's state cannot be written: {error}")
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => format!(
            "the crawl's state is damaged ({error}): move the data folder away and crawl again"
        ),
        _ => format!("the crawl's state failed: {error}"),
    };
    Failure::permanent(what).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_as_one() {
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "max_page_count", 1).unwrap();
        let full = failure(connection.execute_batch("CREATE TABLE t (x)").unwrap_err());
        assert!(full.to_string().starts_with("the disk is full"), "{full}");
        let source = std::error::Error::source(&full);
        assert!(source.is_some_and(|source| source.is::<rusqlite::Error>()));
    }
}
