//! Searches the newest generations of all sites.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use canter_core::document::Stored;
use canter_core::failure::Failure;
use canter_core::ports::{Generations, IndexReader, Pointer};
use canter_core::task::UrlKey;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::plan::Plan;
use canter_ranking::search::{Answer, SearchIndex};
use canter_ranking::tokenizer::Language;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::Room;
use super::manifest::{Manifest, merged};
use super::mirror::Mirror;
use crate::reader::Reader;

/// The index of all sites, as its pointers say. Generations that cannot be opened leave those before
/// answering.
pub struct GenerationsReader<S> {
    store: Arc<S>,
    mirror: Mirror<S>,
    /// Time after which pointers are looked at again.
    look: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the pointers were looked at.
    looked: Option<Instant>,
    pointers: BTreeMap<String, Pointer>,
    /// Generations that are open, by name.
    manifests: HashMap<String, Arc<Manifest>>,
    reader: Option<Arc<Reader>>,
}

impl<S: Generations> GenerationsReader<S> {
    /// Returns the index; nothing is read yet. Looks for newer generations when a search comes `look`
    /// after the last look. Keeps files in a folder that is emptied here.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the folder cannot be made.
    pub fn new(store: S, room: &Room, look: Duration) -> Result<Self, Failure> {
        let store = Arc::new(store);
        Ok(GenerationsReader {
            mirror: Mirror::new(Arc::clone(&store), room)?,
            store,
            look,
            state: Mutex::default(),
        })
    }

    /// Opens the newest generations, so that the first search need not.
    ///
    /// # Errors
    ///
    /// Returns the failure of the store, or a transient failure if there is no index yet.
    pub async fn open(&self) -> Result<(), Failure> {
        self.newest(self.look).await.map(drop)
    }

    /// Returns a reader of the newest generations, as they were at most `age` ago.
    async fn newest(&self, age: Duration) -> Result<Arc<Reader>, Failure> {
        let mut state = self.state.lock().await;
        let is_fresh = state.looked.is_some_and(|looked| looked.elapsed() < age);
        if let Some(reader) = state.reader.as_ref().filter(|_| is_fresh) {
            return Ok(Arc::clone(reader));
        }
        let looked = self.look(&mut state).await;
        let Some(reader) = state.reader.clone() else {
            looked?;
            return Err(Failure::transient(
                "there is nothing in the index of this stack yet: crawl a site first, for example: \
                 canter crawl https://docs.example.org/ --aws STACK",
            ));
        };
        if let Err(failure) = looked {
            // An alarm counts these events by this name: see the metric filter of the template.
            tracing::error!(event = "index_failure", %failure, "an older index answers");
        }
        state.looked = Some(Instant::now());
        Ok(reader)
    }

    /// Opens the generations of the pointers, if they have moved.
    async fn look(&self, state: &mut State) -> Result<(), Failure> {
        let pointers = self.store.pointers().await?;
        if state.reader.is_some() && pointers == state.pointers {
            return Ok(());
        }
        let mut manifests = HashMap::new();
        let mut unreadable = None;
        for (site, pointer) in &pointers {
            let manifest = match state.manifests.get(&pointer.current) {
                Some(known) => Arc::clone(known),
                None => Arc::new(self.manifest(site, pointer).await?),
            };
            match manifest.is_readable() {
                true => drop(manifests.insert(pointer.current.clone(), manifest)),
                false => unreadable = Some(site),
            }
        }
        let current = pointers.iter().filter_map(|(site, pointer)| {
            let manifest = manifests.get(&pointer.current)?;
            Some((site.as_str(), &**manifest))
        });
        let current: Vec<_> = current.collect();
        let Some(meta) = merged(current.iter().map(|(_, manifest)| *manifest)) else {
            return unreadable.map_or(Ok(()), |site| Err(outdated(site)));
        };
        if let Some(site) = unreadable {
            let failure = outdated(site);
            tracing::error!(event = "index_failure", %failure, "a site is not searched");
        }
        let meta = serde_json::to_vec(&meta).map_err(Failure::permanent)?;
        let (directory, rest) = self.mirror.open(meta, &current).await?;
        let opened = spawn_blocking(move || {
            let reader = Reader::in_bucket(directory)?;
            let searched = reader.searched()?;
            Ok::<_, Failure>((reader, searched))
        });
        let (reader, searched) = opened.await.map_err(broke_off)??;
        rest.fetch(&searched);
        (state.pointers, state.manifests) = (pointers, manifests);
        state.reader = Some(Arc::new(reader));
        Ok(())
    }

    /// Returns what a site's current generation is made of, or the one before if that is not there.
    async fn manifest(&self, site: &str, pointer: &Pointer) -> Result<Manifest, Failure> {
        let current = Manifest::load(&*self.store, site, &pointer.current).await;
        let failure = match current {
            Ok(Some(manifest)) => return Ok(manifest),
            Ok(None) => missing(site),
            Err(failure @ Failure::Transient(_)) => return Err(failure),
            Err(failure) => failure,
        };
        let Some(previous) = &pointer.previous else {
            return Err(failure);
        };
        let previous = Manifest::load(&*self.store, site, previous).await?;
        let previous = previous.ok_or_else(|| failure.clone())?;
        tracing::error!(event = "index_failure", %failure, "the generation before it answers");
        Ok(previous)
    }

    /// Reads on a thread that may wait for files. What fails is read again in the generation that is
    /// newest then: the files of an older one are deleted some time after they were left out.
    async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&Reader) -> Result<T, Failure> + Clone + Send + 'static,
    ) -> Result<T, Failure> {
        let reader = self.newest(self.look).await?;
        match on_a_thread(&reader, read.clone()).await {
            Ok(done) => Ok(done),
            Err(failure) => {
                let newer = self.newest(Duration::ZERO).await?;
                if Arc::ptr_eq(&reader, &newer) {
                    return Err(failure);
                }
                on_a_thread(&newer, read).await
            }
        }
    }
}

async fn on_a_thread<T: Send + 'static>(
    reader: &Arc<Reader>,
    read: impl FnOnce(&Reader) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let reader = Arc::clone(reader);
    let done = spawn_blocking(move || read(&reader)).await;
    done.map_err(broke_off)?
}

fn broke_off(error: tokio::task::JoinError) -> Failure {
    Failure::transient(format!("reading the index broke off: {error}"))
}

fn missing(site: &str) -> Failure {
    Failure::permanent(format!(
        "the index of {site} is missing in the stack's bucket: `canter rollback {site} --aws STACK` \
         goes back to the one before, `canter reindex {site} --aws STACK` makes it anew"
    ))
}

fn outdated(site: &str) -> Failure {
    Failure::permanent(format!(
        "the index of {site} was made by another version of canter: run `canter reindex {site} \
         --aws STACK`"
    ))
}

impl<S: Generations> SearchIndex for GenerationsReader<S> {
    async fn languages(&self) -> Result<Vec<Language>, Failure> {
        self.read(Reader::languages).await
    }

    async fn run(&self, plan: &Plan) -> Result<Answer, Failure> {
        let plan = plan.clone();
        self.read(move |reader| reader.run(&plan)).await
    }

    async fn names(&self, prefix: Prefix) -> Result<Vec<Named>, Failure> {
        self.read(move |reader| reader.names(&prefix)).await
    }

    async fn words(&self, prefix: String) -> Result<Vec<(String, u64)>, Failure> {
        self.read(move |reader| reader.words(&prefix)).await
    }
}

impl<S: Generations> IndexReader for GenerationsReader<S> {
    async fn get(&self, _: &str, id: UrlKey) -> Result<Option<Stored>, Failure> {
        self.read(move |reader| reader.get(id)).await
    }

    async fn count(&self, site: &str) -> Result<u64, Failure> {
        let site = site.to_owned();
        self.read(move |reader| reader.count(&site)).await
    }

    async fn versions(&self, site: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
        let site = site.to_owned();
        self.read(move |reader| reader.versions(&site)).await
    }

    /// Reads all documents before the first is given on.
    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        let site = site.to_owned();
        let documents = self.read(move |reader| {
            let mut documents = Vec::new();
            let keep = |document| {
                documents.push(document);
                Ok(())
            };
            reader.export(&site, keep).map(|()| documents)
        });
        documents.await?.into_iter().try_for_each(each)
    }
}
