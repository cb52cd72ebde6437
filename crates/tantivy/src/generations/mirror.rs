//! The files of generations on this machine: fetched when they are read, and all of them meanwhile.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use canter_core::failure::Failure;
use canter_core::ports::Generations;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tantivy::directory::FileHandle;
use tokio::runtime::Handle;

use super::Room;
use super::directory::ReadOnlyDirectory;
use super::manifest::Manifest;
use super::mirrored_file::{Handled, MirroredFile, RUN, parts_of};

/// Size of an index that is fetched whole before it answers, in bytes: a search of it would wait
/// longer for its many parts.
const SMALL: u64 = 32 << 20;
/// Number of requests at the same time.
const ABREAST: usize = 12;
/// Endings of the files that every search reads, and then of those that it reads a little of, in the
/// order in which they are fetched.
const FIRST: [&str; 5] = [".fast", ".fieldnorm", ".idx", ".term", ".pos"];
/// How many of [`FIRST`] are fetched before the first search.
const ALWAYS: usize = 2;

type Files<S> = HashMap<(String, String), Weak<MirroredFile<S>>>;

/// The files of all generations that are read.
pub(crate) struct Mirror<S> {
    store: Arc<S>,
    dir: PathBuf,
    room: Arc<AtomicU64>,
    /// Number of the next file on this machine.
    next: AtomicUsize,
    files: Mutex<Files<S>>,
}

impl<S: Generations> Mirror<S> {
    pub(crate) fn new(store: Arc<S>, room: &Room) -> Result<Self, Failure> {
        // What a process left that died.
        let _ = std::fs::remove_dir_all(&room.dir);
        std::fs::create_dir_all(&room.dir).map_err(|error| {
            let dir = room.dir.display();
            Failure::permanent(format!("cannot make the folder {dir}: {error}"))
        })?;
        Ok(Mirror {
            store,
            dir: room.dir.clone(),
            room: Arc::new(AtomicU64::new(room.bytes)),
            next: AtomicUsize::new(0),
            files: Mutex::default(),
        })
    }

    /// Opens the files of generations, each of a site. Fetches what every search reads, or all of
    /// it if it is small.
    ///
    /// # Errors
    ///
    /// Returns the failure of the store or of this machine's disk.
    pub(crate) async fn open(
        &self,
        meta: Vec<u8>,
        generations: &[(&str, &Manifest)],
    ) -> Result<(ReadOnlyDirectory, Rest<S>), Failure> {
        let runtime = Handle::current();
        let mut opened = Vec::new();
        for (site, manifest) in generations {
            for (name, length) in &manifest.files {
                let file = self.file(&runtime, (site, name, *length))?;
                opened.push((rank(name), name, file));
            }
        }
        opened.sort_by_key(|(rank, ..)| *rank);
        let bytes: u64 = generations.iter().map(|(_, it)| it.bytes()).sum();
        let first = opened
            .iter()
            .take_while(|(rank, ..)| bytes <= SMALL || *rank < ALWAYS);
        let first = first.count();
        let always = opened[..first].iter();
        let always = always.flat_map(|(_, _, file)| runs(file, 0..file.parts()));
        // Where the files end, it says what is in them.
        let ends = opened[first..].iter();
        let ends = ends.flat_map(|(_, _, file)| {
            let parts = file.parts();
            runs(file, parts.saturating_sub(1)..parts)
        });
        fill(ends.chain(always).collect()).await?;
        let rest = opened[first..].iter();
        let rest = rest.map(|(_, name, file)| ((*name).clone(), Arc::downgrade(file)));
        let coming = Arc::new(AtomicBool::new(opened.len() > first));
        let rest = Rest {
            runtime,
            files: rest.collect(),
            coming: Arc::clone(&coming),
        };
        let handle = |(_, name, file): (usize, &String, Arc<MirroredFile<S>>)| {
            let handle: Arc<dyn FileHandle> = Arc::new(Handled(file));
            (PathBuf::from(name), handle)
        };
        let directory = ReadOnlyDirectory {
            meta: Arc::new(meta),
            files: Arc::new(opened.into_iter().map(handle).collect()),
            coming,
        };
        Ok((directory, rest))
    }

    /// Returns a file, which is the same for all generations that have it.
    fn file(
        &self,
        runtime: &Handle,
        (site, name, length): (&str, &str, u64),
    ) -> Result<Arc<MirroredFile<S>>, Failure> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|_, file| file.strong_count() > 0);
        let key = (site.to_owned(), name.to_owned());
        if let Some(known) = files.get(&key).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(number.to_string());
        let store = (Arc::clone(&self.store), runtime.clone());
        let room = Arc::clone(&self.room);
        let file = MirroredFile::create(store, (site, name, length), path, room);
        let file = Arc::new(file.map_err(|error| {
            let dir = self.dir.display();
            Failure::transient(format!("no file can be made in {dir}: {error}")).with_source(error)
        })?);
        files.insert(key, Arc::downgrade(&file));
        Ok(file)
    }
}

/// Files of which not all is here.
pub(crate) struct Rest<S> {
    runtime: Handle,
    /// In the order in which they are fetched.
    files: Vec<(String, Weak<MirroredFile<S>>)>,
    /// Whether what searches read is still coming.
    coming: Arc<AtomicBool>,
}

impl<S: Generations> Rest<S> {
    /// Fetches the files while searches go on. `searched` is the number of bytes that searches read
    /// of a file, from its start, if that is not all of it.
    pub(crate) fn fetch(self, searched: &HashMap<String, u64>) {
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for (name, file) in &self.files {
            let Some(file) = file.upgrade() else { continue };
            let parts = file.parts();
            let read = searched.get(name).map_or(parts, |bytes| parts_of(*bytes));
            first.extend(runs(&file, 0..read.min(parts)));
            last.extend(runs(&file, read.min(parts)..parts));
        }
        self.runtime.spawn(async move {
            // Whoever needs what is missing is told why it does not come. Where there is no room,
            // nothing more will.
            let _ = fill(first).await;
            self.coming.store(false, Ordering::Relaxed);
            let _ = fill(last).await;
        });
    }
}

/// Returns a file's place in the order in which files are fetched.
fn rank(name: &str) -> usize {
    let rank = FIRST.iter().position(|ending| name.ends_with(ending));
    // Lists of deleted pages are small, and no page is shown without them.
    rank.unwrap_or(if name.ends_with(".del") {
        0
    } else {
        FIRST.len()
    })
}

/// Parts of a file, which somebody may still read.
type Run<S> = (Weak<MirroredFile<S>>, Range<usize>);

/// Returns parts of a file in runs of one request each.
fn runs<S>(file: &Arc<MirroredFile<S>>, parts: Range<usize>) -> Vec<Run<S>> {
    let starts = parts.clone().step_by(RUN);
    let run = |start: usize| (Arc::downgrade(file), start..(start + RUN).min(parts.end));
    starts.map(run).collect()
}

/// Fetches what is not here yet, as far as there is room for it.
async fn fill<S: Generations>(runs: Vec<Run<S>>) -> Result<(), Failure> {
    let fetches = runs.into_iter().map(|(file, parts)| async move {
        match file.upgrade() {
            Some(file) => file.fetch(parts).await,
            None => Ok(()),
        }
    });
    stream::iter(fetches)
        .buffer_unordered(ABREAST)
        .try_collect()
        .await
}
