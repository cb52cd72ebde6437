//! Faults: the old generation goes on answering, and nothing is lost.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use canter_aws::CloudGenerations;
use canter_core::failure::Failure;
use canter_core::ports::{Generations, IndexReader, IndexWriter, KeptFile, Pointer};
use canter_ranking::search::search;
use canter_tantivy::{GenerationsIndex, GenerationsReader};
use canter_tests::contract::index::{SITE, document};

use super::world::{PLENTY, Place, Whole, room};
use super::{found, pages, paths, put};
use crate::query;

/// A bucket that takes nothing while it is shut.
struct Gate {
    generations: CloudGenerations,
    shut: Arc<AtomicBool>,
}

impl Gate {
    fn check(&self) -> Result<(), Failure> {
        match self.shut.load(Ordering::Relaxed) {
            true => Err(Failure::permanent("the bucket denies it")),
            false => Ok(()),
        }
    }
}

impl Generations for Gate {
    async fn pointers(&self) -> Result<BTreeMap<String, Pointer>, Failure> {
        self.generations.pointers().await
    }

    async fn point(
        &self,
        site: &str,
        from: Option<&Pointer>,
        to: &Pointer,
    ) -> Result<bool, Failure> {
        self.generations.point(site, from, to).await
    }

    async fn read(
        &self,
        site: &str,
        name: &str,
        part: Range<u64>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        self.generations.read(site, name, part).await
    }

    async fn read_whole(&self, site: &str, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.generations.read_whole(site, name).await
    }

    async fn write(&self, site: &str, name: &str, content: Vec<u8>) -> Result<(), Failure> {
        self.check()?;
        self.generations.write(site, name, content).await
    }

    /// The first files of a generation come through.
    async fn upload(&self, site: &str, name: &str, file: &Path) -> Result<(), Failure> {
        if !name.ends_with(".fast") {
            self.check()?;
        }
        self.generations.upload(site, name, file).await
    }

    async fn list(&self, site: &str) -> Result<Vec<KeptFile>, Failure> {
        self.generations.list(site).await
    }

    async fn delete(&self, site: &str, names: Vec<String>) -> Result<(), Failure> {
        self.generations.delete(site, names).await
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_generation_that_is_half_stored_is_not_shown() {
    let place = Place::create().await;
    let shut = Arc::new(AtomicBool::new(false));
    let gate = || Gate {
        generations: place.generations(),
        shut: Arc::clone(&shut),
    };
    let index = Whole::over(gate(), gate(), PLENTY);
    put(&index, pages(0..3, "ponies")).await;
    shut.store(true, Ordering::Relaxed);
    let (put_later, flushed) =
        tokio::join!(biased; index.put(pages(3..5, "ponies")), index.flush());
    let denied = Failure::permanent("the bucket denies it");
    assert_eq!((put_later, flushed), (Err(denied.clone()), Err(denied)));
    assert_eq!(found(&index, "ponies").await.total, 3);
    assert_eq!(index.versions(SITE).await.unwrap().len(), 3);
    shut.store(false, Ordering::Relaxed);
    put(&index, pages(3..5, "ponies")).await;
    assert_eq!(found(&index, "ponies").await.total, 5);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn of_two_that_publish_at_once_one_begins_again() {
    let place = Place::create().await;
    let (one, other) = (place.index(), place.index());
    put(&one, pages(0..1, "ponies")).await;
    for index in [&one, &other] {
        assert_eq!(index.versions(SITE).await.unwrap().len(), 1);
    }
    put(&one, pages(1..2, "ponies")).await;
    let late = pages(2..3, "ponies");
    let (late_put, flushed) = tokio::join!(biased; other.put(late.clone()), other.flush());
    for failed in [late_put.map(drop), flushed] {
        let failure = failed.unwrap_err();
        assert!(matches!(&failure, Failure::Transient(why) if why.contains("at the same time")));
    }
    assert_eq!(found(&other, "ponies").await.total, 2);
    assert_eq!(other.versions(SITE).await.unwrap().len(), 2);
    put(&other, late).await;
    assert_eq!(found(&one, "ponies").await.total, 3);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_index_that_is_too_large_is_told() {
    let place = Place::create().await;
    put(&place.index(), pages(0..200, "ponies")).await;
    let folder = tempfile::tempdir().unwrap();
    let small = room(folder.path(), 4_000);
    let written = GenerationsIndex::new(place.generations(), small.clone());
    let failure = written.versions(SITE).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Permanent(why) if why.contains("deploy with a larger IndexStorage")),
        "{failure}"
    );
    // A search reads what does not fit again and again.
    let searched = Whole::over(place.generations(), place.generations(), 4_000);
    assert_eq!(found(&searched, "ponies").await.total, 200);
    assert_eq!(paths(&searched, "page 17").await[0], "/17");
}

/// The files of the generation that a search reads are deleted under its hands: it reads the newest
/// one.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_generation_that_is_gone_is_left() {
    let place = Place::create().await;
    put(&place.index(), pages(0..200, "ponies")).await;
    let folder = tempfile::tempdir().unwrap();
    let looks_rarely = Duration::from_secs(3600);
    // With no room for files, each search asks the bucket.
    let searched =
        GenerationsReader::new(place.generations(), &room(folder.path(), 0), looks_rarely).unwrap();
    assert_eq!(
        search(&searched, &query("ponies")).await.unwrap().total,
        200
    );
    let old = place.generations().list(SITE).await.unwrap();
    let index = place.index();
    let ids = index.versions(SITE).await.unwrap();
    let ids = ids.into_iter().map(|(id, _)| id).collect();
    let (deleted, flushed) = tokio::join!(biased; index.delete(SITE, ids), index.flush());
    deleted.and(flushed).unwrap();
    put(&index, vec![document("/new", 2, "ponies")]).await;
    let old = old.into_iter().map(|file| file.name).collect();
    place.generations().delete(SITE, old).await.unwrap();
    let hits = search(&searched, &query("ponies")).await.unwrap();
    assert_eq!(crate::paths(&hits), ["/new"]);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_lost_generation_leaves_the_one_before() {
    let place = Place::create().await;
    put(&place.index(), vec![document("/a", 1, "ponies")]).await;
    put(&place.index(), vec![document("/b", 1, "ponies")]).await;
    let pointer = &place.generations().pointers().await.unwrap()[SITE];
    let current = vec![pointer.current.clone()];
    place.generations().delete(SITE, current).await.unwrap();
    assert_eq!(paths(&place.index(), "ponies").await, ["/a"]);
}

/// After an update of canter that changes the layout, a site is searched when it was written anew.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn another_layout_is_made_anew() {
    let place = Place::create().await;
    let generations = place.generations();
    let old = r#"{"layout": "canter-index-0", "meta": {}, "files": {}, "left_out": {}}"#;
    generations.write(SITE, "old", old.into()).await.unwrap();
    let pointer = Pointer {
        current: "old".into(),
        previous: None,
    };
    assert!(generations.point(SITE, None, &pointer).await.unwrap());
    let index = place.index();
    let failure = search(&index, &query("ponies")).await.unwrap_err();
    assert!(
        failure
            .to_string()
            .contains("canter reindex example.org --aws"),
        "{failure}"
    );
    assert_eq!(index.versions(SITE).await.unwrap(), []);
    put(&index, pages(0..2, "ponies")).await;
    assert_eq!(found(&index, "ponies").await.total, 2);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_empty_stack_says_what_to_do() {
    let place = Place::create().await;
    let failure = search(&place.index(), &query("ponies")).await.unwrap_err();
    assert!(
        failure.to_string().contains("crawl a site first"),
        "{failure}"
    );
}
