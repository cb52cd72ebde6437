//! The index of all sites as one process changes it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{Generations, IndexReader, IndexWriter, Pointer, Refused};
use canter_core::task::UrlKey;
use futures_util::future::join_all;
use tokio::sync::Mutex;

use super::Room;
use super::builder::Builder;

type Builders<S> = HashMap<String, Arc<Builder<S>>>;

/// The index of all sites, each of which is built in a folder of its own. What is put and deleted is
/// durable, and can be found, when it is flushed: a flush stores a generation.
pub struct GenerationsIndex<S> {
    store: Arc<S>,
    room: Room,
    builders: RwLock<Builders<S>>,
    /// Held while a site is opened.
    opening: Mutex<()>,
}

impl<S: Generations> GenerationsIndex<S> {
    /// Returns the index; nothing is read yet.
    pub fn new(store: S, room: Room) -> Self {
        GenerationsIndex {
            store: Arc::new(store),
            room,
            builders: RwLock::default(),
            opening: Mutex::default(),
        }
    }

    /// Returns the builder of a site that is being changed, or makes one of the current generation.
    async fn builder(&self, site: &str) -> Result<Arc<Builder<S>>, Failure> {
        if let Some(known) = self.known(site) {
            return Ok(known);
        }
        let _opening = self.opening.lock().await;
        match self.known(site) {
            Some(known) => Ok(known),
            None => {
                let pointer = self.store.pointers().await?.remove(site);
                self.open(site, pointer).await
            }
        }
    }

    /// Returns a builder that holds the current generation of a site, and what was put since.
    async fn current(&self, site: &str) -> Result<Arc<Builder<S>>, Failure> {
        let _opening = self.opening.lock().await;
        let pointer = self.store.pointers().await?.remove(site);
        match self.known(site) {
            Some(known) if known.is_current(pointer.as_ref()).await => Ok(known),
            _ => self.open(site, pointer).await,
        }
    }

    /// Makes the builder of a site from the generation that its pointer names, in place of builders
    /// that have nothing to store.
    async fn open(&self, site: &str, pointer: Option<Pointer>) -> Result<Arc<Builder<S>>, Failure> {
        self.builders().remove(site);
        self.builders()
            .retain(|_, builder| Arc::strong_count(builder) > 1 || !builder.is_stored());
        let room = Room {
            dir: self
                .room
                .dir
                .join(UrlKey::hash(site.as_bytes()).to_string()),
            bytes: self.room.bytes,
        };
        // Room for this one is where others were.
        if self.builders().is_empty()
            && let Ok(others) = std::fs::read_dir(&self.room.dir)
        {
            let others = others.flatten().map(|it| it.path());
            others.filter(|other| *other != room.dir).for_each(|other| {
                // What stays takes room, which its writer will tell.
                let _ = std::fs::remove_dir_all(other);
            });
        }
        let builder = Builder::open(Arc::clone(&self.store), site, &room, pointer).await?;
        let builder = Arc::new(builder);
        self.builders()
            .insert(site.to_owned(), Arc::clone(&builder));
        Ok(builder)
    }

    fn known(&self, site: &str) -> Option<Arc<Builder<S>>> {
        let builders = self.builders.read().unwrap_or_else(PoisonError::into_inner);
        builders.get(site).cloned()
    }

    fn builders(&self) -> std::sync::RwLockWriteGuard<'_, Builders<S>> {
        self.builders
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a builder whose folder holds what cannot be stored.
    fn settled<T>(
        &self,
        builder: &Arc<Builder<S>>,
        done: Result<T, Failure>,
    ) -> Result<T, Failure> {
        if done.is_err() {
            self.builders()
                .retain(|_, known| !Arc::ptr_eq(known, builder));
        }
        done
    }
}

impl<S: Generations> IndexWriter for GenerationsIndex<S> {
    async fn has_room(&self) {
        let builders: Vec<_> = {
            let builders = self.builders.read().unwrap_or_else(PoisonError::into_inner);
            builders.values().cloned().collect()
        };
        join_all(builders.iter().map(|it| it.index.has_room())).await;
    }

    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        let mut of_sites: BTreeMap<String, Vec<Document>> = BTreeMap::new();
        for document in documents {
            let site = document.site.clone();
            of_sites.entry(site).or_default().push(document);
        }
        let puts = of_sites.into_iter().map(|(site, documents)| async move {
            let builder = self.builder(&site).await?;
            builder.changes();
            let put = match builder.index.put(documents).await {
                Ok(refused) => builder.store().await.map(|()| refused),
                Err(failure) => Err(failure),
            };
            self.settled(&builder, put)
        });
        let refused: Result<Vec<_>, Failure> = join_all(puts).await.into_iter().collect();
        Ok(refused?.concat())
    }

    async fn delete(&self, site: &str, ids: Vec<UrlKey>) -> Result<(), Failure> {
        let builder = self.builder(site).await?;
        builder.changes();
        let deleted = match builder.index.delete(site, ids).await {
            Ok(()) => builder.store().await,
            Err(failure) => Err(failure),
        };
        self.settled(&builder, deleted)
    }

    async fn flush(&self) -> Result<(), Failure> {
        // Those that are opened by writes before this call.
        let opening = self.opening.lock().await;
        let builders: Vec<_> = self.builders().values().cloned().collect();
        drop(opening);
        let flushes = builders.iter().map(|builder| async {
            let flushed = builder.flush().await;
            self.settled(builder, flushed)
        });
        join_all(flushes).await.into_iter().collect()
    }
}

impl<S: Generations> IndexReader for GenerationsIndex<S> {
    async fn get(&self, site: &str, id: UrlKey) -> Result<Option<Stored>, Failure> {
        self.current(site).await?.index.get(site, id).await
    }

    async fn count(&self, site: &str) -> Result<u64, Failure> {
        self.current(site).await?.index.count(site).await
    }

    async fn versions(&self, site: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
        self.current(site).await?.index.versions(site).await
    }

    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        self.current(site).await?.index.export(site, each).await
    }
}
