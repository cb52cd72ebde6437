//! Generations of an index in the S3 of the running stack, with pointers in its DynamoDB.

mod faults;
mod world;

use std::time::Duration;

use canter_core::document::Document;
use canter_core::ports::{Generations, IndexReader, IndexWriter};
use canter_ranking::query::{Hits, Query};
use canter_ranking::search::{SearchIndex, search};
use canter_tantivy::TantivyIndex;
use canter_tests::contract::index::{SITE, document};
use canter_tests::contract::{asked, finding, index};
use serde_json::Value;

use crate::query;
use world::{PLENTY, Place, Whole};

macro_rules! generations {
    ($of:ident: $($name:ident)+) => {
        $(#[tokio::test] #[ignore = "needs the servers of make test"] async fn $name() {
            let place = Place::create().await;
            $of::$name(&place.index()).await;
        })+
    };
}

canter_tests::promises_of_an_index!(generations);

async fn put(index: &impl IndexWriter, documents: Vec<Document>) {
    let (put, flushed) = tokio::join!(biased; index.put(documents), index.flush());
    assert_eq!(put, Ok(vec![]));
    flushed.unwrap();
}

async fn found(index: &impl SearchIndex, text: &str) -> Hits {
    search(index, &query(text)).await.unwrap()
}

async fn paths(index: &impl SearchIndex, text: &str) -> Vec<String> {
    crate::paths(&found(index, text).await)
}

fn pages(paths: std::ops::Range<usize>, word: &str) -> Vec<Document> {
    paths
        .map(|number| document(&format!("/{number}"), 1, word))
        .collect()
}

/// The score of a page depends on all pages of all sites, so it shows whether their segments make
/// one index.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn scores_are_those_of_one_folder() {
    let place = Place::create().await;
    let generations = place.index();
    let folder = tempfile::tempdir().unwrap();
    let whole = TantivyIndex::open(folder.path()).unwrap();
    let other = |mut document: Document| {
        document.site = "other.example".into();
        document
    };
    let mut ours = pages(0..30, "ponies");
    ours.extend(pages(30..40, "ponies and horses, which are horses"));
    let theirs: Vec<Document> = pages(0..20, "horses and a few mules")
        .into_iter()
        .map(other)
        .collect();
    for documents in [ours, theirs] {
        put(&generations, documents.clone()).await;
        put(&whole, documents).await;
    }
    for text in ["ponies", "horses mules", "page about horses", "hors"] {
        let all = Query {
            limit: 50,
            ..query(text)
        };
        let [ours, theirs] = [
            search(&generations, &all).await.unwrap(),
            search(&whole, &all).await.unwrap(),
        ];
        assert_eq!(ours.total, theirs.total);
        assert!(text == "hors" || ours.total > 0);
        let scores = |hits: &Hits| -> Vec<_> {
            let hits = hits.hits.iter();
            hits.map(|hit| (hit.url.clone(), hit.score)).collect()
        };
        assert_eq!(scores(&ours), scores(&theirs), "{text}");
    }
}

/// A refresh of one page stores a segment more and what it has deleted, and not the index again.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_refresh_adds_a_segment() {
    let place = Place::create().await;
    let index = place.index();
    put(&index, pages(0..300, "ponies")).await;
    let first = place.requests("PutObject");
    put(&index, vec![document("/7", 2, "horses")]).await;
    // A segment has six files; then come the deleted page and what the generation is made of.
    assert_eq!((first, place.requests("PutObject") - first), (7, 8));
    assert_eq!(paths(&index, "horses").await, ["/7"]);
    // Nothing has changed, so nothing is stored.
    index.flush().await.unwrap();
    assert_eq!(place.requests("PutObject"), first + 8);
    // Another process goes on with it.
    let another = place.index();
    assert_eq!(another.versions(SITE).await.unwrap().len(), 300);
    put(&another, vec![document("/8", 2, "horses")]).await;
    let mut horses = paths(&index, "horses").await;
    horses.sort_unstable();
    assert_eq!(horses, ["/7", "/8"]);
    assert_eq!(index.versions(SITE).await.unwrap().len(), 300);
}

/// Many small publishings leave few segments. What no generation has is deleted, when it is old.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn segments_are_merged_and_files_deleted() {
    let place = Place::create().await;
    let index = place.index();
    let generations = place.generations();
    for number in 0..20 {
        put(&index, pages(number..number + 1, "ponies")).await;
    }
    let stray = "0123.store";
    generations.write(SITE, stray, vec![1]).await.unwrap();
    put(&index, pages(20..21, "ponies")).await;
    let of = async |ending: &str| {
        let files = place.generations().list(SITE).await.unwrap().into_iter();
        files.filter(|file| file.name.ends_with(ending)).count()
    };
    assert_eq!((of(".generation").await, of(".store").await), (21, 22));
    // Eight segments become one as soon as there are eight.
    let current = &generations.pointers().await.unwrap()[SITE].current;
    let manifest = generations.read_whole(SITE, current).await.unwrap();
    let manifest: Value = serde_json::from_slice(&manifest.unwrap()).unwrap();
    let segments = manifest["meta"]["segments"].as_array().unwrap();
    assert!(segments.len() < 8, "{}", segments.len());
    let later = place.generations_at(Duration::from_secs(2 * 3600));
    let later = Whole::over(later, place.generations(), PLENTY);
    assert_eq!(later.versions(SITE).await.unwrap().len(), 21);
    put(&later, pages(21..22, "ponies")).await;
    let names = generations.list(SITE).await.unwrap();
    assert!(names.iter().all(|file| file.name != stray));
    assert_eq!(of(".generation").await, 2);
    assert_eq!(found(&later, "ponies").await.total, 22);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_site_is_rolled_back_and_published_again() {
    let place = Place::create().await;
    let index = place.index();
    assert_eq!(place.generations().roll_back(SITE).await, Ok(None));
    put(&index, vec![document("/a", 1, "ponies")]).await;
    assert_eq!(place.generations().roll_back(SITE).await, Ok(Some(false)));
    put(&index, vec![document("/a", 2, "horses")]).await;
    assert_eq!(place.generations().roll_back(SITE).await, Ok(Some(true)));
    assert_eq!(paths(&index, "ponies").await, ["/a"]);
    assert_eq!(paths(&index, "horses").await, [""; 0]);
    // The writer sees it too, though it has built the other one.
    let old = index.versions(SITE).await.unwrap();
    assert_eq!(
        old,
        [(document("/a", 1, "").id(), document("/a", 1, "").version)]
    );
    put(&index, vec![document("/a", 2, "horses")]).await;
    assert_eq!(paths(&index, "horses").await, ["/a"]);
    assert_eq!(place.generations().roll_back(SITE).await, Ok(Some(true)));
    assert_eq!(place.generations().roll_back(SITE).await, Ok(Some(true)));
    assert_eq!(paths(&index, "horses").await, ["/a"]);
}
