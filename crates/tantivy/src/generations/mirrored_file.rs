//! A file of a generation on this machine, as far as it was read.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::Generations;
use tantivy::HasLen;
use tantivy::directory::{FileHandle, OwnedBytes};
use tokio::runtime::Handle;

/// Size of a part, in bytes. A request for less takes about as long.
const PART: u64 = 64 << 10;
/// Maximum number of parts of one request. More requests at once are faster than larger ones.
pub(crate) const RUN: usize = 32;
/// Maximum wait for a part that is on its way.
const PATIENCE: Duration = Duration::from_secs(20);

/// Returns the number of parts that hold so many bytes.
pub(crate) fn parts_of(bytes: u64) -> usize {
    bytes.div_ceil(PART) as usize
}

/// Whether a part is on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Absent,
    Coming,
    Here,
}

/// The parts of a file, and why the last one did not come.
#[derive(Debug)]
struct Parts {
    parts: Vec<Part>,
    failure: Option<Failure>,
}

/// A file of a generation.
pub(crate) struct MirroredFile<S> {
    store: Arc<S>,
    runtime: Handle,
    site: String,
    name: String,
    length: u64,
    local: File,
    path: PathBuf,
    /// Bytes that all files may still take on this machine.
    room: Arc<AtomicU64>,
    parts: Mutex<Parts>,
    came: Condvar,
}

impl<S: Generations> MirroredFile<S> {
    /// Creates an empty file at `path`, of which nothing is read yet. `room` is the number of bytes
    /// that all files together may still take.
    pub(crate) fn create(
        (store, runtime): (Arc<S>, Handle),
        (site, name, length): (&str, &str, u64),
        path: PathBuf,
        room: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        let local = options.open(&path)?;
        local.set_len(length)?;
        let parts = vec![Part::Absent; parts_of(length)];
        Ok(MirroredFile {
            store,
            runtime,
            site: site.to_owned(),
            name: name.to_owned(),
            length,
            local,
            path,
            room,
            parts: Mutex::new(Parts {
                parts,
                failure: None,
            }),
            came: Condvar::new(),
        })
    }

    /// Returns the number of parts.
    pub(crate) fn parts(&self) -> usize {
        self.lock().parts.len()
    }

    /// Fetches parts that are neither here nor on their way, if there is room for them.
    ///
    /// # Errors
    ///
    /// Returns the failure of the store, or a transient failure if the file is gone.
    pub(crate) async fn fetch(self: &Arc<Self>, wanted: Range<usize>) -> Result<(), Failure> {
        let runs = self.take(&mut self.lock(), wanted);
        for run in runs {
            // A task of its own goes on when nobody waits for it any more.
            let file = Arc::clone(self);
            let fetched = self.runtime.spawn(async move { file.fetch_run(run).await });
            let broke_off =
                |error| Failure::transient(format!("reading the index broke off: {error}"));
            fetched.await.map_err(broke_off)??;
        }
        Ok(())
    }

    /// Marks parts as coming, and returns them in runs for which there is room.
    fn take(&self, all: &mut Parts, wanted: Range<usize>) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for number in wanted {
            if all.parts[number] != Part::Absent || !self.occupy(number) {
                continue;
            }
            all.parts[number] = Part::Coming;
            match runs.last_mut() {
                Some(run) if run.end == number && run.len() < RUN => run.end += 1,
                _ => runs.push(number..number + 1),
            }
        }
        runs
    }

    async fn fetch_run(self: &Arc<Self>, run: Range<usize>) -> Result<(), Failure> {
        let bytes = self.bytes(&run);
        let fetched = self.store.read(&self.site, &self.name, bytes.clone()).await;
        let fetched = fetched.and_then(|content| content.ok_or_else(|| self.gone()));
        let stored = match fetched {
            Ok(content) => {
                let file = Arc::clone(self);
                let write = move || file.local.write_all_at(&content, bytes.start);
                let written = self.runtime.spawn_blocking(write).await;
                let written = written.map_err(io::Error::other).flatten();
                written.map_err(|error| {
                    let unwritten = format!("{} cannot be written: {error}", self.path.display());
                    Failure::transient(unwritten).with_source(error)
                })
            }
            Err(failure) => Err(failure),
        };
        let state = match stored {
            Ok(()) => Part::Here,
            Err(_) => Part::Absent,
        };
        let mut all = self.lock();
        for number in run {
            all.parts[number] = state;
            if state == Part::Absent {
                self.room
                    .fetch_add(self.length_of(number), Ordering::Relaxed);
            }
        }
        all.failure = stored.clone().err();
        drop(all);
        self.came.notify_all();
        stored
    }

    /// Waits until parts are here. Returns whether they are; they are not if there is no room.
    /// Blocks the thread.
    fn wait(self: &Arc<Self>, wanted: &Range<usize>) -> Result<bool, Failure> {
        let mut all = self.lock();
        all.failure = None;
        loop {
            let is = |all: &Parts, part| all.parts[wanted.clone()].contains(&part);
            if !is(&all, Part::Absent) && !is(&all, Part::Coming) {
                return Ok(true);
            }
            if let Some(failure) = all.failure.take() {
                return Err(failure);
            }
            for run in self.take(&mut all, wanted.clone()) {
                let file = Arc::clone(self);
                self.runtime.spawn(async move { file.fetch_run(run).await });
            }
            if !is(&all, Part::Coming) {
                return Ok(false);
            }
            let waited = self.came.wait_timeout(all, PATIENCE);
            let (now, late) = waited.unwrap_or_else(PoisonError::into_inner);
            if late.timed_out() {
                return Err(Failure::transient(format!(
                    "a part of {} did not come within {} s",
                    self.name,
                    PATIENCE.as_secs()
                )));
            }
            all = now;
        }
    }

    fn gone(&self) -> Failure {
        Failure::transient(format!(
            "{} of the index of {} is not in the bucket any more",
            self.name, self.site
        ))
    }

    /// Takes the room of a part.
    fn occupy(&self, number: usize) -> bool {
        let bytes = self.length_of(number);
        let taken = |room: u64| room.checked_sub(bytes);
        let order = Ordering::Relaxed;
        self.room.fetch_update(order, order, taken).is_ok()
    }

    fn length_of(&self, number: usize) -> u64 {
        let bytes = self.bytes(&(number..number + 1));
        bytes.end - bytes.start
    }

    /// Returns the bytes of parts.
    fn bytes(&self, parts: &Range<usize>) -> Range<u64> {
        let at = |number: usize| (number as u64 * PART).min(self.length);
        at(parts.start)..at(parts.end)
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle that Tantivy reads by. Its reads block the thread, which must not be one that drives the
/// runtime.
pub(crate) struct Handled<S>(pub(crate) Arc<MirroredFile<S>>);

impl<S: Generations> FileHandle for Handled<S> {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        let file = &self.0;
        let bytes = range.start as u64..range.end as u64;
        let parts = (bytes.start / PART) as usize..parts_of(bytes.end);
        if range.is_empty() {
            return Ok(OwnedBytes::empty());
        }
        let content = match file.wait(&parts).map_err(io::Error::other)? {
            true => {
                let mut content = vec![0; range.len()];
                file.local.read_exact_at(&mut content, bytes.start)?;
                content
            }
            // The index is larger than the room for it: it is slow then, and right.
            false => {
                let read = file.store.read(&file.site, &file.name, bytes);
                let read = file.runtime.block_on(read).map_err(io::Error::other)?;
                read.ok_or_else(|| io::Error::other(file.gone()))?
            }
        };
        Ok(OwnedBytes::new(content))
    }
}

impl<S> HasLen for Handled<S> {
    fn len(&self) -> usize {
        self.0.length as usize
    }
}

impl<S> fmt::Debug for Handled<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.name)
    }
}

impl<S> Drop for MirroredFile<S> {
    fn drop(&mut self) {
        let all = self.parts.get_mut().unwrap_or_else(PoisonError::into_inner);
        let parts = (0..).zip(&all.parts);
        let here = parts.filter(|(_, part)| **part == Part::Here);
        let bytes = here.map(|(number, _): (u64, _)| PART.min(self.length - number * PART));
        self.room.fetch_add(bytes.sum(), Ordering::Relaxed);
        // What stays is overwritten by the next process.
        let _ = std::fs::remove_file(&self.path);
    }
}
