//! A table and a bucket of a test's own in the servers of the running stack; they go with the test.

use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use canter_aws::{Cloud, CloudGenerations, Endpoints, Names, create_bucket, delete_bucket, tables};
use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_core::ports::{Generations, IndexReader, IndexWriter, Refused};
use canter_core::task::UrlKey;
use canter_core::time::Moment;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::plan::Plan;
use canter_ranking::search::{Answer, SearchIndex};
use canter_ranking::tokenizer::Language;
use canter_tantivy::{GenerationsIndex, GenerationsReader, Room};
use canter_tests::stack::Stack;
use tempfile::TempDir;
use tokio::runtime::Runtime;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// More than any of these tests needs.
pub(crate) const PLENTY: u64 = 1 << 30;

/// A stack's table of states and its bucket.
pub(crate) struct Place {
    pub(crate) cloud: Cloud,
    names: Names,
}

impl Place {
    pub(crate) async fn create() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let now = UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let name = |kind| format!("{kind}-{}-{number}-{now:x}", process::id());
        let names = Names {
            pages: name("pages"),
            state: name("state"),
            bucket: name("index"),
            queue: String::new(),
            errands: String::new(),
            dead_letters: String::new(),
        };
        let cloud = Cloud::connect_local(names.clone(), endpoints()).await;
        tables::create(&cloud).await.unwrap();
        create_bucket(&cloud).await.unwrap();
        Place { cloud, names }
    }

    pub(crate) fn generations(&self) -> CloudGenerations {
        self.generations_at(Duration::ZERO)
    }

    /// The same by a clock that is ahead, so that files are old.
    pub(crate) fn generations_at(&self, ahead: Duration) -> CloudGenerations {
        let clock = move || Moment(u64::try_from(now().as_nanos()).unwrap()) + ahead;
        CloudGenerations::new(self.cloud.clone(), Arc::new(clock))
    }

    /// An index as one process has it.
    pub(crate) fn index(&self) -> Whole<CloudGenerations> {
        Whole::over(self.generations(), self.generations(), PLENTY)
    }

    /// Number of requests for an operation of S3 so far.
    pub(crate) fn requests(&self, operation: &str) -> u64 {
        let lines = self.cloud.meter.lines();
        let line = lines.get(&("S3".to_owned(), operation.to_owned()));
        line.map_or(0, |line| line.sent as u64)
    }
}

fn now() -> Duration {
    UNIX_EPOCH.elapsed().unwrap()
}

fn endpoints() -> Endpoints {
    let stack = Stack::find();
    Endpoints {
        dynamodb: stack.dynamodb_endpoint.to_string(),
        s3: stack.aws_endpoint.to_string(),
        sqs: stack.aws_endpoint.to_string(),
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let names = self.names.clone();
        let gone = std::thread::spawn(move || {
            Runtime::new().unwrap().block_on(async {
                let cloud = Cloud::connect_local(names, endpoints()).await;
                delete_bucket(&cloud).await.unwrap();
                tables::delete(&cloud).await.unwrap();
            });
        });
        gone.join().unwrap();
    }
}

pub(crate) fn room(dir: &Path, bytes: u64) -> Room {
    Room {
        dir: dir.to_owned(),
        bytes,
    }
}

/// The index that is written, and beside it the one that is searched, always at the newest
/// generation.
pub(crate) struct Whole<S> {
    pub(crate) written: GenerationsIndex<S>,
    pub(crate) searched: GenerationsReader<S>,
    _folders: (TempDir, TempDir),
}

impl<S: Generations> Whole<S> {
    pub(crate) fn over(written: S, searched: S, bytes: u64) -> Self {
        let folders = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let searching = room(folders.1.path(), bytes);
        Whole {
            written: GenerationsIndex::new(written, room(folders.0.path(), bytes)),
            searched: GenerationsReader::new(searched, &searching, Duration::ZERO).unwrap(),
            _folders: folders,
        }
    }
}

impl<S: Generations> IndexWriter for Whole<S> {
    async fn has_room(&self) {
        self.written.has_room().await;
    }

    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        self.written.put(documents).await
    }

    async fn delete(&self, site: &str, ids: Vec<UrlKey>) -> Result<(), Failure> {
        self.written.delete(site, ids).await
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.written.flush().await
    }
}

impl<S: Generations> IndexReader for Whole<S> {
    async fn get(&self, site: &str, id: UrlKey) -> Result<Option<Stored>, Failure> {
        let searched = self.searched.get(site, id).await?;
        assert_eq!(self.written.get(site, id).await?, searched);
        Ok(searched)
    }

    async fn count(&self, site: &str) -> Result<u64, Failure> {
        let searched = self.searched.count(site).await?;
        assert_eq!(self.written.count(site).await?, searched);
        Ok(searched)
    }

    async fn versions(&self, site: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
        self.written.versions(site).await
    }

    async fn export(
        &self,
        site: &str,
        each: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        self.searched.export(site, each).await
    }
}

impl<S: Generations> SearchIndex for Whole<S> {
    async fn languages(&self) -> Result<Vec<Language>, Failure> {
        self.searched.languages().await
    }

    async fn run(&self, plan: &Plan) -> Result<Answer, Failure> {
        self.searched.run(plan).await
    }

    async fn names(&self, prefix: Prefix) -> Result<Vec<Named>, Failure> {
        self.searched.names(prefix).await
    }

    async fn words(&self, prefix: String) -> Result<Vec<(String, u64)>, Failure> {
        self.searched.words(prefix).await
    }
}
