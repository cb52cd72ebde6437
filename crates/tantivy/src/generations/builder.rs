//! The index of one site while it is changed: a folder of this machine, made of the site's current
//! generation, from which the next one is stored.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use canter_core::failure::Failure;
use canter_core::ports::{Generations, IndexWriter, Pointer};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::Room;
use super::directory::META;
use super::garbage;
use super::manifest::{Manifest, files_of, new_files, new_name};
use crate::TantivyIndex;

/// Number of files that are fetched or stored at the same time.
const ABREAST: usize = 8;
/// How many times the size of an index its folder takes while segments are merged.
const MERGING: u64 = 2;
/// What the name of a file ends with until all of it is here.
const HALF: &str = "half";

/// An index that is built.
pub(crate) struct Builder<S> {
    store: Arc<S>,
    site: String,
    dir: PathBuf,
    pub(crate) index: TantivyIndex,
    base: Mutex<Base>,
    /// Whether something was put or deleted that no generation has.
    changed: AtomicBool,
}

/// The generation that the folder was made of, or that was stored last.
struct Base {
    pointer: Option<Pointer>,
    manifest: Option<Manifest>,
    /// Why no further generation can be stored from this folder.
    overtaken: Option<Failure>,
}

impl<S: Generations> Builder<S> {
    /// Makes the index of a site in a folder. What is there already is not fetched again.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the index is too large for the room, or else the failure of
    /// the store or of this machine's disk.
    pub(crate) async fn open(
        store: Arc<S>,
        site: &str,
        room: &Room,
        pointer: Option<Pointer>,
    ) -> Result<Self, Failure> {
        let manifest = match &pointer {
            Some(pointer) => Manifest::load(&*store, site, &pointer.current).await?,
            None => None,
        };
        // One that cannot be read is made anew, like one that is lost: its pages are written again,
        // since nothing seems to be there.
        let manifest = manifest.filter(Manifest::is_readable);
        if let Some(manifest) = &manifest {
            fits(site, manifest, room)?;
        }
        fetch(&*store, site, &room.dir, manifest.as_ref()).await?;
        let dir = room.dir.clone();
        let opened = spawn_blocking(move || TantivyIndex::open_flushed(&dir)).await;
        Ok(Builder {
            index: opened.map_err(broke_off)??,
            store,
            site: site.to_owned(),
            dir: room.dir.clone(),
            base: Mutex::new(Base {
                pointer,
                manifest,
                overtaken: None,
            }),
            changed: AtomicBool::new(false),
        })
    }

    /// Notes that the index is about to be changed.
    pub(crate) fn changes(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Returns whether everything that was put is in a generation.
    pub(crate) fn is_stored(&self) -> bool {
        !self.changed.load(Ordering::Relaxed)
    }

    /// Returns whether the folder still begins with the generation that is the current one.
    pub(crate) async fn is_current(&self, pointer: Option<&Pointer>) -> bool {
        let base = self.base.lock().await;
        base.pointer.as_ref() == pointer && base.overtaken.is_none()
    }

    /// Commits what was written and stores it as the site's current generation.
    ///
    /// # Errors
    ///
    /// Returns a transient failure if another process has stored one meanwhile: what was written
    /// since the last one is lost, and has to be written again.
    pub(crate) async fn flush(&self) -> Result<(), Failure> {
        self.index.flush().await?;
        self.store().await
    }

    /// Stores the last commit as the site's current generation, if it is not that yet.
    pub(crate) async fn store(&self) -> Result<(), Failure> {
        let mut base = self.base.lock().await;
        if let Some(failure) = &base.overtaken {
            return Err(failure.clone());
        }
        let (manifest, files) = self.manifest(base.manifest.as_ref()).await?;
        let known = base.manifest.as_ref().and_then(Manifest::commit);
        if known == manifest.commit() {
            self.changed.store(false, Ordering::Relaxed);
            return Ok(());
        }
        self.upload(files).await?;
        let name = new_name();
        let text = serde_json::to_vec(&manifest).map_err(Failure::permanent)?;
        self.store.write(&self.site, &name, text).await?;
        let next = Pointer {
            current: name,
            previous: base.pointer.as_ref().map(|before| before.current.clone()),
        };
        let (site, before) = (&self.site, base.pointer.as_ref());
        if !self.store.point(site, before, &next).await? {
            let failure = Failure::transient(format!(
                "another process has published {site} at the same time: this one begins again"
            ));
            base.overtaken = Some(failure.clone());
            return Err(failure);
        }
        let before = base.manifest.replace(manifest);
        base.pointer = Some(next);
        self.changed.store(false, Ordering::Relaxed);
        let now = base.manifest.as_ref().zip(base.pointer.as_ref());
        if let Some((manifest, pointer)) = now {
            let cleared = garbage::clear(&*self.store, site, pointer, manifest, before.as_ref());
            if let Err(failure) = cleared.await {
                // The next generation's clearing finds the same files.
                tracing::warn!(site, %failure, "files of former generations are not deleted");
            }
        }
        Ok(())
    }

    /// Returns what a generation of the last commit is made of, and which of its files are new.
    async fn manifest(
        &self,
        before: Option<&Manifest>,
    ) -> Result<(Manifest, Vec<String>), Failure> {
        let (index, dir) = (self.index.description(), self.dir.clone());
        let read = spawn_blocking(move || {
            let meta = index.load_metas().map_err(io::Error::other)?;
            let files = files_of(&dir, &meta)?;
            let meta = serde_json::to_value(&meta).map_err(io::Error::other)?;
            Ok((meta, files))
        });
        let (meta, files) = read.await.map_err(broke_off)?.map_err(|error: io::Error| {
            let unread = format!("the new index of {} cannot be read: {error}", self.site);
            Failure::transient(unread).with_source(error)
        })?;
        let new = new_files(before, &files).into_iter().collect();
        Ok((Manifest::after(before, meta, files), new))
    }

    async fn upload(&self, files: Vec<String>) -> Result<(), Failure> {
        let uploads = files.into_iter().map(|name| async move {
            let file = self.dir.join(&name);
            self.store.upload(&self.site, &name, &file).await
        });
        stream::iter(uploads.collect::<Vec<_>>())
            .buffer_unordered(ABREAST)
            .try_collect()
            .await
    }
}

fn fits(site: &str, manifest: &Manifest, room: &Room) -> Result<(), Failure> {
    let needed = MERGING * manifest.bytes();
    if needed <= room.bytes {
        return Ok(());
    }
    let mb = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(Failure::permanent(format!(
        "the index of {site} needs {} MB of the function's storage to be changed, and it has {}: \
         deploy with a larger IndexStorage; searches go on with what was published last",
        mb(needed),
        mb(room.bytes)
    )))
}

/// Makes a folder hold the files of a generation and nothing else.
async fn fetch<S: Generations>(
    store: &S,
    site: &str,
    dir: &Path,
    manifest: Option<&Manifest>,
) -> Result<(), Failure> {
    let cannot = |error: io::Error| {
        let unwritten = format!("{} cannot be written: {error}", dir.display());
        Failure::transient(unwritten).with_source(error)
    };
    fs::create_dir_all(dir).map_err(cannot)?;
    let none = std::collections::BTreeMap::new();
    let files = manifest.map_or(&none, |manifest| &manifest.files);
    for entry in fs::read_dir(dir).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let length = entry.metadata().map_err(cannot)?.len();
        if files.get(&*entry.file_name().to_string_lossy()) != Some(&length) {
            fs::remove_file(entry.path()).map_err(cannot)?;
        }
    }
    let missing = files.iter().filter(|(name, _)| !dir.join(name).exists());
    let fetches = missing.map(|(name, length)| async move {
        let content = store.read_whole(site, name).await?;
        let whole = content.filter(|content| content.len() as u64 == *length);
        let content = whole.ok_or_else(|| {
            Failure::permanent(format!(
                "{name} of the index of {site} is damaged in the stack's bucket: `canter rollback` \
                 goes back to the index before"
            ))
        })?;
        let half = dir.join(name).with_extension(HALF);
        fs::write(&half, content).map_err(cannot)?;
        fs::rename(half, dir.join(name)).map_err(cannot)
    });
    let fetches: Vec<_> = fetches.collect();
    stream::iter(fetches)
        .buffer_unordered(ABREAST)
        .try_collect::<()>()
        .await?;
    if let Some(manifest) = manifest {
        let names: Vec<&String> = files.keys().collect();
        let managed = serde_json::to_vec(&names).map_err(Failure::permanent)?;
        fs::write(dir.join(".managed.json"), managed).map_err(cannot)?;
        let meta = serde_json::to_vec(&manifest.meta).map_err(Failure::permanent)?;
        fs::write(dir.join(META), meta).map_err(cannot)?;
    }
    Ok(())
}

fn broke_off(error: tokio::task::JoinError) -> Failure {
    Failure::transient(format!("building the index broke off: {error}"))
}
